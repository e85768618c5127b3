/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * listener.h - listening sockets, and the files that Unix ones leave behind.
 *
 * Every socket is close-on-exec and non-blocking, with a backlog of SOMAXCONN.
 * A TCP one has SO_REUSEADDR, so that a restart need not wait for TIME_WAIT,
 * and an IPv6 one IPV6_V6ONLY, so that 0.0.0.0 can be bound beside it.
 */
#ifndef LISTENER_H
#define LISTENER_H

#include <stddef.h>

#include <sys/types.h>

#include "address.h"

/* Room for any text that says why a socket could not be opened. */
#define LISTENER_WHY_MAX 256

struct listener {
	int fd;                 /* -1 when closed */
	struct address address; /* the real one: port 0 is filled in */
	dev_t device;           /* with inode: our own socket file, if Unix */
	ino_t inode;
};

/*
 * Opens one socket at want.  unix_mode: the permissions of a Unix socket's
 * file, 0 to 0777, free of the umask; not used for TCP.
 *
 * A socket file that nobody listens on any more is replaced.  A live one, one
 * that cannot be asked, and anything that is no socket are left alone: errors.
 * Two daemons that start at once are kept apart by flock(2) on the directory,
 * which has to be readable for that.
 *
 * Returns 0, or -1 with errno set, l->fd -1 and the reason in why, such as
 * `another process listens on /run/telld/sock`.
 * Not for a process with threads: the umask changes for a moment.
 */
int listener_open(struct listener *l, const struct address *want,
    mode_t unix_mode, char why[LISTENER_WHY_MAX]);

/*
 * Opens all sockets that text (see address_parse) stands for.  For `*:PORT` a
 * host without IPv6 gets the IPv4 socket alone, and `*:0` the same free
 * port in both families.
 * Returns how many of list were opened (1 or 2), or -1 with errno set, the
 * reason in why, and none left open.
 */
int listener_open_text(struct listener list[ADDRESS_PER_TEXT], const char *text,
    mode_t unix_mode, char why[LISTENER_WHY_MAX]);

/* Closes the descriptor only: for a child, to which the file does not belong.
 * Closing twice is harmless. */
void listener_close(struct listener *l);

/*
 * For the owner, at stop: removes the Unix socket's file if it is still the
 * one that was made here, then closes.  In this order, because as long as the
 * socket listens no other daemon will take its place.
 */
void listener_close_and_unlink(struct listener *l);

#endif
