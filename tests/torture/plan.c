/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * The schedule is made before anything runs, from the seed alone: what is
 * done, to whom, when, for how long.  How far telld has got by then differs
 * from run to run; what happens to it does not.
 */
#include "torture.h"

#include <stdlib.h>

#define CALM_MS       500 /* at the beginning */
#define CLIENT_FAULTS 0.4 /* a second and a receiver */
#define STALL_MAX_MS  3000
#define AWAY_MAX_MS   2000

const char *const fault_names[FAULTS] = {"receiver's session",
    "sender's session", "store", "broker", "parent", "all", "stop", "stall",
    "reset", "vanish", "end", "quit", "sender's reset", "sender's end"};

/* How often, of those of its kind; in --gentle, where all that was accepted
 * must be found, what would make a sender uncertain is left out. */
static const struct {
	uint8_t rough, gentle;
} weights[FAULTS] = {
    [KILL_RECEIVER] = {34, 60},
    [KILL_SENDER] = {15, 0},
    [KILL_STORE] = {20, 40},
    [KILL_BROKER] = {12, 0},
    [KILL_PARENT] = {6, 0},
    [KILL_ALL] = {9, 0},
    [STOP] = {4, 0},
    [RECEIVER_STALLS] = {30, 30},
    [RECEIVER_RESETS] = {20, 20},
    [RECEIVER_VANISHES] = {8, 8},
    [RECEIVER_ENDS] = {12, 12},
    [RECEIVER_QUITS] = {10, 10},
    [SENDER_RESETS] = {8, 8},
    [SENDER_ENDS] = {12, 12},
};

/* splitmix64 */
uint64_t
random_next(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

uint32_t
random_below(uint64_t *state, uint32_t n)
{
	return (uint32_t)((random_next(state) >> 32) * n >> 32);
}

static uint8_t
weight(const struct torture *t, unsigned fault)
{
	return t->o.gentle ? weights[fault].gentle : weights[fault].rough;
}

static uint8_t
pick(const struct torture *t, uint64_t *random, unsigned from, unsigned to)
{
	uint32_t sum = 0, at;
	unsigned i;

	for (i = from; i < to; i++)
		sum += weight(t, i);
	at = random_below(random, sum);
	for (i = from; at >= weight(t, i); i++)
		at -= weight(t, i);
	return (uint8_t)i;
}

/* Faults from .. to, so many a second on average. */
static bool
add_steps(struct torture *t, uint64_t *random, unsigned from, unsigned to,
    double a_second)
{
	struct plan *p = &t->plan;
	uint32_t end = t->o.seconds * 1000, at = CALM_MS, gap;
	struct step *s;

	if (a_second <= 0)
		return true;
	gap = (uint32_t)(2000 / a_second) + 1;
	while ((at += random_below(random, gap) + 1) < end) {
		s = realloc(p->steps, (p->count + 1) * sizeof *s);
		if (s == NULL)
			return false;
		p->steps = s;
		s += p->count++;
		s->at = at;
		s->fault = pick(t, random, from, to);
		s->who = (uint16_t)random_below(random, 65536);
		s->arg = random_below(random,
		    s->fault == RECEIVER_STALLS ? STALL_MAX_MS : AWAY_MAX_MS);
	}
	return true;
}

static int
by_time(const void *a, const void *b)
{
	const struct step *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

bool
plan_make(struct torture *t)
{
	uint64_t random = t->o.seed;

	if (!add_steps(t, &random, 0, KILLS, t->o.kills) ||
	    !add_steps(
		t, &random, KILLS, FAULTS, CLIENT_FAULTS * t->o.receivers))
		return false;
	if (t->plan.count > 0)
		qsort(t->plan.steps, t->plan.count, sizeof *t->plan.steps,
		    by_time);
	return true;
}

void
plan_free(struct plan *p)
{
	free(p->steps);
}

/* ---- carrying it out ---- */

static bool
do_to_receiver(struct torture *t, const struct step *s)
{
	struct receiver *r = &t->receivers[s->who % t->o.receivers];

	if (r->state != HERE)
		return false;
	r->pause = s->arg;
	switch (s->fault) {
	case RECEIVER_STALLS: r->stalled_until = t->now + s->arg; break;
	case RECEIVER_RESETS:
	case RECEIVER_VANISHES:
		conn_silence(&r->conn);
		r->state = SILENT;
		r->at = t->now + 2;
		r->silence = s->fault == RECEIVER_VANISHES &&
		                     !r->conn.is_unix && r->ghost.fd == -1
		                 ? TO_VANISH
		                 : TO_RESET;
		break;
	case RECEIVER_ENDS:
		conn_half_close(&r->conn);
		r->state = ENDING;
		break;
	default: receiver_quit(r, s->arg); break;
	}
	event(t, "r%u: %s %u ms", r->index, fault_names[s->fault], s->arg);
	return true;
}

static bool
do_to_sender(struct torture *t, const struct step *s)
{
	struct sender *x = &t->senders[s->who % t->o.senders];

	if (x->state != HERE)
		return false;
	if (s->fault == SENDER_RESETS) {
		conn_reset(&x->conn);
		x->state = AWAY;
		x->at = t->now + s->arg / 4;
	} else {
		x->state = ENDING;
	}
	event(t, "s%u: %s", x->index, fault_names[s->fault]);
	return true;
}

static bool
carry_out(struct torture *t, const struct step *s)
{
	switch (s->fault) {
	case KILL_RECEIVER:
		return daemon_kill(t, ROLE_RECEIVER, s->who % t->o.receivers);
	case KILL_SENDER:
		return daemon_kill(t, ROLE_SENDER, s->who % t->o.senders);
	case KILL_STORE: return daemon_kill(t, ROLE_STORE, s->who);
	case KILL_BROKER: return daemon_kill(t, ROLE_BROKER, s->who);
	case KILL_PARENT:
	case KILL_ALL:
		return daemon_kill_parent(
		    t, s->fault == KILL_ALL, s->who % 2 == 0);
	case STOP: return daemon_stop(t);
	case SENDER_RESETS:
	case SENDER_ENDS: return do_to_sender(t, s);
	default: return do_to_receiver(t, s);
	}
}

void
plan_turn(struct torture *t)
{
	struct plan *p = &t->plan;
	const struct step *s;

	for (; p->next < p->count; p->next++) {
		s = &p->steps[p->next];
		if (s->at > t->now)
			return;
		if (t->faults_on && carry_out(t, s))
			p->done[s->fault]++;
	}
}
