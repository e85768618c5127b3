/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * hash.h - hashes of names that users choose, for tables that users must not
 * be able to make slow.
 */
#ifndef HASH_H
#define HASH_H

#include <stddef.h>
#include <stdint.h>

/* A secret number for one table; never 0. */
uint64_t hash_seed(void);

uint64_t hash_bytes(uint64_t seed, const char *s, size_t len);

#endif
