/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * link.h - what the kernel knows about the connection to a client.
 *
 * Where a system has no such call, the answer is the careful one that POSIX
 * allows, and the function says so.
 */
#ifndef LINK_H
#define LINK_H

#include <stdbool.h>
#include <stdint.h>

enum link_kind {
	LINK_TCP,
	LINK_UNIX
};

/*
 * Prepares a client's socket: no delay for small writes, and a peer that does
 * not answer for dead_after milliseconds ends the connection, whether
 * something is under way to it (TCP_USER_TIMEOUT, RFC 5482) or not
 * (keepalive, RFC 9293 3.8.4).  Returns what kind of socket it is.
 */
enum link_kind link_prepare(int fd, int64_t dead_after);

/*
 * Bytes written that the client's host has not acknowledged.  TCP: SIOCOUTQ
 * on Linux (tcp(7)), FIONWRITE on the BSDs.  A Unix socket counts buffers, so
 * there only 0 says something: the client's program has read it all.
 * all: what to answer if only "some" is known, or if the client's program
 * ended without having read all; that can be seen only until the error
 * (ECONNRESET) was fetched with a read or SO_ERROR, so afterwards do not ask
 * of a Unix socket.  Elsewhere: 0, because a byte written is all that can be
 * known.
 */
uint64_t link_unacked(int fd, enum link_kind kind, uint64_t all);

/* Makes the kernel ask the client's host whether it is there, a second
 * apart, with no byte of data; link_settle() goes back to dead_after.  Who
 * asks decides how long to wait for link_answered_within(). */
void link_probe(int fd);
void link_settle(int fd, int64_t dead_after);

/* Whether the host has answered anything within the last ms milliseconds.
 * Where the kernel does not tell: true. */
bool link_answered_within(int fd, enum link_kind kind, int64_t ms);

#endif
