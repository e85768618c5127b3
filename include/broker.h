/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * broker.h - the role in which the life of messages happens.
 *
 * Holds: one channel to each session, one to the parent, one to the store,
 * the control socket, all state about names.  Waits for: all of them.
 * Never touches the disk or a client's socket, never blocks, never trusts a
 * session.  Ends when the parent says so or is gone: all is delivered or in
 * the store then.
 *
 * One round: read every ready session, carry out its lines, then write each
 * touched peer once.  The parts, each with a header of its own:
 *
 *	peer.c      records to and from one session
 *	login.c     names: taken, challenged, given
 *	route.c     lines: who hears what
 *	leave.c     the one way out, and the give-back
 *	mailroom.c  the store, as the broker sees it
 *	receipt.c   who wants to know
 *	control.c   tellctl
 */
#ifndef BROKER_H
#define BROKER_H

#include "channel.h"
#include "config.h"
#include "ledger.h"
#include "mailroom.h"
#include "names.h"
#include "peer.h"
#include "poller.h"
#include "rooms.h"
#include "timer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct control;

/* Room for the host's name, with its NUL. */
#define BROKER_HOST_MAX 256

struct broker_counts {
	uint64_t sessions;   /* ever */
	uint64_t lines;      /* carried out */
	uint64_t violations; /* sessions that broke the rules */
	uint64_t too_slow;   /* readers let go at queue_max */
	uint64_t killed;     /* sessions that did not end when told to */
};

struct broker {
	const struct config *config;
	struct poller *poller;
	struct timers timers;
	uint64_t now;  /* milliseconds, of this round */
	uint32_t time; /* seconds since 1970, of this round */

	enum watch parent_watch, signals_watch;
	struct channel parent;
	bool parent_gone;
	unsigned parent_interest; /* POLLER_*, as the poller has it */
	bool ready;               /* the parent was told */

	char host[BROKER_HOST_MAX]; /* what this machine calls itself */
	struct names names;
	struct rooms rooms;
	struct peer_list peers; /* all of them */
	struct peer **slots;    /* by slot of the id, until the exit is known */
	size_t slot_count;
	size_t peer_count;
	size_t books_open; /* peers, and those gone whose exit is not known */
	size_t here_count; /* logged in, and not on the way out */
	struct peer_list touched; /* to be flushed in this round */
	struct peer_list resumed; /* to be carried on with in the next */

	struct mailroom mailroom;
	int lock; /* of the journal, or -1 */
	struct ledger ledger;
	struct broker_counts counts;
	struct control *control;

	bool stopping, input_over;
	uint64_t stop_by, stop_at_half;
};

struct broker_start {
	int parent;  /* channel to the parent; owned from here on */
	int control; /* listening control socket, or -1; owned from here on */
	int lock;    /* of the journal, or -1: kept for the stores to come */
	const struct config *config;
};

_Noreturn void broker_run(const struct broker_start *start);

/* Tells the parent that a session is about to have exited. */
void broker_gone(struct broker *b, const struct peer *p);

/* Has the parent kill a session that does not end. */
void broker_kill(struct broker *b, struct peer *p);

#endif
