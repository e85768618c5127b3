/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * poller.h - which of many descriptors are ready.
 *
 * Level-triggered, like poll(2), and with epoll(7) behind the same functions
 * where the system has it.  With poll(2) one wait costs time in proportion to
 * all descriptors watched; with epoll(7) in proportion to those ready.
 */
#ifndef POLLER_H
#define POLLER_H

#include <stddef.h>

enum poller_kind {
	POLLER_AUTO,
	POLLER_POLL,
	POLLER_EPOLL
};

#define POLLER_READ  1U /* readable, or at end of file */
#define POLLER_WRITE 2U
#define POLLER_HUP   4U /* both sides finished, or an error; always reported */

struct poller_event {
	void *owner;     /* as given to poller_add() */
	unsigned events; /* POLLER_* */
};

struct poller;

/* NULL/errno on failure: ENOSYS if the system has no such kind. */
struct poller *poller_new(enum poller_kind kind);
void poller_free(struct poller *p);

/* "poll" or "epoll". */
const char *poller_name(const struct poller *p);

/* 0, or -1/errno: EEXIST when added twice, ENOENT when changed before. */
int poller_add(struct poller *p, int fd, unsigned events, void *owner);
int poller_change(struct poller *p, int fd, unsigned events, void *owner);

/* Before the descriptor is closed. */
void poller_remove(struct poller *p, int fd);

/*
 * Waits until something is ready or timeout milliseconds have passed (-1: for
 * ever).  Returns how many events were written, at most max; 0 on a time-out
 * or an interrupting signal.  -1/errno otherwise.  With more ready than max,
 * the rest comes with the next wait: none is starved.
 */
int poller_wait(
    struct poller *p, struct poller_event *out, int max, int timeout);

#endif
