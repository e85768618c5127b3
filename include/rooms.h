/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * rooms.h - who is in which room.
 *
 * A room is there while it has members.  Beside them it has those who come
 * back to it: names that have joined it and not parted since, here or away.
 * While there are such names the room is remembered, though nobody sees it.
 *
 * Its name stands in the same table as
 * everybody's (names.h), where no two can clash: it begins with '#', and a
 * person's name does not.  To join, to part and to find a room are O(1); what
 * is O(members) is to walk over them.
 *
 * Pure: peers are pointers that nobody looks through here.
 */
#ifndef ROOMS_H
#define ROOMS_H

#include "names.h"

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>

struct peer;

/* The most rooms that one client may be in. */
#define ROOMS_PER_PEER 64

/* How much is remembered of who comes back: names in one room; memberships
 * in all; and bytes of one name's rooms as a text, which is what the journal
 * has room for (JOURNAL_ROOMS_MAX).  What is beyond that is forgotten with
 * the connection. */
#define ROOMS_KEPT_PER_ROOM 1000
#define ROOMS_KEPT_MAX      100000
#define ROOMS_KEPT_TEXT_MAX 1024

struct member {
	struct room *room;
	struct peer *peer;
	LIST_ENTRY(member) of_room; /* in room->members */
	LIST_ENTRY(member) of_peer; /* in its peer's memberships */
};

LIST_HEAD(member_list, member); /* queue(3) */

/* A name that comes back to a room. */
struct kept {
	struct room *room;
	struct name *name;
	LIST_ENTRY(kept) of_room; /* in room->kept */
	LIST_ENTRY(kept) of_name; /* in name->kept */
};

struct room {
	struct name *name; /* what it is called; its entry points back */
	struct member_list members;
	size_t count;
	struct kept_list kept;
	size_t kept_count;
	LIST_ENTRY(room) all; /* in rooms->all */
};

LIST_HEAD(room_list, room);

struct rooms {
	struct names *names;  /* not owned */
	struct room_list all; /* those with nobody in them too */
	size_t count;
	size_t kept_count; /* memberships that are remembered */
};

/* What a peer is in: a field of it.  Zero is a good beginning. */
struct memberships {
	struct member_list list;
	unsigned count;
};

enum rooms_error {
	ROOMS_OK,
	ROOMS_IS_MEMBER, /* already */
	ROOMS_TOO_MANY,  /* it is in ROOMS_PER_PEER rooms */
	ROOMS_NO_MEMORY
};

void rooms_init(struct rooms *r, struct names *names);

/* The room of that name, or NULL: nobody is in it. */
struct room *rooms_find(const struct rooms *r, const char *s, size_t len);

/*
 * Makes a peer, with its memberships, a member of the room of that name, which
 * room_check() has passed; the room is made if need be.  *room is set for
 * ROOMS_OK and ROOMS_IS_MEMBER.  On an error nothing has changed.
 */
enum rooms_error rooms_join(struct rooms *r, const char *s, size_t len,
    struct peer *peer, struct memberships *of, struct room **room);

/* A peer's membership of a room, or NULL. */
struct member *rooms_member(
    const struct memberships *of, const struct room *room);

/* Ends a membership; a room that is empty now is gone. */
void rooms_part(struct rooms *r, struct memberships *of, struct member *member);

/* The room of that name, though nobody may be in it; or NULL. */
struct room *rooms_find_kept(const struct rooms *r, const char *s, size_t len);

/* Remembers that a name comes back to the room of that name, which
 * room_check() has passed.  False at one of the limits, or without memory. */
bool rooms_keep(struct rooms *r, const char *s, size_t len, struct name *who);

/* Whether a name comes back to a room; and that it does no more. */
struct kept *rooms_kept(const struct name *who, const struct room *room);
void rooms_forget(struct rooms *r, struct kept *kept);

/* The rooms that a name comes back to, with a blank between: the length.  And
 * such a text read again; what is no room, or too much, is passed over. */
size_t rooms_kept_text(const struct name *who, char out[ROOMS_KEPT_TEXT_MAX]);
void rooms_keep_text(
    struct rooms *r, const char *text, size_t len, struct name *who);

#endif
