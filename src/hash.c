/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

#define _GNU_SOURCE
#include "hash.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/random.h>
#endif

uint64_t
hash_seed(void)
{
	struct timespec ts;
	uint64_t seed = 0;

#ifdef __linux__
	if (getrandom(&seed, sizeof seed, 0) == (ssize_t)sizeof seed)
		return seed | 1;
#endif
	clock_gettime(CLOCK_REALTIME, &ts);
	seed = (uint64_t)ts.tv_nsec * 0x9e3779b97f4a7c15U;
	return (seed ^ (uint64_t)getpid()) | 1;
}

static uint64_t
mix(uint64_t h)
{
	h ^= h >> 32;
	h *= 0xd6e8feb86659fd93U;
	h ^= h >> 32;
	return h;
}

/* Eight bytes a step; each step depends on the seed, so without it nothing
 * can be said about where a name falls. */
uint64_t
hash_bytes(uint64_t seed, const char *s, size_t len)
{
	uint64_t h = seed ^ (len * 0x9e3779b97f4a7c15U), word;

	for (; len >= 8; s += 8, len -= 8) {
		memcpy(&word, s, 8);
		h = mix(h ^ word) * seed;
	}
	word = 0;
	memcpy(&word, s, len);
	return mix(mix(h ^ word) + seed);
}
