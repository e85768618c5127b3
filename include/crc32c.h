/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * crc32c.h - the Castagnoli CRC of RFC 3720, section 12.1: polynomial
 * 0x1edc6f41, bits reflected, begun with and inverted to all ones.
 *
 * Pure.
 */
#ifndef CRC32C_H
#define CRC32C_H

#include <stddef.h>
#include <stdint.h>

/*
 * The CRC of what crc is already the CRC of, with len bytes more; crc is 0 at
 * the beginning: crc32c(crc32c(0, a, 2), b, 3) is that of both.
 */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t len);

#endif
