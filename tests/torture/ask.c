/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * The control socket, asked as tellctl asks it, but without waiting: an answer
 * may break off because the broker was killed, and that is no fault.
 */
#define _GNU_SOURCE
#include "torture.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ANSWER_SIZE ((size_t)1024 * 1024)
#define PATIENCE_MS 15000

static void
finish(struct ask *a)
{
	close(a->fd);
	a->fd = -1;
	a->pfd = NULL;
}

bool
ask_begin(struct torture *t, const char *question)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct ask *a = &t->ask;
	char line[128];
	int n = snprintf(line, sizeof line, "%s\n", question);

	a->answered = false;
	a->used = 0;
	a->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (a->fd == -1)
		return false;
	memcpy(un.sun_path, t->daemon.control, strlen(t->daemon.control));
	if (connect(a->fd, (const struct sockaddr *)&un, sizeof un) == -1 ||
	    send(a->fd, line, (size_t)n, MSG_NOSIGNAL) != n) {
		finish(a);
		return false;
	}
	if (a->answer == NULL && (a->answer = malloc(ANSWER_SIZE)) == NULL)
		abort();
	a->by = t->now + PATIENCE_MS;
	return true;
}

void
ask_turn(struct torture *t)
{
	struct ask *a = &t->ask;

	if (a->fd == -1)
		return;
	if (t->now < a->by) {
		a->pfd = watch(t, a->fd, POLLIN);
		return;
	}
	if (t->daemon.state == UP)
		fault(t, "the control socket has not answered for %d s",
		    PATIENCE_MS / 1000);
	finish(a);
}

void
ask_ready(struct torture *t)
{
	struct ask *a = &t->ask;
	ssize_t n;

	if (a->fd == -1 || a->pfd == NULL || a->pfd->revents == 0)
		return;
	n = recv(a->fd, a->answer + a->used, ANSWER_SIZE - 1 - a->used, 0);
	if (n == -1 && errno == EAGAIN)
		return;
	if (n > 0) {
		a->used += (size_t)n;
		if (a->used < ANSWER_SIZE - 1)
			return;
	}
	a->answer[a->used] = '\0';
	a->answered = a->used > 2;
	finish(a);
}

static bool
number(const char *answer, const char *word, uint64_t *value)
{
	const char *at = strstr(answer, word);

	if (at == NULL)
		return false;
	*value = strtoull(at + strlen(word), NULL, 10);
	return true;
}

bool
ask_audit(struct torture *t, struct audit *a)
{
	const char *text = t->ask.answer;

	if (!t->ask.answered || !number(text, "\naccepted ", &a->accepted) ||
	    !number(text, "\nrestored ", &a->restored) ||
	    !number(text, "\ndelivered ", &a->delivered) ||
	    !number(text, "\nstored ", &a->stored) ||
	    !number(text, "\nin_flight ", &a->in_flight) ||
	    !number(text, "\nrefused ", &a->refused))
		return false;
	t->audits++;
	if (text[0] != '0' || text[1] != '\n')
		fault(t, "the audit does not balance:\n%s", text);
	return true;
}

/* NAME LINES lines, ... */
bool
ask_mail(struct torture *t)
{
	const char *at = t->ask.answer;
	unsigned i, who, lines;

	if (!t->ask.answered || !take_text(&at, "0\n"))
		return false;
	for (i = 0; i < t->o.receivers; i++)
		t->receivers[i].mail = 0;
	for (; at != NULL; at = strchr(at, '\n')) {
		at += *at == '\n';
		if (take_text(&at, "r") && take_number(&at, &who) &&
		    take_text(&at, " ") && take_number(&at, &lines) &&
		    take_text(&at, " lines,") && who < t->o.receivers)
			t->receivers[who].mail = lines;
	}
	return true;
}
