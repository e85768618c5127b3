/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

#define _GNU_SOURCE
#include "check.h"
#include "nomem.h"
#include "random.h"

/* The module itself, with memory that can end. */
#include "../../src/names.c" /* NOLINT(bugprone-suspicious-include) */

/* Without a table no test makes sense. */
static void
start(struct names *n)
{
	if (!names_init(n) || n->size == 0)
		abort();
}

static struct name *
get(struct names *n, const char *s)
{
	return names_get(n, s, strlen(s));
}

static struct name *
look(const struct names *n, const char *s)
{
	return names_find(n, s, strlen(s));
}

static void
a_name_is_found_by_its_bytes(void)
{
	struct names n;
	struct name *alice;

	start(&n);
	CHECK(look(&n, "alice") == NULL && n.count == 0);
	alice = get(&n, "alice");
	if (alice == NULL)
		abort();
	CHECK(get(&n, "alice") == alice && n.count == 1);
	CHECK_STR(alice->text, alice->len, "alice");
	CHECK(alice->peer == NULL && alice->mails == 0 && !alice->known);
	CHECK(look(&n, "alice") == alice);
	CHECK(look(&n, "Alice") == NULL && look(&n, "alic") == NULL);
	CHECK(look(&n, "alice2") == NULL && look(&n, "") == NULL);
	names_free(&n);
	CHECK(n.count == 0 && n.chains == NULL);
}

static void
the_longest_name_fits_and_a_longer_one_is_nobody(void)
{
	static const char s[] = "0123456789abcdef0123456789abcdefX";
	struct names n;
	struct name *name;
	size_t len;

	start(&n);
	for (len = 1; len <= NAME_MAX_LEN; len++) {
		name = names_get(&n, s, len);
		CHECK(name != NULL && name->len == len &&
		      memcmp(name->text, s, len) == 0);
	}
	CHECK(n.count == NAME_MAX_LEN);
	CHECK(names_find(&n, s, NAME_MAX_LEN) != NULL);
	CHECK(names_find(&n, s, NAME_MAX_LEN + 1) == NULL);
	names_free(&n);
}

/* Each reason alone keeps the entry; with the last one gone it goes. */
static void
an_entry_stays_while_anything_keeps_it(void)
{
	static char somebody;
	struct peer *peer = (struct peer *)(void *)&somebody;
	struct names n;
	struct name *name;

	start(&n);
	name = get(&n, "alice");
	name->peer = peer;
	names_release(&n, name);
	name->peer = NULL;
	name->waiters = peer;
	names_release(&n, name);
	name->waiters = NULL;
	name->mails = 1;
	names_release(&n, name);
	name->mails = 0;
	name->adds = 1;
	names_release(&n, name);
	name->adds = 0;
	CHECK(look(&n, "alice") == name);
	names_release(&n, name);
	CHECK(look(&n, "alice") == NULL && n.count == 0);
	name = get(&n, "bob");
	names_know(&n, name);
	names_know(&n, name);
	names_release(&n, name);
	CHECK(look(&n, "bob") == name && n.known == 1);
	names_free(&n);
}

static void
without_memory_nothing_changes(void)
{
	struct names n;
	char s[16];
	int i;

	nomem_after = 0;
	CHECK(!names_init(&n));
	CHECK(n.size == 0 && n.chains == NULL);
	names_free(&n);
	nomem_after = -1;
	start(&n);
	CHECK(get(&n, "alice") != NULL);
	nomem_after = 0;
	CHECK(get(&n, "bob") == NULL && look(&n, "bob") == NULL);
	CHECK(n.count == 1 && get(&n, "alice") != NULL);
	/* A table that cannot grow still takes names. */
	for (i = 0; i < 2 * SIZE_MIN; i++) {
		snprintf(s, sizeof s, "n%d", i);
		nomem_after = n.count >= n.size ? 0 : 1;
		if (n.count >= n.size) {
			CHECK(get(&n, s) == NULL);
			break;
		}
		CHECK(get(&n, s) != NULL);
	}
	nomem_after = -1;
	CHECK(n.count == n.size && look(&n, "n0") != NULL);
	names_free(&n);
}

/* Names that a table's seed does not choose lie in chains of few. */
static void
names_are_spread_by_a_secret(void)
{
	struct names n = {0}, other = {0};
	struct name *name;
	size_t i, len, longest = 0;
	char s[16];

	start(&n);
	start(&other);
	CHECK(n.seed != other.seed);
	for (i = 0; i < 4096; i++) {
		snprintf(s, sizeof s, "user%zu", i);
		CHECK(get(&n, s) != NULL);
	}
	CHECK(n.size >= 4096);
	for (i = 0; i < n.size; i++) {
		len = 0;
		for (name = n.chains[i]; name != NULL; name = name->next)
			len++;
		longest = len > longest ? len : longest;
	}
	/* Of 4096 in 4096 places, 20 in one has a chance of 1 in 10^15. */
	CHECK(longest < 20);
	names_free(&n);
	names_free(&other);
}

/* ---- random operations against a list of all names there can be ---- */

#define MANY 1500

static struct {
	char text[NAME_MAX_LEN];
	size_t len;
	struct name *entry; /* NULL: none */
	uint32_t mails;
	bool known;
	int met; /* in one walk over all */
} model[MANY];

/* All different: each ends in its number.  Any byte may stand in front. */
static void
make_names(void)
{
	size_t i, j, front;
	char number[8];

	memset(model, 0, sizeof model);
	for (i = 0; i < MANY; i++) {
		front = random_below(NAME_MAX_LEN - 4);
		for (j = 0; j < front; j++)
			model[i].text[j] = (char)(128 + random_below(3));
		snprintf(number, sizeof number, "%04zu", i);
		memcpy(model[i].text + front, number, 4);
		model[i].len = front + 4;
	}
}

static void
walk(struct names *n)
{
	const struct name *name;
	size_t i, count = 0, known = 0;

	for (i = 0; i < MANY; i++) {
		model[i].met = 0;
		count += model[i].entry != NULL;
		known += model[i].known;
	}
	for (name = names_next(n, NULL); name != NULL;
	     name = names_next(n, name))
		for (i = 0; i < MANY; i++)
			model[i].met += model[i].entry == name;
	for (i = 0; i < MANY; i++)
		CHECK(model[i].met == (model[i].entry != NULL));
	CHECK(n->count == count && n->known == known);
}

static void
model_step(struct names *n)
{
	size_t i = random_below(MANY), what = random_below(100);
	struct name *e = model[i].entry;

	CHECK(names_find(n, model[i].text, model[i].len) == e);
	if (what < 50) {
		model[i].entry = names_get(n, model[i].text, model[i].len);
		CHECK(model[i].entry != NULL &&
		      (e == NULL || model[i].entry == e));
	} else if (e == NULL) {
		return;
	} else if (what < 52) {
		names_know(n, e);
		model[i].known = true;
	} else if (what < 70) {
		e->mails = model[i].mails = (uint32_t)random_below(2);
	} else {
		names_release(n, e);
		if (model[i].mails == 0 && !model[i].known)
			model[i].entry = NULL;
	}
}

static void
random_operations_agree_with_a_list(void)
{
	struct names n;
	unsigned seed;
	int step;

	for (seed = 0; seed < 3; seed++) {
		random_seed(seed);
		make_names();
		start(&n);
		for (step = 0; step < 20000 && check_ok; step++) {
			model_step(&n);
			if (step % 4000 == 0)
				walk(&n);
		}
		walk(&n);
		names_free(&n);
		CHECK(names_next(&n, NULL) == NULL);
	}
}

int
main(void)
{
	RUN(a_name_is_found_by_its_bytes);
	RUN(the_longest_name_fits_and_a_longer_one_is_nobody);
	RUN(an_entry_stays_while_anything_keeps_it);
	RUN(without_memory_nothing_changes);
	RUN(names_are_spread_by_a_secret);
	RUN(random_operations_agree_with_a_list);
	return check_summary();
}
