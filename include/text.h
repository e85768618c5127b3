/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * text.h - small things about pieces of text that are not NUL-terminated.
 */
#ifndef TEXT_H
#define TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* What may stand around a word of the protocol: a space or a TAB. */
static inline bool
text_is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Drops blanks from both ends of *s[0..*len). */
static inline void
text_trim(const char **s, size_t *len)
{
	while (*len > 0 && text_is_blank(**s)) {
		++*s;
		--*len;
	}
	while (*len > 0 && text_is_blank((*s)[*len - 1]))
		--*len;
}

/* The length of the word that s[0..len) begins with, up to a blank. */
static inline size_t
text_word(const char *s, size_t len)
{
	size_t n = 0;

	while (n < len && !text_is_blank(s[n]))
		n++;
	return n;
}

#endif
