/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * names.h - who is who: every name that means something now.
 *
 * A name has an entry while somebody holds it or waits for it, while it is
 * known (has logged in before: its mail is kept), or while mail waits for it.
 * A room's name has one while the room is there (rooms.h).
 * A hash table with a secret seed, so that nobody can choose names that
 * make it slow.
 *
 * Pure: no I/O but the seed.
 */
#ifndef NAMES_H
#define NAMES_H

#include "name.h"

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kept;
struct peer;
struct room;

LIST_HEAD(kept_list, kept); /* queue(3) */

struct name {
	struct name *next; /* in its chain */
	uint64_t hash;
	struct peer *peer;    /* who holds it; NULL: away */
	struct peer *waiters; /* who wants it, first come first */
	struct room *room;    /* if it is a room's name, else NULL */
	uint32_t mails;       /* that the store holds for it */
	uint32_t adds;        /* on their way to the store */
	uint64_t line;        /* the last line for it: no line has two copies */
	struct kept_list kept; /* the rooms that it comes back to (rooms.h) */
	uint16_t kept_bytes;   /* of rooms_kept_text() */
	bool known;
	uint8_t len;
	char text[NAME_MAX_LEN]; /* not NUL-terminated */
};

struct names {
	struct name **chains; /* owned, and the entries too */
	size_t size, count;   /* size is a power of two, or 0 */
	size_t known;         /* how many of them are known */
	uint64_t seed;
};

/* False without memory. */
bool names_init(struct names *n);
void names_free(struct names *n);

/* The entry of a name, or NULL. */
struct name *names_find(const struct names *n, const char *s, size_t len);

/* The entry of a name, made if need be; NULL without memory.  len is at
 * most NAME_MAX_LEN. */
struct name *names_get(struct names *n, const char *s, size_t len);

/* Marks a name as known. */
void names_know(struct names *n, struct name *name);

/* Forgets the entry if nothing keeps it. */
void names_release(struct names *n, struct name *name);

/* Each entry once, in no order: NULL begins and ends.  Nothing may be made or
 * released between. */
struct name *names_next(const struct names *n, const struct name *after);

#endif
