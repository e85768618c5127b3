/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

#include "check.h"
#include "units.h"

#define KIB INT64_C(1024)
#define DAY INT64_C(86400000)

static bool
reads(enum units units, const char *text, int64_t want)
{
	const char *why = "";
	int64_t value = 0;

	if (units_parse(units, text, &value, &why) && value == want)
		return true;
	printf("# \"%s\": %lld %s\n", text, (long long)value, why);
	return false;
}

static bool
refuses(enum units units, const char *text, const char *word)
{
	const char *why = "";
	int64_t value = 0;

	if (!units_parse(units, text, &value, &why) &&
	    strstr(why, word) != NULL)
		return true;
	printf("# \"%s\": %lld %s\n", text, (long long)value, why);
	return false;
}

static bool
writes(enum units units, int64_t value, const char *want)
{
	char out[UNITS_TEXT_MAX];

	units_format(units, value, out);
	if (strcmp(out, want) != 0)
		printf("# %s, not %s\n", out, want);
	return strcmp(out, want) == 0 && reads(units, out, value);
}

static void
sizes(void)
{
	CHECK(reads(UNITS_BYTES, "4096", 4096));
	CHECK(reads(UNITS_BYTES, " 4096 bytes ", 4096));
	CHECK(reads(UNITS_BYTES, "1 byte", 1));
	CHECK(reads(UNITS_BYTES, "64KiB", 64 * KIB));
	CHECK(reads(UNITS_BYTES, "1\tMiB", KIB * KIB));
	CHECK(reads(UNITS_BYTES, "3 GiB", 3 * KIB * KIB * KIB));
	CHECK(refuses(UNITS_BYTES, "1 K", "KiB"));
	CHECK(refuses(UNITS_BYTES, "1 kib", "KiB"));
	CHECK(refuses(UNITS_BYTES, "1 MB", "KiB"));
	CHECK(refuses(UNITS_BYTES, "1.5 MiB", "KiB"));
	CHECK(refuses(UNITS_BYTES, "-1", "bytes"));
	CHECK(refuses(UNITS_BYTES, "", "bytes"));
	CHECK(refuses(UNITS_BYTES, "KiB", "bytes"));
	CHECK(refuses(UNITS_BYTES, "1 KiB 2", "bytes"));
}

static void
durations(void)
{
	CHECK(reads(UNITS_TIME, "500 ms", 500));
	CHECK(reads(UNITS_TIME, "5s", 5000));
	CHECK(reads(UNITS_TIME, "2 min", 120000));
	CHECK(reads(UNITS_TIME, "1 h", 3600000));
	CHECK(reads(UNITS_TIME, "1 day", DAY));
	CHECK(reads(UNITS_TIME, "30 days", 30 * DAY));
	CHECK(reads(UNITS_TIME, "5", 5000));
	CHECK(refuses(UNITS_TIME, "5 m", "min, h"));
	CHECK(refuses(UNITS_TIME, "5 parsecs", "duration"));
	CHECK(refuses(UNITS_TIME, "-5 s", "duration"));
}

static void
plain_and_octal_numbers(void)
{
	CHECK(reads(UNITS_NONE, "0", 0));
	CHECK(reads(UNITS_NONE, "-1", -1));
	CHECK(reads(UNITS_NONE, "007", 7));
	CHECK(refuses(UNITS_NONE, "1 s", "whole"));
	CHECK(refuses(UNITS_NONE, "--1", "whole"));
	CHECK(refuses(UNITS_NONE, "0x10", "whole"));
	CHECK(refuses(UNITS_NONE, "1 0", "whole"));
	CHECK(reads(UNITS_OCTAL, "0666", 0666));
	CHECK(reads(UNITS_OCTAL, "660", 0660));
	CHECK(refuses(UNITS_OCTAL, "0888", "octal"));
	CHECK(refuses(UNITS_OCTAL, "rw", "octal"));
}

static void
what_is_too_large_does_not_wrap(void)
{
	CHECK(reads(UNITS_NONE, "9223372036854775807", INT64_MAX));
	CHECK(refuses(UNITS_NONE, "9223372036854775808", ""));
	CHECK(refuses(UNITS_NONE, "99999999999999999999999", ""));
	CHECK(refuses(UNITS_BYTES, "9223372036854775807 KiB", "large"));
	CHECK(refuses(UNITS_TIME, "9223372036854775807 days", "large"));
}

static void
what_is_written_is_read(void)
{
	CHECK(writes(UNITS_BYTES, 0, "0 bytes"));
	CHECK(writes(UNITS_BYTES, 64, "64 bytes"));
	CHECK(writes(UNITS_BYTES, 4096, "4 KiB"));
	CHECK(writes(UNITS_BYTES, 4097, "4097 bytes"));
	CHECK(writes(UNITS_BYTES, 1024 * KIB * KIB * KIB, "1024 GiB"));
	CHECK(writes(UNITS_TIME, 0, "0 ms"));
	CHECK(writes(UNITS_TIME, 1500, "1500 ms"));
	CHECK(writes(UNITS_TIME, 60000, "1 min"));
	CHECK(writes(UNITS_TIME, 90000, "90 s"));
	CHECK(writes(UNITS_TIME, DAY, "1 day"));
	CHECK(writes(UNITS_TIME, 30 * DAY, "30 days"));
	CHECK(writes(UNITS_NONE, -1, "-1"));
	CHECK(writes(UNITS_NONE, 1000, "1000"));
	CHECK(writes(UNITS_OCTAL, 0666, "0666"));
	CHECK(writes(UNITS_OCTAL, 0, "0000"));
}

int
main(void)
{
	RUN(sizes);
	RUN(durations);
	RUN(plain_and_octal_numbers);
	RUN(what_is_too_large_does_not_wrap);
	RUN(what_is_written_is_read);
	return check_summary();
}
