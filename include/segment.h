/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * segment.h - one file of a journal.
 */
#ifndef SEGMENT_H
#define SEGMENT_H

#include "journal.h"
#include "segment_format.h"
#include "segment_index.h"

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEGMENT_NAME_MAX 32

struct segment {
	TAILQ_ENTRY(segment) link; /* in its journal, oldest first */
	uint64_t number;
	int dir;            /* where it is; -1: in memory */
	int fd;             /* owned; -1: at rest, and opened when it is read */
	uint64_t size;      /* bytes, all of them durable */
	bool closed;        /* nothing is appended any more */
	struct place place; /* what is needed from it */
};

void segment_name(char name[SEGMENT_NAME_MAX], uint64_t number);

/*
 * Creates a segment in the directory dir (-1: in memory), with its header
 * written and all of it durable.  NULL/errno; what may be left behind then is
 * overwritten by the next who creates that number.
 */
struct segment *segment_create(
    const struct journal_io *io, int dir, const struct segment_header *h);

/* Opens an existing one for reading and appending.  NULL/errno. */
struct segment *segment_open(
    const struct journal_io *io, int dir, uint64_t number);

/*
 * Appends, and makes it durable.  -1/errno: the segment has the size that it
 * had, on disk too if that can be done; *dirty if it cannot.  It is closed,
 * unless all that happened is that the disk was full.
 */
int segment_append(const struct journal_io *io, struct segment *s,
    const char *data, size_t len, bool *dirty);

/* Reads exactly len bytes.  -1/errno. */
int segment_read(const struct journal_io *io, struct segment *s, uint64_t at,
    char *data, size_t len);

/* Gives its descriptor back, if it can be had again. */
void segment_rest(struct segment *s);

/* Removes the file, durably.  -1/errno: it may or may not come back after a
 * crash; to be called again. */
int segment_unlink(const struct journal_io *io, struct segment *s);

void segment_free(struct segment *s);

#endif
