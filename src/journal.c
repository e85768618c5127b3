/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * What is asked of the journal is carried out in memory at once, and put
 * among the records that wait for the disk.
 */
#define _GNU_SOURCE
#include "journal_inside.h"

#include <sys/file.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SEGMENT_MIN 4096

void
journal_report(const struct journal *j, const char *fmt, ...)
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

struct segment *
journal_last(const struct journal *j)
{
	return TAILQ_LAST(&j->segments, segments);
}

void
journal_drop(struct journal *j, struct segment *s)
{
	if (j->reading == s)
		j->reading = NULL;
	TAILQ_REMOVE(&j->segments, s, link);
	segment_free(s);
}

/* ---- open and close ---- */

int
journal_lock(const char *dir)
{
	int fd = -1, at, error;

	if (mkdir(dir, 0700) == -1 && errno != EEXIST)
		return -1;
	at = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (at != -1) {
		fd = openat(at, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		close(at);
	}
	if (fd != -1 && flock(fd, LOCK_EX | LOCK_NB) == -1) {
		error = errno;
		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

static int
open_dir(struct journal *j)
{
	if (!j->o.locked) {
		j->lock = journal_lock(j->o.dir);
		if (j->lock == -1)
			return -1;
	}
	j->dir = open(j->o.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return j->dir == -1 ? -1 : 0;
}

static void
destroy(struct journal *j)
{
	while (!TAILQ_EMPTY(&j->segments))
		journal_drop(j, TAILQ_FIRST(&j->segments));
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

/*
 * Positions begin at the clock's microsecond, if that is more than any that
 * is known: so that none is given twice, even if what was given never came as
 * far as the disk.
 */
static uint64_t
first_position(uint64_t known)
{
	uint64_t now = (uint64_t)time(NULL) * 1000000;

	return now > known && now < SEGMENT_COUNT_MAX ? now : known;
}

static int
start(struct journal *j)
{
	if (j->o.dir != NULL && (open_dir(j) == -1 || journal_replay(j) == -1))
		return -1;
	j->next_position = first_position(j->next_position);
	errno = ENOMEM;
	return index_ready(&j->index) ? 0 : -1;
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
	if (start(j) == -1) {
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

/* Whatever could not be read back. */
static bool
is_bad(const struct mail *m)
{
	return m->id == 0 || m->id >= SEGMENT_COUNT_MAX || m->to_len == 0 ||
	       m->to_len > NAME_MAX_LEN ||
	       segment_add_size(m) > SEGMENT_RECORD_HEAD + SEGMENT_BODY_MAX;
}

enum journal_result
journal_add(struct journal *j, const struct mail *m)
{
	bool forced = (m->flags & MAIL_FORCED) != 0;
	enum journal_result result = JOURNAL_OK;
	struct mail mail = *m;
	struct entry *e;
	struct box *box;

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
	if (!pending_mail(j, e, &mail)) {
		box = e->box;
		index_remove(&j->index, e);
		index_release(&j->index, box);
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

	if (e == NULL || !pending_done(j, id))
		return false;
	box = e->box;
	journal_remove(j, e);
	journal_settle(j, box);
	return true;
}

static bool
is_name(const char *name, size_t len)
{
	return name != NULL && len > 0 && len <= NAME_MAX_LEN;
}

bool
journal_set_rooms(struct box *box, const char *rooms, size_t len)
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

enum journal_result
journal_know(struct journal *j, const char *name, size_t len, uint32_t seen,
    const char *rooms, size_t rooms_len)
{
	struct box *box;

	if (!is_name(name, len) || rooms_len > JOURNAL_ROOMS_MAX)
		return JOURNAL_BAD;
	box = index_box(&j->index, name, len);
	if (box == NULL ||
	    (rooms != NULL && !journal_set_rooms(box, rooms, rooms_len)))
		return JOURNAL_NO_MEMORY;
	box->known = true;
	box->seen = seen;
	return pending_mark(j, &box->known_mark) ? JOURNAL_OK
	                                         : JOURNAL_NO_MEMORY;
}

enum journal_result
journal_forget(struct journal *j, const char *name, size_t len)
{
	struct box *box = index_find_box(&j->index, name, len);

	if (box == NULL || !box->known)
		return JOURNAL_OK;
	if (!pending_forget(j, box))
		return JOURNAL_NO_MEMORY;
	box->known = false;
	journal_unmark(j, &box->known_mark);
	journal_settle(j, box);
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
	return pending_mark(j, &box->tried_mark) ? JOURNAL_OK
	                                         : JOURNAL_NO_MEMORY;
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
	if (held && !box->held)
		box->tried_before = box->tried;
	index_hold(&j->index, box, held);
	if (!held)
		journal_settle(j, box);
	return JOURNAL_OK;
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

/* One segment is open beside the last, however many there are. */
static int
read_from(
    struct journal *j, struct segment *s, uint64_t at, char *data, size_t len)
{
	if (s != j->reading && s != journal_last(j)) {
		if (j->reading != NULL && j->reading != journal_last(j))
			segment_rest(j->reading);
		j->reading = s;
	}
	return segment_read(j->o.io, s, at, data, len);
}

enum journal_found
journal_fetch(struct journal *j, const struct entry *e, struct mail *m)
{
	static char buffer[SEGMENT_RECORD_HEAD + SEGMENT_BODY_MAX];
	const char *data = buffer;
	char name[SEGMENT_NAME_MAX];
	struct segment_record r;

	if (e->segment == NULL)
		data = j->pending + e->at;
	else if (read_from(j, e->segment, e->at, buffer, e->size) == -1)
		return JOURNAL_UNREADABLE;
	if (segment_get(data, e->size, &r) && r.type == SEGMENT_ADD &&
	    r.mail.id == e->id) {
		*m = r.mail;
		return JOURNAL_FOUND;
	}
	segment_name(name, e->segment != NULL ? e->segment->number : 0);
	journal_report(j, "damaged file=%s offset=%" PRIu64 " id=%" PRIu64,
	    name, e->at, e->id);
	j->stats.damaged++;
	return JOURNAL_ROTTEN;
}

int
journal_read(struct journal *j, const char *to, size_t len, uint64_t after,
    size_t max, bool (*put)(void *arg, const struct mail *m), void *arg)
{
	const struct box *box = index_find_box(&j->index, to, len);
	enum journal_found found;
	const struct entry *e;
	struct mail m;
	size_t given = 0;

	if (box == NULL)
		return 0;
	for (e = TAILQ_FIRST(&box->entries); e != NULL;
	     e = TAILQ_NEXT(e, in_box)) {
		if (e->position <= after)
			continue;
		if (given > 0 && given >= max)
			return 1;
		found = journal_fetch(j, e, &m);
		if (found == JOURNAL_UNREADABLE)
			return -1;
		if (found == JOURNAL_ROTTEN)
			continue;
		if (e->position <= box->tried)
			m.flags |= MAIL_AGAIN;
		given += mail_size(&m);
		if (!put(arg, &m))
			return TAILQ_NEXT(e, in_box) != NULL;
	}
	return 0;
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
	out->tried_before = box->held ? box->tried_before : box->tried;
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
journal_next(struct journal *j, uint32_t *cursor, struct journal_box *out)
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
	for (segment = TAILQ_FIRST(&j->segments); segment != NULL;
	     segment = TAILQ_NEXT(segment, link))
		s->segments++;
}

uint64_t
journal_max_id(const struct journal *j)
{
	return j->highest_id;
}
