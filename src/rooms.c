/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * A membership is one small block that hangs in two lists, its room's and its
 * peer's.  So a room's members are found without a search when a line comes,
 * and a peer's rooms when it goes; whether it is in a room is asked of its
 * own list, which is the short one.
 */
#include "rooms.h"

#include "text.h"

#include <stdlib.h>
#include <string.h>

void
rooms_init(struct rooms *r, struct names *names)
{
	*r = (struct rooms){.names = names};
	LIST_INIT(&r->all);
}

struct room *
rooms_find_kept(const struct rooms *r, const char *s, size_t len)
{
	const struct name *name = names_find(r->names, s, len);

	return name != NULL ? name->room : NULL;
}

struct room *
rooms_find(const struct rooms *r, const char *s, size_t len)
{
	struct room *room = rooms_find_kept(r, s, len);

	return room != NULL && room->count > 0 ? room : NULL;
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
	if (room->count > 0 || room->kept_count > 0)
		return;
	LIST_REMOVE(room, all);
	r->count--;
	room->name->room = NULL;
	names_release(r->names, room->name);
	free(room);
}

/* The room of that name, made if need be; NULL without memory. */
static struct room *
get(struct rooms *r, const char *s, size_t len)
{
	struct room *room = rooms_find_kept(r, s, len);
	struct name *name;

	if (room != NULL)
		return room;
	name = names_get(r->names, s, len);
	if (name == NULL)
		return NULL;
	room = make(r, name);
	if (room == NULL)
		names_release(r->names, name);
	return room;
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
	*room = rooms_find_kept(r, s, len);
	if (*room != NULL && rooms_member(of, *room) != NULL)
		return ROOMS_IS_MEMBER;
	if (of->count >= ROOMS_PER_PEER)
		return ROOMS_TOO_MANY;
	*room = get(r, s, len);
	if (*room == NULL)
		return ROOMS_NO_MEMORY;
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

/* ---- those who come back ---- */

struct kept *
rooms_kept(const struct name *who, const struct room *room)
{
	struct kept *kept;

	LIST_FOREACH(kept, &who->kept, of_name)
		if (kept->room == room)
			return kept;
	return NULL;
}

static bool
remember(struct rooms *r, struct room *room, struct name *who)
{
	size_t bytes = who->kept_bytes + room->name->len + 1U;
	struct kept *kept;

	if (r->kept_count >= ROOMS_KEPT_MAX ||
	    room->kept_count >= ROOMS_KEPT_PER_ROOM ||
	    bytes > ROOMS_KEPT_TEXT_MAX)
		return false;
	kept = malloc(sizeof *kept);
	if (kept == NULL)
		return false;
	kept->room = room;
	kept->name = who;
	LIST_INSERT_HEAD(&room->kept, kept, of_room);
	LIST_INSERT_HEAD(&who->kept, kept, of_name);
	room->kept_count++;
	r->kept_count++;
	who->kept_bytes = (uint16_t)bytes;
	return true;
}

bool
rooms_keep(struct rooms *r, const char *s, size_t len, struct name *who)
{
	struct room *room = get(r, s, len);

	if (room == NULL)
		return false;
	if (rooms_kept(who, room) != NULL || remember(r, room, who))
		return true;
	remove_if_empty(r, room);
	return false;
}

void
rooms_forget(struct rooms *r, struct kept *kept)
{
	struct room *room = kept->room;
	struct name *who = kept->name;

	LIST_REMOVE(kept, of_room);
	LIST_REMOVE(kept, of_name);
	free(kept);
	room->kept_count--;
	r->kept_count--;
	who->kept_bytes = (uint16_t)(who->kept_bytes - room->name->len - 1U);
	remove_if_empty(r, room);
}

size_t
rooms_kept_text(const struct name *who, char out[ROOMS_KEPT_TEXT_MAX])
{
	const struct kept *kept;
	size_t used = 0;

	LIST_FOREACH(kept, &who->kept, of_name) {
		if (used > 0)
			out[used++] = ' ';
		memcpy(
		    out + used, kept->room->name->text, kept->room->name->len);
		used += kept->room->name->len;
	}
	return used;
}

void
rooms_keep_text(struct rooms *r, const char *text, size_t len, struct name *who)
{
	size_t n;

	for (text_trim(&text, &len); len > 0; text_trim(&text, &len)) {
		n = text_word(text, len);
		if (room_check(text, n) == NAME_OK)
			(void)rooms_keep(r, text, n, who);
		text += n;
		len -= n;
	}
}
