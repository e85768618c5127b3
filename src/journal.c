/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * Changes collect in one buffer of pending records, in order.  A sync appends
 * that buffer to the newest segment.  When it fails, the buffer is made anew
 * without the mails that may be refused, and waits for better times.
 */
#define _GNU_SOURCE
#include "journal.h"

#include "segment_format.h"
#include "segment_index.h"
#include "segment.h"

#include <sys/file.h>
#include <sys/stat.h>
#include <sys/mman.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define COPY_BATCH  256 /* mails copied on in one step */
#define SEGMENT_MIN 4096
#define HELD_S      60 /* seconds: then a held mailbox may be free again */

TAILQ_HEAD(segments, segment);

struct journal {
	struct journal_options o;
	int dir, lock; /* -1: in memory */
	struct segments segments;
	uint64_t next_segment, file_bytes;
	struct journal_index index;
	struct place place; /* what stands in pending */
	char *pending;      /* owned: records to be written */
	size_t pending_used, pending_size;
	uint64_t next_position, highest_id;
	int error; /* errno of the last sync, or 0 */
	struct journal_stats stats; /* those that are counted as they come */
};

static void report(const struct journal *j, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
report(const struct journal *j, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	if (j->o.report == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	j->o.report(j->o.arg, text);
}

/* ---- pending records ---- */

static char *
room(struct journal *j, size_t len)
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

static struct place *
place_of(struct journal *j, const struct segment *s)
{
	return s != NULL ? (struct place *)(uintptr_t)&s->place : &j->place;
}

static void
place_entry(struct journal *j, struct entry *e, struct segment *s, uint64_t at,
    size_t size)
{
	e->segment = s;
	e->at = at;
	j->index.bytes += size - e->size;
	e->size = (uint32_t)size;
	TAILQ_INSERT_TAIL(&place_of(j, s)->entries, e, in_place);
}

static void
displace_entry(struct journal *j, struct entry *e)
{
	TAILQ_REMOVE(&place_of(j, e->segment)->entries, e, in_place);
}

static void
unmark(struct journal *j, struct mark *m)
{
	if (m->exists)
		TAILQ_REMOVE(&place_of(j, m->segment)->marks, m, in_place);
	m->exists = false;
}

static void
place_mark(struct journal *j, struct mark *m, struct segment *s)
{
	unmark(j, m);
	m->exists = true;
	m->segment = s;
	TAILQ_INSERT_TAIL(&place_of(j, s)->marks, m, in_place);
}

static bool
put_mail(struct journal *j, struct entry *e, const struct mail *m)
{
	char *at = room(j, segment_add_size(m));

	if (at == NULL)
		return false;
	place_entry(j, e, NULL, j->pending_used, segment_put_add(at, m));
	j->pending_used += e->size;
	return true;
}

static bool
put_done(struct journal *j, uint64_t id)
{
	char *at = room(j, SEGMENT_SMALL_MAX);

	if (at == NULL)
		return false;
	j->pending_used += segment_put_done(at, id);
	return true;
}

/* The record that a mark stands for, as its box has it now. */
static bool
put_mark(struct journal *j, struct mark *m)
{
	const struct box *box = m->box;
	char *at = room(j, SEGMENT_SMALL_MAX);

	if (at == NULL)
		return false;
	if (m == &box->known_mark)
		j->pending_used += segment_put_name(at, box->name, box->len,
		    box->seen, box->rooms, box->rooms_len);
	else
		j->pending_used +=
		    segment_put_tried(at, box->name, box->len, box->tried);
	place_mark(j, m, NULL);
	return true;
}

static void
forget(struct journal *j, struct entry *e)
{
	displace_entry(j, e);
	index_remove(&j->index, e);
}

/* Its mail is gone, and so is what was remembered of how far it was seen. */
static void
settle_box(struct journal *j, struct box *box)
{
	if (box->mails == 0 && !box->open)
		unmark(j, &box->tried_mark);
	index_release(&j->index, box);
}

/* ---- replay ---- */

static void
replay_add(struct journal *j, struct segment *s, uint64_t at,
    const struct segment_record *r)
{
	struct entry *e;

	if (r->mail.id > j->highest_id)
		j->highest_id = r->mail.id;
	if (r->mail.position >= j->next_position)
		j->next_position = r->mail.position + 1;
	/* A copy whose first is still there: a step of compaction that was
	 * cut short. */
	if (index_find(&j->index, r->mail.id) != NULL)
		return;
	e = index_add(&j->index, &r->mail);
	if (e == NULL)
		return;
	place_entry(j, e, s, at, r->size);
}

static bool
set_rooms(struct box *box, const char *rooms, size_t len)
{
	char *copy = NULL;

	if (len > 0) {
		copy = malloc(len);
		if (copy == NULL)
			return false;
		memcpy(copy, rooms, len);
	}
	free(box->rooms);
	box->rooms = copy;
	box->rooms_len = (uint16_t)len;
	return true;
}

static void
replay_record(struct journal *j, struct segment *s, uint64_t at,
    const struct segment_record *r)
{
	const struct mail *m = &r->mail;
	struct entry *e;
	struct box *box;

	if (r->type == SEGMENT_ADD) {
		replay_add(j, s, at, r);
		return;
	}
	if (r->type == SEGMENT_DONE) {
		if (m->id > j->highest_id)
			j->highest_id = m->id;
		e = index_find(&j->index, m->id);
		if (e != NULL)
			forget(j, e);
		return;
	}
	box = index_box(&j->index, m->to, m->to_len);
	if (box == NULL)
		return;
	if (r->type == SEGMENT_NAME) {
		box->known = true;
		box->seen = m->time;
		set_rooms(box, m->text, m->text_len);
		place_mark(j, &box->known_mark, s);
	} else if (r->type == SEGMENT_FORGET) {
		box->known = false;
		unmark(j, &box->known_mark);
		index_release(&j->index, box);
	} else {
		box->tried = m->position;
		place_mark(j, &box->tried_mark, s);
	}
}

/* The last record of the last segment may be half there: it was never
 * acknowledged.  Anything else that is wrong was once right. */
static void
replay_damage(struct journal *j, struct segment *s, size_t from, size_t to,
    size_t size)
{
	char name[SEGMENT_NAME_MAX];

	segment_name(name, s->number);
	if (to == size && TAILQ_NEXT(s, link) == NULL) {
		report(j, "torn file=%s offset=%zu bytes=%zu", name, from,
		    size - from);
		if (ftruncate(s->fd, (off_t)from) == -1)
			s->closed = true;
		else
			s->size = from;
		return;
	}
	report(j, "damaged file=%s offset=%zu bytes=%zu", name, from,
	    to - from);
	j->stats.damaged++;
}

static void
replay_records(
    struct journal *j, struct segment *s, const char *data, size_t size)
{
	struct segment_record r;
	size_t at = SEGMENT_HEADER_SIZE, next;

	if (size < at)
		at = 0;
	while (at < size) {
		if (segment_get(data + at, size - at, &r)) {
			replay_record(j, s, at, &r);
			at += r.size;
			continue;
		}
		next = segment_search(data, size, at);
		replay_damage(j, s, at, next, size);
		at = next;
	}
}

/* 0; -1/errno if the file cannot be read, or is of another version. */
static int
replay_segment(struct journal *j, struct segment *s)
{
	char name[SEGMENT_NAME_MAX];
	size_t size = (size_t)s->size;
	uint64_t number;
	void *data;

	segment_name(name, s->number);
	if (size == 0) {
		report(j, "torn file=%s offset=0 bytes=0", name);
		s->closed = true;
		return 0;
	}
	data = mmap(NULL, size, PROT_READ, MAP_PRIVATE, s->fd, 0);
	if (data == MAP_FAILED)
		return -1;
	switch (segment_get_header(data, size, &number)) {
	case SEGMENT_HEADER_OTHER:
		report(j, "version file=%s", name);
		munmap(data, size);
		errno = ENOTSUP;
		return -1;
	case SEGMENT_HEADER_BAD:
		report(j, "damaged file=%s offset=0 bytes=%u", name,
		    SEGMENT_HEADER_SIZE);
		s->closed = true;
		break;
	case SEGMENT_HEADER_GOOD: break;
	}
	replay_records(j, s, data, size);
	munmap(data, size);
	return 0;
}

static int
by_number(const void *a, const void *b)
{
	uint64_t na = *(const uint64_t *)a, nb = *(const uint64_t *)b;

	return na < nb ? -1 : na > nb;
}

/* The numbers of the segments there are, in order; how many, or -1/errno. */
static ssize_t
list_segments(const struct journal *j, uint64_t **list)
{
	DIR *d = fdopendir(dup(j->dir));
	uint64_t number, *grown;
	struct dirent *entry;
	size_t n = 0;
	int end;

	*list = NULL;
	if (d == NULL)
		return -1;
	rewinddir(d);
	while ((entry = readdir(d)) != NULL) {
		end = 0;
		if (sscanf(entry->d_name, "journal.%16" SCNx64 "%n", &number,
			&end) != 1 ||
		    entry->d_name[end] != '\0')
			continue;
		grown = realloc(*list, (n + 1) * sizeof **list);
		if (grown == NULL) {
			closedir(d);
			return -1;
		}
		*list = grown;
		grown[n++] = number;
	}
	closedir(d);
	if (n > 0)
		qsort(*list, n, sizeof **list, by_number);
	return (ssize_t)n;
}

static int
replay(struct journal *j)
{
	uint64_t *list;
	ssize_t n = list_segments(j, &list), i;
	struct segment *s;

	for (i = 0; i < n; i++) {
		s = segment_open(j->o.io, j->dir, list[i]);
		if (s == NULL) {
			free(list);
			return -1;
		}
		TAILQ_INSERT_TAIL(&j->segments, s, link);
		j->next_segment = s->number + 1;
	}
	free(list);
	i = 0;
	TAILQ_FOREACH(s, &j->segments, link) {
		if (replay_segment(j, s) == -1)
			return -1;
		j->file_bytes += s->size;
		if (n >= 10 && ++i % (n / 10) == 0)
			report(j, "replayed segments=%zd of=%zd", i, n);
	}
	return n == -1 || !index_sort(&j->index) ? -1 : 0;
}

/* ---- open and close ---- */

static int
lock(struct journal *j)
{
	if (mkdir(j->o.dir, 0700) == -1 && errno != EEXIST)
		return -1;
	j->dir = open(j->o.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (j->dir == -1)
		return -1;
	j->lock = openat(j->dir, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (j->lock == -1)
		return -1;
	return flock(j->lock, LOCK_EX | LOCK_NB);
}

static void
destroy(struct journal *j)
{
	struct segment *s;

	while ((s = TAILQ_FIRST(&j->segments)) != NULL) {
		TAILQ_REMOVE(&j->segments, s, link);
		segment_free(j->o.io, s, -1, false);
	}
	index_free(&j->index);
	if (j->lock != -1)
		close(j->lock);
	if (j->dir != -1)
		close(j->dir);
	free(j->pending);
	free(j);
}

static void
set_limits(struct journal *j, const struct journal_options *o)
{
	j->o.store_max = o->store_max;
	j->o.segment_max = o->segment_max;
	if (j->o.segment_max > o->store_max / 8)
		j->o.segment_max = o->store_max / 8;
	if (j->o.segment_max < SEGMENT_MIN)
		j->o.segment_max = SEGMENT_MIN;
	j->o.mailbox_lines = o->mailbox_lines;
	j->o.mailbox_bytes = o->mailbox_bytes;
	j->o.expire = o->expire;
}

struct journal *
journal_open(const struct journal_options *o, int *err)
{
	struct journal *j = calloc(1, sizeof *j);

	*err = ENOMEM;
	if (j == NULL)
		return NULL;
	j->o = *o;
	set_limits(j, o);
	if (j->o.io == NULL)
		j->o.io = &journal_io_system;
	j->dir = j->lock = -1;
	j->next_segment = j->next_position = 1;
	TAILQ_INIT(&j->segments);
	place_init(&j->place);
	if (!index_init(&j->index)) {
		free(j);
		return NULL;
	}
	if (o->dir != NULL && (lock(j) == -1 || replay(j) == -1)) {
		*err = errno;
		destroy(j);
		return NULL;
	}
	return j;
}

void
journal_close(struct journal *j)
{
	if (j != NULL)
		destroy(j);
}

void
journal_set_limits(struct journal *j, const struct journal_options *o)
{
	set_limits(j, o);
}

/* ---- changes ---- */

static enum journal_result
check_limits(struct journal *j, const struct mail *m)
{
	const struct box *box = index_find_box(&j->index, m->to, m->to_len);

	if (box != NULL &&
	    (box->counted_mails >= j->o.mailbox_lines ||
		box->counted_bytes + m->text_len > j->o.mailbox_bytes))
		return JOURNAL_MAILBOX_FULL;
	if (j->file_bytes + j->pending_used + segment_add_size(m) >
	    j->o.store_max)
		return JOURNAL_STORE_FULL;
	return JOURNAL_OK;
}

static bool
is_bad(const struct mail *m)
{
	return m->id == 0 || m->to_len == 0 || m->to_len > NAME_MAX_LEN ||
	    segment_add_size(m) > SEGMENT_RECORD_HEAD + SEGMENT_BODY_MAX;
}

enum journal_result
journal_add(struct journal *j, const struct mail *m)
{
	bool forced = (m->flags & MAIL_FORCED) != 0;
	enum journal_result result = JOURNAL_OK;
	struct mail mail = *m;
	struct entry *e;

	if (is_bad(m))
		return JOURNAL_BAD;
	if (index_find(&j->index, m->id) != NULL)
		return JOURNAL_DUPLICATE;
	if (!forced)
		result = check_limits(j, m);
	if (result != JOURNAL_OK)
		return result;
	mail.position = j->next_position;
	e = index_add(&j->index, &mail);
	if (e == NULL)
		return JOURNAL_NO_MEMORY;
	e->forced = forced;
	if (!put_mail(j, e, &mail)) {
		index_remove(&j->index, e);
		return JOURNAL_NO_MEMORY;
	}
	j->next_position++;
	if (mail.id > j->highest_id)
		j->highest_id = mail.id;
	return JOURNAL_OK;
}

bool
journal_done(struct journal *j, uint64_t id)
{
	struct entry *e = index_find(&j->index, id);
	struct box *box;

	if (e == NULL || !put_done(j, id))
		return false;
	box = e->box;
	forget(j, e);
	settle_box(j, box);
	return true;
}

static bool
is_name(const char *name, size_t len)
{
	return name != NULL && len > 0 && len <= NAME_MAX_LEN;
}

enum journal_result
journal_know(struct journal *j, const char *name, size_t len, uint32_t seen,
    const char *rooms, size_t rooms_len)
{
	struct box *box;

	if (!is_name(name, len) || rooms_len > JOURNAL_ROOMS_MAX)
		return JOURNAL_BAD;
	box = index_box(&j->index, name, len);
	if (box == NULL ||
	    (rooms != NULL && !set_rooms(box, rooms, rooms_len)))
		return JOURNAL_NO_MEMORY;
	box->known = true;
	box->seen = seen;
	return put_mark(j, &box->known_mark) ? JOURNAL_OK : JOURNAL_NO_MEMORY;
}

enum journal_result
journal_forget(struct journal *j, const char *name, size_t len)
{
	struct box *box = index_find_box(&j->index, name, len);
	char *at;

	if (box == NULL || !box->known)
		return JOURNAL_OK;
	at = room(j, SEGMENT_SMALL_MAX);
	if (at == NULL)
		return JOURNAL_NO_MEMORY;
	j->pending_used += segment_put_forget(at, name, (uint8_t)len);
	box->known = false;
	unmark(j, &box->known_mark);
	settle_box(j, box);
	return JOURNAL_OK;
}

enum journal_result
journal_set_tried(
    struct journal *j, const char *name, size_t len, uint64_t position)
{
	struct box *box = index_find_box(&j->index, name, len);

	if (box == NULL || box->tried == position || box->mails == 0)
		return JOURNAL_OK;
	box->tried = position;
	return put_mark(j, &box->tried_mark) ? JOURNAL_OK : JOURNAL_NO_MEMORY;
}

enum journal_result
journal_hold(struct journal *j, const char *name, size_t len, bool held)
{
	struct box *box;

	if (!is_name(name, len))
		return JOURNAL_BAD;
	box = held ? index_box(&j->index, name, len)
		   : index_find_box(&j->index, name, len);
	if (box == NULL)
		return held ? JOURNAL_NO_MEMORY : JOURNAL_OK;
	box->open = held;
	if (!held)
		settle_box(j, box);
	return JOURNAL_OK;
}

/* ---- sync ---- */

static struct segment *
segment_for(struct journal *j)
{
	struct segment *s = TAILQ_LAST(&j->segments, segments);

	if (s != NULL && !s->closed && s->size < j->o.segment_max)
		return s;
	s = segment_create(j->o.io, j->dir, j->next_segment);
	if (s == NULL)
		return NULL;
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
		displace_entry(j, e);
		place_entry(j, e, s, e->at + base, e->size);
	}
	while ((m = TAILQ_FIRST(&j->place.marks)) != NULL)
		place_mark(j, m, s);
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
	forget(j, e);
	if (lost != NULL)
		lost(arg, r->mail.id);
	return false;
}

/*
 * Makes the pending bytes anew without what is taken back.  If the disk may
 * hold such a record all the same, a DONE says that it does not count.
 */
static void
roll_back(struct journal *j, bool dirty,
    void (*lost)(void *arg, uint64_t id), void *arg)
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

int
journal_sync(
    struct journal *j, void (*lost)(void *arg, uint64_t id), void *arg)
{
	uint64_t base, began = clock_ns();
	struct segment *s;
	bool dirty = false;

	if (j->pending_used == 0)
		return 0;
	s = segment_for(j);
	base = s != NULL ? s->size : 0;
	if (s != NULL &&
	    segment_append(j->o.io, s, j->pending, j->pending_used, &dirty) ==
		0) {
		written(j, s, base);
		count_sync(j, clock_ns() - began);
		j->error = 0;
		return 0;
	}
	j->error = errno;
	j->stats.sync_failures++;
	roll_back(j, dirty, lost, arg);
	errno = j->error;
	return -1;
}

int
journal_error(const struct journal *j)
{
	return j->error;
}

bool
journal_is_dirty(const struct journal *j)
{
	return j->pending_used > 0;
}

bool
journal_is_pending(const struct journal *j, uint64_t id)
{
	const struct entry *e = index_find(&j->index, id);

	return e != NULL && e->segment == NULL;
}

/* ---- reading ---- */

/* The mail of an entry, in buffer if it has to be read. */
static bool
read_entry(struct journal *j, const struct entry *e, char *buffer,
    struct mail *m)
{
	const char *data = buffer;
	char name[SEGMENT_NAME_MAX];
	struct segment_record r;

	if (e->segment == NULL)
		data = j->pending + e->at;
	else if (segment_read(j->o.io, e->segment, e->at, buffer,
		 e->size) == -1)
		data = NULL;
	if (data == NULL || !segment_get(data, e->size, &r)) {
		segment_name(name,
		    e->segment != NULL ? e->segment->number : 0);
		report(j, "damaged file=%s offset=%" PRIu64 " id=%" PRIu64,
		    name, e->at, e->id);
		j->stats.damaged++;
		return false;
	}
	*m = r.mail;
	return true;
}

int
journal_read(struct journal *j, const char *to, size_t len, uint64_t after,
    size_t max, bool (*put)(void *arg, const struct mail *m), void *arg)
{
	static char buffer[SEGMENT_RECORD_HEAD + SEGMENT_BODY_MAX];
	const struct box *box = index_find_box(&j->index, to, len);
	const struct entry *e;
	struct mail m;
	size_t given = 0;

	if (box == NULL)
		return 0;
	TAILQ_FOREACH(e, &box->entries, in_box) {
		if (e->position <= after)
			continue;
		if (given > 0 && given >= max)
			return 1;
		if (!read_entry(j, e, buffer, &m))
			continue;
		if (e->position <= box->tried)
			m.flags |= MAIL_AGAIN;
		given += mail_size(&m);
		if (!put(arg, &m))
			return TAILQ_NEXT(e, in_box) != NULL;
	}
	return 0;
}

/* ---- housekeeping ---- */

static bool
is_old(const struct journal *j, const struct entry *e, uint32_t now)
{
	return j->o.expire != 0 && e->time <= now && now - e->time >= j->o.expire;
}

static void
give_up(struct journal *j, struct entry *e, journal_gone *gone, void *arg)
{
	struct box *box = e->box;

	gone(arg, e->id, box->name, box->len);
	forget(j, e);
	settle_box(j, box);
}

bool
journal_expire(struct journal *j, uint32_t now, journal_gone *gone, void *arg)
{
	struct entry *e = TAILQ_FIRST(&j->index.by_age), *next;
	int n;

	for (n = 0; e != NULL && is_old(j, e, now); n++, e = next) {
		if (n == JOURNAL_EXPIRE_STEP)
			return true;
		next = TAILQ_NEXT(e, in_age);
		if (e->box->open || !put_done(j, e->id))
			continue;
		give_up(j, e, gone, arg);
	}
	return false;
}

/* Held mail is looked at again after a while. */
uint32_t
journal_expire_at(const struct journal *j)
{
	const struct entry *e = TAILQ_FIRST(&j->index.by_age);
	uint64_t at;

	if (e == NULL || j->o.expire == 0)
		return UINT32_MAX;
	at = (uint64_t)e->time + j->o.expire + (e->box->open ? HELD_S : 0);
	return at < UINT32_MAX ? (uint32_t)at : UINT32_MAX;
}

/* The disk has damaged it: there is nothing to copy on. */
static void
bury(struct journal *j, struct entry *e, journal_gone *gone, void *arg)
{
	if (put_done(j, e->id))
		give_up(j, e, gone, arg);
}

/* Copies the first of what is needed from a segment to the end. */
static void
copy_on(struct journal *j, struct segment *s, journal_gone *gone, void *arg)
{
	static char buffer[SEGMENT_RECORD_HEAD + SEGMENT_BODY_MAX];
	struct entry *e;
	struct mark *m;
	struct mail mail;
	int n;

	for (n = 0; n < COPY_BATCH; n++) {
		e = TAILQ_FIRST(&s->place.entries);
		if (e == NULL)
			break;
		if (!read_entry(j, e, buffer, &mail)) {
			bury(j, e, gone, arg);
			continue;
		}
		displace_entry(j, e);
		e->forced = true;
		if (!put_mail(j, e, &mail)) {
			place_entry(j, e, s, e->at, e->size);
			return;
		}
	}
	for (; n < COPY_BATCH; n++) {
		m = TAILQ_FIRST(&s->place.marks);
		if (m == NULL || !put_mark(j, m))
			break;
	}
}

bool
journal_compact(struct journal *j, journal_gone *gone, void *arg)
{
	struct segment *s = TAILQ_FIRST(&j->segments);

	if (s == NULL || s == TAILQ_LAST(&j->segments, segments) ||
	    j->pending_used > 0)
		return false;
	if (place_is_empty(&s->place)) {
		TAILQ_REMOVE(&j->segments, s, link);
		j->file_bytes -= s->size;
		segment_free(j->o.io, s, j->dir, true);
		return true;
	}
	if (!TAILQ_EMPTY(&s->place.entries) &&
	    j->file_bytes < 2 * j->index.bytes + 2 * j->o.segment_max)
		return false;
	copy_on(j, s, gone, arg);
	return j->pending_used > 0;
}

/* ---- what there is ---- */

static void
tell_box(const struct box *box, struct journal_box *out)
{
	const struct entry *first = TAILQ_FIRST(&box->entries);

	out->name = box->name;
	out->rooms = box->rooms;
	out->len = box->len;
	out->rooms_len = box->rooms_len;
	out->known = box->known;
	out->seen = box->seen;
	out->mails = box->mails;
	out->bytes = box->bytes;
	out->oldest = first != NULL ? first->time : 0;
	out->tried = box->tried;
}

bool
journal_find(const struct journal *j, const char *name, size_t len,
    struct journal_box *out)
{
	const struct box *box = index_find_box(&j->index, name, len);

	if (box == NULL)
		return false;
	tell_box(box, out);
	return true;
}

bool
journal_next(
    struct journal *j, uint32_t *cursor, struct journal_box *out)
{
	const struct box *box = index_nth_box(&j->index, cursor);

	if (box == NULL)
		return false;
	tell_box(box, out);
	return true;
}

void
journal_get_stats(const struct journal *j, struct journal_stats *s)
{
	const struct segment *segment;

	*s = j->stats;
	s->mails = j->index.mails;
	s->boxes = j->index.boxes;
	s->live_bytes = j->index.bytes;
	s->file_bytes = j->file_bytes;
	s->pending_bytes = j->pending_used;
	TAILQ_FOREACH(segment, &j->segments, link)
		s->segments++;
}

uint64_t
journal_max_id(const struct journal *j)
{
	return j->highest_id;
}
