/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

#define _GNU_SOURCE
#include "control.h"

#include "broker.h"
#include "leave.h"
#include "log.h"
#include "utc.h"
#include "version.h"

#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REQUEST_MAX 256
#define ANSWER_MAX  (16 * 1024 * 1024) /* bytes kept for one client */

struct control_client {
	enum watch watch; /* WATCH_CONTROL_CLIENT */
	int fd;           /* -1: free */
	uint64_t ticket;  /* identity, for answers that come later */
	char request[REQUEST_MAX];
	size_t request_len;
	char *answer; /* owned */
	size_t answer_at, answer_len, answer_size;
	bool complete; /* closes once the answer is written */
	struct timer timer;
};

struct control {
	enum watch watch; /* WATCH_CONTROL */
	int fd;
	uint64_t tickets;
	struct control_client clients[CONTROL_CLIENTS_MAX];
};

/* ---- answers ---- */

static bool
answer_room(struct control_client *c, size_t len)
{
	size_t size = c->answer_size > 0 ? c->answer_size : 4096;
	char *p;

	while (size < c->answer_len + len)
		size *= 2;
	if (size > ANSWER_MAX)
		return false;
	if (size == c->answer_size)
		return true;
	p = realloc(c->answer, size);
	if (p == NULL)
		return false;
	c->answer = p;
	c->answer_size = size;
	return true;
}

static void
answer_text(struct control_client *c, const char *text, size_t len)
{
	if (!answer_room(c, len))
		return;
	memcpy(c->answer + c->answer_len, text, len);
	c->answer_len += len;
}

static void answer(struct control_client *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
answer(struct control_client *c, const char *fmt, ...)
{
	char line[512];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof line - 1, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	if ((size_t)n > sizeof line - 2)
		n = (int)sizeof line - 2;
	line[n++] = '\n';
	answer_text(c, line, (size_t)n);
}

static void
drop(struct broker *b, struct control_client *c)
{
	timer_clear(&b->timers, &c->timer);
	poller_remove(b->poller, c->fd);
	close(c->fd);
	free(c->answer);
	*c = (struct control_client){.watch = WATCH_CONTROL_CLIENT, .fd = -1};
}

static void
flush(struct broker *b, struct control_client *c)
{
	ssize_t n;

	while (c->answer_at < c->answer_len) {
		n = send(c->fd, c->answer + c->answer_at,
		    c->answer_len - c->answer_at, MSG_NOSIGNAL);
		if (n == -1 && errno == EAGAIN) {
			poller_change(b->poller, c->fd, POLLER_WRITE, c);
			return;
		}
		if (n == -1) {
			drop(b, c);
			return;
		}
		c->answer_at += (size_t)n;
	}
	c->answer_at = c->answer_len = 0;
	if (c->complete)
		drop(b, c);
	else
		poller_change(b->poller, c->fd, 0, c);
}

/* ---- what can be asked ---- */

static bool
no_argument(struct control_client *c, const char *args, size_t len)
{
	(void)args;
	if (len == 0)
		return true;
	answer(c, "2");
	answer(c, "this command takes no argument");
	return false;
}

static void
run_who(
    struct broker *b, struct control_client *c, const char *args, size_t len)
{
	char when[UTC_TEXT_MAX];
	struct peer *p;

	if (!no_argument(c, args, len))
		return;
	answer(c, "0");
	LIST_FOREACH(p, &b->peers, all) {
		if (p->state != PEER_HERE)
			continue;
		utc_format(p->since, when);
		answer(c, "%-20s since %s from %s pid %ld", peer_shown(p), when,
		    p->address, (long)p->pid);
	}
}

static void
run_queues(
    struct broker *b, struct control_client *c, const char *args, size_t len)
{
	struct peer *p;

	if (!no_argument(c, args, len))
		return;
	answer(c, "0");
	LIST_FOREACH(p, &b->peers, all) {
		if (outbox_unconfirmed(&p->out) == 0 &&
		    p->held.copies_count == 0 && p->pause == PAUSE_NOT)
			continue;
		answer(c,
		    "%-20s unsent %zu unconfirmed %zu held %u still_ms %llu "
		    "paused %d closing %d",
		    peer_shown(p), outbox_unsent(&p->out),
		    outbox_unconfirmed(&p->out), p->held.copies_count,
		    (unsigned long long)(b->now - p->moved_at), (int)p->pause,
		    (int)p->closing);
	}
}

static void
answer_ledger(struct control_client *c, const struct ledger *l)
{
	answer(c, "accepted  %llu", (unsigned long long)l->accepted);
	answer(c, "restored  %llu", (unsigned long long)l->restored);
	answer(c, "delivered %llu", (unsigned long long)l->delivered);
	answer(c, "stored    %llu", (unsigned long long)l->stored);
	answer(c, "in_flight %llu", (unsigned long long)l->in_flight);
	answer(c, "expired   %llu", (unsigned long long)l->expired);
	answer(c, "refused   %llu", (unsigned long long)l->refused);
}

static uint64_t
count_live(const struct outbox *o)
{
	uint64_t n = 0;
	uint32_t i;

	for (i = 0; i < o->copies_count; i++)
		n += o->copies[(o->copies_first + i) & (o->copies_size - 1)]
		         .kind == COPY_LIVE;
	return n;
}

/* Counts anew what is really there, and compares it with the books. */
static void
run_audit(
    struct broker *b, struct control_client *c, const char *args, size_t len)
{
	const struct name *name = NULL;
	uint64_t in_flight = 0, stored = 0;
	struct peer *p;
	bool right;

	if (!no_argument(c, args, len))
		return;
	LIST_FOREACH(p, &b->peers, all)
		in_flight += count_live(&p->out) + count_live(&p->held);
	while ((name = names_next(&b->names, name)) != NULL) {
		in_flight += name->adds;
		stored += name->mails;
	}
	right = ledger_balances(&b->ledger) &&
	        in_flight == b->ledger.in_flight && stored == b->ledger.stored;
	answer(c, right ? "0" : "1");
	answer_ledger(c, &b->ledger);
	answer(c, "counted   %llu stored, %llu in_flight",
	    (unsigned long long)stored, (unsigned long long)in_flight);
	answer(c, right ? "the books balance" : "THE BOOKS DO NOT BALANCE");
}

static void
run_stats(
    struct broker *b, struct control_client *c, const char *args, size_t len)
{
	if (!no_argument(c, args, len))
		return;
	answer(c, "0");
	answer(c, "sessions  %llu", (unsigned long long)b->counts.sessions);
	answer(c, "peers     %zu", b->peer_count);
	answer(c, "here      %zu", b->here_count);
	answer(c, "lines     %llu", (unsigned long long)b->counts.lines);
	answer(c, "too_slow  %llu", (unsigned long long)b->counts.too_slow);
	answer(c, "killed    %llu", (unsigned long long)b->counts.killed);
	answer(c, "violation %llu", (unsigned long long)b->counts.violations);
	answer(c, "names     %zu", b->names.known);
	answer(c, "poller    %s", poller_name(b->poller));
	answer_ledger(c, &b->ledger);
}

static void
run_kick(
    struct broker *b, struct control_client *c, const char *args, size_t len)
{
	struct name *name = names_find(&b->names, args, len);

	if (name == NULL || name->peer == NULL) {
		answer(c, "1");
		answer(c, "%.*s is not here", (int)len, args);
		return;
	}
	peer_say(b, name->peer, "! you were removed by the administrator");
	leave_begin(b, name->peer, "kick");
	answer(c, "0");
}

static void
run_mail(
    struct broker *b, struct control_client *c, const char *args, size_t len)
{
	if (!mailroom_list(b, c->ticket, args, len)) {
		answer(c, "1");
		answer(c, "the store does not answer");
		return;
	}
	answer(c, "0");
	c->complete = false;
}

static void
run_stop(
    struct broker *b, struct control_client *c, const char *args, size_t len)
{
	if (!no_argument(c, args, len))
		return;
	channel_put(&b->parent, BROKER_STOP, NULL, 0);
	answer(c, "0");
}

static void
run_version(
    struct broker *b, struct control_client *c, const char *args, size_t len)
{
	(void)b;
	if (!no_argument(c, args, len))
		return;
	answer(c, "0");
	answer(c, "telld %s", TELLD_VERSION);
}

static const struct {
	const char *word;
	void (*run)(struct broker *b, struct control_client *c,
	    const char *args, size_t len);
} commands[] = {
    {"audit", run_audit},
    {"kick", run_kick},
    {"mail", run_mail},
    {"queues", run_queues},
    {"stats", run_stats},
    {"stop", run_stop},
    {"version", run_version},
    {"who", run_who},
};

static void
run(struct broker *b, struct control_client *c, char *line)
{
	char *args = strchr(line, ' ');
	size_t i;

	if (args != NULL)
		*args++ = '\0';
	else
		args = line + strlen(line);
	c->complete = true;
	for (i = 0; i < sizeof commands / sizeof commands[0]; i++)
		if (strcmp(commands[i].word, line) == 0) {
			commands[i].run(b, c, args, strlen(args));
			return;
		}
	answer(c, "2");
	answer(c, "no such command");
}

/* ---- its clients ---- */

void
control_open(struct broker *b, int fd)
{
	struct control *control;
	size_t i;

	if (fd == -1)
		return;
	control = calloc(1, sizeof *control);
	if (control == NULL ||
	    !timers_reserve(&b->timers, CONTROL_CLIENTS_MAX) ||
	    poller_add(b->poller, fd, POLLER_READ, control) == -1)
		fatal("fail what=control error=%s", strerror(errno));
	control->watch = WATCH_CONTROL;
	control->fd = fd;
	for (i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		control->clients[i].fd = -1;
		control->clients[i].watch = WATCH_CONTROL_CLIENT;
	}
	b->control = control;
}

void
control_close(struct broker *b)
{
	size_t i;

	if (b->control == NULL)
		return;
	for (i = 0; i < CONTROL_CLIENTS_MAX; i++)
		if (b->control->clients[i].fd != -1)
			drop(b, &b->control->clients[i]);
	poller_remove(b->poller, b->control->fd);
	close(b->control->fd);
	free(b->control);
	b->control = NULL;
}

/* The place of the one that has been there longest, if none is free. */
static struct control_client *
place(struct broker *b)
{
	struct control_client *c, *oldest = b->control->clients;
	size_t i;

	for (i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		c = &b->control->clients[i];
		if (c->fd == -1)
			return c;
		if (c->ticket < oldest->ticket)
			oldest = c;
	}
	drop(b, oldest);
	return oldest;
}

void
control_accept(struct broker *b)
{
	int fd = accept(b->control->fd, NULL, NULL);
	struct control_client *c;

	if (fd == -1)
		return;
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	c = place(b);
	if (poller_add(b->poller, fd, POLLER_READ, c) == -1) {
		close(fd);
		return;
	}
	c->fd = fd;
	c->ticket = ++b->control->tickets;
	c->timer.owner = c;
	timer_set(&b->timers, &c->timer, b->now + CONTROL_PATIENCE_MS);
}

static void
read_request(struct broker *b, struct control_client *c)
{
	ssize_t n = recv(c->fd, c->request + c->request_len,
	    REQUEST_MAX - 1 - c->request_len, 0);
	char *lf;

	if (n == -1 && errno == EAGAIN)
		return;
	if (n <= 0) {
		drop(b, c);
		return;
	}
	c->request_len += (size_t)n;
	c->request[c->request_len] = '\0';
	lf = strchr(c->request, '\n');
	if (lf == NULL && c->request_len < REQUEST_MAX - 1)
		return;
	if (lf != NULL)
		*lf = '\0';
	run(b, c, c->request);
	flush(b, c);
}

void
control_event(struct broker *b, void *owner, unsigned events)
{
	struct control_client *c = owner;

	if (c->fd == -1)
		return;
	if (events & POLLER_READ)
		read_request(b, c);
	else if (events & POLLER_WRITE)
		flush(b, c);
	else
		drop(b, c);
}

void
control_listing(
    struct broker *b, uint64_t ticket, const char *text, size_t len, bool last)
{
	struct control_client *c;
	size_t i;

	for (i = 0; b->control != NULL && i < CONTROL_CLIENTS_MAX; i++) {
		c = &b->control->clients[i];
		if (c->fd == -1 || c->ticket != ticket)
			continue;
		answer_text(c, text, len);
		c->complete = last;
		flush(b, c);
		return;
	}
}
