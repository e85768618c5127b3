/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * config.h - the configuration: telld.conf(5), and -o on the command line.
 *
 * One table in config.c holds all that is to know about a key: type, default,
 * range, place and meaning.  To start, and again at each reload:
 *
 *	config_defaults(&c);
 *	config_errors_clear(&e);
 *	config_read_file(&c, "/etc/telld.conf", false, &e);
 *	config_set(&c, "linger", "2 s", "-o", &e);	for each -o and -l
 *	if (!config_finish(&c, &e))
 *		...						e.text says why
 *
 * All errors are collected, not only the first.  A struct config owns no
 * memory: it is copied by assignment, so that a reload that fails just
 * drops the new one.  Durations are in milliseconds, sizes in bytes.
 */
#ifndef CONFIG_H
#define CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/types.h>

#include "address.h"
#include "log.h"
#include "message.h"
#include "motd.h"

/* The most `listen` lines. */
#define CONFIG_LISTEN_MAX 64

/* Room for a path, or any other value, with its NUL. */
#define CONFIG_VALUE_MAX 4096

/* The most `alias` lines, and room for one's value with its NUL. */
#define CONFIG_ALIAS_MAX      64
#define CONFIG_ALIAS_TEXT_MAX 512

/* The largest configuration file, in bytes. */
#define CONFIG_FILE_MAX ((size_t)256 * 1024)

/* Room for the text of all errors; what does not fit is counted. */
#define CONFIG_ERRORS_MAX 8192

enum config_poller {
	CONFIG_POLLER_AUTO, /* the best that there is */
	CONFIG_POLLER_POLL,
	CONFIG_POLLER_EPOLL /* Linux only: config_finish checks it */
};

enum config_store_for {
	CONFIG_STORE_FOR_KNOWN, /* names that have logged in before */
	CONFIG_STORE_FOR_ALL,
	CONFIG_STORE_FOR_NONE
};

struct config {
	size_t listen_count; /* at least 1 after config_finish */
	char listen[CONFIG_LISTEN_MAX][ADDRESS_TEXT_MAX];
	bool listen_overridden; /* by the command line: the file's are gone */
	mode_t unix_mode;       /* of the Unix sockets that clients use */

	int64_t login_timeout;       /* ms */
	bool greeting;               /* for those who are silent at first */
	char motd[CONFIG_VALUE_MAX]; /* a file, or "none" */
	char motd_text[MOTD_MAX];    /* what clients are sent of it ... */
	size_t motd_len;             /* ... and how many bytes that is */
	char broadcast[CONFIG_VALUE_MAX]; /* "all", "none", or names */
	size_t alias_count;
	char alias[CONFIG_ALIAS_MAX][CONFIG_ALIAS_TEXT_MAX]; /* NAME MEMBERS */
	int64_t linger;                                      /* ms */
	int64_t slow_after;                                  /* ms */
	int64_t dead_after;                                  /* ms */
	size_t line_max;      /* bytes, without the line's end */
	size_t queue_max;     /* bytes */
	unsigned max_clients; /* 0: as many as descriptors allow */
	enum config_poller poller;

	char store[CONFIG_VALUE_MAX]; /* a directory, or "none" */
	enum config_store_for store_for;
	bool room_store; /* for members who are away */
	unsigned mailbox_lines;
	size_t mailbox_max;   /* bytes */
	uint64_t store_max;   /* bytes */
	uint64_t segment_max; /* bytes */
	int64_t expire;       /* ms */

	char control[ADDRESS_PATH_MAX + 1]; /* path of the control socket */
	int ready_fd;                       /* -1: none */
	enum log_level log_level;
};

/*
 * One line for each error, with its newline: `telld.conf:3: linger: "1 ms": out
 * of range (100 ms to 10 min)`; at the end, if the text is full,
 * `and N more errors`.
 */
struct config_errors {
	unsigned count;               /* of all errors */
	unsigned shown;               /* of those in text */
	size_t len;                   /* of the whole lines in text */
	char text[CONFIG_ERRORS_MAX]; /* ends with NUL */
};

void config_errors_clear(struct config_errors *e);

/* Adds one line; the newline is added here.  For checks that only the caller
 * can make, such as whether a directory exists. */
void config_errors_add(struct config_errors *e, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Every key at its default; those that depend on the environment (listen,
 * store, control) are left open for config_finish. */
void config_defaults(struct config *c);

/*
 * Sets one key for the command line; where, such as `-o`, begins the error.
 * The first `listen` that comes this way removes those that a file gave.
 * Returns false if an error was added to e; c is then as it was.
 */
bool config_set(struct config *c, const char *key, const char *value,
    const char *where, struct config_errors *e);

/*
 * Sets one key for the command line from `KEY=VALUE`, as config_set does.
 */
bool config_set_pair(struct config *c, const char *pair, const char *where,
    struct config_errors *e);

/*
 * Reads len bytes of text, which came from file (for the errors).  No I/O.
 * Returns false if it added errors to e; keys without error are set.
 */
bool config_parse(struct config *c, const char *text, size_t len,
    const char *file, struct config_errors *e);

/*
 * Reads the file at path through config_parse.  One that does not exist
 * is an error only if must_exist.  Returns false if errors were added to e.
 */
bool config_read_file(struct config *c, const char *path, bool must_exist,
    struct config_errors *e);

/*
 * What no key can say alone: fills in the defaults that depend on others or
 * on HOME, XDG_STATE_HOME, XDG_RUNTIME_DIR and the effective user, and checks
 * the keys against each other.
 * Returns true if e holds no error at all, from whatever step.
 */
bool config_finish(struct config *c, struct config_errors *e);

/* True unless store is `none`. */
bool config_keeps_mail(const struct config *c);

/* True if `broadcast` lets that name write to everybody. */
bool config_may_broadcast(const struct config *c, const char *name, size_t len);

/*
 * If that name is an alias: true, and its members, one after the other for
 * message_next_dest(); they live as long as c.
 */
bool config_alias(const struct config *c, const char *name, size_t len,
    struct message_dests *members);

/* For config.c and config_finish.c: why the value of an `alias` line cannot be,
 * or NULL; and what is wrong with all of them together. */
const char *config_alias_why(const char *text);
void config_alias_check(const struct config *c, struct config_errors *e);

/*
 * Every key with its value, in the order of the manual and in a form that
 * config_parse reads back.  Returns the length of the whole text, like
 * snprintf(3): of size or more means that out was too small.
 */
size_t config_print(const struct config *c, char *out, size_t size);

/* What the table says about a key, for help and for tests. */
struct config_key_help {
	const char *name;
	const char *help;  /* one line */
	char fallback[64]; /* the default as one writes it; "" if derived */
	char accepts[96];  /* `100 ms to 10 min`, `auto, poll or epoll` */
};

/* Fills in help for the key at index (from 0); false after the last. */
bool config_key_help(size_t index, struct config_key_help *help);

#endif
