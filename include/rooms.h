/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * rooms.h - who is in which room.
 *
 * A room is there while it has members.  Its name stands in the same table as
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

struct member {
	struct room *room;
	struct peer *peer;
	LIST_ENTRY(member) of_room; /* in room->members */
	LIST_ENTRY(member) of_peer; /* in its peer's memberships */
};

LIST_HEAD(member_list, member); /* queue(3) */

struct room {
	struct name *name; /* what it is called; its entry points back */
	struct member_list members;
	size_t count;
	LIST_ENTRY(room) all; /* in rooms->all */
};

LIST_HEAD(room_list, room);

struct rooms {
	struct names *names; /* not owned */
	struct room_list all;
	size_t count;
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

#endif
