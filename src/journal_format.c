/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * The mark in front of each record costs four bytes and buys this: when a
 * record is damaged, its length cannot be believed, but the next one can be
 * found.  No mail can pass itself off as one: 0xf5 occurs in no UTF-8, and so
 * in no text.
 */
#include "journal_format.h"

#include "crc32c.h"

#include <string.h>

static const char magic[8] = {'t', 'e', 'l', 'l', 'd', 'j', 'n', 'l'};
static const char mark[4] = {'\xf5', 'm', 's', 'g'};

static char *
put_number(char *at, uint64_t v, int bytes)
{
	for (; bytes > 0; bytes--, v >>= 8)
		*at++ = (char)(v & 0xff);
	return at;
}

static uint64_t
get_number(struct wire_reader *r, int bytes)
{
	const char *at = wire_get(r, (size_t)bytes);
	uint64_t v = 0;

	while (at != NULL && bytes > 0)
		v = v << 8 | (unsigned char)at[--bytes];
	return v;
}

/* Completes the record whose body ends at end: mark, length, checksum. */
static size_t
seal(char *out, const char *end, enum journal_type type)
{
	size_t body = (size_t)(end - out) - JOURNAL_RECORD_HEAD;
	uint32_t crc;

	memcpy(out, mark, sizeof mark);
	put_number(out + 4, body, 4);
	out[12] = (char)type;
	crc = crc32c(0, out + 4, 4);
	crc = crc32c(crc, out + 12, 1 + body);
	put_number(out + 8, crc, 4);
	return JOURNAL_RECORD_HEAD + body;
}

size_t
journal_add_size(const struct mail *m)
{
	return JOURNAL_RECORD_HEAD + 8 + mail_size(m);
}

size_t
journal_put_add(char *out, const struct mail *m)
{
	char *at = out + JOURNAL_RECORD_HEAD;

	at = put_number(at, m->position, 8);
	at = put_number(at, m->id, 8);
	at = put_number(at, m->time, 4);
	at = put_number(at, m->flags, 1);
	at = wire_put_short(at, m->to, m->to_len);
	at = wire_put_short(at, m->from, m->from_len);
	at = wire_put_short(at, m->room, m->room_len);
	at = wire_put(at, m->text, m->text_len);
	return seal(out, at, JOURNAL_ADD);
}

size_t
journal_put_done(char *out, uint64_t id)
{
	return seal(out, put_number(out + JOURNAL_RECORD_HEAD, id, 8),
	    JOURNAL_DONE);
}

size_t
journal_put_name(char *out, const char *name, uint8_t len, uint32_t time,
    const char *rooms, size_t rooms_len)
{
	char *at = put_number(out + JOURNAL_RECORD_HEAD, time, 4);

	at = wire_put_short(at, name, len);
	if (rooms_len > 0)
		at = wire_put(at, rooms, rooms_len);
	return seal(out, at, JOURNAL_NAME);
}

size_t
journal_put_forget(char *out, const char *name, uint8_t len)
{
	char *at = out + JOURNAL_RECORD_HEAD;

	return seal(out, wire_put_short(at, name, len), JOURNAL_FORGET);
}

size_t
journal_put_tried(char *out, const char *name, uint8_t len, uint64_t position)
{
	char *at = put_number(out + JOURNAL_RECORD_HEAD, position, 8);

	return seal(out, wire_put_short(at, name, len), JOURNAL_TRIED);
}

static const char *
get_short(struct wire_reader *r, uint8_t *len)
{
	size_t n;
	const char *at = wire_get_short(r, &n);

	*len = (uint8_t)n;
	return at;
}

static bool
get_body(struct wire_reader *r, struct journal_record *rec)
{
	struct mail *m = &rec->mail;

	switch (rec->type) {
	case JOURNAL_ADD:
		m->position = get_number(r, 8);
		m->id = get_number(r, 8);
		m->time = (uint32_t)get_number(r, 4);
		m->flags = (uint8_t)get_number(r, 1);
		m->to = get_short(r, &m->to_len);
		m->from = get_short(r, &m->from_len);
		m->room = get_short(r, &m->room_len);
		m->text_len = (uint32_t)r->left;
		m->text = wire_get(r, r->left);
		return wire_end(r) && m->to_len > 0;
	case JOURNAL_DONE: m->id = get_number(r, 8); return wire_end(r);
	case JOURNAL_NAME: m->time = (uint32_t)get_number(r, 4); break;
	case JOURNAL_TRIED: m->position = get_number(r, 8); break;
	case JOURNAL_FORGET: break;
	default: return false;
	}
	m->to = get_short(r, &m->to_len);
	if (rec->type == JOURNAL_NAME) {
		m->text_len = (uint32_t)r->left;
		m->text = wire_get(r, r->left);
	}
	return wire_end(r) && m->to_len > 0;
}

bool
journal_get(const char *data, size_t len, struct journal_record *rec)
{
	struct wire_reader r = wire_read(data, len);
	const char *m = wire_get(&r, sizeof mark);
	uint64_t body = get_number(&r, 4);
	uint32_t crc = (uint32_t)get_number(&r, 4);
	uint32_t sum;

	if (r.bad || memcmp(m, mark, sizeof mark) != 0 ||
	    body > JOURNAL_BODY_MAX || r.left < 1 + body)
		return false;
	sum = crc32c(0, data + 4, 4);
	if (crc32c(sum, r.at, 1 + (size_t)body) != crc)
		return false;
	memset(rec, 0, sizeof *rec);
	rec->type = (enum journal_type)(unsigned char)*r.at;
	rec->size = JOURNAL_RECORD_HEAD + (size_t)body;
	r = wire_read(data + JOURNAL_RECORD_HEAD, (size_t)body);
	return get_body(&r, rec);
}

size_t
journal_search(const char *data, size_t len, size_t from)
{
	struct journal_record r;
	const char *at;

	while (from < len) {
		at = memchr(data + from, mark[0], len - from);
		if (at == NULL)
			break;
		from = (size_t)(at - data);
		if (journal_get(at, len - from, &r))
			return from;
		from++;
	}
	return len;
}

void
journal_put_header(char out[JOURNAL_HEADER_SIZE], uint64_t number)
{
	char *at = wire_put(out, magic, sizeof magic);

	at = put_number(at, JOURNAL_VERSION, 4);
	at = put_number(at, number, 8);
	put_number(at, crc32c(0, out, (size_t)(at - out)), 4);
}

enum journal_header_state
journal_get_header(const char *data, size_t len, uint64_t *number)
{
	struct wire_reader r = wire_read(data, len);
	const char *m = wire_get(&r, sizeof magic);
	uint64_t version = get_number(&r, 4);
	uint64_t crc;

	*number = get_number(&r, 8);
	crc = get_number(&r, 4);
	if (r.bad || memcmp(m, magic, sizeof magic) != 0 ||
	    crc != crc32c(0, data, JOURNAL_HEADER_SIZE - 4))
		return JOURNAL_HEADER_BAD;
	return version == JOURNAL_VERSION ? JOURNAL_HEADER_GOOD
					  : JOURNAL_HEADER_OTHER;
}
