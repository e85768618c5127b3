/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * route.h - who hears what.
 *
 * A line's copies go to those who are here, to the store for those who are
 * away, and back to the sender as a refusal for the rest.
 *
 * A sender is slowed down to the pace of its reader: when much waits for the
 * reader already, no further line of the sender is carried out until some
 * of it has arrived.  But nobody waits for one who has stopped reading: a
 * sender to one reader alone waits slow_after at most, one to several a
 * fraction of a second.  From then on the reader is on its own, and is let go
 * at queue_max.
 *
 * A room's members and everybody who is here get a copy each, but for the
 * sender.  A DEST named twice gets one copy; a person who is named and is in
 * a room that is named too was reached in two ways, and gets two lines that
 * say so.
 */
#ifndef ROUTE_H
#define ROUTE_H

#include "line.h"
#include "name.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct broker;
struct mail;
struct peer;

/* The longest line that a client is sent, LF included: its head is
 * "from NAME in ROOM at TIME again: ". */
#define ROUTE_HEAD_MAX (2 * NAME_MAX_LEN + 64)
#define ROUTE_LINE_MAX (ROUTE_HEAD_MAX + LINE_GROWTH * 16 * 1024 + 1)

/* Carries out one line of a peer that is logged in. */
void route_line(struct broker *b, struct peer *p, const char *line, size_t len);

/* Mail from the store for a peer that is here; false without memory. */
bool route_mail(struct broker *b, struct peer *p, const struct mail *m);

/* All mail has come: what was held back meanwhile follows. */
void route_held(struct broker *b, struct peer *p);

/* So much waits for a reader that its writers should wait. */
bool route_is_crowded(const struct broker *b, const struct peer *p);

/* After something for the store: its sender waits if that has much to write. */
void route_wait_for_store(struct broker *b, struct peer *sender);

/* After something for a reader: its sender waits if that is crowded.  several:
 * it was for more than one, so that nobody is waited for long. */
void route_pace(
    struct broker *b, struct peer *sender, struct peer *reader, bool several);

#endif
