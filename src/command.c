/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * The table is the command set on one page: /help is printed from it.
 */
#include "command.h"

#include "broker.h"
#include "leave.h"
#include "message.h"

#include <string.h>

struct command {
	const char *word;
	const char *args; /* as /help shows them */
	const char *help;
	void (*run)(struct broker *b, struct peer *p, const char *args,
	    size_t len);
};

static void
run_quit(struct broker *b, struct peer *p, const char *args, size_t len)
{
	(void)args;
	(void)len;
	p->quit = true;
	leave_if_done(b, p);
}

static void run_help(
    struct broker *b, struct peer *p, const char *args, size_t len);

static const struct command commands[] = {
    {"/help", "", "shows this", run_help},
    {"/quit", "", "answers all that is open, and closes", run_quit},
};

static void
run_help(struct broker *b, struct peer *p, const char *args, size_t len)
{
	size_t i;

	(void)args;
	(void)len;
	peer_say(b, p, "* NAME[, NAME...]: TEXT   sends TEXT to each NAME");
	peer_say(b, p, "* +TAG NAME: TEXT         the same, with a receipt");
	for (i = 0; i < sizeof commands / sizeof commands[0]; i++)
		peer_say(b, p, "* %s%s%-*s %s", commands[i].word,
		    commands[i].args,
		    (int)(23 - strlen(commands[i].word) -
			strlen(commands[i].args)),
		    "", commands[i].help);
}

void
command_run(struct broker *b, struct peer *p, const struct message *m)
{
	size_t i;

	for (i = 0; i < sizeof commands / sizeof commands[0]; i++)
		if (strlen(commands[i].word) == m->dests_len &&
		    memcmp(commands[i].word, m->dests, m->dests_len) == 0) {
			commands[i].run(b, p, m->text, m->text_len);
			return;
		}
	peer_say(b, p, "! no such command: %.*s. /help lists them",
	    (int)(m->dests_len < 64 ? m->dests_len : 64), m->dests);
}
