/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * utc.h - a time as telld writes it everywhere: `2026-11-24T01:02:03Z`, the
 * form of RFC 3339 in UTC.
 *
 * gmtime(3) may read the time zone's files and allocate, and neither can be
 * done in a sandbox.  This cannot fail.
 */
#ifndef UTC_H
#define UTC_H

#include <stdint.h>

/* Room for the text, with its NUL. */
#define UTC_TEXT_MAX 21

/* seconds since 1970; what is not within the years 1970 to 9999 is shown as
 * the nearest that is. */
void utc_format(int64_t seconds, char out[UTC_TEXT_MAX]);

#endif
