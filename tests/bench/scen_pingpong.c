/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * Ping-pong: one text there, one back, and so on; the time of each round trip.
 *
 * Nobody else sends anything, but any number of clients may be there.
 */
#include "load.h"

#include <stddef.h>
#include <stdlib.h>

/* More than a run of ten seconds has. */
#define SAMPLES_MAX 1000000

/* Longer, and a text is lost. */
#define PATIENCE_NS (UINT64_C(10) * 1000 * 1000 * 1000)

static void
await(struct conn *c, uint64_t got)
{
	uint64_t start = now_ns();

	while (c->got < got) {
		load_round(c->load, 1000);
		if (c->got < got && now_ns() - start > PATIENCE_NS)
			die("%s: text %ju is lost", c->name,
			    (uintmax_t)got - 1);
	}
}

static uint64_t
round_trip(struct conn *p)
{
	uint64_t start = now_ns(), got = p[0].got + 1;

	conn_send(&p[0], 1);
	await(&p[1], got);
	conn_send(&p[1], 1);
	await(&p[0], got);
	return now_ns() - start;
}

static void
run(struct load *l, struct conn *p)
{
	struct samples s;
	uint64_t start = now_ns(), took;

	samples_init(&s, SAMPLES_MAX);
	while (now_ns() - start < l->warm_ns)
		round_trip(p);
	for (start = now_ns(); now_ns() - start < l->run_ns;) {
		took = round_trip(p);
		samples_add(&s, took);
	}
	samples_print(&s, "roundtrip");
	free(s.value);
}

void
scen_pingpong_part(struct load *l)
{
	struct conn *p = crowd_add(l, 'p', 0, 2);
	struct batch there, back;

	crowd_enter(l, p, 2);
	batch_init(&there, l->proto, 0, p[1].name, l->size, 1);
	batch_init(&back, l->proto, 1, p[0].name, l->size, 1);
	p[0].out = &there;
	p[1].out = &back;
	conn_expect(&p[0], 1);
	conn_expect(&p[1], 0);
	run(l, p);
	conn_close(&p[0]);
	conn_close(&p[1]);
	batch_free(&there);
	batch_free(&back);
}

void
scen_pingpong(struct load *l)
{
	crowd_reserve(l, l->idle + 2);
	crowd_enter(l, crowd_add(l, 'i', 0, l->idle), l->idle);
	scen_pingpong_part(l);
}
