/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * Eight bytes a step from eight tables: table[k][b] is what byte b does to
 * the checksum when k more bytes follow it.  The tables are made at the first
 * call; every process has one thread.
 */
#include "crc32c.h"

#include <stdbool.h>

#define POLYNOMIAL 0x82f63b78U /* reflected */

static uint32_t table[8][256];

static void
make_tables(void)
{
	uint32_t i, c;
	int k;

	for (i = 0; i < 256; i++) {
		c = i;
		for (k = 0; k < 8; k++)
			c = c & 1 ? c >> 1 ^ POLYNOMIAL : c >> 1;
		table[0][i] = c;
	}
	for (i = 0; i < 256; i++)
		for (k = 1; k < 8; k++)
			table[k][i] = table[k - 1][i] >> 8 ^
			    table[0][table[k - 1][i] & 0xff];
}

static uint32_t
little_endian(const unsigned char *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	    (uint32_t)p[3] << 24;
}

uint32_t
crc32c(uint32_t crc, const void *data, size_t len)
{
	const unsigned char *p = data;
	uint32_t low, high;

	if (table[0][1] == 0)
		make_tables();
	crc = ~crc;
	for (; len >= 8; p += 8, len -= 8) {
		low = crc ^ little_endian(p);
		high = little_endian(p + 4);
		crc = table[7][low & 0xff] ^ table[6][low >> 8 & 0xff] ^
		    table[5][low >> 16 & 0xff] ^ table[4][low >> 24] ^
		    table[3][high & 0xff] ^ table[2][high >> 8 & 0xff] ^
		    table[1][high >> 16 & 0xff] ^ table[0][high >> 24];
	}
	for (; len > 0; p++, len--)
		crc = crc >> 8 ^ table[0][(crc ^ *p) & 0xff];
	return ~crc;
}
