/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

#define _GNU_SOURCE
#include "check.h"
#include "signals.h"

#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

static const int caught[] = {SIGTERM, SIGHUP, SIGCHLD};
#define CAUGHT (sizeof caught / sizeof caught[0])

static bool
is_readable(int fd)
{
	struct pollfd p = {fd, POLLIN, 0};

	return poll(&p, 1, 0) == 1;
}

/* These two come, in this order; 0: no more. */
static bool
come(int one, int two)
{
	int first = signals_next(NULL), second = signals_next(NULL);

	return first == one && second == two;
}

static void
a_signal_is_a_byte_to_poll_for(void)
{
	int fd = signals_open(caught, CAUGHT);

	CHECK(fd != -1 && !is_readable(fd) && signals_next(NULL) == 0);
	raise(SIGHUP);
	raise(SIGTERM);
	CHECK(is_readable(fd));
	CHECK(come(SIGHUP, SIGTERM));
	CHECK(signals_next(NULL) == 0 && !is_readable(fd));
	CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC);
	CHECK(fcntl(fd, F_GETFL) & O_NONBLOCK);
}

static void
what_is_not_listed_is_ignored(void)
{
	static const int ignored[] = {
	    SIGPIPE, SIGXFSZ, SIGINT, SIGUSR1, SIGUSR2};
	size_t i;
	int fd[2];

	CHECK(signals_open(caught, CAUGHT) != -1);
	for (i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
		raise(ignored[i]);
	CHECK(signals_next(NULL) == 0);
	CHECK(pipe(fd) == 0);
	close(fd[0]);
	CHECK(write(fd[1], "x", 1) == -1 && errno == EPIPE);
	close(fd[1]);
}

static void
a_second_list_replaces_the_first(void)
{
	static const int other[] = {SIGUSR1};

	CHECK(signals_open(caught, CAUGHT) != -1);
	raise(SIGHUP);
	CHECK(signals_open(other, 1) != -1);
	raise(SIGTERM);
	raise(SIGUSR1);
	CHECK(come(SIGUSR1, 0));
}

static void
what_was_blocked_is_let_through(void)
{
	sigset_t set;

	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	CHECK(signals_open(caught, CAUGHT) != -1);
	sigprocmask(SIG_BLOCK, NULL, &set);
	CHECK(!sigismember(&set, SIGTERM) && !sigismember(&set, SIGCHLD));
	raise(SIGTERM);
	CHECK(signals_next(NULL) == SIGTERM);
	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signals_ignore_all();
	sigprocmask(SIG_BLOCK, NULL, &set);
	CHECK(!sigismember(&set, SIGTERM) && !sigismember(&set, SIGALRM));
}

static void
a_handler_keeps_errno_and_a_full_pipe_does_not_block(void)
{
	int i, n = 0;

	CHECK(signals_open(caught, CAUGHT) != -1);
	for (i = 0; i < 100000; i++) {
		errno = 4711;
		raise(SIGHUP);
		CHECK(errno == 4711);
	}
	while (signals_next(NULL) == SIGHUP)
		n++;
	CHECK(n > 0);
	raise(SIGTERM);
	CHECK(come(SIGTERM, 0));
}

static void
the_end_of_a_child_is_told(void)
{
	int fd = signals_open(caught, CAUGHT), status = -1;
	struct pollfd p = {fd, POLLIN, 0};
	pid_t pid = fork();

	if (pid == 0)
		_exit(7);
	/* SIGCHLD may interrupt the poll that waits for it. */
	while (poll(&p, 1, 10000) == -1 && errno == EINTR)
		;
	CHECK(signals_next(NULL) == SIGCHLD);
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

/* In the child: what was inherited is gone, and what comes stays here. */
static int
child(void)
{
	static const int mine[] = {SIGTERM};

	if (signals_open(mine, 1) == -1)
		return 1;
	if (signals_next(NULL) != 0)
		return 2;
	raise(SIGHUP);
	raise(SIGTERM);
	if (!come(SIGTERM, 0))
		return 3;
	signals_ignore_all();
	raise(SIGTERM);
	return signals_next(NULL) == 0 ? 0 : 4;
}

static void
a_child_has_a_pipe_of_its_own(void)
{
	int status = -1;
	pid_t pid;

	CHECK(signals_open(caught, CAUGHT) != -1);
	raise(SIGHUP);
	pid = fork();
	if (pid == 0)
		_exit(child());
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK(signals_next(NULL) == SIGHUP);
	/* SIGCHLD, and nothing of what the child had. */
	CHECK(come(SIGCHLD, 0));
}

/* A role that wants none can still wait for a child. */
static void
ignoring_all_closes_the_pipe_and_keeps_waitpid(void)
{
	int before, status = -1;
	pid_t pid;

	signals_ignore_all();
	before = dup(0);
	close(before);
	CHECK(signals_open(caught, CAUGHT) == before);
	signals_ignore_all();
	CHECK(fcntl(before, F_GETFD) == -1);
	raise(SIGTERM);
	raise(SIGHUP);
	CHECK(signals_next(NULL) == 0);
	pid = fork();
	if (pid == 0)
		_exit(7);
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

int
main(void)
{
	RUN(a_signal_is_a_byte_to_poll_for);
	RUN(what_is_not_listed_is_ignored);
	RUN(a_second_list_replaces_the_first);
	RUN(what_was_blocked_is_let_through);
	RUN(a_handler_keeps_errno_and_a_full_pipe_does_not_block);
	RUN(the_end_of_a_child_is_told);
	RUN(a_child_has_a_pipe_of_its_own);
	RUN(ignoring_all_closes_the_pipe_and_keeps_waitpid);
	return check_summary();
}
