/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * Changes collect in one buffer of pending records, in order.  A sync appends
 * that buffer to the newest segment.  When it fails, the buffer is made anew
 * without the mails that may be refused; the rest is tried once more at once,
 * in a fresh segment if need be, and then waits for better times.
 */
#define _GNU_SOURCE
#include "journal_inside.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- where things stand ---- */

static struct place *
place_of(struct journal *j, const struct segment *s)
{
	return s != NULL ? (struct place *)(uintptr_t)&s->place : &j->place;
}

void
journal_place(struct journal *j, struct entry *e, struct segment *s,
    uint64_t at, size_t size)
{
	e->segment = s;
	e->at = at;
	j->index.bytes += size - e->size;
	e->size = (uint32_t)size;
	TAILQ_INSERT_TAIL(&place_of(j, s)->entries, e, in_place);
}

void
journal_displace(struct journal *j, struct entry *e)
{
	TAILQ_REMOVE(&place_of(j, e->segment)->entries, e, in_place);
}

void
journal_unmark(struct journal *j, struct mark *m)
{
	if (m->exists)
		TAILQ_REMOVE(&place_of(j, m->segment)->marks, m, in_place);
	m->exists = false;
}

void
journal_place_mark(struct journal *j, struct mark *m, struct segment *s)
{
	journal_unmark(j, m);
	m->exists = true;
	m->segment = s;
	TAILQ_INSERT_TAIL(&place_of(j, s)->marks, m, in_place);
}

void
journal_remove(struct journal *j, struct entry *e)
{
	journal_displace(j, e);
	index_remove(&j->index, e);
}

/* Its mail is gone, and so is what was remembered of how far it was seen. */
void
journal_settle(struct journal *j, struct box *box)
{
	if (box->mails == 0 && !box->held) {
		journal_unmark(j, &box->tried_mark);
		box->tried = 0;
	}
	index_release(&j->index, box);
}

/* ---- pending records ---- */

static char *
record_room(struct journal *j, size_t len)
{
	size_t size = j->pending_size > 0 ? j->pending_size : 64 * 1024U;
	char *p;

	if (j->pending_used + len > JOURNAL_PENDING_MAX)
		return NULL;
	while (size < j->pending_used + len)
		size *= 2;
	if (size != j->pending_size) {
		p = realloc(j->pending, size);
		if (p == NULL)
			return NULL;
		j->pending = p;
		j->pending_size = size;
	}
	return j->pending + j->pending_used;
}

bool
pending_mail(struct journal *j, struct entry *e, const struct mail *m)
{
	char *at = record_room(j, segment_add_size(m));

	if (at == NULL)
		return false;
	journal_place(j, e, NULL, j->pending_used, segment_put_add(at, m));
	j->pending_used += e->size;
	return true;
}

bool
pending_done(struct journal *j, uint64_t id)
{
	char *at = record_room(j, SEGMENT_SMALL_MAX);

	if (at == NULL)
		return false;
	j->pending_used += segment_put_done(at, id);
	return true;
}

bool
pending_forget(struct journal *j, const struct box *box)
{
	char *at = record_room(j, SEGMENT_SMALL_MAX);

	if (at == NULL)
		return false;
	j->pending_used += segment_put_forget(at, box->name, box->len);
	return true;
}

bool
pending_mark(struct journal *j, struct mark *m)
{
	const struct box *box = m->box;
	char *at = record_room(j, SEGMENT_SMALL_MAX);

	if (at == NULL)
		return false;
	if (m == &box->known_mark)
		j->pending_used += segment_put_name(at, box->name, box->len,
		    box->seen, box->rooms, box->rooms_len);
	else
		j->pending_used +=
		    segment_put_tried(at, box->name, box->len, box->tried);
	journal_place_mark(j, m, NULL);
	return true;
}

/* ---- sync ---- */

/* A new segment when it is time for one; if there can be none, the last one
 * grows on. */
static struct segment *
segment_for(struct journal *j)
{
	struct segment_header h = {j->next_segment, j->next_position};
	struct segment *last = journal_last(j), *s;

	if (last != NULL && !last->closed && last->size < j->o.segment_max)
		return last;
	s = segment_create(j->o.io, j->dir, &h);
	if (s == NULL)
		return last != NULL && !last->closed ? last : NULL;
	if (last != NULL) {
		last->closed = true;
		segment_rest(last);
	}
	j->next_segment++;
	j->file_bytes += s->size;
	TAILQ_INSERT_TAIL(&j->segments, s, link);
	return s;
}

/* What was pending is in segment s now, from base on. */
static void
written(struct journal *j, struct segment *s, uint64_t base)
{
	struct entry *e;
	struct mark *m;

	while ((e = TAILQ_FIRST(&j->place.entries)) != NULL) {
		journal_displace(j, e);
		journal_place(j, e, s, e->at + base, e->size);
	}
	while ((m = TAILQ_FIRST(&j->place.marks)) != NULL)
		journal_place_mark(j, m, s);
	j->file_bytes += j->pending_used;
	j->pending_used = 0;
}

/* True if a pending record is still wanted after a failed sync; else its
 * mail is taken back. */
static bool
keep(struct journal *j, const struct segment_record *r, bool dirty,
    void (*lost)(void *arg, uint64_t id), void *arg)
{
	struct entry *e;

	if (r->type != SEGMENT_ADD)
		return true;
	e = index_find(&j->index, r->mail.id);
	/* Given and done before it was ever written: nothing is to be said,
	 * unless half of it may have reached the disk. */
	if (e == NULL || e->segment != NULL)
		return dirty;
	if (e->forced)
		return true;
	journal_remove(j, e);
	if (lost != NULL)
		lost(arg, r->mail.id);
	return false;
}

/*
 * Makes the pending bytes anew without what is taken back.  If the disk may
 * hold such a record all the same, a DONE says that it does not count.
 */
static void
roll_back(struct journal *j, bool dirty, void (*lost)(void *arg, uint64_t id),
    void *arg)
{
	char *old = j->pending, done[SEGMENT_SMALL_MAX];
	size_t at = 0, used = j->pending_used, to = 0, n;
	struct segment_record r;
	struct entry *e;

	while (at < used && segment_get(old + at, used - at, &r)) {
		if (keep(j, &r, dirty, lost, arg)) {
			e = r.type == SEGMENT_ADD
			        ? index_find(&j->index, r.mail.id)
			        : NULL;
			memmove(old + to, old + at, r.size);
			if (e != NULL && e->segment == NULL)
				e->at = to;
			to += r.size;
		} else if (dirty) {
			/* Shorter than the record it stands for. */
			n = segment_put_done(done, r.mail.id);
			memcpy(old + to, done, n);
			to += n;
		}
		at += r.size;
	}
	j->pending_used = to;
}

static uint64_t
clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
}

static void
count_sync(struct journal *j, uint64_t ns)
{
	uint64_t us = ns / 1000;
	int n = 0;

	while (us > 1 && n < JOURNAL_HISTOGRAM - 1) {
		us >>= 1;
		n++;
	}
	j->stats.sync_us[n]++;
	j->stats.syncs++;
	j->stats.sync_ns = ns;
	if (ns > j->stats.sync_ns_max)
		j->stats.sync_ns_max = ns;
}

/* Whatever a segment has that holds nothing, it goes with it. */
static void
drop_if_empty(struct journal *j, struct segment *s, bool *dirty)
{
	if (s->size > SEGMENT_HEADER_SIZE || TAILQ_FIRST(&j->segments) == s ||
	    segment_unlink(j->o.io, s) == -1)
		return;
	j->file_bytes -= s->size;
	journal_drop(j, s);
	*dirty = false;
}

static int
write_pending(struct journal *j, bool *dirty)
{
	struct segment *s = segment_for(j);
	uint64_t base, began = clock_ns();
	int error;

	*dirty = false;
	if (s == NULL)
		return -1;
	base = s->size;
	if (segment_append(j->o.io, s, j->pending, j->pending_used, dirty) ==
	    0) {
		written(j, s, base);
		count_sync(j, clock_ns() - began);
		return 0;
	}
	error = errno;
	if (s->closed)
		drop_if_empty(j, s, dirty);
	errno = error;
	return -1;
}

int
journal_sync(struct journal *j, void (*lost)(void *arg, uint64_t id), void *arg)
{
	bool dirty;
	int error;

	if (j->pending_used == 0)
		return 0;
	if (write_pending(j, &dirty) == 0) {
		j->error = 0;
		return 0;
	}
	error = j->error = errno;
	j->stats.sync_failures++;
	roll_back(j, dirty, lost, arg);
	if (j->pending_used > 0 && write_pending(j, &dirty) == -1)
		roll_back(j, dirty, lost, arg);
	errno = error;
	return -1;
}
