/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

#include "check.h"
#include "nomem.h"

/* The module itself, with memory that can end. */
#include "../../src/ignored.c" /* NOLINT(bugprone-suspicious-include) */

static struct ignored *list;

static enum ignored_error
add(const char *s)
{
	return ignored_add(&list, s, strlen(s));
}

static enum ignored_error
drop(const char *s)
{
	return ignored_remove(&list, s, strlen(s));
}

static bool
has(const char *s)
{
	return ignored_has(list, s, strlen(s));
}

static void
nobody_is_ignored_at_first(void)
{
	CHECK(!has("bob") && drop("bob") == IGNORED_NOT && list == NULL);
}

static void
who_is_ignored_is_found_by_all_its_bytes(void)
{
	CHECK(add("bob") == IGNORED_OK && add("bo") == IGNORED_OK);
	CHECK(add("bob") == IGNORED_OK && list->count == 2);
	CHECK(add("alice") == IGNORED_OK && add("carol") == IGNORED_OK);
	CHECK(has("bob") && has("bo") && has("alice") && has("carol"));
	CHECK(!has("b") && !has("bobb") && !has("Bob") && !has(""));
	CHECK_STR(list->names[0].text, list->names[0].len, "alice");
	CHECK_STR(list->names[1].text, list->names[1].len, "bo");
	CHECK_STR(list->names[2].text, list->names[2].len, "bob");
	CHECK_STR(list->names[3].text, list->names[3].len, "carol");
	CHECK(drop("bo") == IGNORED_OK && !has("bo") && has("bob"));
	CHECK(drop("bo") == IGNORED_NOT);
	CHECK(drop("alice") == IGNORED_OK && drop("carol") == IGNORED_OK);
	CHECK(drop("bob") == IGNORED_OK && list == NULL);
}

static void
there_is_an_end_to_ignoring(void)
{
	char s[NAME_MAX_LEN + 1];
	int i;

	for (i = 0; i < IGNORED_MAX; i++) {
		snprintf(s, sizeof s, "%032d", (i * 37) % IGNORED_MAX);
		CHECK(add(s) == IGNORED_OK);
	}
	CHECK(add("one more") == IGNORED_TOO_MANY && add(s) == IGNORED_OK);
	for (i = 0; i < IGNORED_MAX; i++) {
		snprintf(s, sizeof s, "%032d", i);
		CHECK(has(s) && drop(s) == IGNORED_OK);
	}
	CHECK(list == NULL);
}

static void
without_memory_nothing_changes(void)
{
	nomem_after = 0;
	CHECK(add("bob") == IGNORED_NO_MEMORY && list == NULL);
	nomem_after = 1;
	CHECK(add("bob") == IGNORED_OK && add("al") == IGNORED_NO_MEMORY);
	nomem_after = -1;
	CHECK(has("bob") && !has("al") && drop("bob") == IGNORED_OK);
}

int
main(void)
{
	RUN(nobody_is_ignored_at_first);
	RUN(who_is_ignored_is_found_by_all_its_bytes);
	RUN(there_is_an_end_to_ignoring);
	RUN(without_memory_nothing_changes);
	return check_summary();
}
