/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * Segments go oldest first, and only so: a DONE may vanish only when the mail
 * that it ends has vanished before, which stands in the same segment or an
 * older one.  Of a segment that is mostly dead, the rest is copied on to the
 * end; what is copied keeps its position, and so its place in the order.
 */
#include "journal_inside.h"

#include <errno.h>
#include <string.h>

#define COPY_BATCH 256 /* records copied on in one step */

/* ---- age ---- */

static bool
is_old(const struct journal *j, const struct box *box, uint32_t now)
{
	return box != NULL && j->o.expire != 0 &&
	       (uint64_t)TAILQ_FIRST(&box->entries)->time + j->o.expire <= now;
}

static void
give_up(struct journal *j, struct entry *e, journal_gone *gone, void *arg)
{
	struct box *box = e->box;

	if (gone != NULL)
		gone(arg, e->id, box->name, box->len);
	journal_remove(j, e);
	journal_settle(j, box);
}

bool
journal_expire(struct journal *j, uint32_t now, journal_gone *gone, void *arg)
{
	struct box *box = index_oldest(&j->index);
	struct entry *e;
	int n;

	for (n = 0; n < JOURNAL_EXPIRE_STEP && is_old(j, box, now); n++) {
		e = TAILQ_FIRST(&box->entries);
		if (!pending_done(j, e->id))
			return false;
		give_up(j, e, gone, arg);
		box = index_oldest(&j->index);
	}
	return is_old(j, box, now);
}

uint32_t
journal_expire_at(const struct journal *j)
{
	const struct box *box = index_oldest(&j->index);
	uint64_t at;

	if (box == NULL || j->o.expire == 0)
		return UINT32_MAX;
	at = (uint64_t)TAILQ_FIRST(&box->entries)->time + j->o.expire;
	return at < UINT32_MAX ? (uint32_t)at : UINT32_MAX;
}

/* ---- space ---- */

/* False if the mail cannot be had now. */
static bool
copy_mail(struct journal *j, struct segment *s, struct entry *e,
    journal_gone *gone, void *arg)
{
	struct mail mail;
	uint64_t at = e->at;

	switch (journal_fetch(j, e, &mail)) {
	case JOURNAL_UNREADABLE: return false;
	case JOURNAL_ROTTEN:
		/* There is nothing to copy on. */
		if (!pending_done(j, e->id))
			return false;
		give_up(j, e, gone, arg);
		return true;
	case JOURNAL_FOUND: break;
	}
	journal_displace(j, e);
	if (!pending_mail(j, e, &mail)) {
		journal_place(j, e, s, at, e->size);
		return false;
	}
	e->forced = true;
	return true;
}

/* Copies the first of what is needed from a segment to the end. */
static void
copy_on(struct journal *j, struct segment *s, journal_gone *gone, void *arg)
{
	struct entry *e;
	struct mark *m;
	int n;

	for (n = 0; n < COPY_BATCH; n++) {
		e = TAILQ_FIRST(&s->place.entries);
		if (e == NULL)
			break;
		if (!copy_mail(j, s, e, gone, arg))
			return;
	}
	for (; n < COPY_BATCH; n++) {
		m = TAILQ_FIRST(&s->place.marks);
		if (m == NULL || !pending_mark(j, m))
			break;
	}
}

/* What is dead takes more than what is alive; or it is an eighth, and the
 * store is nearly full. */
static bool
is_mostly_dead(const struct journal *j)
{
	uint64_t live = j->index.bytes, all = j->file_bytes;

	return all >= 2 * live + 2 * j->o.segment_max ||
	       (all + j->o.segment_max > j->o.store_max &&
		   live < all - all / 8);
}

static bool
remove_segment(struct journal *j, struct segment *s)
{
	char name[SEGMENT_NAME_MAX];

	if (segment_unlink(j->o.io, s) == -1) {
		segment_name(name, s->number);
		if (j->unlink_error != errno)
			journal_report(j, "fail what=unlink file=%s error=%s",
			    name, strerror(errno));
		j->unlink_error = errno;
		return false;
	}
	j->unlink_error = 0;
	j->file_bytes -= s->size;
	journal_drop(j, s);
	return true;
}

bool
journal_compact(struct journal *j, journal_gone *gone, void *arg)
{
	struct segment *s = TAILQ_FIRST(&j->segments);

	if (s == NULL || s == journal_last(j) || j->pending_used > 0)
		return false;
	if (place_is_empty(&s->place))
		return remove_segment(j, s);
	if (!TAILQ_EMPTY(&s->place.entries) && !is_mostly_dead(j))
		return false;
	copy_on(j, s, gone, arg);
	return j->pending_used > 0;
}
