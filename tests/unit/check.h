/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * check.h - the smallest unit-test harness that tells what it saw.
 *
 * A test program is a main() that calls test functions through RUN() and
 * returns check_summary().  Each RUN() is one counted test, and prints one
 * TAP line; every CHECK() that fails prints its place and the test fails.
 */
#ifndef CHECK_H
#define CHECK_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int check_tests, check_failed;
static bool check_ok;

#define CHECK(cond)                                                            \
	do {                                                                   \
		if (!(cond)) {                                                 \
			printf("# %s:%d: not so: %s\n", __FILE__, __LINE__,    \
			    #cond);                                            \
			check_ok = false;                                      \
		}                                                              \
	} while (0)

#define CHECK_STR(got, len, want)                                              \
	do {                                                                   \
		size_t check_len = (size_t)(len);                              \
		if (check_len != strlen(want) ||                               \
		    memcmp(got, want, check_len) != 0) {                       \
			printf("# %s:%d: got \"%.*s\", want \"%s\"\n",         \
			    __FILE__, __LINE__, (int)check_len,                \
			    (const char *)(got), want);                        \
			check_ok = false;                                      \
		}                                                              \
	} while (0)

#define RUN(test) check_run(test, #test)

static inline void
check_run(void (*test)(void), const char *name)
{
	check_ok = true;
	test();
	check_tests++;
	if (!check_ok)
		check_failed++;
	printf("%s %d %s\n", check_ok ? "ok" : "not ok", check_tests, name);
}

static inline int
check_summary(void)
{
	printf("1..%d\n", check_tests);
	return check_failed == 0 ? 0 : 1;
}

#endif
