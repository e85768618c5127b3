/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

#include "check.h"
#include "motd.h"

#include <stdlib.h>
#include <unistd.h>

static char out[MOTD_MAX], why[MOTD_WHY_MAX];
static size_t len;

/* Reads a file that holds text. */
static bool
reads(const char *text, size_t size)
{
	char path[] = "/tmp/test_motd.XXXXXX";
	int fd = mkstemp(path);
	bool good;

	CHECK(write(fd, text, size) == (ssize_t)size);
	close(fd);
	good = motd_read(path, out, &len, why);
	unlink(path);
	CHECK(good || len == 0);
	return good;
}

static bool
gives(const char *text, const char *want)
{
	return reads(text, strlen(text)) && len == strlen(want) &&
	       memcmp(out, want, len) == 0;
}

static bool
fails(const char *text, size_t size, const char *want)
{
	return !reads(text, size) && strcmp(why, want) == 0;
}

static void
every_line_is_news(void)
{
	CHECK(gives("", ""));
	CHECK(gives("hello\n", "* hello\n"));
	CHECK(gives("a\r\n\nb: c", "* a\n* \n* b: c\n"));
}

static void
it_drives_no_terminal(void)
{
	CHECK(gives("\x1b[2J\n", "* ^[[2J\n"));
	CHECK(fails("a\n\xff\nb\n", 6, "not UTF-8"));
	CHECK(fails("a\n\xc3", 3, "not UTF-8"));
}

static void
it_has_a_largest_size(void)
{
	static char text[MOTD_MAX + 1];

	memset(text, 'x', sizeof text);
	CHECK(fails(text, MOTD_MAX + 1, "longer than 4 KiB"));
	CHECK(fails(text, MOTD_MAX - 2, "longer than 4 KiB"));
	CHECK(reads(text, MOTD_MAX - 3) && len == MOTD_MAX);
	CHECK(out[MOTD_MAX - 1] == '\n');
	memset(text, '\n', sizeof text);
	CHECK(fails(text, MOTD_MAX, "longer than 4 KiB"));
	memset(text, '\x1b', sizeof text);
	CHECK(fails(text, MOTD_MAX / 2, "longer than 4 KiB"));
}

static void
what_cannot_be_read_is_told(void)
{
	CHECK(!motd_read("/nowhere/motd", out, &len, why) && len == 0);
	CHECK(strncmp(why, "cannot read: No such", 20) == 0);
	CHECK(!motd_read("/", out, &len, why));
	CHECK(strncmp(why, "cannot read: ", 13) == 0);
}

int
main(void)
{
	RUN(every_line_is_news);
	RUN(it_drives_no_terminal);
	RUN(it_has_a_largest_size);
	RUN(what_cannot_be_read_is_told);
	return check_summary();
}
