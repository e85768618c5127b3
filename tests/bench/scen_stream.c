/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * Streams: pairs of one sender and one reader, or one sender and many readers.
 *
 * A sender writes as much as TCP takes, but never gets further ahead of its
 * readers than the window: the reader of a server which buffers without bound
 * would otherwise be measured by how fast the server can fill its memory.
 * After the time is up all that was sent must come, and counts, and so does
 * the time which that takes.
 */
#include "load.h"

#include <stddef.h>
#include <stdlib.h>

/* Without a text for so long, one is lost. */
#define PATIENCE_NS (UINT64_C(10) * 1000 * 1000 * 1000)

/* What all readers of one sender together may have waiting for them. */
#define WINDOW_ALL ((size_t)64 * 1024 * 1024)

/* A guess at what a protocol adds to a text, for counting the window. */
#define FRAMING 24

/* telld's line_max. */
#define TELLD_LINE_MAX 4096

struct flow {
	struct conn *sender;
	const uint64_t *got; /* by all readers */
	uint64_t readers;    /* those who read */
	uint64_t window;     /* in texts a reader */
};

static struct flow
flow_make(struct conn *sender, const uint64_t *got, size_t readers)
{
	struct load *l = sender->load;
	struct flow f = {.sender = sender, .got = got, .readers = readers};
	size_t bytes = l->window;

	if (bytes > WINDOW_ALL / readers)
		bytes = WINDOW_ALL / readers;
	f.window = bytes / (l->size + FRAMING);
	if (f.window == 0)
		f.window = 1;
	if (l->window == 0)
		f.window = UINT64_MAX;
	return f;
}

static uint64_t
flow_missing(const struct flow *f)
{
	return f->sender->out->filled * f->readers - *f->got;
}

/* A full batch, or a quarter of the window: not a write for every text. */
static void
flow_top_up(struct flow *f)
{
	struct batch *b = f->sender->out;
	uint64_t ahead = flow_missing(f) / f->readers, room, good;

	if (!batch_is_idle(b) || ahead >= f->window)
		return;
	room = f->window - ahead;
	if (room > b->capacity)
		room = b->capacity;
	good = f->window / 4 < b->capacity ? f->window / 4 : b->capacity;
	if (room >= good)
		conn_send(f->sender, (size_t)room);
}

static void
send_for(struct load *l, struct flow *f, size_t flows, uint64_t ns)
{
	uint64_t start = now_ns();

	while (now_ns() - start < ns) {
		for (size_t i = 0; i < flows; i++)
			flow_top_up(&f[i]);
		load_round(l, 10);
	}
}

/* All that was sent comes, and nothing else. */
static void
drain(struct load *l, struct flow *f, size_t flows)
{
	uint64_t last = now_ns(), got = l->got;

	for (size_t i = 0; i < flows;) {
		if (flow_missing(&f[i]) == 0) {
			i++;
			continue;
		}
		load_round(l, 100);
		if (l->got != got) {
			got = l->got;
			last = now_ns();
		} else if (now_ns() - last > PATIENCE_NS) {
			die("%s: %ju texts of %ju are lost", f[i].sender->name,
			    (uintmax_t)flow_missing(&f[i]),
			    (uintmax_t)(f[i].sender->out->filled *
					f[i].readers));
		}
	}
}

static void
run(struct load *l, struct flow *f, size_t flows)
{
	uint64_t start, got, cpu;
	double s, rate;

	send_for(l, f, flows, l->warm_ns);
	start = now_ns();
	got = l->got;
	cpu = cpu_ns();
	send_for(l, f, flows, l->run_ns);
	drain(l, f, flows);
	s = (double)(now_ns() - start) / 1e9;
	rate = (double)(l->got - got) / s;
	print_figure("texts_per_s", rate);
	print_figure(
	    "texts_a_reader_per_s", rate / (double)(flows * f[0].readers));
	print_figure("generator_cpu", (double)(cpu_ns() - cpu) / 1e9 / s);
}

/* Sender and reader next to each other, as a server of pairs has it. */
void
scen_stream(struct load *l)
{
	struct batch *batch = calloc(l->count, sizeof(*batch));
	struct flow *flow = calloc(l->count, sizeof(*flow));
	size_t idle = l->idle;

	if (batch == NULL || flow == NULL)
		die("out of memory");

	crowd_reserve(l, idle + 2 * l->count);
	crowd_enter(l, crowd_add(l, 'i', 0, idle), idle);
	for (unsigned i = 0; i < l->count; i++) {
		struct conn *s = crowd_add(l, 's', i, 1);
		struct conn *r = crowd_add(l, 'r', i, 1);

		batch_init(&batch[i], l->proto, i, r->name, l->size, SIZE_MAX);
		conn_expect(r, i);
		s->out = &batch[i];
		flow[i] = flow_make(s, &r->got, 1);
	}
	crowd_enter(l, l->conn + idle, 2 * l->count);
	run(l, flow, l->count);
	free(flow);
	free(batch);
}

static void
fan_batch(struct load *l, struct batch *b, struct conn *readers)
{
	bool rooms = l->proto != &proto_telld || !proto_telld_no_rooms;

	if (rooms && !l->names) {
		batch_init(b, l->proto, 0, l->proto->topic, l->size, SIZE_MAX);
		return;
	}
	print_figure("by_names", 1);
	batch_init_names(
	    b, l->proto, 0, readers, l->count, l->size, TELLD_LINE_MAX);
}

/* The stalled ones are spread evenly: every tenth, for 10 percent. */
static size_t
fan_stall(struct load *l, struct conn *readers)
{
	size_t live = 0;

	for (size_t i = 0; i < l->count; i++) {
		if (readers[i].stalls)
			conn_stall(&readers[i]);
		else
			live++;
	}
	if (live == 0)
		die("all readers stall");
	return live;
}

void
scen_fan(struct load *l)
{
	struct conn *s, *r;
	struct batch batch;
	struct flow flow;

	if (l->proto->topic == NULL)
		not_applicable("%s has no fan-out", l->proto->name);
	if (l->names && l->proto != &proto_telld)
		not_applicable("%s has no lists of names", l->proto->name);
	crowd_reserve(l, l->idle + l->count + 1);
	crowd_enter(l, crowd_add(l, 'i', 0, l->idle), l->idle);
	r = crowd_add(l, 'r', 0, l->count);
	s = crowd_add(l, 's', 0, 1);
	for (size_t i = 0; i < l->count; i++) {
		r[i].joins = !l->names;
		r[i].stalls = (i + 1) * l->stalled % 100 < l->stalled;
		conn_expect(&r[i], 0);
	}
	crowd_enter(l, r, l->count + 1);
	s->tolerant = l->stalled > 0;
	fan_batch(l, &batch, r);
	s->out = &batch;
	flow = flow_make(s, &l->got, fan_stall(l, r));
	run(l, &flow, 1);
}
