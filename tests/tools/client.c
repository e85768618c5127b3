/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * client ADDRESS STEP... - a client that does as it is told, step by step.
 *
 *	rcvbuf=BYTES	as the first step: the kernel keeps about so much for us
 *	send=TEXT	sends TEXT and LF
 *	raw=TEXT	sends TEXT
 *	file=PATH	sends what is in that file
 *	line=TEXT	the next line has to be TEXT; it is not shown
 *	find=TEXT	shows lines until one is TEXT
 *	skip=TEXT	the same, and shows none of them
 *	show		shows all lines up to the end: `(end)` or `(reset)`
 *	slowly=BYTES	from now on, reads at most so much in 10 ms
 *	pause=MS	does nothing for so long
 *	say=TEXT	shows TEXT: the test learns that this step is reached
 *	wait		until the test sends a line
 *	half-close	sends no more, but reads on
 *	vanish		from now on, whatever comes from the network is dropped
 *			unseen, as if this host had lost its power
 *	reset		ends the connection with a reset
 *
 * Between its steps it reads nothing: the kernel's buffers fill up.  Exits 1
 * with a word on stderr when a step cannot be done.
 */
#include "tool.h"

#include <poll.h>

#include <linux/filter.h>

#define SLOW_MS 10

struct client {
	int fd;
	char in[TOOL_LINE_MAX];
	size_t at, used;
	size_t slowly; /* bytes in SLOW_MS; 0: as fast as they come */
};

static void
pause_ms(const char *ms)
{
	poll(NULL, 0, (int)tool_number(ms));
}

/* False at the end; *why says how it came. */
static bool
read_more(struct client *c, const char **why)
{
	size_t room = sizeof(c->in) - c->used;
	ssize_t n;

	if (c->slowly > 0) {
		poll(NULL, 0, SLOW_MS);
		room = c->slowly < room ? c->slowly : room;
	}
	do
		n = recv(c->fd, c->in + c->used, room, 0);
	while (n == -1 && errno == EINTR);
	if (n > 0)
		c->used += (size_t)n;
	*why = n == 0 ? "(end)" : "(reset)";
	return n > 0;
}

/* The next line, without its end and ending with NUL; NULL at the end. */
static char *
next_line(struct client *c, const char **why)
{
	char *start, *lf;

	for (;;) {
		start = c->in + c->at;
		lf = memchr(start, '\n', c->used - c->at);
		if (lf != NULL)
			break;
		memmove(c->in, start, c->used - c->at);
		c->used -= c->at;
		c->at = 0;
		if (c->used == sizeof(c->in))
			die("a line that has no end");
		if (!read_more(c, why))
			return NULL;
	}
	*lf = '\0';
	c->at = (size_t)(lf + 1 - c->in);
	return start;
}

static void
expect(struct client *c, const char *want)
{
	const char *why, *line = next_line(c, &why);

	if (line == NULL || strcmp(line, want) != 0)
		die("wants	%s\ngot	%s", want, line == NULL ? why : line);
}

static void
find(struct client *c, const char *want, bool shown)
{
	const char *why, *line;

	while ((line = next_line(c, &why)) != NULL) {
		if (shown)
			puts(line);
		if (strcmp(line, want) == 0)
			return;
	}
	die("looked for	%s\ngot	%s", want, why);
}

static void
show(struct client *c)
{
	const char *why, *line;

	while ((line = next_line(c, &why)) != NULL)
		puts(line);
	if (c->used > c->at)
		printf("%.*s", (int)(c->used - c->at), c->in + c->at);
	puts(why);
}

static void
wait_for_test(void)
{
	char c;

	while (read(STDIN_FILENO, &c, 1) == 1 && c != '\n')
		;
}

static void
vanish(const struct client *c)
{
	struct sock_filter drop = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog program = {.len = 1, .filter = &drop};

	if (setsockopt(c->fd, SOL_SOCKET, SO_ATTACH_FILTER, &program,
		sizeof(program)) == -1)
		die("SO_ATTACH_FILTER: %s", strerror(errno));
}

static void
send_line(const struct client *c, const char *text)
{
	size_t len = strlen(text);
	char *line = malloc(len + 1);

	if (line == NULL)
		die("no memory");
	memcpy(line, text, len);
	line[len] = '\n';
	tool_send(c->fd, line, len + 1);
	free(line);
}

static void
send_file(const struct client *c, const char *path)
{
	FILE *in = fopen(path, "r");
	char part[4096];
	size_t n;

	if (in == NULL)
		die("%s: %s", path, strerror(errno));
	while ((n = fread(part, 1, sizeof(part), in)) > 0)
		tool_send(c->fd, part, n);
	fclose(in);
}

/* The value of the step if it is this one, else NULL. */
static const char *
value(const char *step, const char *verb)
{
	size_t len = strlen(verb);

	if (strncmp(step, verb, len) != 0)
		return NULL;
	if (step[len] == '=')
		return step + len + 1;
	return step[len] == '\0' ? step + len : NULL;
}

static void
run(struct client *c, const char *step)
{
	const char *v;

	if ((v = value(step, "send")) != NULL)
		send_line(c, v);
	else if ((v = value(step, "raw")) != NULL)
		tool_send(c->fd, v, strlen(v));
	else if ((v = value(step, "file")) != NULL)
		send_file(c, v);
	else if ((v = value(step, "line")) != NULL)
		expect(c, v);
	else if ((v = value(step, "find")) != NULL)
		find(c, v, true);
	else if ((v = value(step, "skip")) != NULL)
		find(c, v, false);
	else if (value(step, "show") != NULL)
		show(c);
	else if ((v = value(step, "slowly")) != NULL)
		c->slowly = (size_t)tool_number(v);
	else if ((v = value(step, "pause")) != NULL)
		pause_ms(v);
	else if ((v = value(step, "say")) != NULL)
		puts(v);
	else if (value(step, "wait") != NULL)
		wait_for_test();
	else if (value(step, "half-close") != NULL)
		shutdown(c->fd, SHUT_WR);
	else if (value(step, "vanish") != NULL)
		vanish(c);
	else if (value(step, "reset") != NULL)
		tool_reset(c->fd);
	else
		die("no such step: %s", step);
}

int
main(int argc, char **argv)
{
	static struct client c;
	const char *v;
	int i = 2, rcvbuf = 0;

	if (argc < 2)
		die("usage: client ADDRESS STEP...");
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 2 && (v = value(argv[2], "rcvbuf")) != NULL) {
		rcvbuf = (int)tool_number(v);
		i++;
	}
	c.fd = tool_connect(argv[1], rcvbuf);
	for (; i < argc; i++)
		run(&c, argv[i]);
	return 0;
}
