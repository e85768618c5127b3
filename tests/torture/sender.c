/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * A sender writes numbered lines in bursts, most of them with their number as
 * a tag, some to two receivers, and enters every one in its book.  When its
 * connection breaks it begins a new one with the next number: what was not
 * answered stays unanswered, for nobody can know what became of it.
 */
#define _GNU_SOURCE
#include "torture.h"

#include <stdio.h>
#include <string.h>

#define OPEN_MAX  1500 /* answers awaited at once */
#define BURST_MAX 16
#define RETURN_MS 40
#define UNTAGGED  20 /* of 100 */
#define TO_TWO    10
#define LONG      3

void
sender_init(struct torture *t, unsigned index)
{
	struct sender *s = &t->senders[index];

	s->index = index;
	s->random = t->o.seed ^ (UINT64_C(0x5e4de2) << 20) ^ index;
	s->resting = true;
	conn_init(&s->conn, index % 4 == 3);
}

static void
come(struct torture *t, struct sender *s)
{
	char name[16];
	int n;

	if (t->daemon.state != UP || t->daemon.stopping || t->now < s->at)
		return;
	s->at = t->now + RETURN_MS;
	if (!conn_open(t, &s->conn, false))
		return;
	n = snprintf(name, sizeof name, "s%u\n", s->index);
	conn_put(&s->conn, name, (size_t)n);
	s->state = HERE;
	s->since = s->book.count + 1;
	s->open = 0;
}

static size_t
length(struct sender *s)
{
	if (random_below(&s->random, 100) < LONG)
		return 1000 + random_below(&s->random, TEXT_MAX - 1000);
	return 24 + random_below(&s->random, 160);
}

static void
choose_readers(struct torture *t, struct sender *s, struct line *l)
{
	unsigned n = t->o.receivers;

	l->copy[0].to = (uint8_t)random_below(&s->random, n);
	l->copies = 1;
	if (n > 1 && random_below(&s->random, 100) < TO_TWO) {
		l->copies = 2;
		l->copy[1].to = (uint8_t)((l->copy[0].to + 1 +
					      random_below(&s->random, n - 1)) %
					  n);
	}
}

static bool
write_line(struct torture *t, struct sender *s)
{
	struct line l = {.sent_at = (uint32_t)t->now};
	char text[TEXT_MAX + 64];
	uint32_t number;
	size_t at = 0;

	l.len = (uint16_t)length(s);
	l.tagged = random_below(&s->random, 100) >= UNTAGGED;
	choose_readers(t, s, &l);
	number = book_enter(&s->book, &l);
	if (number == 0)
		return false;
	if (l.tagged)
		at += (size_t)sprintf(text, "+%u ", number);
	at += (size_t)sprintf(text + at, "r%u", l.copy[0].to);
	if (l.copies == 2)
		at += (size_t)sprintf(text + at, ", r%u", l.copy[1].to);
	at += (size_t)sprintf(text + at, ": ");
	book_text(number, l.len, text + at);
	at += l.len;
	text[at++] = '\n';
	conn_put(&s->conn, text, at);
	if (l.tagged)
		s->open += l.copies;
	t->messages++;
	t->copies += l.copies;
	t->tags += l.tagged ? l.copies : 0;
	return true;
}

static void
write_burst(struct torture *t, struct sender *s)
{
	unsigned n = 1 + random_below(&s->random, BURST_MAX);
	uint32_t gap = 2 * 1000 * n / t->o.rate;

	if (s->resting || t->now < s->at)
		return;
	while (
	    n-- > 0 && conn_room(&s->conn) > OUT_SIZE / 2 && s->open < OPEN_MAX)
		if (!write_line(t, s))
			break;
	s->at = t->now + random_below(&s->random, gap + 1);
}

static void
gone(struct torture *t, struct sender *s, enum conn_state how)
{
	bool expected =
	    s->state == ENDING && how == CONN_EOF && s->conn.out_used == 0;
	uint32_t i;

	conn_close(&s->conn);
	s->state = AWAY;
	s->at = t->now + RETURN_MS;
	if (!t->o.gentle) {
		s->finished = s->to_finish && expected;
		return;
	}
	/* Nothing was done to it, and it was let go in peace: then each of
	 * its lines has been carried out. */
	if (!expected) {
		if (!t->daemon.stopping)
			fault(t, "s%u was cut off", s->index);
		return;
	}
	for (i = s->since; i <= s->book.count; i++)
		s->book.lines[i - 1].accepted = true;
	s->finished = s->to_finish;
}

void
sender_turn(struct torture *t, struct sender *s)
{
	if (s->finished)
		return;
	if (s->state == AWAY) {
		come(t, s);
		if (s->state == AWAY)
			return;
	}
	if (s->to_finish)
		s->state = ENDING;
	if (s->state == HERE)
		write_burst(t, s);
	if (!conn_flush(&s->conn)) {
		/* There may be answers to read; then it will end. */
		s->conn.out_at = s->conn.out_used = 0;
		s->resting = s->resting || s->state == ENDING;
	}
	if (s->state == ENDING && s->conn.out_used == 0)
		conn_half_close(&s->conn);
	s->conn.pfd = watch(t, s->conn.fd,
	    (short)(POLLIN | (s->conn.out_used > 0 ? POLLOUT : 0)));
}

static void
on_line(struct torture *t, void *owner, char *line, size_t len)
{
	struct sender *s = owner;

	(void)len;
	if (line[0] == '+') {
		book_answer(t, s->index, s->since, line);
		s->open -= s->open > 0;
	} else if (strstr(line, " is already here from ") != NULL) {
		t->taken_name++;
	} else if (strncmp(line, "* ", 2) != 0) {
		fault(t, "s%u was told: %s", s->index, line);
	}
}

void
sender_ready(struct torture *t, struct sender *s)
{
	enum conn_state state;

	if (s->conn.fd == -1 || s->conn.pfd == NULL ||
	    s->conn.pfd->revents == 0)
		return;
	state = conn_read(t, &s->conn, on_line, s);
	if (state != CONN_OPEN)
		gone(t, s, state);
}
