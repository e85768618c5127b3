/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * The stamp at the head of every text: sender and number, in ASCII.
 *
 * It is counted up in place, digit by digit, because a generator that formats
 * a number for every text would measure its own snprintf.  The same trick on
 * the other side makes checking a comparison of bytes with what must come.
 */
#include "load.h"

#include <string.h>

static char filler[TEXT_MAX];

void
stamp_set(char *stamp, unsigned sender, uint64_t number)
{
	for (int i = STAMP_DIGIT - 2; i >= 0; i--, sender /= 10)
		stamp[i] = (char)('0' + sender % 10);
	stamp[STAMP_DIGIT - 1] = '-';
	for (int i = STAMP_LEN - 1; i >= STAMP_DIGIT; i--, number /= 10)
		stamp[i] = (char)('0' + number % 10);
}

void
stamp_next(char *stamp)
{
	int i = STAMP_LEN - 1;

	while (stamp[i] == '9')
		stamp[i--] = '0';
	stamp[i]++;
}

static bool
digits_read(const char *p, int n, uint64_t *value)
{
	*value = 0;
	for (int i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return false;
		*value = *value * 10 + (uint64_t)(p[i] - '0');
	}
	return true;
}

bool
stamp_read(const char *stamp, unsigned *sender, uint64_t *number)
{
	uint64_t who;

	if (!digits_read(stamp, STAMP_DIGIT - 1, &who) ||
	    stamp[STAMP_DIGIT - 1] != '-' ||
	    !digits_read(stamp + STAMP_DIGIT, STAMP_LEN - STAMP_DIGIT, number))
		return false;
	*sender = (unsigned)who;
	return true;
}

/* No white space: a server may drop it at the end of a text. */
const char *
stamp_filler(void)
{
	if (filler[0] == '\0')
		for (size_t i = 0; i < sizeof(filler); i++)
			filler[i] = (char)('a' + i % 26);
	return filler;
}
