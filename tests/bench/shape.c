/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * shape.c - what a kernel allows a server of telld's shape.
 *
 *	client -> child -> socketpair -> hub -> socketpair -> child -> client
 *
 * The same processes and the same four hops, and nothing else: no lines, no
 * names, no queues.  A parent accepts and forks a child for each connection,
 * which carries bytes between its client and the hub; the hub carries them
 * between connection 2k and connection 2k + 1, in the order of accepting.
 * Everyone reads what there is, up to 64 KiB, and writes it.  Whatever telld
 * does for its promises shows as the difference from this.
 *
 * shape [FD]: writes `listening on 127.0.0.1:PORT` to that descriptor, else to
 * standard output, and closes it.  When the parent ends its hub sees EOF and
 * ends, and so do the children; on SIGTERM it waits for them.
 */
#define _GNU_SOURCE /* accept4 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHUNK   ((size_t)64 * 1024)
#define EVENTS  512
#define BACKLOG 4096

/* Connections in the life of a hub. */
#define PEERS_MAX ((size_t)1 << 18)

/* ---- one direction ---- */

/* Bytes read from one side that the other did not take yet. */
struct pump {
	char *left; /* owned; NULL: nothing waits */
	size_t len, done;
};

static char chunk[CHUNK];

static _Noreturn void
fail(const char *what)
{
	fprintf(stderr, "shape: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* How much of it was taken; -1 if nobody will. */
static ssize_t
push(int to, const char *p, size_t n)
{
	ssize_t taken = send(to, p, n, MSG_NOSIGNAL);

	if (taken < 0 && (errno == EAGAIN || errno == EINTR))
		taken = 0;
	return taken;
}

static bool
pump_keep(struct pump *u, const char *p, size_t n)
{
	*u = (struct pump){.left = malloc(n), .len = n};
	if (u->left == NULL)
		return false;
	memcpy(u->left, p, n);
	return true;
}

/* Reads once and writes once.  False at the end, or if one side is broken. */
static bool
pump_move(struct pump *u, int from, int to)
{
	ssize_t n = recv(from, chunk, CHUNK, 0), taken;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (n <= 0)
		return false;
	taken = push(to, chunk, (size_t)n);
	if (taken < 0)
		return false;
	return taken == n || pump_keep(u, chunk + taken, (size_t)(n - taken));
}

/* Writes what is left.  False if nobody will take it. */
static bool
pump_drain(struct pump *u, int to)
{
	ssize_t taken = push(to, u->left + u->done, u->len - u->done);

	if (taken < 0)
		return false;
	u->done += (size_t)taken;
	if (u->done == u->len) {
		free(u->left);
		*u = (struct pump){0};
	}
	return true;
}

/* ---- a child: its client and the hub ---- */

static short
child_wants(const struct pump *in, const struct pump *out)
{
	return (short)((in->left == NULL ? POLLIN : 0) |
		       (out->left != NULL ? POLLOUT : 0));
}

static bool
child_round(int fd[2], struct pump pump[2])
{
	struct pollfd p[2];

	for (int i = 0; i < 2; i++)
		p[i] = (struct pollfd){
		    .fd = fd[i], .events = child_wants(&pump[i], &pump[1 - i])};
	if (poll(p, 2, -1) < 0)
		return errno == EINTR;
	for (int i = 0; i < 2; i++) {
		if (p[i].revents & POLLOUT && !pump_drain(&pump[1 - i], fd[i]))
			return false;
		if (p[i].revents & ~POLLOUT &&
		    (pump[i].left != NULL ||
			!pump_move(&pump[i], fd[i], fd[1 - i])))
			return false;
	}
	return true;
}

static _Noreturn void
child_run(int client, int hub)
{
	int fd[2] = {client, hub};
	struct pump pump[2] = {{0}, {0}};

	while (child_round(fd, pump))
		;
	_exit(0);
}

/* ---- the hub: connection 2k and connection 2k + 1 ---- */

struct peer {
	int fd;           /* -1: none yet, or gone */
	struct pump pump; /* from it to its mate */
};

struct hub {
	int epoll, parent;
	struct peer *peer; /* owned; max of them, by number of connection */
	size_t count, max;
};

static void
hub_watch(struct hub *h, int op, size_t i)
{
	struct epoll_event event = {.data.u64 = i};

	if (h->peer[i].pump.left == NULL)
		event.events |= EPOLLIN;
	if (h->peer[i ^ 1].pump.left != NULL)
		event.events |= EPOLLOUT;
	if (epoll_ctl(h->epoll, op, h->peer[i].fd, &event) != 0)
		fail("epoll_ctl");
}

static void
hub_close(struct hub *h, size_t i)
{
	if (h->peer[i].fd < 0)
		return;
	close(h->peer[i].fd);
	free(h->peer[i].pump.left);
	h->peer[i] = (struct peer){.fd = -1};
}

/* A byte from the parent, and the end of a child's socketpair with it.  What
 * the first of a pair sends stays in its socket until the second is here. */
static void
hub_add(struct hub *h)
{
	char byte, room[CMSG_SPACE(sizeof(int))];
	struct iovec io = {&byte, 1};
	struct msghdr m = {.msg_iov = &io,
	    .msg_iovlen = 1,
	    .msg_control = room,
	    .msg_controllen = sizeof(room)};
	ssize_t n = recvmsg(h->parent, &m, MSG_CMSG_CLOEXEC);

	if (n <= 0)
		_exit(0);
	if (CMSG_FIRSTHDR(&m) == NULL || h->count + 2 > h->max)
		fail("no room for one more");
	memcpy(
	    &h->peer[h->count].fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(int));
	if (h->count++ % 2 == 0)
		return;
	hub_watch(h, EPOLL_CTL_ADD, h->count - 2);
	hub_watch(h, EPOLL_CTL_ADD, h->count - 1);
}

static void
hub_on_event(struct hub *h, size_t i, unsigned events)
{
	struct peer *me = &h->peer[i], *mate = &h->peer[i ^ 1];
	bool was_full = me->pump.left != NULL, ok = true;
	bool owed = mate->pump.left != NULL;

	if (me->fd < 0)
		return;
	if (owed && events & EPOLLOUT)
		ok = pump_drain(&mate->pump, me->fd);
	if (ok && !was_full && events & ~(unsigned)EPOLLOUT)
		ok = pump_move(&me->pump, me->fd, mate->fd);
	if (!ok || (was_full && events & (EPOLLHUP | EPOLLERR))) {
		hub_close(h, i);
		hub_close(h, i ^ 1);
		return;
	}
	if (was_full != (me->pump.left != NULL) ||
	    owed != (mate->pump.left != NULL)) {
		hub_watch(h, EPOLL_CTL_MOD, i);
		hub_watch(h, EPOLL_CTL_MOD, i ^ 1);
	}
}

static _Noreturn void
hub_run(int parent, size_t max)
{
	struct hub h = {.parent = parent, .max = max};
	struct epoll_event e[EVENTS],
	    first = {.events = EPOLLIN, .data.u64 = UINT64_MAX};

	h.epoll = epoll_create1(EPOLL_CLOEXEC);
	h.peer = malloc(max * sizeof(*h.peer));
	if (h.epoll < 0 || h.peer == NULL)
		fail("hub");
	for (size_t i = 0; i < max; i++)
		h.peer[i] = (struct peer){.fd = -1};
	epoll_ctl(h.epoll, EPOLL_CTL_ADD, parent, &first);
	for (;;) {
		int n = epoll_wait(h.epoll, e, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			if (e[i].data.u64 == UINT64_MAX)
				hub_add(&h);
			else
				hub_on_event(&h, e[i].data.u64, e[i].events);
		}
	}
}

/* ---- the parent ---- */

static void
hand_over(int hub, int fd)
{
	char byte = 0, room[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec io = {&byte, 1};
	struct msghdr m = {.msg_iov = &io,
	    .msg_iovlen = 1,
	    .msg_control = room,
	    .msg_controllen = sizeof(room)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	if (sendmsg(hub, &m, MSG_NOSIGNAL) != 1)
		fail("sendmsg");
}

static void
admit(int listener, int hub)
{
	int client = accept4(listener, NULL, NULL, SOCK_NONBLOCK), on = 1;
	int pair[2];
	pid_t pid;

	if (client < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) != 0)
		fail("accept");
	setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	pid = fork();
	if (pid < 0)
		fail("fork");
	if (pid == 0) {
		close(listener);
		close(hub);
		close(pair[1]);
		child_run(client, pair[0]);
	}
	hand_over(hub, pair[1]);
	close(client);
	close(pair[0]);
	close(pair[1]);
}

static int
hub_start(size_t max)
{
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
		fail("socketpair");
	pid = fork();
	if (pid < 0)
		fail("fork");
	if (pid == 0) {
		close(pair[0]);
		hub_run(pair[1], max);
	}
	close(pair[1]);
	return pair[0];
}

static int hub_fd;

/* Nobody is left behind, to be a burden on what is measured next.  Children
 * are ignored, so that wait(2) returns when the last is gone. */
static void
on_term(int sig)
{
	(void)sig;
	close(hub_fd);
	while (wait(NULL) > 0)
		;
	_exit(0);
}

static int
listen_anywhere(int tell)
{
	struct sockaddr_in a = {.sin_family = AF_INET};
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, len) != 0 ||
	    listen(fd, BACKLOG) != 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &len) != 0)
		fail("listen");
	dprintf(tell, "listening on 127.0.0.1:%d\n", ntohs(a.sin_port));
	close(tell);
	return fd;
}

int
main(int argc, char **argv)
{
	struct rlimit limit;
	int listener;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		fail("getrlimit");
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		fail("setrlimit");
	signal(SIGCHLD, SIG_IGN); /* the kernel reaps */
	hub_fd = hub_start(PEERS_MAX);
	signal(SIGTERM, on_term);
	listener = listen_anywhere(
	    argc > 1 ? (int)strtol(argv[1], NULL, 10) : STDOUT_FILENO);
	for (;;)
		admit(listener, hub_fd);
}
