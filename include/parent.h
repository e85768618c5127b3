/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * parent.h - the role in which the life of processes happens.
 *
 * Holds: the listening sockets, one channel to the broker, pids: a number of
 * descriptors that does not depend on how many clients there are.  Waits
 * for: connections, signals, the broker.  Forks the broker and one session
 * per connection, and reaps them.  Never reads a byte that a client wrote.
 * Ends when told to by a signal, when all that it forked has ended.
 */
#ifndef PARENT_H
#define PARENT_H

#include "config.h"
#include "listener.h"

#define PARENT_LISTENERS_MAX (CONFIG_LISTEN_MAX * ADDRESS_PER_TEXT)

struct parent_start {
	const struct config *config;
	struct listener *listeners; /* open; count of them */
	size_t count;
	struct listener *control; /* open, or with fd -1 */
	int lock;     /* of the journal, held as long as we live, or -1 */
	int ready_fd; /* where the addresses are told once telld is ready,
	               * then closed; -1: nowhere */
	void (*ready)(void *arg); /* called then; NULL: nobody */
	void *arg;
};

/* Runs until told to stop.  Returns the daemon's exit status. */
int parent_run(const struct parent_start *start);

#endif
