/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * What replay makes of a segment that is cut anywhere, wrong in any bit, or
 * no segment at all.
 */
#include "crc32c.h"
#include "journal_help.h"

#define RECORDS 40

static char whole[64 * 1024]; /* the segment */
static size_t whole_len;
static char path[128];
static size_t ends[RECORDS + 1]; /* where the records end; the header first */

static void
remember_path(const char *p)
{
	snprintf(path, sizeof path, "%s", p);
}

static size_t
segment_len(void)
{
	struct stat st;

	CHECK(stat(path, &st) == 0);
	return (size_t)st.st_size;
}

/*
 * Forty records, one for each sync: mail 1 to 40 for bob, but every eighth is
 * a DONE of the mail five before it, so that the others are all there is.
 */
static void
make(unsigned records)
{
	struct journal *j = help_open();
	unsigned i;

	for (i = 1; i <= records; i++) {
		if (i % 8 == 0)
			CHECK(journal_done(j, i - 5));
		else
			CHECK(help_add(j, i, "bob", 0) == JOURNAL_OK);
		CHECK(help_sync(j) == 0);
		if (i == 1)
			CHECK(help_segments(remember_path) == 1);
		ends[i] = segment_len();
	}
	journal_close(j);
	whole_len = help_load(path, whole, sizeof whole);
	CHECK(whole_len == ends[records]);
	ends[0] = ends[1] - (ends[2] - ends[1]);
}

/* The mailbox if only records up to n counted, and not that called missing. */
static const char *
expect(unsigned n, unsigned missing)
{
	static char text[1024];
	size_t len = 0;
	unsigned i;

	text[0] = '\0';
	for (i = 1; i <= n; i++) {
		if (i % 8 == 0 || i == missing)
			continue;
		/* Its DONE came, and was not the one that is missing. */
		if (i % 8 == 3 && i + 5 <= n && i + 5 != missing)
			continue;
		len += (size_t)snprintf(text + len, sizeof text - len, "%s%u",
		    len > 0 ? " " : "", i);
	}
	return text;
}

static void
cut_at_every_byte(void)
{
	struct journal *j;
	size_t cut;
	unsigned n = 0;

	help_begin();
	make(RECORDS);
	for (cut = 0; cut <= whole_len; cut++) {
		while (n < RECORDS && cut >= ends[n + 1])
			n++;
		help_reports[0] = '\0';
		help_write(path, whole, cut);
		j = help_open();
		CHECK_BOX(j, "bob", expect(n, 0));
		/* Said, unless nothing was torn; with file and offset. */
		if (cut > ends[0])
			CHECK((help_reports[0] != '\0') == (cut != ends[n]));
		if (cut > ends[0] && cut != ends[n]) {
			char at[64];

			snprintf(at, sizeof at, "offset=%zu ", ends[n]);
			CHECK(strstr(help_reports, at) != NULL);
			CHECK(strstr(help_reports, strrchr(path, '/') + 1));
		}
		/* And it goes on: the next is not glued to what was torn. */
		CHECK(help_add(j, 1000, "bob", 0) == JOURNAL_OK);
		CHECK(help_sync(j) == 0);
		journal_close(j);
		help_reports[0] = '\0';
		j = help_open();
		if (cut >= ends[0])
			CHECK(help_reports[0] == '\0');
		help_read(j, "bob");
		CHECK(help_listed.len >= 4 &&
		      strcmp(help_listed.text + help_listed.len - 4, "1000") ==
			  0);
		CHECK(strncmp(help_listed.text, expect(n, 0),
			  strlen(expect(n, 0))) == 0);
		journal_close(j);
		help_segments(help_unlink);
	}
	help_end();
}

static void
flip_every_bit(void)
{
	struct journal *j;
	char at[64];
	unsigned n;
	size_t i;

	help_begin();
	make(RECORDS / 2);
	for (i = 0; i < whole_len * 8; i++) {
		for (n = 0; n < RECORDS / 2 && i / 8 >= ends[n]; n++)
			;
		help_reports[0] = '\0';
		whole[i / 8] = (char)(whole[i / 8] ^ 1 << i % 8);
		help_write(path, whole, whole_len);
		whole[i / 8] = (char)(whole[i / 8] ^ 1 << i % 8);
		j = help_open();
		CHECK_BOX(j, "bob", expect(RECORDS / 2, n));
		snprintf(at, sizeof at, "offset=%zu ",
		    n > 0 ? ends[n - 1] : (size_t)0);
		CHECK(strstr(help_reports, at) != NULL);
		CHECK(strstr(help_reports, strrchr(path, '/') + 1) != NULL);
		journal_close(j);
		help_segments(help_unlink);
	}
	help_end();
}

static bool
holds(const char *list, unsigned id)
{
	const char *at = list;

	for (; at != NULL; at = strchr(at, ' ')) {
		at += *at == ' ';
		if (strtoul(at, NULL, 10) == id)
			return true;
	}
	return false;
}

/* Two neighbours, and everything from one place to another. */
static void
stretches(void)
{
	static char hurt[sizeof whole];
	struct journal *j;
	unsigned a, b, i;

	help_begin();
	make(RECORDS);
	for (a = 1; a < RECORDS; a += 3)
		for (b = a; b < RECORDS; b += 5) {
			memcpy(hurt, whole, whole_len);
			memset(hurt + ends[a - 1] + 2, 0x55,
			    ends[b] - ends[a - 1] - 4);
			help_write(path, hurt, whole_len);
			j = help_open();
			help_read(j, "bob");
			for (i = b + 1; i <= RECORDS; i++)
				if (i % 8 != 0 && i % 8 != 3)
					CHECK(holds(help_listed.text, i));
			journal_close(j);
			help_segments(help_unlink);
		}
	help_end();
}

static void
rot_under_a_running_journal(void)
{
	struct journal *j;

	help_begin();
	make(8);
	j = help_open();
	whole[ends[3] + 20] = (char)(whole[ends[3] + 20] ^ 1);
	help_write(path, whole, whole_len);
	CHECK_BOX(j, "bob", "1 2 5 6 7");
	CHECK(strstr(help_reports, strrchr(path, '/') + 1) != NULL);
	journal_close(j);
	help_end();
}

/* Refused as a whole, said with its file, and left as it is. */
static void
unknown_version(void)
{
	struct journal *j;
	uint32_t crc;
	int err = 0, i;

	help_begin();
	make(2);
	whole[8] = 9;
	crc = crc32c(0, whole, 28);
	for (i = 0; i < 4; i++)
		whole[28 + i] = (char)(crc >> 8 * i);
	help_write(path, whole, whole_len);
	j = journal_open(&help_options, &err);
	CHECK(j == NULL && err == ENOTSUP);
	journal_close(j);
	CHECK(strstr(help_reports, strrchr(path, '/') + 1) != NULL);
	CHECK(segment_len() == whole_len);
	help_end();
}

/* Whatever stands there, it opens, works, and opens again. */
static void
random_mutations(void)
{
	static char hurt[sizeof whole];
	struct journal *j;
	unsigned round, n;
	uint32_t seed = 1;
	size_t len;
	int err;

	help_begin();
	make(RECORDS);
	for (round = 0; round < 1500; round++) {
		memcpy(hurt, whole, whole_len);
		len = whole_len;
		for (n = 0; n <= round % 7; n++) {
			size_t from, to, size;

			seed = seed * 1664525 + 1013904223;
			from = (seed >> 8) % len;
			seed = seed * 1664525 + 1013904223;
			to = (seed >> 8) % len;
			size = seed % 97 + 1;
			if (from + size > len || to + size > len)
				continue;
			if (seed & 0x100)
				memmove(hurt + to, hurt + from, size);
			else if (seed & 0x200)
				memset(hurt + to, (int)(seed >> 24), size);
			else
				hurt[to] = (char)(seed >> 20);
			if (seed % 11 == 0)
				len = to + 1;
		}
		help_write(path, hurt, len);
		j = journal_open(&help_options, &err);
		CHECK(j != NULL);
		if (j == NULL)
			break;
		help_listed = (struct help_list){.len = 0};
		CHECK(journal_read(j, "bob", 3, 0, SIZE_MAX, help_put,
			  &help_listed) == 0);
		CHECK(strchr(help_listed.text, '?') == NULL);
		CHECK(help_add(j, 1000, "bob", 0) == JOURNAL_OK);
		CHECK(help_sync(j) == 0);
		while (journal_compact(j, NULL, NULL))
			help_sync(j);
		journal_close(j);
		j = help_open();
		CHECK(journal_done(j, 1000));
		journal_close(j);
		help_segments(help_unlink);
		help_reports[0] = '\0';
	}
	help_end();
}

static void
garbage(void)
{
	static char bytes[8192];
	struct journal *j;
	uint32_t seed = 7;
	size_t i, len;

	help_begin();
	make(1);
	for (len = 1; len <= sizeof bytes; len *= 2) {
		for (i = 0; i < len; i++) {
			seed = seed * 1664525 + 1013904223;
			bytes[i] = seed & 0x80000000 ? (char)(seed >> 16)
			                             : whole[i % whole_len];
		}
		help_write(path, bytes, len);
		j = help_open();
		CHECK(help_add(j, 5, "bob", 0) == JOURNAL_OK);
		CHECK(help_sync(j) == 0);
		journal_close(j);
		help_segments(help_unlink);
	}
	help_end();
}

/* Files that only look like ours. */
static void
strangers_in_the_directory(void)
{
	static const char *const names[] = {"journal.bad", "journal.1",
	    "journal.", "journal.old", "journal.0x1", "journal.-1",
	    "journal.zzzzzzzzzzzzzzzz", "notes"};
	char stranger[160];
	struct journal *j;
	size_t i;

	help_begin();
	make(2);
	for (i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(
		    stranger, sizeof stranger, "%s/%s", help_dir, names[i]);
		help_write(stranger, "x", 1);
		j = help_open();
		CHECK_BOX(j, "bob", "1 2");
		journal_close(j);
		CHECK(unlink(stranger) == 0);
	}
	help_end();
}

int
main(void)
{
	RUN(cut_at_every_byte);
	RUN(flip_every_bit);
	RUN(stretches);
	RUN(rot_under_a_running_journal);
	RUN(unknown_version);
	RUN(random_mutations);
	RUN(garbage);
	RUN(strangers_in_the_directory);
	return check_summary();
}
