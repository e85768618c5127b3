/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * Two backends of one page each.  The poll(2) one keeps a dense array for the
 * system call and a table from descriptor to place in it, so that adding and
 * removing cost the same at any number; it begins each scan where the last
 * one stopped, so that a full event list starves nobody.
 */
#define _GNU_SOURCE
#include "poller.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/epoll.h>
#define HAVE_EPOLL 1
#else
#define HAVE_EPOLL 0
#endif

#define EPOLL_BATCH 512

struct poller {
	bool epoll;
	/* epoll(7) */
	int fd; /* -1 with poll(2) */
	/* poll(2) */
	struct pollfd *fds; /* dense, count in use */
	void **owners;      /* beside fds */
	int *place;         /* by descriptor: index in fds, -1 if none */
	size_t count, size; /* of fds and owners */
	size_t places;      /* size of place */
	size_t next;        /* where the next scan begins */
};

static short
to_poll(unsigned events)
{
	return (short)((events & POLLER_READ ? POLLIN : 0) |
		       (events & POLLER_WRITE ? POLLOUT : 0));
}

static unsigned
from_poll(short revents)
{
	return (revents & POLLIN ? POLLER_READ : 0) |
	       (revents & POLLOUT ? POLLER_WRITE : 0) |
	       (revents & (POLLHUP | POLLERR | POLLNVAL) ? POLLER_HUP : 0);
}

static int
poll_reserve(struct poller *p, int fd)
{
	size_t n;
	void *q;

	if (p->count == p->size) {
		n = p->size > 0 ? 2 * p->size : 64;
		q = realloc(p->fds, n * sizeof *p->fds);
		if (q == NULL)
			return -1;
		p->fds = q;
		q = realloc(p->owners, n * sizeof *p->owners);
		if (q == NULL)
			return -1;
		p->owners = q;
		p->size = n;
	}
	if ((size_t)fd >= p->places) {
		n = p->places > 0 ? p->places : 64;
		while (n <= (size_t)fd)
			n *= 2;
		q = realloc(p->place, n * sizeof *p->place);
		if (q == NULL)
			return -1;
		p->place = q;
		while (p->places < n)
			p->place[p->places++] = -1;
	}
	return 0;
}

static bool
is_watched(const struct poller *p, int fd)
{
	return fd >= 0 && (size_t)fd < p->places && p->place[fd] != -1;
}

/* The errors are those that epoll_ctl(2) gives. */
static int
poll_add(struct poller *p, int fd, unsigned events, void *owner)
{
	if (fd < 0 || is_watched(p, fd)) {
		errno = fd < 0 ? EBADF : EEXIST;
		return -1;
	}
	if (poll_reserve(p, fd) == -1)
		return -1;
	p->place[fd] = (int)p->count;
	p->fds[p->count] = (struct pollfd){fd, to_poll(events), 0};
	p->owners[p->count] = owner;
	p->count++;
	return 0;
}

static int
poll_change(struct poller *p, int fd, unsigned events, void *owner)
{
	if (!is_watched(p, fd)) {
		errno = ENOENT;
		return -1;
	}
	p->fds[p->place[fd]].events = to_poll(events);
	p->owners[p->place[fd]] = owner;
	return 0;
}

static void
poll_remove(struct poller *p, int fd)
{
	size_t at;

	if (!is_watched(p, fd))
		return;
	at = (size_t)p->place[fd];
	p->count--;
	p->place[p->fds[p->count].fd] = (int)at;
	p->place[fd] = -1;
	p->fds[at] = p->fds[p->count];
	p->owners[at] = p->owners[p->count];
}

static int
poll_wait(struct poller *p, struct poller_event *out, int max, int timeout)
{
	int ready = poll(p->fds, (nfds_t)p->count, timeout);
	size_t seen, at = p->next;
	int n = 0;

	if (ready <= 0)
		return ready;
	for (seen = 0; seen < p->count && n < ready && n < max; seen++, at++) {
		if (at >= p->count)
			at = 0;
		if (p->fds[at].revents == 0)
			continue;
		out[n].owner = p->owners[at];
		out[n].events = from_poll(p->fds[at].revents);
		n++;
	}
	p->next = at;
	return n;
}

#if HAVE_EPOLL
static struct epoll_event
to_epoll(unsigned events, void *owner)
{
	struct epoll_event e = {0};

	e.events = (events & POLLER_READ ? EPOLLIN : 0U) |
	           (events & POLLER_WRITE ? EPOLLOUT : 0U);
	e.data.ptr = owner;
	return e;
}

static int
wait_epoll(struct poller *p, struct poller_event *out, int max, int timeout)
{
	struct epoll_event e[EPOLL_BATCH];
	int i, n;

	n = epoll_wait(
	    p->fd, e, max < EPOLL_BATCH ? max : EPOLL_BATCH, timeout);
	for (i = 0; i < n; i++) {
		out[i].owner = e[i].data.ptr;
		out[i].events =
		    (e[i].events & EPOLLIN ? POLLER_READ : 0) |
		    (e[i].events & EPOLLOUT ? POLLER_WRITE : 0) |
		    (e[i].events & (EPOLLHUP | EPOLLERR) ? POLLER_HUP : 0);
	}
	return n;
}
#endif

struct poller *
poller_new(enum poller_kind kind)
{
	struct poller *p;

	if (kind == POLLER_EPOLL && !HAVE_EPOLL) {
		errno = ENOSYS;
		return NULL;
	}
	p = calloc(1, sizeof *p);
	if (p == NULL)
		return NULL;
	p->fd = -1;
#if HAVE_EPOLL
	if (kind != POLLER_POLL) {
		p->epoll = true;
		p->fd = epoll_create1(EPOLL_CLOEXEC);
		if (p->fd == -1) {
			free(p);
			return NULL;
		}
	}
#endif
	return p;
}

void
poller_free(struct poller *p)
{
	if (p->fd != -1)
		close(p->fd);
	free(p->fds);
	free(p->owners);
	free(p->place);
	free(p);
}

const char *
poller_name(const struct poller *p)
{
	return p->epoll ? "epoll" : "poll";
}

int
poller_add(struct poller *p, int fd, unsigned events, void *owner)
{
#if HAVE_EPOLL
	if (p->epoll) {
		struct epoll_event e = to_epoll(events, owner);

		return epoll_ctl(p->fd, EPOLL_CTL_ADD, fd, &e);
	}
#endif
	return poll_add(p, fd, events, owner);
}

int
poller_change(struct poller *p, int fd, unsigned events, void *owner)
{
#if HAVE_EPOLL
	if (p->epoll) {
		struct epoll_event e = to_epoll(events, owner);

		return epoll_ctl(p->fd, EPOLL_CTL_MOD, fd, &e);
	}
#endif
	return poll_change(p, fd, events, owner);
}

void
poller_remove(struct poller *p, int fd)
{
#if HAVE_EPOLL
	if (p->epoll) {
		epoll_ctl(p->fd, EPOLL_CTL_DEL, fd, NULL);
		return;
	}
#endif
	poll_remove(p, fd);
}

int
poller_wait(struct poller *p, struct poller_event *out, int max, int timeout)
{
	int n;

#if HAVE_EPOLL
	n = p->epoll ? wait_epoll(p, out, max, timeout)
	             : poll_wait(p, out, max, timeout);
#else
	n = poll_wait(p, out, max, timeout);
#endif
	return n == -1 && errno == EINTR ? 0 : n;
}
