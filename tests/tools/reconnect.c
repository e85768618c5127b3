/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * reconnect ADDRESS NAME COUNT MS - logs in under one name, again and again.
 *
 * Every connection is left as soon as it is logged in, without waiting for
 * telld to notice: every other one with a reset.  So the next one always finds
 * its name held by a connection that is dying.  Each has to be logged in
 * within MS milliseconds, and none may be told that the name is taken.
 */
#include "tool.h"

#include <poll.h>
#include <time.h>

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000;
}

/* Reads on until the answer is there: what an earlier connection did not
 * acknowledge may come first. */
static void
wait_for(int fd, const char *answer, int64_t deadline)
{
	static char in[TOOL_LINE_MAX];
	size_t used = 0;
	struct pollfd p = {.fd = fd, .events = POLLIN};
	ssize_t n;

	do {
		int64_t left = deadline - now_ms();

		if (left <= 0 || poll(&p, 1, (int)left) != 1)
			die("not logged in in time; wants %sgot %.*s", answer,
			    (int)used, in);
		n = recv(fd, in + used, sizeof(in) - 1 - used, 0);
		if (n <= 0)
			die("ended; wants %sgot %.*s", answer, (int)used, in);
		used += (size_t)n;
		in[used] = '\0';
		if (in[0] == '!' || strstr(in, "\n!") != NULL)
			die("refused: %s", in);
	} while (strstr(in, answer) == NULL);
}

/* How long it took. */
static int64_t
log_in(const char *address, const char *name, long i, int64_t limit)
{
	int64_t start = now_ms(), took;
	char line[256], answer[256];
	int fd = tool_connect(address, 0);

	snprintf(line, sizeof(line), "%s\n%s: %ld\n", name, name, i);
	snprintf(answer, sizeof(answer), "from %s: %ld\n", name, i);
	tool_send(fd, line, strlen(line));
	wait_for(fd, answer, start + limit);
	took = now_ms() - start;
	if (i % 2 == 0)
		tool_reset(fd);
	else
		close(fd);
	return took;
}

int
main(int argc, char **argv)
{
	int64_t most = 0, took;
	long count, i;

	if (argc != 5)
		die("usage: reconnect ADDRESS NAME COUNT MS");
	count = tool_number(argv[3]);
	for (i = 0; i < count; i++) {
		took = log_in(argv[1], argv[2], i, tool_number(argv[4]));
		most = took > most ? took : most;
	}
	printf("%ld logins, the longest %d ms\n", i, (int)most);
	return 0;
}
