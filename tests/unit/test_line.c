/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

#include "check.h"
#include "line.h"

#include <stdlib.h>
#include <time.h>

#define MAX 16

/*
 * A transcript says what a stream gave, one mark per event: [text] for a
 * line, and the names below for the others.  Comparing transcripts shows at
 * once what changed and where.
 */
struct transcript {
	char text[4096];
	size_t len;
};

static void
note(struct transcript *t, enum line_event event, const char *line, size_t len)
{
	static const char *const names[] = {
	    [LINE_TOO_LONG] = "{long}",
	    [LINE_NOT_UTF8] = "{bytes}",
	    [LINE_NO_MEMORY] = "{memory}",
	};
	char *end = t->text + t->len;
	size_t room = sizeof t->text - t->len;

	if (event == LINE_READY)
		t->len += (size_t)snprintf(end, room, "[%.*s]", (int)len, line);
	else
		t->len += (size_t)snprintf(end, room, "%s", names[event]);
}

/* Feeds one piece from memory of exactly its size, so that ASan sees all. */
static void
feed(struct line_reader *r, const char *piece, size_t len, struct transcript *t)
{
	char *in = malloc(len > 0 ? len : 1);
	char *out = malloc(LINE_GROWTH * r->max);
	const char *p = in;
	enum line_event event;
	size_t n = 0;

	memcpy(in, piece, len);
	while ((event = line_next(r, &p, in + len, out, &n)) != LINE_NEED_MORE)
		note(t, event, out, n);
	CHECK(p == in + len);
	free(out);
	free(in);
}

static void
end(struct line_reader *r, struct transcript *t)
{
	char *out = malloc(LINE_GROWTH * r->max);
	enum line_event event;
	size_t n = 0;

	if ((event = line_finish(r, out, &n)) != LINE_NEED_MORE)
		note(t, event, out, n);
	CHECK(!line_is_partial(r));
	CHECK(r->partial == NULL);
	CHECK(line_finish(r, out, &n) == LINE_NEED_MORE);
	free(out);
}

/* The stream in three pieces, cut at a and b. */
static void
read_cut(const char *s, size_t len, size_t a, size_t b, struct transcript *t)
{
	struct line_reader r;

	t->len = 0;
	t->text[0] = '\0';
	line_init(&r, MAX);
	feed(&r, s, a, t);
	feed(&r, s + a, b - a, t);
	feed(&r, s + b, len - b, t);
	end(&r, t);
}

static void
read_bytewise(const char *s, size_t len, struct transcript *t)
{
	struct line_reader r;

	t->len = 0;
	t->text[0] = '\0';
	line_init(&r, MAX);
	for (size_t i = 0; i < len; i++)
		feed(&r, s + i, 1, t);
	end(&r, t);
}

/* However it is cut, the stream s gives what want says. */
static void
gives(const char *s, size_t len, const char *want)
{
	struct transcript t;

	read_cut(s, len, 0, len, &t);
	CHECK_STR(t.text, t.len, want);
	read_bytewise(s, len, &t);
	CHECK_STR(t.text, t.len, want);
	for (size_t a = 0; a <= len; a++)
		for (size_t b = a; b <= len; b++) {
			read_cut(s, len, a, b, &t);
			if (strcmp(t.text, want) == 0)
				continue;
			printf("# cut at %zu and %zu\n", a, b);
			CHECK_STR(t.text, t.len, want);
			return;
		}
}

#define GIVES(stream, want) gives(stream, sizeof(stream) - 1, want)

static void
lf_and_crlf_end_a_line(void)
{
	GIVES("", "");
	GIVES("\n", "[]");
	GIVES("\r\n", "[]");
	GIVES("\n\r\n\n", "[][][]");
	GIVES("one\ntwo\r\nthree\n", "[one][two][three]");
	GIVES("bob: hi\r\ncarol: ho\n", "[bob: hi][carol: ho]");
}

static void
a_last_line_without_an_end_counts(void)
{
	GIVES("one", "[one]");
	GIVES("one\ntwo", "[one][two]");
	GIVES("one\r", "[one]");
	GIVES("\r", "[]");
	GIVES("one\r\r", "[one^M]");
}

static void
controls_come_in_caret_notation(void)
{
	GIVES("\033[2J\n", "[^[[2J]");
	GIVES("a\0b\n", "[a^@b]");
	GIVES("\0\n", "[^@]");
	GIVES("a\rb\n", "[a^Mb]");
	GIVES("a\r\r\n", "[a^M]");
	GIVES("a\x7f\n", "[a^?]");
	GIVES("\x01\x1a\x1f\n", "[^A^Z^_]");
	GIVES("a\tb\n", "[a\tb]");
	GIVES("12345678\033\n", "[12345678^[]");
	GIVES("1234567\033"
	      "9\n",
	    "[1234567^[9]");
}

static void
c1_controls_come_as_cat_shows_them(void)
{
	GIVES("\xc2\x80\n", "[M-^@]");
	GIVES("a\xc2\x9b"
	      "2J\n",
	    "[aM-^[2J]");
	GIVES("\xc2\x9f\n", "[M-^_]");
	GIVES("\xc2\xa0\n", "[\xc2\xa0]");
}

static void
text_that_could_reorder_a_line_is_spelled_out(void)
{
	GIVES("a\xe2\x80\xae"
	      "b\n",
	    "[a<U+202E>b]");
	GIVES("\xe2\x80\xa8\n", "[<U+2028>]");
	GIVES("\xe2\x80\xa9\n", "[<U+2029>]");
	GIVES("\xe2\x80\x8e\xe2\x80\x8f\n", "[<U+200E><U+200F>]");
	GIVES("\xe2\x81\xa6\xe2\x81\xa9\n", "[<U+2066><U+2069>]");
	GIVES("\xd8\x9c\n", "[<ALM>]");
	GIVES("\xe2\x80\xa7\xe2\x80\xaf\n", "[\xe2\x80\xa7\xe2\x80\xaf]");
}

static void
other_text_passes_as_it_is(void)
{
	GIVES("Gr\xc3\xbc\xc3\x9f"
	      "e\n",
	    "[Gr\xc3\xbc\xc3\x9f"
	    "e]");
	GIVES("\xe2\x82\xac 5\n", "[\xe2\x82\xac 5]");
	GIVES("\xf0\x9f\x98\x80\n", "[\xf0\x9f\x98\x80]");
	GIVES("~ !\n", "[~ !]");
}

static void
a_line_of_max_bytes_passes_and_one_more_does_not(void)
{
	GIVES("0123456789abcdef\n", "[0123456789abcdef]");
	GIVES("0123456789abcdef\r\n", "[0123456789abcdef]");
	GIVES("0123456789abcdef", "[0123456789abcdef]");
	GIVES("0123456789abcdef\r", "[0123456789abcdef]");
	GIVES("0123456789abcdefg\n", "{long}");
	GIVES("0123456789abcdefg\r\n", "{long}");
	GIVES("0123456789abcdefg", "{long}");
	GIVES("0123456789abcdef\r\r\n", "{long}");
	GIVES("0123456789abcde\r\r\n", "[0123456789abcde^M]");
	GIVES("0123456789abcdef\rg\n", "{long}");
}

static void
a_line_too_long_is_told_once_and_in_order(void)
{
	GIVES("a\n0123456789abcdef0123456789abcdef0123456789abcdef\nb\n",
	    "[a]{long}[b]");
	GIVES("0123456789abcdef0123456789abcdef\n\n", "{long}[]");
	GIVES("0123456789abcdef0\n0123456789abcdef0\n", "{long}{long}");
}

static void
every_line_can_grow_as_far_as_the_room_goes(void)
{
	GIVES("\xe2\x80\xae\xe2\x80\xae\xe2\x80\xae\xe2\x80\xae\xe2\x80\xae\n",
	    "[<U+202E><U+202E><U+202E><U+202E><U+202E>]");
	GIVES("\xd8\x9c\xd8\x9c\xd8\x9c\xd8\x9c\xd8\x9c\xd8\x9c\xd8\x9c\xd8\x9c"
	      "\n",
	    "[<ALM><ALM><ALM><ALM><ALM><ALM><ALM><ALM>]");
	GIVES("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\n",
	    "[^@^@^@^@^@^@^@^@^@^@^@^@^@^@^@^@]");
	GIVES("\xc2\x80\xc2\x80\xc2\x80\xc2\x80\xc2\x80\xc2\x80\xc2\x80\xc2\x80"
	      "\n",
	    "[M-^@M-^@M-^@M-^@M-^@M-^@M-^@M-^@]");
}

static void
what_is_not_utf8_is_dropped_whole(void)
{
	char s[] = "0123456789abcde\nok\n";

	for (size_t i = 0; i < 15; i++) {
		char was = s[i];

		s[i] = (char)0xff;
		gives(s, sizeof s - 1, "{bytes}[ok]");
		s[i] = (char)0xc3;
		gives(s, sizeof s - 1, "{bytes}[ok]");
		s[i] = was;
	}
	GIVES("\x80\n", "{bytes}");
	GIVES("a\xc3\r\n", "{bytes}");
	GIVES("\xed\xa0\x80\n", "{bytes}");
	GIVES("\xc0\x8a\n", "{bytes}");
	GIVES("ok\n\xff", "[ok]{bytes}");
}

/* Noise, rich in line ends and in half characters. */
static void
noise_gives_the_same_however_it_is_cut(void)
{
	static const char alphabet[] = "ab\n\n\r\t\033\xc2\x9b\xe2\x80\xae\xff";
	struct transcript whole, cut;
	char s[120];
	unsigned seed = 1;

	for (int round = 0; round < 200; round++) {
		for (size_t i = 0; i < sizeof s; i++) {
			seed = seed * 1103515245 + 12345;
			s[i] = alphabet[(seed >> 16) % (sizeof alphabet - 1)];
		}
		read_cut(s, sizeof s, 0, sizeof s, &whole);
		read_bytewise(s, sizeof s, &cut);
		CHECK_STR(cut.text, cut.len, whole.text);
		seed = seed * 1103515245 + 12345;
		read_cut(s, sizeof s, seed % 60, 60 + seed % 60, &cut);
		CHECK_STR(cut.text, cut.len, whole.text);
	}
}

static void
a_spoiled_line_is_not_utf8_and_the_next_is_well(void)
{
	struct transcript t = {.len = 0};
	struct line_reader r;

	line_init(&r, MAX);
	feed(&r, "abc", 3, &t);
	line_spoil(&r);
	CHECK(line_is_partial(&r));
	feed(&r, "\nok\n", 4, &t);
	line_spoil(&r);
	feed(&r, "\r\nok", 4, &t);
	end(&r, &t);
	CHECK_STR(t.text, t.len, "{bytes}[ok]{bytes}[ok]");
}

static void
memory_is_held_only_while_a_line_is_partial(void)
{
	struct transcript t = {.len = 0};
	struct line_reader r;

	line_init(&r, MAX);
	feed(&r, "one\ntwo\n", 8, &t);
	CHECK(!line_is_partial(&r) && r.partial == NULL);
	feed(&r, "thr", 3, &t);
	CHECK(line_is_partial(&r) && r.partial != NULL);
	feed(&r, "ee\n", 3, &t);
	CHECK(!line_is_partial(&r) && r.partial == NULL);
	feed(&r, "0123456789abcdef0123456789abcdef", 32, &t);
	CHECK(line_is_partial(&r) && r.partial == NULL);
	feed(&r, "\nfour", 5, &t);
	CHECK(line_is_partial(&r));
	line_free(&r);
	CHECK(!line_is_partial(&r) && r.partial == NULL);
	feed(&r, "five\n", 5, &t);
	CHECK_STR(t.text, t.len, "[one][two][three]{long}[five]");
}

/* 100 MiB without an end: no memory, no event before its end, no time. */
static void
an_endless_line_costs_nothing(void)
{
	static char block[65536];
	char out[LINE_GROWTH * MAX];
	clock_t begin = clock();
	struct line_reader r;
	const char *p;
	size_t n = 0;

	memset(block, 'x', sizeof block);
	line_init(&r, MAX);
	for (int i = 0; i < 1600; i++) {
		p = block;
		CHECK(line_next(&r, &p, block + sizeof block, out, &n) ==
		      LINE_NEED_MORE);
		CHECK(p == block + sizeof block && r.partial == NULL);
	}
	p = "\n";
	CHECK(line_next(&r, &p, p + 1, out, &n) == LINE_TOO_LONG);
	CHECK(clock() - begin < 2 * CLOCKS_PER_SEC);
}

#define CLEAN(s) line_is_clean(s, sizeof(s) - 1, MAX)

static void
the_check_knows_a_clean_line(void)
{
	CHECK(CLEAN(""));
	CHECK(CLEAN("bob: hi\tthere"));
	CHECK(CLEAN("Gr\xc3\xbc\xc3\x9f"
		    "e, \xf0\x9f\x98\x80"));
	CHECK(CLEAN("\xe2\x80\x8b"));
	CHECK(CLEAN("0123456789abcdef0123456789abcdef0123456789abcdef"));
	CHECK(!CLEAN("0123456789abcdef0123456789abcdef0123456789abcdef0"));
	CHECK(!CLEAN("\xff"));
	CHECK(!CLEAN("\xe2\x80\xae"));
	CHECK(!CLEAN("\xe2\x80\xa8"));
	CHECK(!CLEAN("\xd8\x9c"));
	CHECK(!CLEAN("\xc2\x9b"));
}

/* Every byte, at every place of the fast path and its tail. */
static void
the_check_sees_every_bad_byte_everywhere(void)
{
	char s[19];

	for (int byte = 0; byte < 256; byte++)
		for (size_t i = 0; i < sizeof s; i++) {
			bool want =
			    byte == '\t' || (byte >= 0x20 && byte < 0x7f);

			memset(s, ' ', sizeof s);
			s[i] = (char)byte;
			CHECK(line_is_clean(s, sizeof s, MAX) == want);
			memset(s, '~', sizeof s);
			s[i] = (char)byte;
			CHECK(line_is_clean(s, sizeof s, MAX) == want);
		}
}

/* Whatever the reader lets out, the broker's check lets in. */
static void
every_line_that_comes_out_is_clean(void)
{
	char s[12], out[LINE_GROWTH * MAX];
	unsigned seed = 7, ready = 0;
	size_t n = 0;

	for (int round = 0; round < 200000; round++) {
		struct line_reader r;
		const char *p = s;

		for (size_t i = 0; i < sizeof s; i++) {
			static const char hot[] = "\xc2\x80\x9b\xe2\x80\xa8\xae"
						  "\xd8\x9c\xf0\x9fz";

			seed = seed * 1103515245 + 12345;
			s[i] = (seed >> 30) != 0
			           ? hot[(seed >> 16) % (sizeof hot - 1)]
			           : (char)(seed >> 20);
			if (s[i] == '\n')
				s[i] = '\r';
		}
		s[sizeof s - 1] = '\n';
		line_init(&r, MAX);
		if (line_next(&r, &p, s + sizeof s, out, &n) == LINE_READY) {
			ready++;
			if (!line_is_clean(out, n, MAX))
				CHECK(false);
		}
	}
	CHECK(ready > 0);
}

int
main(void)
{
	RUN(lf_and_crlf_end_a_line);
	RUN(a_last_line_without_an_end_counts);
	RUN(controls_come_in_caret_notation);
	RUN(c1_controls_come_as_cat_shows_them);
	RUN(text_that_could_reorder_a_line_is_spelled_out);
	RUN(other_text_passes_as_it_is);
	RUN(a_line_of_max_bytes_passes_and_one_more_does_not);
	RUN(a_line_too_long_is_told_once_and_in_order);
	RUN(every_line_can_grow_as_far_as_the_room_goes);
	RUN(what_is_not_utf8_is_dropped_whole);
	RUN(noise_gives_the_same_however_it_is_cut);
	RUN(a_spoiled_line_is_not_utf8_and_the_next_is_well);
	RUN(memory_is_held_only_while_a_line_is_partial);
	RUN(an_endless_line_costs_nothing);
	RUN(the_check_knows_a_clean_line);
	RUN(the_check_sees_every_bad_byte_everywhere);
	RUN(every_line_that_comes_out_is_clean);
	return check_summary();
}
