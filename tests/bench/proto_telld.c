/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * telld, as in tell(7): `NAME: TEXT` out, `from NAME: TEXT` in.
 *
 * telld greets nobody who speaks first, so a client learns that it is in from
 * a line to itself.  Joining a room before that tells at the same time whether
 * this telld has rooms; if not, fan-out is by lists of names.
 */
#define _GNU_SOURCE /* memmem */
#include "load.h"

#include <stdio.h>
#include <string.h>

#define TOPIC   "#bench"
#define IN_TEXT "in"

bool proto_telld_no_rooms;

size_t
proto_line(const char *p, size_t n, size_t *text)
{
	const char *lf = memchr(p, '\n', n);

	if (lf == NULL)
		return 0;
	*text = (size_t)(lf - p);
	if (*text > 0 && lf[-1] == '\r')
		--*text;
	return (size_t)(lf - p) + 1;
}

bool
proto_starts(const char *p, size_t n, const char *with)
{
	size_t len = strlen(with);

	return n >= len && memcmp(p, with, len) == 0;
}

void
proto_item(struct item *out, enum item_kind kind, const char *text,
    size_t text_len, size_t used)
{
	out->kind = kind;
	out->text = text;
	out->text_len = text_len;
	out->used = used;
}

static int
telld_login(char *out, size_t size, const struct conn *c)
{
	return snprintf(out, size, "%s\n%s%s: " IN_TEXT "\n", c->name,
	    c->joins ? "/join " TOPIC "\n" : "", c->name);
}

static int
telld_head(char *out, size_t size, const char *dest, size_t len)
{
	(void)len;
	return snprintf(out, size, "%s: ", dest);
}

/* `from NAME[ in ROOM][ at TIME[ again]]: TEXT` */
static void
parse_from(const struct conn *c, const char *p, size_t len, size_t used,
    struct item *out)
{
	const char *colon = memmem(p, len, ": ", 2);
	size_t at;

	if (colon == NULL) {
		proto_item(out, ITEM_ERROR, p, len, used);
		return;
	}
	at = (size_t)(colon - p) + 2;
	proto_item(out, ITEM_TEXT, p + at, len - at, used);
	if (c->state == CONN_LOGGING_IN && len - at == strlen(IN_TEXT) &&
	    memcmp(p + at, IN_TEXT, len - at) == 0)
		out->kind = ITEM_READY;
}

static void
telld_parse(const struct conn *c, const char *p, size_t n, struct item *out)
{
	size_t len, used = proto_line(p, n, &len);

	if (used == 0) {
		out->kind = ITEM_PARTIAL;
	} else if (proto_starts(p, len, "from ")) {
		parse_from(c, p, len, used, out);
	} else if (proto_starts(p, len, "* ")) {
		proto_item(out, ITEM_OTHER, p, len, used);
	} else if (proto_starts(p, len, "! no such command: /join")) {
		proto_telld_no_rooms = true;
		proto_item(out, ITEM_OTHER, p, len, used);
	} else {
		proto_item(out, ITEM_ERROR, p, len, used);
	}
}

const struct proto proto_telld = {
    .name = "telld",
    .text_max = 4000,
    .topic = TOPIC,
    .tail = "\n",
    .login = telld_login,
    .head = telld_head,
    .parse = telld_parse,
};
