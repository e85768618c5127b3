/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * control.h - tellctl(8)'s side of the broker.
 *
 * A control client sends one line, a command with its arguments, and gets an
 * answer: a first line with the exit status that tellctl shall have, then the
 * text.  Then it is closed.  Answers are made at once and kept in memory until
 * the client has read them or CONTROL_PATIENCE_MS are over: a stuck tellctl
 * holds up nobody.
 */
#ifndef CONTROL_H
#define CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONTROL_CLIENTS_MAX 16
#define CONTROL_PATIENCE_MS 10000

struct broker;

/* Takes over the listening socket; -1: there is none. */
void control_open(struct broker *b, int fd);
void control_close(struct broker *b);

/* A new control client; a known one (owner as given to the poller). */
void control_accept(struct broker *b);
void control_event(struct broker *b, void *owner, unsigned events);

/* More of a listing that was asked of the store. */
void control_listing(
    struct broker *b, uint64_t ticket, const char *text, size_t len, bool last);

#endif
