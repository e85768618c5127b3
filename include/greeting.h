/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * greeting.h - people are greeted, programs are not.
 *
 * Whoever speaks first gets no greeting.  Who is connected for half a second
 * and has sent nothing is taken for a person: it is asked for its name, and
 * welcomed once it is in.  Its session does the waiting, because only that
 * sees half a line.
 */
#ifndef GREETING_H
#define GREETING_H

struct broker;
struct peer;

/* How long a client has to be silent. */
#define GREETING_MS 500

/* Its session says that the client is silent: `* telld at HOST. Your name?` */
void greeting_ask(struct broker *b, struct peer *p);

/* It has just logged in: `* hello alice, 3 here. /help helps`, and the message
 * of the day, if it was asked. */
void greeting_hello(struct broker *b, struct peer *p);

#endif
