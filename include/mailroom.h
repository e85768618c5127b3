/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * mailroom.h - the store, as the broker sees it: somewhere else, and slow.
 *
 * What is asked of the store is numbered and kept until the store has
 * acknowledged it, so that a new store can be asked again when one dies.  The
 * broker never waits: copies on their way are in flight, senders who send
 * more than the disk takes are paused.
 */
#ifndef MAILROOM_H
#define MAILROOM_H

#include "channel.h"
#include "outbox.h"
#include "peer.h"

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct broker;
struct copy;
struct iovec;
struct mail;
struct name;
struct peer;
struct receipt;
struct not_kept;
struct late;

struct mailroom {
	int watch; /* enum watch: WATCH_STORE */
	struct channel channel;
	pid_t pid;              /* of the store, 0 if there is none */
	bool ready;             /* its KEPT_READY has come */
	bool counted;           /* what it holds is in the ledger */
	bool closing;           /* its end of file is awaited, it is no death */
	uint64_t next_id;       /* of the next copy that is stored */
	uint64_t synced;        /* requests acknowledged, of this store */
	struct outbox requests; /* those not yet acknowledged */
	struct not_kept *not_kept, **not_kept_end; /* told, in order, before
	                                            * their acknowledgement */
	struct late *late, **late_end; /* held in the store's memory only:
	                                * sent again if it dies */
	struct peer_list writers; /* paused, for requests has grown large */
	uint64_t restart_at;      /* when to fork the next store; 0: not due */
	unsigned deaths;          /* one after the other */
	unsigned interest;
};

void mailroom_init(struct broker *b);

/* Forks the store.  Failure is no end: it is tried again. */
void mailroom_open(struct broker *b);

/* The channel is ready. */
void mailroom_event(struct broker *b, unsigned events);

/* A child was reaped: true if it was the store. */
bool mailroom_reaped(struct broker *b, pid_t pid, int status);

/* Called each round: sends what waits, restarts what died. */
void mailroom_round(struct broker *b);

/* Milliseconds until mailroom_round() has something to do, or -1. */
int mailroom_wait(const struct broker *b);

/*
 * Keeps a copy for a name.  forced: it was accepted already.  The receipt
 * (NULL: nobody asks) is settled when the store has answered.  The caller has
 * made its entry in the ledger: the copy is in flight.  False without memory.
 */
bool mailroom_add(struct broker *b, struct name *to, const struct mail *m,
    bool forced, struct receipt *receipt);

/* A mail was delivered: forget it. */
void mailroom_done(struct broker *b, struct name *to, uint64_t id);

/* A name has logged in for the first time, or the rooms that it comes back to
 * are others now. */
void mailroom_know(struct broker *b, struct name *name);

/* Begins to fetch a peer's mail; and goes on with it, if there is more and most
 * of what came has arrived.  What is sent to the peer meanwhile is held. */
void mailroom_fetch(struct broker *b, struct peer *p);
void mailroom_fetch_more(struct broker *b, struct peer *p);

/* A peer that was sent mail is gone: it may have seen what stands up to that
 * position. */
void mailroom_left(struct broker *b, const struct name *name, uint64_t seen);

/* Lists mailboxes, or one, to the control client with that ticket. */
bool mailroom_list(
    struct broker *b, uint64_t ticket, const char *name, size_t len);

/* Whether a sender should wait; and whether there is no store to wait for. */
bool mailroom_is_full(const struct broker *b);
bool mailroom_is_down(const struct broker *b);

/* Nothing is on its way to the disk. */
bool mailroom_is_settled(const struct broker *b);

/* At the end: the store is told to sync and exit. */
void mailroom_close(struct broker *b);
bool mailroom_is_closed(const struct broker *b);

#endif
