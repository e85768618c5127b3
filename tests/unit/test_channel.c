/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

#define _GNU_SOURCE
#include "check.h"
#include "nomem.h"
#include "random.h"

#include <sys/stat.h>

/* The module itself, with memory that can end. */
#include "../../src/channel.c" /* NOLINT(bugprone-suspicious-include) */

static struct channel a, b;

static bool
pair(void)
{
	int fd[2];

	if (channel_pair(fd) == -1)
		return false;
	channel_init(&a, fd[0]);
	channel_init(&b, fd[1]);
	return true;
}

static void
unpair(void)
{
	channel_close(&a);
	channel_close(&b);
}

/* The next record is this one. */
static bool
next(struct channel *c, uint32_t type, const char *payload, size_t len)
{
	enum channel_state state;
	struct record r;
	const char *got;

	return channel_next(c, &r, &got, &state) && state == CHANNEL_OPEN &&
	       r.type == type && r.length == len &&
	       memcmp(got, payload, len) == 0;
}

/* There is none, and this is why. */
static bool
none(struct channel *c, enum channel_state want)
{
	enum channel_state state;
	struct record r;
	const char *got;

	return !channel_next(c, &r, &got, &state) && state == want;
}

/* The lowest free descriptor: it says whether one was leaked. */
static int
lowest(void)
{
	int fd = dup(0);

	close(fd);
	return fd;
}

/* Sends bytes with n descriptors, as no honest sender does. */
static bool
send_raw(int to, const void *bytes, size_t len, const int *fd, size_t n)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(8 * sizeof(int))];
	} u;
	struct iovec iov = {(void *)(uintptr_t)bytes, len};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *cm;

	memset(&u, 0, sizeof u);
	m.msg_control = &u;
	m.msg_controllen = CMSG_SPACE(n * sizeof(int));
	cm = CMSG_FIRSTHDR(&m);
	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(cm), fd, n * sizeof(int));
	return sendmsg(to, &m, MSG_NOSIGNAL) == (ssize_t)len;
}

static bool
is_same_file(int fd, int other)
{
	struct stat x, y;

	return fstat(fd, &x) == 0 && fstat(other, &y) == 0 &&
	       x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static void
records_arrive_whole_and_in_order(void)
{
	CHECK(pair());
	CHECK(none(&b, CHANNEL_OPEN) && channel_fill(&b) == CHANNEL_OPEN);
	CHECK(none(&b, CHANNEL_OPEN));
	CHECK(channel_put(&a, 1, "one", 3) && channel_put(&a, 2, NULL, 0));
	CHECK(channel_put(&a, 3, "three", 5));
	CHECK(channel_waiting(&a) == 3 * sizeof(struct record) + 8);
	CHECK(channel_flush(&a) == 0 && channel_waiting(&a) == 0);
	CHECK(a.out == NULL && channel_flush(&a) == 0);
	CHECK(channel_fill(&b) == CHANNEL_OPEN);
	CHECK(next(&b, 1, "one", 3) && next(&b, 2, "", 0));
	CHECK(next(&b, 3, "three", 5) && none(&b, CHANNEL_OPEN));
	CHECK(b.in == NULL);
	unpair();
}

static void
a_record_may_come_byte_by_byte(void)
{
	struct record r = {7, 5};
	char bytes[sizeof r + 5];
	size_t i;

	CHECK(pair());
	memcpy(bytes, &r, sizeof r);
	memcpy(bytes + sizeof r, "hello", 5);
	for (i = 0; i < sizeof bytes; i++) {
		CHECK(none(&b, CHANNEL_OPEN));
		CHECK(send(a.fd, bytes + i, 1, MSG_NOSIGNAL) == 1);
		CHECK(channel_fill(&b) == CHANNEL_OPEN);
	}
	CHECK(next(&b, 7, "hello", 5) && none(&b, CHANNEL_OPEN));
	unpair();
}

static void
the_longest_record_passes_and_a_longer_one_is_absurd(void)
{
	static char big[CHANNEL_RECORD_MAX];
	struct record r = {1, CHANNEL_RECORD_MAX + 1};
	int i;

	memset(big, 'x', sizeof big);
	CHECK(pair());
	CHECK(channel_put(&a, 9, big, sizeof big));
	for (i = 0; i < 1000 && b.in_used < sizeof r + sizeof big; i++) {
		CHECK(channel_flush(&a) == 0);
		CHECK(channel_fill(&b) == CHANNEL_OPEN);
	}
	CHECK(next(&b, 9, big, sizeof big) && none(&b, CHANNEL_OPEN));
	/* The length alone is enough, without a byte of payload. */
	CHECK(send(a.fd, &r, sizeof r, MSG_NOSIGNAL) == (ssize_t)sizeof r);
	CHECK(channel_fill(&b) == CHANNEL_OPEN);
	errno = 0;
	CHECK(none(&b, CHANNEL_ERROR) && errno == EPROTO);
	r.length = UINT32_MAX;
	if (b.in != NULL)
		memcpy(b.in + b.in_at, &r, sizeof r);
	CHECK(none(&b, CHANNEL_ERROR));
	unpair();
}

static void
end_of_file_comes_after_the_last_record(void)
{
	struct record r = {1, 100};

	CHECK(pair());
	CHECK(channel_put(&a, 1, "last", 4) && channel_flush(&a) == 0);
	CHECK(send(a.fd, &r, sizeof r, MSG_NOSIGNAL) == (ssize_t)sizeof r);
	channel_close(&a);
	CHECK(a.fd == -1);
	CHECK(channel_fill(&b) == CHANNEL_OPEN);
	CHECK(next(&b, 1, "last", 4));
	CHECK(channel_fill(&b) == CHANNEL_EOF && none(&b, CHANNEL_OPEN));
	CHECK(channel_put(&b, 1, "x", 1) && channel_flush(&b) == -1);
	CHECK(errno == EPIPE);
	unpair();
}

/* The kernel says ECONNRESET then, and it is the same. */
static void
who_ends_without_having_read_all_has_ended(void)
{
	CHECK(pair());
	CHECK(channel_put(&b, 1, "unread", 6) && channel_flush(&b) == 0);
	CHECK(channel_put(&a, 2, "last", 4) && channel_flush(&a) == 0);
	channel_close(&a);
	CHECK(channel_fill(&b) == CHANNEL_OPEN && next(&b, 2, "last", 4));
	CHECK(channel_fill(&b) == CHANNEL_EOF);
	unpair();
}

static void
a_descriptor_rides_along(void)
{
	int fd[2] = {-1, -1};

	CHECK(pair() && channel_pair(fd) == 0);
	CHECK(channel_put(&a, 1, "before", 6) && channel_flush(&a) == 0);
	CHECK(channel_send_fd(&a, 2, "with", 4, fd[0]) == 0);
	CHECK(channel_send_fd(&a, 3, NULL, 0, fd[1]) == 0);
	CHECK(channel_put(&a, 4, "after", 5) && channel_flush(&a) == 0);
	CHECK(b.passed == -1 && channel_fill(&b) == CHANNEL_OPEN);
	CHECK(next(&b, 1, "before", 6) && next(&b, 2, "with", 4));
	CHECK(none(&b, CHANNEL_OPEN) && is_same_file(b.passed, fd[0]));
	CHECK(b.passed != fd[0]);
	CHECK(fcntl(b.passed, F_GETFD) == FD_CLOEXEC);
	close(b.passed);
	b.passed = -1;
	CHECK(channel_fill(&b) == CHANNEL_OPEN && next(&b, 3, "", 0));
	CHECK(is_same_file(b.passed, fd[1]));
	/* Nobody took it: closed with the channel. */
	CHECK(channel_fill(&b) == CHANNEL_OPEN && next(&b, 4, "after", 5));
	close(fd[0]);
	close(fd[1]);
	unpair();
}

/* A read that ends within a record with a descriptor does not bring the next
 * one's descriptor with the rest. */
static void
descriptors_stay_with_their_records(void)
{
	static char many[FILL_SIZE - 2 * sizeof(struct record) - 30];
	char p[100];
	int fd[2] = {-1, -1}, i, fills;
	bool done;

	CHECK(pair() && channel_pair(fd) == 0);
	memset(p, 'p', sizeof p);
	CHECK(channel_put(&a, 1, many, sizeof many) && channel_flush(&a) == 0);
	CHECK(channel_waiting(&a) == 0);
	CHECK(channel_send_fd(&a, 2, p, sizeof p, fd[0]) == 0);
	CHECK(channel_send_fd(&a, 2, p, sizeof p, fd[1]) == 0);
	CHECK(channel_put(&a, 3, p, sizeof p) && channel_flush(&a) == 0);
	CHECK(channel_fill(&b) == CHANNEL_OPEN);
	CHECK(next(&b, 1, many, sizeof many));
	for (i = 0; i < 2; i++) {
		done = false;
		for (fills = 0; fills < 5 && !done; fills++) {
			done = next(&b, 2, p, sizeof p);
			CHECK(done || channel_fill(&b) == CHANNEL_OPEN);
		}
		CHECK(done && is_same_file(b.passed, fd[i]));
		close(b.passed);
		b.passed = -1;
	}
	CHECK(channel_fill(&b) == CHANNEL_OPEN && next(&b, 3, p, sizeof p));
	close(fd[0]);
	close(fd[1]);
	unpair();
}

/* n in one message: all are closed, whatever of them arrived. */
static void
too_many(size_t n)
{
	int fd[8] = {0}, before;
	struct record r = {1, 0};

	CHECK(pair());
	before = lowest();
	CHECK(send_raw(a.fd, &r, sizeof r, fd, n));
	errno = 0;
	CHECK(channel_fill(&b) == CHANNEL_ERROR && errno == EPROTO);
	CHECK(b.passed == -1 && lowest() == before);
	unpair();
}

static void
two_descriptors_are_closed_and_an_error(void)
{
	too_many(2);
}

static void
more_than_there_is_room_for_are_closed_too(void)
{
	too_many(3);
	too_many(8);
}

static void
a_second_one_before_the_first_is_taken_is_an_error(void)
{
	int before, zero = 0;
	struct record r = {1, 0};

	CHECK(pair());
	CHECK(send_raw(a.fd, &r, sizeof r, &zero, 1));
	CHECK(channel_fill(&b) == CHANNEL_OPEN && b.passed != -1);
	before = lowest();
	CHECK(send_raw(a.fd, &r, sizeof r, &zero, 1));
	CHECK(channel_fill(&b) == CHANNEL_ERROR && errno == EPROTO);
	CHECK(lowest() == before);
	unpair();
}

static void
fill_up(struct channel *c)
{
	char block[1024] = {0};

	while (send(c->fd, block, sizeof block, MSG_NOSIGNAL) > 0)
		;
	while (send(c->fd, block, 1, MSG_NOSIGNAL) > 0)
		;
}

static void
a_full_channel_keeps_what_it_cannot_write(void)
{
	char block[4096];
	size_t waiting;

	CHECK(pair());
	fill_up(&a);
	CHECK(channel_put(&a, 1, "x", 1) && channel_flush(&a) == 0);
	waiting = channel_waiting(&a);
	CHECK(waiting == sizeof(struct record) + 1);
	CHECK(channel_put(&a, 2, "y", 1) && channel_flush(&a) == 0);
	CHECK(channel_waiting(&a) == 2 * waiting);
	while (recv(b.fd, block, sizeof block, 0) > 0)
		;
	CHECK(channel_flush(&a) == 0 && channel_waiting(&a) == 0);
	CHECK(channel_fill(&b) == CHANNEL_OPEN);
	CHECK(next(&b, 1, "x", 1) && next(&b, 2, "y", 1));
	unpair();
}

static void
a_descriptor_waits_for_room_and_stays_the_callers(void)
{
	char block[4096];
	int zero = dup(0), before;

	CHECK(pair());
	before = lowest();
	fill_up(&a);
	CHECK(channel_send_fd(&a, 1, "x", 1, zero) == -1 && errno == EAGAIN);
	CHECK(channel_waiting(&a) == 0);
	while (recv(b.fd, block, sizeof block, 0) > 0)
		;
	CHECK(lowest() == before);
	CHECK(channel_send_fd(&a, 1, "x", 1, zero) == 0);
	CHECK(channel_fill(&b) == CHANNEL_OPEN && next(&b, 1, "x", 1));
	CHECK(is_same_file(b.passed, zero));
	channel_close(&b);
	CHECK(channel_send_fd(&a, 1, "x", 1, zero) == -1 && errno == EPIPE);
	close(zero);
	unpair();
}

/* The descriptor has gone with the first byte; the rest waits to be flushed. */
static void
a_record_sent_in_part_is_finished_from_the_buffer(void)
{
	static char big[CHANNEL_RECORD_MAX];
	int small = 4096, i;
	bool done = false;

	memset(big, 'x', sizeof big);
	CHECK(pair());
	CHECK(
	    setsockopt(a.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small) == 0);
	CHECK(channel_send_fd(&a, 5, big, sizeof big, 0) == 0);
	CHECK(channel_waiting(&a) > 0 && channel_waiting(&a) < sizeof big);
	for (i = 0; i < 1000 && !done; i++) {
		CHECK(channel_fill(&b) == CHANNEL_OPEN);
		done = next(&b, 5, big, sizeof big);
		CHECK(channel_flush(&a) == 0);
	}
	CHECK(done && b.passed != -1 && channel_waiting(&a) == 0);
	unpair();
}

static void
without_memory_nothing_is_put(void)
{
	CHECK(pair());
	nomem_after = 0;
	CHECK(!channel_put(&a, 1, "x", 1) && channel_reserve(&a, 9) == NULL);
	CHECK(channel_waiting(&a) == 0);
	CHECK(channel_fill(&b) == CHANNEL_ERROR && errno == ENOMEM);
	nomem_after = -1;
	CHECK(channel_put(&a, 1, "x", 1));
	nomem_after = 0;
	CHECK(channel_reserve(&a, 10000) == NULL);
	nomem_after = -1;
	CHECK(channel_flush(&a) == 0 && channel_fill(&b) == CHANNEL_OPEN);
	CHECK(next(&b, 1, "x", 1));
	unpair();
}

/* ---- any records, cut anywhere, in a channel that is often full ---- */

/* Record n: its type is n, its length and bytes follow from that. */
static size_t
nth(uint32_t n, char *payload)
{
	size_t len = n * 7919U % (n % 10 == 0 ? 3000 : 40);

	memset(payload, (int)(n % 251), len);
	return len;
}

static void
random_reads_and_writes_lose_nothing(void)
{
	char p[3000], *room;
	uint32_t put = 0, got = 0;
	int small = 4096, step;
	size_t len;

	random_seed(3);
	CHECK(pair());
	setsockopt(a.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
	for (step = 0; step < 20000 && check_ok; step++) {
		switch (random_below(6)) {
		case 0:
		case 1:
			len = nth(put, p);
			CHECK(channel_put(&a, put++, p, len));
			break;
		case 2:
			/* More is reserved than is used. */
			len = nth(put, p);
			room = channel_reserve(&a, len + random_below(100));
			CHECK(room != NULL);
			if (room == NULL)
				break;
			memcpy(room, p, len);
			channel_commit(&a, put++, len);
			break;
		case 3: CHECK(channel_flush(&a) == 0); break;
		case 4: CHECK(channel_fill(&b) == CHANNEL_OPEN); break;
		default:
			while (got < put && next(&b, got, p, nth(got, p)))
				got++;
		}
	}
	while (got < put && check_ok) {
		CHECK(channel_flush(&a) == 0);
		CHECK(channel_fill(&b) == CHANNEL_OPEN);
		while (got < put && next(&b, got, p, nth(got, p)))
			got++;
	}
	CHECK(put > 5000 && none(&b, CHANNEL_OPEN));
	unpair();
}

static void
a_pair_does_not_block_and_is_closed_on_exec(void)
{
	int i;

	CHECK(pair());
	for (i = 0; i < 2; i++) {
		CHECK(fcntl(i ? a.fd : b.fd, F_GETFD) == FD_CLOEXEC);
		CHECK(fcntl(i ? a.fd : b.fd, F_GETFL) & O_NONBLOCK);
	}
	unpair();
	unpair();
}

int
main(void)
{
	RUN(records_arrive_whole_and_in_order);
	RUN(a_record_may_come_byte_by_byte);
	RUN(the_longest_record_passes_and_a_longer_one_is_absurd);
	RUN(end_of_file_comes_after_the_last_record);
	RUN(who_ends_without_having_read_all_has_ended);
	RUN(a_descriptor_rides_along);
	RUN(descriptors_stay_with_their_records);
	RUN(two_descriptors_are_closed_and_an_error);
	RUN(more_than_there_is_room_for_are_closed_too);
	RUN(a_second_one_before_the_first_is_taken_is_an_error);
	RUN(a_full_channel_keeps_what_it_cannot_write);
	RUN(a_descriptor_waits_for_room_and_stays_the_callers);
	RUN(a_record_sent_in_part_is_finished_from_the_buffer);
	RUN(without_memory_nothing_is_put);
	RUN(random_reads_and_writes_lose_nothing);
	RUN(a_pair_does_not_block_and_is_closed_on_exec);
	return check_summary();
}
