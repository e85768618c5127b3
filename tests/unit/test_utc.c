/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

#include <stdint.h>
#include <time.h>

#include "check.h"
#include "utc.h"

static const char *
utc(int64_t seconds)
{
	static char out[UTC_TEXT_MAX];

	utc_format(seconds, out);
	return out;
}

static void
known_times(void)
{
	CHECK(strcmp(utc(0), "1970-01-01T00:00:00Z") == 0);
	CHECK(strcmp(utc(951782399), "2000-02-28T23:59:59Z") == 0);
	CHECK(strcmp(utc(951782400), "2000-02-29T00:00:00Z") == 0);
	CHECK(strcmp(utc(INT32_MAX), "2038-01-19T03:14:07Z") == 0);
	CHECK(strcmp(utc(4107542400), "2100-03-01T00:00:00Z") == 0);
}

static void
what_is_out_of_range_is_the_nearest(void)
{
	CHECK(strcmp(utc(-1), "1970-01-01T00:00:00Z") == 0);
	CHECK(strcmp(utc(INT64_MIN), "1970-01-01T00:00:00Z") == 0);
	CHECK(strcmp(utc(INT64_MAX), "9999-12-31T23:59:59Z") == 0);
}

/* Every day of 430 years, against the C library. */
static void
each_day_agrees_with_gmtime(void)
{
	for (time_t t = 1; t < (time_t)430 * 366 * 86400; t += 86399) {
		char want[64];
		struct tm tm;

		gmtime_r(&t, &tm);
		strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%SZ", &tm);
		if (strcmp(utc(t), want) != 0) {
			CHECK_STR(utc(t), UTC_TEXT_MAX - 1, want);
			return;
		}
	}
}

int
main(void)
{
	RUN(known_times);
	RUN(what_is_out_of_range_is_the_nearest);
	RUN(each_day_agrees_with_gmtime);
	return check_summary();
}
