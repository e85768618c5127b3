/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

#define _GNU_SOURCE
#include "leave.h"

#include "broker.h"
#include "log.h"
#include "login.h"
#include "mail.h"
#include "presence.h"
#include "receipt.h"
#include "route.h"
#include "session.h"

#include <sys/socket.h>
#include <sys/wait.h>

#include <stdio.h>
#include <string.h>

#define KILL_GRACE_MS 1000 /* beyond linger, for a session to notice */
#define WATCH_MS      5000 /* nothing confirmed for so long: is it alive? */

static uint64_t
linger(const struct broker *b)
{
	return (uint64_t)b->config->linger;
}

/* It is here no more, whatever is still to be done for it.  Once. */
static void
uncount(struct broker *b, struct peer *p)
{
	b->here_count -= p->is_counted;
	p->is_counted = false;
}

void
leave_begin(struct broker *b, struct peer *p, const char *why)
{
	if (p->closing)
		return;
	if (p->state == PEER_WAITING) {
		login_forget(b, p);
		p->state = PEER_NAMING;
	}
	p->closing = true;
	uncount(b, p);
	p->why = why;
	p->login_by = 0;
	/* When all must end, the broker sees to it that all does. */
	p->close_by = b->stopping ? 0 : b->now + linger(b);
	peer_set_timer(b, p);
	peer_touch(b, p);
}

static bool
is_done(const struct peer *p)
{
	return p->state != PEER_HERE ||
	       (p->receipts_open == 0 && !p->fetching && p->pending_used == 0);
}

void
leave_if_done(struct broker *b, struct peer *p)
{
	if (p->closing || !(p->input_ended || p->quit))
		return;
	if (is_done(p)) {
		if (p->quit)
			peer_say(b, p, "* bye");
		leave_begin(b, p, p->quit ? "quit" : "eof");
	} else if (p->close_by == 0) {
		p->close_by = b->now + linger(b);
		peer_set_timer(b, p);
	}
}

/*
 * One on the way out is sent no more, but what comes for it waits behind what
 * it may hand back, and would overtake it in the store.  When as much again
 * has come it is ended at once, and with it the wait.
 */
static void
end_now(struct broker *b, struct peer *p)
{
	if (p->killed)
		return;
	log_warning("kill name=%s from=%s pid=%ld why=queue_max", peer_shown(p),
	    p->address, (long)p->pid);
	broker_kill(b, p);
}

void
leave_if_too_slow(struct broker *b, struct peer *p)
{
	static const char too_slow[] = "! too slow\n";
	size_t cost = outbox_cost(&p->out) + outbox_cost(&p->held);

	if (p->closing && cost >= 2 * (size_t)b->config->queue_max)
		end_now(b, p);
	if (p->closing || cost < (size_t)b->config->queue_max)
		return;
	b->counts.too_slow++;
	log_info("limit name=%s from=%s key=queue_max waiting=%zu",
	    peer_shown(p), p->address, outbox_unconfirmed(&p->out));
	peer_put_news(b, p, too_slow, sizeof too_slow - 1);
	leave_begin(b, p, "slow");
}

void
leave_half_close(struct broker *b, struct peer *p)
{
	shutdown(p->fd, SHUT_WR);
	p->shut = true;
	p->close_by = b->stopping ? 0 : b->now + linger(b) + KILL_GRACE_MS;
	peer_set_timer(b, p);
	log_debug("half-close name=%s from=%s why=%s", peer_shown(p),
	    p->address, p->why);
}

/* ---- confirmations ---- */

static void
settle(struct broker *b, struct peer *p, const struct copy *c)
{
	if (c->kind == COPY_LIVE) {
		ledger_delivered(&b->ledger);
		receipt_settle(b, c->u.receipt, RECEIPT_DELIVERED, NULL);
	} else if (c->kind == COPY_MAIL) {
		mailroom_done(b, p->name, c->u.id);
	}
}

void
leave_watch(struct broker *b, struct peer *p)
{
	p->moved_at = b->now;
	if (p->look_at != 0)
		return;
	p->look_at = b->now + WATCH_MS;
	peer_set_timer(b, p);
}

/* Who ends slowly but gets on is given more time, unless all must end, or
 * somebody waits for the name: who will be sent the rest of it. */
static void
extend(struct broker *b, struct peer *p)
{
	if (p->close_by == 0 || b->stopping)
		return;
	if (p->name != NULL && p->name->waiters != NULL)
		return;
	p->close_by = b->now + linger(b) + (p->shut ? KILL_GRACE_MS : 0);
	peer_set_timer(b, p);
}

void
leave_confirmed(struct broker *b, struct peer *p)
{
	struct iovec iov[2];
	struct copy c;
	bool seen;

	while (outbox_take(&p->out, false, &c, iov, &seen))
		settle(b, p, &c);
	p->moved_at = b->now;
	extend(b, p);
	if (outbox_unsent(&p->out) > 0)
		peer_touch(b, p);
	if (!LIST_EMPTY(&p->writers) && !route_is_crowded(b, p))
		peers_resume(b, &p->writers);
	mailroom_fetch_more(b, p);
}

/* ---- the give-back ---- */

/* A message as its reader would have seen it, taken apart again.  Names hold
 * neither blanks nor colons, so its head can be read in one way only. */
static void
take_apart(const struct copy *c, const char *text, struct mail *m)
{
	const char *at = text + strlen("from "), *end = text + c->head;
	const char *stop = at;

	while (*stop != ':' && *stop != ' ')
		stop++;
	m->from = at;
	m->from_len = (uint8_t)(stop - at);
	m->room = "";
	m->room_len = 0;
	if (*stop == ' ') {
		m->room = stop + strlen(" in ");
		m->room_len = (uint8_t)(end - strlen(": ") - m->room);
	}
	m->time = c->time;
	m->text = end;
	m->text_len = c->len - c->head - 1U;
}

void
leave_hand_back(struct broker *b, struct peer *p, const struct copy *c,
    const struct iovec iov[2], bool seen)
{
	static char whole[ROUTE_LINE_MAX];
	struct mail m = {0};

	memcpy(whole, iov[0].iov_base, iov[0].iov_len);
	memcpy(whole + iov[0].iov_len, iov[1].iov_base, iov[1].iov_len);
	take_apart(c, whole, &m);
	m.flags = seen ? MAIL_AGAIN : 0;
	if (!mailroom_add(b, p->name, &m, true, c->u.receipt))
		log_error("fail what=memory lost=1 name=%s", peer_shown(p));
	p->returned++;
}

/* Mail is still in the store, which only needs to hear how much of it may
 * have been seen. */
static void
give_back(struct broker *b, struct peer *p, struct outbox *o, uint64_t *mark)
{
	struct iovec iov[2];
	struct copy c;
	bool seen;

	while (outbox_take(o, true, &c, iov, &seen)) {
		if (c.kind == COPY_LIVE)
			leave_hand_back(b, p, &c, iov, seen);
		if (c.kind == COPY_MAIL && (seen || c.again))
			*mark = c.position;
	}
}

/* ---- removal ---- */

static const char *
ending(const struct peer *p)
{
	static char text[32];

	if (!p->pid_reaped)
		return "-";
	if (WIFSIGNALED(p->pid_status)) {
		snprintf(
		    text, sizeof text, "signal-%d", WTERMSIG(p->pid_status));
		return text;
	}
	return session_exit_name(WEXITSTATUS(p->pid_status));
}

/* Both have happened: end of file, and the parent's waitpid(2). */
static void
close_books(struct broker *b, struct peer *p)
{
	log_info("end name=%s from=%s why=%s session=%s returned=%u",
	    p->shown[0] != '\0' ? p->shown : "-", p->address,
	    p->why != NULL ? p->why : "lost", ending(p), p->returned);
	peer_free(b, p);
}

static void
leave_name(struct broker *b, struct peer *p)
{
	struct name *name = p->name;
	uint64_t mark = 0;

	give_back(b, p, &p->out, &mark);
	give_back(b, p, &p->held, &mark);
	if (p->fetched_any)
		mailroom_left(b, name, mark);
	snprintf(p->shown, sizeof p->shown, "%s", peer_shown(p));
	name->peer = NULL;
	p->name = NULL;
	login_freed(b, name);
	names_release(&b->names, name);
}

void
leave_gone(struct broker *b, struct peer *p)
{
	/* What it sent before it went is carried out, without any wait. */
	p->gone = true;
	p->pause = PAUSE_NOT;
	if (p->state == PEER_HERE && !p->killed && !p->closing)
		peer_carry_pending(b, p);
	p->closing = true;
	uncount(b, p);
	presence_leave(b, p);
	receipts_orphan(p);
	peers_resume(b, &p->writers);
	if (p->state == PEER_WAITING)
		login_forget(b, p);
	else if (p->state == PEER_HERE)
		leave_name(b, p);
	peer_close(b, p);
	if (p->pid_reaped || b->parent_gone)
		close_books(b, p);
	else
		broker_gone(b, p);
}

void
leave_exited(struct broker *b, const struct parent_exited *exited)
{
	struct peer *p = peer_by_id(b, exited->id);

	if (p == NULL)
		return;
	p->pid_reaped = true;
	p->pid_status = exited->status;
	peer_forget_id(b, p);
	if (p->fd == -1)
		close_books(b, p);
}

/* ---- deadlines ---- */

static void
look(struct broker *b, struct peer *p)
{
	uint64_t still = b->now - p->moved_at;

	p->look_at = 0;
	peers_resume(b, &p->writers);
	if (outbox_unconfirmed(&p->out) == 0) {
		outbox_shrink(&p->out);
		outbox_trim(&p->held);
		return;
	}
	p->look_at = b->now + WATCH_MS;
	if (still >= WATCH_MS)
		login_probe(b, p, PROBE_SESSION);
}

static void
close_overdue(struct broker *b, struct peer *p)
{
	p->close_by = 0;
	if (!p->closing) {
		leave_begin(b, p, "eof");
	} else if (!p->shut) {
		leave_half_close(b, p);
	} else {
		log_warning("kill name=%s from=%s pid=%ld why=linger",
		    peer_shown(p), p->address, (long)p->pid);
		broker_kill(b, p);
	}
}

void
leave_tick(struct broker *b, struct peer *p)
{
	if (p->look_at != 0 && b->now >= p->look_at)
		look(b, p);
	if (p->login_by != 0 && b->now >= p->login_by) {
		log_info("limit from=%s key=login_timeout", p->address);
		peer_say(b, p, "! no name for %lld s, good bye",
		    (long long)(b->config->login_timeout / 1000));
		leave_begin(b, p, "login");
	}
	if (p->answer_by != 0 && b->now >= p->answer_by) {
		p->answer_by = 0;
		log_warning("kill name=%s from=%s pid=%ld why=no-answer",
		    peer_shown(p), p->address, (long)p->pid);
		broker_kill(b, p);
	}
	if (p->close_by != 0 && b->now >= p->close_by)
		close_overdue(b, p);
	peer_set_timer(b, p);
}
