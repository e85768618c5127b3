/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

#include "segment_index.h"

#include "hash.h"

#include <stdlib.h>
#include <string.h>

#define SIZE_MIN 256

static uint64_t
mix(uint64_t h)
{
	h ^= h >> 33;
	h *= 0xff51afd7ed558ccdU;
	h ^= h >> 33;
	return h;
}

void
place_init(struct place *p)
{
	TAILQ_INIT(&p->entries);
	TAILQ_INIT(&p->marks);
}

bool
place_is_empty(const struct place *p)
{
	return TAILQ_EMPTY(&p->entries) && TAILQ_EMPTY(&p->marks);
}

bool
index_init(struct journal_index *x)
{
	*x = (struct journal_index){.ids = SIZE_MIN, .names = SIZE_MIN};
	x->seed = hash_seed();
	TAILQ_INIT(&x->in_order);
	x->by_id = calloc(x->ids, sizeof(struct entry *));
	x->by_name = calloc(x->names, sizeof(struct box *));
	if (x->by_id != NULL && x->by_name != NULL)
		return true;
	free(x->by_id);
	free(x->by_name);
	return false;
}

void
index_free(struct journal_index *x)
{
	struct entry *e;
	struct box *box, *next;
	size_t i;

	for (i = 0; i < x->names; i++)
		for (box = x->by_name[i]; box != NULL; box = next) {
			next = box->next;
			while ((e = TAILQ_FIRST(&box->entries)) != NULL) {
				TAILQ_REMOVE(&box->entries, e, in_box);
				free(e);
			}
			free(box->rooms);
			free(box);
		}
	free(x->by_age);
	free(x->by_id);
	free(x->by_name);
}

/* Chains twice as many; without memory they just grow longer. */
static void
grow_ids(struct journal_index *x)
{
	size_t size = 2 * x->ids, i;
	struct entry **by_id = calloc(size, sizeof(struct entry *)), *e, **at;

	if (by_id == NULL)
		return;
	for (i = 0; i < x->ids; i++)
		while ((e = x->by_id[i]) != NULL) {
			x->by_id[i] = e->next;
			at = &by_id[mix(e->id) & (size - 1)];
			e->next = *at;
			*at = e;
		}
	free(x->by_id);
	x->by_id = by_id;
	x->ids = size;
}

static void
grow_names(struct journal_index *x)
{
	size_t size = 2 * x->names, i;
	struct box **by_name = calloc(size, sizeof(struct box *)), *box, **at;

	if (by_name == NULL)
		return;
	for (i = 0; i < x->names; i++)
		while ((box = x->by_name[i]) != NULL) {
			x->by_name[i] = box->next;
			at = &by_name[box->hash & (size - 1)];
			box->next = *at;
			*at = box;
		}
	free(x->by_name);
	x->by_name = by_name;
	x->names = size;
}

/* ---- by age ---- */

/* Room for one box more than there are, so that nothing can fail later. */
static bool
grow_aged(struct journal_index *x)
{
	size_t size = x->aged_size > 0 ? 2 * x->aged_size : SIZE_MIN;
	struct box **by_age;

	if (x->boxes < x->aged_size)
		return true;
	by_age = realloc(x->by_age, size * sizeof(struct box *));
	if (by_age == NULL)
		return false;
	x->by_age = by_age;
	x->aged_size = size;
	return true;
}

static bool
is_older(const struct box *a, const struct box *b)
{
	return TAILQ_FIRST(&a->entries)->time < TAILQ_FIRST(&b->entries)->time;
}

static void
put_aged(struct journal_index *x, size_t at, struct box *box)
{
	x->by_age[at] = box;
	box->aged = at + 1;
}

static void
sift_up(struct journal_index *x, size_t at)
{
	struct box *box = x->by_age[at];

	for (; at > 0 && is_older(box, x->by_age[(at - 1) / 2]);
	     at = (at - 1) / 2)
		put_aged(x, at, x->by_age[(at - 1) / 2]);
	put_aged(x, at, box);
}

static void
sift_down(struct journal_index *x, size_t at)
{
	struct box *box = x->by_age[at];
	size_t child;

	while ((child = 2 * at + 1) < x->aged) {
		if (child + 1 < x->aged &&
		    is_older(x->by_age[child + 1], x->by_age[child]))
			child++;
		if (!is_older(x->by_age[child], box))
			break;
		put_aged(x, at, x->by_age[child]);
		at = child;
	}
	put_aged(x, at, box);
}

/* Puts a box in its place: its first mail is another, or it is held, or not
 * any more. */
static void
age(struct journal_index *x, struct box *box)
{
	size_t at = box->aged - 1;
	struct box *last;

	if (x->ready && !box->held && box->mails > 0) {
		if (box->aged == 0)
			put_aged(x, at = x->aged++, box);
		sift_up(x, at);
		sift_down(x, box->aged - 1);
	} else if (box->aged != 0) {
		box->aged = 0;
		last = x->by_age[--x->aged];
		if (last == box)
			return;
		put_aged(x, at, last);
		sift_up(x, at);
		sift_down(x, last->aged - 1);
	}
}

void
index_hold(struct journal_index *x, struct box *box, bool held)
{
	box->held = held;
	age(x, box);
}

struct box *
index_oldest(const struct journal_index *x)
{
	return x->aged > 0 ? x->by_age[0] : NULL;
}

/* ---- mails and boxes ---- */

struct entry *
index_find(const struct journal_index *x, uint64_t id)
{
	struct entry *e = x->by_id[mix(id) & (x->ids - 1)];

	while (e != NULL && e->id != id)
		e = e->next;
	return e;
}

struct box *
index_find_box(const struct journal_index *x, const char *name, size_t len)
{
	struct box *box =
	    x->by_name[hash_bytes(x->seed, name, len) & (x->names - 1)];

	while (box != NULL &&
	       (box->len != len || memcmp(box->name, name, len) != 0))
		box = box->next;
	return box;
}

struct box *
index_box(struct journal_index *x, const char *name, size_t len)
{
	struct box *box, **at;

	if (len > NAME_MAX_LEN)
		return NULL;
	box = index_find_box(x, name, len);
	if (box != NULL)
		return box;
	if (!grow_aged(x))
		return NULL;
	box = calloc(1, sizeof *box);
	if (box == NULL)
		return NULL;
	if (x->boxes >= x->names)
		grow_names(x);
	box->hash = hash_bytes(x->seed, name, len);
	box->len = (uint8_t)len;
	memcpy(box->name, name, len);
	TAILQ_INIT(&box->entries);
	box->known_mark.box = box->tried_mark.box = box;
	at = &x->by_name[box->hash & (x->names - 1)];
	box->next = *at;
	*at = box;
	x->boxes++;
	box->serial = ++x->serial;
	TAILQ_INSERT_TAIL(&x->in_order, box, in_order);
	return box;
}

struct entry *
index_add(struct journal_index *x, const struct mail *m)
{
	struct box *box = index_box(x, m->to, m->to_len);
	struct entry *e = calloc(1, sizeof *e), **at;
	const struct entry *last;

	if (box == NULL || e == NULL) {
		if (box != NULL)
			index_release(x, box);
		free(e);
		return NULL;
	}
	if (x->mails >= x->ids)
		grow_ids(x);
	e->box = box;
	e->id = m->id;
	e->position = m->position;
	e->time = m->time;
	e->bytes = m->text_len;
	e->counted = (m->flags & MAIL_FORCED) == 0;
	last = TAILQ_LAST(&box->entries, entries);
	if (last != NULL && last->position > e->position)
		box->unsorted = true;
	TAILQ_INSERT_TAIL(&box->entries, e, in_box);
	at = &x->by_id[mix(e->id) & (x->ids - 1)];
	e->next = *at;
	*at = e;
	box->mails++;
	box->bytes += e->bytes;
	box->counted_mails += e->counted;
	box->counted_bytes += e->counted ? e->bytes : 0;
	x->mails++;
	age(x, box);
	return e;
}

void
index_remove(struct journal_index *x, struct entry *e)
{
	struct entry **at = &x->by_id[mix(e->id) & (x->ids - 1)];
	struct box *box = e->box;

	while (*at != e)
		at = &(*at)->next;
	*at = e->next;
	TAILQ_REMOVE(&box->entries, e, in_box);
	x->bytes -= e->size;
	box->mails--;
	box->bytes -= e->bytes;
	box->counted_mails -= e->counted;
	box->counted_bytes -= e->counted ? e->bytes : 0;
	x->mails--;
	age(x, box);
	free(e);
}

void
index_release(struct journal_index *x, struct box *box)
{
	struct box **at = &x->by_name[box->hash & (x->names - 1)];

	if (box->known || box->mails > 0 || box->held ||
	    box->known_mark.exists || box->tried_mark.exists)
		return;
	while (*at != box)
		at = &(*at)->next;
	*at = box->next;
	x->boxes--;
	TAILQ_REMOVE(&x->in_order, box, in_order);
	if (x->last_told == box)
		x->last_told = NULL;
	free(box->rooms);
	free(box);
}

static int
by_position(const void *a, const void *b)
{
	uint64_t pa = (*(struct entry *const *)a)->position;
	uint64_t pb = (*(struct entry *const *)b)->position;

	return pa < pb ? -1 : pa > pb;
}

static bool
sort_box(struct box *box)
{
	struct entry **all = calloc(box->mails, sizeof(struct entry *)), *e;
	size_t n = 0, i;

	if (all == NULL)
		return false;
	while ((e = TAILQ_FIRST(&box->entries)) != NULL) {
		TAILQ_REMOVE(&box->entries, e, in_box);
		all[n++] = e;
	}
	qsort(all, n, sizeof all[0], by_position);
	for (i = 0; i < n; i++)
		TAILQ_INSERT_TAIL(&box->entries, all[i], in_box);
	free(all);
	box->unsorted = false;
	return true;
}

bool
index_ready(struct journal_index *x)
{
	struct box *box = NULL;

	x->ready = true;
	while ((box = index_next_box(x, box)) != NULL) {
		if (box->unsorted && box->mails > 0 && !sort_box(box))
			return false;
		age(x, box);
	}
	return true;
}

struct box *
index_next_box(const struct journal_index *x, const struct box *after)
{
	return after != NULL ? TAILQ_NEXT(after, in_order)
	                     : TAILQ_FIRST(&x->in_order);
}

/* The cursor is a serial number: what went meanwhile is stepped over.  The
 * box that was told last is mostly where to go on. */
struct box *
index_nth_box(struct journal_index *x, uint32_t *cursor)
{
	struct box *box = x->last_told;

	if (box == NULL || box->serial != *cursor)
		box = TAILQ_FIRST(&x->in_order);
	while (box != NULL && box->serial <= *cursor)
		box = TAILQ_NEXT(box, in_order);
	x->last_told = box;
	if (box != NULL)
		*cursor = box->serial;
	return box;
}
