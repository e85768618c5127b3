/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * Redis, PUBLISH and SUBSCRIBE, in RESP3 so that one client can do both.
 *
 * CLIENT REPLY OFF spares the server an answer to every PUBLISH, as the other
 * protocols do; messages and the confirmation of a subscription are pushes,
 * and still come.
 */
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOPIC "bench"

static int
redis_login(char *out, size_t size, const struct conn *c)
{
	return snprintf(out, size,
	    "CLIENT REPLY OFF\r\nHELLO 3\r\n%sSUBSCRIBE %s\r\n",
	    c->joins ? "SUBSCRIBE " TOPIC "\r\n" : "", c->name);
}

static int
redis_head(char *out, size_t size, const char *dest, size_t len)
{
	return snprintf(out, size,
	    "*3\r\n$7\r\nPUBLISH\r\n$%zu\r\n%s\r\n$%zu\r\n", strlen(dest), dest,
	    len);
}

/* A bulk string or an integer; 0 if it is not all there. */
static size_t
parse_element(const char *p, size_t n, const char **text, size_t *text_len)
{
	size_t len, used = proto_line(p, n, &len);

	if (used == 0)
		return 0;
	*text = p + 1;
	*text_len = len - 1;
	if (*p != '$')
		return used;
	*text = p + used;
	*text_len = strtoul(p + 1, NULL, 10);
	used += *text_len + 2;
	return used <= n ? used : 0;
}

/* A push of three: what it is, the channel, and the text or a count. */
static void
parse_push(const struct conn *c, const char *p, size_t n, size_t used,
    struct item *out)
{
	const char *text[3] = {NULL, NULL, NULL};
	size_t len[3] = {0, 0, 0};

	out->kind = ITEM_PARTIAL;
	for (int i = 0; i < 3; i++) {
		size_t more = 0;

		if (used < n)
			more = parse_element(
			    p + used, n - used, &text[i], &len[i]);
		if (more == 0)
			return;
		used += more;
	}
	if (proto_starts(text[0], len[0], "message"))
		proto_item(out, ITEM_TEXT, text[2], len[2], used);
	else if (len[1] == strlen(c->name) &&
		 memcmp(text[1], c->name, len[1]) == 0)
		proto_item(out, ITEM_READY, text[1], len[1], used);
	else
		proto_item(out, ITEM_OTHER, text[1], len[1], used);
}

static void
redis_parse(const struct conn *c, const char *p, size_t n, struct item *out)
{
	size_t len, used = proto_line(p, n, &len);

	if (used == 0)
		out->kind = ITEM_PARTIAL;
	else if (proto_starts(p, len, ">3"))
		parse_push(c, p, n, used, out);
	else
		proto_item(out, ITEM_ERROR, p, len, used);
}

const struct proto proto_redis = {
    .name = "redis",
    .text_max = TEXT_MAX,
    .topic = TOPIC,
    .tail = "\r\n",
    .login = redis_login,
    .head = redis_head,
    .parse = redis_parse,
};
