/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

#include "name.h"

#include "utf8.h"

#include <string.h>

/* c is one of the ASCII characters in set. */
static bool
is_one_of(uint32_t c, const char *set)
{
	return c > 0 && c < 0x80 && strchr(set, (int)c) != NULL;
}

/* TAB and NEL are white space before they are controls: that is what shows. */
static enum name_error
check_character(uint32_t c)
{
	if (utf8_is_space(c))
		return NAME_HAS_SPACE;
	if (utf8_is_control(c))
		return NAME_HAS_CONTROL;
	if (is_one_of(c, ",:!*"))
		return NAME_HAS_PUNCTUATION;
	if (utf8_is_format(c))
		return NAME_INVISIBLE;
	return NAME_OK;
}

/*
 * What a control or format character was, before the session's cleaning wrote
 * it out (line.h): ^[ and the like, <U+202E>, <ALM>.  Somebody who types just
 * that has a name that looks like one with such a character, and may choose
 * another.
 */
static enum name_error
check_notation(const char *s, size_t len)
{
	if (len >= 2 && *s == '^' &&
	    ((s[1] >= '@' && s[1] <= '_') || s[1] == '?'))
		return NAME_HAS_CONTROL;
	if (len >= 3 && *s == '<' &&
	    (memcmp(s + 1, "U+", 2) == 0 || memcmp(s + 1, "AL", 2) == 0))
		return NAME_INVISIBLE;
	return NAME_OK;
}

static enum name_error
check(const char *s, size_t len, size_t max)
{
	const char *end = s + len;
	enum name_error error = NAME_OK;

	if (len == 0)
		return NAME_EMPTY;
	if (len > max)
		return NAME_TOO_LONG;
	if (utf8_span(s, len) != len)
		return NAME_NOT_UTF8;
	if (is_one_of((unsigned char)*s, "#@+-/."))
		return NAME_BAD_START;
	while (s < end && error == NAME_OK) {
		error = check_notation(s, (size_t)(end - s));
		if (error == NAME_OK)
			error = check_character(utf8_decode(&s));
	}
	return error;
}

enum name_error
name_check(const char *s, size_t len)
{
	return check(s, len, NAME_MAX_LEN);
}

enum name_error
room_check(const char *s, size_t len)
{
	if (len == 0 || *s != '#')
		return NAME_NOT_A_ROOM;
	return check(s + 1, len - 1, NAME_MAX_LEN - 1);
}

const char *
name_why(enum name_error error)
{
	switch (error) {
	case NAME_OK: return "";
	case NAME_EMPTY: return "at least one character";
	case NAME_TOO_LONG: return "at most 32 bytes";
	case NAME_HAS_SPACE: return "no white space";
	case NAME_HAS_CONTROL: return "no control characters";
	case NAME_HAS_PUNCTUATION: return "none of , : ! *";
	case NAME_BAD_START: return "may not begin with # @ + - / or .";
	case NAME_INVISIBLE: return "no invisible characters";
	case NAME_NOT_UTF8: return "must be UTF-8";
	case NAME_NOT_A_ROOM: return "a room begins with #";
	}
	return "";
}
