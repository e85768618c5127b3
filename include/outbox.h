/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * outbox.h - the text on its way to one client, until its host has it.
 *
 * A ring of bytes with two marks, and beside it a ring of copies, the pieces
 * those bytes consist of:
 *
 *	confirmed        sent            end
 *	    |-- in flight --|-- waiting --|
 *
 * A byte is kept until it is confirmed, because until then it may have to be
 * handed back.  What is confirmed stays in the ring until something newer
 * takes its place, and can be read again: no copy of it is kept for that.
 * Positions are counted from the first byte the client was
 * ever sent, in 64 bits: they do not wrap.
 *
 * Pure: no I/O, no clock, no knowledge of peers.
 */
#ifndef OUTBOX_H
#define OUTBOX_H

#include <sys/uio.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum copy_kind {
	COPY_NEWS, /* the server's own line; nobody misses it */
	COPY_LIVE, /* a message, not on disk; receipt says who wants to know */
	COPY_MAIL, /* a message from the store; id says which */
};

/* One piece of text, from one put. */
struct copy {
	union {
		struct receipt *receipt; /* COPY_LIVE; NULL: nobody asks */
		uint64_t id;             /* COPY_MAIL */
	} u;
	uint32_t len;  /* bytes of text, LF included */
	uint32_t time; /* when it was accepted, seconds since 1970, UTC */
	uint16_t head; /* bytes of "from NAME: " before the message's text */
	uint8_t kind;  /* enum copy_kind */
	bool again;    /* COPY_MAIL: it says that it may have been seen */
	uint8_t unused[4];
	uint64_t position; /* COPY_MAIL: in its mailbox, as the store counts */
};

struct outbox {
	char *bytes; /* owned; size is a power of two, or 0 */
	size_t size;
	struct copy *copies; /* owned; likewise */
	uint32_t copies_size, copies_first, copies_count;
	uint64_t confirmed, sent, end; /* positions; confirmed <= sent <= end */
	uint64_t first; /* position of the first copy's first byte; it may lie
	                 * before confirmed: part of the copy is confirmed */
	uint64_t base;  /* position of the oldest byte that this ring had */
	size_t keep;    /* so many bytes are kept, if there are so many; the
	                 * ring grows to hold them.  Set by its owner */
};

/*
 * Appends a piece of text that consists of the parts.  c->len is set here.
 * False without memory; nothing changed then.
 */
bool outbox_put(
    struct outbox *o, const struct iovec *part, int parts, struct copy c);

/* Bytes not yet confirmed, bytes not yet sent, and what all of it costs. */
static inline size_t
outbox_unconfirmed(const struct outbox *o)
{
	return (size_t)(o->end - o->confirmed);
}

static inline size_t
outbox_unsent(const struct outbox *o)
{
	return (size_t)(o->end - o->sent);
}

static inline size_t
outbox_cost(const struct outbox *o)
{
	return outbox_unconfirmed(o) + o->copies_count * sizeof(struct copy);
}

/* The next max unsent bytes, in one or two pieces: how many pieces. */
int outbox_unsent_span(const struct outbox *o, size_t max, struct iovec iov[2]);
void outbox_sent(struct outbox *o, size_t n);

/*
 * The client's host has acknowledged everything before position.  False if
 * that cannot be: less than before, or more than was sent.
 */
bool outbox_confirm(struct outbox *o, uint64_t position);

/*
 * Takes out the first copy if it is wholly confirmed (or anyway, if force):
 * true and the copy, and in iov its bytes, valid until the next put.
 * *seen: some of it was sent, so its reader may have seen it.
 */
bool outbox_take(struct outbox *o, bool force, struct copy *c,
    struct iovec iov[2], bool *seen);

/* What was sent is to be sent again. */
void outbox_rewind(struct outbox *o);

/*
 * The last whole lines, at most so many and in at most max bytes, sent or not:
 * they are copied to out, and their length is returned.  Every copy ends with
 * LF, of course.
 */
size_t outbox_last(
    const struct outbox *o, unsigned lines, char *out, size_t max);

/* Gives memory back if the outbox is empty: all of it, or all but what holds
 * the last bytes, keep of them and 1 KiB at least. */
void outbox_trim(struct outbox *o);
void outbox_shrink(struct outbox *o);
void outbox_free(struct outbox *o);

#endif
