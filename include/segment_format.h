/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * segment_format.h - what a journal's bytes mean: telld-store(5).
 *
 * Pure: buffers in, buffers out.  All numbers are little-endian.
 *
 *	segment  header, then records
 *	header   "telldjnl", u32 version, u64 number, u64 position: the first
 *	         that mail added from here on can have, u32 crc32c of these
 *	record   u32 mark, u32 length of body, u32 crc32c of type, length and
 *	         body, u8 type, body
 */
#ifndef SEGMENT_FORMAT_H
#define SEGMENT_FORMAT_H

#include "journal.h"
#include "mail.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEGMENT_VERSION     1U
#define SEGMENT_HEADER_SIZE 32U
#define SEGMENT_RECORD_HEAD 13U
#define SEGMENT_BODY_MAX    (64U * 1024)

/* Ids and positions are below this, so that the next one never wraps. */
#define SEGMENT_COUNT_MAX ((uint64_t)1 << 62)

enum segment_type {
	SEGMENT_ADD = 1, /* a mail, with its position in front */
	SEGMENT_DONE,    /* u64 id */
	SEGMENT_NAME,    /* u32 time last seen, u8 and name, rooms */
	SEGMENT_TRIED,   /* u64 position, u8 and name */
	SEGMENT_FORGET,  /* u8 and name */
};

/* A record taken apart; the strings point into the buffer it came from. */
struct segment_record {
	enum segment_type type;
	struct mail mail; /* ADD; DONE: id.  The others: to is the name, with
	                   * time, position, and the rooms as text */
	size_t size;      /* of the whole record in the file */
};

/* Room for a record of that mail, and for any of the others. */
size_t segment_add_size(const struct mail *m);
#define SEGMENT_SMALL_MAX                                                      \
	(SEGMENT_RECORD_HEAD + 8 + 1 + 255 + JOURNAL_ROOMS_MAX)

/* Each writes one record at out and returns its size. */
size_t segment_put_add(char *out, const struct mail *m);
size_t segment_put_done(char *out, uint64_t id);
size_t segment_put_name(char *out, const char *name, uint8_t len, uint32_t time,
    const char *rooms, size_t rooms_len);
size_t segment_put_forget(char *out, const char *name, uint8_t len);
size_t segment_put_tried(
    char *out, const char *name, uint8_t len, uint64_t position);

/* The record at data, if a whole and sound one is there. */
bool segment_get(const char *data, size_t len, struct segment_record *r);

/* The offset of the next sound record at or after from; len if none. */
size_t segment_search(const char *data, size_t len, size_t from);

struct segment_header {
	uint64_t number, position;
};

void segment_put_header(
    char out[SEGMENT_HEADER_SIZE], const struct segment_header *h);

enum segment_header_state {
	SEGMENT_HEADER_GOOD,
	SEGMENT_HEADER_BAD,   /* not ours, or damaged */
	SEGMENT_HEADER_OTHER, /* ours, of another version */
};

enum segment_header_state segment_get_header(
    const char *data, size_t len, struct segment_header *h);

#endif
