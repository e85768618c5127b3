/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * random.h - numbers for property tests: the same ones in every run.
 *
 * xorshift64* (Vigna, 2016).  A test that fails says which seed it had.
 */
#ifndef RANDOM_H
#define RANDOM_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

static uint64_t random_state;

static inline void
random_seed(unsigned seed)
{
	printf("# seed %u\n", seed);
	random_state = seed * 0x9e3779b97f4a7c15U + 1;
}

/* 0 to n - 1. */
static inline size_t
random_below(size_t n)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (size_t)((random_state * 0x2545f4914f6cdd1dU) >> 33) % n;
}

#endif
