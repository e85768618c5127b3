/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "config.h"

#define DAY INT64_C(86400000)

static struct config c;
static struct config_errors e;

static void
start(void)
{
	config_defaults(&c);
	config_errors_clear(&e);
}

static bool
parse(const char *text)
{
	start();
	return config_parse(&c, text, strlen(text), "telld.conf", &e);
}

/* True if text gives one error, which is want. */
static bool
fails(const char *text, const char *want)
{
	char line[600];

	snprintf(line, sizeof(line), "telld.conf:1: %s\n", want);
	if (!parse(text) && e.count == 1 && strcmp(e.text, line) == 0)
		return true;
	printf("# %s# %s", e.text, line);
	return false;
}

static void
defaults_are_those_of_the_manual(void)
{
	start();
	CHECK(config_finish(&c, &e) || geteuid() != 0);
	CHECK(c.listen_count == 1);
	CHECK(strcmp(c.listen[0], "127.0.0.1:8080") == 0);
	CHECK(c.unix_mode == 0666 && c.max_clients == 0);
	CHECK(c.login_timeout == 60000 && c.linger == 5000);
	CHECK(c.greeting && strcmp(c.motd, "none") == 0 && c.motd_len == 0);
	CHECK(strcmp(c.broadcast, "all") == 0);
	CHECK(c.line_max == 4096 && c.queue_max == 1 << 20);
	CHECK(c.slow_after == 5000 && c.dead_after == 60000);
	CHECK(c.poller == CONFIG_POLLER_AUTO);
	CHECK(c.store_for == CONFIG_STORE_FOR_KNOWN);
	CHECK(c.mailbox_lines == 1000 && c.mailbox_max == 1 << 20);
	CHECK(c.store_max == 1 << 30 && c.segment_max == 8 << 20);
	CHECK(c.expire == 30 * DAY);
	CHECK(c.ready_fd == -1 && c.log_level == LOG_LEVEL_INFO);
}

static void
a_file_sets_every_type(void)
{
	CHECK(parse("# telld\n\n"
		    "listen 127.0.0.1:0\n"
		    "listen\t[::1]:8080   # both\r\n"
		    "linger = 500 ms\n"
		    "  line_max=64\n"
		    "#\n \t \n"
		    "poller\tpoll\n"
		    "store \"/var/lib/my telld\" # here\n"
		    "control /run/a#b\n"
		    "unix_mode 0660\n"
		    "ready_fd -1\n"
		    "log_level debug\n"
		    "store_for none\n"
		    "expire 1 day"));
	CHECK(c.listen_count == 2);
	CHECK(strcmp(c.listen[1], "[::1]:8080") == 0);
	CHECK(c.linger == 500 && c.line_max == 64);
	CHECK(c.poller == CONFIG_POLLER_POLL);
	CHECK(strcmp(c.store, "/var/lib/my telld") == 0);
	CHECK(strcmp(c.control, "/run/a#b") == 0);
	CHECK(c.unix_mode == 0660 && c.ready_fd == -1);
	CHECK(c.log_level == LOG_LEVEL_DEBUG);
	CHECK(c.store_for == CONFIG_STORE_FOR_NONE && c.expire == DAY);
	CHECK(e.count == 0 && e.text[0] == '\0');
}

static void
quotes_keep_what_would_be_a_comment_or_a_blank(void)
{
	CHECK(parse("store \"/a \\\"b\\\" #\\\\c \"\n"));
	CHECK(strcmp(c.store, "/a \"b\" #\\c ") == 0);
	CHECK(parse("\xef\xbb\xbflinger \"2 s\"#\n") && c.linger == 2000);
}

static void
an_error_names_line_key_and_what_is_accepted(void)
{
	CHECK(fails("linger 1 ms",
	    "linger: \"1 ms\": out of range (100 ms to 10 min)"));
	CHECK(fails("linger 5 m",
	    "linger: \"5 m\": not a duration in ms, s, min, h or days "
	    "(100 ms to 10 min)"));
	CHECK(fails("line_max 1 MB",
	    "line_max: \"1 MB\": not a size in bytes, KiB, MiB or GiB "
	    "(64 bytes to 16 KiB)"));
	CHECK(fails("max_clients 7#8",
	    "max_clients: \"7#8\": not a whole number (0 to 1000000)"));
	CHECK(fails(
	    "ready_fd -2", "ready_fd: \"-2\": out of range (-1 to 65535)"));
	CHECK(fails("unix_mode 1777",
	    "unix_mode: \"1777\": out of range (0000 to 0777)"));
	CHECK(fails("poller select",
	    "poller: \"select\": no such word (auto, poll or epoll)"));
	CHECK(fails("store mail",
	    "store: \"mail\": must be an absolute path, or none"));
	CHECK(fails(
	    "control none", "control: \"none\": must be an absolute path"));
	CHECK(fails("listen localhost:1",
	    "listen: \"localhost:1\": not a numeric IPv4 address (names are "
	    "not looked up), such as 127.0.0.1:8080"));
}

static bool
may(const char *name)
{
	return config_may_broadcast(&c, name, strlen(name));
}

static void
names_say_who_may_write_to_everybody(void)
{
	CHECK(parse("linger 2 s\n") && may("alice"));
	CHECK(parse("broadcast none\n") && !may("alice") && !may("none"));
	CHECK(parse("broadcast alice, b\xc3\xb6 ,,cron\n"));
	CHECK(may("alice") && may("b\xc3\xb6") && may("cron"));
	CHECK(!may("alic") && !may("alice,") && !may("all"));
	CHECK(fails("broadcast alice bob",
	    "broadcast: \"alice bob\": not all, none, or names with commas "
	    "between"));
	CHECK(fails(
	    "broadcast ,", "broadcast: \",\": must be all, none or names"));
}

static void
a_truth_is_yes_or_no(void)
{
	CHECK(parse("greeting no\n") && !c.greeting);
	CHECK(parse("greeting yes\n") && c.greeting);
	CHECK(fails("greeting 1", "greeting: \"1\": no such word (no or yes)"));
}

static void
a_line_that_cannot_be_read_is_told(void)
{
	CHECK(fails("linger", "linger: has no value"));
	CHECK(fails("linger =", "linger: has no value"));
	CHECK(fails("linger # 5 s", "linger: has no value"));
	CHECK(fails("linger: 5 s", "linger: has no space after the key"));
	CHECK(fails("linger \"5 s", "linger: has no closing quote"));
	CHECK(fails("linger \"5 s\" x",
	    "linger: has something after the closing quote"));
	CHECK(fails("= 5", "the line does not begin with a key"));
	CHECK(fails("linger 5\x1b s", "linger: has a control character"));
	CHECK(fails(
	    "store \"\"", "store: \"\": must be an absolute path, or none"));
	start();
	CHECK(!config_parse(&c, "linger 5\0s", 10, "f", &e));
	CHECK(strstr(e.text, "control character") != NULL);
}

static void
an_unknown_key_is_told_with_the_nearest(void)
{
	CHECK(fails("lingr 5 s", "no such key: lingr; did you mean linger?"));
	CHECK(fails("Linger 5 s", "no such key: Linger; did you mean linger?"));
	CHECK(fails("max-clients 5",
	    "no such key: max-clients; did you mean max_clients?"));
	CHECK(fails("colour red", "no such key: colour; see telld.conf(5)"));
	CHECK(!parse("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx 1"));
}

static void
a_key_set_twice_is_an_error_but_not_listen(void)
{
	CHECK(!parse("linger 1 s\n\nlinger 2 s\n"));
	CHECK(strcmp(e.text,
		  "telld.conf:3: linger: is already set in line 1\n") == 0);
	CHECK(parse("listen 127.0.0.1:1\nlisten 127.0.0.1:2\n"));
	CHECK(parse("alias a b\nalias c d\n"));
}

static void
all_errors_are_collected(void)
{
	CHECK(!parse("linger x\ndead_after 10 s\npoller y\nz\n"));
	CHECK(e.count == 3 && e.shown == 3);
	CHECK(strstr(e.text, "telld.conf:1: linger: ") == e.text);
	CHECK(strstr(e.text, "\ntelld.conf:3: poller: ") != NULL);
	CHECK(strstr(e.text, "\ntelld.conf:4: z: has no value\n") != NULL);
	CHECK(c.dead_after == 10000 && c.linger == 5000);
	CHECK(!config_finish(&c, &e));
}

static void
what_does_not_fit_is_counted(void)
{
	char text[4096] = "";

	for (int i = 0; i < 1000; i++)
		memcpy(text + 4 * i, "x y\n", 5);
	CHECK(!parse(text));
	CHECK(e.count == 1000 && e.shown < 1000 && e.shown > 100);
	snprintf(text, sizeof(text), "\nand %u more errors\n", 1000 - e.shown);
	CHECK(strlen(e.text) < sizeof(e.text));
	CHECK(strcmp(e.text + strlen(e.text) - strlen(text), text) == 0);
}

static void
an_error_drives_no_terminal(void)
{
	start();
	CHECK(!config_set(&c, "store", "\x1b[2J\n", "-o", &e));
	CHECK(
	    strcmp(e.text,
		"-o: store: \"?[2J?\": must be an absolute path, or none\n") ==
	    0);
}

static void
the_command_line_overrides(void)
{
	start();
	CHECK(config_set_pair(&c, "linger=2s", "-o", &e) && c.linger == 2000);
	CHECK(config_set_pair(&c, " store = /a b ", "-o", &e));
	CHECK(strcmp(c.store, "/a b") == 0);
	CHECK(!config_set_pair(&c, "linger", "-o", &e));
	CHECK(!config_set_pair(&c, "=1", "-o", &e));
	CHECK(!config_set_pair(&c, "linger=", "-o", &e));
	CHECK(strstr(e.text, "-o: \"linger\": must be KEY=VALUE\n") == e.text);
	CHECK(e.count == 3 && c.linger == 2000);
}

static void
listen_on_the_command_line_replaces_the_files(void)
{
	CHECK(parse("listen 127.0.0.1:1\nlisten 127.0.0.1:2\n"));
	CHECK(!config_set(&c, "listen", "nowhere", "-l", &e));
	CHECK(c.listen_count == 2 && !c.listen_overridden);
	CHECK(config_set(&c, "listen", "*:3", "-l", &e));
	CHECK(config_set(&c, "listen", "unix:/x", "-l", &e));
	CHECK(c.listen_count == 2);
	CHECK(strcmp(c.listen[0], "*:3") == 0);
	CHECK(strcmp(c.listen[1], "unix:/x") == 0);
}

static void
there_is_an_end_to_listen(void)
{
	char text[32];

	start();
	for (int i = 1; i <= CONFIG_LISTEN_MAX; i++) {
		snprintf(text, sizeof(text), "127.0.0.1:%d", i);
		CHECK(config_set(&c, "listen", text, "-l", &e));
	}
	CHECK(!config_set(&c, "listen", "127.0.0.1:99", "-l", &e));
	CHECK(c.listen_count == CONFIG_LISTEN_MAX);
}

static void
paths_that_do_not_fit_are_refused(void)
{
	static char text[3 * CONFIG_VALUE_MAX] = "/";

	start();
	memset(text + 1, 'x', CONFIG_VALUE_MAX - 2);
	CHECK(config_set(&c, "store", text, "-o", &e));
	text[CONFIG_VALUE_MAX - 1] = 'x';
	CHECK(!config_set(&c, "store", text, "-o", &e));
	text[ADDRESS_PATH_MAX + 1] = '\0';
	CHECK(!config_set(&c, "control", text, "-o", &e));
	text[ADDRESS_PATH_MAX] = '\0';
	CHECK(config_set(&c, "control", text, "-o", &e));
	CHECK(!config_set(&c, "store", "/a\nb", "-o", &e));
	memset(text, 'x', sizeof(text) - 1);
	memcpy(text, "store ", 6);
	CHECK(fails(text, "store: has too long a value"));
	memcpy(text, "store \"", 7);
	CHECK(fails(text, "store: has too long a value"));
	memcpy(text, "store=x", 7);
	start();
	CHECK(!config_set_pair(&c, text, "-o", &e));
}

static void
keys_are_checked_against_each_other(void)
{
	parse("store_max 1 MiB\nstore /x\ncontrol /c\n");
	CHECK(!config_finish(&c, &e));
	CHECK(strcmp(e.text, "segment_max: 8 MiB is more than store_max, which "
			     "is 1 MiB\n") == 0);
	parse("store_max 1 MiB\nstore none\ncontrol /c\n");
	CHECK(config_finish(&c, &e) && !config_keeps_mail(&c));
	parse("store none\ncontrol /c\nlisten unix:/c\n");
	CHECK(!config_finish(&c, &e));
	parse("store none\ncontrol /c\nlisten *:1\nlisten *:1\n");
	CHECK(!config_finish(&c, &e));
	CHECK(strcmp(e.text, "listen: *:1 is set twice\n") == 0);
	parse("store none\ncontrol /c\nlisten *:0\nlisten *:0\n");
	CHECK(config_finish(&c, &e));
}

static void
an_alias_stands_for_names(void)
{
	struct message_dests d;
	const char *one = "";
	char text[CONFIG_ALIAS_TEXT_MAX + 8];
	size_t len = 0;
	int i;

	CHECK(parse("store none\ncontrol /c\nalias on a,  b ,\nalias off c\n"));
	CHECK(config_finish(&c, &e) && c.alias_count == 2);
	CHECK(!config_alias(&c, "o", 1, &d) && !config_alias(&c, "a", 1, &d));
	CHECK(config_alias(&c, "on", 2, &d));
	CHECK(message_next_dest(&d, &one, &len));
	CHECK_STR(one, len, "a");
	CHECK(message_next_dest(&d, &one, &len));
	CHECK_STR(one, len, "b");
	CHECK(!message_next_dest(&d, &one, &len));
	CHECK(!config_set(&c, "alias", "x", "-o", &e));
	CHECK(!config_set(&c, "alias", "x ,", "-o", &e));
	CHECK(!config_set(&c, "alias", "#x y", "-o", &e));
	CHECK(!config_set(&c, "alias", "x #y", "-o", &e));
	CHECK(!config_set(&c, "alias", "x *", "-o", &e));
	memset(text, ',', sizeof text);
	memcpy(text, "x y", 3);
	text[CONFIG_ALIAS_TEXT_MAX] = '\0';
	CHECK(!config_set(&c, "alias", text, "-o", &e));
	CHECK(c.alias_count == 2);
	for (i = 2; i < CONFIG_ALIAS_MAX; i++) {
		snprintf(text, sizeof text, "n%d m", i);
		CHECK(config_set(&c, "alias", text, "-o", &e));
	}
	CHECK(!config_set(&c, "alias", "more m", "-o", &e));
	parse("store none\ncontrol /c\nalias a a\n");
	CHECK(!config_finish(&c, &e));
	CHECK(
	    strcmp(e.text, "alias: a, in \"a a\", is an alias itself\n") == 0);
}

/* What config_finish makes of an environment; NULL: not set. */
static void
finish_with(const char *home, const char *state, const char *runtime)
{
	const char *const names[] = {
	    "HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"};
	const char *const values[] = {home, state, runtime};

	for (int i = 0; i < 3; i++)
		if (values[i] == NULL)
			unsetenv(names[i]);
		else
			setenv(names[i], values[i], 1);
	config_finish(&c, &e);
}

static bool
is(const char *store, const char *control)
{
	return strcmp(c.store, store) == 0 && strcmp(c.control, control) == 0;
}

static void
root_has_the_systems_places(void)
{
	if (geteuid() != 0)
		return; /* the next test has the other half */
	start();
	finish_with("/home/a", "/s", "/r");
	CHECK(is("/var/lib/telld", "/run/telld/control"));
}

/* The tests may run as root: this is its own child, who is not. */
static void
others_have_places_of_their_own(void)
{
	static char deep[200];

	if (geteuid() == 0 && seteuid(65534) == -1)
		return;
	start();
	finish_with("/home/a", NULL, NULL);
	CHECK(is("/home/a/.local/state/telld",
	    "/home/a/.local/state/telld/control"));
	start();
	finish_with("/home/a", "/s", "/r");
	CHECK(is("/s/telld", "/r/telld.sock"));
	start();
	finish_with("/home/a", "relative", "relative");
	CHECK(is("/home/a/.local/state/telld",
	    "/home/a/.local/state/telld/control"));
	parse("store none\n");
	finish_with("/home/a", NULL, NULL);
	CHECK(is("none", "/home/a/.local/state/telld/control"));
	start();
	finish_with(NULL, NULL, NULL);
	CHECK(e.count == 2 && strstr(e.text, "store: no default") == e.text);
	CHECK(strstr(e.text, "\ncontrol: no default without") != NULL);
	memset(deep, '/', sizeof(deep) - 1);
	start();
	finish_with(deep, NULL, NULL);
	CHECK(e.count == 1);
	CHECK(strstr(e.text, "short enough") != NULL);
	if (getuid() == 0)
		CHECK(seteuid(0) == 0);
}

static void
what_is_printed_is_read_back(void)
{
	static struct config again;
	static char text[16384], tiny[10];
	size_t len;

	CHECK(parse("listen *:1\nlisten \"unix:/a b\"\nstore \"/q\\\"\\\\ #\"\n"
		    "control /c\nunix_mode 0600\nlinger 90 s\nready_fd 5\n"
		    "store_max 2 GiB\npoller poll\ngreeting no\n"
		    "broadcast \"a, b\"\nmotd none\n"
		    "alias a b, c\nalias \"d e\"\n"));
	CHECK(config_finish(&c, &e));
	len = config_print(&c, text, sizeof(text));
	CHECK(len == strlen(text) && len > 100);
	config_defaults(&again);
	CHECK(config_parse(&again, text, len, "printed", &e));
	/* Both are static, and so the bytes between members are 0.
	 * NOLINTNEXTLINE(bugprone-suspicious-memory-comparison) */
	CHECK(memcmp(&again, &c, sizeof(c)) == 0);
	CHECK(strstr(text, "\nlinger 90 s\n") != NULL);
	CHECK(config_print(&c, tiny, sizeof(tiny)) == len);
	CHECK(strcmp(tiny, "listen *:") == 0);
	CHECK(config_print(&c, NULL, 0) == len);
}

static void
a_file_is_read_or_told(void)
{
	char path[] = "/tmp/test_config.XXXXXX";
	char want[128];
	int fd = mkstemp(path);

	start();
	CHECK(write(fd, "linger 2 s\n\nbad\n", 16) == 16);
	CHECK(!config_read_file(&c, path, true, &e));
	snprintf(want, sizeof(want), "%s:3: bad: has no value\n", path);
	CHECK(strcmp(e.text, want) == 0 && c.linger == 2000);
	CHECK(ftruncate(fd, (off_t)CONFIG_FILE_MAX + 1) == 0);
	start();
	CHECK(!config_read_file(&c, path, true, &e));
	CHECK(strstr(e.text, "larger than 262144 bytes") != NULL);
	close(fd);
	unlink(path);
	start();
	CHECK(config_read_file(&c, path, false, &e) && e.count == 0);
	CHECK(!config_read_file(&c, path, true, &e));
	CHECK(strstr(e.text, "cannot open: No such file") != NULL);
	start();
	CHECK(!config_read_file(&c, "/", true, &e));
	CHECK(strstr(e.text, "/: cannot read: ") != NULL);
}

/* The paragraph of a key in the manual, from its .It to the next; "" if
 * there is none. */
static const char *
manual_of(const char *manual, const char *name)
{
	static char text[4096];
	char head[64];
	const char *start, *end;

	snprintf(head, sizeof(head), "\n.It Ic %s ", name);
	start = strstr(manual, head);
	if (start == NULL)
		return "";
	end = strstr(start + 1, "\n.It ");
	snprintf(text, sizeof(text), "%.*s",
	    end == NULL ? (int)strlen(start) : (int)(end - start), start);
	return text;
}

/* The manual stands beside the tests, wherever the build is. */
static size_t
read_manual(char *text, size_t size)
{
	static const char name[] = "man/telld.conf.5";
	const char *tests = strstr(__FILE__, "tests/unit/");
	char path[CONFIG_VALUE_MAX];
	ssize_t n;
	int fd;

	if (tests == NULL)
		return 0;
	snprintf(path, sizeof(path), "%.*s%s", (int)(tests - __FILE__),
	    __FILE__, name);
	fd = open(path, O_RDONLY);
	n = read(fd, text, size - 1);
	close(fd);
	text[n < 0 ? 0 : n] = '\0';
	return n < 0 ? 0 : (size_t)n;
}

static void
the_manual_has_every_key_with_default_and_range(void)
{
	static char manual[65536];
	struct config_key_help help;
	size_t i;

	CHECK(read_manual(manual, sizeof(manual)) > 0);
	for (i = 0; config_key_help(i, &help); i++) {
		const char *text = manual_of(manual, help.name);
		bool whole = strstr(text, help.accepts) != NULL &&
		             strstr(text, help.fallback) != NULL;

		if (!whole)
			printf("# %s: %s, %s\n", help.name, help.fallback,
			    help.accepts);
		CHECK(whole);
		CHECK(help.help[0] != '\0');
	}
	CHECK(i == 25);
}

int
main(void)
{
	RUN(defaults_are_those_of_the_manual);
	RUN(a_file_sets_every_type);
	RUN(quotes_keep_what_would_be_a_comment_or_a_blank);
	RUN(an_error_names_line_key_and_what_is_accepted);
	RUN(names_say_who_may_write_to_everybody);
	RUN(a_truth_is_yes_or_no);
	RUN(a_line_that_cannot_be_read_is_told);
	RUN(an_unknown_key_is_told_with_the_nearest);
	RUN(a_key_set_twice_is_an_error_but_not_listen);
	RUN(all_errors_are_collected);
	RUN(what_does_not_fit_is_counted);
	RUN(an_error_drives_no_terminal);
	RUN(the_command_line_overrides);
	RUN(listen_on_the_command_line_replaces_the_files);
	RUN(there_is_an_end_to_listen);
	RUN(paths_that_do_not_fit_are_refused);
	RUN(keys_are_checked_against_each_other);
	RUN(an_alias_stands_for_names);
	RUN(root_has_the_systems_places);
	RUN(others_have_places_of_their_own);
	RUN(what_is_printed_is_read_back);
	RUN(a_file_is_read_or_told);
	RUN(the_manual_has_every_key_with_default_and_range);
	return check_summary();
}
