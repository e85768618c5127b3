/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

#define _GNU_SOURCE
#include "journal_io.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static int
io_open(void *arg, int dir, const char *name, int flags)
{
	(void)arg;
	return openat(dir, name, flags | O_CLOEXEC, 0600);
}

static ssize_t
io_write(void *arg, int fd, const void *bytes, size_t len, off_t at)
{
	(void)arg;
	return pwrite(fd, bytes, len, at);
}

static ssize_t
io_read(void *arg, int fd, void *bytes, size_t len, off_t at)
{
	(void)arg;
	return pread(fd, bytes, len, at);
}

static int
io_truncate(void *arg, int fd, off_t size)
{
	(void)arg;
	return ftruncate(fd, size);
}

static int
io_sync(void *arg, int fd)
{
	(void)arg;
#ifdef __APPLE__
	return fcntl(fd, F_FULLFSYNC);
#else
	return fdatasync(fd);
#endif
}

static int
io_sync_dir(void *arg, int dir)
{
	(void)arg;
	return fsync(dir);
}

static int
io_unlink(void *arg, int dir, const char *name)
{
	(void)arg;
	return unlinkat(dir, name, 0);
}

/* posix_fallocate(3) would not do: it grows the file, and where the file
 * system does not know how, it writes zeros.  The tail must stay the tail. */
static int
io_reserve(void *arg, int fd, off_t at, off_t len)
{
	(void)arg;
#ifdef FALLOC_FL_KEEP_SIZE
	if (fallocate(fd, FALLOC_FL_KEEP_SIZE, at, len) == -1 &&
	    errno != EOPNOTSUPP && errno != ENOSYS && errno != EINTR)
		return -1;
#else
	(void)fd;
	(void)at;
	(void)len;
#endif
	return 0;
}

const struct journal_io journal_io_system = {NULL, io_open, io_write, io_read,
    io_truncate, io_sync, io_sync_dir, io_unlink, io_reserve};
