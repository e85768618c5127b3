/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * command.h - what a line that begins with `/` does.
 */
#ifndef COMMAND_H
#define COMMAND_H

#include <stddef.h>

struct broker;
struct message;
struct peer;

/* m is of kind MESSAGE_COMMAND. */
void command_run(struct broker *b, struct peer *p, const struct message *m);

#endif
