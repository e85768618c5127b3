/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * The table is the command set on one page: /help is printed from it.
 */
#include "command.h"

#include "broker.h"
#include "ignored.h"
#include "leave.h"
#include "message.h"
#include "presence.h"
#include "text.h"
#include "utf8.h"
#include "who.h"

#include <stdio.h>
#include <string.h>

#define LAST_LINES   20 /* of /last without a number */
#define SHOWN_MAX    64 /* bytes of what was no command, in the answer */
#define NUMBER_WIDTH 5  /* digits */

typedef void run_fn(
    struct broker *b, struct peer *p, const char *args, size_t len);

static run_fn run_help, run_ignore, run_join, run_last, run_part, run_quit,
    run_rooms, run_unignore, run_who;

/* clang-format off */
static const struct command {
	const char *usage, *help, *example;
	run_fn *run; /* NULL: a line to send, and no command */
} commands[] = {
	{ "NAME[, NAME...]: TEXT", "sends TEXT to each NAME",
	    "bob, carol: lunch?", NULL },
	{ "#ROOM: TEXT", "to all who are in that room",
	    "#ops: the disk is full", NULL },
	{ "*: TEXT", "to everybody who is here",
	    "*: reboot at five", NULL },
	{ "+TAG NAME: TEXT", "the same, with a receipt",
	    "+1 bob: seen it?", NULL },
	{ "/who [#ROOM]", "who is here, or in a room",
	    "/who #ops", run_who },
	{ "/join #ROOM", "enters a room, or opens it",
	    "/join #ops", run_join },
	{ "/part #ROOM", "leaves it",
	    "/part #ops", run_part },
	{ "/rooms", "which rooms there are",
	    "/rooms", run_rooms },
	{ "/last [N]", "what you were sent last, again",
	    "/last 5", run_last },
	{ "/ignore [NAME]", "hears no more of NAME; lists",
	    "/ignore bob", run_ignore },
	{ "/unignore NAME", "hears NAME again",
	    "/unignore bob", run_unignore },
	{ "/help", "shows this",
	    "/help", run_help },
	{ "/quit [TEXT]", "ends; your rooms see TEXT",
	    "/quit off to lunch", run_quit },
};
/* clang-format on */

#define COMMANDS (sizeof commands / sizeof commands[0])

bool
command_help(size_t index, struct command_help *help)
{
	if (index >= COMMANDS)
		return false;
	help->usage = commands[index].usage;
	help->help = commands[index].help;
	help->example = commands[index].example;
	return true;
}

void
command_help_line(const struct command_help *h, char out[COMMAND_LINE_MAX])
{
	snprintf(out, COMMAND_LINE_MAX, "* %-21s  %-30s  %s", h->usage, h->help,
	    h->example);
}

static void
run_help(struct broker *b, struct peer *p, const char *args, size_t len)
{
	char line[COMMAND_LINE_MAX];
	struct command_help help;
	size_t i;

	(void)args;
	(void)len;
	for (i = 0; command_help(i, &help); i++) {
		command_help_line(&help, line);
		peer_say(b, p, "%s", line);
	}
}

/* ---- rooms and people ---- */

static void
run_join(struct broker *b, struct peer *p, const char *args, size_t len)
{
	presence_join(b, p, args, len);
}

static void
run_part(struct broker *b, struct peer *p, const char *args, size_t len)
{
	presence_part(b, p, args, len);
}

static void
run_rooms(struct broker *b, struct peer *p, const char *args, size_t len)
{
	(void)args;
	(void)len;
	who_list_rooms(b, p);
}

static void
run_who(struct broker *b, struct peer *p, const char *args, size_t len)
{
	const struct room *room = rooms_find(&b->rooms, args, len);

	if (len == 0 || room != NULL)
		who_list(b, p, room);
	else if (room_check(args, len) == NAME_OK)
		peer_say(b, p, "! %.*s: no such room", (int)len, args);
	else
		peer_say(
		    b, p, "! bad room: %s", name_why(room_check(args, len)));
}

/* ---- ignoring ---- */

static void
list_ignored(struct broker *b, struct peer *p)
{
	const struct ignored *list = p->ignored;
	size_t i;

	for (i = 0; list != NULL && i < list->count; i++)
		peer_say(b, p, "* %.*s", (int)list->names[i].len,
		    list->names[i].text);
	peer_say(b, p, "* %zu ignored", i);
}

/* False, and p is told, if that can be nobody's name. */
static bool
check_name(struct broker *b, struct peer *p, const char *name, size_t len)
{
	enum name_error error = name_check(name, len);

	if (error != NAME_OK)
		peer_say(b, p, "! bad name: %s", name_why(error));
	return error == NAME_OK;
}

static void
run_ignore(struct broker *b, struct peer *p, const char *args, size_t len)
{
	if (len == 0) {
		list_ignored(b, p);
		return;
	}
	if (!check_name(b, p, args, len))
		return;
	switch (ignored_add(&p->ignored, args, len)) {
	case IGNORED_TOO_MANY:
		peer_say(b, p, "! %.*s: you ignore %d, and no more go",
		    (int)len, args, IGNORED_MAX);
		break;
	case IGNORED_NO_MEMORY:
		peer_say(b, p, "! %.*s: out of memory", (int)len, args);
		break;
	default: peer_say(b, p, "* ignoring %.*s", (int)len, args); break;
	}
}

static void
run_unignore(struct broker *b, struct peer *p, const char *args, size_t len)
{
	if (!check_name(b, p, args, len))
		return;
	if (ignored_remove(&p->ignored, args, len) == IGNORED_OK)
		peer_say(b, p, "* no longer ignoring %.*s", (int)len, args);
	else
		peer_say(b, p, "! %.*s: is not ignored", (int)len, args);
}

/* ---- the connection ---- */

/* Digits only; false if there is anything else, nothing, or a zero. */
static bool
read_number(const char *s, size_t len, unsigned *n)
{
	*n = 0;
	if (len > NUMBER_WIDTH)
		return false;
	for (; len > 0; s++, len--) {
		if (*s < '0' || *s > '9')
			return false;
		*n = 10 * *n + (unsigned)(*s - '0');
	}
	return *n > 0;
}

/* Whoever asks once will ask again: from now on more is kept for it. */
static void
run_last(struct broker *b, struct peer *p, const char *args, size_t len)
{
	unsigned lines = LAST_LINES;
	char text[PEER_KEEP];
	size_t n;

	if (len > 0 && !read_number(args, len, &lines)) {
		peer_say(b, p, "! /last takes a number, such as /last 5");
		return;
	}
	p->out.keep = PEER_KEEP;
	n = outbox_last(&p->out, lines, text, sizeof text);
	if (n == 0)
		peer_say(b, p, "* nothing yet");
	else if (!peer_put_news(b, p, text, n))
		leave_begin(b, p, "memory");
}

static void
run_quit(struct broker *b, struct peer *p, const char *args, size_t len)
{
	presence_farewell(p, args, len);
	p->quit = true;
	leave_if_done(b, p);
}

/* ---- finding one ---- */

static const struct command *
find(const char *word, size_t len)
{
	size_t i;

	for (i = 0; i < COMMANDS; i++)
		if (commands[i].run != NULL &&
		    text_word(commands[i].usage, strlen(commands[i].usage)) ==
			len &&
		    memcmp(commands[i].usage, word, len) == 0)
			return &commands[i];
	return NULL;
}

void
command_run(struct broker *b, struct peer *p, const struct message *m)
{
	const struct command *command = find(m->dests, m->dests_len);
	size_t shown = m->dests_len < SHOWN_MAX ? m->dests_len : SHOWN_MAX;

	if (command != NULL)
		command->run(b, p, m->text, m->text_len);
	else
		peer_say(b, p, "! no such command: %.*s. /help lists them",
		    (int)utf8_span(m->dests, shown), m->dests);
	leave_if_too_slow(b, p);
}
