/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * A record begins with two bytes that occur in no UTF-8 text, so whoever
 * looks for the next one behind damage is not led astray by what users wrote.
 * Its CRC begins with the number of its segment, so that old blocks which a
 * file system left in a new file, though whole, are not taken for part of it.
 */
#include "journal_format.h"

#include "crc32c.h"

#include <string.h>

static const char header_magic[16] = "telld-journal";

#define MAGIC_0 '\xff'
#define MAGIC_1 '\xfe'

/* Places in a header, and in a record. */
enum {
	AT_VERSION = 16,
	AT_NUMBER = 20,
	AT_PREV_SIZE = 24,
	AT_POSITION = 32,
	AT_MAX_ID = 40,
	AT_HEADER_CRC = 60,
	AT_CRC = 2,
	AT_LENGTH = 6,
	AT_TYPE = 8
};

#define FLAG_KNOWN 1U

/* ---- numbers, least significant byte first ---- */

static char *
put(char *at, uint64_t v, unsigned bytes)
{
	unsigned i;

	for (i = 0; i < bytes; i++)
		*at++ = (char)(v >> (8 * i));
	return at;
}

static uint64_t
get(const char *at, unsigned bytes)
{
	uint64_t v = 0;

	while (bytes-- > 0)
		v = v << 8 | (unsigned char)at[bytes];
	return v;
}

static uint64_t
take(struct wire_reader *r, unsigned bytes)
{
	const char *at = wire_get(r, bytes);

	return at != NULL ? get(at, bytes) : 0;
}

static const char *
take_short(struct wire_reader *r, uint8_t *len)
{
	*len = (uint8_t)take(r, 1);
	return wire_get(r, *len);
}

/* ---- headers ---- */

void
journal_put_header(
    char out[JOURNAL_HEADER_SIZE], const struct journal_header *h)
{
	memset(out, 0, JOURNAL_HEADER_SIZE);
	memcpy(out, header_magic, sizeof header_magic);
	put(out + AT_VERSION, JOURNAL_VERSION, 4);
	put(out + AT_NUMBER, h->number, 4);
	put(out + AT_PREV_SIZE, h->prev_size, 8);
	put(out + AT_POSITION, h->position, 8);
	put(out + AT_MAX_ID, h->max_id, 8);
	put(out + AT_HEADER_CRC, crc32c(0, out, AT_HEADER_CRC), 4);
}

enum journal_header_result
journal_get_header(const char in[JOURNAL_HEADER_SIZE], struct journal_header *h,
    uint32_t *version)
{
	if (memcmp(in, header_magic, sizeof header_magic) != 0 ||
	    get(in + AT_HEADER_CRC, 4) != crc32c(0, in, AT_HEADER_CRC))
		return JOURNAL_HEADER_DAMAGED;
	*version = (uint32_t)get(in + AT_VERSION, 4);
	if (*version != JOURNAL_VERSION)
		return JOURNAL_HEADER_UNKNOWN;
	h->number = (uint32_t)get(in + AT_NUMBER, 4);
	h->prev_size = get(in + AT_PREV_SIZE, 8);
	h->position = get(in + AT_POSITION, 8);
	h->max_id = get(in + AT_MAX_ID, 8);
	return h->position < JOURNAL_NUMBER_MAX &&
	               h->max_id < JOURNAL_NUMBER_MAX
	           ? JOURNAL_HEADER_OK
	           : JOURNAL_HEADER_DAMAGED;
}

/* ---- putting ---- */

size_t
journal_add_size(const struct mail *m)
{
	return JOURNAL_RECORD_HEAD + 8 + 8 + 4 + 1 + 3 + (size_t)m->to_len +
	       m->from_len + m->room_len + m->text_len;
}

size_t
journal_name_size(const struct journal_name *n)
{
	return JOURNAL_RECORD_HEAD + 1 + 4 + 8 + 1 + (size_t)n->len +
	       n->rooms_len;
}

static char *
put_head(char *out, enum journal_type type, size_t size)
{
	out[0] = MAGIC_0;
	out[1] = MAGIC_1;
	put(out + AT_LENGTH, size - JOURNAL_RECORD_HEAD, 2);
	out[AT_TYPE] = (char)type;
	return out + JOURNAL_RECORD_HEAD;
}

/* s may be NULL if there is nothing of it. */
static char *
put_bytes(char *at, const char *s, size_t len)
{
	if (len > 0)
		memcpy(at, s, len);
	return at + len;
}

static char *
put_short(char *at, const char *s, uint8_t len)
{
	*at = (char)len;
	return put_bytes(at + 1, s, len);
}

void
journal_put_add(char *out, const struct mail *m)
{
	char *at = put_head(out, JOURNAL_ADD, journal_add_size(m));

	at = put(at, m->id, 8);
	at = put(at, m->position, 8);
	at = put(at, m->time, 4);
	at = put(at, m->flags & MAIL_AGAIN, 1);
	at = put_short(at, m->to, m->to_len);
	at = put_short(at, m->from, m->from_len);
	at = put_short(at, m->room, m->room_len);
	put_bytes(at, m->text, m->text_len);
}

void
journal_put_done(char *out, uint64_t id, enum journal_why why)
{
	char *at = put_head(out, JOURNAL_DONE, JOURNAL_DONE_SIZE);

	at = put(at, id, 8);
	put(at, why, 1);
}

void
journal_put_name(char *out, const struct journal_name *n)
{
	char *at = put_head(out, JOURNAL_NAME, journal_name_size(n));

	at = put(at, n->known ? FLAG_KNOWN : 0, 1);
	at = put(at, n->seen, 4);
	at = put(at, n->tried, 8);
	at = put_short(at, n->name, n->len);
	put_bytes(at, n->rooms, n->rooms_len);
}

static uint32_t
record_crc(const char *record, uint32_t number, size_t length)
{
	char seed[4];

	put(seed, number, 4);
	return crc32c(crc32c(0, seed, sizeof seed), record + AT_LENGTH,
	    JOURNAL_RECORD_HEAD - AT_LENGTH + length);
}

void
journal_seal(char *record, uint32_t number)
{
	size_t length = (size_t)get(record + AT_LENGTH, 2);

	put(record + AT_CRC, record_crc(record, number, length), 4);
}

/* ---- getting ---- */

static bool
get_add(struct wire_reader *r, struct mail *m)
{
	m->id = take(r, 8);
	m->position = take(r, 8);
	m->time = (uint32_t)take(r, 4);
	m->flags = (uint8_t)take(r, 1);
	m->to = take_short(r, &m->to_len);
	m->from = take_short(r, &m->from_len);
	m->room = take_short(r, &m->room_len);
	m->text_len = (uint32_t)r->left;
	m->text = wire_get(r, r->left);
	return wire_end(r) && m->to_len > 0 && m->id > 0 &&
	       m->id < JOURNAL_NUMBER_MAX && m->position > 0 &&
	       m->position < JOURNAL_NUMBER_MAX && m->flags <= MAIL_AGAIN &&
	       m->text_len <= JOURNAL_TEXT_MAX;
}

static bool
get_done(struct wire_reader *r, struct journal_record *out)
{
	out->id = take(r, 8);
	out->why = (uint8_t)take(r, 1);
	return wire_end(r) && out->id < JOURNAL_NUMBER_MAX;
}

static bool
get_name(struct wire_reader *r, struct journal_name *n)
{
	uint8_t flags = (uint8_t)take(r, 1);

	n->known = (flags & FLAG_KNOWN) != 0;
	n->seen = (uint32_t)take(r, 4);
	n->tried = take(r, 8);
	n->name = take_short(r, &n->len);
	n->rooms_len = (uint16_t)r->left;
	n->rooms = wire_get(r, r->left);
	return wire_end(r) && n->len > 0 && flags <= FLAG_KNOWN &&
	       n->rooms_len <= JOURNAL_ROOMS_MAX &&
	       n->tried < JOURNAL_NUMBER_MAX;
}

static bool
get_body(const char *body, size_t length, struct journal_record *out)
{
	struct wire_reader r = wire_read(body, length);

	switch (out->type) {
	case JOURNAL_ADD: return get_add(&r, &out->mail);
	case JOURNAL_DONE: return get_done(&r, out);
	case JOURNAL_NAME: return get_name(&r, &out->name);
	default: return false;
	}
}

enum journal_get_result
journal_get(
    const char *in, size_t left, uint32_t number, struct journal_record *r)
{
	size_t length;

	if ((left >= 1 && in[0] != MAGIC_0) || (left >= 2 && in[1] != MAGIC_1))
		return JOURNAL_GET_NOTHING;
	if (left < JOURNAL_RECORD_HEAD)
		return JOURNAL_GET_SHORT;
	length = (size_t)get(in + AT_LENGTH, 2);
	if (length > JOURNAL_BODY_MAX)
		return JOURNAL_GET_NOTHING;
	if (left - JOURNAL_RECORD_HEAD < length)
		return JOURNAL_GET_SHORT;
	if (get(in + AT_CRC, 4) != record_crc(in, number, length))
		return JOURNAL_GET_NOTHING;
	*r = (struct journal_record){0};
	r->type = (uint8_t)in[AT_TYPE];
	r->size = JOURNAL_RECORD_HEAD + length;
	return get_body(in + JOURNAL_RECORD_HEAD, length, r)
	           ? JOURNAL_GET_OK
	           : JOURNAL_GET_STRANGE;
}

size_t
journal_skip(const char *in, size_t left)
{
	const char *at =
	    left > 1 ? memchr(in + 1, MAGIC_0 & 0xff, left - 1) : NULL;

	return at != NULL ? (size_t)(at - in) : left;
}
