/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * Requests stand in an outbox, the same ring that keeps a client's text until
 * it is confirmed, because it is the same problem: bytes that may have to be
 * sent again, with a record of what each piece means.  The store confirms by
 * number; when it dies the ring is rewound, and the next one is sent all of
 * it, which the ids of the copies make harmless.
 */
#define _GNU_SOURCE
#include "mailroom.h"

#include "broker.h"
#include "control.h"
#include "leave.h"
#include "log.h"
#include "mail.h"
#include "process.h"
#include "receipt.h"
#include "route.h"
#include "store.h"
#include "wire.h"

#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FULL        (1024 * 1024) /* bytes of requests: senders wait */
#define EASED       (FULL / 2)    /* and may go on */
#define WINDOW      (128 * 1024)  /* bytes of mail fetched at a time */
#define AHEAD       (WINDOW / 2)  /* fetch more when less than this waits */
#define RESTART_MS  100           /* after a death; doubled with each */
#define RESTART_MAX 5000
#define DOWN_DEATHS 4 /* so many in a row: there is no store */
#define KNOWN_MAX   100000

/* A copy of which the store said, before acknowledging it: not on disk. */
struct not_kept {
	struct not_kept *next;
	uint64_t id;
	uint8_t why; /* enum kept_why */
};

/* A copy that is in the store's memory, and here in case that dies. */
struct late {
	struct late *next;
	uint64_t id;
	struct receipt *receipt;
	size_t len;
	char record[]; /* with its header */
};

static const char *
why_not(uint8_t why)
{
	switch (why) {
	case KEPT_MAILBOX_FULL: return "mailbox full";
	case KEPT_STORE_FULL: return "store full";
	default: return "disk full or failing";
	}
}

/* ---- asking ---- */

static bool
request(struct broker *b, uint32_t type, const void *payload, size_t len,
    struct receipt *receipt)
{
	struct record r = {type, (uint32_t)len};
	struct copy c = {.kind = (uint8_t)type};
	struct iovec part[2] = {
	    {&r, sizeof r}, {(void *)(uintptr_t)payload, len}};

	c.u.receipt = receipt;
	return outbox_put(&b->mailroom.requests, part, 2, c);
}

bool
mailroom_add(struct broker *b, struct name *to, const struct mail *m,
    bool forced, struct receipt *receipt)
{
	static char payload[ROUTE_LINE_MAX + 64];
	struct mail mail = *m;

	mail.id = b->mailroom.next_id;
	mail.to = to->text;
	mail.to_len = to->len;
	mail.flags = (uint8_t)(mail.flags | (forced ? MAIL_FORCED : 0));
	mail_put(payload, &mail);
	if (!request(b, STORE_ADD, payload, mail_size(&mail), receipt))
		return false;
	b->mailroom.next_id++;
	to->adds++;
	return true;
}

static struct late **
find_late(struct mailroom *m, uint64_t id)
{
	struct late **at = &m->late;

	while (*at != NULL && (*at)->id != id)
		at = &(*at)->next;
	return at;
}

static void
drop_late(struct mailroom *m, struct late **at)
{
	struct late *late = *at;

	*at = late->next;
	if (m->late_end == &late->next)
		m->late_end = at;
	free(late);
}

void
mailroom_done(struct broker *b, struct name *to, uint64_t id)
{
	struct late **at = find_late(&b->mailroom, id);

	if (*at != NULL) {
		ledger_delivered(&b->ledger);
		receipt_settle(b, (*at)->receipt, RECEIPT_DELIVERED, NULL);
		drop_late(&b->mailroom, at);
		to->adds--;
	} else {
		ledger_mail_delivered(&b->ledger);
		to->mails--;
	}
	if (!request(b, STORE_DONE, &id, sizeof id, NULL))
		log_error(
		    "fail what=memory twice=%llu", (unsigned long long)id);
}

void
mailroom_know(struct broker *b, struct name *name)
{
	char payload[1 + NAME_MAX_LEN + ROOMS_KEPT_TEXT_MAX], *at;

	if (!name->known && b->names.known >= KNOWN_MAX) {
		log_warning("limit key=known names=%d", KNOWN_MAX);
		return;
	}
	at = wire_put_short(payload, name->text, name->len);
	at += rooms_kept_text(name, at);
	if (request(b, STORE_NAME, payload, (size_t)(at - payload), NULL))
		names_know(&b->names, name);
}

/* However little may wait for a reader, mail alone is never too much. */
static size_t
window(const struct broker *b)
{
	size_t share = b->config->queue_max / 4;

	return share < WINDOW ? share : WINDOW;
}

void
mailroom_fetch(struct broker *b, struct peer *p)
{
	char payload[8 + 8 + 4 + NAME_MAX_LEN], *at = payload;

	p->fetching = true;
	if (mailroom_is_down(b)) {
		log_error("fail what=store name=%s", peer_shown(p));
		p->fetching = false;
		route_held(b, p);
		return;
	}
	at = wire_put_u64(at, p->id);
	at = wire_put_u64(at, p->fetched);
	at = wire_put_u32(at, (uint32_t)window(b));
	at = wire_put(at, p->name->text, p->name->len);
	p->fetch_asked = p->fetched_any =
	    request(b, STORE_FETCH, payload, (size_t)(at - payload), NULL);
}

void
mailroom_fetch_more(struct broker *b, struct peer *p)
{
	if (p->fetching && !p->fetch_asked && !p->closing &&
	    outbox_unconfirmed(&p->out) < window(b) / 2)
		mailroom_fetch(b, p);
}

void
mailroom_left(struct broker *b, const struct name *name, uint64_t seen)
{
	char payload[8 + NAME_MAX_LEN], *at = payload;

	at = wire_put_u64(at, seen);
	at = wire_put(at, name->text, name->len);
	request(b, STORE_LEFT, payload, (size_t)(at - payload), NULL);
}

bool
mailroom_list(struct broker *b, uint64_t ticket, const char *name, size_t len)
{
	char payload[8 + NAME_MAX_LEN], *at = payload;

	if (len > NAME_MAX_LEN || mailroom_is_down(b))
		return false;
	at = wire_put_u64(at, ticket);
	at = wire_put(at, name, len);
	return request(b, STORE_LIST, payload, (size_t)(at - payload), NULL);
}

bool
mailroom_is_full(const struct broker *b)
{
	return outbox_cost(&b->mailroom.requests) > FULL;
}

bool
mailroom_is_down(const struct broker *b)
{
	return b->mailroom.deaths >= DOWN_DEATHS;
}

bool
mailroom_is_settled(const struct broker *b)
{
	return b->mailroom.requests.copies_count == 0 &&
	       b->mailroom.late == NULL;
}

/* ---- answers ---- */

/* Keeps a copy of which the store has not made sure. */
static void
keep_late(struct mailroom *m, const struct mail *mail, const struct copy *c,
    const char *record)
{
	struct late *late = malloc(sizeof *late + c->len);

	if (late == NULL) {
		log_error(
		    "fail what=memory id=%llu", (unsigned long long)mail->id);
		return;
	}
	late->next = NULL;
	late->id = mail->id;
	late->receipt = c->u.receipt;
	late->len = c->len;
	memcpy(late->record, record, c->len);
	*m->late_end = late;
	m->late_end = &late->next;
}

static uint8_t
take_not_kept(struct mailroom *m, uint64_t id)
{
	struct not_kept *n = m->not_kept;
	uint8_t why;

	if (n == NULL || n->id != id)
		return 0;
	why = n->why;
	m->not_kept = n->next;
	if (m->not_kept == NULL)
		m->not_kept_end = &m->not_kept;
	free(n);
	return why;
}

/* A STORE_ADD is settled one way or the other. */
static void
settle_add(struct broker *b, const struct copy *c, const char *record)
{
	struct wire_reader r = wire_read(
	    record + sizeof(struct record), c->len - sizeof(struct record));
	struct name *name;
	struct mail mail;
	uint8_t why;

	mail_get(&r, &mail);
	name = names_find(&b->names, mail.to, mail.to_len);
	why = take_not_kept(&b->mailroom, mail.id);
	if (why == KEPT_IN_MEMORY) {
		keep_late(&b->mailroom, &mail, c, record);
		return;
	}
	name->adds--;
	if (why == 0) {
		ledger_stored(&b->ledger);
		name->mails++;
		receipt_settle(b, c->u.receipt, RECEIPT_STORED, NULL);
		return;
	}
	ledger_taken_back(&b->ledger);
	receipt_settle(b, c->u.receipt, RECEIPT_REFUSED, why_not(why));
	names_release(&b->names, name);
}

static bool
on_synced(struct broker *b, struct wire_reader *r)
{
	static char record[sizeof(struct record) + ROUTE_LINE_MAX + 64];
	struct mailroom *m = &b->mailroom;
	uint64_t number = wire_get_u64(r);
	struct iovec iov[2];
	struct copy c;
	bool seen;

	if (!wire_end(r))
		return false;
	for (; m->synced < number; m->synced++) {
		if (!outbox_take(&m->requests, true, &c, iov, &seen) || !seen)
			return false;
		if (c.kind != STORE_ADD)
			continue;
		memcpy(record, iov[0].iov_base, iov[0].iov_len);
		memcpy(
		    record + iov[0].iov_len, iov[1].iov_base, iov[1].iov_len);
		settle_add(b, &c, record);
	}
	outbox_trim(&m->requests);
	if (outbox_cost(&m->requests) < EASED)
		peers_resume(b, &m->writers);
	return true;
}

static bool
on_not(struct broker *b, struct wire_reader *r)
{
	struct not_kept *n = malloc(sizeof *n);

	if (n == NULL)
		fatal("fail what=memory");
	n->next = NULL;
	n->id = wire_get_u64(r);
	n->why = wire_get_u8(r);
	*b->mailroom.not_kept_end = n;
	b->mailroom.not_kept_end = &n->next;
	return wire_end(r);
}

static bool
on_late(struct broker *b, struct wire_reader *r)
{
	struct late **at = find_late(&b->mailroom, wire_get_u64(r));
	struct wire_reader record;
	struct name *name;
	struct mail mail;

	if (*at == NULL)
		return wire_end(r);
	record = wire_read((*at)->record + sizeof(struct record),
	    (*at)->len - sizeof(struct record));
	mail_get(&record, &mail);
	name = names_find(&b->names, mail.to, mail.to_len);
	name->adds--;
	name->mails++;
	ledger_stored(&b->ledger);
	receipt_settle(b, (*at)->receipt, RECEIPT_STORED, NULL);
	drop_late(&b->mailroom, at);
	return wire_end(r);
}

/* The peer that asked, if it still listens. */
static struct peer *
fetcher(struct broker *b, uint64_t ticket)
{
	struct peer *p = peer_by_id(b, ticket);

	return p != NULL && p->fd != -1 && p->fetching ? p : NULL;
}

static bool
on_mail(struct broker *b, struct wire_reader *r)
{
	struct peer *p = fetcher(b, wire_get_u64(r));
	uint64_t position = wire_get_u64(r);
	struct mail m;

	if (!mail_get(r, &m))
		return false;
	m.position = position;
	/* A store that was asked again tells some of it twice. */
	if (p == NULL || position <= p->fetched)
		return true;
	if (route_mail(b, p, &m))
		p->fetched = position;
	else
		leave_begin(b, p, "memory");
	return true;
}

static bool
on_fetched(struct broker *b, struct wire_reader *r)
{
	struct peer *p = fetcher(b, wire_get_u64(r));
	bool more = wire_get_u8(r) != 0;

	if (!wire_end(r))
		return false;
	if (p == NULL)
		return true;
	p->fetch_asked = false;
	if (more) {
		mailroom_fetch_more(b, p);
		return true;
	}
	p->fetching = false;
	route_held(b, p);
	leave_if_done(b, p);
	return true;
}

static bool
on_name(struct broker *b, struct wire_reader *r)
{
	uint32_t mails = wire_get_u32(r);
	bool known = wire_get_u8(r) != 0;
	size_t len, rooms_len;
	const char *text = wire_get_short(r, &len), *rooms;
	struct name *name;

	rooms_len = r->left;
	rooms = wire_get(r, rooms_len);
	if (!wire_end(r) || name_check(text, len) != NAME_OK)
		return false;
	/* A later store only repeats what the names say already. */
	if (b->mailroom.counted)
		return true;
	name = names_get(&b->names, text, len);
	if (name == NULL)
		fatal("fail what=memory");
	if (known)
		names_know(&b->names, name);
	rooms_keep_text(&b->rooms, rooms, rooms_len, name);
	name->mails = mails;
	return true;
}

static bool
on_ready(struct broker *b, struct wire_reader *r)
{
	struct mailroom *m = &b->mailroom;
	uint64_t highest = wire_get_u64(r), mails = wire_get_u64(r);

	if (!m->counted) {
		ledger_restored(&b->ledger, mails);
		m->next_id = highest + 1;
		log_info("restored mails=%llu names=%zu",
		    (unsigned long long)mails, b->names.known);
	}
	m->ready = m->counted = true;
	m->deaths = 0;
	return wire_end(r);
}

static bool
on_expired(struct broker *b, struct wire_reader *r)
{
	size_t len;
	const char *text;
	struct name *name;

	wire_get_u64(r);
	len = r->left;
	text = wire_get(r, len);
	if (!wire_end(r))
		return false;
	name = names_find(&b->names, text, len);
	if (name == NULL || name->mails == 0)
		return true;
	name->mails--;
	ledger_mail_expired(&b->ledger);
	names_release(&b->names, name);
	return true;
}

static bool
on_listing(struct broker *b, struct wire_reader *r)
{
	uint64_t ticket = wire_get_u64(r);
	bool last = wire_get_u8(r) != 0;
	size_t len = r->left;
	const char *text = wire_get(r, len);

	if (wire_end(r))
		control_listing(b, ticket, text, len, last);
	return wire_end(r);
}

static bool
on_record(struct broker *b, const struct record *rec, const char *payload)
{
	struct wire_reader r = wire_read(payload, rec->length);

	switch (rec->type) {
	case KEPT_SYNCED: return on_synced(b, &r);
	case KEPT_NOT: return on_not(b, &r);
	case KEPT_LATE: return on_late(b, &r);
	case KEPT_MAIL: return on_mail(b, &r);
	case KEPT_FETCHED: return on_fetched(b, &r);
	case KEPT_NAME: return on_name(b, &r);
	case KEPT_READY: return on_ready(b, &r);
	case KEPT_EXPIRED: return on_expired(b, &r);
	case KEPT_LISTING: return on_listing(b, &r);
	default: return false;
	}
}

/* ---- the store's life ---- */

void
mailroom_init(struct broker *b)
{
	struct mailroom *m = &b->mailroom;

	m->watch = WATCH_STORE;
	m->channel.fd = -1;
	m->not_kept_end = &m->not_kept;
	m->late_end = &m->late;
	LIST_INIT(&m->writers);
}

void
mailroom_open(struct broker *b)
{
	struct mailroom *m = &b->mailroom;
	int fd[2];

	m->restart_at = 0;
	if (channel_pair(fd) == -1)
		goto later;
	m->pid = process_fork();
	if (m->pid == 0)
		store_run(fd[1], b->lock, b->config);
	close(fd[1]);
	if (m->pid == -1) {
		close(fd[0]);
		goto later;
	}
	channel_init(&m->channel, fd[0]);
	m->interest = POLLER_READ;
	if (poller_add(b->poller, fd[0], POLLER_READ, &m->watch) == -1)
		fatal("fail what=poller error=%s", strerror(errno));
	return;
later:
	log_error("fail what=fork role=store error=%s", strerror(errno));
	m->pid = 0;
	m->restart_at = b->now + RESTART_MAX;
}

/* Copies that only the dead store held go in front of what follows. */
static void
ask_again(struct broker *b)
{
	struct mailroom *m = &b->mailroom;
	struct outbox old = m->requests;
	struct iovec iov[2];
	struct late *late;
	struct copy c;
	bool seen;

	while (m->not_kept != NULL)
		take_not_kept(m, m->not_kept->id);
	m->synced = 0;
	if (m->late == NULL) {
		outbox_rewind(&m->requests);
		return;
	}
	m->requests = (struct outbox){0};
	while ((late = m->late) != NULL) {
		request(b, STORE_ADD, late->record + sizeof(struct record),
		    late->len - sizeof(struct record), late->receipt);
		drop_late(m, &m->late);
	}
	while (outbox_take(&old, true, &c, iov, &seen))
		if (!outbox_put(&m->requests, iov, 2, c))
			fatal("fail what=memory");
	outbox_free(&old);
}

static void
hang_up(struct broker *b)
{
	struct mailroom *m = &b->mailroom;

	if (m->channel.fd == -1)
		return;
	poller_remove(b->poller, m->channel.fd);
	channel_close(&m->channel);
	m->ready = false;
	if (!m->closing)
		ask_again(b);
}

/* Those who wait for mail are not kept from talking by a store that is
 * gone for good. */
static void
give_up(struct broker *b)
{
	struct peer *p;

	log_error("fail what=store deaths=%u", b->mailroom.deaths);
	LIST_FOREACH(p, &b->peers, all) {
		if (!p->fetching)
			continue;
		p->fetching = p->fetch_asked = false;
		route_held(b, p);
		leave_if_done(b, p);
	}
	peers_resume(b, &b->mailroom.writers);
}

bool
mailroom_reaped(struct broker *b, pid_t pid, int status)
{
	struct mailroom *m = &b->mailroom;
	uint64_t wait = RESTART_MS;

	if (m->pid == 0 || pid != m->pid)
		return false;
	m->pid = 0;
	/* What it had answered before it died holds: up to end of file. */
	while (m->channel.fd != -1)
		mailroom_event(b, POLLER_READ);
	if (m->closing)
		return true;
	/* It said why it cannot; a kill is no reason. */
	if (!m->counted && WIFEXITED(status))
		fatal("fail what=store status=%d", WEXITSTATUS(status));
	log_error("reap role=store pid=%ld signal=%d status=%d", (long)pid,
	    WIFSIGNALED(status) ? WTERMSIG(status) : 0,
	    WIFEXITED(status) ? WEXITSTATUS(status) : 0);
	wait <<= m->deaths < 10 ? m->deaths : 10;
	m->restart_at = b->now + (wait < RESTART_MAX ? wait : RESTART_MAX);
	if (++m->deaths == DOWN_DEATHS)
		give_up(b);
	return true;
}

void
mailroom_event(struct broker *b, unsigned events)
{
	struct mailroom *m = &b->mailroom;
	enum channel_state state, sense;
	struct record r;
	const char *payload;

	if (m->channel.fd == -1 || !(events & (POLLER_READ | POLLER_HUP)))
		return;
	state = channel_fill(&m->channel);
	while (channel_next(&m->channel, &r, &payload, &sense))
		if (!on_record(b, &r, payload)) {
			log_error("violation from=store record=%u", r.type);
			sense = CHANNEL_ERROR;
			break;
		}
	if (state != CHANNEL_OPEN || sense != CHANNEL_OPEN)
		hang_up(b);
}

static void
send_requests(struct broker *b)
{
	struct mailroom *m = &b->mailroom;
	struct outbox *o = &m->requests;
	struct msghdr h = {0};
	struct iovec iov[2];
	unsigned interest;
	ssize_t n;

	while (outbox_unsent(o) > 0) {
		h.msg_iov = iov;
		h.msg_iovlen =
		    (size_t)outbox_unsent_span(o, outbox_unsent(o), iov);
		n = sendmsg(m->channel.fd, &h, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n == -1)
			break;
		outbox_sent(o, (size_t)n);
	}
	interest = POLLER_READ | (outbox_unsent(o) > 0 ? POLLER_WRITE : 0);
	if (interest != m->interest)
		poller_change(b->poller, m->channel.fd, interest, &m->watch);
	m->interest = interest;
}

void
mailroom_round(struct broker *b)
{
	struct mailroom *m = &b->mailroom;

	if (m->restart_at != 0 && b->now >= m->restart_at && !m->closing)
		mailroom_open(b);
	if (m->channel.fd != -1)
		send_requests(b);
}

int
mailroom_wait(const struct broker *b)
{
	uint64_t at = b->mailroom.restart_at;

	if (at == 0)
		return -1;
	return at > b->now ? (int)(at - b->now) : 0;
}

void
mailroom_close(struct broker *b)
{
	b->mailroom.closing = true;
	if (b->mailroom.channel.fd != -1)
		shutdown(b->mailroom.channel.fd, SHUT_WR);
}

bool
mailroom_is_closed(const struct broker *b)
{
	return b->mailroom.pid == 0;
}
