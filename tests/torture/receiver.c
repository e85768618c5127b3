/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * A receiver reads, or does not, or goes in one of many ways and comes again
 * under the same name.  Whatever its host has acknowledged it reads before it
 * goes (see conn.c), since that is what `delivered` speaks of.  On a Unix
 * socket `delivered` means that the program has read it, so there nothing is
 * read before it goes.
 */
#define _GNU_SOURCE
#include "torture.h"

#include <stdio.h>
#include <string.h>

#define RETURN_MS 30
#define GHOST_MS  8000 /* telld finds out in three seconds */

void
receiver_init(struct torture *t, unsigned index)
{
	struct receiver *r = &t->receivers[index];

	(void)t;
	r->index = index;
	conn_init(&r->conn, index % 4 == 3);
	conn_init(&r->ghost, false);
}

static void
come(struct torture *t, struct receiver *r)
{
	char name[16];
	int n;

	if (r->stays_away || t->daemon.state != UP || t->daemon.stopping ||
	    t->now < r->at)
		return;
	r->at = t->now + RETURN_MS;
	if (!conn_open(t, &r->conn, r->index % 2 == 1))
		return;
	n = snprintf(name, sizeof name, "r%u\n", r->index);
	conn_put(&r->conn, name, (size_t)n);
	r->state = HERE;
	r->stalled_until = 0;
	memset(r->highest, 0, sizeof r->highest);
}

static void
on_line(struct torture *t, void *owner, char *line, size_t len)
{
	struct receiver *r = owner;

	if (strncmp(line, "from ", 5) == 0) {
		if (r->ghost.fd != -1 && r->state != SILENT) {
			conn_reset(&r->ghost);
			t->takeovers++;
		}
		book_seen(t, r->index, line, len, r->highest);
	} else if (strstr(line, " is already here from ") != NULL) {
		event(t, "r%u is told: %s", r->index, line);
		t->taken_name++;
		conn_half_close(&r->conn);
		r->state = ENDING;
		r->pause = 200;
	} else if (strcmp(line, "! too slow") == 0) {
		t->too_slow++;
	} else if (strncmp(line, "* ", 2) != 0) {
		fault(t, "r%u was told: %s", r->index, line);
	}
}

void
receiver_quit(struct receiver *r, uint32_t pause)
{
	conn_put(&r->conn, "/quit\n", 6);
	r->state = ENDING;
	r->pause = pause;
}

static void
gone(struct torture *t, struct receiver *r)
{
	uint32_t pause = r->state == ENDING ? r->pause : RETURN_MS;

	conn_close(&r->conn);
	r->state = AWAY;
	r->at = t->now + pause;
	event(t, "r%u is away", r->index);
}

/* Its host has been silent for a moment: what it had acknowledged before is
 * all there, and nothing more will come. */
static void
break_off(struct torture *t, struct receiver *r)
{
	struct conn old = r->ghost;

	if (!r->conn.is_unix)
		(void)conn_read(t, &r->conn, on_line, r);
	r->state = AWAY;
	if (r->silence == TO_VANISH) {
		r->ghost = r->conn;
		r->conn = old;
		r->ghost_until = t->now + GHOST_MS;
		r->at = t->now;
	} else {
		conn_reset(&r->conn);
		r->at = t->now + (r->pause % 3 == 0 ? 0 : r->pause / 2);
	}
}

void
receiver_turn(struct torture *t, struct receiver *r)
{
	if (r->ghost.fd != -1 && t->now >= r->ghost_until)
		conn_reset(&r->ghost);
	if (r->state == SILENT && t->now >= r->at)
		break_off(t, r);
	if (r->state == AWAY)
		come(t, r);
	r->conn.pfd = NULL;
	if (r->state == AWAY || r->state == SILENT)
		return;
	/* A broken one is read to its end all the same. */
	(void)conn_flush(&r->conn);
	if (t->now >= r->stalled_until)
		r->conn.pfd = watch(t, r->conn.fd, POLLIN);
}

void
receiver_ready(struct torture *t, struct receiver *r)
{
	if (r->conn.fd == -1 || r->conn.pfd == NULL ||
	    r->conn.pfd->revents == 0 || r->state == SILENT)
		return;
	if (conn_read(t, &r->conn, on_line, r) != CONN_OPEN)
		gone(t, r);
}
