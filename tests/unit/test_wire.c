/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

#include "check.h"
#include "random.h"
#include "wire.h"

static void
what_was_put_is_got(void)
{
	char b[64], *at = b;
	struct wire_reader r;
	const char *s;
	size_t len;

	at = wire_put_u8(at, 0xfe);
	at = wire_put_u64(at, 0x0123456789abcdefU);
	at = wire_put_u16(at, 0xfedc);
	at = wire_put_short(at, "alice", 5);
	at = wire_put_u32(at, 0xfedcba98U);
	at = wire_put_short(at, "", 0);
	at = wire_put(at, "rest", 4);
	CHECK(at - b == 1 + 8 + 2 + 6 + 4 + 1 + 4);
	r = wire_read(b, (size_t)(at - b));
	CHECK(wire_get_u8(&r) == 0xfe);
	CHECK(wire_get_u64(&r) == 0x0123456789abcdefU);
	CHECK(wire_get_u16(&r) == 0xfedc);
	s = wire_get_short(&r, &len);
	CHECK(s != NULL && len == 5 && memcmp(s, "alice", 5) == 0);
	CHECK(wire_get_u32(&r) == 0xfedcba98U);
	CHECK(wire_get_short(&r, &len) != NULL && len == 0);
	CHECK(!wire_end(&r) && r.left == 4);
	s = wire_get(&r, 4);
	CHECK(s != NULL && memcmp(s, "rest", 4) == 0 && wire_end(&r));
}

/* One byte less than needed, for each kind of value. */
static void
a_payload_too_short_gives_zeros_and_stays_bad(void)
{
	static const char b[8] = {1, 1, 1, 1, 1, 1, 1, 1};
	struct wire_reader r;
	size_t len = 77;

	r = wire_read(b, 0);
	CHECK(wire_end(&r) && wire_get_u8(&r) == 0 && r.bad);
	r = wire_read(b, 1);
	CHECK(wire_get_u16(&r) == 0 && r.bad);
	r = wire_read(b, 3);
	CHECK(wire_get_u32(&r) == 0 && r.bad);
	r = wire_read(b, 7);
	CHECK(wire_get_u64(&r) == 0 && r.bad);
	CHECK(wire_get_u8(&r) == 0 && wire_get(&r, 0) == NULL);
	CHECK(wire_get_short(&r, &len) == NULL && len == 0);
	CHECK(!wire_end(&r));
	r = wire_read(b, 8);
	CHECK(wire_get(&r, SIZE_MAX) == NULL && !wire_end(&r));
}

static void
a_string_longer_than_its_payload_is_none(void)
{
	static const char b[] = {5, 'a', 'l', 'i', 'c'};
	struct wire_reader r = wire_read(b, sizeof b);
	size_t len = 77;

	CHECK(wire_get_short(&r, &len) == NULL);
	CHECK(len == 0 && r.bad && !wire_end(&r));
}

static void
what_is_left_over_is_not_the_end(void)
{
	static const char b[5] = {0};
	struct wire_reader r = wire_read(b, sizeof b);

	CHECK(wire_get_u32(&r) == 0 && !r.bad && !wire_end(&r));
	CHECK(wire_get_u8(&r) == 0 && wire_end(&r));
}

/* Any bytes, read as anything, in a block of just their size: what reads past
 * its end is for the address sanitizer to see. */
static void
no_bytes_make_it_read_past_its_end(void)
{
	char b[24], *block;
	struct wire_reader r;
	size_t len, n, i, got;
	const char *s;
	int round;

	random_seed(1);
	for (round = 0; round < 20000; round++) {
		n = random_below(sizeof b);
		for (i = 0; i < n; i++)
			b[i] = (char)random_below(random_below(2) ? 8 : 256);
		block = b + sizeof b - n;
		memmove(block, b, n);
		r = wire_read(block, n);
		while (!r.bad && r.left > 0)
			switch (random_below(5)) {
			case 0: wire_get_u8(&r); break;
			case 1: wire_get_u16(&r); break;
			case 2: wire_get_u32(&r); break;
			case 3: wire_get_u64(&r); break;
			default:
				s = wire_get_short(&r, &len);
				CHECK((s == NULL) == r.bad);
				CHECK(s != NULL || len == 0);
				CHECK(s == NULL || s + len <= b + sizeof b);
			}
		got = (size_t)(r.at - block);
		CHECK(got <= n && got + r.left == n);
	}
}

int
main(void)
{
	RUN(what_was_put_is_got);
	RUN(a_payload_too_short_gives_zeros_and_stays_bad);
	RUN(a_string_longer_than_its_payload_is_none);
	RUN(what_is_left_over_is_not_the_end);
	RUN(no_bytes_make_it_read_past_its_end);
	return check_summary();
}
