/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * Requests are taken as they come and carried out in memory; when no more is
 * there to be read, one sync makes all of them durable, and only then are
 * they answered.  So the slower the disk, the more requests share a sync.
 *
 * What is fetched is read at once, but leaves with the same sync: the
 * journal knows that mail may have been seen before anybody can see it.
 */
#define _GNU_SOURCE
#include "store.h"

#include "channel.h"
#include "journal.h"
#include "log.h"
#include "name.h"
#include "process.h"
#include "signals.h"
#include "timer.h"
#include "title.h"
#include "utc.h"
#include "wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define RETRY_MS    1000          /* between syncs while the disk fails */
#define ANSWERS_MAX (1024 * 1024) /* bytes: no more requests are read */
#define LISTING_MAX (64 * 1024)
#define OTHER_MS    2000 /* for the store of a broker that died to finish */
#define OTHER_TRY   20

/* A copy that was asked for since the last sync. */
struct asked {
	uint64_t id;
	uint8_t why; /* enum kept_why; 0: as far as we know it will be kept */
	bool forced;
};

struct store {
	struct channel broker;
	struct journal *journal;
	const struct config *config;
	uint64_t number;     /* of requests taken */
	uint64_t synced;     /* the last number acknowledged */
	struct asked *asked; /* owned; in order */
	size_t asked_count, asked_size;
	uint64_t *late; /* owned; ids told to be in memory only */
	size_t late_count, late_size;
	uint64_t retry_at; /* when to sync again; 0: nothing failed */
	uint64_t ticket;   /* of the fetch or listing that is answered now */
	char *listing;     /* owned, LISTING_MAX bytes, while listing */
	size_t listing_len;
};

static uint32_t
now_s(void)
{
	return (uint32_t)time(NULL);
}

/* Without memory the store ends: the broker keeps what is unanswered, and
 * starts another. */
static _Noreturn void
no_memory(void)
{
	fatal("fail what=memory");
}

static void
answer(struct store *s, uint32_t type, const void *payload, size_t len)
{
	if (!channel_put(&s->broker, type, payload, len))
		no_memory();
}

/* ---- requests ---- */

static void
remember(struct store *s, uint64_t id, uint8_t why, bool forced)
{
	struct asked *p;

	if (s->asked_count == s->asked_size) {
		s->asked_size = s->asked_size > 0 ? 2 * s->asked_size : 256;
		p = realloc(s->asked, s->asked_size * sizeof *p);
		if (p == NULL)
			no_memory();
		s->asked = p;
	}
	s->asked[s->asked_count++] = (struct asked){id, why, forced};
}

static bool
on_add(struct store *s, struct wire_reader *r)
{
	struct mail m;
	uint8_t why = 0;

	if (!mail_get(r, &m))
		return false;
	switch (journal_add(s->journal, &m)) {
	case JOURNAL_OK:
	case JOURNAL_DUPLICATE: break;
	case JOURNAL_MAILBOX_FULL: why = KEPT_MAILBOX_FULL; break;
	case JOURNAL_STORE_FULL: why = KEPT_STORE_FULL; break;
	case JOURNAL_NO_MEMORY: no_memory();
	case JOURNAL_BAD: return false;
	}
	remember(s, m.id, why, (m.flags & MAIL_FORCED) != 0);
	return true;
}

static bool
on_done(struct store *s, struct wire_reader *r)
{
	uint64_t id = wire_get_u64(r);

	journal_done(s->journal, id);
	return wire_end(r);
}

static bool
on_name(struct store *s, struct wire_reader *r)
{
	size_t len, rooms_len;
	const char *name = wire_get_short(r, &len), *rooms;

	rooms_len = r->left;
	rooms = wire_get(r, rooms_len);
	switch (
	    journal_know(s->journal, name, len, now_s(), rooms, rooms_len)) {
	case JOURNAL_OK: return wire_end(r);
	case JOURNAL_NO_MEMORY: no_memory();
	default: return false;
	}
}

struct fetch {
	struct store *store;
	uint64_t last;
};

static bool
put_mail(void *arg, const struct mail *m)
{
	struct fetch *f = arg;
	char *room = channel_reserve(&f->store->broker, 16 + mail_size(m));
	char *at;

	if (room == NULL)
		no_memory();
	at = wire_put_u64(room, f->store->ticket);
	at = wire_put_u64(at, m->position);
	at = mail_put(at, m);
	channel_commit(&f->store->broker, KEPT_MAIL, (size_t)(at - room));
	f->last = m->position;
	return true;
}

static void sync_and_answer(struct store *s);

/* What was added before must be settled before it is sent. */
static bool
on_fetch(struct store *s, struct wire_reader *r)
{
	struct fetch f = {s, 0};
	struct journal_box box;
	uint32_t window;
	uint64_t after;
	const char *name;
	char end[9];
	size_t len;
	int more;

	s->ticket = wire_get_u64(r);
	after = wire_get_u64(r);
	window = wire_get_u32(r);
	len = r->left;
	name = wire_get(r, len);
	if (!wire_end(r))
		return false;
	if (s->asked_count > 0)
		sync_and_answer(s);
	more = journal_read(s->journal, name, len, after, window, put_mail, &f);
	if (more == -1)
		log_error("fail what=read error=%s", strerror(errno));
	if (journal_hold(s->journal, name, len, true) != JOURNAL_OK)
		no_memory();
	if (f.last > 0 && journal_find(s->journal, name, len, &box) &&
	    box.tried < f.last)
		journal_set_tried(s->journal, name, len, f.last);
	memcpy(end, &s->ticket, 8);
	end[8] = more == 1;
	answer(s, KEPT_FETCHED, end, sizeof end);
	return true;
}

static bool
on_left(struct store *s, struct wire_reader *r)
{
	uint64_t position = wire_get_u64(r);
	size_t len = r->left;
	const char *name = wire_get(r, len);
	struct journal_box box;

	if (!wire_end(r))
		return false;
	if (!journal_find(s->journal, name, len, &box))
		return true;
	/* Who came before this reader may have seen more. */
	if (position < box.tried_before)
		position = box.tried_before;
	journal_set_tried(s->journal, name, len, position);
	journal_hold(s->journal, name, len, false);
	return true;
}

/* ---- listings ---- */

static void
flush_listing(struct store *s, bool last)
{
	char *room = channel_reserve(&s->broker, 9 + s->listing_len);
	char *at;

	if (room == NULL)
		no_memory();
	at = wire_put_u64(room, s->ticket);
	at = wire_put_u8(at, last);
	at = wire_put(at, s->listing, s->listing_len);
	channel_commit(&s->broker, KEPT_LISTING, (size_t)(at - room));
	s->listing_len = 0;
}

static char *
listing_room(struct store *s, size_t len)
{
	if (s->listing_len + len > LISTING_MAX)
		flush_listing(s, false);
	return s->listing + s->listing_len;
}

static bool
list_mail(void *arg, const struct mail *m)
{
	struct store *s = arg;
	char when[UTC_TEXT_MAX];
	size_t most = 128 + (size_t)m->text_len;
	char *at = listing_room(s, most);

	utc_format(m->time, when);
	s->listing_len += (size_t)snprintf(at, most,
	    "from %.*s%s%.*s at %s%s: %.*s\n", (int)m->from_len, m->from,
	    m->room_len > 0 ? " in " : "", (int)m->room_len, m->room, when,
	    m->flags & MAIL_AGAIN ? " again" : "", (int)m->text_len, m->text);
	return true;
}

static void
list_boxes(struct store *s)
{
	char when[UTC_TEXT_MAX];
	struct journal_box box;
	uint32_t cursor = 0;
	char *at;

	while (journal_next(s->journal, &cursor, &box)) {
		if (box.mails == 0)
			continue;
		at = listing_room(s, 128);
		utc_format(box.oldest, when);
		s->listing_len += (size_t)snprintf(at, 128,
		    "%.*s %u lines, %llu bytes, oldest %s\n", (int)box.len,
		    box.name, box.mails, (unsigned long long)box.bytes, when);
	}
}

static bool
on_list(struct store *s, struct wire_reader *r)
{
	size_t len;
	const char *name;

	s->ticket = wire_get_u64(r);
	len = r->left;
	name = wire_get(r, len);
	if (!wire_end(r))
		return false;
	s->listing = malloc(LISTING_MAX);
	if (s->listing == NULL)
		no_memory();
	if (len == 0)
		list_boxes(s);
	else
		(void)journal_read(s->journal, name, len, 0,
		    (size_t)16 * 1024 * 1024, list_mail, s);
	flush_listing(s, true);
	free(s->listing);
	s->listing = NULL;
	return true;
}

static bool
on_record(struct store *s, const struct record *rec, const char *payload)
{
	struct wire_reader r = wire_read(payload, rec->length);
	bool good = false;

	switch (rec->type) {
	case STORE_ADD: good = on_add(s, &r); break;
	case STORE_DONE: good = on_done(s, &r); break;
	case STORE_NAME: good = on_name(s, &r); break;
	case STORE_FETCH: good = on_fetch(s, &r); break;
	case STORE_LEFT: good = on_left(s, &r); break;
	case STORE_LIST: good = on_list(s, &r); break;
	default: break;
	}
	/* Not before: a fetch may sync, and is not answered with that. */
	s->number++;
	return good;
}

/* ---- sync ---- */

static void
on_lost(void *arg, uint64_t id)
{
	struct store *s = arg;
	size_t i;

	for (i = 0; i < s->asked_count; i++)
		if (s->asked[i].id == id) {
			s->asked[i].why = KEPT_DISK;
			return;
		}
}

static void
keep_late(struct store *s, uint64_t id)
{
	uint64_t *p;

	if (s->late_count == s->late_size) {
		s->late_size = s->late_size > 0 ? 2 * s->late_size : 256;
		p = realloc(s->late, s->late_size * sizeof *p);
		if (p == NULL)
			no_memory();
		s->late = p;
	}
	s->late[s->late_count++] = id;
}

/* What was in memory only and has reached the disk. */
static void
tell_late(struct store *s)
{
	size_t i, n = 0;

	for (i = 0; i < s->late_count; i++)
		if (journal_is_pending(s->journal, s->late[i]))
			s->late[n++] = s->late[i];
		else
			answer(s, KEPT_LATE, &s->late[i], sizeof s->late[i]);
	s->late_count = n;
}

static void
tell_not(struct store *s, uint64_t id, uint8_t why)
{
	char payload[9];

	wire_put_u8(wire_put_u64(payload, id), why);
	answer(s, KEPT_NOT, payload, sizeof payload);
}

static void
tell_asked(struct store *s)
{
	const struct asked *a = s->asked, *end = a + s->asked_count;

	for (; a < end; a++)
		if (a->why != 0) {
			tell_not(s, a->id, a->why);
		} else if (a->forced && s->retry_at != 0 &&
			   journal_is_pending(s->journal, a->id)) {
			tell_not(s, a->id, KEPT_IN_MEMORY);
			keep_late(s, a->id);
		}
	s->asked_count = 0;
	if (s->number > s->synced)
		answer(s, KEPT_SYNCED, &s->number, sizeof s->number);
	s->synced = s->number;
}

static void
sync_and_answer(struct store *s)
{
	if (journal_sync(s->journal, on_lost, s) == -1) {
		if (s->retry_at == 0)
			log_error("fail what=sync error=%s", strerror(errno));
		s->retry_at = timer_now() + RETRY_MS;
	} else {
		if (s->retry_at != 0)
			log_info("recovered what=sync");
		s->retry_at = 0;
	}
	tell_late(s);
	tell_asked(s);
}

/* ---- housekeeping ---- */

static void
on_gone(void *arg, uint64_t id, const char *to, size_t len)
{
	struct store *s = arg;
	char payload[8 + 255];
	char *at = wire_put(wire_put_u64(payload, id), to, len);

	answer(s, KEPT_EXPIRED, payload, (size_t)(at - payload));
}

static void
keep_house(struct store *s)
{
	bool more = true;
	int steps;

	while (now_s() >= journal_expire_at(s->journal) &&
	       journal_expire(s->journal, now_s(), on_gone, s))
		;
	for (steps = 0; more && steps < 64 && s->retry_at == 0; steps++) {
		more = journal_compact(s->journal, on_gone, s);
		if (journal_is_dirty(s->journal))
			sync_and_answer(s);
	}
}

/* ---- the loop ---- */

static int
timeout(const struct store *s)
{
	uint64_t now = timer_now();
	uint32_t expire = journal_expire_at(s->journal), wall = now_s();
	int ms = -1;

	if (expire != UINT32_MAX)
		ms = expire <= wall              ? 0
		     : expire - wall > 24 * 3600 ? 24 * 3600 * 1000
		                                 : (int)(expire - wall) * 1000;
	if (s->retry_at != 0 && (ms == -1 || (uint64_t)ms > RETRY_MS))
		ms = s->retry_at > now ? (int)(s->retry_at - now) : 0;
	return ms;
}

/* True until the broker has finished. */
static bool
take_requests(struct store *s)
{
	enum channel_state state, sense;
	struct record r;
	const char *payload;

	state = channel_fill(&s->broker);
	while (channel_next(&s->broker, &r, &payload, &sense))
		if (!on_record(s, &r, payload))
			bug("record from=broker type=%u length=%u", r.type,
			    r.length);
	return state == CHANNEL_OPEN && sense == CHANNEL_OPEN;
}

static void
serve(struct store *s)
{
	struct pollfd pfd = {s->broker.fd, 0, 0};
	bool open = true;

	while (open) {
		if (channel_flush(&s->broker) == -1)
			break;
		pfd.events = channel_waiting(&s->broker) > 0 ? POLLOUT : 0;
		if (channel_waiting(&s->broker) < ANSWERS_MAX)
			pfd.events |= POLLIN;
		if (poll(&pfd, 1, timeout(s)) == -1 && errno != EINTR)
			fatal("fail what=poll error=%s", strerror(errno));
		if (pfd.revents & (POLLIN | POLLHUP | POLLERR))
			open = take_requests(s);
		if (s->number > s->synced || journal_is_dirty(s->journal))
			sync_and_answer(s);
		keep_house(s);
	}
	/* The last words are for a broker that still listens. */
	sync_and_answer(s);
	(void)channel_flush(&s->broker);
}

/* ---- the beginning ---- */

static void
on_report(void *arg, const char *line)
{
	(void)arg;
	log_warning("journal %s", line);
}

/*
 * A broker that is killed leaves its store behind, to finish what that has
 * read.  One that is stopped or waits for the disk may do so much later, and
 * would write over what has been written since: it is not given that long.
 * This lock is not inherited, ends with its process, and tells who that is.
 */
static void
be_the_only_one(const struct config *c)
{
	char path[sizeof c->store + sizeof "/writer"];
	struct flock want = {.l_type = F_WRLCK, .l_whence = SEEK_SET}, other;
	int fd, waited;

	snprintf(path, sizeof path, "%s/writer", c->store);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd == -1)
		fatal("fail what=open path=%s error=%s", path, strerror(errno));
	for (waited = 0; fcntl(fd, F_SETLK, &want) == -1; waited += OTHER_TRY) {
		if (errno != EACCES && errno != EAGAIN)
			fatal("fail what=lock path=%s error=%s", path,
			    strerror(errno));
		other = want;
		if (waited >= OTHER_MS && fcntl(fd, F_GETLK, &other) == 0 &&
		    other.l_type != F_UNLCK && other.l_pid > 0) {
			log_warning("kill role=store pid=%ld why=left-behind",
			    (long)other.l_pid);
			kill(other.l_pid, SIGKILL);
		}
		(void)poll(NULL, 0, OTHER_TRY);
	}
}

static struct journal *
open_journal(const struct config *c)
{
	struct journal_options o = {
	    .dir = config_keeps_mail(c) ? c->store : NULL,
	    .store_max = c->store_max,
	    .segment_max = c->segment_max,
	    .mailbox_lines = c->mailbox_lines,
	    .mailbox_bytes = c->mailbox_max,
	    .expire = (uint32_t)(c->expire / 1000),
	    .locked = true,
	    .report = on_report,
	};
	struct journal *j;
	int error = 0;

	if (o.dir == NULL)
		log_warning("start store=none: mail does not survive this");
	else
		be_the_only_one(c);
	j = journal_open(&o, &error);
	if (j == NULL)
		fatal("fail what=journal path=%s error=%s", c->store,
		    error == ENOTSUP ? "another version of telld wrote it"
				     : strerror(error));
	return j;
}

/* Mail that was fetched by a store that died may have been seen; the mark
 * of that was durable before it was sent. */
static void
tell_what_is_here(struct store *s)
{
	struct journal_stats stats;
	struct journal_box box;
	uint32_t cursor = 0;
	char payload[6 + NAME_MAX_LEN + JOURNAL_ROOMS_MAX], *at;
	uint64_t ready[2];

	while (journal_next(s->journal, &cursor, &box)) {
		at = wire_put_u32(payload, box.mails);
		at = wire_put_u8(at, box.known);
		at = wire_put_short(at, box.name, box.len);
		at = wire_put(at, box.rooms, box.rooms_len);
		answer(s, KEPT_NAME, payload, (size_t)(at - payload));
	}
	journal_get_stats(s->journal, &stats);
	ready[0] = journal_max_id(s->journal);
	ready[1] = stats.mails;
	answer(s, KEPT_READY, ready, sizeof ready);
}

void
store_run(int broker, int lock, const struct config *config)
{
	static struct store s;
	int keep[2] = {broker, lock};

	process_keep_only(keep, 2);
	log_role("store");
	title_set("store");
	signals_ignore_all();
	s.config = config;
	channel_init(&s.broker, broker);
	s.journal = open_journal(config);
	tell_what_is_here(&s);
	serve(&s);
	journal_close(s.journal);
	_exit(0);
}
