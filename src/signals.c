/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

#define _GNU_SOURCE
#include "signals.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

static int self_pipe[2] = {-1, -1};

/* What stands in the pipe; far smaller than PIPE_BUF, so never cut. */
struct caught {
	int sig;
	pid_t pid;
};

static void
on_signal(int sig, siginfo_t *info, void *context)
{
	int saved = errno;
	struct caught c = {sig, sig == SIGCHLD ? info->si_pid : 0};

	(void)context;
	/* A full pipe already holds a wake-up; the reader reaps all. */
	(void)!write(self_pipe[1], &c, sizeof c);
	errno = saved;
}

static void
set_default(int sig, void (*handler)(int))
{
	struct sigaction sa = {0};

	sa.sa_handler = handler;
	sigemptyset(&sa.sa_mask);
	sigaction(sig, &sa, NULL);
}

static void
set_caught(int sig)
{
	struct sigaction sa = {0};

	sa.sa_sigaction = on_signal;
	sa.sa_flags = SA_RESTART | SA_SIGINFO;
	sigemptyset(&sa.sa_mask);
	sigaction(sig, &sa, NULL);
}

void
signals_ignore_all(void)
{
	static const int ignored[] = {
	    SIGPIPE, SIGXFSZ, SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2};
	sigset_t none;
	size_t i;

	for (i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
		set_default(ignored[i], SIG_IGN);
	set_default(SIGCHLD, SIG_DFL);
	for (i = 0; i < 2; i++) {
		if (self_pipe[i] != -1)
			close(self_pipe[i]);
		self_pipe[i] = -1;
	}
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

int
signals_open(const int *caught, size_t count)
{
	size_t i;

	signals_ignore_all();
	if (pipe(self_pipe) == -1)
		return -1;
	for (i = 0; i < 2; i++) {
		fcntl(self_pipe[i], F_SETFD, FD_CLOEXEC);
		fcntl(self_pipe[i], F_SETFL, O_NONBLOCK);
	}
	for (i = 0; i < count; i++)
		set_caught(caught[i]);
	return self_pipe[0];
}

int
signals_next(pid_t *child)
{
	struct caught c;

	if (read(self_pipe[0], &c, sizeof c) != (ssize_t)sizeof c)
		return 0;
	if (child != NULL)
		*child = c.pid;
	return c.sig;
}
