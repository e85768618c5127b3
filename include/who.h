/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * who.h - the lists that can be long: people and rooms, sorted.
 *
 * An answer takes no more than three quarters of queue_max; what does not fit
 * is counted.  Who has much to read already gets none.
 */
#ifndef WHO_H
#define WHO_H

#include <stdint.h>

struct broker;
struct peer;
struct room;

/* `* alice, since TIME, idle 4m` for each, and `* 3 here`.  room: only its
 * members; NULL: everybody who is here. */
void who_list(struct broker *b, struct peer *p, const struct room *room);

/* `* #ops, 3 here` for each room, and `* 1 room`. */
void who_list_rooms(struct broker *b, struct peer *p);

/* A time of so many seconds in one number and one letter: 59s, 4m, 23h, 5d. */
#define WHO_IDLE_MAX 16
void who_idle(uint32_t seconds, char out[WHO_IDLE_MAX]);

#endif
