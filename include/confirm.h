/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * confirm.h - from bytes that the client's host has acknowledged to bytes of
 * TEXT that the broker may forget.
 *
 * The two counts differ once a session adds bytes of its own: answers to
 * telnet options, the CR before LF.  As long as it added none they are equal;
 * afterwards each write leaves a mark, and what is confirmed is what stands
 * at the last mark passed.  Marks are few: where they run out the newest is
 * moved, so that a confirmation may come late, but never too early.
 *
 * Pure: no I/O.
 */
#ifndef CONFIRM_H
#define CONFIRM_H

#include <stddef.h>
#include <stdint.h>

#define CONFIRM_MARKS 16

struct confirm {
	uint64_t raw;   /* bytes written to the client */
	uint64_t text;  /* bytes of TEXT among them */
	uint64_t acked; /* raw bytes acknowledged by the client's host */
	uint64_t safe;  /* bytes of TEXT among those, for certain */
	struct {
		uint64_t raw, text;
	} mark[CONFIRM_MARKS];
	unsigned first, count;
};

/* raw bytes were written; text of them were TEXT. */
void confirm_wrote(struct confirm *c, size_t raw, size_t text);

/* The host has acknowledged all but the last unacked of the bytes written. */
void confirm_unacked(struct confirm *c, uint64_t unacked);

#endif
