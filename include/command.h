/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * command.h - what a line that begins with `/` does.
 *
 * One table holds all that can be typed: /help is printed from it, commands
 * are found in it, and the manual is held to it by a test.
 */
#ifndef COMMAND_H
#define COMMAND_H

#include <stdbool.h>
#include <stddef.h>

struct broker;
struct message;
struct peer;

/* m is of kind MESSAGE_COMMAND. */
void command_run(struct broker *b, struct peer *p, const struct message *m);

struct command_help {
	const char *usage;   /* `/who [#ROOM]` */
	const char *help;    /* a few words */
	const char *example; /* `/who #ops` */
};

/* The row of the table at index (from 0); false after the last. */
bool command_help(size_t index, struct command_help *help);

/* One line of /help, without LF; at most COMMAND_LINE_MAX - 1 bytes. */
#define COMMAND_LINE_MAX 80
void command_help_line(
    const struct command_help *help, char out[COMMAND_LINE_MAX]);

#endif
