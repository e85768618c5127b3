/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

#include "route.h"

#include "broker.h"
#include "command.h"
#include "ignored.h"
#include "leave.h"
#include "mail.h"
#include "message.h"
#include "receipt.h"
#include "rooms.h"
#include "utc.h"

#include <stdio.h>
#include <string.h>

#define SEVERAL_WAIT_MS   200  /* how long one to several waits for one */
#define RECEIPTS_OPEN_MAX 4096 /* then the sender waits for them */
#define RECEIPT_COST      256  /* bytes in its outbox, more than it can be */
#define UNKNOWN_MAX       64   /* names remembered to be refused but once */
#define DEST_SHOWN_MAX    256  /* bytes of what was no name, in a refusal */

/* One line on its way: what its copies have in common. */
struct letter {
	struct peer *from;
	struct message message;
	bool several;   /* more than one copy: nobody is waited for long */
	bool everybody; /* `*` was among its DESTs already */
	size_t unknown_count;
	struct {
		const char *text;
		size_t len;
	} unknown[UNKNOWN_MAX];
};

bool
route_is_crowded(const struct broker *b, const struct peer *p)
{
	return outbox_cost(&p->out) + outbox_cost(&p->held) >
	       b->config->queue_max / 2;
}

/* ---- pace ---- */

void
route_pace(
    struct broker *b, struct peer *sender, struct peer *reader, bool several)
{
	uint64_t patience =
	    several ? SEVERAL_WAIT_MS : (uint64_t)b->config->slow_after;
	uint64_t until;

	if (outbox_unconfirmed(&reader->out) == outbox_unsent(&reader->out))
		reader->moved_at = b->now;
	until = reader->moved_at + patience;
	if (!route_is_crowded(b, reader) || sender->pause != PAUSE_NOT ||
	    sender->gone || b->now >= until)
		return;
	peer_pause(sender, PAUSE_READER, &reader->writers);
	if (reader->look_at == 0 || reader->look_at > until) {
		reader->look_at = until;
		peer_set_timer(b, reader);
	}
}

void
route_wait_for_store(struct broker *b, struct peer *sender)
{
	if (sender->pause == PAUSE_NOT && !sender->gone && mailroom_is_full(b))
		peer_pause(sender, PAUSE_STORE, &b->mailroom.writers);
}

/* ---- one copy ---- */

static void
refuse(struct broker *b, const struct letter *l, const char *dest, size_t len,
    const char *why)
{
	const struct message *m = &l->message;
	int shown = (int)(len < DEST_SHOWN_MAX ? len : DEST_SHOWN_MAX);

	ledger_refused(&b->ledger);
	if (m->tag == NULL)
		peer_say(b, l->from, "! %.*s: %s", shown, dest, why);
	else
		peer_say(b, l->from, "+%.*s refused %.*s: %s", (int)m->tag_len,
		    m->tag, shown, dest, why);
}

static void
refuse_once(struct broker *b, struct letter *l, const char *dest, size_t len,
    const char *why)
{
	size_t i;

	for (i = 0; i < l->unknown_count; i++)
		if (l->unknown[i].len == len &&
		    memcmp(l->unknown[i].text, dest, len) == 0)
			return;
	if (i < UNKNOWN_MAX) {
		l->unknown[i].text = dest;
		l->unknown[i].len = len;
		l->unknown_count++;
	}
	refuse(b, l, dest, len, why);
}

/* False, and nothing was accepted, without memory. */
static bool
receipt_for(struct broker *b, const struct letter *l, const struct name *to,
    bool needed, struct receipt **r)
{
	const struct message *m = &l->message;

	*r = NULL;
	if (m->tag == NULL && !needed)
		return true;
	*r = receipt_new(l->from, m->tag, m->tag_len, to->text, to->len);
	if (*r == NULL) {
		refuse(b, l, to->text, to->len, "out of memory");
		return false;
	}
	return true;
}

/* One copy into a reader's outbox; head: "from NAME: " and its kin.  False,
 * and nothing was accepted, without memory. */
static bool
put_copy(struct broker *b, const struct letter *l, struct peer *reader,
    struct iovec head, struct receipt *r)
{
	const struct message *m = &l->message;
	struct copy c = {.kind = COPY_LIVE, .time = b->time, .u.receipt = r};
	/* What comes later must not overtake what is to be handed back. */
	bool hold = reader->fetching || reader->closing;
	struct iovec part[3] = {
	    head,
	    {(void *)(uintptr_t)m->text, m->text_len},
	    {(void *)(uintptr_t) "\n", 1},
	};

	c.head = (uint16_t)head.iov_len;
	ledger_accepted(&b->ledger);
	if (reader->ignored != NULL &&
	    ignored_has(
		reader->ignored, l->from->name->text, l->from->name->len)) {
		ledger_delivered(&b->ledger);
		receipt_settle(b, r, RECEIPT_DELIVERED, NULL);
		return true;
	}
	if (!outbox_put(hold ? &reader->held : &reader->out, part, 3, c)) {
		ledger_taken_back(&b->ledger);
		return false;
	}
	peer_touch(b, reader);
	leave_if_too_slow(b, reader);
	route_pace(b, l->from, reader, l->several);
	return true;
}

static void
to_reader(struct broker *b, const struct letter *l, struct name *to)
{
	struct peer *reader = to->peer;
	struct iovec head = {l->from->prefix, l->from->prefix_len};
	struct receipt *r;

	if (!receipt_for(b, l, to, false, &r) ||
	    put_copy(b, l, reader, head, r))
		return;
	receipt_settle(b, r, RECEIPT_REFUSED, "out of memory");
	if (r == NULL)
		peer_say(b, l->from, "! %.*s: out of memory", (int)to->len,
		    to->text);
}

static bool
put_mail(struct broker *b, const struct letter *l, struct name *to,
    const struct name *room, struct receipt *r)
{
	const struct message *m = &l->message;
	struct mail mail = {0};

	mail.time = b->time;
	mail.from = l->from->name->text;
	mail.from_len = l->from->name->len;
	mail.room = room != NULL ? room->text : "";
	mail.room_len = room != NULL ? room->len : 0;
	mail.text = m->text;
	mail.text_len = (uint32_t)m->text_len;
	ledger_accepted(&b->ledger);
	if (mailroom_add(b, to, &mail, false, r))
		return true;
	ledger_taken_back(&b->ledger);
	return false;
}

/* A receipt is made even if nobody asked: the store may yet refuse.  If there
 * is none, and has not been for a while, there is nothing to wait for. */
static void
to_store(struct broker *b, const struct letter *l, struct name *to)
{
	struct receipt *r;

	if (mailroom_is_down(b)) {
		refuse(b, l, to->text, to->len, "disk full or failing");
		return;
	}
	if (!receipt_for(b, l, to, true, &r))
		return;
	if (!put_mail(b, l, to, NULL, r))
		receipt_settle(b, r, RECEIPT_REFUSED, "out of memory");
	route_wait_for_store(b, l->from);
}

static bool
is_kept_for(const struct broker *b, const struct name *name)
{
	switch (b->config->store_for) {
	case CONFIG_STORE_FOR_ALL: return true;
	case CONFIG_STORE_FOR_KNOWN: return name != NULL && name->known;
	case CONFIG_STORE_FOR_NONE: break;
	}
	return false;
}

static void
to_name(struct broker *b, struct letter *l, const char *dest, size_t len)
{
	struct name *name = names_find(&b->names, dest, len);

	if (name == NULL && b->config->store_for == CONFIG_STORE_FOR_ALL &&
	    name_check(dest, len) == NAME_OK)
		name = names_get(&b->names, dest, len);
	if (name != NULL && name->line == b->counts.lines)
		return;
	if (name != NULL)
		name->line = b->counts.lines;
	if (name != NULL && name->peer != NULL)
		to_reader(b, l, name);
	else if (name != NULL && is_kept_for(b, name))
		to_store(b, l, name);
	else
		refuse_once(b, l, dest, len, "no such name");
}

/* ---- many copies: a room, everybody ---- */

/* A line to many while its copies are made. */
struct fan {
	struct iovec head;       /* the same for all of them */
	struct receipt *receipt; /* held open until the last is made */
	struct room *stores;     /* who is away from that gets it later */
	size_t failed;
	char text[ROUTE_HEAD_MAX];
};

static bool
fan_begin(struct broker *b, const struct letter *l, const char *dest,
    size_t len, struct room *stores, struct fan *f)
{
	const struct message *m = &l->message;
	const struct name *from = l->from->name;

	*f = (struct fan){.stores = stores};
	f->head.iov_base = f->text;
	f->head.iov_len = (size_t)snprintf(f->text, sizeof f->text,
	    "from %.*s in %.*s: ", (int)from->len, from->text, (int)len, dest);
	if (m->tag == NULL && stores == NULL)
		return true;
	f->receipt = receipt_new(l->from, m->tag, m->tag_len, dest, len);
	if (f->receipt == NULL) {
		refuse(b, l, dest, len, "out of memory");
		return false;
	}
	f->receipt->several = true;
	return true;
}

static void
fan_put(struct broker *b, const struct letter *l, struct peer *reader,
    struct fan *f)
{
	if (f->receipt != NULL)
		f->receipt->open++;
	if (put_copy(b, l, reader, f->head, f->receipt))
		return;
	f->failed++;
	receipt_settle(b, f->receipt, RECEIPT_REFUSED, NULL);
}

/* Nobody hears an echo, and who is on the way out has left already. */
static void
fan_copy(struct broker *b, const struct letter *l, struct peer *reader,
    struct fan *f)
{
	if (reader != l->from && !reader->closing)
		fan_put(b, l, reader, f);
}

static void
fan_mail(
    struct broker *b, const struct letter *l, struct name *to, struct fan *f)
{
	f->receipt->open++;
	if (mailroom_is_down(b))
		ledger_refused(&b->ledger);
	else if (put_mail(b, l, to, f->stores->name, f->receipt))
		return;
	receipt_settle(b, f->receipt, RECEIPT_REFUSED, NULL);
}

/* For those members who are away; and on the way out, behind what they may
 * yet hand back. */
static void
fan_store(struct broker *b, const struct letter *l, struct fan *f)
{
	const struct kept *kept;

	LIST_FOREACH(kept, &f->stores->kept, of_room) {
		if (kept->name->peer == NULL)
			fan_mail(b, l, kept->name, f);
		else if (kept->name->peer->closing &&
			 kept->name->peer != l->from)
			fan_put(b, l, kept->name->peer, f);
	}
	route_wait_for_store(b, l->from);
}

static void
fan_end(struct broker *b, const struct letter *l, const char *dest, size_t len,
    struct fan *f)
{
	if (f->failed > 0 && f->receipt == NULL)
		peer_say(b, l->from, "! %.*s: out of memory for %zu", (int)len,
		    dest, f->failed);
	receipt_release(b, f->receipt);
}

/* Whether a line to a room is stored for those members who are away. */
static bool
room_stores(const struct broker *b)
{
	return b->config->room_store &&
	       b->config->store_for != CONFIG_STORE_FOR_NONE;
}

static void
to_room(struct broker *b, struct letter *l, const char *dest, size_t len)
{
	bool stores = room_stores(b);
	struct room *room = stores ? rooms_find_kept(&b->rooms, dest, len)
	                           : rooms_find(&b->rooms, dest, len);
	const struct member *member;
	struct fan f;

	if (room == NULL) {
		refuse_once(b, l, dest, len, "no such room");
		return;
	}
	if (room->name->line == b->counts.lines ||
	    !fan_begin(b, l, dest, len, stores ? room : NULL, &f))
		return;
	room->name->line = b->counts.lines;
	LIST_FOREACH(member, &room->members, of_room)
		fan_copy(b, l, member->peer, &f);
	if (stores)
		fan_store(b, l, &f);
	fan_end(b, l, dest, len, &f);
}

static void
to_everybody(struct broker *b, struct letter *l)
{
	const struct name *from = l->from->name;
	struct peer *p;
	struct fan f;

	if (l->everybody)
		return;
	l->everybody = true;
	if (!config_may_broadcast(b->config, from->text, from->len)) {
		refuse(b, l, "*", 1, "not allowed");
		return;
	}
	if (!fan_begin(b, l, "*", 1, NULL, &f))
		return;
	LIST_FOREACH(p, &b->peers, all)
		if (p->state == PEER_HERE)
			fan_copy(b, l, p, &f);
	fan_end(b, l, "*", 1, &f);
}

static bool
is_everybody(const char *dest, size_t len)
{
	return len == 1 && *dest == '*';
}

/* As if its members stood there. */
static void
to_alias(struct broker *b, struct letter *l, struct message_dests *members)
{
	const char *member;
	size_t len;

	l->several = true;
	while (message_next_dest(members, &member, &len))
		to_name(b, l, member, len);
}

static void
to_dest(struct broker *b, struct letter *l, const char *dest, size_t len)
{
	struct message_dests members;

	if (*dest == '#')
		to_room(b, l, dest, len);
	else if (is_everybody(dest, len))
		to_everybody(b, l);
	else if (config_alias(b->config, dest, len, &members))
		to_alias(b, l, &members);
	else
		to_name(b, l, dest, len);
}

/* ---- one line ---- */

/* All of them may be settled at once, before any of them can be confirmed. */
static bool
has_many_receipts(const struct broker *b, const struct peer *p)
{
	return p->receipts_open >= RECEIPTS_OPEN_MAX ||
	       p->receipts_open >= b->config->queue_max / 2 / RECEIPT_COST;
}

static void
route_message(struct broker *b, struct letter *l)
{
	struct message_dests d, rest;
	const char *dest;
	size_t len;

	message_dests_init(&d, &l->message);
	rest = d;
	l->several = message_next_dest(&rest, &dest, &len) &&
	             (*dest == '#' || *dest == '*' ||
			 message_next_dest(&rest, &dest, &len));
	l->everybody = false;
	while (message_next_dest(&d, &dest, &len))
		to_dest(b, l, dest, len);
	if (has_many_receipts(b, l->from) && l->from->pause == PAUSE_NOT &&
	    !l->from->gone)
		peer_pause(l->from, PAUSE_RECEIPTS, NULL);
}

void
route_line(struct broker *b, struct peer *p, const char *line, size_t len)
{
	static struct letter l;

	l.from = p;
	l.unknown_count = 0;
	switch (message_parse(line, len, &l.message)) {
	case MESSAGE_TEXT: route_message(b, &l); break;
	case MESSAGE_COMMAND: command_run(b, p, &l.message); break;
	case MESSAGE_NO_RECIPIENT:
		peer_say(b, p, "! no recipient. Write NAME: TEXT, or /help");
		break;
	case MESSAGE_BAD_TAG:
		peer_say(b, p,
		    "! bad tag: 1 to %d of A-Z a-z 0-9 . _ - after the +",
		    MESSAGE_TAG_MAX);
		break;
	case MESSAGE_EMPTY: break;
	}
	/* Who asks for more answers than it reads waits for itself. */
	route_pace(b, p, p, false);
}

/* ---- mail ---- */

bool
route_mail(struct broker *b, struct peer *p, const struct mail *m)
{
	struct copy c = {.kind = COPY_MAIL, .time = m->time};
	char head[ROUTE_HEAD_MAX], when[UTC_TEXT_MAX];
	struct iovec part[3] = {
	    {head, 0},
	    {(void *)(uintptr_t)m->text, m->text_len},
	    {(void *)(uintptr_t) "\n", 1},
	};
	int n;

	utc_format(m->time, when);
	n = snprintf(head, sizeof head,
	    "from %.*s%s%.*s at %s%s: ", (int)m->from_len, m->from,
	    m->room_len > 0 ? " in " : "", (int)m->room_len, m->room, when,
	    m->flags & MAIL_AGAIN ? " again" : "");
	part[0].iov_len = (size_t)n;
	c.head = (uint16_t)n;
	c.u.id = m->id;
	c.position = m->position;
	c.again = (m->flags & MAIL_AGAIN) != 0;
	if (!outbox_put(&p->out, part, 3, c))
		return false;
	if (outbox_unconfirmed(&p->out) == outbox_unsent(&p->out))
		p->moved_at = b->now;
	peer_touch(b, p);
	return true;
}

void
route_held(struct broker *b, struct peer *p)
{
	struct iovec iov[2];
	struct copy c;
	bool seen;

	while (outbox_take(&p->held, true, &c, iov, &seen))
		if (p->closing || !outbox_put(&p->out, iov, 2, c)) {
			leave_hand_back(b, p, &c, iov, false);
			leave_begin(b, p, "memory");
		}
	outbox_trim(&p->held);
	peer_touch(b, p);
}
