/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

#include "check.h"
#include "nomem.h"
#include "random.h"

/* The module itself, with memory that can end. */
#include "../../src/timer.c" /* NOLINT(bugprone-suspicious-include) */

/* Without room no test makes sense. */
static void
reserve(struct timers *t, size_t n)
{
	if (!timers_reserve(t, n) || t->heap == NULL)
		abort();
}

static void
timers_come_in_their_order(void)
{
	struct timers t = {0};
	struct timer a = {0}, b = {0}, c = {0};

	reserve(&t, 3);
	timer_set(&t, &b, 20);
	timer_set(&t, &c, 30);
	timer_set(&t, &a, 10);
	CHECK(timers_due(&t, 9) == NULL);
	CHECK(timers_due(&t, 30) == &a && timers_due(&t, 30) == &b);
	CHECK(!timer_is_set(&a) && timer_is_set(&c));
	CHECK(timers_due(&t, 30) == &c && timers_due(&t, 30) == NULL);
	timers_free(&t);
}

static void
a_timer_can_be_moved_and_cleared(void)
{
	struct timers t = {0};
	struct timer a = {0}, b = {0};

	reserve(&t, 2);
	timer_clear(&t, &a);
	timer_set(&t, &a, 10);
	timer_set(&t, &b, 20);
	timer_set(&t, &a, 30);
	CHECK(timers_due(&t, 99) == &b && timers_due(&t, 29) == NULL);
	timer_set(&t, &a, 5);
	CHECK(t.count == 1 && timers_wait(&t, 0) == 5);
	timer_clear(&t, &a);
	timer_clear(&t, &a);
	CHECK(timers_due(&t, UINT64_MAX) == NULL && t.count == 0);
	timers_free(&t);
}

static void
the_wait_is_what_poll_takes(void)
{
	struct timers t = {0};
	struct timer a = {0};

	CHECK(timers_wait(&t, 0) == -1);
	reserve(&t, 1);
	timer_set(&t, &a, 1000);
	CHECK(timers_wait(&t, 999) == 1);
	CHECK(timers_wait(&t, 1000) == 0 && timers_wait(&t, 5000) == 0);
	timer_set(&t, &a, UINT64_MAX);
	CHECK(timers_wait(&t, 0) == INT_MAX);
	timer_set(&t, &a, (uint64_t)INT_MAX + 7);
	CHECK(timers_wait(&t, 6) == INT_MAX && timers_wait(&t, 7) == INT_MAX);
	CHECK(timers_wait(&t, 8) == INT_MAX - 1);
	timers_free(&t);
}

static void
room_is_made_without_losing_what_is_set(void)
{
	struct timers t = {0};
	struct timer timer[100] = {{0}};
	size_t i;

	nomem_after = 0;
	CHECK(!timers_reserve(&t, 1) && t.size == 0);
	nomem_after = -1;
	for (i = 0; i < 100; i++) {
		reserve(&t, i + 1);
		CHECK(t.size >= i + 1);
		timer_set(&t, &timer[i], 1000 - i);
	}
	nomem_after = 0;
	CHECK(timers_reserve(&t, t.size) && !timers_reserve(&t, t.size + 1));
	nomem_after = -1;
	for (i = 100; i-- > 0;)
		CHECK(timers_due(&t, 1000) == &timer[i]);
	timers_free(&t);
	CHECK(t.heap == NULL && t.size == 0 && t.count == 0);
}

static void
the_clock_does_not_go_back(void)
{
	uint64_t before = timer_now(), now;
	int i;

	for (i = 0; i < 1000; i++) {
		now = timer_now();
		CHECK(now >= before);
		before = now;
	}
}

/* ---- random operations against a list that is searched ---- */

#define MANY 150

static struct timer timer[MANY];
static uint64_t want[MANY]; /* when; 0: not set */

static size_t
earliest(void)
{
	size_t i, first = MANY;

	for (i = 0; i < MANY; i++)
		if (want[i] != 0 && (first == MANY || want[i] < want[first]))
			first = i;
	return first;
}

static void
take_due(struct timers *t, uint64_t now)
{
	size_t first = earliest();
	struct timer *due = timers_due(t, now);

	CHECK((due != NULL) == (first < MANY && want[first] <= now));
	if (due == NULL || first == MANY)
		return;
	/* Of several at the same time any may come. */
	CHECK(due->at == want[first] && !timer_is_set(due));
	CHECK(due->owner == &want[due - timer]);
	want[due - timer] = 0;
}

static void
check_heap(const struct timers *t)
{
	size_t i, count = 0, first = earliest();

	for (i = 0; i < MANY; i++) {
		CHECK(timer_is_set(&timer[i]) == (want[i] != 0));
		if (want[i] == 0)
			continue;
		count++;
		CHECK(timer[i].place <= t->count &&
		      t->heap[timer[i].place - 1] == &timer[i]);
	}
	CHECK(t->count == count);
	CHECK(timers_wait(t, 0) == (first < MANY ? (int)want[first] : -1));
}

static void
random_operations_agree_with_a_list(void)
{
	struct timers t = {0};
	unsigned seed;
	size_t what, i;
	int step;

	reserve(&t, MANY);
	for (i = 0; i < MANY; i++)
		timer[i].owner = &want[i];
	for (seed = 0; seed < 4; seed++) {
		random_seed(seed);
		for (step = 0; step < 10000 && check_ok; step++) {
			what = random_below(10);
			i = random_below(MANY);
			if (what < 5) {
				want[i] = 1 + random_below(500);
				timer_set(&t, &timer[i], want[i]);
			} else if (what < 7) {
				want[i] = 0;
				timer_clear(&t, &timer[i]);
			} else {
				take_due(&t, random_below(600));
			}
			check_heap(&t);
		}
	}
	timers_free(&t);
}

int
main(void)
{
	RUN(timers_come_in_their_order);
	RUN(a_timer_can_be_moved_and_cleared);
	RUN(the_wait_is_what_poll_takes);
	RUN(room_is_made_without_losing_what_is_set);
	RUN(the_clock_does_not_go_back);
	RUN(random_operations_agree_with_a_list);
	return check_summary();
}
