/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * The textbook heap.  Each timer knows its place, so that it can be moved or
 * taken out without a search.
 */
#include "timer.h"

#include <limits.h>
#include <stdlib.h>
#include <time.h>

bool
timers_reserve(struct timers *t, size_t n)
{
	size_t size = t->size > 0 ? t->size : 16;
	struct timer **heap;

	if (n <= t->size)
		return true;
	while (size < n)
		size *= 2;
	heap = realloc(t->heap, size * sizeof *heap);
	if (heap == NULL)
		return false;
	t->heap = heap;
	t->size = size;
	return true;
}

void
timers_free(struct timers *t)
{
	free(t->heap);
	*t = (struct timers){0};
}

static void
put(struct timers *t, struct timer *timer, size_t place)
{
	t->heap[place - 1] = timer;
	timer->place = place;
}

static void
rise(struct timers *t, struct timer *timer, size_t place)
{
	while (place > 1 && t->heap[place / 2 - 1]->at > timer->at) {
		put(t, t->heap[place / 2 - 1], place);
		place /= 2;
	}
	put(t, timer, place);
}

static void
sink(struct timers *t, struct timer *timer, size_t place)
{
	size_t child;

	while ((child = 2 * place) <= t->count) {
		if (child < t->count &&
		    t->heap[child]->at < t->heap[child - 1]->at)
			child++;
		if (t->heap[child - 1]->at >= timer->at)
			break;
		put(t, t->heap[child - 1], place);
		place = child;
	}
	put(t, timer, place);
}

void
timer_set(struct timers *t, struct timer *timer, uint64_t at)
{
	if (timer->place == 0)
		timer->place = ++t->count;
	timer->at = at;
	rise(t, timer, timer->place);
	sink(t, timer, timer->place);
}

void
timer_clear(struct timers *t, struct timer *timer)
{
	size_t place = timer->place;
	struct timer *last;

	if (place == 0)
		return;
	last = t->heap[--t->count];
	timer->place = 0;
	if (last == timer)
		return;
	last->place = place;
	rise(t, last, place);
	sink(t, last, last->place);
}

struct timer *
timers_due(struct timers *t, uint64_t now)
{
	struct timer *first = t->count > 0 ? t->heap[0] : NULL;

	if (first == NULL || first->at > now)
		return NULL;
	timer_clear(t, first);
	return first;
}

int
timers_wait(const struct timers *t, uint64_t now)
{
	uint64_t left;

	if (t->count == 0)
		return -1;
	if (t->heap[0]->at <= now)
		return 0;
	left = t->heap[0]->at - now;
	return left < INT_MAX ? (int)left : INT_MAX;
}

uint64_t
timer_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}
