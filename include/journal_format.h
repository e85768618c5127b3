/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * journal_format.h - what a journal's bytes mean: telld-store(5).
 *
 * Pure: buffers in, buffers out.  All numbers are little-endian.
 *
 *	segment  header, then records
 *	header   "telldjnl", u32 version, u64 number, u32 crc32c of these
 *	record   u32 mark, u32 length of body, u32 crc32c of type, length and
 *	         body, u8 type, body
 */
#ifndef JOURNAL_FORMAT_H
#define JOURNAL_FORMAT_H

#include "mail.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JOURNAL_VERSION     1U
#define JOURNAL_HEADER_SIZE 24U
#define JOURNAL_RECORD_HEAD 13U
#define JOURNAL_BODY_MAX    (64U * 1024)

enum journal_type {
	JOURNAL_ADD = 1, /* a mail, with its position in front */
	JOURNAL_DONE,    /* u64 id */
	JOURNAL_NAME,    /* u32 time last seen, u8 and name, rooms */
	JOURNAL_TRIED,   /* u64 position, u8 and name */
	JOURNAL_FORGET,  /* u8 and name */
};

/* A record taken apart; the strings point into the buffer it came from. */
struct journal_record {
	enum journal_type type;
	struct mail mail;  /* ADD; DONE: id.  The others: to is the name, with
			    * time, position, and the rooms as text */
	size_t size;       /* of the whole record in the file */
};

/* Room for a record of that mail, and for any of the others. */
size_t journal_add_size(const struct mail *m);
#define JOURNAL_SMALL_MAX (JOURNAL_RECORD_HEAD + 8 + 1 + 255 + 1024)

/* Each writes one record at out and returns its size. */
size_t journal_put_add(char *out, const struct mail *m);
size_t journal_put_done(char *out, uint64_t id);
size_t journal_put_name(char *out, const char *name, uint8_t len,
    uint32_t time, const char *rooms, size_t rooms_len);
size_t journal_put_forget(char *out, const char *name, uint8_t len);
size_t journal_put_tried(
    char *out, const char *name, uint8_t len, uint64_t position);

/* The record at data, if a whole and sound one is there. */
bool journal_get(const char *data, size_t len, struct journal_record *r);

/* The offset of the next sound record at or after from; len if none. */
size_t journal_search(const char *data, size_t len, size_t from);

void journal_put_header(char out[JOURNAL_HEADER_SIZE], uint64_t number);

enum journal_header_state {
	JOURNAL_HEADER_GOOD,
	JOURNAL_HEADER_BAD,   /* not ours, or damaged */
	JOURNAL_HEADER_OTHER, /* ours, of another version */
};

enum journal_header_state journal_get_header(
    const char *data, size_t len, uint64_t *number);

#endif
