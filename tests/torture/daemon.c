/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * telld: started, killed, stopped, started again on the same store.  Each one
 * leads a process group; what is signalled is found through /proc by that
 * group and by its title, so nobody else's process is ever touched.  When a
 * parent has ended, all of its group must be gone soon after.
 */
#define _GNU_SOURCE
#include "torture.h"

#include <sys/wait.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define START_MS   30000 /* until it is ready, retries included */
#define RETRY_MS   100
#define GONE_MS    20000 /* for those a dead parent leaves behind */
#define STOP_MS    20000
#define DEATHS_MS  62000 /* five broker's deaths within this end telld */
#define DEATHS     5
#define FIXED_ARGS 23

/* ---- starting ---- */

void
daemon_init(struct torture *t)
{
	struct daemon *d = &t->daemon;
	const char *tmp = getenv("TMPDIR");

	snprintf(d->directory, sizeof d->directory, "%s/torture.XXXXXX",
	    tmp != NULL && strlen(tmp) < 40 ? tmp : "/tmp");
	if (mkdtemp(d->directory) == NULL) {
		perror(d->directory);
		exit(2);
	}
	snprintf(d->socket, sizeof d->socket, "%s/socket", d->directory);
	snprintf(d->control, sizeof d->control, "%s/control", d->directory);
	snprintf(d->log, sizeof d->log, "%s/log", d->directory);
	d->ready = -1;
	d->start_by = START_MS;
}

/* Limits are small, so that they are met; what would refuse a line is not. */
static _Noreturn void
become_telld(struct torture *t, int ready)
{
	static char store[96], control[128], fd[32], listen[128], linger[32];
	struct daemon *d = &t->daemon;
	const char *fixed[] = {"-l", "127.0.0.1:0", "-l", listen, "-o", store,
	    "-o", control, "-o", fd, "-o", linger, "-o", "slow_after=300 ms",
	    "-o", "queue_max=64 KiB", "-o", "segment_max=64 KiB", "-o",
	    "mailbox_lines=1000000", "-o", "mailbox_max=1 GiB"};
	const char *argv[64];
	int n = 0, i, log;

	snprintf(store, sizeof store, "store=%s/store", d->directory);
	snprintf(control, sizeof control, "control=%s", d->control);
	snprintf(listen, sizeof listen, "unix:%s", d->socket);
	snprintf(fd, sizeof fd, "ready_fd=%d", ready);
	snprintf(linger, sizeof linger, "linger=%d ms", LINGER_MS);
	argv[n++] = t->o.telld[0];
	for (i = 0; i < (int)(sizeof fixed / sizeof fixed[0]); i++)
		argv[n++] = fixed[i];
	for (i = 1; i < t->o.telld_count && n < 63; i++)
		argv[n++] = t->o.telld[i];
	argv[n] = NULL;
	log = open(d->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	dup2(log, STDOUT_FILENO);
	dup2(log, STDERR_FILENO);
	fcntl(ready, F_SETFD, 0);
	execv(argv[0], (char **)(uintptr_t)argv);
	perror(argv[0]);
	_exit(127);
}

static void
start(struct torture *t)
{
	struct daemon *d = &t->daemon;
	int fd[2];

	if (pipe2(fd, O_CLOEXEC | O_NONBLOCK) == -1) {
		perror("pipe");
		exit(2);
	}
	d->pid = fork();
	if (d->pid == -1) {
		perror("fork");
		exit(2);
	}
	if (d->pid == 0) {
		setsid();
		become_telld(t, fd[1]);
	}
	close(fd[1]);
	d->ready = fd[0];
	d->ready_used = 0;
	d->killed = d->stopping = d->announced = false;
	d->state = STARTING;
	d->starts++;
	event(t, "start of telld %ld", (long)d->pid);
}

static void
is_ready(struct torture *t)
{
	static const char word[] = "listening on 127.0.0.1:";
	struct daemon *d = &t->daemon;
	const char *at = strstr(d->ready_text, word);
	unsigned port;

	if (at == NULL || !take_text(&at, word) || !take_number(&at, &port))
		return; /* it died; waitpid(2) will tell */
	d->address.sin_family = AF_INET;
	d->address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	d->address.sin_port = htons((uint16_t)port);
	d->state = UP;
	d->announced = true;
	event(t, "telld %ld is up", (long)d->pid);
}

void
daemon_ready(struct torture *t)
{
	struct daemon *d = &t->daemon;
	ssize_t n;

	if (d->ready == -1)
		return;
	n = read(d->ready, d->ready_text + d->ready_used,
	    sizeof d->ready_text - 1 - d->ready_used);
	if (n == -1)
		return;
	d->ready_used += (size_t)n;
	d->ready_text[d->ready_used] = '\0';
	if (n > 0)
		return;
	close(d->ready);
	d->ready = -1;
	is_ready(t);
}

/* ---- ending ---- */

/* telld gives up after the fifth death of its broker in a minute; a store
 * that dies before it was ready takes the broker with it. */
static bool
may_give_up(const struct torture *t)
{
	const struct daemon *d = &t->daemon;
	unsigned i, recent = 0;

	for (i = 0; i < sizeof d->deaths / sizeof d->deaths[0]; i++)
		recent +=
		    d->deaths[i] != 0 && t->now - d->deaths[i] < DEATHS_MS;
	return recent >= DEATHS;
}

static void
judge_exit(struct torture *t, int status)
{
	struct daemon *d = &t->daemon;

	if (d->killed)
		return;
	if (d->stopping) {
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
			fault(t, "telld stopped with wait status %#x", status);
	} else if (!d->announced) {
		/* What an older one has not let go of yet.  A supervisor
		 * tries again. */
		d->failed_starts++;
	} else if (WIFEXITED(status) && WEXITSTATUS(status) == 1 &&
		   may_give_up(t)) {
		d->gave_up++;
	} else {
		fault(t, "telld ended by itself, wait status %#x", status);
	}
}

static void
ended(struct torture *t, int status)
{
	struct daemon *d = &t->daemon;
	size_t i;

	event(t, "telld %ld ended, status %#x", (long)d->pid, status);
	judge_exit(t, status);
	for (i = 0; i < GROUPS_MAX - 1 && d->old[i].group != 0; i++)
		;
	d->old[i].group = d->pid;
	d->old[i].gone_by = t->now + GONE_MS;
	if (d->announced)
		d->start_by = 0;
	d->pid = 0;
	d->state = DOWN;
	if (d->ready != -1)
		close(d->ready);
	d->ready = -1;
	if (d->start_at < t->now + RETRY_MS && !d->killed)
		d->start_at = t->now + RETRY_MS;
}

static void
reap(struct torture *t)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (pid == t->daemon.pid)
			ended(t, status);
}

bool
daemon_is_gone(const struct torture *t)
{
	size_t i;

	for (i = 0; i < GROUPS_MAX; i++)
		if (t->daemon.old[i].group != 0)
			return false;
	return t->daemon.pid == 0;
}

static void
look_for_the_old(struct torture *t)
{
	struct daemon *d = &t->daemon;
	size_t i;

	for (i = 0; i < GROUPS_MAX; i++) {
		if (d->old[i].group == 0)
			continue;
		if (kill(-d->old[i].group, 0) == 0) {
			if (t->now < d->old[i].gone_by)
				continue;
			fault(t, "processes of telld %ld are left behind",
			    (long)d->old[i].group);
			kill(-d->old[i].group, SIGKILL);
		}
		d->old[i].group = 0;
	}
}

void
daemon_turn(struct torture *t)
{
	struct daemon *d = &t->daemon;

	reap(t);
	look_for_the_old(t);
	if (d->ready != -1)
		watch(t, d->ready, POLLIN);
	if (d->state == DOWN && t->now >= d->start_at) {
		/* Told to wait for the old ones, or as soon as it can. */
		if (d->start_at == 0 && !daemon_is_gone(t))
			return;
		if (d->start_by == 0)
			d->start_by = t->now + START_MS;
		start(t);
	} else if (d->state == STARTING && t->now >= d->start_by) {
		fault(
		    t, "telld has not become ready for %d s", START_MS / 1000);
		t->give_up_at = t->now;
	} else if (d->stopping && t->now >= d->stop_by) {
		fault(t, "telld has not stopped for %d s", STOP_MS / 1000);
		t->give_up_at = t->now;
	}
}

/* ---- signals ---- */

static bool
read_proc(long pid, const char *file, char *text, size_t size)
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof path, "/proc/%ld/%s", pid, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return false;
	n = read(fd, text, size - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return n > 0;
}

/* pid (name) state ppid pgrp ... */
static bool
is_of_group(long pid, pid_t group)
{
	char text[512];
	const char *at;
	unsigned ppid, pgrp;

	if (!read_proc(pid, "stat", text, sizeof text) ||
	    (at = strrchr(text, ')')) == NULL || strlen(at) < 4)
		return false;
	at += 4;
	return take_number(&at, &ppid) && take_text(&at, " ") &&
	       take_number(&at, &pgrp) && pgrp == (unsigned)group;
}

/* The process of our telld whose title begins so, or 0. */
static pid_t
find(const struct torture *t, const char *title)
{
	DIR *proc = opendir("/proc");
	struct dirent *e;
	char text[256];
	pid_t found = 0;
	long pid;

	while (proc != NULL && found == 0 && (e = readdir(proc)) != NULL) {
		pid = strtol(e->d_name, NULL, 10);
		if (pid > 0 && is_of_group(pid, t->daemon.pid) &&
		    read_proc(pid, "cmdline", text, sizeof text) &&
		    strncmp(text, title, strlen(title)) == 0)
			found = (pid_t)pid;
	}
	if (proc != NULL)
		closedir(proc);
	return found;
}

static void
note_death(struct torture *t)
{
	struct daemon *d = &t->daemon;

	d->deaths[d->death_at++ % 8] = t->now;
}

bool
daemon_kill(struct torture *t, enum role role, unsigned which)
{
	char title[64];
	pid_t pid;

	if (t->daemon.pid == 0 || t->daemon.stopping)
		return false;
	switch (role) {
	case ROLE_RECEIVER:
		snprintf(title, sizeof title, "telld: session r%u ", which);
		break;
	case ROLE_SENDER:
		snprintf(title, sizeof title, "telld: session s%u ", which);
		break;
	case ROLE_STORE: snprintf(title, sizeof title, "telld: store"); break;
	case ROLE_BROKER: snprintf(title, sizeof title, "telld: broker"); break;
	}
	pid = find(t, title);
	if (pid == 0 || kill(pid, SIGKILL) == -1)
		return false;
	if (role == ROLE_BROKER || role == ROLE_STORE)
		note_death(t);
	event(t, "kill of %ld, %s", (long)pid, title);
	return true;
}

bool
daemon_kill_parent(struct torture *t, bool all, bool at_once)
{
	struct daemon *d = &t->daemon;

	if (d->pid == 0 || d->stopping || (!all && d->state != UP))
		return false;
	event(t, "kill of %s of telld %ld", all ? "all" : "the parent",
	    (long)d->pid);
	if (kill(all ? -d->pid : d->pid, SIGKILL) == -1)
		return false;
	d->killed = true;
	d->state = DOWN;
	/* At once, as a supervisor does; or when the last one is gone. */
	d->start_at = at_once ? t->now + 1 : 0;
	while (d->pid != 0) {
		int status;

		if (waitpid(d->pid, &status, 0) == d->pid)
			ended(t, status);
	}
	return true;
}

bool
daemon_stop(struct torture *t)
{
	struct daemon *d = &t->daemon;

	if (d->state != UP || d->stopping)
		return false;
	event(t, "SIGTERM to telld %ld", (long)d->pid);
	d->stopping = true;
	d->stop_by = t->now + STOP_MS;
	d->start_at = 0;
	return kill(d->pid, SIGTERM) == 0;
}

void
daemon_end_all(struct torture *t)
{
	struct daemon *d = &t->daemon;
	size_t i;

	if (d->pid != 0)
		kill(-d->pid, SIGKILL);
	for (i = 0; i < GROUPS_MAX; i++)
		if (d->old[i].group != 0)
			kill(-d->old[i].group, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		;
}

/* ---- the log ---- */

/* A role that ended, and not by our SIGKILL.  A broker whose store was killed
 * before it was ready ends by itself with 1. */
static bool
is_bad_reap(const char *line)
{
	const char *at = strstr(line, " reap role=");
	unsigned signal, status;

	if (at == NULL)
		return false;
	at = strstr(at, " signal=");
	if (at == NULL || !take_text(&at, " signal=") ||
	    !take_number(&at, &signal) || !take_text(&at, " status=") ||
	    !take_number(&at, &status))
		return true;
	return (signal != 0 && signal != SIGKILL) || status > 1;
}

static bool
is_bad(const char *line)
{
	static const char *const words[] = {" violation ", " bug ",
	    " lost=", "what=memory", "Sanitizer", "runtime error",
	    "why=no-answer", "session=signal-11", "session=signal-6",
	    "session=failed"};
	size_t i;

	for (i = 0; i < sizeof words / sizeof words[0]; i++)
		if (strstr(line, words[i]) != NULL)
			return true;
	return is_bad_reap(line);
}

void
daemon_check_log(struct torture *t)
{
	FILE *in = fopen(t->daemon.log, "r");
	char line[1024];

	while (in != NULL && fgets(line, sizeof line, in) != NULL)
		if (is_bad(line)) {
			line[strcspn(line, "\n")] = '\0';
			fault(t, "in the log: %s", line);
		}
	if (in != NULL)
		fclose(in);
}
