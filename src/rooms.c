/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * A membership is one small block that hangs in two lists, its room's and its
 * peer's.  So a room's members are found without a search when a line comes,
 * and a peer's rooms when it goes; whether it is in a room is asked of its
 * own list, which is the short one.
 */
#include "rooms.h"

#include <stdlib.h>

void
rooms_init(struct rooms *r, struct names *names)
{
	*r = (struct rooms){.names = names};
	LIST_INIT(&r->all);
}

struct room *
rooms_find(const struct rooms *r, const char *s, size_t len)
{
	const struct name *name = names_find(r->names, s, len);

	return name != NULL ? name->room : NULL;
}

static struct room *
make(struct rooms *r, struct name *name)
{
	struct room *room = calloc(1, sizeof *room);

	if (room == NULL)
		return NULL;
	room->name = name;
	name->room = room;
	LIST_INSERT_HEAD(&r->all, room, all);
	r->count++;
	return room;
}

static void
remove_if_empty(struct rooms *r, struct room *room)
{
	if (room->count > 0)
		return;
	LIST_REMOVE(room, all);
	r->count--;
	room->name->room = NULL;
	names_release(r->names, room->name);
	free(room);
}

static bool
enter(struct room *room, struct peer *peer, struct memberships *of)
{
	struct member *member = malloc(sizeof *member);

	if (member == NULL)
		return false;
	member->room = room;
	member->peer = peer;
	LIST_INSERT_HEAD(&room->members, member, of_room);
	LIST_INSERT_HEAD(&of->list, member, of_peer);
	room->count++;
	of->count++;
	return true;
}

enum rooms_error
rooms_join(struct rooms *r, const char *s, size_t len, struct peer *peer,
    struct memberships *of, struct room **room)
{
	struct name *name;

	*room = rooms_find(r, s, len);
	if (*room != NULL && rooms_member(of, *room) != NULL)
		return ROOMS_IS_MEMBER;
	if (of->count >= ROOMS_PER_PEER)
		return ROOMS_TOO_MANY;
	if (*room == NULL) {
		name = names_get(r->names, s, len);
		if (name == NULL)
			return ROOMS_NO_MEMORY;
		*room = make(r, name);
		if (*room == NULL) {
			names_release(r->names, name);
			return ROOMS_NO_MEMORY;
		}
	}
	if (enter(*room, peer, of))
		return ROOMS_OK;
	remove_if_empty(r, *room);
	return ROOMS_NO_MEMORY;
}

struct member *
rooms_member(const struct memberships *of, const struct room *room)
{
	struct member *member;

	LIST_FOREACH(member, &of->list, of_peer)
		if (member->room == room)
			return member;
	return NULL;
}

void
rooms_part(struct rooms *r, struct memberships *of, struct member *member)
{
	struct room *room = member->room;

	LIST_REMOVE(member, of_room);
	LIST_REMOVE(member, of_peer);
	free(member);
	room->count--;
	of->count--;
	remove_if_empty(r, room);
}
