/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * What a session sends is read into one buffer that all peers share, and
 * carried out from there; only the beginning of a record that was cut off, and
 * the records of a peer that has to wait, are kept with the peer.  What it is
 * sent goes out with one write: the rest of the record begun, small records,
 * and all text that waits as one new record.
 */
#define _GNU_SOURCE
#include "peer.h"

#include "broker.h"
#include "control.h"
#include "greeting.h"
#include "leave.h"
#include "line.h"
#include "log.h"
#include "login.h"
#include "presence.h"
#include "receipt.h"
#include "route.h"
#include "wire.h"

#include <sys/socket.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READ_SIZE  (128 * 1024) /* one peer's share of a round */
#define RECORD_MAX (sizeof(struct record) + UP_LINES_MAX)
/* One record may begin with the last byte of credit; then INPUT_END. */
#define UNCARRIED_MAX (UP_CREDIT + RECORD_MAX + 64)
#define CREDIT_STEP   (UP_CREDIT / 4)

static char input[RECORD_MAX + READ_SIZE];

void
peer_touch(struct broker *b, struct peer *p)
{
	if (p->is_touched)
		return;
	p->is_touched = true;
	LIST_INSERT_HEAD(&b->touched, p, touched);
}

void
peer_pause(struct peer *p, enum peer_pause why, struct peer_list *list)
{
	p->pause = why;
	if (list == NULL || p->is_paused)
		return;
	p->is_paused = true;
	LIST_INSERT_HEAD(list, p, paused);
}

static void
unpause(struct peer *p)
{
	if (p->is_paused)
		LIST_REMOVE(p, paused);
	p->is_paused = false;
	p->pause = PAUSE_NOT;
}

void
peer_resume(struct broker *b, struct peer *p)
{
	unpause(p);
	if (p->pending_used == 0 || p->is_resumed)
		return;
	p->is_resumed = true;
	LIST_INSERT_HEAD(&b->resumed, p, resumed);
}

void
peers_resume(struct broker *b, struct peer_list *list)
{
	while (!LIST_EMPTY(list))
		peer_resume(b, LIST_FIRST(list));
}

void
peer_close(struct broker *b, struct peer *p)
{
	LIST_REMOVE(p, all);
	b->peer_count--;
	unpause(p);
	if (p->is_touched)
		LIST_REMOVE(p, touched);
	if (p->is_resumed)
		LIST_REMOVE(p, resumed);
	p->is_touched = p->is_resumed = false;
	timer_clear(&b->timers, &p->timer);
	poller_remove(b->poller, p->fd);
	close(p->fd);
	p->fd = -1;
	outbox_free(&p->out);
	outbox_free(&p->held);
	free(p->partial);
	free(p->pending);
	free(p->ignored);
	free(p->farewell);
	p->ignored = NULL;
	p->farewell = NULL;
	p->partial = p->pending = NULL;
}

void
peer_free(struct broker *b, struct peer *p)
{
	peer_forget_id(b, p);
	b->books_open--;
	free(p);
}

struct peer *
peer_by_id(const struct broker *b, uint64_t id)
{
	size_t slot = SESSION_SLOT(id);
	struct peer *p = slot < b->slot_count ? b->slots[slot] : NULL;

	return p != NULL && p->id == id ? p : NULL;
}

void
peer_forget_id(struct broker *b, const struct peer *p)
{
	if (peer_by_id(b, p->id) != NULL)
		b->slots[SESSION_SLOT(p->id)] = NULL;
}

static bool
remember_id(struct broker *b, struct peer *p)
{
	size_t slot = SESSION_SLOT(p->id), n = b->slot_count;
	struct peer **slots;

	if (slot >= n) {
		for (n = n > 0 ? n : 64; n <= slot;)
			n *= 2;
		slots = realloc(b->slots, n * sizeof(struct peer *));
		if (slots == NULL)
			return false;
		b->slots = slots;
		while (b->slot_count < n)
			slots[b->slot_count++] = NULL;
	}
	b->slots[slot] = p;
	return true;
}

const char *
peer_shown(const struct peer *p)
{
	static char shown[LOG_ESCAPED_SIZE(NAME_MAX_LEN)];

	if (p->name == NULL || p->state != PEER_HERE)
		return "-";
	log_escape(shown, sizeof shown, p->name->text, p->name->len);
	return shown;
}

void
peer_set_timer(struct broker *b, struct peer *p)
{
	const uint64_t by[] = {
	    p->login_by, p->answer_by, p->close_by, p->look_at};
	uint64_t at = 0;
	size_t i;

	for (i = 0; i < sizeof by / sizeof by[0]; i++)
		if (by[i] != 0 && (at == 0 || by[i] < at))
			at = by[i];
	if (at == 0)
		timer_clear(&b->timers, &p->timer);
	else if (!timer_is_set(&p->timer) || p->timer.at != at)
		timer_set(&b->timers, &p->timer, at);
}

struct peer *
peer_new(struct broker *b, int fd, const struct parent_session *session)
{
	struct peer *p = calloc(1, sizeof *p);

	if (p != NULL)
		p->id = session->id;
	if (p == NULL ||
	    !timers_reserve(
		&b->timers, b->peer_count + 1 + CONTROL_CLIENTS_MAX) ||
	    !remember_id(b, p) ||
	    poller_add(b->poller, fd, POLLER_READ, p) == -1) {
		if (p != NULL)
			peer_forget_id(b, p);
		free(p);
		close(fd);
		return NULL;
	}
	p->watch = WATCH_PEER;
	p->fd = fd;
	p->pid = session->pid;
	memcpy(p->address, session->address, sizeof p->address);
	p->address[sizeof p->address - 1] = '\0';
	p->interest = POLLER_READ;
	p->timer.owner = p;
	LIST_INSERT_HEAD(&b->peers, p, all);
	b->peer_count++;
	b->books_open++;
	b->counts.sessions++;
	return p;
}

void
peer_violation(struct broker *b, struct peer *p, const char *what)
{
	b->counts.violations++;
	log_warning("violation from=%s name=%s pid=%ld what=%s", p->address,
	    peer_shown(p), (long)p->pid, what);
	p->why = "violation";
	broker_kill(b, p);
}

/* ---- up ---- */

static void
carried(struct broker *b, struct peer *p, size_t bytes)
{
	p->uncarried -= bytes;
	p->credit_due += (uint32_t)bytes;
	if (p->credit_due >= CREDIT_STEP && !p->shut)
		peer_touch(b, p);
}

static bool
carry_line(struct broker *b, struct peer *p, const char *line, size_t len)
{
	if (!line_is_clean(line, len, b->config->line_max))
		return false;
	b->counts.lines++;
	p->heard = b->time;
	if (p->state == PEER_HERE)
		route_line(b, p, line, len);
	else
		login_line(b, p, line, len);
	return true;
}

/* Lines until they are used up or the peer has to wait: how many bytes, or -1
 * if one of them is not what a session may send. */
static ssize_t
carry_lines(struct broker *b, struct peer *p, const char *lines, size_t len)
{
	const char *at = lines, *end = lines + len, *lf;

	while (at < end && p->pause == PAUSE_NOT && !p->closing && !p->quit) {
		lf = memchr(at, '\n', (size_t)(end - at));
		if (lf == NULL || !carry_line(b, p, at, (size_t)(lf - at)))
			return -1;
		at = lf + 1;
	}
	return p->closing || p->quit ? (ssize_t)len : at - lines;
}

static void
say_refused(struct broker *b, struct peer *p, unsigned why)
{
	if (why == LINE_TOO_LONG)
		peer_say(b, p, "! line too long (limit %zu bytes)",
		    b->config->line_max);
	else if (why == LINE_NOT_UTF8)
		peer_say(b, p, "! not UTF-8");
	else
		peer_say(b, p, "! out of memory, send it again");
	if (p->state != PEER_HERE)
		login_bad(b, p);
}

/* Carries out one record; how many bytes of its payload, or -1. */
static ssize_t
carry_record(struct broker *b, struct peer *p, const struct record *r,
    const char *payload)
{
	ssize_t n = (ssize_t)r->length;

	switch (r->type) {
	case UP_LINES: n = carry_lines(b, p, payload, r->length); break;
	case UP_REFUSED: say_refused(b, p, (unsigned char)*payload); break;
	case UP_ARE_YOU_THERE: peer_say(b, p, "* telld is here"); break;
	default:
		p->input_ended = true;
		leave_if_done(b, p);
		break;
	}
	if (n == (ssize_t)r->length)
		carried(b, p, sizeof *r + r->length);
	else if (n > 0)
		carried(b, p, (size_t)n);
	return n;
}

/* A record, or what is left of one, for a peer that has to wait. */
static bool
put_off(struct peer *p, const struct record *r, const char *payload)
{
	size_t need = p->pending_used + sizeof *r + r->length;
	char *q;

	if (need > p->pending_size) {
		q = realloc(p->pending, need);
		if (q == NULL)
			return false;
		p->pending = q;
		p->pending_size = need;
	}
	memcpy(p->pending + p->pending_used, r, sizeof *r);
	if (r->length > 0)
		memcpy(p->pending + p->pending_used + sizeof *r, payload,
		    r->length);
	p->pending_used = need;
	return true;
}

static bool
carry_or_put_off(struct broker *b, struct peer *p, const struct record *r,
    const char *payload)
{
	struct record rest = *r;
	ssize_t n = 0;

	if (p->pause == PAUSE_NOT && p->pending_used == 0) {
		n = carry_record(b, p, r, payload);
		if (n == -1 || n == (ssize_t)r->length)
			return n != -1;
	}
	rest.length -= (uint32_t)n;
	return put_off(p, &rest, payload + n);
}

void
peer_carry_pending(struct broker *b, struct peer *p)
{
	char *pending = p->pending;
	size_t at = 0, used = p->pending_used;
	struct record r;

	if (p->is_resumed)
		LIST_REMOVE(p, resumed);
	p->is_resumed = false;
	p->pending = NULL;
	p->pending_used = p->pending_size = 0;
	while (at < used) {
		memcpy(&r, pending + at, sizeof r);
		at += sizeof r;
		if (!carry_or_put_off(b, p, &r, pending + at)) {
			peer_violation(b, p, "line");
			break;
		}
		at += r.length;
	}
	free(pending);
}

static const char *
check_record(const struct peer *p, const struct record *r, const char *payload)
{
	size_t len = r->length;

	switch (r->type) {
	case UP_CONFIRM: return len == sizeof(uint64_t) ? NULL : "confirm";
	case UP_PROBED: return len == 0 ? NULL : "probed";
	case UP_INPUT_END:
		return len == 0 && !p->input_ended ? NULL : "input-end";
	case UP_REFUSED: return len == 1 && !p->input_ended ? NULL : "refused";
	case UP_ARE_YOU_THERE:
		return len == 0 && !p->input_ended ? NULL : "are-you-there";
	case UP_SILENT: return len == 0 && !p->is_person ? NULL : "silent";
	case UP_LINES:
		if (len == 0 || p->input_ended || payload[len - 1] != '\n')
			return "lines";
		return NULL;
	default: return "record";
	}
}

static bool
on_record(struct broker *b, struct peer *p, const struct record *r,
    const char *payload)
{
	const char *wrong = check_record(p, r, payload);
	uint64_t position;

	if (wrong == NULL && r->type == UP_CONFIRM) {
		memcpy(&position, payload, sizeof position);
		if (!outbox_confirm(&p->out, position))
			wrong = "confirm";
		else
			leave_confirmed(b, p);
	} else if (wrong == NULL && r->type == UP_PROBED) {
		login_probed(b, p);
	} else if (wrong == NULL && r->type == UP_SILENT) {
		greeting_ask(b, p);
	} else if (wrong == NULL) {
		p->uncarried += sizeof *r + r->length;
		if (p->uncarried > UNCARRIED_MAX)
			wrong = "credit";
		else if (!carry_or_put_off(b, p, r, payload))
			wrong = "line";
	}
	if (wrong != NULL)
		peer_violation(b, p, wrong);
	return wrong == NULL;
}

/* Every whole record; what is left of the last one is kept. */
static void
understand(struct broker *b, struct peer *p, size_t used)
{
	struct record r;
	size_t at = 0;

	while (used - at >= sizeof r && !p->killed) {
		memcpy(&r, input + at, sizeof r);
		if (r.length > UP_LINES_MAX) {
			peer_violation(b, p, "length");
			return;
		}
		if (used - at - sizeof r < r.length)
			break;
		if (!on_record(b, p, &r, input + at + sizeof r))
			return;
		at += sizeof r + r.length;
	}
	if (used > at) {
		p->partial = malloc(used - at);
		if (p->partial == NULL) {
			peer_violation(b, p, "memory");
			return;
		}
		memcpy(p->partial, input + at, used - at);
		p->partial_used = used - at;
	}
}

void
peer_readable(struct broker *b, struct peer *p)
{
	size_t used = p->partial_used;
	ssize_t n;

	if (used > 0)
		memcpy(input, p->partial, used);
	n = recv(p->fd, input + used, READ_SIZE, 0);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		leave_gone(b, p);
		return;
	}
	free(p->partial);
	p->partial = NULL;
	p->partial_used = 0;
	/* Whom we have killed has nothing more to say; its end of file is
	 * still awaited, for that is how every peer goes. */
	if (!p->killed)
		understand(b, p, used + (size_t)n);
}

/* ---- down ---- */

static void
put_small(struct peer *p, uint32_t type, const void *payload, size_t len)
{
	struct record r = {type, (uint32_t)len};
	char *at = p->head + p->head_used;

	at = wire_put(at, &r, sizeof r);
	wire_put(at, payload, len);
	p->head_used = (uint8_t)(p->head_used + sizeof r + len);
}

/* The records that are due, and the header of a TEXT record for all that
 * waits and fits into the window. */
static void
compose(struct peer *p)
{
	size_t under_way = outbox_unconfirmed(&p->out) - outbox_unsent(&p->out);
	size_t n = outbox_unsent(&p->out);
	struct record r = {DOWN_TEXT, 0};

	p->head_at = p->head_used = 0;
	if (p->name_due)
		put_small(p, DOWN_NAME, p->name->text, p->name->len);
	if (p->probe_due)
		put_small(p, DOWN_PROBE, &p->probe_what, 1);
	if (p->end_input_due)
		put_small(p, DOWN_END_INPUT, NULL, 0);
	if (p->credit_due >= CREDIT_STEP) {
		put_small(p, DOWN_CREDIT, &p->credit_due, 4);
		p->credit_due = 0;
	}
	p->name_due = p->probe_due = p->end_input_due = false;
	if (n > DOWN_WINDOW - under_way)
		n = DOWN_WINDOW - under_way;
	if (n == 0)
		return;
	r.length = (uint32_t)n;
	wire_put(p->head + p->head_used, &r, sizeof r);
	p->head_used = (uint8_t)(p->head_used + sizeof r);
	p->frame_left = n;
}

static void
wrote(struct broker *b, struct peer *p, size_t n)
{
	size_t head = (size_t)(p->head_used - p->head_at);

	if (n < head) {
		p->head_at = (uint8_t)(p->head_at + n);
		return;
	}
	p->head_at = p->head_used = 0;
	n -= head;
	if (n > 0 && p->out.sent == p->out.confirmed)
		leave_watch(b, p);
	outbox_sent(&p->out, n);
	p->frame_left -= n;
}

static void
want(struct broker *b, struct peer *p, unsigned interest)
{
	if (p->interest == interest)
		return;
	p->interest = interest;
	poller_change(b->poller, p->fd, interest, p);
}

/* Everything that waits, as far as there is room: true if all is sent. */
static bool
send_waiting(struct broker *b, struct peer *p)
{
	struct iovec iov[3];
	struct msghdr m = {0};
	ssize_t n;
	size_t len;

	for (;;) {
		if (p->head_used == 0 && p->frame_left == 0)
			compose(p);
		iov[0].iov_base = p->head + p->head_at;
		iov[0].iov_len = (size_t)(p->head_used - p->head_at);
		m.msg_iov = iov;
		m.msg_iovlen = 1U + (size_t)outbox_unsent_span(
					&p->out, p->frame_left, iov + 1);
		len = iov[0].iov_len + p->frame_left;
		if (len == 0)
			return true;
		n = sendmsg(p->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n > 0)
			wrote(b, p, (size_t)n);
		/* A session that is gone is noticed by its end of file. */
		if (n == -1 || (size_t)n < len)
			return false;
	}
}

void
peer_flush(struct broker *b, struct peer *p)
{
	if (p->is_touched)
		LIST_REMOVE(p, touched);
	p->is_touched = false;
	if (p->closing)
		presence_leave(b, p);
	if (p->shut || p->killed) {
		want(b, p, POLLER_READ);
		return;
	}
	if (!send_waiting(b, p)) {
		want(b, p, POLLER_READ | POLLER_WRITE);
		return;
	}
	want(b, p, POLLER_READ);
	if (p->closing && outbox_unsent(&p->out) == 0)
		leave_half_close(b, p);
}

bool
peer_put_news(struct broker *b, struct peer *p, const char *line, size_t len)
{
	struct copy c = {.kind = COPY_NEWS};
	struct iovec iov = {(void *)(uintptr_t)line, len};

	peer_touch(b, p);
	return outbox_put(&p->out, &iov, 1, c);
}

void
peer_say(struct broker *b, struct peer *p, const char *fmt, ...)
{
	char line[1024];
	va_list ap;
	size_t len;
	int n;

	if (p->closing)
		return;
	va_start(ap, fmt);
	n = vsnprintf(line, sizeof line - 1, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	len = (size_t)n < sizeof line - 1 ? (size_t)n : sizeof line - 2;
	line[len++] = '\n';
	if (peer_put_news(b, p, line, len))
		leave_if_too_slow(b, p);
	else
		leave_begin(b, p, "memory");
}
