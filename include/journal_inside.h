/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * journal_inside.h - what the files of the journal share: journal.c (what is
 * asked of it), journal_replay.c (at start), journal_pending.c (what waits
 * for the disk, and the sync), journal_compact.c (what becomes too old, and
 * space that comes back).  Nobody else includes it.
 */
#ifndef JOURNAL_INSIDE_H
#define JOURNAL_INSIDE_H

#include "journal.h"
#include "segment.h"
#include "segment_format.h"
#include "segment_index.h"

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

TAILQ_HEAD(segments, segment);

struct journal {
	struct journal_options o;
	int dir, lock; /* -1: in memory */
	struct segments segments;
	struct segment *reading; /* the one beside the last that may be open */
	uint64_t next_segment, file_bytes;
	struct journal_index index;
	struct place place; /* what stands in pending */
	char *pending;      /* owned: records to be written */
	size_t pending_used, pending_size;
	uint64_t next_position, highest_id;
	int error;                  /* errno of the last sync, or 0 */
	int unlink_error;           /* of the last removal, or 0 */
	struct journal_stats stats; /* those that are counted as they come */
};

void journal_report(const struct journal *j, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The segment that is appended to, or NULL. */
struct segment *journal_last(const struct journal *j);

/* Takes a segment out of the journal, and frees it. */
void journal_drop(struct journal *j, struct segment *s);

/* ---- pending records: false without memory ---- */

bool pending_mail(struct journal *j, struct entry *e, const struct mail *m);
bool pending_done(struct journal *j, uint64_t id);
bool pending_forget(struct journal *j, const struct box *box);

/* The record that a mark stands for, as its box has it now. */
bool pending_mark(struct journal *j, struct mark *m);

/* ---- where things stand: s is NULL for the pending bytes ---- */

void journal_place(struct journal *j, struct entry *e, struct segment *s,
    uint64_t at, size_t size);
void journal_displace(struct journal *j, struct entry *e);
void journal_place_mark(struct journal *j, struct mark *m, struct segment *s);
void journal_unmark(struct journal *j, struct mark *m);

/* Removes a mail from the index. */
void journal_remove(struct journal *j, struct entry *e);

/* A box has lost something: what is no longer needed of it is let go. */
void journal_settle(struct journal *j, struct box *box);

/* ---- the rest ---- */

bool journal_set_rooms(struct box *box, const char *rooms, size_t len);

enum journal_found {
	JOURNAL_FOUND,
	JOURNAL_ROTTEN,    /* reported */
	JOURNAL_UNREADABLE /* errno; it may be readable another time */
};

/* The mail of an entry; valid until the next call. */
enum journal_found journal_fetch(
    struct journal *j, const struct entry *e, struct mail *m);

/* Reads all segments.  0, or -1/errno. */
int journal_replay(struct journal *j);

#endif
