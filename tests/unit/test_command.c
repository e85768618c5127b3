/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

#include "check.h"
#include "command.h"
#include "message.h"
#include "who.h"

#include <fcntl.h>
#include <unistd.h>

static void
help_fits_one_screen(void)
{
	char line[COMMAND_LINE_MAX];
	struct command_help help;
	size_t i;

	for (i = 0; command_help(i, &help); i++) {
		command_help_line(&help, line);
		CHECK(strncmp(line, "* ", 2) == 0);
		/* Nothing is cut off, and nothing runs into the next. */
		CHECK(strstr(line, help.example) != NULL);
		CHECK(strlen(help.usage) <= 21 && strlen(help.help) <= 30);
	}
	CHECK(i > 5 && i < 24);
	CHECK(!command_help(i + 1, &help));
}

static void
every_example_is_what_it_is_an_example_of(void)
{
	struct command_help help;
	struct message m;
	enum message_kind kind;
	size_t i;

	for (i = 0; command_help(i, &help); i++) {
		kind = message_parse(help.example, strlen(help.example), &m);
		if (help.usage[0] != '/') {
			CHECK(kind == MESSAGE_TEXT);
			CHECK((help.usage[0] == '+') == (m.tag != NULL));
			continue;
		}
		CHECK(kind == MESSAGE_COMMAND);
		CHECK(strncmp(help.usage, m.dests, m.dests_len) == 0);
	}
}

/* tell(7) stands beside the tests, wherever the build is. */
static const char *
read_manual(void)
{
	static const char name[] = "man/tell.7";
	static char text[65536];
	const char *tests = strstr(__FILE__, "tests/unit/");
	char path[4096];
	ssize_t n;
	int fd;

	if (tests == NULL)
		return "";
	snprintf(path, sizeof path, "%.*s%s", (int)(tests - __FILE__), __FILE__,
	    name);
	fd = open(path, O_RDONLY);
	n = read(fd, text, sizeof text - 1);
	close(fd);
	text[n < 0 ? 0 : n] = '\0';
	return text;
}

static void
the_manual_has_every_command_in_this_order(void)
{
	const char *at = strstr(read_manual(), "\n.Sh COMMANDS\n");
	struct command_help help;
	char item[64];
	size_t i;

	CHECK(at != NULL);
	for (i = 0; command_help(i, &help) && at != NULL; i++) {
		if (help.usage[0] != '/')
			continue;
		snprintf(item, sizeof item, "\n.It Ic %.*s",
		    (int)strcspn(help.usage, " "), help.usage);
		at = strstr(at, item);
		if (at == NULL)
			printf("# %s\n", help.usage);
		CHECK(at != NULL);
	}
}

static bool
idle(uint32_t seconds, const char *want)
{
	char text[WHO_IDLE_MAX];

	who_idle(seconds, text);
	return strcmp(text, want) == 0;
}

static void
idle_is_a_number_and_a_letter(void)
{
	CHECK(idle(0, "0s") && idle(59, "59s"));
	CHECK(idle(60, "1m") && idle(3599, "59m"));
	CHECK(idle(3600, "1h") && idle(86399, "23h"));
	CHECK(idle(86400, "1d") && idle(UINT32_MAX, "49710d"));
}

int
main(void)
{
	RUN(help_fits_one_screen);
	RUN(every_example_is_what_it_is_an_example_of);
	RUN(the_manual_has_every_command_in_this_order);
	RUN(idle_is_a_number_and_a_letter);
	return check_summary();
}
