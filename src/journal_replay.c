/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * All segments are read, oldest first, and each record carried out as if it
 * had just been asked for.  What cannot be read is passed over: the next
 * record is found by its mark.
 */
#define _GNU_SOURCE
#include "journal_inside.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECTOR      4096 /* bytes that a bad place on a disk takes along */
#define LARGE       (64 * 1024 * 1024) /* bytes: progress is told */
#define NUMBER_SIZE 16                 /* digits in a file's name */

/* False without memory. */
static bool
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
		return true;
	e = index_add(&j->index, &r->mail);
	if (e == NULL)
		return false;
	journal_place(j, e, s, at, r->size);
	return true;
}

static void
replay_done(struct journal *j, uint64_t id)
{
	struct entry *e = index_find(&j->index, id);

	if (id > j->highest_id)
		j->highest_id = id;
	if (e != NULL)
		journal_remove(j, e);
}

static bool
replay_name(
    struct journal *j, struct segment *s, const struct segment_record *r)
{
	const struct mail *m = &r->mail;
	struct box *box = index_box(&j->index, m->to, m->to_len);

	if (box == NULL)
		return false;
	if (r->type == SEGMENT_NAME) {
		box->known = true;
		box->seen = m->time;
		journal_place_mark(j, &box->known_mark, s);
		return journal_set_rooms(box, m->text, m->text_len);
	}
	if (r->type == SEGMENT_FORGET) {
		box->known = false;
		journal_unmark(j, &box->known_mark);
	} else {
		box->tried = m->position;
		journal_place_mark(j, &box->tried_mark, s);
	}
	return true;
}

static bool
replay_record(struct journal *j, struct segment *s, uint64_t at,
    const struct segment_record *r)
{
	switch (r->type) {
	case SEGMENT_ADD: return replay_add(j, s, at, r);
	case SEGMENT_DONE: replay_done(j, r->mail.id); return true;
	default: return replay_name(j, s, r);
	}
}

/* The last record of the last segment may be half there: it was never
 * acknowledged.  Anything else that is wrong was once right. */
static void
replay_damage(
    struct journal *j, struct segment *s, size_t from, size_t to, size_t size)
{
	char name[SEGMENT_NAME_MAX];

	segment_name(name, s->number);
	if (to == size && TAILQ_NEXT(s, link) == NULL) {
		journal_report(j, "torn file=%s offset=%zu bytes=%zu", name,
		    from, size - from);
		if (j->o.io->truncate(j->o.io->arg, s->fd, (off_t)from) == -1)
			s->closed = true;
		else
			s->size = from;
		return;
	}
	journal_report(
	    j, "damaged file=%s offset=%zu bytes=%zu", name, from, to - from);
	j->stats.damaged++;
}

static bool
replay_records(
    struct journal *j, struct segment *s, const char *data, size_t size)
{
	size_t at = size < SEGMENT_HEADER_SIZE ? 0 : SEGMENT_HEADER_SIZE, next;
	struct segment_record r;

	while (at < size) {
		if (segment_get(data + at, size - at, &r)) {
			if (!replay_record(j, s, at, &r))
				return false;
			at += r.size;
			continue;
		}
		next = segment_search(data, size, at);
		replay_damage(j, s, at, next, size);
		at = next;
	}
	return true;
}

/* Reads a piece; where the disk cannot, zeros stand for what was there, and
 * their checksums will tell. */
static void
read_piece(
    struct journal *j, struct segment *s, uint64_t at, char *data, size_t len)
{
	size_t n;

	if (segment_read(j->o.io, s, at, data, len) == 0)
		return;
	for (; len > 0; at += n, data += n, len -= n) {
		n = len < SECTOR ? len : SECTOR;
		if (segment_read(j->o.io, s, at, data, n) == -1)
			memset(data, 0, n);
	}
}

static char *
read_all(struct journal *j, struct segment *s)
{
	size_t size = (size_t)s->size, at, n;
	char *data = malloc(size);

	for (at = 0; data != NULL && at < size; at += n) {
		n = size - at < 64 * SECTOR ? size - at : 64 * SECTOR;
		read_piece(j, s, at, data + at, n);
	}
	return data;
}

static bool
replay_header(
    struct journal *j, struct segment *s, const char *data, size_t size)
{
	char name[SEGMENT_NAME_MAX];
	struct segment_header h;

	segment_name(name, s->number);
	switch (segment_get_header(data, size, &h)) {
	case SEGMENT_HEADER_OTHER:
		journal_report(j, "version file=%s", name);
		errno = ENOTSUP;
		return false;
	case SEGMENT_HEADER_GOOD:
		if (h.position > j->next_position)
			j->next_position = h.position;
		if (h.number == s->number)
			return true;
		break;
	case SEGMENT_HEADER_BAD: break;
	}
	journal_report(
	    j, "damaged file=%s offset=0 bytes=%u", name, SEGMENT_HEADER_SIZE);
	j->stats.damaged++;
	s->closed = true;
	return true;
}

/* 0; -1/errno if it is of another version, or there is no memory. */
static int
replay_segment(struct journal *j, struct segment *s)
{
	char name[SEGMENT_NAME_MAX];
	size_t size = (size_t)s->size;
	char *data;
	bool good;

	if (size == 0) {
		segment_name(name, s->number);
		journal_report(j, "torn file=%s offset=0 bytes=0", name);
		s->closed = true;
		return 0;
	}
	data = read_all(j, s);
	errno = ENOMEM;
	good = data != NULL && replay_header(j, s, data, size);
	if (good) {
		errno = ENOMEM;
		good = replay_records(j, s, data, size);
	}
	free(data);
	return good ? 0 : -1;
}

/* ---- the directory ---- */

static int
by_number(const void *a, const void *b)
{
	uint64_t na = *(const uint64_t *)a, nb = *(const uint64_t *)b;

	return na < nb ? -1 : na > nb;
}

/* Whether a file is one of ours, and which: exactly as segment_name() has it,
 * so that a backup beside it is none. */
static bool
get_number(const char *name, uint64_t *number)
{
	char ours[SEGMENT_NAME_MAX];

	if (strncmp(name, "journal.", 8) != 0 ||
	    strlen(name) != 8 + NUMBER_SIZE ||
	    strspn(name + 8, "0123456789abcdef") != NUMBER_SIZE)
		return false;
	*number = strtoull(name + 8, NULL, 16);
	segment_name(ours, *number);
	return *number < SEGMENT_COUNT_MAX && strcmp(ours, name) == 0;
}

static bool
append(uint64_t **list, size_t *n, uint64_t number)
{
	uint64_t *grown = realloc(*list, (*n + 1) * sizeof **list);

	if (grown == NULL)
		return false;
	*list = grown;
	grown[(*n)++] = number;
	return true;
}

/* The numbers of the segments there are, in order; how many, or -1/errno. */
static ssize_t
list_segments(const struct journal *j, uint64_t **list)
{
	int fd = openat(j->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd != -1 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	uint64_t number;
	size_t n = 0;
	bool good = true;

	*list = NULL;
	if (d == NULL) {
		if (fd != -1)
			close(fd);
		return -1;
	}
	while (good && (entry = readdir(d)) != NULL)
		if (get_number(entry->d_name, &number))
			good = append(list, &n, number);
	closedir(d);
	if (!good) {
		errno = ENOMEM;
		return -1;
	}
	if (n > 0)
		qsort(*list, n, sizeof **list, by_number);
	return (ssize_t)n;
}

/* Only the last stays open. */
static int
open_segments(struct journal *j, const uint64_t *list, ssize_t n)
{
	struct segment *s;
	ssize_t i;

	for (i = 0; i < n; i++) {
		s = segment_open(j->o.io, j->dir, list[i]);
		if (s == NULL)
			return -1;
		if (i < n - 1)
			segment_rest(s);
		TAILQ_INSERT_TAIL(&j->segments, s, link);
		j->next_segment = s->number + 1;
		j->file_bytes += s->size;
	}
	return 0;
}

/* ---- all of it ---- */

static void
tell_progress(const struct journal *j, uint64_t before, uint64_t now)
{
	uint64_t all = j->file_bytes;

	if (all >= LARGE && before * 10 / all != now * 10 / all)
		journal_report(j, "replayed percent=%d bytes=%" PRIu64,
		    (int)(now * 10 / all * 10), now);
}

static void
settle_boxes(struct journal *j)
{
	struct box *box = index_next_box(&j->index, NULL), *next;

	for (; box != NULL; box = next) {
		next = index_next_box(&j->index, box);
		journal_settle(j, box);
	}
}

/*
 * What a process before this one wrote and did not live to sync was read from
 * memory: from now on it counts as kept, so it has to be.
 */
static int
sync_last(struct journal *j)
{
	struct segment *s = journal_last(j);

	if (s == NULL)
		return 0;
	return j->o.io->sync(j->o.io->arg, s->fd) == -1
	           ? -1
	           : j->o.io->sync_dir(j->o.io->arg, j->dir);
}

int
journal_replay(struct journal *j)
{
	uint64_t *list, done = 0, size;
	ssize_t n = list_segments(j, &list);
	int result = n == -1 ? -1 : open_segments(j, list, n);
	struct segment *s;

	free(list);
	if (result == -1)
		return -1;
	for (s = TAILQ_FIRST(&j->segments); s != NULL;
	     s = TAILQ_NEXT(s, link)) {
		size = s->size;
		if (replay_segment(j, s) == -1)
			return -1;
		if (s != journal_last(j))
			segment_rest(s);
		tell_progress(j, done, done + size);
		done += size;
		j->file_bytes -= size - s->size;
	}
	settle_boxes(j);
	return sync_last(j);
}
