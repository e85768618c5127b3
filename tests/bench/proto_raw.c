/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * No protocol: what one of a pair writes, the other reads.  For shape.c.
 *
 * The even one greets, and once the odd one has heard it, both are in.
 */
#include "load.h"

#include <stdio.h>

#define HELLO "hello"

static int
raw_login(char *out, size_t size, const struct conn *c)
{
	bool even = (c - c->load->conn) % 2 == 0;

	return snprintf(out, size, "%s", even ? HELLO "\n" : "");
}

static int
raw_head(char *out, size_t size, const char *dest, size_t len)
{
	(void)dest;
	(void)len;
	return snprintf(out, size, "%s", "");
}

static void
raw_parse(const struct conn *c, const char *p, size_t n, struct item *out)
{
	size_t len, used = proto_line(p, n, &len);

	if (used == 0)
		out->kind = ITEM_PARTIAL;
	else if (c->state == CONN_LOGGING_IN && proto_starts(p, len, HELLO))
		proto_item(out, ITEM_READY, p, len, used);
	else
		proto_item(out, ITEM_TEXT, p, len, used);
}

const struct proto proto_raw = {
    .name = "raw",
    .text_max = TEXT_MAX,
    .paired = true,
    .tail = "\n",
    .login = raw_login,
    .head = raw_head,
    .parse = raw_parse,
};
