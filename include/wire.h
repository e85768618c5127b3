/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * wire.h - putting numbers and short strings into payloads, and getting them
 * out again without trusting them.
 *
 * A reader never reads past its end: after the first failure it gives zeros
 * and `bad` stays set.  A payload is accepted with wire_end(): nothing failed
 * and nothing is left over.
 */
#ifndef WIRE_H
#define WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct wire_reader {
	const char *at;
	size_t left;
	bool bad;
};

static inline struct wire_reader
wire_read(const void *payload, size_t len)
{
	return (struct wire_reader){payload, len, false};
}

static inline const char *
wire_get(struct wire_reader *r, size_t len)
{
	const char *at = r->at;

	if (r->bad || r->left < len) {
		r->bad = true;
		return NULL;
	}
	r->at += len;
	r->left -= len;
	return at;
}

static inline uint8_t
wire_get_u8(struct wire_reader *r)
{
	const char *at = wire_get(r, 1);

	return at != NULL ? (uint8_t)*at : 0;
}

static inline uint16_t
wire_get_u16(struct wire_reader *r)
{
	const char *at = wire_get(r, 2);
	uint16_t v = 0;

	if (at != NULL)
		memcpy(&v, at, sizeof v);
	return v;
}

static inline uint32_t
wire_get_u32(struct wire_reader *r)
{
	const char *at = wire_get(r, 4);
	uint32_t v = 0;

	if (at != NULL)
		memcpy(&v, at, sizeof v);
	return v;
}

static inline uint64_t
wire_get_u64(struct wire_reader *r)
{
	const char *at = wire_get(r, 8);
	uint64_t v = 0;

	if (at != NULL)
		memcpy(&v, at, sizeof v);
	return v;
}

/* A string with its length in one byte in front; points into the payload. */
static inline const char *
wire_get_short(struct wire_reader *r, size_t *len)
{
	const char *at;

	*len = wire_get_u8(r);
	at = wire_get(r, *len);
	if (at == NULL)
		*len = 0;
	return at;
}

static inline bool
wire_end(const struct wire_reader *r)
{
	return !r->bad && r->left == 0;
}

/* The put functions return where the next value goes; the caller has room.
 * Where len is 0, v may be NULL. */
static inline char *
wire_put(char *at, const void *v, size_t len)
{
	if (len > 0)
		memcpy(at, v, len);
	return at + len;
}

static inline char *
wire_put_u8(char *at, uint8_t v)
{
	*at = (char)v;
	return at + 1;
}

static inline char *
wire_put_u16(char *at, uint16_t v)
{
	return wire_put(at, &v, sizeof v);
}

static inline char *
wire_put_u32(char *at, uint32_t v)
{
	return wire_put(at, &v, sizeof v);
}

static inline char *
wire_put_u64(char *at, uint64_t v)
{
	return wire_put(at, &v, sizeof v);
}

static inline char *
wire_put_short(char *at, const char *s, size_t len)
{
	return wire_put(wire_put_u8(at, (uint8_t)len), s, len);
}

#endif
