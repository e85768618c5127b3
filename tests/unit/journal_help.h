/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * journal_help.h - a journal in a directory of its own, and what stands in it.
 */
#ifndef JOURNAL_HELP_H
#define JOURNAL_HELP_H

#include "journal.h"

#include "check.h"

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char help_dir[64]; /* made by help_begin(), emptied by help_end() */
static char help_reports[64 * 1024]; /* every line since help_begin() */

static inline void
help_report(void *arg, const char *line)
{
	size_t used = strlen(help_reports);

	(void)arg;
	snprintf(help_reports + used, sizeof help_reports - used, "%s\n", line);
}

/* The system's calls, but no test pulls the plug: nothing is synced. */
static inline int
help_no_sync(void *arg, int fd)
{
	(void)arg;
	(void)fd;
	return 0;
}

static struct journal_io help_io;
static struct journal_options help_options;

static inline void
help_begin(void)
{
	snprintf(help_dir, sizeof help_dir, "/tmp/telld-journal.XXXXXX");
	if (mkdtemp(help_dir) == NULL)
		abort();
	help_reports[0] = '\0';
	help_io = journal_io_system;
	help_io.sync = help_io.sync_dir = help_no_sync;
	help_options = (struct journal_options){.dir = help_dir,
	    .store_max = 1024 * 1024 * 1024,
	    .segment_max = 1024 * 1024,
	    .mailbox_lines = 100000,
	    .mailbox_bytes = 100 * 1024 * 1024,
	    .io = &help_io,
	    .report = help_report};
}

/* Calls each for every segment, in no order. */
static inline unsigned
help_segments(void (*each)(const char *path))
{
	char path[sizeof help_dir + NAME_MAX + 2];
	struct dirent *e;
	unsigned n = 0;
	DIR *d = opendir(help_dir);

	while (d != NULL && (e = readdir(d)) != NULL) {
		if (strncmp(e->d_name, "journal.", 8) != 0)
			continue;
		snprintf(path, sizeof path, "%s/%s", help_dir, e->d_name);
		n++;
		if (each != NULL)
			each(path);
	}
	if (d != NULL)
		closedir(d);
	return n;
}

static inline void
help_unlink(const char *path)
{
	unlink(path);
}

static inline void
help_end(void)
{
	char path[sizeof help_dir + 8];

	help_segments(help_unlink);
	snprintf(path, sizeof path, "%s/lock", help_dir);
	unlink(path);
	CHECK(rmdir(help_dir) == 0);
}

static inline struct journal *
help_open(void)
{
	int err = 0;
	struct journal *j = journal_open(&help_options, &err);

	if (j == NULL)
		printf("# open: %s\n", strerror(err));
	CHECK(j != NULL);
	if (j == NULL)
		exit(1);
	return j;
}

static inline struct mail
help_mail(uint64_t id, const char *to, const char *text, uint8_t flags)
{
	return (struct mail){.id = id,
	    .time = 1000,
	    .flags = flags,
	    .to_len = (uint8_t)strlen(to),
	    .from_len = 5,
	    .text_len = (uint32_t)strlen(text),
	    .to = to,
	    .from = "alice",
	    .room = "",
	    .text = text};
}

static inline enum journal_result
help_add(struct journal *j, uint64_t id, const char *to, uint8_t flags)
{
	char text[32];
	struct mail m;

	snprintf(text, sizeof text, "text %llu", (unsigned long long)id);
	m = help_mail(id, to, text, flags);
	return journal_add(j, &m);
}

static inline int
help_sync(struct journal *j)
{
	return journal_sync(j, NULL, NULL);
}

/* What a mailbox holds: "1 2! 3", where ! is again and ? a wrong text. */
struct help_list {
	char text[64 * 1024];
	size_t len;
	uint64_t last;
	unsigned mails;
};

static inline bool
help_put(void *arg, const struct mail *m)
{
	struct help_list *l = arg;
	char want[32];
	bool good;

	snprintf(want, sizeof want, "text %llu", (unsigned long long)m->id);
	good = m->text_len == strlen(want) &&
	       memcmp(m->text, want, m->text_len) == 0 && m->from_len == 5 &&
	       memcmp(m->from, "alice", 5) == 0 && m->position > l->last;
	l->len += (size_t)snprintf(l->text + l->len, sizeof l->text - l->len,
	    "%s%llu%s%s", l->len > 0 ? " " : "", (unsigned long long)m->id,
	    m->flags & MAIL_AGAIN ? "!" : "", good ? "" : "?");
	l->last = m->position;
	l->mails++;
	return true;
}

static struct help_list help_listed;

static inline const char *
help_read(struct journal *j, const char *to)
{
	help_listed = (struct help_list){.len = 0};
	CHECK(journal_read(
		  j, to, strlen(to), 0, SIZE_MAX, help_put, &help_listed) == 0);
	return help_listed.text;
}

#define CHECK_BOX(j, to, want)                                                 \
	do {                                                                   \
		const char *help_text = help_read(j, to);                      \
		CHECK_STR(help_text, strlen(help_text), want);                 \
	} while (0)

/* Copies a file, or the first bytes of it. */
static inline void
help_write(const char *path, const char *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	CHECK(fd != -1 && write(fd, bytes, len) == (ssize_t)len);
	close(fd);
}

static inline size_t
help_load(const char *path, char *bytes, size_t size)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = fd != -1 ? read(fd, bytes, size) : -1;

	CHECK(n >= 0 && (size_t)n < size);
	if (fd != -1)
		close(fd);
	return n > 0 ? (size_t)n : 0;
}

#endif
