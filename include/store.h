/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * store.h - the role that keeps the mail of those who are away.
 *
 * Holds: the journal directory (journal.h), its end of one channel to the
 * broker, the log.  Waits for: requests.  Answers: each, in order, and only
 * when it is on disk; one fdatasync(2) covers all that arrived while the last
 * one ran.  Never talks to a network.  Ends when the broker's side of the
 * channel is at end of file: then all is on disk.
 */
#ifndef STORE_H
#define STORE_H

#include "config.h"

/* lock: the journal's, or -1; it is shared with all who may yet start another
 * store, and so holds until the last of them has gone. */
_Noreturn void store_run(int broker, int lock, const struct config *config);

#endif
