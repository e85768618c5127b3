/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * ledger.h - the books: what became of every copy.
 *
 * A copy is one line for one recipient.  At every moment
 *
 *	accepted + restored = delivered + stored + in_flight + expired
 *
 * and each function below is one entry that keeps this true.  Refused lines
 * were never accepted, and are counted apart.
 */
#ifndef LEDGER_H
#define LEDGER_H

#include <stdbool.h>
#include <stdint.h>

struct ledger {
	uint64_t accepted;  /* since the broker started */
	uint64_t restored;  /* held by the store when the broker started */
	uint64_t delivered; /* acknowledged by the recipient's host */
	uint64_t stored;    /* on disk now */
	uint64_t in_flight; /* on the way to a recipient or to the disk */
	uint64_t expired;   /* grew too old on disk */
	uint64_t refused;   /* told to the sender */
};

static inline void
ledger_restored(struct ledger *l, uint64_t mails)
{
	l->restored += mails;
	l->stored += mails;
}

static inline void
ledger_accepted(struct ledger *l)
{
	l->accepted++;
	l->in_flight++;
}

static inline void
ledger_refused(struct ledger *l)
{
	l->refused++;
}

/* It was accepted as far as the way to the disk, and no further. */
static inline void
ledger_taken_back(struct ledger *l)
{
	l->accepted--;
	l->in_flight--;
	l->refused++;
}

static inline void
ledger_delivered(struct ledger *l)
{
	l->in_flight--;
	l->delivered++;
}

static inline void
ledger_stored(struct ledger *l)
{
	l->in_flight--;
	l->stored++;
}

static inline void
ledger_mail_delivered(struct ledger *l)
{
	l->stored--;
	l->delivered++;
}

static inline void
ledger_mail_expired(struct ledger *l)
{
	l->stored--;
	l->expired++;
}

static inline bool
ledger_balances(const struct ledger *l)
{
	return l->accepted + l->restored ==
	       l->delivered + l->stored + l->in_flight + l->expired;
}

#endif
