/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * Logins: connect, log in, be told that one is in, close; again and again.
 *
 * A few at a time, each under a name that nobody had before.  For a server of
 * pairs two make one: both connect, the pair is through, both close.
 */
#include "load.h"

#include <stddef.h>

/* Without a login for so long, the server is stuck. */
#define PATIENCE_NS (UINT64_C(10) * 1000 * 1000 * 1000)

struct logins {
	struct load *load;
	struct conn *slot;  /* slots of them, all in use */
	size_t slots, step; /* step: 2 if they come in pairs */
	unsigned number;    /* of the next name */
	uint64_t done;
};

static void
begin(struct logins *g, struct conn *c)
{
	for (size_t i = 0; i < g->step; i++) {
		conn_init(&c[i], g->load, 'l', g->number++);
		conn_open(&c[i]);
	}
}

static bool
end_if_ready(struct logins *g, struct conn *c)
{
	if (c->state != CONN_READY)
		return false;
	for (size_t i = 0; i < g->step; i++)
		conn_close(&c[i]);
	g->load->ready -= g->step;
	g->done += g->step;
	return true;
}

static void
log_in_for(struct logins *g, uint64_t ns)
{
	uint64_t start = now_ns(), last = start;

	while (now_ns() - start < ns) {
		load_round(g->load, 100);
		for (size_t i = 0; i < g->slots; i += g->step) {
			if (!end_if_ready(g, &g->slot[i]))
				continue;
			begin(g, &g->slot[i]);
			last = now_ns();
		}
		if (now_ns() - last > PATIENCE_NS)
			die("no login for ten seconds");
	}
}

/* Those on their way come in, so that none is cut off half-way. */
static void
finish(struct logins *g)
{
	uint64_t start = now_ns();
	size_t open = g->slots;

	while (open > 0) {
		for (size_t i = 0; i < g->slots; i += g->step)
			if (end_if_ready(g, &g->slot[i]))
				open -= g->step;
		if (open > 0)
			load_round(g->load, 100);
		if (now_ns() - start > PATIENCE_NS)
			die("%zu logins are not answered", open);
	}
}

void
scen_logins_part(struct load *l)
{
	struct logins g = {.load = l, .slots = l->inflight, .step = 1};
	uint64_t start, done;

	if (l->proto->paired) {
		g.step = 2;
		g.slots += g.slots % 2;
	}
	g.slot = crowd_add(l, 'l', 0, g.slots);
	for (size_t i = 0; i < g.slots; i += g.step)
		begin(&g, &g.slot[i]);
	log_in_for(&g, l->warm_ns);
	start = now_ns();
	done = g.done;
	log_in_for(&g, l->run_ns);
	print_figure("logins_per_s",
	    (double)(g.done - done) / ((double)(now_ns() - start) / 1e9));
	finish(&g);
}

void
scen_logins(struct load *l)
{
	crowd_reserve(l, l->idle + l->inflight + 1);
	crowd_enter(l, crowd_add(l, 'i', 0, l->idle), l->idle);
	scen_logins_part(l);
}
