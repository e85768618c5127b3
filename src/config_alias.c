/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * An alias is kept as it was written, `oncall alice, bob`: there are few, and
 * a line's recipients are compared with them where they stand.  Members are
 * names and nothing else, so that an alias cannot lead to itself.
 */
#include "config.h"
#include "message.h"
#include "name.h"
#include "text.h"

#include <string.h>

/* Takes `NAME MEMBER, MEMBER` apart: where its members stand, as a message's
 * recipients, and how long the name is that the text begins with. */
static size_t
take(const char *text, struct message_dests *members)
{
	size_t len = strlen(text), n = text_word(text, len);
	struct message m = {.dests = text + n, .dests_len = len - n};

	message_dests_init(members, &m);
	return n;
}

const char *
config_alias_why(const char *text)
{
	struct message_dests members;
	size_t len = take(text, &members), count = 0;
	const char *member;

	if (strlen(text) >= CONFIG_ALIAS_TEXT_MAX)
		return "longer than 511 bytes";
	if (name_check(text, len) != NAME_OK)
		return "does not begin with what can be a name";
	for (; message_next_dest(&members, &member, &len); count++)
		if (name_check(member, len) != NAME_OK)
			return "not names with commas between";
	return count > 0 ? NULL : "has no members";
}

bool
config_alias(const struct config *c, const char *name, size_t len,
    struct message_dests *members)
{
	size_t i;

	for (i = 0; i < c->alias_count; i++)
		if (take(c->alias[i], members) == len &&
		    memcmp(c->alias[i], name, len) == 0)
			return true;
	return false;
}

void
config_alias_check(const struct config *c, struct config_errors *e)
{
	struct message_dests members, others;
	const char *member;
	size_t i, j, len;

	for (i = 0; i < c->alias_count; i++) {
		len = take(c->alias[i], &members);
		for (j = 0; j < i; j++)
			if (take(c->alias[j], &others) == len &&
			    memcmp(c->alias[i], c->alias[j], len) == 0)
				config_errors_add(e, "alias: %.*s is set twice",
				    (int)len, c->alias[i]);
		while (message_next_dest(&members, &member, &len))
			if (config_alias(c, member, len, &others))
				config_errors_add(e,
				    "alias: %.*s, in \"%.60s\", is an alias "
				    "itself",
				    (int)len, member, c->alias[i]);
	}
}
