/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * After a failed fdatasync(2) nobody knows which pages reached the disk, and
 * a second call may say that all is well.  So a segment whose sync failed is
 * never written to again: the journal goes on in a fresh one.
 */
#define _GNU_SOURCE
#include "segment.h"

#include "segment_format.h"

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
make(uint64_t number, int fd)
{
	struct segment *s = calloc(1, sizeof *s);

	if (s == NULL) {
		close(fd);
		return NULL;
	}
	s->number = number;
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

struct segment *
segment_create(const struct journal_io *io, int dir, uint64_t number)
{
	char header[SEGMENT_HEADER_SIZE], name[SEGMENT_NAME_MAX];
	struct segment *s;
	int fd, error;

	segment_name(name, number);
	fd = dir == -1 ? memory_file() : io->open(io->arg, dir, name,
				      O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC);
	if (fd == -1)
		return NULL;
	segment_put_header(header, number);
	if (write_all(io, fd, header, sizeof header, 0) == -1 ||
	    io->sync(io->arg, fd) == -1 ||
	    (dir != -1 && io->sync_dir(io->arg, dir) == -1)) {
		error = errno;
		close(fd);
		if (dir != -1)
			io->unlink(io->arg, dir, name);
		errno = error;
		return NULL;
	}
	s = make(number, fd);
	if (s != NULL)
		s->size = SEGMENT_HEADER_SIZE;
	return s;
}

struct segment *
segment_open(const struct journal_io *io, int dir, uint64_t number)
{
	char name[SEGMENT_NAME_MAX];
	struct segment *s;
	off_t size;
	int fd;

	segment_name(name, number);
	fd = io->open(io->arg, dir, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd == -1)
		return NULL;
	size = lseek(fd, 0, SEEK_END);
	s = make(number, fd);
	if (s != NULL)
		s->size = size > 0 ? (uint64_t)size : 0;
	return s;
}

int
segment_append(const struct journal_io *io, struct segment *s,
    const char *data, size_t len, bool *dirty)
{
	int error;

	*dirty = false;
	if (write_all(io, s->fd, data, len, s->size) == 0 &&
	    io->sync(io->arg, s->fd) == 0) {
		s->size += len;
		return 0;
	}
	error = errno;
	s->closed = true;
	*dirty = io->truncate(io->arg, s->fd, (off_t)s->size) == -1;
	errno = error;
	return -1;
}

int
segment_read(const struct journal_io *io, const struct segment *s, uint64_t at,
    char *data, size_t len)
{
	ssize_t n;

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
segment_free(
    const struct journal_io *io, struct segment *s, int dir, bool unlink_it)
{
	char name[SEGMENT_NAME_MAX];

	if (unlink_it && dir != -1) {
		segment_name(name, s->number);
		io->unlink(io->arg, dir, name);
		io->sync_dir(io->arg, dir);
	}
	close(s->fd);
	free(s);
}
