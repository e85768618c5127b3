/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * Two growing buffers around a descriptor.  They grow to what one burst
 * needs and are freed when they run empty, so an idle channel costs nothing.
 * A descriptor that rides along comes with the first byte of its record, so
 * one field is enough to hold it until that record is whole: a fill ends at a
 * descriptor (unix(7)), and the next one reads no further than that record.
 */
#define _GNU_SOURCE
#include "channel.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef MSG_CMSG_CLOEXEC
#define MSG_CMSG_CLOEXEC 0
#endif

#define FILL_SIZE (64 * 1024) /* room offered to one read */

union control {
	struct cmsghdr align;
	char room[CMSG_SPACE(2 * sizeof(int))];
};

void
channel_init(struct channel *c, int fd)
{
	memset(c, 0, sizeof *c);
	c->fd = fd;
	c->passed = -1;
}

void
channel_close(struct channel *c)
{
	if (c->fd != -1)
		close(c->fd);
	if (c->passed != -1)
		close(c->passed);
	free(c->in);
	free(c->out);
	channel_init(c, -1);
}

static bool
grow(char **data, size_t *size, size_t need)
{
	size_t n = *size > 0 ? *size : 4096;
	char *p;

	while (n < need)
		n *= 2;
	if (n == *size)
		return true;
	p = realloc(*data, n);
	if (p == NULL)
		return false;
	*data = p;
	*size = n;
	return true;
}

/* Moves what is left to the front, and sees that a read finds room. */
static bool
make_room(struct channel *c)
{
	if (c->in_at > 0) {
		memmove(c->in, c->in + c->in_at, c->in_used - c->in_at);
		c->in_used -= c->in_at;
		c->in_at = 0;
	}
	return grow(&c->in, &c->in_size, c->in_used + FILL_SIZE);
}

/*
 * How much to read.  A read that ends within a record takes its descriptor
 * away from the rest of it, and the kernel would then give that rest together
 * with the next record and the next descriptor.  So while a descriptor waits
 * for its record, no more than that record is read.
 */
static size_t
fill_max(const struct channel *c)
{
	size_t room = c->in_size - c->in_used, have = c->in_used - c->in_at;
	size_t whole = sizeof(struct record);
	struct record r;

	if (c->passed == -1 || have == 0)
		return room;
	if (have >= sizeof r) {
		memcpy(&r, c->in + c->in_at, sizeof r);
		whole += r.length;
	}
	if (have >= whole)
		return room;
	return whole - have < room ? whole - have : room;
}

/* Where some did not fit (MSG_CTRUNC) the others are here all the same. */
static enum channel_state
take_descriptor(struct channel *c, struct msghdr *m)
{
	struct cmsghdr *cm = CMSG_FIRSTHDR(m);
	bool cut = (m->msg_flags & MSG_CTRUNC) != 0;
	size_t n = 0;
	int fd[2];

	if (cm != NULL && cm->cmsg_level == SOL_SOCKET &&
	    cm->cmsg_type == SCM_RIGHTS) {
		n = (cm->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fd, CMSG_DATA(cm), n * sizeof(int));
	}
	/* A cut with nothing: there was no descriptor left to receive it in.
	 * Its record comes without one, which its reader has to bear. */
	if (n == 0)
		return CHANNEL_OPEN;
	if (n == 1 && !cut && c->passed == -1) {
		c->passed = fd[0];
		return CHANNEL_OPEN;
	}
	while (n > 0)
		close(fd[--n]);
	errno = EPROTO;
	return CHANNEL_ERROR;
}

enum channel_state
channel_fill(struct channel *c)
{
	union control control;
	struct iovec iov;
	struct msghdr m = {0};
	ssize_t n;

	if (!make_room(c))
		return CHANNEL_ERROR;
	iov.iov_base = c->in + c->in_used;
	iov.iov_len = fill_max(c);
	m.msg_iov = &iov;
	m.msg_iovlen = 1;
	m.msg_control = &control;
	m.msg_controllen = sizeof control;
	n = recvmsg(c->fd, &m, MSG_CMSG_CLOEXEC);
	/* ECONNRESET: it ended without having read all, but it ended. */
	if (n == 0 || (n == -1 && errno == ECONNRESET))
		return CHANNEL_EOF;
	if (n == -1)
		return errno == EAGAIN || errno == EINTR ? CHANNEL_OPEN
		                                         : CHANNEL_ERROR;
	c->in_used += (size_t)n;
	return take_descriptor(c, &m);
}

bool
channel_next(struct channel *c, struct record *r, const char **payload,
    enum channel_state *state)
{
	size_t have = c->in_used - c->in_at;

	*state = CHANNEL_OPEN;
	if (have < sizeof *r) {
		if (have == 0) {
			free(c->in);
			c->in = NULL;
			c->in_at = c->in_used = c->in_size = 0;
		}
		return false;
	}
	memcpy(r, c->in + c->in_at, sizeof *r);
	if (r->length > CHANNEL_RECORD_MAX) {
		errno = EPROTO;
		*state = CHANNEL_ERROR;
		return false;
	}
	if (have - sizeof *r < r->length)
		return false;
	*payload = c->in + c->in_at + sizeof *r;
	c->in_at += sizeof *r + r->length;
	return true;
}

char *
channel_reserve(struct channel *c, size_t len)
{
	size_t need = c->out_used + sizeof(struct record) + len;

	if (need > c->out_size && c->out_at > 0) {
		memmove(c->out, c->out + c->out_at, c->out_used - c->out_at);
		c->out_used -= c->out_at;
		need -= c->out_at;
		c->out_at = 0;
	}
	if (!grow(&c->out, &c->out_size, need))
		return NULL;
	return c->out + c->out_used + sizeof(struct record);
}

void
channel_commit(struct channel *c, uint32_t type, size_t len)
{
	struct record r = {type, (uint32_t)len};

	memcpy(c->out + c->out_used, &r, sizeof r);
	c->out_used += sizeof r + len;
}

bool
channel_put(struct channel *c, uint32_t type, const void *payload, size_t len)
{
	char *room = channel_reserve(c, len);

	if (room == NULL)
		return false;
	if (len > 0)
		memcpy(room, payload, len);
	channel_commit(c, type, len);
	return true;
}

int
channel_flush(struct channel *c)
{
	ssize_t n;

	while (c->out_at < c->out_used) {
		n = send(c->fd, c->out + c->out_at, c->out_used - c->out_at,
		    MSG_NOSIGNAL);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return errno == EAGAIN ? 0 : -1;
		c->out_at += (size_t)n;
	}
	free(c->out);
	c->out = NULL;
	c->out_at = c->out_used = c->out_size = 0;
	return 0;
}

size_t
channel_waiting(const struct channel *c)
{
	return c->out_used - c->out_at;
}

int
channel_send_fd(
    struct channel *c, uint32_t type, const void *payload, size_t len, int fd)
{
	struct record r = {type, (uint32_t)len};
	struct iovec iov[2] = {
	    {&r, sizeof r}, {(void *)(uintptr_t)payload, len}};
	union control control;
	struct msghdr m = {0};
	struct cmsghdr *cm;
	ssize_t n;

	memset(&control, 0, sizeof control);
	m.msg_iov = iov;
	m.msg_iovlen = 2;
	m.msg_control = &control;
	m.msg_controllen = CMSG_SPACE(sizeof(int));
	cm = CMSG_FIRSTHDR(&m);
	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cm), &fd, sizeof fd);
	do
		n = sendmsg(c->fd, &m, MSG_NOSIGNAL);
	while (n == -1 && errno == EINTR);
	if (n == -1)
		return -1;
	/* The descriptor went with the first byte; a rest needs no more. */
	if ((size_t)n < sizeof r + len) {
		if (channel_put(c, type, payload, len)) {
			c->out_at += (size_t)n;
			return 0;
		}
		errno = ENOMEM;
		return -1;
	}
	return 0;
}

int
channel_pair(int fd[2])
{
	int i;

#ifdef SOCK_NONBLOCK
	i = socketpair(
	    AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd);
	return i;
#else
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == -1)
		return -1;
	for (i = 0; i < 2; i++) {
		fcntl(fd[i], F_SETFD, FD_CLOEXEC);
		fcntl(fd[i], F_SETFL, O_NONBLOCK);
	}
	return 0;
#endif
}
