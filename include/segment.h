/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * segment.h - one file of a journal.
 */
#ifndef SEGMENT_H
#define SEGMENT_H

#include "journal.h"
#include "segment_index.h"

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEGMENT_NAME_MAX 32

struct segment {
	TAILQ_ENTRY(segment) link; /* in its journal, oldest first */
	uint64_t number;
	int fd;        /* owned */
	uint64_t size; /* bytes, all of them durable */
	bool closed;   /* nothing is appended any more */
	struct place place; /* what is needed from it */
};

void segment_name(char name[SEGMENT_NAME_MAX], uint64_t number);

/*
 * Creates segment number in the directory dir (-1: in memory), with its header
 * written and all of it durable.  NULL/errno; nothing is left behind then.
 */
struct segment *segment_create(
    const struct journal_io *io, int dir, uint64_t number);

/* Opens an existing one for reading and appending.  NULL/errno. */
struct segment *segment_open(
    const struct journal_io *io, int dir, uint64_t number);

/*
 * Appends, and makes it durable.  -1/errno: the segment is closed and has the
 * size that it had, on disk too if that can be done; *dirty if it cannot.
 */
int segment_append(const struct journal_io *io, struct segment *s,
    const char *data, size_t len, bool *dirty);

/* Reads exactly len bytes.  -1/errno. */
int segment_read(const struct journal_io *io, const struct segment *s,
    uint64_t at, char *data, size_t len);

/* Closes, and frees; unlink: removes the file first, durably. */
void segment_free(
    const struct journal_io *io, struct segment *s, int dir, bool unlink);

#endif
