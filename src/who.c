/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * People and rooms are both sorted as names.  The lines go out in a few large
 * pieces, because each piece of news costs the outbox a record of its own.
 */
#include "who.h"

#include "broker.h"
#include "leave.h"
#include "route.h"
#include "utc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_LEN 128

/* An answer of many lines, as it is written. */
struct listing {
	struct broker *b;
	struct peer *to;
	size_t room; /* bytes that it may still take */
	size_t left_out;
	char text[4096];
	size_t used;
};

static void
listing_flush(struct listing *l)
{
	if (l->used > 0 && !peer_put_news(l->b, l->to, l->text, l->used))
		leave_begin(l->b, l->to, "memory");
	l->used = 0;
}

static void __attribute__((format(printf, 2, 3)))
listing_line(struct listing *l, const char *fmt, ...)
{
	va_list ap;
	size_t n;

	if (l->left_out > 0 || l->room < LINE_MAX_LEN) {
		l->left_out++;
		return;
	}
	if (sizeof l->text - l->used < LINE_MAX_LEN)
		listing_flush(l);
	va_start(ap, fmt);
	n = (size_t)vsnprintf(l->text + l->used, LINE_MAX_LEN - 1, fmt, ap);
	va_end(ap);
	l->used += n + 1;
	l->text[l->used - 1] = '\n';
	l->room -= n + 1;
}

static bool
listing_begin(struct listing *l, struct broker *b, struct peer *to)
{
	size_t cost = outbox_cost(&to->out) + outbox_cost(&to->held);

	if (route_is_crowded(b, to)) {
		peer_say(b, to, "! read first what waits for you");
		return false;
	}
	l->b = b;
	l->to = to;
	l->room = b->config->queue_max / 4 * 3 - cost;
	l->used = l->left_out = 0;
	return true;
}

static void
listing_end(struct listing *l, size_t count, const char *what)
{
	listing_flush(l);
	if (l->left_out > 0)
		peer_say(l->b, l->to, "* and %zu more", l->left_out);
	peer_say(l->b, l->to, "* %zu %s", count, what);
}

/* ---- sorted names ---- */

struct sorted {
	const struct name **names; /* owned */
	size_t count;
};

static int
by_bytes(const void *a, const void *b)
{
	const struct name *x = *(const struct name *const *)a;
	const struct name *y = *(const struct name *const *)b;
	size_t shorter = x->len < y->len ? x->len : y->len;
	int order = memcmp(x->text, y->text, shorter);

	return order != 0 ? order : (int)x->len - (int)y->len;
}

/* Room for so many names; false, and p is told, without memory. */
static bool
sorted_begin(struct sorted *s, size_t most, struct broker *b, struct peer *p)
{
	s->count = 0;
	s->names = malloc((most + 1) * sizeof(struct name *));
	if (s->names == NULL)
		peer_say(b, p, "! out of memory, try again");
	return s->names != NULL;
}

static void
sort(struct sorted *s)
{
	qsort(s->names, s->count, sizeof s->names[0], by_bytes);
}

/* ---- people ---- */

static void
add_peer(struct sorted *s, const struct peer *p)
{
	if (p->state == PEER_HERE && !p->closing)
		s->names[s->count++] = p->name;
}

static void
collect(struct sorted *s, const struct broker *b, const struct room *room)
{
	const struct member *member;
	const struct peer *p;

	if (room != NULL)
		LIST_FOREACH(member, &room->members, of_room)
			add_peer(s, member->peer);
	else
		LIST_FOREACH(p, &b->peers, all)
			add_peer(s, p);
}

void
who_idle(uint32_t seconds, char out[WHO_IDLE_MAX])
{
	static const struct {
		uint32_t seconds;
		char letter;
	} units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
	size_t i = 0;

	while (units[i].seconds > 1 && seconds < units[i].seconds)
		i++;
	snprintf(out, WHO_IDLE_MAX, "%u%c", seconds / units[i].seconds,
	    units[i].letter);
}

static void
list_peer(struct listing *l, const struct peer *p)
{
	uint32_t now = l->b->time;
	char since[UTC_TEXT_MAX], idle[WHO_IDLE_MAX];

	utc_format(p->since, since);
	who_idle(now > p->heard ? now - p->heard : 0, idle);
	listing_line(l, "* %.*s, since %s, idle %s", (int)p->name->len,
	    p->name->text, since, idle);
}

void
who_list(struct broker *b, struct peer *p, const struct room *room)
{
	struct listing l;
	struct sorted s;
	size_t i;

	if (!listing_begin(&l, b, p) ||
	    !sorted_begin(&s, room != NULL ? room->count : b->peer_count, b, p))
		return;
	collect(&s, b, room);
	sort(&s);
	for (i = 0; i < s.count; i++)
		list_peer(&l, s.names[i]->peer);
	listing_end(&l, s.count, "here");
	free(s.names);
}

/* ---- rooms ---- */

void
who_list_rooms(struct broker *b, struct peer *p)
{
	const struct room *room;
	struct listing l;
	struct sorted s;
	size_t i;

	if (!listing_begin(&l, b, p) || !sorted_begin(&s, b->rooms.count, b, p))
		return;
	LIST_FOREACH(room, &b->rooms.all, all)
		if (room->count > 0)
			s.names[s.count++] = room->name;
	sort(&s);
	for (i = 0; i < s.count; i++) {
		room = s.names[i]->room;
		listing_line(&l, "* %.*s, %zu here%s", (int)room->name->len,
		    room->name->text, room->count,
		    rooms_member(&p->in, room) != NULL ? ", you too" : "");
	}
	listing_end(&l, s.count, s.count == 1 ? "room" : "rooms");
	free(s.names);
}
