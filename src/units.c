/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

#include "units.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define KIB    INT64_C(1024)
#define SECOND INT64_C(1000) /* in ms */

struct unit {
	const char *name;
	int64_t size;
};

/* Smallest first; of two names for one size the later one is written, but for
 * exactly one day. */
static const struct unit bytes[] = {
    {"", 1},
    {"byte", 1},
    {"bytes", 1},
    {"KiB", KIB},
    {"MiB", 1024 * KIB},
    {"GiB", 1024 * 1024 * KIB},
    {NULL, 0},
};

static const struct unit times[] = {
    {"ms", 1},
    {"s", SECOND},
    {"min", 60 * SECOND},
    {"h", 3600 * SECOND},
    {"day", 24 * 3600 * SECOND},
    {"days", 24 * 3600 * SECOND},
    {NULL, 0},
};

static const struct unit plain[] = {
    {"", 1},
    {NULL, 0},
};

static const struct unit *
units_of(enum units units)
{
	switch (units) {
	case UNITS_BYTES: return bytes;
	case UNITS_TIME: return times;
	default: return plain;
	}
}

static const char *
why_no_unit(enum units units)
{
	switch (units) {
	case UNITS_BYTES: return "not a size in bytes, KiB, MiB or GiB";
	case UNITS_TIME: return "not a duration in ms, s, min, h or days";
	case UNITS_OCTAL: return "not an octal number";
	default: return "not a whole number";
	}
}

static const char *
skip_blanks(const char *s)
{
	return s + strspn(s, " \t");
}

/* Digits up to the first that is none; false if there is none at all, or more
 * than an int64_t holds. */
static bool
parse_digits(const char **s, int64_t base, int64_t *value)
{
	const char *start = *s;

	*value = 0;
	for (; **s >= '0' && **s < '0' + base; (*s)++) {
		int64_t digit = **s - '0';

		if (*value > (INT64_MAX - digit) / base)
			return false;
		*value = *value * base + digit;
	}
	return *s > start;
}

/* The size of the unit that text, but for white space at its end, names;
 * 0 if none. */
static int64_t
parse_unit(const struct unit *unit, const char *text)
{
	size_t len = strcspn(text, " \t");

	if (*skip_blanks(text + len) != '\0')
		return 0;
	for (; unit->name != NULL; unit++)
		if (strlen(unit->name) == len &&
		    strncmp(unit->name, text, len) == 0)
			return unit->size;
	return 0;
}

bool
units_parse(
    enum units units, const char *text, int64_t *value, const char **why)
{
	const char *s = skip_blanks(text);
	bool negative = units == UNITS_NONE && *s == '-';
	int64_t size;

	*why = why_no_unit(units);
	if (negative)
		s++;
	if (!parse_digits(&s, units == UNITS_OCTAL ? 8 : 10, value))
		return false;
	s = skip_blanks(s);
	size = units == UNITS_TIME && *s == '\0'
	           ? SECOND
	           : parse_unit(units_of(units), s);
	if (size == 0)
		return false;
	*why = "too large a number";
	if (*value > INT64_MAX / size)
		return false;
	*value = negative ? -*value : *value * size;
	return true;
}

/* The largest unit that divides value. */
static const struct unit *
best_unit(const struct unit *unit, int64_t value)
{
	const struct unit *best = unit;

	for (; unit->name != NULL; unit++)
		if (unit->size == 1 ||
		    (value != 0 && value % unit->size == 0 &&
			(unit->size > best->size || value > unit->size)))
			best = unit;
	return best;
}

void
units_format(enum units units, int64_t value, char out[UNITS_TEXT_MAX])
{
	const struct unit *unit = best_unit(units_of(units), value);

	if (units == UNITS_OCTAL)
		snprintf(out, UNITS_TEXT_MAX, "%04" PRIo64, (uint64_t)value);
	else
		snprintf(out, UNITS_TEXT_MAX, "%" PRId64 "%s%s",
		    value / unit->size, unit->name[0] == '\0' ? "" : " ",
		    unit->name);
}
