/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * signals.h - signals as bytes in a pipe, so that one poll waits for all.
 *
 * A handler does nothing but write its signal to the self-pipe; what it
 * means is decided in the role's loop.
 */
#ifndef SIGNALS_H
#define SIGNALS_H

#include <sys/types.h>

#include <stddef.h>

/* Catches the signals listed, ignores those that no role wants (SIGPIPE,
 * SIGXFSZ and, unless listed, SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2), and
 * unblocks all.  Returns the descriptor to poll, or -1/errno.  In a fork(2)ed
 * child it is called anew, and gives that child a pipe of its own. */
int signals_open(const int *caught, size_t count);

/* For a role that wants no signal at all. */
void signals_ignore_all(void);

/*
 * The next signal's number, or 0 if none waits.  For SIGCHLD, *child (may be
 * NULL) is the process that has changed; others may have changed with it, for
 * a signal that is pending already is not sent again.
 */
int signals_next(pid_t *child);

#endif
