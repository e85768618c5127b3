/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

#include "check.h"
#include "message.h"

#include <stdlib.h>

/*
 * Each line is parsed in memory of exactly its size, and written down as
 * kind|tag|DEST|DEST...|text, with - for a tag that is not there.
 */
static void
append(char *to, size_t size, const char *s, size_t len)
{
	size_t used = strlen(to);

	snprintf(to + used, size - used, "|%.*s", (int)len, len > 0 ? s : "");
}

static void
means(const char *s, size_t len, const char *want)
{
	static const char *const kinds[] = {
	    [MESSAGE_EMPTY] = "empty",
	    [MESSAGE_TEXT] = "text",
	    [MESSAGE_COMMAND] = "command",
	    [MESSAGE_NO_RECIPIENT] = "nobody",
	    [MESSAGE_BAD_TAG] = "bad tag",
	};
	char *line = malloc(len > 0 ? len : 1);
	char got[512];
	struct message m;
	struct message_dests d;
	const char *dest;
	size_t n;

	memcpy(line, s, len);
	snprintf(got, sizeof got, "%s", kinds[message_parse(line, len, &m)]);
	append(got, sizeof got, m.tag != NULL ? m.tag : "-",
	    m.tag != NULL ? m.tag_len : 1);
	message_dests_init(&d, &m);
	while (message_next_dest(&d, &dest, &n))
		append(got, sizeof got, dest, n);
	append(got, sizeof got, m.text, m.text_len);
	CHECK_STR(got, strlen(got), want);
	free(line);
}

#define MEANS(line, want) means(line, sizeof(line) - 1, want)

static void
blank_lines_are_empty(void)
{
	MEANS("", "empty|-|");
	MEANS(" ", "empty|-|");
	MEANS("\t \t", "empty|-|");
}

static void
a_message_has_a_recipient_and_a_text(void)
{
	MEANS("bob: hi", "text|-|bob|hi");
	MEANS("bob:hi", "text|-|bob|hi");
	MEANS("  bob \t:\t hi  there \t", "text|-|bob|hi  there");
	MEANS("#ops: disk full", "text|-|#ops|disk full");
	MEANS("*: dinner", "text|-|*|dinner");
	MEANS("a b: c", "text|-|a b|c");
}

static void
the_first_colon_ends_the_recipients(void)
{
	MEANS("bob: see: http://x:80/", "text|-|bob|see: http://x:80/");
	MEANS("bob:: x", "text|-|bob|: x");
	MEANS("bob: a, b: c", "text|-|bob|a, b: c");
}

static void
an_empty_text_is_a_text(void)
{
	MEANS("bob:", "text|-|bob|");
	MEANS("bob: \t", "text|-|bob|");
	MEANS("+1 bob:", "text|1|bob|");
}

static void
empty_recipients_are_passed_over(void)
{
	MEANS("bob, carol: hi", "text|-|bob|carol|hi");
	MEANS(" bob ,,\tcarol , : hi", "text|-|bob|carol|hi");
	MEANS(",bob: hi", "text|-|bob|hi");
	MEANS("bob,bob,#ops,*: hi", "text|-|bob|bob|#ops|*|hi");
}

static void
without_a_recipient_it_is_no_message(void)
{
	MEANS("hello", "nobody|-|");
	MEANS(":", "nobody|-|");
	MEANS(": hi", "nobody|-|");
	MEANS(" , ,\t: hi", "nobody|-|");
	MEANS("bob, carol", "nobody|-|");
	MEANS("+1", "nobody|1|");
	MEANS("+1 ", "nobody|1|");
	MEANS("+1 bob", "nobody|1|");
	MEANS("+1 : hi", "nobody|1|");
	MEANS("+1 /who", "nobody|1|");
}

static void
a_tag_stands_in_front(void)
{
	MEANS("+1 bob: hi", "text|1|bob|hi");
	MEANS(" \t+job-7.x_Y\tbob , carol: hi", "text|job-7.x_Y|bob|carol|hi");
	MEANS("+0123456789abcdef0123456789abcdef b: c",
	    "text|0123456789abcdef0123456789abcdef|b|c");
	MEANS("bob: +1 hi", "text|-|bob|+1 hi");
	MEANS("+1 +2 bob: hi", "text|1|+2 bob|hi");
}

static void
a_bad_tag_is_told_from_a_good_one(void)
{
	MEANS("+", "bad tag||");
	MEANS("+ bob: hi", "bad tag||");
	MEANS("+bob: hi", "bad tag|bob:|");
	MEANS("+a/b bob: hi", "bad tag|a/b|");
	MEANS("+\xc3\xbc bob: hi", "bad tag|\xc3\xbc|");
	MEANS("+0123456789abcdef0123456789abcdefg b: c",
	    "bad tag|0123456789abcdef0123456789abcdefg|");
}

static void
every_byte_of_a_tag_is_judged(void)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

	for (int c = 1; c < 256; c++) {
		char line[] = "+a? bob: x";
		struct message m;
		bool want = strchr(good, c) != NULL || c == ' ' || c == '\t';

		line[2] = (char)c;
		CHECK((message_parse(line, sizeof line - 1, &m) ==
			  MESSAGE_TEXT) == want);
	}
}

static void
a_command_is_a_word_and_the_rest(void)
{
	MEANS("/help", "command|-|/help|");
	MEANS("  /who \t #ops  ", "command|-|/who|#ops");
	MEANS("/quit good bye: all", "command|-|/quit|good bye: all");
	MEANS("/", "command|-|/|");
	MEANS("/ who", "command|-|/|who");
	MEANS("/x:y z", "command|-|/x:y|z");
}

int
main(void)
{
	RUN(blank_lines_are_empty);
	RUN(a_message_has_a_recipient_and_a_text);
	RUN(the_first_colon_ends_the_recipients);
	RUN(an_empty_text_is_a_text);
	RUN(empty_recipients_are_passed_over);
	RUN(without_a_recipient_it_is_no_message);
	RUN(a_tag_stands_in_front);
	RUN(a_bad_tag_is_told_from_a_good_one);
	RUN(every_byte_of_a_tag_is_judged);
	RUN(a_command_is_a_word_and_the_rest);
	return check_summary();
}
