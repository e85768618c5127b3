/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

#include "segment_format.h"

#include "check.h"

#include "crc32c.h"

#include <stdlib.h>

static const struct mail example = {.id = 0x1122334455667788U,
    .position = 0x0102030405060708U,
    .time = 0xa1b2c3d4U,
    .flags = MAIL_AGAIN,
    .to_len = 3,
    .from_len = 5,
    .room_len = 4,
    .text_len = 12,
    .to = "bob",
    .from = "alice",
    .room = "#ops",
    .text = "it is \xc3\xa4 log"};

static bool
same(const char *a, size_t a_len, const char *b, size_t b_len)
{
	return a_len == b_len && (a_len == 0 || memcmp(a, b, a_len) == 0);
}

static bool
same_mail(const struct mail *a, const struct mail *b)
{
	return a->id == b->id && a->position == b->position &&
	       a->time == b->time && a->flags == b->flags &&
	       same(a->to, a->to_len, b->to, b->to_len) &&
	       same(a->from, a->from_len, b->from, b->from_len) &&
	       same(a->room, a->room_len, b->room, b->room_len) &&
	       same(a->text, a->text_len, b->text, b->text_len);
}

static void
add_comes_back(void)
{
	char out[256];
	struct segment_record r;
	size_t size = segment_put_add(out, &example);

	CHECK(size == segment_add_size(&example));
	CHECK(segment_get(out, sizeof out, &r));
	CHECK(r.type == SEGMENT_ADD && r.size == size);
	CHECK(same_mail(&r.mail, &example));
}

/* What telld-store(5) says, spelt out. */
static void
bytes_are_as_documented(void)
{
	static const char body[] = "\x08\x07\x06\x05\x04\x03\x02\x01"
				   "\x88\x77\x66\x55\x44\x33\x22\x11"
				   "\xd4\xc3\xb2\xa1"
				   "\x01"
				   "\x03"
				   "bob"
				   "\x05"
				   "alice"
				   "\x04"
				   "#ops"
				   "it is \xc3\xa4 log";
	char out[256], crc[4], sum[5] = {0, 0, 0, 0, 1};
	uint32_t want;

	sum[0] = (char)(sizeof body - 1);
	want = crc32c(crc32c(0, sum, 5), body, sizeof body - 1);
	crc[0] = (char)want;
	crc[1] = (char)(want >> 8);
	crc[2] = (char)(want >> 16);
	crc[3] = (char)(want >> 24);
	CHECK(segment_put_add(out, &example) == 13 + sizeof body - 1);
	CHECK(memcmp(out, "\xf5msg", 4) == 0);
	CHECK(memcmp(out + 4, sum, 4) == 0);
	CHECK(memcmp(out + 8, crc, 4) == 0);
	CHECK(out[12] == 1);
	CHECK(memcmp(out + 13, body, sizeof body - 1) == 0);
}

static void
others_come_back(void)
{
	char out[SEGMENT_SMALL_MAX];
	struct segment_record r;

	segment_put_done(out, SEGMENT_COUNT_MAX - 1);
	CHECK(segment_get(out, sizeof out, &r) && r.type == SEGMENT_DONE);
	CHECK(r.mail.id == SEGMENT_COUNT_MAX - 1);

	segment_put_name(out, "bob", 3, 77, "#a #b", 5);
	CHECK(segment_get(out, sizeof out, &r) && r.type == SEGMENT_NAME);
	CHECK(r.mail.time == 77 && same(r.mail.to, r.mail.to_len, "bob", 3));
	CHECK(same(r.mail.text, r.mail.text_len, "#a #b", 5));

	segment_put_name(out, "bob", 3, 77, NULL, 0);
	CHECK(segment_get(out, sizeof out, &r) && r.mail.text_len == 0);

	segment_put_tried(out, "bob", 3, 99);
	CHECK(segment_get(out, sizeof out, &r) && r.type == SEGMENT_TRIED);
	CHECK(r.mail.position == 99);
	CHECK(same(r.mail.to, r.mail.to_len, "bob", 3));

	segment_put_forget(out, "bob", 3);
	CHECK(segment_get(out, sizeof out, &r) && r.type == SEGMENT_FORGET);
	CHECK(same(r.mail.to, r.mail.to_len, "bob", 3));
}

/* Of any length that is not all of it, nothing is got, nor read beyond. */
static void
part_of_a_record_is_none(void)
{
	char out[256], *part;
	struct segment_record r;
	size_t size = segment_put_add(out, &example), len;

	for (len = 0; len < size; len++) {
		part = malloc(len + 1);
		memcpy(part, out, len);
		CHECK(!segment_get(part, len, &r));
		CHECK(segment_search(part, len, 0) == len);
		free(part);
	}
}

static void
any_bit_matters(void)
{
	char out[256];
	struct segment_record r;
	size_t size = segment_put_add(out, &example), i;

	for (i = 0; i < size * 8; i++) {
		out[i / 8] = (char)(out[i / 8] ^ 1 << i % 8);
		CHECK(!segment_get(out, sizeof out, &r));
		out[i / 8] = (char)(out[i / 8] ^ 1 << i % 8);
	}
	CHECK(segment_get(out, sizeof out, &r));
}

/* A length beyond the limit is not waited for, whatever the CRC. */
static void
impossible_length(void)
{
	char out[256];
	struct segment_record r;

	segment_put_add(out, &example);
	memset(out + 4, 0xff, 4);
	CHECK(!segment_get(out, sizeof out, &r));
}

static void
search_finds_the_next(void)
{
	char out[512];
	size_t size, at;

	memset(out, '\xf5', sizeof out);
	size = segment_put_add(out + 100, &example);
	for (at = 0; at <= 100; at++)
		CHECK(segment_search(out, sizeof out, at) == 100);
	CHECK(segment_search(out, sizeof out, 101) == sizeof out);
	CHECK(segment_search(out, 100 + size, 0) == 100);
	CHECK(segment_search(out, 100 + size - 1, 0) == 100 + size - 1);
}

static void
headers(void)
{
	char out[SEGMENT_HEADER_SIZE];
	struct segment_header h = {0x1234567890abcdefU, 0x2000000000000001U};
	uint32_t crc;
	size_t i;

	segment_put_header(out, &h);
	memset(&h, 0, sizeof h);
	CHECK(segment_get_header(out, sizeof out, &h) == SEGMENT_HEADER_GOOD);
	CHECK(h.number == 0x1234567890abcdefU);
	CHECK(h.position == 0x2000000000000001U);
	for (i = 0; i < sizeof out; i++)
		CHECK(segment_get_header(out, i, &h) == SEGMENT_HEADER_BAD);
	for (i = 0; i < sizeof out * 8; i++) {
		out[i / 8] = (char)(out[i / 8] ^ 1 << i % 8);
		CHECK(segment_get_header(out, sizeof out, &h) ==
		      SEGMENT_HEADER_BAD);
		out[i / 8] = (char)(out[i / 8] ^ 1 << i % 8);
	}
	/* A version to come is another one only if all is well with it. */
	out[8] = 2;
	CHECK(segment_get_header(out, sizeof out, &h) == SEGMENT_HEADER_BAD);
	crc = crc32c(0, out, sizeof out - 4);
	for (i = 0; i < 4; i++)
		out[sizeof out - 4 + i] = (char)(crc >> 8 * i);
	CHECK(segment_get_header(out, sizeof out, &h) == SEGMENT_HEADER_OTHER);
}

int
main(void)
{
	RUN(add_comes_back);
	RUN(bytes_are_as_documented);
	RUN(others_come_back);
	RUN(part_of_a_record_is_none);
	RUN(any_bit_matters);
	RUN(impossible_length);
	RUN(search_finds_the_next);
	RUN(headers);
	return check_summary();
}
