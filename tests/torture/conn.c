/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * A client's socket.  The one thing here that is not what every client does:
 * before a connection is broken on purpose its host falls silent.  A filter
 * drops every segment that arrives, so that no byte is acknowledged any more;
 * then all that had been acknowledged is read, and only then comes the reset.
 * Otherwise a byte could arrive between the last read and the reset, be
 * acknowledged by the kernel, and vanish: telld would rightly say `delivered`,
 * for that is what it promises (the host has it), and nobody would have seen
 * it.  A silent host is also what a pulled cable looks like.
 */
#define _GNU_SOURCE
#include "torture.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <linux/filter.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TINY_BUFFER 2304 /* the least that Linux gives */

void
conn_init(struct conn *c, bool is_unix)
{
	*c = (struct conn){.fd = -1, .is_unix = is_unix};
	c->in = malloc(IN_SIZE);
	c->out = malloc(OUT_SIZE);
	if (c->in == NULL || c->out == NULL)
		abort();
}

static int
connect_to(const struct torture *t, int fd, bool is_unix)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};

	if (!is_unix)
		return connect(fd, (const struct sockaddr *)&t->daemon.address,
		    sizeof t->daemon.address);
	memcpy(un.sun_path, t->daemon.socket, strlen(t->daemon.socket));
	return connect(fd, (const struct sockaddr *)&un, sizeof un);
}

bool
conn_open(struct torture *t, struct conn *c, bool tiny)
{
	int size = TINY_BUFFER;

	c->in_used = c->out_at = c->out_used = 0;
	c->pfd = NULL;
	c->fd = socket(c->is_unix ? AF_UNIX : AF_INET,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd == -1)
		return false;
	if (tiny)
		setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	if (connect_to(t, c->fd, c->is_unix) == 0 || errno == EINPROGRESS)
		return true;
	conn_close(c);
	return false;
}

size_t
conn_room(const struct conn *c)
{
	return OUT_SIZE - (c->out_used - c->out_at);
}

void
conn_put(struct conn *c, const char *text, size_t len)
{
	if (c->out_used + len > OUT_SIZE) {
		c->out_used -= c->out_at;
		memmove(c->out, c->out + c->out_at, c->out_used);
		c->out_at = 0;
	}
	memcpy(c->out + c->out_used, text, len);
	c->out_used += len;
}

bool
conn_flush(struct conn *c)
{
	ssize_t n;

	while (c->out_at < c->out_used) {
		n = send(c->fd, c->out + c->out_at, c->out_used - c->out_at,
		    MSG_NOSIGNAL);
		if (n == -1)
			return errno == EAGAIN || errno == EINTR ||
			       errno == ENOTCONN;
		c->out_at += (size_t)n;
	}
	c->out_at = c->out_used = 0;
	return true;
}

static void
take_lines(struct torture *t, struct conn *c, line_fn *fn, void *owner)
{
	char *at = c->in, *end = c->in + c->in_used, *lf;

	while ((lf = memchr(at, '\n', (size_t)(end - at))) != NULL) {
		*lf = '\0';
		fn(t, owner, at, (size_t)(lf - at));
		at = lf + 1;
	}
	c->in_used = (size_t)(end - at);
	memmove(c->in, at, c->in_used);
	if (c->in_used == IN_SIZE) {
		fault(t, "a line of more than %zu bytes", IN_SIZE);
		c->in_used = 0;
	}
}

enum conn_state
conn_read(struct torture *t, struct conn *c, line_fn *fn, void *owner)
{
	ssize_t n;

	for (;;) {
		n = recv(c->fd, c->in + c->in_used, IN_SIZE - c->in_used, 0);
		if (n == 0)
			return CONN_EOF;
		if (n == -1)
			return errno == EAGAIN || errno == EINTR ||
			               errno == ENOTCONN
			           ? CONN_OPEN
			           : CONN_BROKEN;
		c->in_used += (size_t)n;
		take_lines(t, c, fn, owner);
	}
}

void
conn_silence(struct conn *c)
{
	struct sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog program = {1, &nothing};

	if (!c->is_unix)
		setsockopt(c->fd, SOL_SOCKET, SO_ATTACH_FILTER, &program,
		    sizeof program);
}

void
conn_half_close(struct conn *c)
{
	shutdown(c->fd, SHUT_WR);
}

void
conn_reset(struct conn *c)
{
	struct linger now = {1, 0};

	if (c->fd != -1)
		setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
	conn_close(c);
}

void
conn_close(struct conn *c)
{
	if (c->fd != -1)
		close(c->fd);
	c->fd = -1;
	c->pfd = NULL;
}
