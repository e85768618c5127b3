/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * journal_io.h - the calls through which the journal touches the disk, in
 * one table, so that a test can have each of them fail.
 *
 * Each behaves as the call of its name: -1 and errno when it fails.  arg is
 * the table's own.
 */
#ifndef JOURNAL_IO_H
#define JOURNAL_IO_H

#include <sys/types.h>

#include <stddef.h>

struct journal_io {
	void *arg;
	/* openat(2), with mode 0600 when it creates. */
	int (*open)(void *arg, int dir, const char *name, int flags);
	/* pwrite(2), pread(2): may be short. */
	ssize_t (*write)(
	    void *arg, int fd, const void *bytes, size_t len, off_t at);
	ssize_t (*read)(void *arg, int fd, void *bytes, size_t len, off_t at);
	int (*truncate)(void *arg, int fd, off_t size);
	/* Data and what is needed to read it again: fdatasync(2). */
	int (*sync)(void *arg, int fd);
	/* A directory's entries: fsync(2). */
	int (*sync_dir)(void *arg, int dir);
	int (*unlink)(void *arg, int dir, const char *name);
};

/* The system's own. */
extern const struct journal_io journal_io_system;

#endif
