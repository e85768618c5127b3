/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * journal_format.h - what a segment of the journal looks like, byte by byte:
 * telld-store(5) in C.
 *
 * Pure: no I/O.  What is got points into what it was got from; nothing that
 * stands there is believed before its CRC says so, and not much after.
 */
#ifndef JOURNAL_FORMAT_H
#define JOURNAL_FORMAT_H

#include "journal.h"
#include "mail.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JOURNAL_VERSION     1U
#define JOURNAL_HEADER_SIZE 64U

/* Magic, CRC, length, type; and the largest body, an ADD's. */
#define JOURNAL_RECORD_HEAD 9U
#define JOURNAL_BODY_MAX    (8 + 8 + 4 + 1 + 3 * 256 + JOURNAL_TEXT_MAX)
#define JOURNAL_RECORD_MAX  (JOURNAL_RECORD_HEAD + JOURNAL_BODY_MAX)

/* The bodies of which the size is known. */
#define JOURNAL_DONE_SIZE (JOURNAL_RECORD_HEAD + 8 + 1)

/* Ids and positions are below this, so that one more never wraps. */
#define JOURNAL_NUMBER_MAX ((uint64_t)1 << 63)

struct journal_header {
	uint32_t number;    /* of this segment */
	uint64_t prev_size; /* bytes of the segment before that count */
	uint64_t position;  /* all mail from here on has at least this one */
	uint64_t max_id;    /* the highest id so far */
};

enum journal_header_result {
	JOURNAL_HEADER_OK,
	JOURNAL_HEADER_DAMAGED,
	JOURNAL_HEADER_UNKNOWN /* whole, but of a version not known */
};

void journal_put_header(
    char out[JOURNAL_HEADER_SIZE], const struct journal_header *h);

/* With JOURNAL_HEADER_UNKNOWN *version is set, and nothing else. */
enum journal_header_result journal_get_header(
    const char in[JOURNAL_HEADER_SIZE], struct journal_header *h,
    uint32_t *version);

enum journal_type {
	JOURNAL_ADD = 1, /* a mail */
	JOURNAL_DONE,    /* a mail is no more */
	JOURNAL_NAME     /* all that is known of a name, instead of before */
};

enum journal_why {
	JOURNAL_DELIVERED,
	JOURNAL_EXPIRED,
	JOURNAL_DAMAGED
};

struct journal_name {
	const char *name;
	const char *rooms;
	uint8_t len;
	uint16_t rooms_len;
	bool known;
	uint32_t seen;
	uint64_t tried;
};

struct journal_record {
	uint8_t type; /* enum journal_type */
	size_t size;  /* of all of it */
	struct mail mail;
	uint64_t id; /* of a DONE */
	uint8_t why;
	struct journal_name name;
};

/* The size of a record. */
size_t journal_add_size(const struct mail *m);
size_t journal_name_size(const struct journal_name *n);

/* Put a record, which has no CRC yet. */
void journal_put_add(char *out, const struct mail *m);
void journal_put_done(char *out, uint64_t id, enum journal_why why);
void journal_put_name(char *out, const struct journal_name *n);

/* Completes a record for the segment of that number. */
void journal_seal(char *record, uint32_t number);

enum journal_get_result {
	JOURNAL_GET_OK,
	JOURNAL_GET_STRANGE, /* a whole record, of a type or form not known */
	JOURNAL_GET_NOTHING, /* no record begins here */
	JOURNAL_GET_SHORT    /* one may begin here, but more of it is needed */
};

/* Gets the record that begins at in[0..left), of the segment of that number.
 * r->size is set for a JOURNAL_GET_STRANGE too. */
enum journal_get_result journal_get(
    const char *in, size_t left, uint32_t number, struct journal_record *r);

/* How far behind in[0] the next record may begin: from 1 to left. */
size_t journal_skip(const char *in, size_t left);

#endif
