/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

#define _GNU_SOURCE
#include "check.h"
#include "poller.h"
#include "random.h"

#include <sys/socket.h>
#include <sys/time.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#define MANY 200

/* Each test runs with each kind. */
static enum poller_kind kind;

static struct poller *p;
static struct poller_event e[2 * MANY];
static int in[MANY], out[MANY]; /* a byte written to out[i] arrives at in[i] */

static void
start(size_t pairs)
{
	int fd[2];
	size_t i;

	p = poller_new(kind);
	for (i = 0; i < pairs; i++) {
		CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
		in[i] = fd[0];
		out[i] = fd[1];
	}
}

static void
stop(size_t pairs)
{
	size_t i;

	poller_free(p);
	for (i = 0; i < pairs; i++) {
		close(in[i]);
		if (out[i] != -1)
			close(out[i]);
	}
}

static void
make_ready(size_t i)
{
	CHECK(write(out[i], "x", 1) == 1);
}

static void
drain(size_t i)
{
	char c;

	CHECK(read(in[i], &c, 1) == 1);
}

static int
look(void)
{
	return poller_wait(p, e, 2 * MANY, 0);
}

/* What was reported for an owner, of n events; 0: nothing. */
static unsigned
reported(int n, const void *owner)
{
	unsigned events = 0;
	int i;

	for (i = 0; i < n; i++)
		if (e[i].owner == owner)
			events |= e[i].events;
	return events;
}

static void
it_says_what_is_ready_as_long_as_it_is(void)
{
	start(2);
	CHECK(look() == 0);
	CHECK(poller_add(p, in[0], POLLER_READ, &in[0]) == 0);
	CHECK(poller_add(p, in[1], POLLER_READ, &in[1]) == 0);
	CHECK(look() == 0);
	make_ready(1);
	CHECK(poller_wait(p, e, 8, -1) == 1);
	CHECK(e[0].owner == &in[1] && e[0].events == POLLER_READ);
	CHECK(look() == 1 && e[0].owner == &in[1]);
	drain(1);
	CHECK(look() == 0);
	stop(2);
}

static void
reading_and_writing_are_told_apart(void)
{
	char block[4096] = {0};

	start(1);
	CHECK(fcntl(in[0], F_SETFL, O_NONBLOCK) == 0);
	CHECK(poller_add(p, in[0], POLLER_WRITE, &in[0]) == 0);
	make_ready(0);
	CHECK(look() == 1 && e[0].events == POLLER_WRITE);
	CHECK(poller_change(p, in[0], POLLER_READ | POLLER_WRITE, in) == 0);
	CHECK(look() == 1 && e[0].events == (POLLER_READ | POLLER_WRITE));
	while (write(in[0], block, sizeof block) > 0)
		;
	CHECK(look() == 1 && e[0].events == POLLER_READ);
	CHECK(poller_change(p, in[0], 0, in) == 0);
	CHECK(look() == 0);
	stop(1);
}

static void
the_end_is_readable_and_always_reported(void)
{
	start(2);
	CHECK(poller_add(p, in[0], POLLER_READ, &in[0]) == 0);
	CHECK(poller_add(p, in[1], 0, &in[1]) == 0);
	CHECK(shutdown(out[0], SHUT_WR) == 0);
	CHECK(look() == 1 && e[0].events == POLLER_READ);
	close(out[0]);
	close(out[1]);
	out[0] = out[1] = -1;
	CHECK(look() == 2);
	CHECK(reported(2, &in[0]) == (POLLER_READ | POLLER_HUP));
	CHECK(reported(2, &in[1]) == POLLER_HUP);
	stop(2);
}

static void
changes_hold_for_what_is_ready_already(void)
{
	start(4);
	CHECK(poller_add(p, in[0], POLLER_READ, &in[0]) == 0);
	CHECK(poller_add(p, in[1], POLLER_READ, &in[1]) == 0);
	CHECK(poller_add(p, in[2], POLLER_READ, &in[2]) == 0);
	make_ready(0);
	make_ready(1);
	make_ready(2);
	make_ready(3);
	CHECK(look() == 3);
	/* One goes, one is passed to another owner, one comes. */
	poller_remove(p, in[0]);
	CHECK(poller_change(p, in[1], POLLER_READ, &out[1]) == 0);
	CHECK(poller_add(p, in[3], POLLER_READ, &in[3]) == 0);
	CHECK(look() == 3);
	CHECK(!reported(3, &in[0]) && !reported(3, &in[1]));
	CHECK(reported(3, &out[1]) && reported(3, &in[2]));
	CHECK(reported(3, &in[3]));
	/* A removed one comes back. */
	CHECK(poller_add(p, in[0], POLLER_READ, &in[0]) == 0);
	CHECK(look() == 4 && reported(4, &in[0]));
	stop(4);
}

/* A number that was closed is soon another descriptor's. */
static void
a_number_may_be_used_again(void)
{
	int fd;

	start(2);
	CHECK(poller_add(p, in[0], POLLER_READ, &in[0]) == 0);
	fd = in[0];
	poller_remove(p, fd);
	close(fd);
	CHECK(dup2(in[1], fd) == fd);
	CHECK(poller_add(p, fd, POLLER_READ, &in[1]) == 0);
	make_ready(1);
	CHECK(look() == 1 && e[0].owner == &in[1]);
	stop(2);
}

static void
misuse_is_an_error_and_harms_nobody(void)
{
	start(2);
	CHECK(poller_add(p, -1, POLLER_READ, p) == -1 && errno == EBADF);
	CHECK(poller_change(p, in[1], 0, p) == -1 && errno == ENOENT);
	poller_remove(p, in[1]);
	CHECK(poller_add(p, in[0], POLLER_READ, &in[0]) == 0);
	CHECK(poller_add(p, in[0], POLLER_READ, p) == -1 && errno == EEXIST);
	CHECK(poller_change(p, in[1], 0, p) == -1 && errno == ENOENT);
	poller_remove(p, in[1]);
	poller_remove(p, 100000);
	make_ready(0);
	CHECK(look() == 1 && e[0].owner == &in[0]);
	poller_remove(p, in[0]);
	poller_remove(p, in[0]);
	CHECK(look() == 0);
	stop(2);
}

/* All are ready all the time, and few are asked for: in any row of waits that
 * could serve all twice, each is served. */
static void
a_small_list_starves_nobody(void)
{
	static int served[MANY];
	int n, i, round, waits;

	memset(served, 0, sizeof served);
	start(MANY);
	for (i = 0; i < MANY; i++) {
		make_ready((size_t)i);
		CHECK(poller_add(p, in[i], POLLER_READ, &served[i]) == 0);
	}
	for (round = 0; round < 3; round++) {
		memset(served, 0, sizeof served);
		for (waits = 0; waits < 2 * MANY / 7 + 1; waits++) {
			n = poller_wait(p, e, 7, 0);
			CHECK(n == 7);
			for (i = 0; i < n; i++)
				++*(int *)e[i].owner;
		}
		for (i = 0; i < MANY; i++)
			CHECK(served[i] > 0);
	}
	stop(MANY);
}

/* The same while others come and go at each wait. */
static void
coming_and_going_starves_nobody(void)
{
	static int served[MANY];
	int n, i, waits, gone = MANY / 2;

	memset(served, 0, sizeof served);
	start(MANY);
	for (i = 0; i < MANY; i++) {
		make_ready((size_t)i);
		CHECK(poller_add(p, in[i], POLLER_READ, &served[i]) == 0);
	}
	poller_remove(p, in[gone]);
	for (waits = 0; waits < 4 * MANY / 5; waits++) {
		n = poller_wait(p, e, 5, 0);
		CHECK(n == 5);
		for (i = 0; i < n; i++)
			++*(int *)e[i].owner;
		CHECK(poller_add(p, in[gone], POLLER_READ, &served[gone]) == 0);
		gone = gone + 1 < MANY ? gone + 1 : MANY / 2;
		poller_remove(p, in[gone]);
	}
	for (i = 0; i < MANY / 2; i++)
		CHECK(served[i] > 0);
	stop(MANY);
}

static volatile sig_atomic_t alarms;

static void
on_alarm(int sig)
{
	(void)sig;
	alarms++;
}

/* It rings again and again, so that one before the wait does no harm. */
static void
a_signal_ends_the_wait_without_an_error(void)
{
	struct itimerval every = {{0, 2000}, {0, 2000}},
			 never = {{0, 0}, {0, 0}};
	struct sigaction sa = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};

	start(1);
	CHECK(poller_add(p, in[0], POLLER_READ, in) == 0);
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
	CHECK(poller_wait(p, e, 8, -1) == 0);
	setitimer(ITIMER_REAL, &never, NULL);
	CHECK(alarms > 0);
	stop(1);
}

static void
a_wait_ends_in_time(void)
{
	start(1);
	CHECK(poller_add(p, in[0], POLLER_READ, in) == 0);
	CHECK(poller_wait(p, e, 8, 1) == 0);
	stop(1);
}

static void
it_says_its_name(void)
{
	start(0);
	CHECK(strcmp(poller_name(p), kind == POLLER_POLL ? "poll" : "epoll") ==
	      0);
	stop(0);
}

#ifndef __linux__
static void
what_the_system_lacks_is_refused(void)
{
	kind = POLLER_EPOLL;
	errno = 0;
	start(0);
	CHECK(p == NULL && errno == ENOSYS);
}
#endif

/* ---- random operations against a list ---- */

static struct {
	bool watched, full;
	unsigned events;
} model[MANY];

static void
model_step(size_t i)
{
	unsigned events = (unsigned)random_below(4);

	switch (random_below(4)) {
	case 0:
		if (model[i].watched)
			poller_remove(p, in[i]);
		else
			CHECK(poller_add(p, in[i], events, &model[i]) == 0);
		model[i].watched = !model[i].watched;
		model[i].events = events;
		break;
	case 1:
		if (!model[i].watched)
			break;
		CHECK(poller_change(p, in[i], events, &model[i]) == 0);
		model[i].events = events;
		break;
	case 2:
		if (!model[i].full)
			make_ready(i);
		model[i].full = true;
		break;
	default:
		if (model[i].full)
			drain(i);
		model[i].full = false;
	}
}

static unsigned
expected(size_t i)
{
	unsigned ready = POLLER_WRITE | (model[i].full ? POLLER_READ : 0);

	return model[i].watched ? model[i].events & ready : 0;
}

static void
random_operations_agree_with_a_list(void)
{
	unsigned seed;
	int step, n, want;
	size_t i;

	for (seed = 0; seed < 2; seed++) {
		random_seed(seed);
		memset(model, 0, sizeof model);
		start(MANY);
		for (step = 0; step < 4000 && check_ok; step++) {
			model_step(random_below(MANY));
			if (step % 20 != 0)
				continue;
			n = look();
			want = 0;
			for (i = 0; i < MANY; i++) {
				want += expected(i) != 0;
				CHECK(reported(n, &model[i]) == expected(i));
			}
			CHECK(n == want);
		}
		stop(MANY);
	}
}

static void
run_all(void)
{
	printf("# poller %d\n", (int)kind);
	RUN(it_says_its_name);
	RUN(it_says_what_is_ready_as_long_as_it_is);
	RUN(reading_and_writing_are_told_apart);
	RUN(the_end_is_readable_and_always_reported);
	RUN(changes_hold_for_what_is_ready_already);
	RUN(a_number_may_be_used_again);
	RUN(misuse_is_an_error_and_harms_nobody);
	RUN(a_small_list_starves_nobody);
	RUN(coming_and_going_starves_nobody);
	RUN(a_signal_ends_the_wait_without_an_error);
	RUN(a_wait_ends_in_time);
	RUN(random_operations_agree_with_a_list);
}

int
main(void)
{
	kind = POLLER_POLL;
	run_all();
#ifdef __linux__
	kind = POLLER_EPOLL;
	run_all();
#else
	RUN(what_the_system_lacks_is_refused);
#endif
	return check_summary();
}
