/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * name.h - what may be the name of a person or of a room (PROTOCOL.md,
 * Logging in).
 *
 * A name must be one word in every place where the protocol puts it, never
 * look like a line of the server's, and be seen whole on a screen.  Names are
 * compared byte by byte; how they look alike is not decided here.
 *
 * The session's cleaning (line.h) comes first: a control character arrives as
 * ^[, which is two printable ones, and a bidirectional control as <U+202E>.
 * Such notation is therefore refused like what it stands for.  Names from
 * elsewhere, a file or a session that lies, may hold the characters as such.
 */
#ifndef NAME_H
#define NAME_H

#include <stddef.h>

/* Bytes, not characters; of a room's name with its '#'. */
#define NAME_MAX_LEN 32

enum name_error {
	NAME_OK,
	NAME_EMPTY,
	NAME_TOO_LONG,        /* more than NAME_MAX_LEN bytes */
	NAME_HAS_SPACE,       /* white space, of Unicode too */
	NAME_HAS_CONTROL,     /* C0, DEL, C1 */
	NAME_HAS_PUNCTUATION, /* , : ! * anywhere */
	NAME_BAD_START,       /* one of # @ + - / . in front */
	NAME_INVISIBLE,       /* see utf8_is_format() */
	NAME_NOT_UTF8,
	NAME_NOT_A_ROOM /* of room_check(): no '#' in front */
};

/* What is wrong with s[0..len) as a person's name: the first that is. */
enum name_error name_check(const char *s, size_t len);

/* The same for a room: '#', and then a name of 1 to NAME_MAX_LEN - 1 bytes. */
enum name_error room_check(const char *s, size_t len);

/*
 * What to do instead, for "! bad name: WHY": a few words of ASCII, static.
 * NAME_OK gives "".
 */
const char *name_why(enum name_error error);

#endif
