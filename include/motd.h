/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * motd.h - the message of the day: a file that people are shown.
 */
#ifndef MOTD_H
#define MOTD_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of it, as clients are sent it. */
#define MOTD_MAX 4096

/* Room for what is wrong with one, with its NUL. */
#define MOTD_WHY_MAX 128

/*
 * Reads the file at path into out as clients are sent it: each line with "* "
 * in front, LF behind, and fit for any terminal (line.h).  False, and why, if
 * it cannot be read, is not UTF-8, or is too long; *len is then 0.
 */
bool motd_read(
    const char *path, char out[MOTD_MAX], size_t *len, char why[MOTD_WHY_MAX]);

#endif
