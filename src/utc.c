/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

#include "utc.h"

#include <stdio.h>

#define LAST_SECOND INT64_C(253402300799) /* 9999-12-31T23:59:59Z */

/* Days from 0000-03-01 to 1970-01-01. */
#define DAYS_TO_1970 719468

#define DAYS_IN_400_YEARS 146097

/* Years that begin in March have their leap day at the end, so that a month
 * is (153 m + 2) / 5 days into the year whatever the year; and the calendar
 * repeats after 400 of them. */
void
utc_format(int64_t seconds, char out[UTC_TEXT_MAX])
{
	unsigned days, era, year, month, second;

	if (seconds < 0)
		seconds = 0;
	if (seconds > LAST_SECOND)
		seconds = LAST_SECOND;
	second = (unsigned)(seconds % 86400);
	days = (unsigned)(seconds / 86400) + DAYS_TO_1970;
	era = days / DAYS_IN_400_YEARS;
	days %= DAYS_IN_400_YEARS;
	year = (days - days / 1460 + days / 36524 - days / 146096) / 365;
	days -= 365 * year + year / 4 - year / 100;
	month = (5 * days + 2) / 153;
	days -= (153 * month + 2) / 5;
	month = month < 10 ? month + 3 : month - 9;
	year += 400 * era + (month <= 2 ? 1 : 0);
	snprintf(out, UTC_TEXT_MAX, "%04u-%02u-%02uT%02u:%02u:%02uZ",
	    year % 10000, month % 100, (days + 1) % 100, second / 3600 % 100,
	    second / 60 % 60, second % 60);
}
