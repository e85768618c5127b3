/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

#define _GNU_SOURCE
#include "check.h"
#include "title.h"

#include <sys/wait.h>

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#ifdef __linux__
extern char **environ;

static char *argv0;        /* where it lay when the process started */
static char program[4096]; /* to start it again */
static char first[16];     /* argv[1], if there is one */

/* Where the kernel says that the arguments begin: field 48 of proc(5)'s stat.
 * Under an emulator (valgrind) they are not at argv[0]. */
static bool
kernel_shows_argv(void)
{
	static char text[4096];
	unsigned long start = 0;
	ssize_t n;
	char *at;
	int fd = open("/proc/self/stat", O_RDONLY), field;

	n = read(fd, text, sizeof text - 1);
	close(fd);
	if (n <= 0)
		return false;
	text[n] = '\0';
	at = strrchr(text, ')');
	for (field = 2; at != NULL && field < 48; field++)
		at = strchr(at + 1, ' ');
	if (at != NULL)
		start = strtoul(at, NULL, 10);
	return start == (unsigned long)argv0;
}

/* What ps(1) would show. */
static const char *
shown(void)
{
	static char text[4096];
	ssize_t n;
	int fd;

	memset(text, 0, sizeof text);
	if (!kernel_shows_argv())
		return argv0;
	fd = open("/proc/self/cmdline", O_RDONLY);
	n = read(fd, text, sizeof text - 1);
	close(fd);
	return n >= 0 ? text : "nothing";
}

/* Runs f in a child, so that each test sets the title of a process of its
 * own.  f's checks count there and here. */
static void
in_child(void (*f)(void))
{
	int status = -1;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		f();
		fflush(stdout);
		_exit(check_ok ? 0 : 1);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

static void
set_and_look(void)
{
	title_set("session %s %s", "alice", "[::1]:512");
	CHECK(strcmp(shown(), "telld: session alice [::1]:512") == 0);
	title_set("broker");
	CHECK(strcmp(shown(), "telld: broker") == 0);
	title_set("%s", "");
	CHECK(strcmp(shown(), "telld: ") == 0);
}

static void
the_title_is_what_was_set(void)
{
	in_child(set_and_look);
}

/* The test was started with room enough: see main(). */
static void
set_long(void)
{
	char text[400], want[256] = "telld: ";

	memset(text, 'x', sizeof text);
	text[sizeof text - 1] = '\0';
	title_set("%s", text);
	memset(want + 7, 'x', sizeof want - 8);
	CHECK(strcmp(shown(), want) == 0);
}

static void
a_long_title_is_cut(void)
{
	in_child(set_long);
}

static void
look_around(void)
{
	const char *value = getenv("TEST_TITLE"), *set;

	title_set("session %s", "with a title as long as all that was there");
	CHECK(value != NULL && value[0] == 'r' && strlen(value) == 400);
	CHECK(setenv("TEST_TITLE_2", "new", 1) == 0);
	set = getenv("TEST_TITLE_2");
	CHECK(set != NULL && strcmp(set, "new") == 0);
	CHECK(unsetenv("TEST_TITLE") == 0 && getenv("TEST_TITLE") == NULL);
}

static void
the_environment_is_still_there(void)
{
	in_child(look_around);
}

static int args;
static char **arg;

static void
read_arguments(void)
{
	title_set("session alice");
	CHECK(args == 2 && strcmp(arg[0], program) == 0);
	CHECK(strcmp(arg[1], "roomy") == 0 && arg[2] == NULL);
}

static void
the_arguments_are_still_there(void)
{
	in_child(read_arguments);
}

/* Starts this program with one short name, and nothing in its environment. */
static void
the_title_ends_where_the_room_ends(void)
{
	char *const argv[] = {first, NULL}, *const envp[] = {NULL};
	int status = -1;
	pid_t pid;

	strcpy(first, "cramped");
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		execve(program, argv, envp);
		_exit(2);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

/* In that program: the room of "cramped", and not one byte more. */
static int
cramped(void)
{
	title_set("session alice");
	return strncmp(shown(), "telld: ", 7) == 0 && strlen(shown()) == 7 ? 0
	                                                                   : 1;
}

/* Starts itself again, with room for the longest title. */
static void
make_room(void)
{
	char room[] = "roomy", *argv[] = {program, room, NULL}, value[401];

	memset(value, 'r', sizeof value - 1);
	value[sizeof value - 1] = '\0';
	if (setenv("TEST_TITLE", value, 1) == 0)
		execv(program, argv);
	printf("not ok - cannot start %s\n", program);
	exit(1);
}

int
main(int argc, char **argv)
{
	argv0 = argv[0];
	title_set("before there is room");
	if (argc == 1 && strcmp(argv0, "cramped") == 0) {
		title_init(argc, argv);
		return cramped();
	}
	if (realpath(argv0, program) == NULL)
		return 1;
	if (argc == 1)
		make_room();
	args = argc;
	arg = argv;
	title_init(argc, argv);
	RUN(the_title_is_what_was_set);
	RUN(a_long_title_is_cut);
	RUN(the_environment_is_still_there);
	RUN(the_arguments_are_still_there);
	RUN(the_title_ends_where_the_room_ends);
	return check_summary();
}
#else
static void
it_does_no_harm(void)
{
	title_set("session %s", "alice");
}

int
main(int argc, char **argv)
{
	title_init(argc, argv);
	RUN(it_does_no_harm);
	return check_summary();
}
#endif
