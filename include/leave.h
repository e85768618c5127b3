/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * leave.h - the one way out.
 *
 * Whoever notices first that a client is gone, or that it shall go, it ends
 * the same way: the broker half-closes its end of the channel (or the session
 * is already gone), the session finishes and exits, and the end of file on
 * its channel is the moment at which the peer leaves the map, exactly once.
 * What it was sent and has not acknowledged goes to the store.
 */
#ifndef LEAVE_H
#define LEAVE_H

#include <sys/uio.h>

#include <stdbool.h>

struct broker;
struct copy;
struct parent_exited;
struct peer;

/* It shall go: nothing new is put into its outbox; what is there is sent,
 * then the channel is half-closed.  why: a word for the log.  Once. */
void leave_begin(struct broker *b, struct peer *p, const char *why);

/* Its client has finished sending: begins to leave if every line has been
 * carried out and answered, receipts and mail included. */
void leave_if_done(struct broker *b, struct peer *p);

/* Lets a reader go for which more than queue_max waits; and ends one that is on
 * its way out, if more than twice that waits. */
void leave_if_too_slow(struct broker *b, struct peer *p);

/* All is sent: half-closes the channel. */
void leave_half_close(struct broker *b, struct peer *p);

/* End of file: removes the peer, and hands back what it never got. */
void leave_gone(struct broker *b, struct peer *p);

/* One message that was on its way to a peer goes to the store instead.
 * seen: its reader may have seen it. */
void leave_hand_back(struct broker *b, struct peer *p, const struct copy *c,
    const struct iovec iov[2], bool seen);

/* The parent reaped a session: the last line of its books. */
void leave_exited(struct broker *b, const struct parent_exited *exited);

/* Its host has acknowledged some more. */
void leave_confirmed(struct broker *b, struct peer *p);

/* Something is under way to it from now on, and is expected to arrive. */
void leave_watch(struct broker *b, struct peer *p);

/* Its timer has fired: acts on every deadline that has passed. */
void leave_tick(struct broker *b, struct peer *p);

#endif
