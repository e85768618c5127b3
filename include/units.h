/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * units.h - numbers as people write them: `4096`, `64 KiB`, `500 ms`,
 * `30 days`, `0666`.
 *
 * Whole numbers only, and the space before the unit is optional.  A size
 * without unit is in bytes; a duration without one is refused, because half
 * of the readers take it for seconds and the other half for milliseconds.
 */
#ifndef UNITS_H
#define UNITS_H

#include <stdbool.h>
#include <stdint.h>

/* Room for any formatted number, with its NUL. */
#define UNITS_TEXT_MAX 32

enum units {
	UNITS_NONE,  /* a plain number, which may be negative */
	UNITS_BYTES, /* bytes, KiB, MiB, GiB: powers of 1024 (IEC 80000-13) */
	UNITS_TIME,  /* ms, s, min, h, days, or none for s; value in ms */
	UNITS_OCTAL  /* permissions */
};

/*
 * Reads all of text, with white space allowed at both ends.  Returns false with
 * *why set to a constant string if it is no such number, or more than fits.
 */
bool units_parse(
    enum units units, const char *text, int64_t *value, const char **why);

/* Writes value, which is not negative where it has a unit, in the largest unit
 * that divides it; units_parse reads it back as it was. */
void units_format(enum units units, int64_t value, char out[UNITS_TEXT_MAX]);

#endif
