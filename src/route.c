/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

#include "route.h"

#include "broker.h"
#include "command.h"
#include "leave.h"
#include "mail.h"
#include "message.h"
#include "receipt.h"
#include "utc.h"

#include <stdio.h>
#include <string.h>

#define SEVERAL_WAIT_MS   200  /* how long one to several waits for one */
#define RECEIPTS_OPEN_MAX 4096 /* then the sender waits for them */
#define UNKNOWN_MAX       64   /* names remembered to be refused but once */
#define DEST_SHOWN_MAX    256  /* bytes of what was no name, in a refusal */

/* One line on its way: what its copies have in common. */
struct letter {
	struct peer *from;
	struct message message;
	bool several; /* more than one name: nobody is waited for long */
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

/* After a line: does its sender have to wait for this reader? */
static void
pace(struct broker *b, const struct letter *l, struct peer *reader)
{
	struct peer *sender = l->from;
	uint64_t patience = l->several ? SEVERAL_WAIT_MS
				       : (uint64_t)b->config->slow_after;
	uint64_t until = reader->moved_at + patience;

	if (!route_is_crowded(b, reader) || sender->pause != PAUSE_NOT ||
	    sender->gone || b->now >= until)
		return;
	peer_pause(sender, PAUSE_READER, &reader->writers);
	if (reader->look_at == 0 || reader->look_at > until) {
		reader->look_at = until;
		peer_set_timer(b, reader);
	}
}

static void
wait_for_store(struct broker *b, struct peer *sender)
{
	if (sender->pause == PAUSE_NOT && !sender->gone &&
	    mailroom_is_full(b))
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
		peer_say(b, l->from, "+%.*s refused %.*s: %s",
		    (int)m->tag_len, m->tag, shown, dest, why);
}

static void
refuse_once(struct broker *b, struct letter *l, const char *dest, size_t len)
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
	refuse(b, l, dest, len, "no such name");
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

static void
to_reader(struct broker *b, const struct letter *l, struct name *to)
{
	struct peer *reader = to->peer;
	const struct message *m = &l->message;
	struct copy c = {.kind = COPY_LIVE, .time = b->time};
	/* What comes later must not overtake what is to be handed back. */
	bool hold = reader->fetching || reader->closing;
	struct iovec part[3] = {
	    {l->from->prefix, l->from->prefix_len},
	    {(void *)(uintptr_t)m->text, m->text_len},
	    {(void *)(uintptr_t)"\n", 1},
	};

	/* One on the way out takes no more than its successor is to get. */
	if (reader->closing && outbox_cost(&reader->out) +
		    outbox_cost(&reader->held) >= b->config->queue_max) {
		refuse(b, l, to->text, to->len, "mailbox full");
		return;
	}
	if (!receipt_for(b, l, to, false, &c.u.receipt))
		return;
	c.head = l->from->prefix_len;
	ledger_accepted(&b->ledger);
	if (!outbox_put(hold ? &reader->held : &reader->out, part, 3, c)) {
		ledger_taken_back(&b->ledger);
		receipt_settle(b, c.u.receipt, RECEIPT_REFUSED,
		    "out of memory");
		if (c.u.receipt == NULL)
			peer_say(b, l->from, "! %.*s: out of memory",
			    (int)to->len, to->text);
		return;
	}
	if (outbox_unconfirmed(&reader->out) == outbox_unsent(&reader->out))
		reader->moved_at = b->now;
	peer_touch(b, reader);
	leave_if_too_slow(b, reader);
	pace(b, l, reader);
}

/* A receipt is made even if nobody asked: the store may yet refuse. */
static void
to_store(struct broker *b, const struct letter *l, struct name *to)
{
	const struct message *m = &l->message;
	struct receipt *r;
	struct mail mail = {0};

	if (!receipt_for(b, l, to, true, &r))
		return;
	mail.time = b->time;
	mail.from = l->from->name->text;
	mail.from_len = l->from->name->len;
	mail.room = "";
	mail.text = m->text;
	mail.text_len = (uint32_t)m->text_len;
	ledger_accepted(&b->ledger);
	if (!mailroom_add(b, to, &mail, false, r)) {
		ledger_taken_back(&b->ledger);
		receipt_settle(b, r, RECEIPT_REFUSED, "out of memory");
	}
	wait_for_store(b, l->from);
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
		refuse_once(b, l, dest, len);
}

/* ---- one line ---- */

static void
route_message(struct broker *b, struct letter *l)
{
	struct message_dests d, rest;
	const char *dest;
	size_t len;

	message_dests_init(&d, &l->message);
	rest = d;
	l->several = message_next_dest(&rest, &dest, &len) &&
	    message_next_dest(&rest, &dest, &len);
	while (message_next_dest(&d, &dest, &len))
		to_name(b, l, dest, len);
	if (l->from->receipts_open >= RECEIPTS_OPEN_MAX &&
	    l->from->pause == PAUSE_NOT && !l->from->gone)
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
	    {(void *)(uintptr_t)"\n", 1},
	};
	int n;

	utc_format(m->time, when);
	n = snprintf(head, sizeof head, "from %.*s%s%.*s at %s%s: ",
	    (int)m->from_len, m->from, m->room_len > 0 ? " in " : "",
	    (int)m->room_len, m->room, when,
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
