/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * The role's loop, and what the parent has to say.  What the events of a
 * round mean is decided in the parts that broker.h lists.
 */
#define _GNU_SOURCE
#include "broker.h"

#include "control.h"
#include "leave.h"
#include "log.h"
#include "login.h"
#include "process.h"
#include "signals.h"
#include "title.h"
#include "wire.h"

#include <sys/wait.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define EVENTS_MAX    512
#define HURRY_MS      200  /* for all that is left, after a second signal */
#define STORE_LAST_MS 2000 /* for the store's last sync, beyond linger */

void
broker_kill(struct broker *b, struct peer *p)
{
	struct broker_kill k = {p->id, (int32_t)p->pid, 0};

	if (p->killed)
		return;
	p->killed = true;
	b->counts.killed++;
	/* Nobody is left who could: that succeeds if we are its user. */
	if (b->parent_gone)
		kill(p->pid, SIGKILL);
	else
		channel_put(&b->parent, BROKER_KILL, &k, sizeof k);
}

void
broker_gone(struct broker *b, const struct peer *p)
{
	int32_t pid = (int32_t)p->pid;

	channel_put(&b->parent, BROKER_GONE, &pid, sizeof pid);
}

/* ---- the parent ---- */

static void
on_session(struct broker *b, const struct parent_session *session)
{
	int fd = b->parent.passed;
	struct peer *p;

	b->parent.passed = -1;
	if (fd == -1) {
		log_error("violation from=parent record=session");
		return;
	}
	if (b->stopping) {
		close(fd);
		return;
	}
	p = peer_new(b, fd, session);
	if (p == NULL) {
		log_error("fail what=memory from=%s", session->address);
		return;
	}
	p->login_by = b->now + (uint64_t)b->config->login_timeout;
	peer_set_timer(b, p);
	log_debug("accept from=%s pid=%ld", p->address, (long)p->pid);
}

/*
 * The end begins: what clients have sent so far is still carried out, which
 * is why their sessions are told to read what is there, and no more.
 */
static void
begin_stop(struct broker *b, uint64_t ms)
{
	struct peer *p;

	if (b->stopping) {
		b->stop_by = b->now + HURRY_MS;
		b->stop_at_half = b->now;
		return;
	}
	log_info(
	    "stop ms=%llu peers=%zu", (unsigned long long)ms, b->peer_count);
	b->stopping = true;
	b->stop_by = b->now + ms;
	b->stop_at_half = b->now + ms / 2;
	LIST_FOREACH(p, &b->peers, all) {
		if (p->state != PEER_HERE) {
			leave_begin(b, p, "stop");
			continue;
		}
		peer_say(b, p, "* telld is going down");
		p->end_input_due = true;
		peer_touch(b, p);
	}
}

static bool
on_parent_record(struct broker *b, const struct record *r, const char *payload)
{
	struct parent_session session;
	struct parent_exited exited;
	uint32_t ms;

	switch (r->type) {
	case PARENT_SESSION:
		if (r->length != sizeof session)
			return false;
		memcpy(&session, payload, sizeof session);
		on_session(b, &session);
		return true;
	case PARENT_EXITED:
		if (r->length != sizeof exited)
			return false;
		memcpy(&exited, payload, sizeof exited);
		leave_exited(b, &exited);
		return true;
	case PARENT_STOP:
		if (r->length != sizeof ms)
			return false;
		memcpy(&ms, payload, sizeof ms);
		begin_stop(b, ms);
		return true;
	default: return false;
	}
}

static void
orphaned(struct broker *b)
{
	log_error("fail what=parent");
	b->parent_gone = true;
	poller_remove(b->poller, b->parent.fd);
	channel_close(&b->parent);
	/* The next telld may already wait for that; it waits for the journal's
	 * lock as well, until we have gone. */
	control_close(b);
	if (!b->stopping)
		begin_stop(b, (uint64_t)b->config->linger);
}

static void
on_parent(struct broker *b)
{
	enum channel_state state, sense;
	struct record r;
	const char *payload;

	state = channel_fill(&b->parent);
	while (channel_next(&b->parent, &r, &payload, &sense))
		if (!on_parent_record(b, &r, payload))
			bug("record from=parent type=%u length=%u", r.type,
			    r.length);
	if (state != CHANNEL_OPEN || sense != CHANNEL_OPEN)
		orphaned(b);
}

static void
tell_parent(struct broker *b)
{
	unsigned interest = POLLER_READ;

	if (b->parent_gone)
		return;
	if (b->mailroom.ready && !b->ready) {
		b->ready = true;
		channel_put(&b->parent, BROKER_READY, NULL, 0);
	}
	if (channel_waiting(&b->parent) == 0 && b->parent_interest == interest)
		return;
	(void)channel_flush(&b->parent);
	if (channel_waiting(&b->parent) > 0)
		interest |= POLLER_WRITE;
	if (interest != b->parent_interest)
		poller_change(
		    b->poller, b->parent.fd, interest, &b->parent_watch);
	b->parent_interest = interest;
}

/* ---- the loop ---- */

static void
on_signals(struct broker *b)
{
	int status;
	pid_t pid;

	while (signals_next(NULL) != 0)
		;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		mailroom_reaped(b, pid, status);
}

static void
dispatch(struct broker *b, const struct poller_event *e)
{
	struct peer *p;

	switch (*(const enum watch *)e->owner) {
	case WATCH_PARENT: on_parent(b); break;
	case WATCH_STORE: mailroom_event(b, e->events); break;
	case WATCH_SIGNALS: on_signals(b); break;
	case WATCH_CONTROL: control_accept(b); break;
	case WATCH_CONTROL_CLIENT: control_event(b, e->owner, e->events); break;
	case WATCH_PEER:
		p = e->owner;
		if (e->events & POLLER_WRITE)
			peer_touch(b, p);
		if (e->events & (POLLER_READ | POLLER_HUP))
			peer_readable(b, p);
		break;
	}
}

static void
fire_timers(struct broker *b)
{
	struct timer *t;

	while ((t = timers_due(&b->timers, b->now)) != NULL) {
		if (*(const enum watch *)t->owner == WATCH_PEER)
			leave_tick(b, t->owner);
		else
			control_event(b, t->owner, 0);
	}
}

/* Those who have to wait again go into other lists: each is carried on with
 * once a round. */
static void
carry_resumed(struct broker *b)
{
	struct peer_list now = b->resumed;
	struct peer *p;

	LIST_INIT(&b->resumed);
	if (!LIST_EMPTY(&now))
		LIST_FIRST(&now)->resumed.le_prev = &LIST_FIRST(&now);
	while ((p = LIST_FIRST(&now)) != NULL) {
		peer_carry_pending(b, p);
		leave_if_done(b, p);
	}
}

static void
flush_touched(struct broker *b)
{
	while (!LIST_EMPTY(&b->touched))
		peer_flush(b, LIST_FIRST(&b->touched));
}

static _Noreturn void
end(struct broker *b)
{
	log_info("stopped delivered=%llu stored=%llu in_flight=%llu",
	    (unsigned long long)b->ledger.delivered,
	    (unsigned long long)b->ledger.stored,
	    (unsigned long long)b->ledger.in_flight);
	control_close(b);
	/* A store that is stopped, or waits for its disk, would be left. */
	if (!mailroom_is_closed(b))
		kill(b->mailroom.pid, SIGKILL);
	_exit(0);
}

/* Half of the time is for what comes in, half for what goes out. */
static void
go_on_stopping(struct broker *b)
{
	struct peer *p;

	if (b->now >= b->stop_at_half && !b->input_over) {
		b->input_over = true;
		LIST_FOREACH(p, &b->peers, all)
			leave_begin(b, p, "stop");
		flush_touched(b);
	}
	while (b->now >= b->stop_by && (p = LIST_FIRST(&b->peers)) != NULL) {
		broker_kill(b, p);
		leave_gone(b, p);
	}
	/* The parent has yet to say how the last sessions ended. */
	if (!LIST_EMPTY(&b->peers) ||
	    (b->books_open > 0 && b->now < b->stop_by && !b->parent_gone))
		return;
	if (mailroom_is_settled(b) || b->now >= b->stop_by + STORE_LAST_MS)
		mailroom_close(b);
	if (mailroom_is_closed(b) || b->now >= b->stop_by + 2 * STORE_LAST_MS)
		end(b);
}

static int
timeout(const struct broker *b)
{
	int ms = timers_wait(&b->timers, b->now);
	int store = mailroom_wait(b);

	if (!LIST_EMPTY(&b->resumed))
		return 0;
	if (store != -1 && (ms == -1 || store < ms))
		ms = store;
	if (b->stopping && (ms == -1 || ms > 50))
		ms = 50;
	return ms;
}

static void
round_of(struct broker *b)
{
	static struct poller_event events[EVENTS_MAX];
	int i, n;

	n = poller_wait(b->poller, events, EVENTS_MAX, timeout(b));
	if (n == -1)
		fatal("fail what=poller error=%s", strerror(errno));
	b->now = timer_now();
	b->time = (uint32_t)time(NULL);
	for (i = 0; i < n; i++)
		dispatch(b, &events[i]);
	fire_timers(b);
	carry_resumed(b);
	flush_touched(b);
	if (b->stopping)
		go_on_stopping(b);
	mailroom_round(b);
	tell_parent(b);
}

static enum poller_kind
poller_kind(const struct config *c)
{
	switch (c->poller) {
	case CONFIG_POLLER_POLL: return POLLER_POLL;
	case CONFIG_POLLER_EPOLL: return POLLER_EPOLL;
	case CONFIG_POLLER_AUTO: break;
	}
	return POLLER_AUTO;
}

static void
watch_fd(struct broker *b, int fd, enum watch *watch, enum watch what)
{
	*watch = what;
	if (poller_add(b->poller, fd, POLLER_READ, watch) == -1)
		fatal("fail what=poller error=%s", strerror(errno));
}

static void
name_host(struct broker *b)
{
	if (gethostname(b->host, sizeof b->host - 1) == -1 ||
	    b->host[0] == '\0')
		snprintf(b->host, sizeof b->host, "localhost");
}

void
broker_run(const struct broker_start *start)
{
	static const int caught[] = {SIGCHLD};
	static struct broker b;
	int keep[3] = {start->parent, start->control, start->lock};
	int signals;

	process_keep_only(keep, 3);
	log_role("broker");
	title_set("broker");
	signals = signals_open(caught, 1);
	b.config = start->config;
	b.lock = start->lock;
	b.poller = poller_new(poller_kind(b.config));
	if (signals == -1 || b.poller == NULL || !names_init(&b.names))
		fatal("fail what=start error=%s", strerror(errno));
	rooms_init(&b.rooms, &b.names);
	name_host(&b);
	b.now = timer_now();
	b.time = (uint32_t)time(NULL);
	channel_init(&b.parent, start->parent);
	b.parent_interest = POLLER_READ;
	watch_fd(&b, start->parent, &b.parent_watch, WATCH_PARENT);
	watch_fd(&b, signals, &b.signals_watch, WATCH_SIGNALS);
	control_open(&b, start->control);
	mailroom_init(&b);
	mailroom_open(&b);
	for (;;)
		round_of(&b);
}
