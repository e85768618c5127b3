/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * mail.h - one message for one name, as the mailroom and the store see it.
 */
#ifndef MAIL_H
#define MAIL_H

#include "wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAIL_AGAIN  1U /* it may have been shown before */
#define MAIL_FORCED 2U /* it was accepted already: never refuse it */

/* The strings are not NUL-terminated and belong to somebody else. */
struct mail {
	uint64_t id;       /* of this copy, never used twice */
	uint64_t position; /* in the order of delivery; the store gives it */
	uint32_t time;     /* when it was accepted, seconds since 1970, UTC */
	uint8_t flags;     /* MAIL_* */
	uint8_t to_len, from_len, room_len;
	uint32_t text_len;
	const char *to, *from;
	const char *room; /* "#ops", "*" for everybody, "" for a person */
	const char *text;
};

/* The payload of STORE_ADD, and of KEPT_MAIL without the position in front:
 * u64 id, u32 time, u8 flags, u8 + to, u8 + from, u8 + room, text. */
static inline size_t
mail_size(const struct mail *m)
{
	return 8 + 4 + 1 + 3 + (size_t)m->to_len + m->from_len + m->room_len +
	       m->text_len;
}

static inline char *
mail_put(char *at, const struct mail *m)
{
	at = wire_put_u64(at, m->id);
	at = wire_put_u32(at, m->time);
	at = wire_put_u8(at, m->flags);
	at = wire_put_short(at, m->to, m->to_len);
	at = wire_put_short(at, m->from, m->from_len);
	at = wire_put_short(at, m->room, m->room_len);
	return wire_put(at, m->text, m->text_len);
}

/* Takes all that is left of r.  False if it is malformed. */
static inline bool
mail_get(struct wire_reader *r, struct mail *m)
{
	size_t to, from, room;

	m->id = wire_get_u64(r);
	m->time = wire_get_u32(r);
	m->flags = wire_get_u8(r);
	m->to = wire_get_short(r, &to);
	m->from = wire_get_short(r, &from);
	m->room = wire_get_short(r, &room);
	m->to_len = (uint8_t)to;
	m->from_len = (uint8_t)from;
	m->room_len = (uint8_t)room;
	m->text_len = (uint32_t)r->left;
	m->text = wire_get(r, r->left);
	return wire_end(r) && m->to_len > 0 && m->from_len > 0;
}

#endif
