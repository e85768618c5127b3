/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * The mark in front of each record costs four bytes and buys this: when a
 * record is damaged, its length cannot be believed, but the next one can be
 * found.  No mail can pass itself off as one: 0xf5 occurs in no UTF-8, and so
 * in no text.
 */
#include "segment_format.h"

#include "crc32c.h"
#include "name.h"

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
seal(char *out, const char *end, enum segment_type type)
{
	size_t body = (size_t)(end - out) - SEGMENT_RECORD_HEAD;
	uint32_t crc;

	memcpy(out, mark, sizeof mark);
	put_number(out + 4, body, 4);
	out[12] = (char)type;
	crc = crc32c(0, out + 4, 4);
	crc = crc32c(crc, out + 12, 1 + body);
	put_number(out + 8, crc, 4);
	return SEGMENT_RECORD_HEAD + body;
}

size_t
segment_add_size(const struct mail *m)
{
	return SEGMENT_RECORD_HEAD + 8 + mail_size(m);
}

size_t
segment_put_add(char *out, const struct mail *m)
{
	char *at = out + SEGMENT_RECORD_HEAD;

	at = put_number(at, m->position, 8);
	at = put_number(at, m->id, 8);
	at = put_number(at, m->time, 4);
	at = put_number(at, m->flags, 1);
	at = wire_put_short(at, m->to, m->to_len);
	at = wire_put_short(at, m->from, m->from_len);
	at = wire_put_short(at, m->room, m->room_len);
	at = wire_put(at, m->text, m->text_len);
	return seal(out, at, SEGMENT_ADD);
}

size_t
segment_put_done(char *out, uint64_t id)
{
	return seal(
	    out, put_number(out + SEGMENT_RECORD_HEAD, id, 8), SEGMENT_DONE);
}

size_t
segment_put_name(char *out, const char *name, uint8_t len, uint32_t time,
    const char *rooms, size_t rooms_len)
{
	char *at = put_number(out + SEGMENT_RECORD_HEAD, time, 4);

	at = wire_put_short(at, name, len);
	at = wire_put(at, rooms, rooms_len);
	return seal(out, at, SEGMENT_NAME);
}

size_t
segment_put_forget(char *out, const char *name, uint8_t len)
{
	char *at = out + SEGMENT_RECORD_HEAD;

	return seal(out, wire_put_short(at, name, len), SEGMENT_FORGET);
}

size_t
segment_put_tried(char *out, const char *name, uint8_t len, uint64_t position)
{
	char *at = put_number(out + SEGMENT_RECORD_HEAD, position, 8);

	return seal(out, wire_put_short(at, name, len), SEGMENT_TRIED);
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
is_name(const struct mail *m)
{
	return m->to_len > 0 && m->to_len <= NAME_MAX_LEN;
}

/* What is sound may still be no record of ours: whoever can write the file
 * can compute a CRC.  What is let through here is relied on. */
static bool
get_body(struct wire_reader *r, struct segment_record *rec)
{
	struct mail *m = &rec->mail;

	switch (rec->type) {
	case SEGMENT_ADD:
		m->position = get_number(r, 8);
		m->id = get_number(r, 8);
		m->time = (uint32_t)get_number(r, 4);
		m->flags = (uint8_t)get_number(r, 1);
		m->to = get_short(r, &m->to_len);
		m->from = get_short(r, &m->from_len);
		m->room = get_short(r, &m->room_len);
		m->text_len = (uint32_t)r->left;
		m->text = wire_get(r, r->left);
		return wire_end(r) && is_name(m) && m->id > 0 &&
		       m->id < SEGMENT_COUNT_MAX &&
		       m->position < SEGMENT_COUNT_MAX;
	case SEGMENT_DONE:
		m->id = get_number(r, 8);
		return wire_end(r) && m->id < SEGMENT_COUNT_MAX;
	case SEGMENT_NAME: m->time = (uint32_t)get_number(r, 4); break;
	case SEGMENT_TRIED: m->position = get_number(r, 8); break;
	case SEGMENT_FORGET: break;
	default: return false;
	}
	m->to = get_short(r, &m->to_len);
	if (rec->type == SEGMENT_NAME) {
		m->text_len = (uint32_t)r->left;
		m->text = wire_get(r, r->left);
	}
	return wire_end(r) && is_name(m) && m->text_len <= JOURNAL_ROOMS_MAX &&
	       m->position < SEGMENT_COUNT_MAX;
}

bool
segment_get(const char *data, size_t len, struct segment_record *rec)
{
	struct wire_reader r = wire_read(data, len);
	const char *m = wire_get(&r, sizeof mark);
	uint64_t body = get_number(&r, 4);
	uint32_t crc = (uint32_t)get_number(&r, 4);
	uint32_t sum;

	if (r.bad || memcmp(m, mark, sizeof mark) != 0 ||
	    body > SEGMENT_BODY_MAX || r.left < 1 + body)
		return false;
	sum = crc32c(0, data + 4, 4);
	if (crc32c(sum, r.at, 1 + (size_t)body) != crc)
		return false;
	memset(rec, 0, sizeof *rec);
	rec->type = (enum segment_type)(unsigned char)*r.at;
	rec->size = SEGMENT_RECORD_HEAD + (size_t)body;
	r = wire_read(data + SEGMENT_RECORD_HEAD, (size_t)body);
	return get_body(&r, rec);
}

size_t
segment_search(const char *data, size_t len, size_t from)
{
	struct segment_record r;
	const char *at;

	while (from < len) {
		at = memchr(data + from, (unsigned char)mark[0], len - from);
		if (at == NULL)
			break;
		from = (size_t)(at - data);
		if (segment_get(at, len - from, &r))
			return from;
		from++;
	}
	return len;
}

void
segment_put_header(
    char out[SEGMENT_HEADER_SIZE], const struct segment_header *h)
{
	char *at = wire_put(out, magic, sizeof magic);

	at = put_number(at, SEGMENT_VERSION, 4);
	at = put_number(at, h->number, 8);
	at = put_number(at, h->position, 8);
	put_number(at, crc32c(0, out, (size_t)(at - out)), 4);
}

enum segment_header_state
segment_get_header(const char *data, size_t len, struct segment_header *h)
{
	struct wire_reader r = wire_read(data, len);
	const char *m = wire_get(&r, sizeof magic);
	uint64_t version = get_number(&r, 4);
	uint64_t crc;

	h->number = get_number(&r, 8);
	h->position = get_number(&r, 8);
	crc = get_number(&r, 4);
	if (r.bad || memcmp(m, magic, sizeof magic) != 0 ||
	    crc != crc32c(0, data, SEGMENT_HEADER_SIZE - 4))
		return SEGMENT_HEADER_BAD;
	if (version != SEGMENT_VERSION)
		return SEGMENT_HEADER_OTHER;
	return h->position < SEGMENT_COUNT_MAX ? SEGMENT_HEADER_GOOD
	                                       : SEGMENT_HEADER_BAD;
}
