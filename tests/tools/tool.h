/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * tool.h - what the clients that tests bring along have in common.
 *
 * They do what no nc can be made to do: reset a connection, vanish from the
 * network, read as slowly as they are told, flood.  Nothing here has a
 * deadline unless it says so: the test that runs the tool has one.
 */
#ifndef TOOL_H
#define TOOL_H

#include "address.h"

#include <sys/socket.h>

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TOOL_LINE_MAX (64 * 1024)

static inline void __attribute__((format(printf, 1, 2), noreturn))
die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

/* A number that is nothing else. */
static inline long
tool_number(const char *text)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (end == text || *end != '\0')
		die("not a number: %s", text);
	return n;
}

/* Connected to an address as telld itself tells it.  rcvbuf: bytes that the
 * kernel may keep for us, about; 0: as many as it likes. */
static inline int
tool_connect(const char *text, int rcvbuf)
{
	struct address a;
	const char *why;
	int fd;

	if (address_parse(text, &a, 1, &why) != 1)
		die("%s: not an address to connect to", text);
	fd = socket(a.sa.ss_family, SOCK_STREAM, 0);
	if (fd == -1)
		die("socket: %s", strerror(errno));
	if (rcvbuf > 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof(rcvbuf));
	if (connect(fd, (const struct sockaddr *)&a.sa, a.len) == -1)
		die("connect to %s: %s", text, strerror(errno));
	return fd;
}

static inline void
tool_send(int fd, const char *s, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, s, len, MSG_NOSIGNAL);

		if (n == -1 && errno != EINTR)
			die("send: %s", strerror(errno));
		if (n > 0) {
			s += n;
			len -= (size_t)n;
		}
	}
}

/* Closes with a reset: the other side sees ECONNRESET and not an end. */
static inline void
tool_reset(int fd)
{
	struct linger now = {.l_onoff = 1, .l_linger = 0};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
}

#endif
