/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * channel.h - records over one end of a stream socketpair, without blocking.
 *
 * For the channels where ease counts: parent-broker and broker-store, both
 * ends.  (A session and the broker move so many bytes that each has its own
 * loop for them: session.c, peer.c.)
 */
#ifndef CHANNEL_H
#define CHANNEL_H

#include "record.h"

#include <stdbool.h>
#include <stddef.h>

#define CHANNEL_RECORD_MAX (128 * 1024) /* payload; more is an error */

enum channel_state {
	CHANNEL_OPEN,
	CHANNEL_EOF,   /* the other side has finished */
	CHANNEL_ERROR, /* errno says why; EPROTO: a record made no sense */
};

struct channel {
	int fd;   /* owned; -1 when closed */
	char *in; /* received, not yet taken */
	size_t in_at, in_used, in_size;
	char *out; /* put, not yet written */
	size_t out_at, out_used, out_size;
	int passed; /* owned; a descriptor that rode along, or -1 */
};

/* Takes over fd, which must be non-blocking. */
void channel_init(struct channel *c, int fd);

/* Closes the descriptor and frees the buffers. */
void channel_close(struct channel *c);

/*
 * Reads once what is there.  At most one descriptor is taken along with it,
 * into c->passed, for the record that it came with, before the next fill; an
 * unexpected second one is closed and is an error.  One for which this process
 * has no room left is lost: its record comes with c->passed -1.
 */
enum channel_state channel_fill(struct channel *c);

/*
 * The next whole record: true, and its payload, valid until the next call of
 * this or of channel_fill().
 * False: none yet, or *state is CHANNEL_ERROR because its length is absurd.
 */
bool channel_next(struct channel *c, struct record *r, const char **payload,
    enum channel_state *state);

/*
 * Room for a record's payload of at most len bytes at the end of what waits
 * to be written, or NULL without memory.  channel_commit() makes it a record.
 */
char *channel_reserve(struct channel *c, size_t len);
void channel_commit(struct channel *c, uint32_t type, size_t len);

/* Both at once; false without memory. */
bool channel_put(
    struct channel *c, uint32_t type, const void *payload, size_t len);

/* Writes what it can; -1/errno when the other side is gone. */
int channel_flush(struct channel *c);

/* Bytes put but not yet written. */
size_t channel_waiting(const struct channel *c);

/*
 * Sends one record with a descriptor riding along, past the buffer: nothing
 * may wait in it.  0: sent; what the socket had no room for waits now in the
 * buffer.  -1/EAGAIN: nothing sent, try when writable; another errno: the
 * other side is gone.  fd stays the caller's.
 */
int channel_send_fd(
    struct channel *c, uint32_t type, const void *payload, size_t len, int fd);

/* A non-blocking, close-on-exec stream socketpair.  -1/errno. */
int channel_pair(int fd[2]);

#endif
