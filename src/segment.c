/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * After a failed fdatasync(2) nobody knows which pages reached the disk, and
 * a second call may say that all is well.  So a segment whose sync failed is
 * never written to again: the journal goes on in a fresh one.
 */
#define _GNU_SOURCE
#include "segment.h"

#include <sys/mman.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void
segment_name(char name[SEGMENT_NAME_MAX], uint64_t number)
{
	snprintf(name, SEGMENT_NAME_MAX, "journal.%016" PRIx64, number);
}

static int
memory_file(void)
{
#ifdef __linux__
	return memfd_create("telld-journal", MFD_CLOEXEC);
#else
	FILE *f = tmpfile();
	int fd = f != NULL ? dup(fileno(f)) : -1;

	if (f != NULL)
		fclose(f);
	return fd;
#endif
}

static struct segment *
make(int dir, uint64_t number, int fd)
{
	struct segment *s = calloc(1, sizeof *s);

	if (s == NULL) {
		close(fd);
		return NULL;
	}
	s->number = number;
	s->dir = dir;
	s->fd = fd;
	place_init(&s->place);
	return s;
}

static int
write_all(const struct journal_io *io, int fd, const char *data, size_t len,
    uint64_t at)
{
	ssize_t n;

	while (len > 0) {
		n = io->write(io->arg, fd, data, len, (off_t)at);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == 0)
			errno = ENOSPC;
		if (n <= 0)
			return -1;
		data += n;
		len -= (size_t)n;
		at += (uint64_t)n;
	}
	return 0;
}

static int
open_file(const struct journal_io *io, int dir, uint64_t number, int flags)
{
	char name[SEGMENT_NAME_MAX];

	if (dir == -1)
		return memory_file();
	segment_name(name, number);
	return io->open(
	    io->arg, dir, name, flags | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
}

/* Nothing of value is truncated: the journal is locked, and its numbers only
 * grow.  A file of that name is what a failure has left behind. */
struct segment *
segment_create(
    const struct journal_io *io, int dir, const struct segment_header *h)
{
	int fd = open_file(io, dir, h->number, O_RDWR | O_CREAT | O_TRUNC);
	char header[SEGMENT_HEADER_SIZE];
	struct segment *s;
	int error;

	if (fd == -1)
		return NULL;
	s = make(dir, h->number, fd);
	if (s == NULL)
		return NULL;
	segment_put_header(header, h);
	if (write_all(io, fd, header, sizeof header, 0) == 0 &&
	    io->sync(io->arg, fd) == 0 &&
	    (dir == -1 || io->sync_dir(io->arg, dir) == 0)) {
		s->size = SEGMENT_HEADER_SIZE;
		return s;
	}
	error = errno;
	(void)segment_unlink(io, s);
	segment_free(s);
	errno = error;
	return NULL;
}

struct segment *
segment_open(const struct journal_io *io, int dir, uint64_t number)
{
	int fd = open_file(io, dir, number, O_RDWR);
	struct segment *s;
	off_t size;

	if (fd == -1)
		return NULL;
	size = lseek(fd, 0, SEEK_END);
	s = make(dir, number, fd);
	if (s != NULL)
		s->size = size > 0 ? (uint64_t)size : 0;
	return s;
}

/* A full disk has refused a write: what was written of it was never synced,
 * and is cut off again.  A file that must not grow is given up. */
static bool
is_full(int error)
{
	return error == ENOSPC || error == EDQUOT;
}

int
segment_append(const struct journal_io *io, struct segment *s, const char *data,
    size_t len, bool *dirty)
{
	bool written;
	int error;

	*dirty = false;
	written = write_all(io, s->fd, data, len, s->size) == 0;
	if (written && io->sync(io->arg, s->fd) == 0) {
		s->size += len;
		return 0;
	}
	error = errno;
	*dirty = io->truncate(io->arg, s->fd, (off_t)s->size) == -1;
	s->closed = written || *dirty || !is_full(error);
	errno = error;
	return -1;
}

int
segment_read(const struct journal_io *io, struct segment *s, uint64_t at,
    char *data, size_t len)
{
	ssize_t n;

	if (s->fd == -1)
		s->fd = open_file(io, s->dir, s->number, O_RDONLY);
	if (s->fd == -1)
		return -1;
	while (len > 0) {
		n = io->read(io->arg, s->fd, data, len, (off_t)at);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == 0)
			errno = EIO;
		if (n <= 0)
			return -1;
		data += n;
		len -= (size_t)n;
		at += (uint64_t)n;
	}
	return 0;
}

void
segment_rest(struct segment *s)
{
	if (s->dir == -1 || s->fd == -1)
		return;
	close(s->fd);
	s->fd = -1;
}

int
segment_unlink(const struct journal_io *io, struct segment *s)
{
	char name[SEGMENT_NAME_MAX];

	if (s->dir == -1)
		return 0;
	segment_name(name, s->number);
	if (io->unlink(io->arg, s->dir, name) == -1 && errno != ENOENT)
		return -1;
	return io->sync_dir(io->arg, s->dir);
}

void
segment_free(struct segment *s)
{
	if (s->fd != -1)
		close(s->fd);
	free(s);
}
