/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * login.h - names: asked for, challenged, given.
 *
 * A name that somebody holds is not simply refused: the one who holds it may
 * be a ghost, a connection whose other end is long gone.  So its session is
 * made to probe the link; if it answers, the newcomer hears who is there; if
 * it does not, its session ends, and the newcomer has the name.
 */
#ifndef LOGIN_H
#define LOGIN_H

#include <stddef.h>

struct broker;
struct name;
struct peer;

/* A line of a peer that has no name yet: it is the name. */
void login_line(struct broker *b, struct peer *p, const char *line, size_t len);

/* What came cannot be a name; after the third time the peer is let go. */
void login_bad(struct broker *b, struct peer *p);

/* A session answered a probe. */
void login_probed(struct broker *b, struct peer *p);

/* Makes a peer's session prove that it, or its link (enum probe), is alive. */
void login_probe(struct broker *b, struct peer *p, int what);

/* A name has become free: whoever waits for it tries again. */
void login_freed(struct broker *b, struct name *name);

/* A peer that waits for a name goes: it waits no more. */
void login_forget(struct broker *b, struct peer *p);

#endif
