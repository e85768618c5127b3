/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * segment_index.h - what the journal holds, in memory: each mail's place on
 * disk, in the order of its mailbox.
 *
 * Pure: no I/O.  Used by the journal only.
 */
#ifndef SEGMENT_INDEX_H
#define SEGMENT_INDEX_H

#include "mail.h"
#include "name.h"

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct segment;

struct entry {
	TAILQ_ENTRY(entry) in_box; /* by position */
	TAILQ_ENTRY(entry) in_place;
	struct entry *next; /* in its chain */
	struct box *box;
	struct segment *segment; /* NULL: in the journal's pending bytes */
	uint64_t id, position;
	uint64_t at;    /* offset of its record, there */
	uint32_t size;  /* of that record */
	uint32_t bytes; /* of its text */
	uint32_t time;
	bool forced; /* it is not rolled back */
	bool
	    counted; /* for the limits of its mailbox: it was not handed back */
};

/* Where a name's NAME or TRIED record stands. */
struct mark {
	TAILQ_ENTRY(mark) in_place;
	struct box *box;
	struct segment *segment; /* NULL: in the journal's pending bytes */
	bool exists;             /* else it is in no place */
};

TAILQ_HEAD(entries, entry);
TAILQ_HEAD(marks, mark);

/* What is needed from a segment, or from the pending bytes: with it a
 * segment cannot go before all that was copied on. */
struct place {
	struct entries entries;
	struct marks marks;
};

struct box {
	struct box *next; /* in its chain */
	size_t aged;      /* 1 + its place in by_age; 0: it is not there */
	TAILQ_ENTRY(box) in_order; /* as they came */
	uint64_t hash;
	uint32_t serial; /* grows in that order */
	struct entries entries;
	uint64_t tried;                /* position */
	uint64_t tried_before;         /* when it began to be held */
	uint64_t bytes, counted_bytes; /* of text */
	uint32_t mails, counted_mails;
	uint32_t seen; /* when it last logged in */
	bool known;
	bool held;     /* its mail does not expire */
	bool unsorted; /* while replaying */
	struct mark known_mark, tried_mark;
	char *rooms; /* owned; kept with a known name */
	uint16_t rooms_len;
	uint8_t len;
	char name[NAME_MAX_LEN];
};

TAILQ_HEAD(boxes, box);

struct journal_index {
	uint64_t seed;        /* of the names' hashes */
	struct entry **by_id; /* owned */
	struct box **by_name; /* owned */
	size_t ids, names;    /* sizes, powers of two */
	size_t mails, boxes;
	uint64_t bytes;      /* of the records of all mails */
	struct box **by_age; /* owned; a heap: the box whose first mail is the
	                      * oldest comes first */
	size_t aged, aged_size;
	bool ready; /* by_age is kept up to date */
	struct boxes in_order;
	uint32_t serial;       /* of the last box */
	struct box *last_told; /* by index_nth_box(), if it is still there */
};

void place_init(struct place *p);
bool place_is_empty(const struct place *p);

bool index_init(struct journal_index *x);
void index_free(struct journal_index *x);

struct entry *index_find(const struct journal_index *x, uint64_t id);

/* The box of a name, made if need be; NULL without memory. */
struct box *index_box(struct journal_index *x, const char *name, size_t len);
struct box *index_find_box(
    const struct journal_index *x, const char *name, size_t len);

/* A new mail, last in its box.  NULL without memory. */
struct entry *index_add(struct journal_index *x, const struct mail *m);
void index_remove(struct journal_index *x, struct entry *e);

/* Frees a box that nothing needs. */
void index_release(struct journal_index *x, struct box *box);

/* After a replay, or none: puts each box into the order of positions, and the
 * boxes into that of age. */
bool index_ready(struct journal_index *x);

/* Mail of a box does not expire, or does. */
void index_hold(struct journal_index *x, struct box *box, bool held);

/* The box with the oldest first mail that is not held, or NULL. */
struct box *index_oldest(const struct journal_index *x);

/* Each box once: NULL begins and ends. */
struct box *index_next_box(
    const struct journal_index *x, const struct box *after);

/* The same for a caller who changes things between: *cursor begins at 0. */
struct box *index_nth_box(struct journal_index *x, uint32_t *cursor);

#endif
