/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

#define _GNU_SOURCE
#include "journal_io.h"

#include <fcntl.h>
#include <unistd.h>

static int
system_open(void *arg, int dir, const char *name, int flags)
{
	(void)arg;
	return openat(dir, name, flags, 0600);
}

static ssize_t
system_write(void *arg, int fd, const void *bytes, size_t len, off_t at)
{
	(void)arg;
	return pwrite(fd, bytes, len, at);
}

static ssize_t
system_read(void *arg, int fd, void *bytes, size_t len, off_t at)
{
	(void)arg;
	return pread(fd, bytes, len, at);
}

static int
system_truncate(void *arg, int fd, off_t size)
{
	(void)arg;
	return ftruncate(fd, size);
}

static int
system_sync(void *arg, int fd)
{
	(void)arg;
#ifdef F_FULLFSYNC
	return fcntl(fd, F_FULLFSYNC);
#else
	return fdatasync(fd);
#endif
}

static int
system_sync_dir(void *arg, int dir)
{
	(void)arg;
	return fsync(dir);
}

static int
system_unlink(void *arg, int dir, const char *name)
{
	(void)arg;
	return unlinkat(dir, name, 0);
}

const struct journal_io journal_io_system = {
    .open = system_open,
    .write = system_write,
    .read = system_read,
    .truncate = system_truncate,
    .sync = system_sync,
    .sync_dir = system_sync_dir,
    .unlink = system_unlink,
};
