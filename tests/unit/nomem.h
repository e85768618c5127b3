/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * nomem.h - memory that ends when the test says so.
 *
 * Included in front of a module's .c file, it puts itself between that module
 * and the C library's malloc(3) and its family.
 */
#ifndef NOMEM_H
#define NOMEM_H

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static int nomem_after = -1; /* this many succeed, then none; -1: all do */

static inline bool
nomem_now(void)
{
	if (nomem_after == 0) {
		errno = ENOMEM;
		return true;
	}
	if (nomem_after > 0)
		nomem_after--;
	return false;
}

static inline void *
nomem_malloc(size_t n)
{
	return nomem_now() ? NULL : malloc(n);
}

static inline void *
nomem_calloc(size_t n, size_t size)
{
	return nomem_now() ? NULL : calloc(n, size);
}

static inline void *
nomem_realloc(void *p, size_t n)
{
	return nomem_now() ? NULL : realloc(p, n);
}

#define malloc(n)       nomem_malloc(n)
#define calloc(n, size) nomem_calloc(n, size)
#define realloc(p, n)   nomem_realloc(p, n)

#endif
