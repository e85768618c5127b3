/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * config_line.h - one line of telld.conf(5), taken apart.  Pure.
 */
#ifndef CONFIG_LINE_H
#define CONFIG_LINE_H

#include "config.h"

/* The longest key is far below: a longer name is cut, and then it is none. */
#define CONFIG_NAME_MAX 32

struct config_line {
	char name[CONFIG_NAME_MAX]; /* "" for a line that says nothing */
	char value[CONFIG_VALUE_MAX];
};

/*
 * Takes the line from s to end (without its newline) apart: `KEY VALUE`, or
 * `KEY = VALUE` as many are used to; a comment; nothing.  Returns NULL, or a
 * constant string that says what is wrong with the line that begins with name.
 */
const char *config_line_take(
    const char *s, const char *end, struct config_line *line);

/* Takes `KEY=VALUE` from a command line apart, without quotes or comments. */
const char *config_line_take_pair(const char *text, struct config_line *line);

#endif
