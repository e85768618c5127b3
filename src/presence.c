/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

#include "presence.h"

#include "broker.h"
#include "leave.h"
#include "route.h"
#include "utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NEWS_MAX (2 * NAME_MAX_LEN + PRESENCE_TEXT_MAX + 32)

/* `* alice left #ops: TEXT` */
static size_t
compose(char line[NEWS_MAX], const struct peer *p, const struct room *room,
    const char *verb, const char *text)
{
	return (size_t)snprintf(line, NEWS_MAX, "* %.*s %s %.*s%s%s\n",
	    (int)p->name->len, p->name->text, verb, (int)room->name->len,
	    room->name->text, text != NULL ? ": " : "",
	    text != NULL ? text : "");
}

static void
tell(struct broker *b, struct peer *about, struct peer *reader,
    const char *line, size_t len)
{
	if (reader->closing || (reader != about && route_is_crowded(b, reader)))
		return;
	if (!peer_put_news(b, reader, line, len))
		return;
	leave_if_too_slow(b, reader);
	if (!about->closing)
		route_pace(b, about, reader, true);
}

/* too: the one it is about as well, if that is a member. */
static void
tell_members(struct broker *b, struct peer *about, bool too,
    const struct room *room, const char *line, size_t len)
{
	const struct member *member;

	LIST_FOREACH(member, &room->members, of_room)
		if (too || member->peer != about)
			tell(b, about, member->peer, line, len);
}

static void
refuse(struct broker *b, struct peer *p, const char *room, size_t len,
    const char *why)
{
	peer_say(b, p, "! %.*s: %s", (int)len, room, why);
}

/* A known name comes back to the rooms that it is in; of a toggling client the
 * store gets no more than it can take. */
static void
keep(struct broker *b, struct peer *p, const struct room *room, bool kept)
{
	struct kept *old = rooms_kept(p->name, room);

	if (!p->name->known || kept == (old != NULL))
		return;
	if (kept &&
	    !rooms_keep(&b->rooms, room->name->text, room->name->len, p->name))
		return;
	if (!kept)
		rooms_forget(&b->rooms, old);
	mailroom_know(b, p->name);
	route_wait_for_store(b, p);
}

void
presence_return(struct broker *b, struct peer *p)
{
	char line[NEWS_MAX];
	struct kept *kept;
	struct room *room;
	size_t len;

	LIST_FOREACH(kept, &p->name->kept, of_name) {
		if (rooms_join(&b->rooms, kept->room->name->text,
			kept->room->name->len, p, &p->in, &room) != ROOMS_OK)
			continue;
		len = compose(line, p, room, "joined", NULL);
		tell_members(b, p, p->is_person, room, line, len);
	}
}

void
presence_join(struct broker *b, struct peer *p, const char *name, size_t len)
{
	enum name_error error = room_check(name, len);
	char line[NEWS_MAX];
	struct room *room;

	if (error != NAME_OK) {
		peer_say(b, p, "! bad room: %s", name_why(error));
		return;
	}
	switch (rooms_join(&b->rooms, name, len, p, &p->in, &room)) {
	case ROOMS_OK:
		keep(b, p, room, true);
		tell_members(b, p, true, room, line,
		    compose(line, p, room, "joined", NULL));
		break;
	case ROOMS_IS_MEMBER:
		refuse(b, p, name, len, "you are there already");
		break;
	case ROOMS_TOO_MANY:
		peer_say(b, p, "! %.*s: you are in %d rooms, and no more go",
		    (int)len, name, ROOMS_PER_PEER);
		break;
	case ROOMS_NO_MEMORY: refuse(b, p, name, len, "out of memory"); break;
	}
}

/* The one who goes is told first, and the room, if it is still there, then:
 * an empty one is gone with its last member. */
static void
part(struct broker *b, struct peer *p, struct member *member)
{
	const struct room *room = member->room;
	char line[NEWS_MAX];
	size_t len = compose(line, p, room, "left", p->farewell);
	bool is_last = room->count == 1;

	rooms_part(&b->rooms, &p->in, member);
	tell(b, p, p, line, len);
	if (!is_last && !b->stopping)
		tell_members(b, p, true, room, line, len);
}

void
presence_part(struct broker *b, struct peer *p, const char *name, size_t len)
{
	const struct room *room = rooms_find(&b->rooms, name, len);
	struct member *member = NULL;

	if (room != NULL)
		member = rooms_member(&p->in, room);
	if (member != NULL) {
		keep(b, p, room, false);
		part(b, p, member);
	} else if (room_check(name, len) != NAME_OK)
		peer_say(
		    b, p, "! bad room: %s", name_why(room_check(name, len)));
	else
		refuse(b, p, name, len, "you are not there");
}

void
presence_farewell(struct peer *p, const char *text, size_t len)
{
	if (len > PRESENCE_TEXT_MAX)
		len = utf8_span(text, PRESENCE_TEXT_MAX);
	if (len == 0 || p->farewell != NULL)
		return;
	p->farewell = strndup(text, len);
}

void
presence_leave(struct broker *b, struct peer *p)
{
	struct member *member;

	while ((member = LIST_FIRST(&p->in.list)) != NULL)
		part(b, p, member);
}
