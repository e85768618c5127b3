/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

#include "check.h"
#include "nomem.h"
#include "random.h"

/* The module itself, with memory that can end. */
#include "../../src/outbox.c" /* NOLINT(bugprone-suspicious-include) */

static bool
put(struct outbox *o, const char *s)
{
	struct iovec part = {(void *)(uintptr_t)s, strlen(s)};

	return outbox_put(o, &part, 1, (struct copy){.kind = COPY_LIVE});
}

/* What iov points to, one after the other; static. */
static const char *
joined(const struct iovec iov[2], int n, size_t *len)
{
	static char text[1 << 20];
	int i;

	*len = 0;
	for (i = 0; i < n; i++) {
		if (iov[i].iov_len > 0)
			memcpy(text + *len, iov[i].iov_base, iov[i].iov_len);
		*len += iov[i].iov_len;
	}
	return text;
}

/* The next max unsent bytes are want. */
static bool
would_send(const struct outbox *o, size_t max, const char *want)
{
	struct iovec iov[2] = {{NULL, 0}, {NULL, 0}};
	int n = outbox_unsent_span(o, max, iov);
	size_t len;
	const char *text = joined(iov, n, &len);

	return len == strlen(want) && memcmp(text, want, len) == 0;
}

static bool
takes(struct outbox *o, bool force, const char *want, bool want_seen)
{
	struct iovec iov[2];
	struct copy c;
	bool seen;
	size_t len;
	const char *text;

	if (!outbox_take(o, force, &c, iov, &seen))
		return false;
	text = joined(iov, 2, &len);
	return seen == want_seen && c.len == len && len == strlen(want) &&
	       memcmp(text, want, len) == 0;
}

static void
an_empty_outbox_has_nothing(void)
{
	struct outbox o = {0};
	struct iovec iov[2];
	struct copy c;
	bool seen;

	CHECK(outbox_unconfirmed(&o) == 0 && outbox_unsent(&o) == 0);
	CHECK(outbox_cost(&o) == 0);
	CHECK(outbox_unsent_span(&o, 100, iov) == 0);
	CHECK(!outbox_take(&o, true, &c, iov, &seen));
	CHECK(outbox_confirm(&o, 0) && !outbox_confirm(&o, 1));
	outbox_rewind(&o);
	outbox_trim(&o);
	outbox_free(&o);
}

static void
a_copy_leaves_once_wholly_confirmed(void)
{
	struct outbox o = {0};

	CHECK(put(&o, "one\n") && put(&o, "two\n"));
	CHECK(would_send(&o, 6, "one\ntw"));
	outbox_sent(&o, 6);
	CHECK(!outbox_confirm(&o, 7) && outbox_confirm(&o, 3));
	CHECK(!takes(&o, false, "one\n", true) && o.copies_count == 2);
	CHECK(outbox_confirm(&o, 5) && !outbox_confirm(&o, 4));
	CHECK(takes(&o, false, "one\n", true));
	CHECK(!takes(&o, false, "", true) && o.copies_count == 1);
	CHECK(outbox_unsent(&o) == 2 && outbox_unconfirmed(&o) == 3);
	outbox_free(&o);
}

static void
what_is_handed_back_says_whether_it_may_have_been_seen(void)
{
	struct outbox o = {0};

	CHECK(put(&o, "one\n") && put(&o, "two\n") && put(&o, "three\n"));
	outbox_sent(&o, 5);
	CHECK(outbox_confirm(&o, 2));
	CHECK(takes(&o, true, "one\n", true));
	CHECK(takes(&o, true, "two\n", true));
	CHECK(takes(&o, true, "three\n", false));
	CHECK(outbox_unconfirmed(&o) == 0 && outbox_unsent(&o) == 0);
	CHECK(outbox_cost(&o) == 0);
	outbox_free(&o);
}

static void
a_rewound_outbox_is_sent_again_from_its_first_copy(void)
{
	struct outbox o = {0};

	CHECK(put(&o, "one\n") && put(&o, "two\n") && put(&o, "three\n"));
	outbox_sent(&o, 12);
	CHECK(outbox_confirm(&o, 6) && takes(&o, false, "one\n", true));
	outbox_rewind(&o);
	CHECK(outbox_unsent(&o) == 10 && outbox_unconfirmed(&o) == 10);
	CHECK(would_send(&o, 99, "two\nthree\n"));
	CHECK(takes(&o, true, "two\n", false));
	outbox_free(&o);
}

static void
trimming_keeps_what_is_there_and_the_position(void)
{
	struct outbox o = {0};

	CHECK(put(&o, "one\n"));
	outbox_trim(&o);
	CHECK(o.size > 0);
	outbox_sent(&o, 4);
	CHECK(outbox_confirm(&o, 4) && takes(&o, false, "one\n", true));
	outbox_trim(&o);
	CHECK(o.size == 0 && o.bytes == NULL && o.copies == NULL);
	CHECK(put(&o, "two\n") && o.end == 8);
	CHECK(takes(&o, true, "two\n", false));
	outbox_free(&o);
}

/* The last lines, at most max bytes of them, are want. */
static bool
last(const struct outbox *o, unsigned lines, size_t max, const char *want)
{
	char text[16384];
	size_t len = outbox_last(o, lines, text, max);

	return len == strlen(want) && memcmp(text, want, len) == 0;
}

static void
take_all(struct outbox *o)
{
	struct iovec iov[2];
	struct copy c;
	bool seen;

	while (outbox_take(o, true, &c, iov, &seen))
		;
}

static void
the_last_lines_are_there_after_they_were_confirmed(void)
{
	struct outbox o = {0};

	CHECK(last(&o, 5, 100, ""));
	CHECK(put(&o, "one\n") && put(&o, "two\nthree\n") && put(&o, "\n"));
	CHECK(last(&o, 1, 100, "\n") && last(&o, 2, 100, "three\n\n"));
	CHECK(last(&o, 4, 100, "one\ntwo\nthree\n\n"));
	CHECK(last(&o, 99, 100, "one\ntwo\nthree\n\n"));
	CHECK(last(&o, 99, 14, "two\nthree\n\n"));
	CHECK(last(&o, 99, 7, "\n") && last(&o, 99, 0, ""));
	take_all(&o);
	CHECK(last(&o, 2, 100, "three\n\n"));
	outbox_shrink(&o);
	CHECK(o.copies == NULL && last(&o, 3, 100, "two\nthree\n\n"));
	outbox_trim(&o);
	CHECK(last(&o, 3, 100, "") && put(&o, "four\n"));
	CHECK(put(&o, "five\n"));
	CHECK(last(&o, 3, 100, "five\n"));
	outbox_free(&o);
}

/* What is kept is not what waits: it neither costs nor is it sent again. */
static void
as_much_is_kept_as_was_asked_for(void)
{
	char line[101], want[16384];
	struct outbox o = {.keep = 8192};
	size_t at = 0;
	int i;

	for (i = 0; i < 300; i++) {
		snprintf(line, sizeof line, "%099d\n", i);
		CHECK(put(&o, line));
		take_all(&o);
		if (i >= 300 - 80)
			at += (size_t)snprintf(
			    want + at, sizeof want - at, "%s", line);
	}
	CHECK(o.size == 8192 && outbox_cost(&o) == 0);
	CHECK(last(&o, 80, 8192, want));
	memset(line, 'x', sizeof line - 1);
	for (i = 0; i < 1000; i++)
		CHECK(put(&o, line));
	CHECK(o.size > 65536);
	take_all(&o);
	nomem_after = 0;
	outbox_shrink(&o);
	CHECK(o.size > 65536);
	nomem_after = -1;
	outbox_shrink(&o);
	CHECK(o.size == 8192);
	o.keep = 0;
	CHECK(put(&o, "\nend\n"));
	take_all(&o);
	outbox_shrink(&o);
	CHECK(o.size == 1024 && last(&o, 9, 1024, "end\n"));
	outbox_free(&o);
}

/* Without memory for more history there is less of it, and no error. */
static void
what_is_only_kept_may_fail_to_be(void)
{
	struct outbox o = {.keep = 8192};
	char line[101];
	int i;

	memset(line, 'x', sizeof line - 1);
	line[99] = '\n';
	line[100] = '\0';
	CHECK(put(&o, line));
	take_all(&o);
	nomem_after = 0;
	for (i = 0; i < 100; i++) {
		CHECK(put(&o, line));
		take_all(&o);
	}
	nomem_after = -1;
	CHECK(o.size == 1024);
	outbox_free(&o);
}

/* Nobody sends empty text, but then nothing else may happen either. */
static void
an_empty_copy_is_a_copy(void)
{
	struct outbox o = {0};
	struct iovec none = {NULL, 0};
	struct copy c = {.kind = COPY_NEWS};

	CHECK(outbox_put(&o, &none, 1, c));
	CHECK(outbox_put(&o, NULL, 0, c));
	CHECK(put(&o, "one\n"));
	CHECK(takes(&o, false, "", false));
	CHECK(takes(&o, true, "", false));
	CHECK(takes(&o, true, "one\n", false));
	CHECK(outbox_put(&o, &none, 1, c) && takes(&o, true, "", false));
	outbox_free(&o);
}

static void
without_memory_nothing_changes(void)
{
	static char big[5000];
	struct iovec part = {big, sizeof big};
	struct copy c = {.kind = COPY_LIVE};
	struct outbox o = {0};
	int i;

	for (i = 0; i < 2; i++) {
		nomem_after = i;
		CHECK(!put(&o, "one\n"));
		CHECK(outbox_cost(&o) == 0 && o.end == 0);
	}
	nomem_after = -1;
	for (i = 0; i < 16; i++)
		CHECK(put(&o, "one\n"));
	nomem_after = 0;
	CHECK(!outbox_put(&o, &part, 1, c) && !put(&o, "two\n"));
	nomem_after = 1;
	CHECK(!outbox_put(&o, &part, 1, c));
	nomem_after = -1;
	for (i = 0; i < 16; i++)
		CHECK(takes(&o, true, "one\n", false));
	CHECK(outbox_cost(&o) == 0);
	outbox_free(&o);
}

/* ---- random operations against a model that keeps everything ---- */

#define TEXT_MAX   (1 << 20)
#define COPIES_MAX 20000

static struct {
	char text[TEXT_MAX]; /* all that was ever put */
	size_t first, confirmed, sent, end;
	uint64_t base; /* position of text[0] */
	uint32_t len[COPIES_MAX];
	size_t taken, puts;
} model;

static void
model_put(struct outbox *o)
{
	size_t biggest = random_below(20) == 0 ? 4000 : 120, at = model.end, n;
	struct iovec part[3];
	struct copy c = {.kind = COPY_MAIL};
	int parts = (int)random_below(4), i;

	if (model.end + 3 * biggest > TEXT_MAX || model.puts == COPIES_MAX)
		return;
	for (i = 0; i < parts; i++) {
		part[i].iov_base = model.text + at;
		part[i].iov_len = random_below(biggest);
		for (n = 0; n < part[i].iov_len; n++)
			model.text[at++] = (char)random_below(256);
	}
	c.u.id = model.puts;
	CHECK(outbox_put(o, part, parts, c));
	model.len[model.puts++] = (uint32_t)(at - model.end);
	model.end = at;
}

static void
model_send(struct outbox *o)
{
	size_t max = random_below(5000), want = model.end - model.sent, len;
	struct iovec iov[2] = {{NULL, 0}, {NULL, 0}};
	const char *text;

	if (want > max)
		want = max;
	text = joined(iov, outbox_unsent_span(o, max, iov), &len);
	CHECK(len == want && memcmp(text, model.text + model.sent, len) == 0);
	want = random_below(want + 1);
	outbox_sent(o, want);
	model.sent += want;
}

static void
model_confirm(struct outbox *o)
{
	size_t from = model.confirmed > 3 ? model.confirmed - 3 : 0;
	size_t at = from + random_below(model.sent + 3 - from);
	bool good = at >= model.confirmed && at <= model.sent;

	CHECK(outbox_confirm(o, model.base + at) == good);
	if (good)
		model.confirmed = at;
}

static void
model_take(struct outbox *o)
{
	bool force = random_below(20) == 0, seen = false, got, can;
	struct iovec iov[2];
	struct copy c = {0};
	const char *text;
	size_t len, next;

	next = model.first + model.len[model.taken];
	can = model.taken < model.puts && (force || next <= model.confirmed);
	got = outbox_take(o, force, &c, iov, &seen);
	CHECK(got == can);
	if (!got || !can)
		return;
	text = joined(iov, 2, &len);
	CHECK(c.u.id == model.taken && c.kind == COPY_MAIL);
	CHECK(c.len == len && len == model.len[model.taken]);
	CHECK(memcmp(text, model.text + model.first, len) == 0);
	CHECK(seen == (model.sent > model.first));
	model.taken++;
	model.first = next;
	if (model.sent < next)
		model.sent = next;
	if (model.confirmed < next)
		model.confirmed = next;
}

/* Whatever is still kept is what was put last. */
static void
model_last(const struct outbox *o)
{
	static char text[16384];
	size_t len = outbox_last(
	    o, 1 + (unsigned)random_below(100), text, random_below(16384));

	CHECK(len <= model.end);
	CHECK(memcmp(text, model.text + model.end - len, len) == 0);
}

static void
model_step(struct outbox *o)
{
	size_t what = random_below(1000);

	if (what < 300)
		model_put(o);
	else if (what < 550)
		model_send(o);
	else if (what < 750)
		model_confirm(o);
	else if (what < 980)
		model_take(o);
	else if (what < 990)
		model_last(o);
	else if (what < 993)
		outbox_trim(o);
	else if (what < 996)
		outbox_shrink(o);
	else {
		outbox_rewind(o);
		model.sent = model.confirmed = model.first;
	}
	CHECK(outbox_unsent(o) == model.end - model.sent);
	CHECK(outbox_unconfirmed(o) == model.end - model.confirmed);
	CHECK(outbox_cost(o) ==
	      model.end - model.confirmed +
		  (model.puts - model.taken) * sizeof(struct copy));
}

/* The second seed crosses a position of 32 bits, the third nearly all of 64. */
static void
random_operations_agree_with_a_model(void)
{
	static const uint64_t base[] = {
	    0, UINT32_MAX - 5000, UINT64_MAX - 4 * TEXT_MAX, 12345};
	struct outbox o;
	unsigned seed;
	int i;

	for (seed = 0; seed < 4; seed++) {
		random_seed(seed);
		memset(&model, 0, sizeof model);
		model.base = base[seed];
		o = (struct outbox){.confirmed = model.base,
		    .sent = model.base,
		    .end = model.base,
		    .first = model.base,
		    .keep = seed * 4096};
		for (i = 0; i < 20000 && check_ok; i++)
			model_step(&o);
		CHECK(model.taken > 1000);
		outbox_free(&o);
	}
}

int
main(void)
{
	RUN(an_empty_outbox_has_nothing);
	RUN(a_copy_leaves_once_wholly_confirmed);
	RUN(what_is_handed_back_says_whether_it_may_have_been_seen);
	RUN(a_rewound_outbox_is_sent_again_from_its_first_copy);
	RUN(trimming_keeps_what_is_there_and_the_position);
	RUN(the_last_lines_are_there_after_they_were_confirmed);
	RUN(as_much_is_kept_as_was_asked_for);
	RUN(what_is_only_kept_may_fail_to_be);
	RUN(an_empty_copy_is_a_copy);
	RUN(without_memory_nothing_changes);
	RUN(random_operations_agree_with_a_model);
	return check_summary();
}
