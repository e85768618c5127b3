/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * log.h - one line for one event, and never a wait for whoever reads them.
 *
 * A line is `TIME telld[PID] TAG: verb key=value ...`, in one write(2), at most
 * LOG_LINE_MAX bytes.  Under systemd (JOURNAL_STREAM names stderr) the time is
 * left to the journal and the line begins with `<PRIORITY>`: sd-daemon(3).
 * A reader that does not keep up costs lines, not time: what does not fit is
 * counted, and told by `dropped lines=N` before the next line that does.
 *
 * No allocation, no stdio stream; errno is left as it was.  SIGPIPE has to be
 * ignored by the process.  What users wrote is never logged; names,
 * addresses and the like go through log_escape first.
 */
#ifndef LOG_H
#define LOG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/* Bytes of a line, with its newline; a longer one ends in `...`. */
#define LOG_LINE_MAX 1024

/* Bytes of a tag, with its NUL; a longer one is cut. */
#define LOG_TAG_MAX 160

/* Room for n bytes escaped, with the NUL. */
#define LOG_ESCAPED_SIZE(n) (4 * (n) + 1)

enum log_level {
	LOG_LEVEL_ERROR,   /* telld, or a part of it, could not do its job */
	LOG_LEVEL_WARNING, /* it could, but someone should look */
	LOG_LEVEL_INFO,    /* what an admin wants to find later; the default */
	LOG_LEVEL_DEBUG    /* every step */
};

/*
 * Makes stderr the log's sink and role its tag.  Called first in the
 * process that starts, with the rights it starts with; children inherit the
 * sink, and call log_role.  Before it, lines go to stderr as good as they can.
 */
void log_open(const char *role);

/*
 * The tag of this process from now on: `broker`, or, formatted,
 * `session alice [127.0.0.1]:5123`.  The count of dropped lines is the
 * parent's in a fork(2)ed child: the first call in a process forgets it.
 */
void log_role(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

void log_set_level(enum log_level level);

/* True if lines of this level are written: saves costly arguments. */
bool log_wants(enum log_level level);

/*
 * The descriptor that lines are written to, which a process that closes all
 * that is not its own has to keep: above 2, or 2 itself.  Owned by the log.
 */
int log_descriptor(void);

void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_at(enum log_level level, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));

/* The environment failed (the caller says how, strerror(3) included): an
 * error line, then exit(3) with status 1. */
_Noreturn void fatal(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));

/* We failed: an error line that begins with `bug: `, then abort(3). */
_Noreturn void bug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * Makes len untrusted bytes at s safe for one word of a log line: printable
 * ASCII and well-formed UTF-8 (RFC 3629) are kept; white space, control
 * characters (C1 and Unicode's line and direction marks too), quotes,
 * backslashes and stray bytes become \xNN.
 * Stops before a character that does not fit; size is at least 1, and out
 * always ends with NUL.  Returns the length of out.
 */
size_t log_escape(char *out, size_t size, const char *s, size_t len);

#endif
