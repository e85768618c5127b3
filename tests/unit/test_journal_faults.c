/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * What a journal promises when the disk does not behave: each call of a
 * scenario fails in turn, in each way, once or from then on; and at the end
 * what was said to be durable is there, what was said to be lost is not.
 */
#include "journal_help.h"

#include <sys/resource.h>

#include <signal.h>

enum call {
	OPEN = 1,
	WRITE = 2,
	TRUNCATE = 4,
	SYNC = 8,
	SYNC_DIR = 16,
	UNLINK = 32,
	READ = 64
};

#define SHORT (-1) /* in place of an errno: half of it is written */

struct faults {
	unsigned calls;  /* enum call: that are counted */
	int first, last; /* these fail, counted from 1 */
	int error;       /* errno, or SHORT */
	int count;
};

static struct faults faults;

static bool
fails(enum call call)
{
	if ((faults.calls & (unsigned)call) == 0)
		return false;
	faults.count++;
	if (faults.count < faults.first || faults.count > faults.last)
		return false;
	errno = faults.error;
	return true;
}

static int
bad_open(void *arg, int dir, const char *name, int flags)
{
	return fails(OPEN) ? -1 : journal_io_system.open(arg, dir, name, flags);
}

static ssize_t
bad_write(void *arg, int fd, const void *bytes, size_t len, off_t at)
{
	if (fails(WRITE)) {
		if (faults.error == SHORT && len > 1)
			return journal_io_system.write(
			    arg, fd, bytes, len / 2, at);
		/* The disk is full when some of it is written, too. */
		if (len > 10)
			(void)journal_io_system.write(
			    arg, fd, bytes, len - 7, at);
		errno = faults.error == SHORT ? EINTR : faults.error;
		return -1;
	}
	return journal_io_system.write(arg, fd, bytes, len, at);
}

static ssize_t
bad_read(void *arg, int fd, void *bytes, size_t len, off_t at)
{
	if (fails(READ)) {
		if (faults.error == SHORT && len > 1)
			return journal_io_system.read(
			    arg, fd, bytes, len / 2, at);
		errno = faults.error == SHORT ? EINTR : faults.error;
		return -1;
	}
	return journal_io_system.read(arg, fd, bytes, len, at);
}

static int
bad_truncate(void *arg, int fd, off_t size)
{
	return fails(TRUNCATE) ? -1 : journal_io_system.truncate(arg, fd, size);
}

static int
bad_sync(void *arg, int fd)
{
	return fails(SYNC) ? -1 : help_no_sync(arg, fd);
}

static int
bad_sync_dir(void *arg, int dir)
{
	return fails(SYNC_DIR) ? -1 : help_no_sync(arg, dir);
}

static int
bad_unlink(void *arg, int dir, const char *name)
{
	return fails(UNLINK) ? -1 : journal_io_system.unlink(arg, dir, name);
}

static const struct journal_io bad_io = {.open = bad_open,
    .write = bad_write,
    .read = bad_read,
    .truncate = bad_truncate,
    .sync = bad_sync,
    .sync_dir = bad_sync_dir,
    .unlink = bad_unlink};

static void
arm(unsigned calls, int first, int last, int error)
{
	faults = (struct faults){calls, first, last, error, 0};
}

/* ---- the model: what must be there at the end ---- */

enum state {
	NEVER,
	ASKED,
	LOST,
	KEPT,
	DONE
};

#define IDS     500
#define BATCHES 40 /* of 12 ids each */

static enum state state[IDS + 1];
static uint64_t order[IDS];
static unsigned asked;

static void
on_lost(void *arg, uint64_t id)
{
	(void)arg;
	if (id > IDS || state[id] != ASKED) {
		CHECK(false);
		return;
	}
	state[id] = LOST;
}

static void
ask(struct journal *j, uint64_t id, bool forced)
{
	if (help_add(j, id, "bob", forced ? MAIL_FORCED : 0) != JOURNAL_OK)
		return;
	state[id] = forced ? KEPT : ASKED;
	order[asked++] = id;
}

/* Forced ones are kept from the start; a success keeps the others. */
static void
sync_model(struct journal *j)
{
	bool dirty = journal_is_dirty(j);
	int result = journal_sync(j, on_lost, NULL);
	uint64_t id;

	CHECK(result == 0 || errno == journal_error(j));
	CHECK(!dirty || (result == 0) == (journal_error(j) == 0));
	for (id = 1; id <= IDS; id++) {
		if (state[id] == ASKED) {
			CHECK(result == 0);
			state[id] = KEPT;
		}
		if (!journal_is_dirty(j))
			CHECK(!journal_is_pending(j, id));
	}
	CHECK(result != 0 || !journal_is_dirty(j));
}

static void
drop(struct journal *j, uint64_t id)
{
	if (state[id] != KEPT)
		return;
	CHECK(journal_done(j, id));
	state[id] = DONE;
}

static const char *
expect(void)
{
	static char text[IDS * 5 + 1];
	size_t len = 0;
	unsigned i;

	text[0] = '\0';
	for (i = 0; i < asked; i++)
		if (state[order[i]] == KEPT)
			len += (size_t)snprintf(text + len, sizeof text - len,
			    "%s%u", len > 0 ? " " : "", (unsigned)order[i]);
	return text;
}

static void
forget_model(void)
{
	memset(state, 0, sizeof state);
	asked = 0;
}

/* Batches with everything in them, that fill some small segments. */
static void
scenario(struct journal *j)
{
	uint64_t id = 1;
	unsigned batch, i;

	for (batch = 0; batch < BATCHES; batch++) {
		for (i = 0; i < 12; i++, id++) {
			ask(j, id, i == 5);
			if (i == 7)
				CHECK(journal_know(j, "bob", 3, batch, NULL,
					  0) == JOURNAL_OK);
			if (i == 9 && batch > 1)
				drop(j, id - 20);
			if (i == 11 && batch > 3)
				drop(j, id - 30);
		}
		for (i = 0; i < 12 && batch > 4; i++)
			if (i != 3)
				drop(j, batch * 12 - 47 + i);
		sync_model(j);
		if (batch % 3 == 2)
			for (i = 0; i < 5 && journal_compact(j, NULL, NULL);
			     i++)
				sync_model(j);
		if ((faults.calls & OPEN) == 0)
			CHECK_BOX(j, "bob", expect());
	}
}

/* When the disk is well again, so is the journal, by itself. */
static void
recover(struct journal *j)
{
	faults.calls = 0;
	ask(j, IDS - 1, false);
	sync_model(j);
	if (journal_is_dirty(j) || state[IDS - 1] == LOST) {
		ask(j, IDS, false);
		sync_model(j);
		CHECK(state[IDS] == KEPT);
	}
	CHECK(!journal_is_dirty(j) && journal_error(j) == 0);
	CHECK_BOX(j, "bob", expect());
}

static void
check_disk(void)
{
	struct journal_box box;
	struct journal *j;

	help_options.io = &help_io;
	j = help_open();
	CHECK_BOX(j, "bob", expect());
	CHECK(journal_find(j, "bob", 3, &box) && box.known);
	journal_close(j);
}

/* Returns whether there was a call to fail. */
static bool
run(unsigned calls, int first, int last, int error)
{
	struct journal *j;
	bool reached;

	forget_model();
	help_begin();
	help_options.segment_max = 4096;
	help_options.store_max = 64 * 1024;
	help_options.io = &bad_io;
	arm(0, 0, 0, 0);
	j = help_open();
	arm(calls, first, last, error);
	scenario(j);
	reached = faults.count >= first;
	recover(j);
	journal_close(j);
	check_disk();
	help_end();
	return reached;
}

static void
each_call_fails(unsigned calls, int error)
{
	int k;

	for (k = 1; k < 400 && run(calls, k, k, error); k++)
		if (!check_ok)
			printf("# with call %d of %x, errno %d\n", k, calls,
			    error);
	CHECK(k > 1 && k < 400);
}

static void
disk_full_once(void)
{
	each_call_fails(WRITE, ENOSPC);
}

static void
file_too_large_once(void)
{
	each_call_fails(WRITE, EFBIG);
}

static void
write_error_once(void)
{
	each_call_fails(WRITE, EIO);
}

static void
short_write_once(void)
{
	each_call_fails(WRITE, SHORT);
}

static void
sync_error_once(void)
{
	each_call_fails(SYNC, EIO);
	each_call_fails(SYNC_DIR, EIO);
}

static void
open_error_once(void)
{
	each_call_fails(OPEN, EMFILE);
	each_call_fails(OPEN, EACCES);
}

static void
unlink_error_once(void)
{
	each_call_fails(UNLINK, EIO);
}

/* It fails from then on for a while, and truncate(2) with it. */
static void
fails_for_a_while(void)
{
	static const unsigned calls[] = {WRITE, SYNC, WRITE | TRUNCATE,
	    SYNC | TRUNCATE, OPEN | WRITE | TRUNCATE | SYNC | SYNC_DIR,
	    WRITE | SYNC | UNLINK | TRUNCATE};
	size_t i;
	int k;

	for (i = 0; i < sizeof calls / sizeof *calls; i++)
		for (k = 1; k < 60 && run(calls[i], k, k + 5 + k % 11, EIO);
		     k += 3)
			if (!check_ok)
				printf(
				    "# with calls %x from %d\n", calls[i], k);
}

/* The power fails right after the disk has: what was lost is not back. */
static void
crash_after_failure(void)
{
	static const unsigned calls[] = {WRITE, SYNC};
	struct journal *j;
	size_t i;
	int k;

	for (i = 0; i < sizeof calls / sizeof *calls; i++)
		for (k = 2; k <= 6; k++) {
			forget_model();
			help_begin();
			help_options.io = &bad_io;
			arm(0, 0, 0, 0);
			j = help_open();
			ask(j, 1, false);
			ask(j, 2, true);
			CHECK(journal_know(j, "bob", 3, 1, NULL, 0) ==
			      JOURNAL_OK);
			sync_model(j);
			arm(calls[i], 1, k, EIO);
			ask(j, 3, false);
			drop(j, 1);
			state[1] = KEPT; /* nobody was told it is durable */
			CHECK(journal_sync(j, on_lost, NULL) == -1);
			CHECK(state[3] == LOST);
			if (!journal_is_dirty(j))
				state[1] = DONE;
			journal_close(j);
			check_disk();
			help_end();
		}
}

/* A mailbox is read while the disk cannot be, and is whole again after. */
static void
read_errors(void)
{
	struct journal *j;
	unsigned i;

	help_begin();
	help_options.io = &bad_io;
	arm(0, 0, 0, 0);
	j = help_open();
	for (i = 1; i <= 20; i++)
		help_add(j, i, "bob", 0);
	CHECK(help_sync(j) == 0);
	arm(READ, 1, 1000, SHORT);
	CHECK(journal_read(j, "bob", 3, 0, SIZE_MAX, help_put,
		  &(struct help_list){.len = 0}) <= 0);
	arm(READ, 3, 3, SHORT);
	help_read(j, "bob");
	CHECK(help_listed.mails == 20);
	arm(READ, 1, 1000, EIO);
	help_listed = (struct help_list){.len = 0};
	CHECK(journal_read(j, "bob", 3, 0, SIZE_MAX, help_put, &help_listed) <=
	      0);
	CHECK(help_listed.mails == 0);
	arm(0, 0, 0, 0);
	help_read(j, "bob");
	CHECK(help_listed.mails == 20);
	journal_close(j);
	help_end();
}

/* A crash between compaction and its sync, with a disk that fails. */
static void
copies_are_not_lost(void)
{
	struct journal *j;
	uint64_t id;
	int k;

	for (k = 1; k <= 8; k++) {
		help_begin();
		help_options.segment_max = 4096;
		help_options.store_max = 64 * 1024;
		help_options.io = &bad_io;
		arm(0, 0, 0, 0);
		j = help_open();
		help_add(j, 1, "old", 0);
		help_add(j, 2, "old", 0);
		journal_know(j, "old", 3, 1, NULL, 0);
		for (id = 10; id < 300; id++) {
			help_add(j, id, "bob", 0);
			if (id % 10 == 0)
				CHECK(help_sync(j) == 0);
			CHECK(journal_done(j, id));
		}
		CHECK(help_sync(j) == 0);
		arm(WRITE | SYNC | UNLINK, k, k + 2, ENOSPC);
		for (id = 0; id < 12; id++) {
			(void)journal_compact(j, NULL, NULL);
			(void)journal_sync(j, NULL, NULL);
			CHECK_BOX(j, "old", "1 2");
		}
		journal_close(j);
		help_options.io = &help_io;
		j = help_open();
		CHECK_BOX(j, "old", "1 2");
		CHECK_BOX(j, "bob", "");
		journal_close(j);
		help_end();
	}
}

/* The real limit, through the real calls. */
static void
file_size_limit(void)
{
	struct rlimit old, small;
	struct journal *j;
	unsigned i, lost = 0;
	int result = 0;

	forget_model();
	help_begin();
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	small = old;
	small.rlim_cur = 1000;
	j = help_open();
	CHECK(journal_know(j, "bob", 3, 1, NULL, 0) == JOURNAL_OK);
	sync_model(j);
	setrlimit(RLIMIT_FSIZE, &small);
	for (i = 1; i <= 100; i++) {
		ask(j, i, false);
		if (i % 50 == 0)
			result = journal_sync(j, on_lost, NULL);
	}
	setrlimit(RLIMIT_FSIZE, &old);
	CHECK(result == -1 && errno == EFBIG);
	for (i = 1; i <= 100; i++)
		lost += state[i] == LOST;
	CHECK(lost == 100);
	ask(j, 150, false);
	sync_model(j);
	CHECK_BOX(j, "bob", "150");
	journal_close(j);
	check_disk();
	help_end();
}

int
main(void)
{
	RUN(disk_full_once);
	RUN(file_too_large_once);
	RUN(write_error_once);
	RUN(short_write_once);
	RUN(sync_error_once);
	RUN(open_error_once);
	RUN(unlink_error_once);
	RUN(fails_for_a_while);
	RUN(crash_after_failure);
	RUN(read_errors);
	RUN(copies_are_not_lost);
	RUN(file_size_limit);
	return check_summary();
}
