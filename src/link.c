/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * The system calls that differ between systems, and nothing else.  LINK_PLAIN
 * compiles the fallbacks everywhere, so that they are tested too.
 */
#define _GNU_SOURCE
#include "link.h"

#include <sys/ioctl.h>
#include <sys/socket.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <poll.h>

#if defined(__linux__) && !defined(LINK_PLAIN)
#include <linux/sockios.h>
#define LINK_UNACKED SIOCOUTQ
#elif defined(FIONWRITE) && !defined(LINK_PLAIN)
#define LINK_UNACKED FIONWRITE
#endif

#define PROBES   3     /* unanswered, and the link is dead */
#define IDLE_MAX 32767 /* seconds; what the kernel takes, tcp(7) */

static void
set(int fd, int level, int name, int64_t value)
{
	int v = (int)value;

	/* Each of these makes things better and none is needed. */
	(void)setsockopt(fd, level, name, &v, sizeof v);
}

static void
keepalive(int fd, int64_t idle_s, int64_t every_s)
{
	set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
#ifdef TCP_KEEPIDLE
	set(fd, IPPROTO_TCP, TCP_KEEPINTVL, every_s);
	set(fd, IPPROTO_TCP, TCP_KEEPCNT, PROBES);
	set(fd, IPPROTO_TCP, TCP_KEEPIDLE,
	    idle_s < IDLE_MAX ? idle_s : IDLE_MAX);
#else
	(void)idle_s;
	(void)every_s;
#endif
}

enum link_kind
link_prepare(int fd, int64_t dead_after)
{
	struct sockaddr_storage sa = {0};
	socklen_t len = sizeof sa;

	if (getsockname(fd, (struct sockaddr *)&sa, &len) == 0 &&
	    sa.ss_family == AF_UNIX)
		return LINK_UNIX;
	set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	link_settle(fd, dead_after);
	return LINK_TCP;
}

/* Half of the time in silence, the other half for the probes. */
void
link_settle(int fd, int64_t dead_after)
{
	int64_t half = dead_after / 2000;
	int64_t every = half / PROBES;

	keepalive(fd, half > 0 ? half : 1, every > 0 ? every : 1);
#ifdef TCP_USER_TIMEOUT
	set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, dead_after);
#endif
}

/* TCP_USER_TIMEOUT stays: a short one would also end the connection of a
 * client that is there and only does not read (its window is closed). */
void
link_probe(int fd)
{
	keepalive(fd, 1, 1);
}

#ifdef LINK_UNACKED
/*
 * A Unix socket whose other end was closed has nothing under way either: what
 * was not read is thrown away with it.  Linux leaves an error (ECONNRESET) in
 * that case, before it throws anything away, so looking for it afterwards is
 * in time.  Reading the error takes it away: who has had it must not ask.
 */
static bool
threw_away(int fd)
{
	struct pollfd p = {fd, 0, 0};

	return poll(&p, 1, 0) == -1 || (p.revents & POLLERR) != 0;
}
#endif

uint64_t
link_unacked(int fd, enum link_kind kind, uint64_t all)
{
#ifdef LINK_UNACKED
	int n = 0;

	if (ioctl(fd, LINK_UNACKED, &n) == -1)
		return all;
	if (kind == LINK_UNIX)
		return n > 0 || threw_away(fd) ? all : 0;
	return (uint64_t)n;
#else
	(void)fd;
	(void)kind;
	(void)all;
	return 0;
#endif
}

bool
link_answered_within(int fd, enum link_kind kind, int64_t ms)
{
#if defined(TCP_INFO) && defined(__linux__) && !defined(LINK_PLAIN)
	struct tcp_info info;
	socklen_t len = sizeof info;

	if (kind != LINK_TCP ||
	    getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == -1)
		return true;
	return info.tcpi_last_ack_recv < ms;
#else
	(void)fd;
	(void)kind;
	(void)ms;
	return true;
#endif
}
