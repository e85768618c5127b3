/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "log.h"

static int real_stderr;
static int reader; /* the end from which a test reads what was logged */
static char got[1 << 17];

/* Puts fd, the writer's end, in the place of stderr. */
static void
become_stderr(int fd)
{
	dup2(fd, STDERR_FILENO);
	close(fd);
}

static void
stderr_is_pipe(void)
{
	int ends[2];

	if (pipe(ends) == -1)
		exit(99);
	reader = ends[0];
	fcntl(reader, F_SETFL, O_NONBLOCK);
	become_stderr(ends[1]);
}

static void
stderr_is_socket(void)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == -1)
		exit(99);
	reader = ends[0];
	fcntl(reader, F_SETFL, O_NONBLOCK);
	become_stderr(ends[1]);
}

static void
stderr_is_back(void)
{
	close(reader);
	dup2(real_stderr, STDERR_FILENO);
	log_open("test");
}

/* All that waits at the reader's end, as a string. */
static const char *
logged(void)
{
	size_t len = 0;
	ssize_t n;

	while ((n = read(reader, got + len, sizeof(got) - 1 - len)) > 0)
		len += (size_t)n;
	got[len] = '\0';
	return got;
}

static char *
line_without_time(const char *text)
{
	static char line[4096];
	char want[64];

	snprintf(want, sizeof(want), "Z telld[%jd] ", (intmax_t)getpid());
	text = strstr(text, want);
	snprintf(line, sizeof(line), "%s",
	    text == NULL ? "(no such line)" : text + strlen(want));
	return line;
}

static void
before_log_open_lines_go_to_stderr(void)
{
	stderr_is_pipe();
	log_error("fail early=yes");
	CHECK(strcmp(line_without_time(logged()), "telld: fail early=yes\n") ==
	      0);
	stderr_is_back();
}

static void
a_line_has_time_pid_and_tag(void)
{
	const char *want = "dddd-dd-ddTdd:dd:ddZ telld[";
	const char *line;

	stderr_is_pipe();
	log_open("parent");
	log_info("start version=%d", 1);
	line = logged();
	for (size_t i = 0; want[i] != '\0'; i++)
		CHECK(i < 20 && want[i] == 'd' ? isdigit((unsigned char)line[i])
					       : line[i] == want[i]);
	CHECK(
	    strcmp(line_without_time(line), "parent: start version=1\n") == 0);
	log_role("session %s %s", "alice", "[127.0.0.1]:5123");
	log_warning("stop why=reset");
	CHECK(strcmp(line_without_time(logged()),
		  "session alice [127.0.0.1]:5123: stop why=reset\n") == 0);
	stderr_is_back();
}

static void
the_level_decides_what_is_written(void)
{
	stderr_is_pipe();
	log_open("test");
	CHECK(log_wants(LOG_LEVEL_INFO) && !log_wants(LOG_LEVEL_DEBUG));
	log_debug("not seen=1");
	CHECK(strcmp(logged(), "") == 0);
	log_set_level(LOG_LEVEL_ERROR);
	log_warning("not seen=1");
	log_info("not seen=1");
	CHECK(strcmp(logged(), "") == 0);
	log_set_level(LOG_LEVEL_DEBUG);
	log_debug("see it=1");
	CHECK(strstr(logged(), "see it=1\n") != NULL);
	log_set_level(LOG_LEVEL_INFO);
	stderr_is_back();
}

static void
a_long_line_is_cut_between_characters(void)
{
	char text[3000];
	size_t len;

	stderr_is_pipe();
	log_open("test");
	for (size_t shift = 0; shift < 3; shift++) {
		memset(text, 'x', shift);
		for (size_t i = shift; i + 3 < sizeof(text); i += 3)
			memcpy(text + i, "\xe2\x82\xac", 3);
		text[sizeof(text) - 4] = '\0';
		log_info("%s", text);
		len = strlen(logged());
		CHECK(len <= LOG_LINE_MAX && len > LOG_LINE_MAX - 4);
		CHECK(strcmp(got + len - 7, "\xe2\x82\xac...\n") == 0);
	}
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_info("%s", text);
	CHECK(strlen(logged()) == LOG_LINE_MAX);
	stderr_is_back();
}

static void
a_newline_in_the_text_forges_no_line(void)
{
	stderr_is_pipe();
	log_open("test");
	log_info("see a=%s", "1\nfake b=2\x1b[2J");
	CHECK(strcmp(line_without_time(logged()),
		  "test: see a=1?fake b=2?[2J\n") == 0);
	stderr_is_back();
}

static void
errno_is_kept(void)
{
	stderr_is_pipe();
	errno = EDOM;
	log_open("test");
	CHECK(errno == EDOM);
	log_role("other");
	CHECK(errno == EDOM);
	close(reader);
	signal(SIGPIPE, SIG_IGN);
	log_info("nobody reads=1");
	CHECK(errno == EDOM);
	reader = -1;
	stderr_is_back();
}

static void
the_shared_file_keeps_its_flags(void)
{
	int before;

	stderr_is_pipe();
	before = fcntl(STDERR_FILENO, F_GETFL);
	log_open("test");
	log_info("write n=1");
	CHECK(fcntl(STDERR_FILENO, F_GETFL) == before);
	CHECK(log_descriptor() != STDERR_FILENO);
	CHECK(fcntl(log_descriptor(), F_GETFD) == FD_CLOEXEC);
	stderr_is_back();
	stderr_is_socket();
	before = fcntl(STDERR_FILENO, F_GETFL);
	log_open("test");
	log_info("write n=1");
	CHECK(fcntl(STDERR_FILENO, F_GETFL) == before);
	CHECK(log_descriptor() == STDERR_FILENO);
	stderr_is_back();
}

/* Lines of which what was read tells that they were dropped. */
static unsigned long
told_as_dropped(void)
{
	static const char told[] = "test: dropped lines=";
	unsigned long sum = 0;

	for (const char *s = got; (s = strstr(s, told)) != NULL;) {
		s += sizeof(told) - 1;
		sum += strtoul(s, NULL, 10);
	}
	return sum;
}

/* Writes until well past what any pipe or socket holds by default, reads it
 * all, and counts: every line is there or is told as dropped.  (A gap may
 * be told more than once: that line is shorter, and can fit where none of the
 * others does.) */
static void
nothing_blocks_and_gaps_are_told(void)
{
	const unsigned long lines = 20000;
	unsigned long whole = 0, dropped;

	for (unsigned long i = 0; i < lines; i++)
		log_info("fill n=%lu text=%0200d", i, 0);
	logged();
	for (const char *s = got; (s = strstr(s, "fill n=")) != NULL; s++)
		whole++;
	CHECK(whole > 0 && whole < lines);
	dropped = told_as_dropped();
	log_info("go on=1");
	CHECK(strstr(logged(), "go on=1\n") != NULL);
	CHECK(strstr(got, "dropped lines=") != NULL);
	dropped += told_as_dropped();
	CHECK(whole + dropped == lines);
	log_info("go on=2");
	CHECK(strstr(logged(), "dropped") == NULL);
}

static void
a_full_pipe_costs_lines_not_time(void)
{
	stderr_is_pipe();
	log_open("test");
	nothing_blocks_and_gaps_are_told();
	stderr_is_back();
}

static void
a_full_pipe_that_cannot_be_reopened_too(void)
{
	struct rlimit limit, none;

	/* Without a descriptor to spare, poll has to do. */
	stderr_is_pipe();
	getrlimit(RLIMIT_NOFILE, &limit);
	none = limit;
	none.rlim_cur = 3;
	setrlimit(RLIMIT_NOFILE, &none);
	log_open("test");
	setrlimit(RLIMIT_NOFILE, &limit);
	CHECK(log_descriptor() == STDERR_FILENO);
	nothing_blocks_and_gaps_are_told();
	stderr_is_back();
}

static void
a_full_socket_too(void)
{
	int little = 4096;

	stderr_is_socket();
	setsockopt(
	    STDERR_FILENO, SOL_SOCKET, SO_SNDBUF, &little, sizeof(little));
	log_open("test");
	nothing_blocks_and_gaps_are_told();
	stderr_is_back();
}

static void
a_child_does_not_tell_its_parents_gap(void)
{
	int status = 0;
	pid_t child;

	stderr_is_pipe();
	log_open("test");
	for (int i = 0; i < 2000; i++)
		log_info("fill n=%d text=%0200d", i, 0);
	logged();
	fflush(stdout);
	child = fork();
	if (child == 0) {
		log_role("child");
		log_info("live pid=1");
		_exit(0);
	}
	CHECK(waitpid(child, &status, 0) == child && status == 0);
	CHECK(strstr(logged(), "child: live pid=1\n") != NULL);
	CHECK(strstr(got, "child: dropped") == NULL);
	log_info("go on=1");
	CHECK(strstr(logged(), "dropped") != NULL);
	stderr_is_back();
}

static void
under_the_journal_a_priority_replaces_the_time(void)
{
	char own[64], want[128];
	struct stat st;

	stderr_is_socket();
	fstat(STDERR_FILENO, &st);
	snprintf(own, sizeof(own), "%ju:%ju", (uintmax_t)st.st_dev,
	    (uintmax_t)st.st_ino);
	setenv("JOURNAL_STREAM", own, 1);
	log_open("test");
	log_error("a b=1");
	log_warning("a b=2");
	log_info("a b=3");
	logged();
	snprintf(want, sizeof(want),
	    "<3>telld[%jd] test: a b=1\n<4>telld[%jd] test: a b=2\n"
	    "<6>telld[%jd] test: a b=3\n",
	    (intmax_t)getpid(), (intmax_t)getpid(), (intmax_t)getpid());
	CHECK(strcmp(got, want) == 0);
	setenv("JOURNAL_STREAM", "1:1", 1);
	log_open("test");
	log_info("a b=4");
	CHECK(strcmp(line_without_time(logged()), "test: a b=4\n") == 0);
	unsetenv("JOURNAL_STREAM");
	stderr_is_back();
}

static int
status_of_child(void (*run)(void))
{
	int status = 0;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		run();
		_exit(77);
	}
	waitpid(child, &status, 0);
	return status;
}

static void
run_fatal(void)
{
	fatal("cannot open file=%s: %s", "x", strerror(ENOENT));
}

static void
run_bug(void)
{
	bug("no such state=%d", 7);
}

static void
fatal_exits_and_bug_aborts(void)
{
	int status;

	stderr_is_pipe();
	log_open("test");
	status = status_of_child(run_fatal);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	CHECK(strstr(logged(), "test: cannot open file=x: No such") != NULL);
	status = status_of_child(run_bug);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	CHECK(strstr(logged(), "test: bug: no such state=7\n") != NULL);
	stderr_is_back();
}

static const char *
escaped(const char *s)
{
	static char out[256];

	CHECK(log_escape(out, sizeof(out), s, strlen(s)) == strlen(out));
	return out;
}

static void
what_is_harmless_is_kept(void)
{
	const char *harmless = "az09!#$%&()*+,-./:;<=>?@[]^_{|}~"
			       "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80";

	CHECK(strcmp(escaped(harmless), harmless) == 0);
	CHECK(strcmp(escaped(""), "") == 0);
}

static void
what_could_forge_is_escaped(void)
{
	CHECK(strcmp(escaped("a b"), "a\\x20b") == 0);
	CHECK(strcmp(escaped("\t\r\n\x1b\x7f"), "\\x09\\x0D\\x0A\\x1B\\x7F") ==
	      0);
	CHECK(strcmp(escaped("\"'\\`"), "\\x22\\x27\\x5C\\x60") == 0);
	CHECK(strcmp(escaped("\xc2\x85"), "\\xC2\\x85") == 0);
	CHECK(strcmp(escaped("\xe2\x80\xa8"), "\\xE2\\x80\\xA8") == 0);
	CHECK(strcmp(escaped("\xe2\x80\xae"), "\\xE2\\x80\\xAE") == 0);
	CHECK(strcmp(escaped("\xc2\xa0"), "\\xC2\\xA0") == 0);
}

static void
what_is_not_utf8_is_escaped(void)
{
	char out[64];

	CHECK(strcmp(escaped("\xff\xc0\x80"), "\\xFF\\xC0\\x80") == 0);
	CHECK(strcmp(escaped("\xc3z"), "\\xC3z") == 0);
	CHECK(strcmp(escaped("z\xe2\x82"), "z\\xE2\\x82") == 0);
	CHECK(strcmp(escaped("\xed\xa0\x80"), "\\xED\\xA0\\x80") == 0);
	CHECK(log_escape(out, sizeof(out), "a\0b", 3) == 6);
	CHECK(strcmp(out, "a\\x00b") == 0);
}

static void
a_character_that_does_not_fit_ends_it(void)
{
	char out[8];

	CHECK(log_escape(out, 1, "abc", 3) == 0 && out[0] == '\0');
	CHECK(log_escape(out, 3, "abc", 3) == 2);
	CHECK(strcmp(out, "ab") == 0);
	CHECK(log_escape(out, 5, "a\n", 2) == 1);
	CHECK(log_escape(out, 6, "a\n", 2) == 5);
	CHECK(log_escape(out, 3, "\xe2\x82\xac", 3) == 0);
	CHECK(log_escape(out, 4, "\xe2\x82\xac", 3) == 3);
}

int
main(void)
{
	real_stderr = dup(STDERR_FILENO);
	RUN(before_log_open_lines_go_to_stderr);
	RUN(a_line_has_time_pid_and_tag);
	RUN(the_level_decides_what_is_written);
	RUN(a_long_line_is_cut_between_characters);
	RUN(a_newline_in_the_text_forges_no_line);
	RUN(errno_is_kept);
	RUN(the_shared_file_keeps_its_flags);
	RUN(a_full_pipe_costs_lines_not_time);
	RUN(a_full_pipe_that_cannot_be_reopened_too);
	RUN(a_full_socket_too);
	RUN(a_child_does_not_tell_its_parents_gap);
	RUN(under_the_journal_a_priority_replaces_the_time);
	RUN(fatal_exits_and_bug_aborts);
	RUN(what_is_harmless_is_kept);
	RUN(what_could_forge_is_escaped);
	RUN(what_is_not_utf8_is_escaped);
	RUN(a_character_that_does_not_fit_ends_it);
	return check_summary();
}
