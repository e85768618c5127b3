/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * flood ADDRESS NAME DEST COUNT - sends and reads at once, as fast as it can.
 *
 * Logs in as NAME, says `ready`, and waits for a line from the test; then
 * sends COUNT lines to DEST, and reads until COUNT lines from DEST have come:
 * all of them, in order, and nothing else.
 */
#include "tool.h"

#include <fcntl.h>
#include <poll.h>

struct flood {
	int fd;
	const char *name, *dest;
	long count, made, got;
	char out[TOOL_LINE_MAX], in[TOOL_LINE_MAX];
	size_t out_at, out_used, in_used;
};

static void
make_lines(struct flood *f)
{
	f->out_at = f->out_used = 0;
	while (f->made < f->count && sizeof(f->out) - f->out_used > 128)
		f->out_used += (size_t)snprintf(f->out + f->out_used, 128,
		    "%s: line %ld of the flood\n", f->dest, ++f->made);
}

static void
send_some(struct flood *f)
{
	ssize_t n;

	if (f->out_at == f->out_used)
		make_lines(f);
	n = send(
	    f->fd, f->out + f->out_at, f->out_used - f->out_at, MSG_NOSIGNAL);
	if (n > 0)
		f->out_at += (size_t)n;
	else if (n == -1 && errno != EAGAIN && errno != EINTR)
		die("send: %s", strerror(errno));
}

static void
check_line(struct flood *f, const char *line)
{
	char want[128];

	snprintf(want, sizeof(want), "from %s: line %ld of the flood", f->dest,
	    ++f->got);
	if (strcmp(line, want) != 0)
		die("wants	%s\ngot	%s", want, line);
}

static void
read_some(struct flood *f)
{
	ssize_t n =
	    recv(f->fd, f->in + f->in_used, sizeof(f->in) - f->in_used, 0);
	char *at = f->in, *lf;

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0)
		die("ended after %ld lines", f->got);
	f->in_used += (size_t)n;
	while ((lf = memchr(at, '\n', f->in_used - (size_t)(at - f->in))) !=
	       NULL) {
		*lf = '\0';
		check_line(f, at);
		at = lf + 1;
	}
	f->in_used -= (size_t)(at - f->in);
	memmove(f->in, at, f->in_used);
}

/* Logged in is who hears himself. */
static void
log_in(const struct flood *f)
{
	char text[256], c = 0;
	size_t len;

	len = (size_t)snprintf(
	    text, sizeof(text), "%s\n%s: ready\n", f->name, f->name);
	tool_send(f->fd, text, len);
	while (c != '\n')
		if (recv(f->fd, &c, 1, 0) != 1)
			die("ended at login");
	puts("ready");
	c = 0;
	while (read(STDIN_FILENO, &c, 1) == 1 && c != '\n')
		;
}

int
main(int argc, char **argv)
{
	static struct flood f;
	struct pollfd p;

	if (argc != 5)
		die("usage: flood ADDRESS NAME DEST COUNT");
	setvbuf(stdout, NULL, _IOLBF, 0);
	f.name = argv[2];
	f.dest = argv[3];
	f.count = tool_number(argv[4]);
	f.fd = tool_connect(argv[1], 0);
	log_in(&f);
	fcntl(f.fd, F_SETFL, O_NONBLOCK);
	p.fd = f.fd;
	while (f.got < f.count || f.out_at < f.out_used) {
		bool more = f.made < f.count || f.out_at < f.out_used;

		p.events = (short)(POLLIN | (more ? POLLOUT : 0));
		poll(&p, 1, -1);
		if (p.revents & POLLOUT)
			send_some(&f);
		if (p.revents & (POLLIN | POLLHUP | POLLERR))
			read_some(&f);
	}
	printf("%ld lines in order\n", f.got);
	return 0;
}
