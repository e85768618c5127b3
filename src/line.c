/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

#include "line.h"

#include "utf8.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define EACH_BYTE(b) (UINT64_C(0x0101010101010101) * (b))

/* ---- Cleaning: what one line may show -------------------------------- */

/*
 * Plain is what needs no second look: printable ASCII.  Eight bytes at a
 * time: subtracting 0x20 from each sets the high bit of those below it,
 * adding 1 sets that of DEL, and all others have it set already.  A borrow or
 * a carry can only come out of a byte that is not plain itself.
 */
static bool
is_plain_word(const char *s)
{
	uint64_t w;

	memcpy(&w, s, sizeof w);
	return (((w - EACH_BYTE(0x20)) | (w + EACH_BYTE(1)) | w) &
		   EACH_BYTE(0x80)) == 0;
}

static size_t
plain_span(const char *s, size_t len)
{
	size_t n = 0;

	while (len - n >= sizeof(uint64_t) && is_plain_word(s + n))
		n += sizeof(uint64_t);
	while (n < len && s[n] >= 0x20 && s[n] < 0x7f)
		n++;
	return n;
}

static bool
is_shown_as_it_is(uint32_t c)
{
	if (c < 0x80)
		return c == '\t' || !utf8_is_control(c);
	return !utf8_is_control(c) && !utf8_is_bidi_or_separator(c);
}

/* <U+202E>: these all have four digits, or three and a shorter name. */
static char *
put_code_point(char *out, uint32_t c)
{
	static const char digits[16] = "0123456789ABCDEF";

	if (c == 0x061c) {
		memcpy(out, "<ALM>", 5);
		return out + 5;
	}
	memcpy(out, "<U+", 3);
	out[3] = digits[c >> 12 & 15];
	out[4] = digits[c >> 8 & 15];
	out[5] = digits[c >> 4 & 15];
	out[6] = digits[c & 15];
	out[7] = '>';
	return out + 8;
}

/* As cat -v: ^ and the character 64 away, after M- for those above DEL. */
static char *
put_control(char *out, uint32_t c)
{
	if (c >= 0x80) {
		*out++ = 'M';
		*out++ = '-';
		c -= 0x80;
	}
	*out++ = '^';
	*out++ = (char)(c ^ 0x40);
	return out;
}

/* One character of valid text from *in; returns the new end of out. */
static char *
put_character(char *out, const char **in)
{
	const char *start = *in;
	uint32_t c = utf8_decode(in);
	size_t n = (size_t)(*in - start);

	if (is_shown_as_it_is(c)) {
		memcpy(out, start, n);
		return out + n;
	}
	if (utf8_is_control(c))
		return put_control(out, c);
	return put_code_point(out, c);
}

/*
 * A plain line is one scan and one copy.  In all others plain runs are still
 * copied whole, and only what stands between them is looked at one by one.
 */
static enum line_event
clean(const char *s, size_t len, char *out, size_t *out_len)
{
	const char *end = s + len;
	char *o = out;
	size_t n = plain_span(s, len);

	if (utf8_span(s + n, len - n) != len - n)
		return LINE_NOT_UTF8;
	for (;;) {
		memcpy(o, s, n);
		o += n;
		s += n;
		if (s == end)
			break;
		o = put_character(o, &s);
		n = plain_span(s, (size_t)(end - s));
	}
	*out_len = (size_t)(o - out);
	return LINE_READY;
}

bool
line_is_clean(const char *s, size_t len, size_t line_max)
{
	const char *end = s + len;
	size_t n;

	if (len > LINE_GROWTH * line_max)
		return false;
	n = plain_span(s, len);
	if (utf8_span(s + n, len - n) != len - n)
		return false;
	for (s += n; s < end; s += plain_span(s, (size_t)(end - s)))
		if (!is_shown_as_it_is(utf8_decode(&s)))
			return false;
	return true;
}

/* ---- Splitting: where one line ends ---------------------------------- */

void
line_init(struct line_reader *r, size_t line_max)
{
	*r = (struct line_reader){.max = line_max};
}

void
line_free(struct line_reader *r)
{
	free(r->partial);
	r->partial = NULL;
	r->used = 0;
	r->skipping = false;
}

bool
line_is_partial(const struct line_reader *r)
{
	return r->used > 0 || r->skipping;
}

/* The rest of this line is passed over, and its end says why. */
static void
skip(struct line_reader *r, enum line_event reason)
{
	line_free(r);
	r->skipping = true;
	r->reason = reason;
}

void
line_spoil(struct line_reader *r)
{
	if (!r->skipping)
		skip(r, LINE_NOT_UTF8);
}

/* A whole line, without its LF. */
static enum line_event
finish(const struct line_reader *r, const char *s, size_t len, char *out,
    size_t *out_len)
{
	if (len > 0 && s[len - 1] == '\r')
		len--;
	if (len > r->max)
		return LINE_TOO_LONG;
	return clean(s, len, out, out_len);
}

/*
 * Keeps the piece s[0..len) of a line that has not ended.  One byte more than
 * max, because the last may prove to be the CR of a CRLF.
 */
static void
keep(struct line_reader *r, const char *s, size_t len)
{
	if (r->skipping || len == 0)
		return;
	if (len > r->max + 1 - r->used) {
		skip(r, LINE_TOO_LONG);
		return;
	}
	if (r->partial == NULL)
		r->partial = malloc(r->max + 1);
	if (r->partial == NULL) {
		skip(r, LINE_NO_MEMORY);
		return;
	}
	memcpy(r->partial + r->used, s, len);
	r->used += len;
}

enum line_event
line_finish(struct line_reader *r, char *out, size_t *out_len)
{
	enum line_event event = LINE_NEED_MORE;

	if (r->skipping)
		event = r->reason;
	else if (r->used > 0)
		event = finish(r, r->partial, r->used, out, out_len);
	line_free(r);
	return event;
}

/*
 * The common line begins and ends within the input, and is cleaned straight
 * out of it.  Only what lies at the edge of a read takes the way over the
 * partial buffer.
 */
enum line_event
line_next(struct line_reader *r, const char **in, const char *end, char *out,
    size_t *out_len)
{
	const char *s = *in;
	size_t len = (size_t)(end - s);
	const char *lf = len > 0 ? memchr(s, '\n', len) : NULL;

	if (lf == NULL) {
		*in = end;
		keep(r, s, len);
		return LINE_NEED_MORE;
	}
	*in = lf + 1;
	len = (size_t)(lf - s);
	if (!line_is_partial(r))
		return finish(r, s, len, out, out_len);
	keep(r, s, len);
	return line_finish(r, out, out_len);
}
