/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * timer.h - many deadlines, the earliest first: a binary heap.
 *
 * Setting and clearing cost O(log n); a struct timer lives inside what it
 * belongs to, and needs no memory of its own once timers_reserve() has made
 * room for it.
 */
#ifndef TIMER_H
#define TIMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct timer {
	uint64_t at;  /* milliseconds on the caller's clock */
	size_t place; /* in the heap, counted from 1; 0: not set */
	void *owner;
};

struct timers {
	struct timer **heap; /* owned; the timers are not */
	size_t count, size;
};

/* Room for n timers in all.  False without memory; nothing changed then. */
bool timers_reserve(struct timers *t, size_t n);
void timers_free(struct timers *t);

/* Sets, or moves, a timer to fire at a time.  There must be room. */
void timer_set(struct timers *t, struct timer *timer, uint64_t at);
void timer_clear(struct timers *t, struct timer *timer);

static inline bool
timer_is_set(const struct timer *timer)
{
	return timer->place != 0;
}

/* Takes out a timer that is due at now, or NULL. */
struct timer *timers_due(struct timers *t, uint64_t now);

/* Milliseconds from now to the earliest timer, for poll(2): -1 if none. */
int timers_wait(const struct timers *t, uint64_t now);

/* Milliseconds on a clock that never jumps (CLOCK_MONOTONIC). */
uint64_t timer_now(void);

#endif
