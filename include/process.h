/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * process.h - the one place that forks, and what a child must not keep.
 */
#ifndef PROCESS_H
#define PROCESS_H

#include <sys/types.h>

#include <stddef.h>

/* fork(2).  In the child all signals are blocked, until it calls
 * signals_open() or signals_ignore_all().  -1/errno. */
pid_t process_fork(void);

/*
 * Closes every descriptor above 2 that is not in keep (-1 in it is passed
 * over) and not the log's: what a role must not hold, it does not hold.
 */
void process_keep_only(const int *keep, size_t count);

/* Zeroed memory for as long as this process lives, which its children do not
 * inherit: so it does not make forking slower.  NULL/errno. */
void *process_own_memory(size_t size);

/* Raises RLIMIT_NOFILE to its hard limit; returns what it is then. */
size_t process_raise_descriptors(void);

#endif
