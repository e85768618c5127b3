/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/* What a journal promises when the disk behaves. */
#include "journal_help.h"

#include <sys/resource.h>

static struct journal *
reopen(struct journal *j)
{
	journal_close(j);
	return help_open();
}

static void
mail_survives(void)
{
	struct journal *j;
	struct journal_stats s;

	help_begin();
	help_options.io = NULL; /* once for real */
	j = help_open();
	CHECK(!journal_is_dirty(j) && help_sync(j) == 0);
	CHECK(help_add(j, 1, "bob", 0) == JOURNAL_OK);
	CHECK(help_add(j, 2, "carol", 0) == JOURNAL_OK);
	CHECK(help_add(j, 3, "bob", MAIL_AGAIN) == JOURNAL_OK);
	CHECK(help_add(j, 4, "bob", MAIL_FORCED) == JOURNAL_OK);
	CHECK(journal_is_dirty(j) && journal_is_pending(j, 3));
	CHECK_BOX(j, "bob", "1 3! 4");
	CHECK(help_sync(j) == 0);
	CHECK(!journal_is_dirty(j) && !journal_is_pending(j, 3));
	CHECK_BOX(j, "bob", "1 3! 4");
	j = reopen(j);
	CHECK_BOX(j, "bob", "1 3! 4");
	CHECK_BOX(j, "carol", "2");
	CHECK_BOX(j, "dave", "");
	CHECK(journal_done(j, 3));
	CHECK(!journal_done(j, 3) && !journal_done(j, 99));
	CHECK_BOX(j, "bob", "1 4");
	CHECK(help_sync(j) == 0);
	j = reopen(j);
	CHECK_BOX(j, "bob", "1 4");
	CHECK(!journal_done(j, 3));
	CHECK(journal_max_id(j) == 4);
	journal_get_stats(j, &s);
	CHECK(s.mails == 3 && s.segments == 1 && s.damaged == 0);
	journal_close(j);
	CHECK(help_reports[0] == '\0');
	help_end();
}

/* What was never synced was never promised. */
static void
unsynced_is_forgotten(void)
{
	struct journal *j;

	help_begin();
	j = help_open();
	help_add(j, 1, "bob", 0);
	CHECK(help_sync(j) == 0);
	help_add(j, 2, "bob", 0);
	journal_done(j, 1);
	j = reopen(j);
	CHECK_BOX(j, "bob", "1");
	journal_close(j);
	help_end();
}

/* Every field, at its limits; and a text that looks like the journal. */
static bool
put_same(void *arg, const struct mail *m)
{
	const struct mail *want = arg;

	CHECK(m->id == want->id && m->time == want->time);
	CHECK(m->to_len == want->to_len && m->from_len == want->from_len);
	CHECK(m->room_len == want->room_len && m->text_len == want->text_len);
	CHECK(memcmp(m->to, want->to, m->to_len) == 0);
	CHECK(memcmp(m->from, want->from, m->from_len) == 0);
	CHECK(memcmp(m->room, want->room, m->room_len) == 0);
	CHECK(
	    m->text_len == 0 || memcmp(m->text, want->text, m->text_len) == 0);
	return true;
}

static void
all_fields(void)
{
	static char text[JOURNAL_TEXT_MAX];
	static char name[33] = "abcdefghijklmnopqrstuvwxyzABCDEF";
	struct mail m = {.id = 1U << 31,
	    .time = UINT32_MAX - 1,
	    .to_len = 32,
	    .from_len = 32,
	    .room_len = 33,
	    .text_len = sizeof text,
	    .to = name,
	    .from = name,
	    .text = text,
	    .room = "#abcdefghijklmnopqrstuvwxyzABCDEF"};
	struct mail bare = help_mail(9, "z", "", 0);
	struct journal *j;
	size_t i;

	for (i = 0; i < sizeof text; i++)
		text[i] = (char)(i * 7);
	help_begin();
	j = help_open();
	CHECK(journal_add(j, &m) == JOURNAL_OK);
	CHECK(journal_add(j, &bare) == JOURNAL_OK);
	CHECK(journal_read(j, name, 32, 0, 1, put_same, &m) == 0);
	CHECK(help_sync(j) == 0);
	CHECK(journal_read(j, name, 32, 0, 1, put_same, &m) == 0);
	j = reopen(j);
	CHECK(journal_read(j, name, 32, 0, 1, put_same, &m) == 0);
	CHECK(journal_read(j, "z", 1, 0, 1, put_same, &bare) == 0);
	CHECK(help_reports[0] == '\0');

	bare.id = 0;
	CHECK(journal_add(j, &bare) == JOURNAL_BAD);
	bare.id = 10;
	bare.to_len = 0;
	CHECK(journal_add(j, &bare) == JOURNAL_BAD);
	CHECK(!journal_is_dirty(j));
	journal_close(j);
	help_end();
}

/* A request that is made twice is harmless, before a sync and after, and
 * after a restart. */
static void
duplicates(void)
{
	struct journal *j;

	help_begin();
	j = help_open();
	CHECK(help_add(j, 7, "bob", 0) == JOURNAL_OK);
	CHECK(help_add(j, 7, "bob", 0) == JOURNAL_DUPLICATE);
	CHECK(help_sync(j) == 0);
	CHECK(help_add(j, 7, "bob", MAIL_FORCED) == JOURNAL_DUPLICATE);
	j = reopen(j);
	CHECK(help_add(j, 7, "bob", 0) == JOURNAL_DUPLICATE);
	CHECK_BOX(j, "bob", "7");
	CHECK(journal_done(j, 7) && !journal_done(j, 7));
	CHECK_BOX(j, "bob", "");
	CHECK(help_sync(j) == 0);
	journal_close(j);
	help_end();
}

/* The order is that of adding, not of ids; and no position comes back. */
static void
order_and_positions(void)
{
	struct journal *j;
	uint64_t last;

	help_begin();
	j = help_open();
	help_add(j, 50, "bob", 0);
	help_add(j, 20, "bob", 0);
	help_add(j, 90, "bob", 0);
	help_sync(j);
	j = reopen(j);
	help_add(j, 10, "bob", 0);
	CHECK_BOX(j, "bob", "50 20 90 10");
	CHECK(help_sync(j) == 0);
	j = reopen(j);
	CHECK_BOX(j, "bob", "50 20 90 10");
	last = help_listed.last;
	journal_done(j, 10);
	help_sync(j);
	j = reopen(j);
	help_add(j, 11, "bob", 0);
	help_read(j, "bob");
	CHECK(help_listed.last > last);
	journal_close(j);
	help_end();
}

static void
add_many(struct journal *j, uint64_t from, uint64_t to, const char *name)
{
	for (; from <= to; from++) {
		CHECK(help_add(j, from, name, 0) == JOURNAL_OK);
		if (from % 10 == 0)
			CHECK(help_sync(j) == 0);
	}
	CHECK(help_sync(j) == 0);
}

static void
drop_many(struct journal *j, uint64_t from, uint64_t to)
{
	for (; from <= to; from++)
		CHECK(journal_done(j, from));
	CHECK(help_sync(j) == 0);
}

static uint64_t compact_lost;

static void
count_gone(void *arg, uint64_t id, const char *to, size_t len)
{
	(void)arg;
	(void)id;
	(void)to;
	(void)len;
	compact_lost++;
}

/* The store's rounds, until there is nothing to do; how many. */
static unsigned
compact(struct journal *j)
{
	unsigned rounds = 0;

	while (journal_compact(j, count_gone, NULL) && ++rounds < 10000)
		CHECK(help_sync(j) == 0);
	CHECK(help_sync(j) == 0);
	return rounds;
}

/* A position is never given twice, not even when every trace of the mail
 * that had it has been removed from the disk. */
static void
positions_survive_removal(void)
{
	struct journal *j;
	uint64_t last, id;

	help_begin();
	help_options.segment_max = 4096;
	j = help_open();
	add_many(j, 1, 500, "bob");
	help_read(j, "bob");
	last = help_listed.last;
	/* Until the last segment has nothing but ends in it. */
	for (id = 1; id <= 500; id += 10)
		drop_many(j, id, id + 9);
	CHECK(compact(j) < 10000);
	j = reopen(j);
	CHECK(compact(j) < 10000);
	j = reopen(j);
	CHECK(help_add(j, 501, "bob", 0) == JOURNAL_OK);
	help_read(j, "bob");
	CHECK(help_listed.mails == 1 && help_listed.last > last);
	CHECK(journal_max_id(j) >= 500);
	journal_close(j);
	help_end();
}

static void
segments_roll_and_go(void)
{
	struct journal *j;
	struct journal_stats s;
	unsigned before;

	help_begin();
	help_options.segment_max = 4096;
	j = help_open();
	add_many(j, 1, 1000, "bob");
	before = help_segments(NULL);
	CHECK(before > 8);
	journal_get_stats(j, &s);
	CHECK(s.segments == before && s.mails == 1000);
	CHECK(s.file_bytes >= s.live_bytes);
	j = reopen(j);
	help_read(j, "bob");
	CHECK(help_listed.mails == 1000);
	drop_many(j, 1, 990);
	CHECK(compact(j) < 10000);
	CHECK(help_segments(NULL) <= 12 && help_segments(NULL) < before);
	CHECK_BOX(j, "bob", "991 992 993 994 995 996 997 998 999 1000");
	j = reopen(j);
	CHECK_BOX(j, "bob", "991 992 993 994 995 996 997 998 999 1000");
	CHECK_STR(help_reports, strlen(help_reports), "");
	CHECK(compact_lost == 0);
	journal_close(j);
	help_end();
}

/* An old mail for someone who never comes, in front of everything, with a
 * great coming and going behind it: it is copied on, and stays what it was. */
static void
survivors_are_copied_on(void)
{
	struct journal *j;
	struct journal_box box;
	uint64_t id, tried, first;
	unsigned round, most = 0;

	help_begin();
	help_options.segment_max = 4096;
	j = help_open();
	help_add(j, 1, "old", 0);
	help_add(j, 2, "old", MAIL_AGAIN);
	help_add(j, 3, "old", 0);
	CHECK(journal_know(j, "old", 3, 77, "#a #b", 5) == JOURNAL_OK);
	CHECK(journal_know(j, "friend", 6, 78, NULL, 0) == JOURNAL_OK);
	CHECK(journal_know(j, "gone", 4, 79, NULL, 0) == JOURNAL_OK);
	help_read(j, "old");
	first = help_listed.last;
	CHECK(journal_read(j, "old", 3, 0, 1, help_put, &help_listed) == 1);
	CHECK(journal_find(j, "old", 3, &box));
	help_listed = (struct help_list){.len = 0};
	journal_read(j, "old", 3, 0, 1, help_put, &help_listed);
	tried = help_listed.last;
	CHECK(journal_set_tried(j, "old", 3, tried) == JOURNAL_OK);
	CHECK(journal_forget(j, "gone", 4) == JOURNAL_OK);
	CHECK(help_sync(j) == 0);
	for (id = 10, round = 0; round < 60; round++, id += 50) {
		add_many(j, id, id + 49, "bob");
		drop_many(j, id, id + 49);
		CHECK(compact(j) < 1000);
		if (help_segments(NULL) > most)
			most = help_segments(NULL);
		if (round % 7 == 3)
			j = reopen(j);
		help_add(j, id + 100000, "old", 0);
		CHECK(help_sync(j) == 0);
		journal_done(j, id + 100000);
	}
	CHECK(most <= 8);
	CHECK_BOX(j, "old", "1! 2! 3");
	CHECK(help_listed.last == first);
	help_add(j, 4, "old", 0);
	CHECK(help_sync(j) == 0);
	j = reopen(j);
	CHECK_BOX(j, "old", "1! 2! 3 4");
	CHECK(journal_find(j, "old", 3, &box) && box.known && box.seen == 77);
	CHECK_STR(box.rooms, box.rooms_len, "#a #b");
	CHECK(journal_find(j, "friend", 6, &box) && box.known);
	CHECK(!journal_find(j, "gone", 4, &box) || !box.known);
	CHECK_STR(help_reports, strlen(help_reports), "");
	CHECK(compact_lost == 0);
	journal_close(j);
	help_end();
}

/* The crash is anywhere: what was copied on and what was removed meet again
 * in every state that the directory was in. */
static void
compaction_cut_short(void)
{
	struct journal *j;
	unsigned step, steps;

	for (step = 0, steps = 1; step < steps && step < 200; step++) {
		unsigned n = 0;

		help_begin();
		help_options.segment_max = 4096;
		j = help_open();
		help_add(j, 1, "old", 0);
		help_add(j, 2, "old", 0);
		journal_know(j, "old", 3, 5, NULL, 0);
		help_sync(j);
		add_many(j, 10, 400, "bob");
		help_add(j, 3, "old", 0);
		help_sync(j);
		drop_many(j, 10, 400);
		while (n < step && journal_compact(j, NULL, NULL)) {
			n++;
			/* On odd steps the last copies are never synced. */
			if (n < step || step % 2 == 0)
				CHECK(help_sync(j) == 0);
		}
		if (n == step)
			steps = step + 2;
		j = reopen(j);
		CHECK_BOX(j, "old", "1 2 3");
		CHECK_BOX(j, "bob", "");
		CHECK(compact(j) < 1000);
		CHECK_BOX(j, "old", "1 2 3");
		help_add(j, 500, "old", 0);
		help_sync(j);
		j = reopen(j);
		CHECK_BOX(j, "old", "1 2 3 500");
		CHECK(help_reports[0] == '\0');
		journal_close(j);
		help_end();
	}
	CHECK(step > 3 && step < 200);
}

/* Mail that was handed back has an old name and a new place; after copying
 * on, too, position decides, not where a record stands. */
static void
order_survives_copying(void)
{
	struct journal *j;
	uint64_t id;

	help_begin();
	help_options.segment_max = 4096;
	j = help_open();
	for (id = 1; id <= 5; id++)
		help_add(j, 10 - id, "bob", 0);
	help_sync(j);
	add_many(j, 100, 500, "carol");
	help_add(j, 3, "bob", 0);
	help_sync(j);
	drop_many(j, 100, 500);
	CHECK(compact(j) < 1000);
	CHECK_BOX(j, "bob", "9 8 7 6 5 3");
	help_add(j, 2, "bob", 0);
	help_sync(j);
	j = reopen(j);
	CHECK_BOX(j, "bob", "9 8 7 6 5 3 2");
	journal_close(j);
	help_end();
}

static void
lock(void)
{
	struct journal *j, *other;
	int err = 0;

	help_begin();
	j = help_open();
	other = journal_open(&help_options, &err);
	CHECK(other == NULL && err == EWOULDBLOCK);
	journal_close(other);
	journal_close(j);
	other = journal_open(&help_options, &err);
	CHECK(other != NULL);
	journal_close(other);
	help_end();
}

static void
directory(void)
{
	char parent[sizeof help_dir], child[sizeof help_dir + 16];
	struct journal *j;
	struct stat st;
	int err = 0;

	help_begin();
	snprintf(parent, sizeof parent, "%s", help_dir);
	snprintf(child, sizeof child, "%s/store", parent);
	help_options.dir = child;
	j = journal_open(&help_options, &err);
	CHECK(j != NULL);
	CHECK(stat(child, &st) == 0 && (st.st_mode & 077) == 0);
	journal_close(j);
	snprintf(child, sizeof child, "%s/store/lock", parent);
	CHECK(unlink(child) == 0);
	snprintf(child, sizeof child, "%s/store", parent);
	CHECK(rmdir(child) == 0);
	help_options.dir = "/nonexistent/there/store";
	CHECK(journal_open(&help_options, &err) == NULL && err == ENOENT);
	help_options.dir = "/dev/null";
	CHECK(journal_open(&help_options, &err) == NULL && err == ENOTDIR);
	help_end();
}

static void
mailbox_limits(void)
{
	struct journal *j;

	help_begin();
	help_options.mailbox_lines = 3;
	help_options.mailbox_bytes = 20;
	j = help_open();
	/* "text 1" is six bytes. */
	CHECK(help_add(j, 1, "bob", 0) == JOURNAL_OK);
	CHECK(help_add(j, 2, "bob", 0) == JOURNAL_OK);
	CHECK(help_add(j, 3, "bob", 0) == JOURNAL_OK);
	CHECK(help_add(j, 4, "bob", 0) == JOURNAL_MAILBOX_FULL);
	CHECK(help_add(j, 4, "carol", 0) == JOURNAL_OK);
	CHECK(help_add(j, 5, "bob", MAIL_FORCED) == JOURNAL_OK);
	CHECK(help_add(j, 6, "bob", 0) == JOURNAL_MAILBOX_FULL);
	CHECK(help_sync(j) == 0);
	j = reopen(j);
	CHECK(help_add(j, 6, "bob", 0) == JOURNAL_MAILBOX_FULL);
	CHECK(journal_done(j, 1) && journal_done(j, 5));
	CHECK(help_add(j, 6, "bob", 0) == JOURNAL_OK);
	help_options.mailbox_lines = 100;
	journal_set_limits(j, &help_options);
	CHECK(help_add(j, 7, "bob", 0) == JOURNAL_MAILBOX_FULL);
	CHECK(help_add(j, 8, "bob", MAIL_FORCED) == JOURNAL_OK);
	help_options.mailbox_bytes = 24;
	journal_set_limits(j, &help_options);
	CHECK(help_add(j, 9, "bob", 0) == JOURNAL_OK);
	CHECK_BOX(j, "bob", "2 3 6 8 9");
	journal_close(j);
	help_end();
}

/* Full to the brim, then read: there is room again by itself. */
static void
store_limit(void)
{
	struct journal *j;
	struct journal_stats s;
	uint64_t id, next = 1, first;
	enum journal_result r = JOURNAL_OK;
	unsigned round;

	help_begin();
	help_options.store_max = 64 * 1024;
	j = help_open();
	for (round = 0; round < 4; round++) {
		first = next;
		while ((r = help_add(j, next, "bob", 0)) == JOURNAL_OK) {
			CHECK(help_sync(j) == 0);
			next++;
		}
		CHECK(r == JOURNAL_STORE_FULL);
		CHECK(next - first > 200);
		journal_get_stats(j, &s);
		CHECK(s.file_bytes + s.pending_bytes <= 64 * 1024);
		CHECK(help_add(j, next++, "bob", MAIL_FORCED) == JOURNAL_OK);
		CHECK(help_sync(j) == 0);
		for (id = first; id < next; id++)
			CHECK(journal_done(j, id));
		CHECK(help_sync(j) == 0);
		compact(j);
		if (round == 1)
			j = reopen(j);
	}
	journal_close(j);
	help_end();
}

static void
names_and_rooms(void)
{
	struct journal *j;
	struct journal_box box;
	char rooms[JOURNAL_ROOMS_MAX + 1];

	memset(rooms, 'r', sizeof rooms);
	help_begin();
	j = help_open();
	CHECK(!journal_find(j, "bob", 3, &box));
	CHECK(journal_know(j, "bob", 3, 10, "#x", 2) == JOURNAL_OK);
	CHECK(journal_know(j, "bob", 3, 20, NULL, 0) == JOURNAL_OK);
	CHECK(journal_find(j, "bob", 3, &box));
	CHECK(box.known && box.seen == 20 && box.mails == 0);
	CHECK_STR(box.rooms, box.rooms_len, "#x");
	CHECK(journal_know(j, "full", 4, 1, rooms, JOURNAL_ROOMS_MAX) ==
	      JOURNAL_OK);
	CHECK(journal_know(j, "full", 4, 1, rooms, JOURNAL_ROOMS_MAX + 1) ==
	      JOURNAL_BAD);
	CHECK(journal_know(j, "", 0, 1, NULL, 0) == JOURNAL_BAD);
	CHECK(help_sync(j) == 0);
	j = reopen(j);
	CHECK(journal_find(j, "bob", 3, &box));
	CHECK(box.known && box.seen == 20);
	CHECK_STR(box.rooms, box.rooms_len, "#x");
	CHECK(journal_find(j, "full", 4, &box));
	CHECK(box.rooms_len == JOURNAL_ROOMS_MAX);
	CHECK(journal_know(j, "bob", 3, 30, "", 0) == JOURNAL_OK);
	CHECK(journal_forget(j, "full", 4) == JOURNAL_OK);
	CHECK(journal_forget(j, "never", 5) == JOURNAL_OK);
	CHECK(help_sync(j) == 0);
	j = reopen(j);
	CHECK(journal_find(j, "bob", 3, &box));
	CHECK(box.seen == 30 && box.rooms_len == 0);
	CHECK(!journal_find(j, "full", 4, &box));
	journal_close(j);
	help_end();
}

static void
listing(void)
{
	struct journal *j;
	struct journal_box box;
	uint32_t cursor = 0;
	unsigned seen = 0, i;
	char name[16];

	help_begin();
	j = help_open();
	CHECK(!journal_next(j, &cursor, &box));
	for (i = 1; i <= 1000; i++) {
		snprintf(name, sizeof name, "n%u", i);
		help_add(j, i, name, 0);
	}
	cursor = 0;
	while (journal_next(j, &cursor, &box)) {
		if (memcmp(box.name, "later", 5) == 0)
			continue;
		seen++;
		CHECK(box.mails == 1 && box.oldest == 1000 && !box.known);
		CHECK(box.bytes >= 6 && box.bytes <= 9);
		/* Things may come and go between. */
		CHECK(journal_done(j, strtoul(box.name + 1, NULL, 10)));
		if (seen == 500)
			help_add(j, 2000, "later", 0);
		if (seen > 2000)
			break;
	}
	CHECK(seen >= 1000);
	journal_close(j);
	help_end();
}

static void
tried_goes_up_and_down(void)
{
	struct journal *j;
	uint64_t position[6];
	unsigned i;

	help_begin();
	j = help_open();
	for (i = 1; i <= 5; i++) {
		help_add(j, i, "bob", 0);
		help_read(j, "bob");
		position[i] = help_listed.last;
	}
	CHECK(help_sync(j) == 0);
	CHECK(journal_set_tried(j, "bob", 3, position[4]) == JOURNAL_OK);
	CHECK_BOX(j, "bob", "1! 2! 3! 4! 5");
	CHECK(help_sync(j) == 0);
	j = reopen(j);
	CHECK_BOX(j, "bob", "1! 2! 3! 4! 5");
	CHECK(journal_set_tried(j, "bob", 3, position[2]) == JOURNAL_OK);
	journal_done(j, 1);
	CHECK(help_sync(j) == 0);
	j = reopen(j);
	CHECK_BOX(j, "bob", "2! 3 4 5");
	CHECK(journal_set_tried(j, "bob", 3, 0) == JOURNAL_OK);
	CHECK(help_sync(j) == 0);
	j = reopen(j);
	CHECK_BOX(j, "bob", "2 3 4 5");
	CHECK(journal_set_tried(j, "nobody", 6, 5) == JOURNAL_OK);
	/* All of it delivered: what comes then is new, whatever was tried,
	 * and is so after a restart. */
	CHECK(journal_set_tried(j, "bob", 3, position[5]) == JOURNAL_OK);
	for (i = 2; i <= 5; i++)
		CHECK(journal_done(j, i));
	CHECK(help_sync(j) == 0);
	j = reopen(j);
	help_add(j, 6, "bob", 0);
	CHECK_BOX(j, "bob", "6");
	journal_close(j);
	help_end();
}

struct window {
	unsigned mails;
	uint64_t last, last_id;
	unsigned stop;
};

static bool
put_window(void *arg, const struct mail *m)
{
	struct window *w = arg;

	CHECK(m->id == w->last_id + 1 && m->position > w->last);
	w->last_id = m->id;
	w->last = m->position;
	return ++w->mails != w->stop;
}

/* A mailbox larger than the window, in pieces, some of it still pending. */
static void
windows(void)
{
	struct journal *j;
	struct window w = {0};
	unsigned pieces = 0, before;
	int more;

	help_begin();
	help_options.segment_max = 8192;
	j = help_open();
	add_many(j, 1, 5000, "bob");
	CHECK(help_add(j, 5001, "bob", 0) == JOURNAL_OK);
	do {
		before = w.mails;
		more = journal_read(j, "bob", 3, w.last, 4096, put_window, &w);
		CHECK(more >= 0 && w.mails > before);
		CHECK(w.mails - before < 200);
		pieces++;
	} while (more == 1);
	CHECK(w.mails == 5001 && pieces > 20);

	/* Never less than one; and it stops when it is told to. */
	w = (struct window){.stop = 7};
	CHECK(journal_read(j, "bob", 3, 0, 1, put_window, &w) == 1);
	CHECK(w.mails == 1);
	CHECK(journal_read(j, "bob", 3, w.last, 1U << 30, put_window, &w) == 1);
	CHECK(w.mails == 7);

	/* What is done between two windows is no gap. */
	CHECK(journal_done(j, 7) && journal_done(j, 8));
	w.last_id = 8;
	CHECK(journal_read(j, "bob", 3, w.last, 1, put_window, &w) == 1);
	journal_close(j);
	help_end();
}

static char expired[1024];

static void
note_gone(void *arg, uint64_t id, const char *to, size_t len)
{
	size_t used = strlen(expired);

	(void)arg;
	snprintf(expired + used, sizeof expired - used, "%llu %.*s, ",
	    (unsigned long long)id, (int)len, to);
}

static void
add_at(struct journal *j, uint64_t id, const char *to, uint32_t when)
{
	char text[32];
	struct mail m;

	snprintf(text, sizeof text, "text %llu", (unsigned long long)id);
	m = help_mail(id, to, text, 0);
	m.time = when;
	CHECK(journal_add(j, &m) == JOURNAL_OK);
}

static void
expire(void)
{
	struct journal *j;

	help_begin();
	help_options.expire = 100;
	j = help_open();
	CHECK(journal_expire_at(j) == UINT32_MAX);
	add_at(j, 1, "bob", 1000);
	add_at(j, 2, "carol", 1010);
	add_at(j, 3, "bob", 1020);
	CHECK(help_sync(j) == 0);
	j = reopen(j);
	expired[0] = '\0';
	CHECK(journal_expire_at(j) == 1100);
	CHECK(!journal_expire(j, 1099, note_gone, NULL) && expired[0] == '\0');
	CHECK(!journal_expire(j, 1110, note_gone, NULL));
	CHECK(strcmp(expired, "1 bob, 2 carol, ") == 0);
	CHECK(journal_expire_at(j) == 1120);
	CHECK_BOX(j, "bob", "3");
	CHECK(help_sync(j) == 0);
	j = reopen(j);
	CHECK_BOX(j, "bob", "3");
	CHECK_BOX(j, "carol", "");

	/* While somebody reads it, it does not expire; and holds nobody up. */
	add_at(j, 4, "dave", 1030);
	CHECK(journal_hold(j, "bob", 3, true) == JOURNAL_OK);
	CHECK(journal_hold(j, "nobody", 6, true) == JOURNAL_OK);
	expired[0] = '\0';
	CHECK(!journal_expire(j, 5000, note_gone, NULL));
	CHECK(strcmp(expired, "4 dave, ") == 0);
	CHECK(journal_hold(j, "bob", 3, false) == JOURNAL_OK);
	CHECK(journal_hold(j, "nobody", 6, false) == JOURNAL_OK);
	expired[0] = '\0';
	CHECK(!journal_expire(j, 5000, note_gone, NULL));
	CHECK(strcmp(expired, "3 bob, ") == 0);
	journal_close(j);
	help_end();
}

/* A bound to each call, and an end to the calls: held mail too. */
static void
expire_in_steps(void)
{
	struct journal *j;
	unsigned calls;
	uint64_t id;
	struct journal_stats s;

	help_begin();
	help_options.expire = 100;
	j = help_open();
	for (id = 1; id <= 1000; id++)
		add_at(j, id, "held", 1000);
	for (; id <= 2000; id++)
		add_at(j, id, "bob", 1000);
	CHECK(journal_hold(j, "held", 4, true) == JOURNAL_OK);
	for (calls = 0; calls < 100; calls++)
		if (!journal_expire(j, 9000, note_gone, NULL))
			break;
	CHECK(calls >= 3 && calls < 100);
	journal_get_stats(j, &s);
	CHECK(s.mails == 1000);
	/* And the caller is not kept busy by what is held. */
	CHECK(journal_expire_at(j) > 9000);
	CHECK(journal_hold(j, "held", 4, false) == JOURNAL_OK);
	CHECK(journal_expire_at(j) <= 9000);
	while (journal_expire(j, 9000, note_gone, NULL) && calls++ < 200)
		;
	journal_get_stats(j, &s);
	CHECK(s.mails == 0 && calls < 200);
	journal_close(j);
	help_end();
}

static void
in_memory(void)
{
	struct journal *j;

	help_begin();
	help_options.dir = NULL;
	help_options.segment_max = 4096;
	j = help_open();
	add_many(j, 1, 1000, "bob");
	CHECK(help_add(j, 5, "bob", 0) == JOURNAL_DUPLICATE);
	drop_many(j, 1, 990);
	CHECK(compact(j) < 1000);
	CHECK_BOX(j, "bob", "991 992 993 994 995 996 997 998 999 1000");
	CHECK(journal_know(j, "bob", 3, 1, NULL, 0) == JOURNAL_OK);
	CHECK(help_sync(j) == 0);
	CHECK(help_segments(NULL) == 0);
	j = reopen(j);
	CHECK_BOX(j, "bob", "");
	journal_close(j);
	help_end();
}

static void
figures(void)
{
	struct journal *j;
	struct journal_stats s;
	uint64_t n = 0;
	int i;

	help_begin();
	j = help_open();
	add_many(j, 1, 20, "bob");
	journal_get_stats(j, &s);
	CHECK(s.syncs == 2 && s.sync_failures == 0 && s.boxes == 1);
	CHECK(s.sync_ns > 0 && s.sync_ns_max >= s.sync_ns);
	for (i = 0; i < JOURNAL_HISTOGRAM; i++)
		n += s.sync_us[i];
	CHECK(n == 2 && s.pending_bytes == 0);
	CHECK(journal_error(j) == 0);
	help_add(j, 21, "bob", 0);
	journal_get_stats(j, &s);
	CHECK(s.pending_bytes > 0);
	journal_close(j);
	help_end();
}

/* More files than a process may have open. */
static void
few_descriptors(void)
{
	struct rlimit old, few;
	struct journal *j;

	help_begin();
	help_options.segment_max = 4096;
	j = help_open();
	add_many(j, 1, 3000, "bob");
	CHECK(help_segments(NULL) > 30);
	journal_close(j);
	getrlimit(RLIMIT_NOFILE, &old);
	few = old;
	few.rlim_cur = 20;
	setrlimit(RLIMIT_NOFILE, &few);
	j = help_open();
	help_read(j, "bob");
	CHECK(help_listed.mails == 3000);
	add_many(j, 3001, 6000, "bob");
	journal_close(j);
	setrlimit(RLIMIT_NOFILE, &old);
	help_end();
}

int
main(void)
{
	RUN(mail_survives);
	RUN(unsynced_is_forgotten);
	RUN(all_fields);
	RUN(duplicates);
	RUN(order_and_positions);
	RUN(positions_survive_removal);
	RUN(segments_roll_and_go);
	RUN(survivors_are_copied_on);
	RUN(compaction_cut_short);
	RUN(order_survives_copying);
	RUN(lock);
	RUN(directory);
	RUN(mailbox_limits);
	RUN(store_limit);
	RUN(names_and_rooms);
	RUN(listing);
	RUN(tried_goes_up_and_down);
	RUN(windows);
	RUN(expire);
	RUN(expire_in_steps);
	RUN(in_memory);
	RUN(figures);
	RUN(few_descriptors);
	return check_summary();
}
