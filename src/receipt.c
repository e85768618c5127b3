/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

#include "receipt.h"

#include "broker.h"
#include "leave.h"

#include <stdlib.h>
#include <string.h>

struct receipt *
receipt_new(struct peer *sender, const char *tag, size_t tag_len,
    const char *dest, size_t dest_len)
{
	struct receipt *r = calloc(1, sizeof *r);

	if (r == NULL)
		return NULL;
	r->sender = sender;
	r->open = 1;
	r->tag_len = (uint8_t)tag_len;
	if (tag_len > 0)
		memcpy(r->tag, tag, tag_len);
	r->dest_len = (uint8_t)dest_len;
	memcpy(r->dest, dest, dest_len);
	LIST_INSERT_HEAD(&sender->receipts, r, of_sender);
	sender->receipts_open++;
	return r;
}

static void
tell_one(struct broker *b, const struct receipt *r, enum receipt_end how,
    const char *why)
{
	static const char *const word[] = {"delivered", "stored", "refused"};

	if (r->tag_len > 0)
		peer_say(b, r->sender, "+%.*s %s %.*s%s%s", r->tag_len, r->tag,
		    word[how], r->dest_len, r->dest,
		    how == RECEIPT_REFUSED ? ": " : "",
		    how == RECEIPT_REFUSED ? why : "");
	else if (how == RECEIPT_REFUSED)
		peer_say(b, r->sender, "! %.*s: %s", r->dest_len, r->dest, why);
}

static void
tell_several(struct broker *b, const struct receipt *r)
{
	if (r->tag_len > 0)
		peer_say(b, r->sender,
		    "+%.*s %.*s: %u delivered, %u stored, %u refused",
		    r->tag_len, r->tag, r->dest_len, r->dest, r->delivered,
		    r->stored, r->refused);
	else if (r->refused > 0)
		peer_say(b, r->sender, "! %.*s: refused for %u", r->dest_len,
		    r->dest, r->refused);
}

static void
count(struct receipt *r, enum receipt_end how)
{
	switch (how) {
	case RECEIPT_DELIVERED: r->delivered++; break;
	case RECEIPT_STORED: r->stored++; break;
	case RECEIPT_REFUSED: r->refused++; break;
	}
}

/* One copy less is open; after the last one, how it ended and why. */
static void
close_one(
    struct broker *b, struct receipt *r, enum receipt_end how, const char *why)
{
	struct peer *sender = r->sender;

	if (--r->open > 0)
		return;
	if (sender != NULL) {
		if (r->several)
			tell_several(b, r);
		else
			tell_one(b, r, how, why);
		LIST_REMOVE(r, of_sender);
		sender->receipts_open--;
		if (sender->pause == PAUSE_RECEIPTS)
			peer_resume(b, sender);
		leave_if_done(b, sender);
	}
	free(r);
}

void
receipt_settle(
    struct broker *b, struct receipt *r, enum receipt_end how, const char *why)
{
	if (r == NULL)
		return;
	count(r, how);
	close_one(b, r, how, why);
}

void
receipt_release(struct broker *b, struct receipt *r)
{
	if (r != NULL)
		close_one(b, r, RECEIPT_DELIVERED, NULL);
}

void
receipts_orphan(struct peer *sender)
{
	struct receipt *r;

	while ((r = LIST_FIRST(&sender->receipts)) != NULL) {
		LIST_REMOVE(r, of_sender);
		r->sender = NULL;
	}
	sender->receipts_open = 0;
}
