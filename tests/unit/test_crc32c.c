/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/* The module itself, so that the way of machines without the instruction is
 * tested on those that have it. */
#include "../../src/crc32c.c" /* NOLINT(bugprone-suspicious-include) */

#include "check.h"

/* The definition, a bit at a time. */
static uint32_t
by_bits(const unsigned char *at, size_t len)
{
	uint32_t crc = 0xffffffffU;
	int bit;

	while (len-- > 0) {
		crc ^= *at++;
		for (bit = 0; bit < 8; bit++)
			crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78U : 0);
	}
	return ~crc;
}

/* RFC 3720, appendix B.4, and the check value that all catalogues give. */
static void
published_values(void)
{
	unsigned char bytes[32];
	size_t i;

	CHECK(crc32c(0, "123456789", 9) == 0xe3069283U);
	CHECK(crc32c(0, "", 0) == 0);
	memset(bytes, 0, sizeof bytes);
	CHECK(crc32c(0, bytes, sizeof bytes) == 0x8a9136aaU);
	memset(bytes, 0xff, sizeof bytes);
	CHECK(crc32c(0, bytes, sizeof bytes) == 0x62a8ab43U);
	for (i = 0; i < sizeof bytes; i++)
		bytes[i] = (unsigned char)i;
	CHECK(crc32c(0, bytes, sizeof bytes) == 0x46dd794eU);
}

static void
every_length_and_alignment(void)
{
	unsigned char bytes[96];
	size_t i, len;

	for (i = 0; i < sizeof bytes; i++)
		bytes[i] = (unsigned char)(i * 37 + 11);
	for (i = 0; i < 8; i++)
		for (len = 0; len <= sizeof bytes - i; len++) {
			CHECK(crc32c(0, bytes + i, len) ==
			      by_bits(bytes + i, len));
			CHECK(~by_table(0xffffffffU, bytes + i, len) ==
			      by_bits(bytes + i, len));
		}
}

static void
in_pieces(void)
{
	const char *text = "bob, carol: the backup failed";
	size_t len = strlen(text), cut;

	for (cut = 0; cut <= len; cut++)
		CHECK(crc32c(crc32c(0, text, cut), text + cut, len - cut) ==
		      crc32c(0, text, len));
}

int
main(void)
{
	RUN(published_values);
	RUN(every_length_and_alignment);
	RUN(in_pieces);
	return check_summary();
}
