/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

#include "check.h"
#include "utf8.h"

/*
 * The second opinion: encode a code point by the book, so that the checker
 * and the decoder can be asked about every one there is.
 */
static size_t
encode(uint32_t c, char *out)
{
	unsigned char *u = (unsigned char *)out;

	if (c < 0x80) {
		u[0] = (unsigned char)c;
		return 1;
	}
	if (c < 0x800) {
		u[0] = (unsigned char)(0xc0 | c >> 6);
		u[1] = (unsigned char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		u[0] = (unsigned char)(0xe0 | c >> 12);
		u[1] = (unsigned char)(0x80 | (c >> 6 & 0x3f));
		u[2] = (unsigned char)(0x80 | (c & 0x3f));
		return 3;
	}
	u[0] = (unsigned char)(0xf0 | c >> 18);
	u[1] = (unsigned char)(0x80 | (c >> 12 & 0x3f));
	u[2] = (unsigned char)(0x80 | (c >> 6 & 0x3f));
	u[3] = (unsigned char)(0x80 | (c & 0x3f));
	return 4;
}

static bool
is_surrogate(uint32_t c)
{
	return c >= 0xd800 && c <= 0xdfff;
}

static void
every_code_point_is_decoded_as_it_was_encoded(void)
{
	uint32_t wrong = 0;

	for (uint32_t c = 0; c <= 0x10ffff; c++) {
		char s[4];
		const char *p = s;
		size_t n = encode(c, s);

		if (is_surrogate(c)) {
			wrong += utf8_span(s, n) != 0;
			continue;
		}
		wrong += utf8_span(s, n) != n;
		wrong += utf8_decode(&p) != c || p != s + n;
	}
	CHECK(wrong == 0);
}

static void
nothing_above_10ffff_is_valid(void)
{
	uint32_t wrong = 0;

	for (uint32_t c = 0x110000; c <= 0x1fffff; c++) {
		char s[4];

		wrong += utf8_span(s, encode(c, s)) != 0;
	}
	CHECK(wrong == 0);
}

/* Every pair of bytes, against the table of RFC 3629, section 4. */
static void
every_pair_of_bytes_follows_the_table(void)
{
	unsigned wrong = 0;

	for (unsigned a = 0; a < 256; a++)
		for (unsigned b = 0; b < 256; b++) {
			char s[2] = {(char)a, (char)b};
			size_t want = 0;

			if (a < 0x80)
				want = b < 0x80 ? 2 : 1;
			else if (a >= 0xc2 && a <= 0xdf && b >= 0x80 &&
				 b <= 0xbf)
				want = 2;
			wrong += utf8_span(s, 2) != want;
		}
	CHECK(wrong == 0);
}

static void
overlong_forms_are_not_valid(void)
{
	CHECK(utf8_span("\xc0\x80", 2) == 0);
	CHECK(utf8_span("\xc1\xbf", 2) == 0);
	CHECK(utf8_span("\xe0\x80\xaf", 3) == 0);
	CHECK(utf8_span("\xe0\x9f\xbf", 3) == 0);
	CHECK(utf8_span("\xf0\x80\x80\xaf", 4) == 0);
	CHECK(utf8_span("\xf0\x8f\xbf\xbf", 4) == 0);
	CHECK(utf8_span("\xf8\x88\x80\x80\x80", 5) == 0);
	CHECK(utf8_span("\xff", 1) == 0);
	CHECK(utf8_span("\xfe", 1) == 0);
}

/* A bad byte at each place around the word-wise path, and a cut character. */
static void
the_span_ends_where_the_text_goes_wrong(void)
{
	char s[40];

	for (size_t at = 0; at < sizeof s; at++)
		for (size_t start = 0; start <= at; start++) {
			memset(s, 'x', sizeof s);
			s[at] = (char)0xff;
			CHECK(utf8_span(s + start, sizeof s - start) ==
			      at - start);
		}
	CHECK(utf8_span("", 0) == 0);
	CHECK(utf8_span("abc\xe2\x82", 5) == 3);
	CHECK(utf8_span("abc\xe2\x82\xac", 6) == 6);
	CHECK(utf8_span("abc\xe2\x82\xac", 5) == 3);
	CHECK(utf8_span("\xf0\x9f\x98", 3) == 0);
	CHECK(utf8_span("\xc3\xa4\xc3\xb6\xc3", 5) == 4);
	CHECK(utf8_span("a\0b", 3) == 3);
}

/* How many characters there are, and the sum of them, for a question. */
static void
count(bool (*is)(uint32_t), uint32_t *number, uint64_t *sum)
{
	*number = 0;
	*sum = 0;
	for (uint32_t c = 0; c <= 0x10ffff; c++)
		if (is(c)) {
			++*number;
			*sum += c;
		}
}

static bool
is_one_of(uint32_t c, const uint32_t *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == c)
			return true;
	return false;
}

static void
white_space_is_what_unicode_says(void)
{
	static const uint32_t list[] = {0x9, 0xa, 0xb, 0xc, 0xd, 0x20, 0x85,
	    0xa0, 0x1680, 0x2000, 0x2001, 0x2002, 0x2003, 0x2004, 0x2005,
	    0x2006, 0x2007, 0x2008, 0x2009, 0x200a, 0x2028, 0x2029, 0x202f,
	    0x205f, 0x3000};
	size_t n = sizeof list / sizeof list[0];
	unsigned wrong = 0;

	for (uint32_t c = 0; c <= 0x10ffff; c++)
		wrong += utf8_is_space(c) != is_one_of(c, list, n);
	CHECK(wrong == 0);
}

static void
controls_are_c0_del_and_c1(void)
{
	uint32_t number;
	uint64_t sum;

	count(utf8_is_control, &number, &sum);
	CHECK(number == 32 + 1 + 32);
	CHECK(utf8_is_control(0) && utf8_is_control(0x1f));
	CHECK(utf8_is_control(0x7f) && utf8_is_control(0x80));
	CHECK(utf8_is_control(0x9f));
	CHECK(!utf8_is_control(' ') && !utf8_is_control('~'));
	CHECK(!utf8_is_control(0xa0));
}

static void
bidi_controls_and_separators_are_these(void)
{
	static const uint32_t list[] = {0x61c, 0x200e, 0x200f, 0x2028, 0x2029,
	    0x202a, 0x202b, 0x202c, 0x202d, 0x202e, 0x2066, 0x2067, 0x2068,
	    0x2069};
	size_t n = sizeof list / sizeof list[0];
	unsigned wrong = 0;

	for (uint32_t c = 0; c <= 0x10ffff; c++)
		wrong += utf8_is_bidi_or_separator(c) != is_one_of(c, list, n);
	CHECK(wrong == 0);
}

static void
format_characters_are_those_and_the_invisible(void)
{
	static const uint32_t list[] = {0xad, 0x180e, 0x200b, 0x200c, 0x200d,
	    0x2060, 0x2061, 0x2062, 0x2063, 0x2064, 0xfeff};
	size_t n = sizeof list / sizeof list[0];
	unsigned wrong = 0;

	for (uint32_t c = 0; c <= 0x10ffff; c++) {
		bool want = is_one_of(c, list, n) ||
		            (c >= 0xe0000 && c <= 0xe007f) ||
		            utf8_is_bidi_or_separator(c);

		wrong += utf8_is_format(c) != want;
	}
	CHECK(wrong == 0);
}

int
main(void)
{
	RUN(every_code_point_is_decoded_as_it_was_encoded);
	RUN(nothing_above_10ffff_is_valid);
	RUN(every_pair_of_bytes_follows_the_table);
	RUN(overlong_forms_are_not_valid);
	RUN(the_span_ends_where_the_text_goes_wrong);
	RUN(white_space_is_what_unicode_says);
	RUN(controls_are_c0_del_and_c1);
	RUN(bidi_controls_and_separators_are_these);
	RUN(format_characters_are_those_and_the_invisible);
	return check_summary();
}
