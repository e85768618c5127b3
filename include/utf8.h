/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * utf8.h - what is UTF-8 (RFC 3629), and what a character does to a screen.
 *
 * Check once with utf8_span(), then walk with utf8_decode().  The questions
 * about a character follow the Unicode Character Database: they are about
 * what can hide, forge or reorder text, not about its meaning.
 */
#ifndef UTF8_H
#define UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The length in bytes of the longest prefix of s[0..len) that is whole, valid
 * UTF-8: no overlong form, no surrogate, nothing above U+10FFFF (RFC 3629, 4).
 * The text is valid when that is len.
 */
size_t utf8_span(const char *s, size_t len);

/*
 * The character at *s, and *s moves past it.  Only for text that utf8_span()
 * has passed: nothing is checked again.
 */
uint32_t utf8_decode(const char **s);

/* White_Space in Unicode: TAB and LF, NEL, no-break and wide spaces too. */
bool utf8_is_space(uint32_t c);

/* C0 (NUL to U+001F), DEL, C1 (U+0080 to U+009F). */
bool utf8_is_control(uint32_t c);

/*
 * What can forge or reorder a line on a screen: the bidirectional controls
 * (Unicode Annex 9: U+061C, U+200E/F, U+202A-E, U+2066-9), and the line and
 * paragraph separators U+2028/9.
 */
bool utf8_is_bidi_or_separator(uint32_t c);

/*
 * What leaves no mark of its own: the above, and the soft hyphen, zero-width
 * and invisible characters (U+00AD, 180E, 200B-D, 2060-4, FEFF), and the tag
 * characters U+E0000-7F.
 */
bool utf8_is_format(uint32_t c);

#endif
