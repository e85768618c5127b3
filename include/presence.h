/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * presence.h - who comes into a room, who goes, and who is told.
 *
 * A room's members see `* alice joined #ops` and `* alice left #ops`, and so
 * does alice.  That is news, which nobody misses: a member for whom much waits
 * already is not told.
 */
#ifndef PRESENCE_H
#define PRESENCE_H

#include <stddef.h>

struct broker;
struct peer;

/* The most bytes of a /quit's TEXT that are shown. */
#define PRESENCE_TEXT_MAX 200

/* A peer that is here wants to be in the room of that name, or no more; it is
 * answered. */
void presence_join(
    struct broker *b, struct peer *p, const char *name, size_t len);
void presence_part(
    struct broker *b, struct peer *p, const char *name, size_t len);

/* A peer has logged in: it enters the rooms that its name comes back to.  It is
 * told itself only if a person sits there: a script asked for nothing. */
void presence_return(struct broker *b, struct peer *p);

/* What its rooms shall see when it leaves; cut where a character ends. */
void presence_farewell(struct peer *p, const char *text, size_t len);

/* It is on the way out, or gone: it leaves every room.  Not while somebody
 * walks over a room's members. */
void presence_leave(struct broker *b, struct peer *p);

#endif
