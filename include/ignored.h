/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * ignored.h - the names that one client does not want to hear of.
 *
 * Most ignore nobody: then there is only a NULL pointer, and to ask it is all
 * that a message costs.  The list ends with its connection.
 *
 * Pure.
 */
#ifndef IGNORED_H
#define IGNORED_H

#include "name.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The most names that one client may ignore. */
#define IGNORED_MAX 64

struct ignored {
	size_t count; /* never 0 */
	struct {
		uint8_t len;
		char text[NAME_MAX_LEN]; /* not NUL-terminated */
	} names[];                       /* in the order of their bytes */
};

enum ignored_error {
	IGNORED_OK,
	IGNORED_NOT,      /* ignored_remove(): it is not ignored */
	IGNORED_TOO_MANY, /* ignored_add(): IGNORED_MAX are */
	IGNORED_NO_MEMORY
};

/* i: NULL, or the list; it is replaced, and freed when it becomes empty.  The
 * name has at most NAME_MAX_LEN bytes; to add it twice is no error. */
enum ignored_error ignored_add(
    struct ignored **i, const char *name, size_t len);
enum ignored_error ignored_remove(
    struct ignored **i, const char *name, size_t len);

/* i may be NULL. */
bool ignored_has(const struct ignored *i, const char *name, size_t len);

#endif
