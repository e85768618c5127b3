/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * NATS: `PUB SUBJECT LEN` and the text out, `MSG SUBJECT SID LEN` in.
 *
 * Without `verbose` the server acknowledges nothing, as telld; PING after the
 * subscriptions is answered when they hold.
 */
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOPIC "bench"

static int
nats_login(char *out, size_t size, const struct conn *c)
{
	return snprintf(out, size,
	    "CONNECT {\"verbose\":false,\"pedantic\":false,\"echo\":true}\r\n"
	    "SUB %s 1\r\n%sPING\r\n",
	    c->name, c->joins ? "SUB " TOPIC " 2\r\n" : "");
}

static int
nats_head(char *out, size_t size, const char *dest, size_t len)
{
	return snprintf(out, size, "PUB %s %zu\r\n", dest, len);
}

/* The last word of the line is the length of the text. */
static void
parse_msg(const char *p, size_t n, size_t len, size_t used, struct item *out)
{
	size_t at = len, text;

	while (at > 0 && p[at - 1] != ' ')
		at--;
	text = strtoul(p + at, NULL, 10);
	if (n < used + text + 2)
		out->kind = ITEM_PARTIAL;
	else
		proto_item(out, ITEM_TEXT, p + used, text, used + text + 2);
}

static void
nats_parse(const struct conn *c, const char *p, size_t n, struct item *out)
{
	size_t len, used = proto_line(p, n, &len);

	(void)c;
	if (used == 0)
		out->kind = ITEM_PARTIAL;
	else if (proto_starts(p, len, "MSG "))
		parse_msg(p, n, len, used, out);
	else if (proto_starts(p, len, "PONG"))
		proto_item(out, ITEM_READY, p, len, used);
	else if (proto_starts(p, len, "PING"))
		proto_item(out, ITEM_PING, p, len, used);
	else if (proto_starts(p, len, "INFO "))
		proto_item(out, ITEM_OTHER, p, len, used);
	else
		proto_item(out, ITEM_ERROR, p, len, used);
}

const struct proto proto_nats = {
    .name = "nats",
    .text_max = TEXT_MAX,
    .topic = TOPIC,
    .tail = "\r\n",
    .pong = "PONG\r\n",
    .login = nats_login,
    .head = nats_head,
    .parse = nats_parse,
};
