/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "utc.h"
#include "utf8.h"

/*
 * A log that waits for its reader stops the daemon when the reader stops: a
 * pager, a full pipe, a terminal after ^S.  So no write here may block, yet
 * O_NONBLOCK must not be set on stderr itself: the flag belongs to the open
 * file, which the shell and its other children share.  There are three ways.
 */
enum sink_way {
	WAY_SEND,  /* a socket: MSG_DONTWAIT is for one call only */
	WAY_WRITE, /* an open file of our own, with O_NONBLOCK */
	WAY_POLL   /* ask for room, then write: good, but for a race */
};

struct sink {
	int fd; /* -1: not open */
	enum sink_way way;
	bool is_journal;       /* reads <PRIORITY>, and knows the time itself */
	bool is_torn;          /* the last write ended within a line */
	unsigned long dropped; /* lines, since one went through */
};

/* stderr is the one sink so far; a file, or syslog, would be another here. */
#define SINK_STDERR 0
#define SINKS       1

static struct sink sinks[SINKS] = {
    [SINK_STDERR] = {.fd = STDERR_FILENO, .way = WAY_POLL},
};
static char tag[LOG_TAG_MAX] = "telld";
static enum log_level threshold = LOG_LEVEL_INFO;
static pid_t pid; /* of the process that the counts are of */

/* The priorities of syslog(3), which sd-daemon(3) uses too. */
static const char *const priorities[] = {
    [LOG_LEVEL_ERROR] = "<3>",
    [LOG_LEVEL_WARNING] = "<4>",
    [LOG_LEVEL_INFO] = "<6>",
    [LOG_LEVEL_DEBUG] = "<7>",
};

/* JOURNAL_STREAM is DEVICE:INODE of the journal's socket, which stderr is or
 * is not: a shell in between may have redirected it (systemd.exec(5)). */
static bool
is_journal(int fd)
{
	const char *text = getenv("JOURNAL_STREAM");
	struct stat st;
	char own[64];

	if (text == NULL || fstat(fd, &st) == -1)
		return false;
	snprintf(own, sizeof(own), "%ju:%ju", (uintmax_t)st.st_dev,
	    (uintmax_t)st.st_ino);
	return strcmp(text, own) == 0;
}

static bool
is_socket(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
}

/* Opens what stderr is a second time, above 2 so that nobody takes it for a
 * standard descriptor.  -1 where there is no /dev/fd, or no right to. */
static int
reopen(void)
{
	int fd = open("/dev/fd/2",
	    O_WRONLY | O_APPEND | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	int high;

	if (fd == -1 || fd > STDERR_FILENO)
		return fd;
	high = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	close(fd);
	return high;
}

static void
open_stderr(struct sink *s)
{
	if (s->fd > STDERR_FILENO)
		close(s->fd);
	*s = (struct sink){.fd = STDERR_FILENO, .way = WAY_POLL};
	s->is_journal = is_journal(STDERR_FILENO);
	if (is_socket(STDERR_FILENO)) {
		s->way = WAY_SEND;
		return;
	}
	s->fd = reopen();
	if (s->fd == -1)
		s->fd = STDERR_FILENO;
	else
		s->way = WAY_WRITE;
}

void
log_open(const char *role)
{
	int saved = errno;

	open_stderr(&sinks[SINK_STDERR]);
	log_role("%s", role);
	errno = saved;
}

void
log_role(const char *fmt, ...)
{
	int saved = errno;
	va_list ap;

	va_start(ap, fmt);
	if (vsnprintf(tag, sizeof(tag), fmt, ap) < 0)
		tag[0] = '\0';
	va_end(ap);
	errno = saved;
}

void
log_set_level(enum log_level level)
{
	threshold = level;
}

bool
log_wants(enum log_level level)
{
	return level <= threshold;
}

int
log_descriptor(void)
{
	return sinks[SINK_STDERR].fd;
}

/* ------------------------------------------------------------ the text -- */

static void
format_prefix(
    const struct sink *s, enum log_level level, char *out, size_t size)
{
	struct timespec now = {0};
	char when[UTC_TEXT_MAX];

	if (s->is_journal) {
		snprintf(out, size, "%s", priorities[level]);
		return;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	utc_format(now.tv_sec, when);
	snprintf(out, size, "%s ", when);
}

/* A last net: whoever forgot log_escape can spoil a word, not forge a line. */
static void
blank_controls(char *line, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = '?';
}

/* Ends the len bytes of line in `...`, and not within a UTF-8 character. */
static size_t
shorten(char *line, size_t len)
{
	len -= 3;
	while (len > 0 && ((unsigned char)line[len] & 0xc0) == 0x80)
		len--;
	memcpy(line + len, "...", 3);
	return len + 3;
}

/* Returns the length of the whole line, with its newline and without NUL. */
static size_t
compose(const struct sink *s, enum log_level level, const char *text,
    char line[LOG_LINE_MAX])
{
	char prefix[UTC_TEXT_MAX + 1];
	size_t len;
	int whole;

	format_prefix(s, level, prefix, sizeof(prefix));
	whole = snprintf(line, LOG_LINE_MAX, "%stelld[%jd] %s: %s", prefix,
	    (intmax_t)pid, tag, text);
	len = whole < 0 ? 0 : (size_t)whole;
	if (len > LOG_LINE_MAX - 1)
		len = shorten(line, LOG_LINE_MAX - 1);
	blank_controls(line, len);
	line[len] = '\n';
	return len + 1;
}

/* ------------------------------------------------------------ the sinks -- */

static ssize_t
write_now(const struct sink *s, const char *line, size_t len)
{
	struct pollfd room = {.fd = s->fd, .events = POLLOUT};

	if (s->way == WAY_SEND)
		return send(s->fd, line, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (s->way == WAY_POLL &&
	    (poll(&room, 1, 0) != 1 || (room.revents & POLLOUT) == 0))
		return -1;
	return write(s->fd, line, len);
}

/* A line of which only a part went through counts as dropped, and what comes
 * next begins on a line of its own. */
static bool
put(struct sink *s, const char *line, size_t len)
{
	ssize_t n;

	if (s->is_torn && write_now(s, "\n", 1) != 1)
		return false;
	s->is_torn = false;
	n = write_now(s, line, len);
	s->is_torn = n > 0 && (size_t)n < len;
	return n == (ssize_t)len;
}

/* Lines that were dropped are told first, so that the gap shows where it is;
 * if even that does not fit, this line is one more of them. */
static bool
put_gap(struct sink *s)
{
	char line[LOG_LINE_MAX];
	char text[64];

	if (s->dropped == 0)
		return true;
	snprintf(text, sizeof(text), "dropped lines=%lu", s->dropped);
	if (!put(s, line, compose(s, LOG_LEVEL_WARNING, text, line)))
		return false;
	s->dropped = 0;
	return true;
}

static void
put_line(struct sink *s, enum log_level level, const char *text)
{
	char line[LOG_LINE_MAX];

	if (!put_gap(s) || !put(s, line, compose(s, level, text, line)))
		s->dropped++;
}

/* In a child the parent's counts are not its own to tell. */
static void
notice_fork(void)
{
	if (pid == getpid())
		return;
	pid = getpid();
	for (size_t i = 0; i < SINKS; i++)
		sinks[i].dropped = 0;
}

void
log_at(enum log_level level, const char *fmt, va_list ap)
{
	char text[LOG_LINE_MAX];
	int saved = errno;

	if (log_wants(level) && vsnprintf(text, sizeof(text), fmt, ap) >= 0) {
		notice_fork();
		for (size_t i = 0; i < SINKS; i++)
			put_line(&sinks[i], level, text);
	}
	errno = saved;
}

/* ----------------------------------------------------- for the callers -- */

void
log_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_at(LOG_LEVEL_ERROR, fmt, ap);
	va_end(ap);
}

void
log_warning(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_at(LOG_LEVEL_WARNING, fmt, ap);
	va_end(ap);
}

void
log_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_at(LOG_LEVEL_INFO, fmt, ap);
	va_end(ap);
}

void
log_debug(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_at(LOG_LEVEL_DEBUG, fmt, ap);
	va_end(ap);
}

void
fatal(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_at(LOG_LEVEL_ERROR, fmt, ap);
	va_end(ap);
	exit(EXIT_FAILURE);
}

void
bug(const char *fmt, ...)
{
	char text[LOG_LINE_MAX];
	va_list ap;

	va_start(ap, fmt);
	if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
		text[0] = '\0';
	va_end(ap);
	log_error("bug: %s", text);
	abort();
}

/* A quote or a space would end the word, and a backslash is how the others
 * are written. */
static bool
is_plain(uint32_t c)
{
	return !utf8_is_space(c) && !utf8_is_control(c) && !utf8_is_format(c) &&
	       c != '"' && c != '\'' && c != '\\' && c != '`';
}

/* The length of the character at s; *plain if it may stay as it is. */
static size_t
next_character(const char *s, size_t len, bool *plain)
{
	const char *end = s;
	size_t look = len < 4 ? len : 4; /* no character is longer */

	*plain = false;
	if (utf8_span(s, look) == 0)
		return 1;
	*plain = is_plain(utf8_decode(&end));
	return (size_t)(end - s);
}

size_t
log_escape(char *out, size_t size, const char *s, size_t len)
{
	size_t used = 0;

	while (len > 0) {
		bool plain;
		size_t n = next_character(s, len, &plain);

		if (size - used <= (plain ? n : 4 * n))
			break;
		if (plain)
			memcpy(out + used, s, n);
		for (size_t i = 0; !plain && i < n; i++)
			snprintf(out + used + 4 * i, 5, "\\x%02X",
			    (unsigned)(unsigned char)s[i]);
		used += plain ? n : 4 * n;
		s += n;
		len -= n;
	}
	out[used] = '\0';
	return used;
}
