/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * session.h - the role that serves one client's byte stream.
 *
 * Holds: the client's socket, its end of one channel to the broker, the log.
 * Waits for: both of them.  Lines go up, text goes down, and nothing that
 * the client sends is ever interpreted here beyond where a line ends.
 * Ends when: the broker's side of the channel is at end of file and all text
 * has been acknowledged by the client's host (or linger is over), or when
 * the connection breaks.  Its last act is to confirm what arrived; its exit
 * status is why it ended.
 */
#ifndef SESSION_H
#define SESSION_H

#include "config.h"

enum session_exit {
	SESSION_FINISHED = 0, /* the broker said so, and all is written */
	SESSION_RESET = 10,   /* the connection broke */
	SESSION_DEAD,         /* the client's host does not answer */
	SESSION_STUCK,        /* the client did not take it within linger */
	SESSION_FAILED,       /* no memory, or a record that makes no sense */
};

/* Words for a log line: "reset", "dead", "finished", ... */
const char *session_exit_name(int status);

struct session_start {
	int client;          /* non-blocking; owned from here on */
	int broker;          /* non-blocking; owned from here on */
	const char *address; /* of the client, for the title and the log */
	const struct config *config;
};

_Noreturn void session_run(const struct session_start *start);

#endif
