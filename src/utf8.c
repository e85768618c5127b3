/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

#include "utf8.h"

#include <string.h>

/*
 * Nearly all that is ever sent is ASCII, and ASCII needs one question per
 * eight bytes: is any high bit set?  memcpy is how C reads a word from
 * anywhere; compilers make it one load.
 */
static size_t
ascii_span(const char *s, size_t len)
{
	size_t n = 0;
	uint64_t word;

	for (; len - n >= sizeof word; n += sizeof word) {
		memcpy(&word, s + n, sizeof word);
		if ((word & UINT64_C(0x8080808080808080)) != 0)
			break;
	}
	while (n < len && ((unsigned char)s[n] & 0x80) == 0)
		n++;
	return n;
}

static bool
is_tail(unsigned char c)
{
	return (c & 0xc0) == 0x80;
}

/*
 * RFC 3629 forbids overlong forms, surrogates and what lies above U+10FFFF,
 * and each of them shows in the second byte already: four leads take a
 * narrower range there, all others take any tail.
 */
static bool
is_second(unsigned char lead, unsigned char c)
{
	switch (lead) {
	case 0xe0: return c >= 0xa0 && c <= 0xbf;
	case 0xed: return c >= 0x80 && c <= 0x9f;
	case 0xf0: return c >= 0x90 && c <= 0xbf;
	case 0xf4: return c >= 0x80 && c <= 0x8f;
	default: return is_tail(c);
	}
}

/* The length a lead byte promises; 0 when it is none of 2, 3 or 4. */
static size_t
promised(unsigned char lead)
{
	if (lead >= 0xc2 && lead <= 0xdf)
		return 2;
	if (lead >= 0xe0 && lead <= 0xef)
		return 3;
	if (lead >= 0xf0 && lead <= 0xf4)
		return 4;
	return 0;
}

/* The length of the one character at s that is not ASCII; 0: not valid. */
static size_t
wide_length(const char *s, size_t len)
{
	const unsigned char *u = (const unsigned char *)s;
	size_t n = promised(u[0]);

	if (n == 0 || n > len || !is_second(u[0], u[1]))
		return 0;
	for (size_t i = 2; i < n; i++)
		if (!is_tail(u[i]))
			return 0;
	return n;
}

size_t
utf8_span(const char *s, size_t len)
{
	size_t n = 0;

	for (;;) {
		size_t wide;

		n += ascii_span(s + n, len - n);
		if (n == len)
			return n;
		wide = wide_length(s + n, len - n);
		if (wide == 0)
			return n;
		n += wide;
	}
}

uint32_t
utf8_decode(const char **s)
{
	const unsigned char *u = (const unsigned char *)*s;
	uint32_t c = u[0];
	size_t n = promised(u[0]);

	if (n == 0) {
		*s += 1;
		return c;
	}
	c &= 0x7fU >> n;
	for (size_t i = 1; i < n; i++)
		c = c << 6 | (u[i] & 0x3fU);
	*s += n;
	return c;
}

bool
utf8_is_space(uint32_t c)
{
	if (c < 0x80)
		return c == ' ' || (c >= '\t' && c <= '\r');
	return c == 0x85 || c == 0xa0 || c == 0x1680 ||
	       (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 ||
	       c == 0x202f || c == 0x205f || c == 0x3000;
}

bool
utf8_is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c <= 0x9f);
}

bool
utf8_is_bidi_or_separator(uint32_t c)
{
	return c == 0x061c || c == 0x200e || c == 0x200f ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

bool
utf8_is_format(uint32_t c)
{
	return utf8_is_bidi_or_separator(c) || c == 0xad || c == 0x180e ||
	       (c >= 0x200b && c <= 0x200d) || (c >= 0x2060 && c <= 0x2064) ||
	       c == 0xfeff || (c >= 0xe0000 && c <= 0xe007f);
}
