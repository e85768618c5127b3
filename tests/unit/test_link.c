/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/* Twice the same module: as this system has it, and plain, as one that has
 * nothing beyond POSIX would. */
#define _GNU_SOURCE
#include "check.h"
#include "link.h"

#include <sys/ioctl.h>
#include <sys/socket.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

enum link_kind plain_prepare(int fd, int64_t dead_after);
uint64_t plain_unacked(int fd, enum link_kind kind, uint64_t all);
void plain_probe(int fd);
void plain_settle(int fd, int64_t dead_after);
bool plain_answered_within(int fd, enum link_kind kind, int64_t ms);

#define LINK_PLAIN
#define link_prepare         plain_prepare
#define link_unacked         plain_unacked
#define link_probe           plain_probe
#define link_settle          plain_settle
#define link_answered_within plain_answered_within
#include "../../src/link.c" /* NOLINT(bugprone-suspicious-include) */
#undef link_prepare
#undef link_unacked
#undef link_probe
#undef link_settle
#undef link_answered_within

static int ours, theirs; /* the two ends of a connection */

static void
connect_tcp(void)
{
	struct sockaddr_in sin = {.sin_family = AF_INET};
	struct sockaddr *sa = (struct sockaddr *)&sin;
	socklen_t len = sizeof sin;
	int l = socket(AF_INET, SOCK_STREAM, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CHECK(bind(l, sa, len) == 0 && listen(l, 1) == 0);
	CHECK(getsockname(l, sa, &len) == 0);
	theirs = socket(AF_INET, SOCK_STREAM, 0);
	CHECK(connect(theirs, sa, len) == 0);
	ours = accept(l, NULL, NULL);
	CHECK(ours != -1 && fcntl(ours, F_SETFL, O_NONBLOCK) == 0);
	CHECK(fcntl(theirs, F_SETFL, O_NONBLOCK) == 0);
	close(l);
}

static void
connect_unix(void)
{
	int fd[2] = {-1, -1};

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
	ours = fd[0];
	theirs = fd[1];
	CHECK(fcntl(ours, F_SETFL, O_NONBLOCK) == 0);
}

static void
hang_up(void)
{
	close(ours);
	if (theirs != -1)
		close(theirs);
}

static int
option(int level, int name)
{
	int value = -1;
	socklen_t len = sizeof value;

	return getsockopt(ours, level, name, &value, &len) == 0 ? value : -1;
}

/* Reads at most so much of what has arrived; returns how much it was. */
static uint64_t
read_some(uint64_t most)
{
	char block[4096];
	uint64_t total = 0;
	size_t want;
	ssize_t n;

	do {
		want = most - total < sizeof block ? (size_t)(most - total)
		                                   : sizeof block;
		n = want > 0 ? recv(theirs, block, want, 0) : 0;
		total += n > 0 ? (uint64_t)n : 0;
	} while (n > 0);
	return total;
}

/* Writes until the reader's host takes no more. */
static uint64_t
write_until_full(void)
{
	static char block[65536];
	struct pollfd p = {ours, POLLOUT, 0};
	uint64_t total = 0;
	ssize_t n;

	do {
		n = send(ours, block, sizeof block, MSG_NOSIGNAL);
		total += n > 0 ? (uint64_t)n : 0;
	} while (n > 0 || poll(&p, 1, 50) == 1);
	return total;
}

/* Waits until all is acknowledged, as it will be once it was read. */
static bool
becomes_acked(void)
{
	struct pollfd p = {theirs, POLLIN, 0};
	int i;

	for (i = 0; i < 1000; i++) {
		if (link_unacked(ours, LINK_TCP, 1) == 0)
			return true;
		(void)poll(&p, 1, 5);
		read_some(UINT64_MAX);
	}
	printf("# unacked: %ju\n", (uintmax_t)link_unacked(ours, LINK_TCP, 1));
	return false;
}

static void
the_kind_is_told(void)
{
	connect_tcp();
	CHECK(link_prepare(ours, 60000) == LINK_TCP);
	CHECK(plain_prepare(ours, 60000) == LINK_TCP);
	hang_up();
	connect_unix();
	CHECK(link_prepare(ours, 60000) == LINK_UNIX);
	CHECK(plain_prepare(ours, 60000) == LINK_UNIX);
	hang_up();
}

static void
keepalive_is_on_and_small_writes_do_not_wait(void)
{
	connect_tcp();
	(void)plain_prepare(ours, 60000);
	CHECK(option(IPPROTO_TCP, TCP_NODELAY) > 0);
	CHECK(option(SOL_SOCKET, SO_KEEPALIVE) > 0);
	hang_up();
}

#ifdef __linux__
/* Silence and all probes together take dead_after, for the least and the most
 * that it may be. */
static void
a_dead_link_ends_after_dead_after(void)
{
	static const int s[] = {5, 6, 60, 3600, 86400};
	size_t i;
	int idle, probing;

	connect_tcp();
	for (i = 0; i < sizeof s / sizeof s[0]; i++) {
		link_probe(ours);
		CHECK(option(IPPROTO_TCP, TCP_KEEPIDLE) == 1);
		CHECK(option(IPPROTO_TCP, TCP_KEEPINTVL) == 1);
		CHECK(link_prepare(ours, s[i] * 1000) == LINK_TCP);
		CHECK(option(IPPROTO_TCP, TCP_USER_TIMEOUT) == s[i] * 1000);
		idle = option(IPPROTO_TCP, TCP_KEEPIDLE);
		probing = option(IPPROTO_TCP, TCP_KEEPINTVL) *
		          option(IPPROTO_TCP, TCP_KEEPCNT);
		CHECK(idle > 1 && probing > 1);
		CHECK(idle + probing <= s[i]);
		CHECK(idle + probing >= s[i] / 2);
	}
	hang_up();
}

/* A closed window is the client's own doing, and no sign of death. */
static void
a_probe_does_not_end_whom_it_asks(void)
{
	connect_tcp();
	CHECK(link_prepare(ours, 60000) == LINK_TCP);
	link_probe(ours);
	CHECK(option(IPPROTO_TCP, TCP_USER_TIMEOUT) == 60000);
	hang_up();
}

static void
what_was_not_read_is_acked_as_far_as_the_host_took_it(void)
{
	uint64_t written, unacked, got;

	connect_tcp();
	CHECK(link_prepare(ours, 60000) == LINK_TCP);
	CHECK(link_unacked(ours, LINK_TCP, 1) == 0);
	written = write_until_full();
	unacked = link_unacked(ours, LINK_TCP, 1);
	CHECK(unacked > 0 && unacked < written);
	/* What counts as arrived was there, with nothing more acknowledged. */
	got = read_some(written - unacked);
	CHECK(got == written - unacked);
	CHECK(becomes_acked());
	hang_up();
}

/* Whoever dies, what was unacknowledged stays so. */
static void
a_reset_acknowledges_nothing(void)
{
	uint64_t unacked;
	struct pollfd p;
	char c;

	connect_tcp();
	CHECK(link_prepare(ours, 60000) == LINK_TCP);
	CHECK(write_until_full() > 0);
	unacked = link_unacked(ours, LINK_TCP, 1);
	close(theirs);
	theirs = -1;
	p = (struct pollfd){ours, POLLIN, 0};
	CHECK(poll(&p, 1, 10000) == 1);
	CHECK(recv(ours, &c, 1, 0) == -1 && errno == ECONNRESET);
	CHECK(link_unacked(ours, LINK_TCP, 1) > 0);
	CHECK(link_unacked(ours, LINK_TCP, 1) <= unacked);
	hang_up();
}

static void
on_a_unix_socket_only_all_of_it_counts(void)
{
	connect_unix();
	CHECK(link_unacked(ours, LINK_UNIX, 77) == 0);
	CHECK(send(ours, "hello\n", 6, MSG_NOSIGNAL) == 6);
	CHECK(link_unacked(ours, LINK_UNIX, 77) == 77);
	CHECK(read_some(3) == 3);
	CHECK(link_unacked(ours, LINK_UNIX, 77) == 77);
	CHECK(read_some(3) == 3);
	CHECK(link_unacked(ours, LINK_UNIX, 77) == 0);
	hang_up();
}

/* The kernel throws away what was not read: nobody has got it. */
static void
who_ended_without_reading_has_not_read(void)
{
	connect_unix();
	CHECK(send(ours, "hello\n", 6, MSG_NOSIGNAL) == 6);
	close(theirs);
	theirs = -1;
	CHECK(link_unacked(ours, LINK_UNIX, 77) == 77);
	CHECK(link_unacked(ours, LINK_UNIX, 77) == 77);
	hang_up();
	connect_unix();
	CHECK(send(ours, "hello\n", 6, MSG_NOSIGNAL) == 6);
	CHECK(read_some(6) == 6);
	close(theirs);
	theirs = -1;
	CHECK(link_unacked(ours, LINK_UNIX, 77) == 0);
	hang_up();
}

static void
what_cannot_be_asked_has_not_arrived(void)
{
	CHECK(link_unacked(-1, LINK_TCP, 77) == 77);
	CHECK(link_unacked(-1, LINK_UNIX, 77) == 77);
}

static void
an_answer_is_a_matter_of_time(void)
{
	connect_tcp();
	CHECK(send(ours, "x", 1, MSG_NOSIGNAL) == 1);
	CHECK(becomes_acked());
	CHECK(link_answered_within(ours, LINK_TCP, 60000));
	CHECK(!link_answered_within(ours, LINK_TCP, 0));
	CHECK(link_answered_within(-1, LINK_TCP, 0));
	hang_up();
	connect_unix();
	CHECK(link_answered_within(ours, LINK_UNIX, 0));
	hang_up();
}
#endif

static void
the_plain_way_takes_what_is_written_as_arrived(void)
{
	connect_tcp();
	CHECK(plain_prepare(ours, 60000) == LINK_TCP);
	plain_probe(ours);
	plain_settle(ours, 60000);
	CHECK(write_until_full() > 0);
	CHECK(plain_unacked(ours, LINK_TCP, 77) == 0);
	CHECK(plain_answered_within(ours, LINK_TCP, 0));
	hang_up();
	connect_unix();
	CHECK(send(ours, "x", 1, MSG_NOSIGNAL) == 1);
	CHECK(plain_unacked(ours, LINK_UNIX, 77) == 0);
	CHECK(plain_answered_within(ours, LINK_UNIX, 0));
	hang_up();
}

int
main(void)
{
	RUN(the_kind_is_told);
	RUN(keepalive_is_on_and_small_writes_do_not_wait);
#ifdef __linux__
	RUN(a_dead_link_ends_after_dead_after);
	RUN(a_probe_does_not_end_whom_it_asks);
	RUN(what_was_not_read_is_acked_as_far_as_the_host_took_it);
	RUN(a_reset_acknowledges_nothing);
	RUN(on_a_unix_socket_only_all_of_it_counts);
	RUN(who_ended_without_reading_has_not_read);
	RUN(what_cannot_be_asked_has_not_arrived);
	RUN(an_answer_is_a_matter_of_time);
#endif
	RUN(the_plain_way_takes_what_is_written_as_arrived);
	return check_summary();
}
