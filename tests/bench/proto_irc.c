/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * IRC (RFC 2812): `PRIVMSG NICK :TEXT` out, `:WHO PRIVMSG NICK :TEXT` in.
 *
 * A line is at most 512 bytes with its CRLF (RFC 2812, 2.3), and what the
 * server puts in front counts, so texts end at 400.
 */
#define _GNU_SOURCE /* memmem */
#include "load.h"

#include <stdio.h>
#include <string.h>

#define TOPIC "#bench"

#define IRC_TEXT_MAX 400

/* Numerics that end the answer to a login and to a JOIN. */
#define RPL_ENDOFMOTD  "376"
#define ERR_NOMOTD     "422"
#define RPL_ENDOFNAMES "366"

static int
irc_login(char *out, size_t size, const struct conn *c)
{
	return snprintf(out, size, "NICK %s\r\nUSER %s 0 * :%s\r\n%s", c->name,
	    c->name, c->name, c->joins ? "JOIN " TOPIC "\r\n" : "");
}

static int
irc_head(char *out, size_t size, const char *dest, size_t len)
{
	(void)len;
	return snprintf(out, size, "PRIVMSG %s :", dest);
}

static bool
is_numeric_in(const struct conn *c, const char *word)
{
	if (c->joins)
		return proto_starts(word, 3, RPL_ENDOFNAMES);
	return proto_starts(word, 3, RPL_ENDOFMOTD) ||
	       proto_starts(word, 3, ERR_NOMOTD);
}

/* Numerics from 400 on are errors, but for the missing message of the day. */
static enum item_kind
kind_of(const struct conn *c, const char *word, size_t len)
{
	if (proto_starts(word, len, "PRIVMSG "))
		return ITEM_TEXT;
	if (len < 4 || word[3] != ' ')
		return ITEM_OTHER;
	if (is_numeric_in(c, word))
		return ITEM_READY;
	if ((*word == '4' || *word == '5') &&
	    !proto_starts(word, len, ERR_NOMOTD))
		return ITEM_ERROR;
	return ITEM_OTHER;
}

/* `:WHO COMMAND ...`; the text is what follows the next ` :`. */
static void
parse_prefixed(const struct conn *c, const char *p, size_t len, size_t used,
    struct item *out)
{
	const char *word = memchr(p, ' ', len), *colon;
	size_t left;

	proto_item(out, ITEM_OTHER, p, len, used);
	if (word == NULL)
		return;
	word++;
	left = len - (size_t)(word - p);
	out->kind = kind_of(c, word, left);
	colon = memmem(word, left, " :", 2);
	if (out->kind != ITEM_TEXT || colon == NULL)
		return;
	out->text = colon + 2;
	out->text_len = len - (size_t)(colon + 2 - p);
}

static void
irc_parse(const struct conn *c, const char *p, size_t n, struct item *out)
{
	size_t len, used = proto_line(p, n, &len);

	if (used == 0)
		out->kind = ITEM_PARTIAL;
	else if (*p == ':')
		parse_prefixed(c, p, len, used, out);
	else if (proto_starts(p, len, "PING"))
		proto_item(out, ITEM_PING, p, len, used);
	else if (proto_starts(p, len, "ERROR"))
		proto_item(out, ITEM_ERROR, p, len, used);
	else
		proto_item(out, ITEM_OTHER, p, len, used);
}

const struct proto proto_irc = {
    .name = "irc",
    .text_max = IRC_TEXT_MAX,
    .topic = TOPIC,
    .tail = "\r\n",
    .pong = "PONG :bench\r\n",
    .login = irc_login,
    .head = irc_head,
    .parse = irc_parse,
};
