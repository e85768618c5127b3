/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * receipt.h - who wants to know what became of a line.
 *
 * A receipt belongs to its sender (a peer) and waits for one copy or more.
 * With a tag it ends in exactly one line to the sender; without one only a
 * refusal is told, or for how many of several.  When the sender goes first the
 * receipt stays, for the copies point at it, but nobody is told.
 */
#ifndef RECEIPT_H
#define RECEIPT_H

#include "message.h"
#include "name.h"

#include <sys/queue.h>

#include <stdbool.h>
#include <stdint.h>

struct broker;
struct peer;

struct receipt {
	LIST_ENTRY(receipt) of_sender; /* in its sender's receipts */
	struct peer *sender;           /* NULL: gone */
	uint32_t open;                 /* copies not yet settled */
	uint32_t delivered, stored, refused;
	bool several; /* a room or everybody: one line for all */
	uint8_t tag_len, dest_len;
	char tag[MESSAGE_TAG_MAX];
	char dest[NAME_MAX_LEN];
};

enum receipt_end {
	RECEIPT_DELIVERED,
	RECEIPT_STORED,
	RECEIPT_REFUSED
};

/*
 * A receipt for one destination, with one copy open; more are added by
 * raising open.  tag_len 0: only a refusal is told.  NULL without memory.
 */
struct receipt *receipt_new(struct peer *sender, const char *tag,
    size_t tag_len, const char *dest, size_t dest_len);

/*
 * One copy is settled.  why: for RECEIPT_REFUSED, the words for the sender.
 * With the last one the receipt is told and freed.  r may be NULL.
 */
void receipt_settle(
    struct broker *b, struct receipt *r, enum receipt_end how, const char *why);

/*
 * The copy that receipt_new() held open was none, but a place kept while others
 * were added: nothing is counted.  If none of them is open any more, or there
 * was none, the receipt is told and freed.  r may be NULL.
 */
void receipt_release(struct broker *b, struct receipt *r);

/* The sender goes: its open receipts will be told to nobody. */
void receipts_orphan(struct peer *sender);

#endif
