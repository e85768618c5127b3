/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * journal.h - the mail of those who are away, kept on disk.
 *
 * An append-only journal in files called segments, telld-store(5), and in
 * memory an index that says for each mail where it stands.  For one process
 * with one thread, which reads a batch of requests, calls journal_add() and
 * its sisters for each, then journal_sync() once for all of them, and only
 * then answers:
 *
 *	while (a request has come)
 *		journal_add(j, &mail);
 *	journal_sync(j, on_lost, arg);
 *	journal_compact(j, on_gone, arg);
 *
 * The cost of a request depends neither on how many mails there are nor on
 * how many mailboxes.
 *
 * Mail has two numbers.  Its id is the sender's, and makes a request that is
 * made twice harmless.  Its position is the journal's, grows with each mail
 * and IS the order of delivery, within a mailbox and across all; it survives
 * restarts and copying, and no position is ever given twice.
 *
 * The process must ignore SIGXFSZ, so that a file over RLIMIT_FSIZE is an
 * EFBIG like any full disk.
 */
#ifndef JOURNAL_H
#define JOURNAL_H

#include "journal_io.h"
#include "mail.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What does not fit is refused as JOURNAL_BAD. */
#define JOURNAL_TEXT_MAX  (16 * 1024) /* bytes of one mail's text */
#define JOURNAL_ROOMS_MAX 1024        /* bytes that go with a name */

/* Bytes of requests that may wait for journal_sync(); far more than a batch
 * has.  Beyond it everything is JOURNAL_NO_MEMORY. */
#define JOURNAL_PENDING_MAX (256U * 1024 * 1024)

/* The most mails one journal_expire() gives up. */
#define JOURNAL_EXPIRE_STEP 256

struct journal_options {
	const char *dir;             /* NULL: in memory only, nothing on disk */
	uint64_t store_max;          /* bytes on disk */
	uint64_t segment_max;        /* bytes, at most an eighth of store_max is
	                              * used, and at least 4 KiB */
	uint32_t mailbox_lines;      /* mails in one mailbox */
	uint64_t mailbox_bytes;      /* bytes of text in one mailbox */
	uint32_t expire;             /* age in seconds; 0: none */
	const struct journal_io *io; /* NULL: journal_io_system */
	bool locked; /* by journal_lock(), in somebody who lives longer */
	/* Told, one line without its end, what an admin should read; escape
	 * nothing, it is safe to log.  May be NULL. */
	void (*report)(void *arg, const char *line);
	void *arg;
};

struct journal;

/* A mail is no more: it expired, or the disk has damaged it. */
typedef void journal_gone(void *arg, uint64_t id, const char *to, size_t len);

/*
 * Makes dir if need be, but not its parents, and locks it for as long as the
 * descriptor, or one that was inherited from it, is open.  The descriptor, or
 * -1/errno: EWOULDBLOCK, somebody else has it locked.
 */
int journal_lock(const char *dir);

/*
 * Opens the journal, made if need be together with the last part of dir's
 * path; locks it, unless it is locked, and replays it.  Options are copied.  A
 * torn tail is cut off and damage is passed over; both are reported with file
 * and offset.
 *
 * NULL and *err: EWOULDBLOCK, another process has it open (at once: try
 * again); ENOTSUP, written by a version that we do not know (reported);
 * ENOMEM; or what the system said.
 */
struct journal *journal_open(const struct journal_options *o, int *err);

/* Forgets what is not yet synced, frees all, unlocks.  NULL is no journal. */
void journal_close(struct journal *j);

/* Other limits, from a reload: those of o, without dir, io, report and arg. */
void journal_set_limits(struct journal *j, const struct journal_options *o);

enum journal_result {
	JOURNAL_OK,
	JOURNAL_DUPLICATE,    /* has it already: it is as good as JOURNAL_OK */
	JOURNAL_MAILBOX_FULL, /* mailbox_lines or mailbox_bytes */
	JOURNAL_STORE_FULL,   /* store_max */
	JOURNAL_NO_MEMORY,
	JOURNAL_BAD /* exceeds a limit of the format; an empty name, id 0 */
};

/*
 * Keeps a mail, at the end of its mailbox; its position is not looked at.
 * With MAIL_FORCED it was accepted already: it is exempt from mailbox and store
 * limits, and does not count for those of its mailbox.  MAIL_AGAIN is kept.
 * JOURNAL_DUPLICATE: a mail with that id is here, and if journal_is_pending()
 * it is not durable either.  An id whose mail is done is not remembered.
 */
enum journal_result journal_add(struct journal *j, const struct mail *m);

/* Forgets a mail: it was delivered.  False: unknown, which is harmless. */
bool journal_done(struct journal *j, uint64_t id);

/*
 * Remembers that a name is known, seen at that time (seconds since 1970, UTC),
 * with rooms[0..rooms_len), which the journal does not look into; rooms NULL
 * leaves those that there are.
 */
enum journal_result journal_know(struct journal *j, const char *name,
    size_t len, uint32_t seen, const char *rooms, size_t rooms_len);

/* The name is known no more.  Its mail stays. */
enum journal_result journal_forget(
    struct journal *j, const char *name, size_t len);

/*
 * Mail of that name up to and with position may have been seen: it is read
 * with MAIL_AGAIN from now on.  Sets the mark, up or down; 0 is none.
 */
enum journal_result journal_set_tried(
    struct journal *j, const char *name, size_t len, uint64_t position);

/* Mail of that name does not expire while it is held.  Not kept on disk.
 * JOURNAL_NO_MEMORY can only come of holding. */
enum journal_result journal_hold(
    struct journal *j, const char *name, size_t len, bool held);

/*
 * Makes everything since the last success durable: one write, one sync.
 * 0: it is.  -1 and errno: what was not forced since then is rolled back, and
 * lost() is told each of those ids, in order (not of mails that were done in
 * the meantime; it may not call the journal).  The rest has then been tried
 * once more, without them: it is durable if journal_is_dirty() says no, else it
 * waits in memory for the next call, which is worth making with the next
 * batch or every few seconds.  The journal recovers by itself.
 */
int journal_sync(
    struct journal *j, void (*lost)(void *arg, uint64_t id), void *arg);

/* Something waits for journal_sync(). */
bool journal_is_dirty(const struct journal *j);

/* The mail with that id is here, and not yet durable. */
bool journal_is_pending(const struct journal *j, uint64_t id);

/* Why mail could last not be made durable, as errno; 0 since it could. */
int journal_error(const struct journal *j);

/*
 * Calls put for mail of a mailbox, in the order of delivery, behind position
 * `after` (0: from the first), until max bytes as mail_size() counts have
 * been put, but at least one mail.  put returns false to stop after the mail
 * that it was given.  All of a mail is valid only within the call; nothing
 * else may be called from within.  Mail that is not yet durable is put too.
 * Mail that the disk has damaged is reported and passed over.
 *
 * 1: there is more, go on behind the last position; 0: that was all; -1 and
 * errno: the disk could not be read, and what was put is valid.
 */
int journal_read(struct journal *j, const char *to, size_t len, uint64_t after,
    size_t max, bool (*put)(void *arg, const struct mail *m), void *arg);

/*
 * Gives up mail that is at `now` older than expire, oldest of each mailbox
 * first, JOURNAL_EXPIRE_STEP of them at most; gone() is told each.  Returns
 * whether more of it is due.
 */
bool journal_expire(
    struct journal *j, uint32_t now, journal_gone *gone, void *arg);

/* The time from which journal_expire() has something to do; UINT32_MAX: none
 * that can be foreseen. */
uint32_t journal_expire_at(const struct journal *j);

/*
 * Gives space back: removes segments that nobody needs, and copies what is
 * left of mostly dead ones on.  A bounded step, to be called after each
 * journal_sync(); copies are made durable by the next one.  gone() is told
 * mail that the disk turns out to have damaged.  Returns whether another round
 * of sync and compact, now, would do more.
 */
bool journal_compact(struct journal *j, journal_gone *gone, void *arg);

/* A name that is known, or that mail waits for, or that has a mark. */
struct journal_box {
	const char *name; /* these two are valid until the next call */
	const char *rooms;
	uint8_t len;
	uint16_t rooms_len;
	bool known;
	uint32_t seen; /* if known */
	uint32_t mails;
	uint64_t bytes;  /* of text */
	uint32_t oldest; /* time of its first mail; 0: there is none */
	uint64_t tried;  /* the mark */
	uint64_t
	    tried_before; /* the mark when it began to be held, or as it is */
};

/* False if there is no such name. */
bool journal_find(const struct journal *j, const char *name, size_t len,
    struct journal_box *box);

/* Each of them, in no order: *cursor is 0 at first, false comes after the
 * last.  Anything may be done between two calls; who comes or goes then may be
 * told or not. */
bool journal_next(struct journal *j, uint32_t *cursor, struct journal_box *box);

#define JOURNAL_HISTOGRAM 24

struct journal_stats {
	uint64_t mails;
	uint64_t boxes;      /* that journal_next() tells */
	uint64_t live_bytes; /* on disk, that are still needed */
	uint64_t file_bytes; /* on disk, all of it */
	uint64_t segments;
	uint64_t pending_bytes; /* that wait for journal_sync() */
	uint64_t syncs, sync_failures;
	uint64_t damaged; /* places reported, since open */
	uint64_t sync_ns; /* the last sync took */
	uint64_t sync_ns_max;
	/* Syncs that took 2^n to 2^(n+1) microseconds; less in the first, more
	 * in the last. */
	uint64_t sync_us[JOURNAL_HISTOGRAM];
};

void journal_get_stats(const struct journal *j, struct journal_stats *s);

/* The highest id that a mail here ever had, done or not. */
uint64_t journal_max_id(const struct journal *j);

#endif
