/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * message.h - what one cleaned line means (PROTOCOL.md, Sending, Commands).
 *
 *	DEST[, DEST...]: TEXT
 *	+TAG DEST[, DEST...]: TEXT
 *	/command [ARGUMENTS]
 *
 * Blanks (space, TAB) around the line and around each part are dropped, and
 * the first colon ends the DESTs.  Nothing is copied: all pieces point into
 * the line, none is NUL-terminated, and they live as long as it does.
 */
#ifndef MESSAGE_H
#define MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes in a TAG, each one of A-Z a-z 0-9 . _ - */
#define MESSAGE_TAG_MAX 32

enum message_kind {
	MESSAGE_EMPTY,   /* nothing but blanks */
	MESSAGE_TEXT,    /* dests has at least one DEST, text may be "" */
	MESSAGE_COMMAND, /* dests is the word with its '/', text the rest */
	MESSAGE_NO_RECIPIENT, /* no colon, or no DEST before it */
	MESSAGE_BAD_TAG       /* tag is what stood there, without the '+' */
};

struct message {
	const char *tag; /* NULL when there is none; without the '+' */
	size_t tag_len;
	const char *dests;
	size_t dests_len;
	const char *text;
	size_t text_len;
};

/*
 * Takes line[0..len) apart.  Pieces that the kind does not promise are NULL
 * and 0; the tag is there for MESSAGE_NO_RECIPIENT too, if one was given.
 */
enum message_kind message_parse(
    const char *line, size_t len, struct message *m);

/* The DESTs of a message, one by one. */
struct message_dests {
	const char *next; /* what is not yet looked at */
	size_t left;      /* bytes of it */
};

void message_dests_init(struct message_dests *d, const struct message *m);

/*
 * The next DEST, trimmed; empty ones are passed over.  false: no more, and
 * *dest and *len are not set.  Whether it is a name, a room or '*' is not
 * looked at, nor whether it came before.
 */
bool message_next_dest(struct message_dests *d, const char **dest, size_t *len);

#endif
