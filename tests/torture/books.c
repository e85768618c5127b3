/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * What was sent, what was answered, what was seen; and at the end whether
 * they agree.  A line's text begins with its number and its length, and all
 * of it follows from these two, so that one byte changed is noticed.
 */
#define _GNU_SOURCE
#include "torture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_MAX   10   /* missing ones told in full */
#define BEFORE_MS   1500 /* their history: from before they were sent ... */
#define AFTER_MS    4000 /* ... until after they were answered */
#define HISTORY_MAX 60

bool
take_text(const char **at, const char *text)
{
	size_t len = strlen(text);

	if (strncmp(*at, text, len) != 0)
		return false;
	*at += len;
	return true;
}

bool
take_number(const char **at, unsigned *n)
{
	char *end;

	if (**at < '0' || **at > '9')
		return false;
	*n = (unsigned)strtoul(*at, &end, 10);
	*at = end;
	return true;
}

uint32_t
book_enter(struct book *b, const struct line *l)
{
	struct line *p;

	if (b->count == b->size) {
		b->size = b->size == 0 ? 1024 : 2 * b->size;
		p = realloc(b->lines, b->size * sizeof *p);
		if (p == NULL)
			return 0;
		b->lines = p;
	}
	b->lines[b->count++] = *l;
	return b->count;
}

void
book_text(uint32_t n, size_t len, char *text)
{
	char head[32];
	size_t at = (size_t)snprintf(head, sizeof head, "%u %zu ", n, len);

	if (at > len)
		at = len;
	memcpy(text, head, at);
	for (; at < len; at++)
		text[at] = (char)('a' + (n + at * (1 + n % 7)) % 26);
}

static struct copy *
copy_for(struct line *l, unsigned receiver)
{
	unsigned i;

	for (i = 0; i < l->copies; i++)
		if (l->copy[i].to == receiver)
			return &l->copy[i];
	return NULL;
}

/* ---- answers ---- */

static enum answer
take_answer(const char **at)
{
	if (take_text(at, " delivered r"))
		return DELIVERED;
	if (take_text(at, " stored r"))
		return STORED;
	return take_text(at, " refused r") ? REFUSED : NO_ANSWER;
}

static void
count_answer(struct torture *t, enum answer a)
{
	t->delivered += a == DELIVERED;
	t->stored += a == STORED;
	t->refused += a == REFUSED;
}

void
book_answer(
    struct torture *t, unsigned sender, uint32_t since, const char *line)
{
	struct book *b = &t->senders[sender].book;
	enum answer answer = NO_ANSWER;
	struct copy *c = NULL;
	unsigned number, to;
	const char *at = line;

	if (take_text(&at, "+") && take_number(&at, &number) &&
	    (answer = take_answer(&at)) != NO_ANSWER && take_number(&at, &to) &&
	    number >= since && number <= b->count &&
	    b->lines[number - 1].tagged)
		c = copy_for(&b->lines[number - 1], to);
	if (c == NULL) {
		fault(t, "s%u was answered: %s", sender, line);
	} else if (c->answer != NO_ANSWER) {
		fault(t, "s%u was answered twice: %s", sender, line);
	} else {
		c->answer = (uint8_t)answer;
		c->answered_at = (uint32_t)t->now;
		count_answer(t, answer);
		if (answer == REFUSED)
			event(t, "s%u: %s", sender, line);
	}
}

/* ---- what was seen ---- */

struct seen {
	unsigned sender, number, len;
	bool dated, again;
	const char *text;
};

/* from NAME[ at TIME[ again]]: NUMBER LEN ... */
static bool
parse(const struct torture *t, const char *line, struct seen *s)
{
	const char *text;

	*s = (struct seen){0};
	if (!take_text(&line, "from s") || !take_number(&line, &s->sender))
		return false;
	s->dated = take_text(&line, " at ");
	if (s->dated) {
		line += strspn(line, "0123456789-:T");
		if (!take_text(&line, "Z"))
			return false;
		s->again = take_text(&line, " again");
	}
	if (!take_text(&line, ": "))
		return false;
	s->text = text = line;
	return take_number(&text, &s->number) && take_text(&text, " ") &&
	       take_number(&text, &s->len) && s->sender < t->o.senders &&
	       s->number > 0 && s->number <= t->senders[s->sender].book.count;
}

static bool
is_whole(const struct line *l, const struct seen *s)
{
	char text[TEXT_MAX + 1];

	if (s->len != l->len || strlen(s->text) != s->len)
		return false;
	book_text(s->number, s->len, text);
	return memcmp(text, s->text, s->len) == 0;
}

static void
check_order(
    struct torture *t, const struct seen *s, struct copy *c, uint32_t *highest)
{
	uint32_t *first = &t->senders[s->sender].book.first[c->to];

	if (c->seen > 0 && !s->again)
		fault(t, "s%u's %u came to r%u %u times, not marked", s->sender,
		    s->number, c->to, c->seen + 1U);
	if (c->seen == 0 && s->number < *first)
		fault(t, "s%u's %u came to r%u after its %u", s->sender,
		    s->number, c->to, *first);
	if (s->number <= highest[s->sender])
		fault(t, "s%u's %u came to r%u after %u on one connection",
		    s->sender, s->number, c->to, highest[s->sender]);
	highest[s->sender] = s->number;
	if (s->number > *first)
		*first = s->number;
}

void
book_seen(struct torture *t, unsigned receiver, const char *line, size_t len,
    uint32_t *highest)
{
	struct copy *c = NULL;
	struct line *l = NULL;
	struct seen s;

	if (parse(t, line, &s)) {
		l = &t->senders[s.sender].book.lines[s.number - 1];
		c = copy_for(l, receiver);
	}
	if (c == NULL || !is_whole(l, &s)) {
		fault(
		    t, "r%u was shown %zu bytes: %.120s", receiver, len, line);
		return;
	}
	check_order(t, &s, c, highest);
	t->receivers[receiver].from_store += s.dated;
	t->again += c->seen > 0;
	t->seen++;
	if (c->seen++ == 0)
		c->seen_at = (uint32_t)t->now;
}

/* ---- the comparison ---- */

static void
tell_history(const struct torture *t, unsigned sender, const struct line *l,
    const struct copy *c)
{
	uint32_t from = l->sent_at, to = c->answered_at;
	char receiver[16], name[16];
	unsigned shown = 0;
	size_t i;

	from = from > BEFORE_MS ? from - BEFORE_MS : 0;
	if (to < l->sent_at)
		to = l->sent_at;
	to += AFTER_MS;
	snprintf(receiver, sizeof receiver, "r%u", c->to);
	snprintf(name, sizeof name, "s%u", sender);
	for (i = 0; i < t->event_count && shown < HISTORY_MAX; i++) {
		const struct event *e = &t->events[i];

		/* Other people's affairs are left out. */
		if (e->at < from || e->at > to ||
		    (strchr("rs", e->text[0]) != NULL && e->text[1] <= '9' &&
			strncmp(e->text, receiver, strlen(receiver)) != 0 &&
			strncmp(e->text, name, strlen(name)) != 0))
			continue;
		fprintf(stderr, "    %8.3f %s\n", e->at / 1e3, e->text);
		shown++;
	}
}

static void
tell(const struct torture *t, unsigned sender, uint32_t number,
    const struct line *l, const struct copy *c, const char *what)
{
	static const char *const word[] = {
	    "not answered", "delivered", "stored", "refused"};

	fprintf(stderr,
	    "torture: %s: s%u's line %u of %u bytes to r%u, sent at %.3f, %s",
	    what, sender, number, l->len, c->to, l->sent_at / 1e3,
	    l->tagged ? word[c->answer] : "without a tag");
	if (c->answer != NO_ANSWER)
		fprintf(stderr, " at %.3f", c->answered_at / 1e3);
	if (c->seen > 0)
		fprintf(stderr, ", seen at %.3f", c->seen_at / 1e3);
	fprintf(stderr, "; r%u has seen up to %u of s%u\n", c->to,
	    t->senders[sender].book.first[c->to], sender);
	tell_history(t, sender, l, c);
}

static bool
must_be_found(const struct line *l, const struct copy *c)
{
	return c->answer == DELIVERED || c->answer == STORED ||
	       (l->accepted && c->answer != REFUSED);
}

static uint64_t
compare(struct torture *t, unsigned sender, uint32_t number,
    unsigned shown[REFUSED + 1])
{
	const struct line *l = &t->senders[sender].book.lines[number - 1];
	uint64_t missing = 0;
	unsigned i;

	for (i = 0; i < l->copies; i++) {
		const struct copy *c = &l->copy[i];
		const char *what = NULL;

		if (must_be_found(l, c) && c->seen == 0) {
			what = "MISSING";
			missing++;
		} else if (c->answer == REFUSED && c->seen > 0) {
			what = "refused, and seen";
			t->faults++;
		}
		if (what != NULL && shown[c->answer]++ < SHOWN_MAX)
			tell(t, sender, number, l, c, what);
	}
	return missing;
}

uint64_t
books_compare(struct torture *t)
{
	uint64_t missing = 0;
	unsigned i, shown[REFUSED + 1] = {0};
	uint32_t n;

	for (i = 0; i < t->o.senders; i++)
		for (n = 1; n <= t->senders[i].book.count; n++)
			missing += compare(t, i, n, shown);
	return missing;
}
