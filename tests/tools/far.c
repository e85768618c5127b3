/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * far ADDRESS MS - standard input and output, at the far end of a long way.
 *
 * The connection is there at once, and everything that is said on it arrives
 * MS milliseconds later, its end too: as if a proxy were near telld, and its
 * client far from both.  Over a real link the first words come with the end of
 * the handshake, so this is the harder case.
 */
#include "tool.h"

#include <sys/queue.h>

#include <poll.h>
#include <time.h>

struct piece {
	STAILQ_ENTRY(piece) next;
	int64_t due; /* ms */
	size_t len;  /* 0: the end */
	char bytes[4096];
};

/* One direction. */
struct way {
	int from, to;
	bool ended;
	STAILQ_HEAD(pieces, piece) pieces;
};

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000;
}

static void
take(struct way *w, int64_t delay)
{
	struct piece *p = malloc(sizeof(*p));
	ssize_t n;

	if (p == NULL)
		die("out of memory");
	n = read(w->from, p->bytes, sizeof(p->bytes));
	p->len = n > 0 ? (size_t)n : 0;
	p->due = now_ms() + delay;
	w->ended = n <= 0;
	STAILQ_INSERT_TAIL(&w->pieces, p, next);
}

static void
put(int fd, const char *s, size_t len)
{
	ssize_t n;

	for (; len > 0; s += n, len -= (size_t)n) {
		n = write(fd, s, len);
		if (n == -1)
			die("write: %s", strerror(errno));
	}
}

/* What is due arrives; false once that was the end. */
static bool
deliver(struct way *w)
{
	struct piece *p;
	size_t len;

	while ((p = STAILQ_FIRST(&w->pieces)) != NULL && p->due <= now_ms()) {
		STAILQ_REMOVE_HEAD(&w->pieces, next);
		len = p->len;
		put(w->to, p->bytes, len);
		free(p);
		if (len == 0)
			return false;
	}
	return true;
}

static int
wait_ms(const struct way *up, const struct way *down)
{
	const struct piece *a = STAILQ_FIRST(&up->pieces);
	const struct piece *b = STAILQ_FIRST(&down->pieces);
	int64_t due = a != NULL ? a->due : INT64_MAX;

	if (b != NULL && b->due < due)
		due = b->due;
	if (due == INT64_MAX)
		return -1;
	return due > now_ms() ? (int)(due - now_ms()) : 0;
}

int
main(int argc, char **argv)
{
	struct way up = {.from = STDIN_FILENO}, down = {.to = STDOUT_FILENO};
	struct pollfd pfd[2] = {{.events = POLLIN}, {.events = POLLIN}};
	int64_t delay;

	if (argc != 3)
		die("usage: far ADDRESS MS");
	delay = tool_number(argv[2]);
	up.to = down.from = tool_connect(argv[1], 0);
	STAILQ_INIT(&up.pieces);
	STAILQ_INIT(&down.pieces);
	do {
		pfd[0].fd = up.ended ? -1 : up.from;
		pfd[1].fd = down.ended ? -1 : down.from;
		if (poll(pfd, 2, wait_ms(&up, &down)) == -1)
			die("poll: %s", strerror(errno));
		if (pfd[0].fd != -1 && pfd[0].revents != 0)
			take(&up, delay);
		if (pfd[1].fd != -1 && pfd[1].revents != 0)
			take(&down, delay);
		if (!deliver(&up))
			shutdown(up.to, SHUT_WR);
	} while (deliver(&down));
	return 0;
}
