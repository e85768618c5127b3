/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * tell: lines for somebody, from a script.
 *
 * It says its name, the lines and /quit in one go, as a pipe into nc would.
 * `* bye` is the proof that it was all carried out and answered: the server
 * says so only then, and nobody else can, since a message begins with `from`.
 * So a status of 0 never comes of a connection that only broke off.
 */
#define _GNU_SOURCE
#include "address.h"
#include "message.h"
#include "name.h"
#include "timer.h"
#include "version.h"

#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define USAGE                                                                  \
	"usage: tell [-rvV] [-h HOST] [-n NAME] [-t SECONDS] "                 \
	"DEST[,DEST...] [TEXT ...]"

#define HOST_DEFAULT "127.0.0.1:8080"
#define PORT_DEFAULT "8080"
#define HOST_MAX     256
#define PATIENCE_S   10
#define PATIENCE_MAX 86400
#define INPUT_MAX    4096        /* bytes taken from stdin at a time */
#define LINE_MAX_IN  (64 * 1024) /* the server has none that is longer */
#define IAC          '\377'      /* RFC 854: doubled, it is only itself */

enum outcome {
	DELIVERED = 0,
	FAILED = 1,
	WRONG_USAGE = 2,
	STORED = 3
};

struct tell {
	const char *host, *name, *dests; /* never NULL */
	int patience;                    /* ms */
	bool receipts, verbose;

	int fd;    /* the server's, not blocking */
	char *out; /* owned: what is to be sent */
	size_t out_len, out_size;
	unsigned long lines; /* begun; the last one's tag */
	bool inside;         /* a line was begun, and not ended */
	bool input_ended, shut;
	uint64_t deadline; /* ms, for the server to take or say something */

	char in[LINE_MAX_IN]; /* what came of a line, or of several */
	size_t in_len;
	bool bye, failed, stored, over;
};

static void
complain(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("tell: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
}

static _Noreturn void
give_up(const char *what, const char *why)
{
	complain("%s: %s", what, why);
	exit(FAILED);
}

/* ---- what is sent ---- */

static void
put(struct tell *t, const char *bytes, size_t len)
{
	size_t size = t->out_size > 0 ? t->out_size : INPUT_MAX;
	char *p;

	while (size - t->out_len < len)
		size *= 2;
	if (size != t->out_size) {
		p = realloc(t->out, size);
		if (p == NULL)
			give_up("sending", "out of memory");
		t->out = p;
		t->out_size = size;
	}
	memcpy(t->out + t->out_len, bytes, len);
	t->out_len += len;
}

static void
put_text(struct tell *t, const char *text)
{
	put(t, text, strlen(text));
}

static void
begin_line(struct tell *t)
{
	char tag[32];

	snprintf(tag, sizeof tag, "+%lu ", ++t->lines);
	if (t->receipts)
		put_text(t, tag);
	put_text(t, t->dests);
	put_text(t, ": ");
	t->inside = true;
}

static void
end_line(struct tell *t)
{
	put(t, "\n", 1);
	t->inside = false;
}

/* Text that may hold several lines, or end in the middle of one. */
static void
put_lines(struct tell *t, const char *text, size_t len)
{
	const char *end = text + len;

	for (; text < end; text++) {
		if (!t->inside)
			begin_line(t);
		if (*text == '\n') {
			end_line(t);
			continue;
		}
		if (*text == IAC)
			put(t, text, 1);
		put(t, text, 1);
	}
}

static void
end_input(struct tell *t)
{
	if (t->inside)
		end_line(t);
	put_text(t, "/quit\n");
	t->input_ended = true;
}

/* The first of it is waited for before there is a connection: who has nothing
 * to say disturbs nobody. */
static bool
read_input(struct tell *t)
{
	char text[INPUT_MAX];
	ssize_t n;

	do
		n = read(STDIN_FILENO, text, sizeof text);
	while (n == -1 && errno == EINTR);
	if (n == -1) {
		complain("standard input: %s", strerror(errno));
		t->failed = true;
	}
	if (n <= 0)
		return false;
	put_lines(t, text, (size_t)n);
	return true;
}

static void
take_arguments(struct tell *t, char **word)
{
	begin_line(t);
	for (; *word != NULL; word++) {
		if (!t->inside)
			begin_line(t);
		put_lines(t, *word, strlen(*word));
		if (word[1] != NULL)
			put_lines(t, " ", 1);
	}
	end_input(t);
}

/* ---- the connection ---- */

static void
on_alarm(int sig)
{
	static const char text[] = "tell: looking up the host takes too long\n";

	(void)sig;
	if (write(STDERR_FILENO, text, sizeof text - 1) == -1)
		_exit(FAILED);
	_exit(FAILED);
}

/* `host:port`, `host`, `[::1]:8080`, `::1`: two strings. */
static void
split_host(const char *text, char host[HOST_MAX], const char **port)
{
	const char *colon = strrchr(text, ':'), *close = strchr(text, ']');
	size_t len = strlen(text);
	bool bracket = text[0] == '[' && close != NULL;

	*port = PORT_DEFAULT;
	if (bracket) {
		if (close[1] == ':')
			*port = close + 2;
		len = (size_t)(close - ++text);
	} else if (colon != NULL && strchr(text, ':') == colon) {
		*port = colon + 1;
		len = (size_t)(colon - text);
	}
	snprintf(host, HOST_MAX, "%.*s", (int)len, text);
}

static struct addrinfo *
look_up(const struct tell *t)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list;
	char host[HOST_MAX];
	const char *port;
	int error;

	split_host(t->host, host, &port);
	signal(SIGALRM, on_alarm);
	alarm((unsigned)t->patience / 1000);
	error = getaddrinfo(host, port, &hints, &list);
	alarm(0);
	if (error != 0)
		give_up(t->host, gai_strerror(error));
	return list;
}

/* A descriptor, or -1 and errno. */
static int
connect_to(const struct sockaddr *sa, socklen_t len, uint64_t deadline)
{
	int fd = socket(
	    sa->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct pollfd pfd = {fd, POLLOUT, 0};
	uint64_t now = timer_now();
	int error = 0;
	socklen_t size = sizeof error;

	if (fd == -1)
		return -1;
	if (connect(fd, sa, len) == -1) {
		error = errno;
		if (error == EINPROGRESS &&
		    poll(&pfd, 1, deadline > now ? (int)(deadline - now) : 0) ==
			0)
			error = ETIMEDOUT;
		else if (error == EINPROGRESS)
			getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
	}
	if (error == 0)
		return fd;
	close(fd);
	errno = error;
	return -1;
}

static void
connect_unix(struct tell *t)
{
	struct address address;
	const char *why;

	if (!address_from_path(t->host + strlen("unix:"), &address, &why))
		give_up(t->host, why);
	t->fd = connect_to(
	    (const struct sockaddr *)&address.sa, address.len, t->deadline);
}

static void
connect_host(struct tell *t)
{
	struct addrinfo *list = look_up(t), *a;

	for (a = list; a != NULL && t->fd == -1; a = a->ai_next)
		t->fd = connect_to(a->ai_addr, a->ai_addrlen, t->deadline);
	freeaddrinfo(list);
}

static void
be_patient(struct tell *t)
{
	t->deadline = timer_now() + (uint64_t)t->patience;
}

static void
open_connection(struct tell *t)
{
	be_patient(t);
	if (strncmp(t->host, "unix:", strlen("unix:")) == 0)
		connect_unix(t);
	else
		connect_host(t);
	if (t->fd == -1)
		give_up(t->host, strerror(errno));
}

/* ---- what comes back ---- */

/* The number in front of a word, as in `1 stored`; false if it is not there. */
static bool
number_of(const char *text, const char *word, unsigned long *n)
{
	const char *at = strstr(text, word);
	char *end;

	if (at == NULL || at == text)
		return false;
	for (at--; at > text && at[-1] >= '0' && at[-1] <= '9'; at--)
		;
	*n = strtoul(at, &end, 10);
	return end > at && strncmp(end, word, strlen(word)) == 0;
}

/* `#ROOM: 11 delivered, 1 stored, 0 refused` */
static void
on_summary(struct tell *t, const char *text)
{
	const char *numbers = strstr(text, ": ");
	unsigned long stored = 0, refused = 0;

	if (numbers == NULL || !number_of(numbers, " stored", &stored) ||
	    !number_of(numbers, " refused", &refused)) {
		t->failed = true;
		return;
	}
	t->stored |= stored > 0;
	if (refused > 0) {
		t->failed = true;
		complain("%s", text);
	}
}

static bool
begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static void
on_receipt(struct tell *t, const char *line)
{
	const char *text = strchr(line, ' ');

	text = text != NULL ? text + 1 : line;
	if (t->verbose)
		puts(text);
	if (begins(text, "refused ")) {
		t->failed = true;
		complain("%s", text + strlen("refused "));
	} else if (begins(text, "stored ")) {
		t->stored = true;
	} else if (!begins(text, "delivered ")) {
		on_summary(t, text);
	}
}

/* Without a name no line is carried out, and each would be refused too. */
static void
on_error(struct tell *t, const char *text)
{
	complain("%s", text);
	t->failed = true;
	t->over = begins(text, "bad name: ") ||
	          strstr(text, " is already here from ") != NULL;
}

static void
on_line(struct tell *t, const char *line)
{
	if (begins(line, "from "))
		puts(line);
	else if (*line == '+')
		on_receipt(t, line);
	else if (begins(line, "! "))
		on_error(t, line + 2);
	else if (strcmp(line, "* bye") == 0)
		t->bye = true;
}

static void
take_lines(struct tell *t)
{
	char *line = t->in, *end = t->in + t->in_len, *lf;

	while (!t->over &&
	       (lf = memchr(line, '\n', (size_t)(end - line))) != NULL) {
		*lf = '\0';
		if (lf > line && lf[-1] == '\r')
			lf[-1] = '\0';
		on_line(t, line);
		line = lf + 1;
	}
	t->in_len = (size_t)(end - line);
	memmove(t->in, line, t->in_len);
	if (t->in_len == sizeof t->in)
		give_up(t->host, "this is no telld");
}

static void
receive(struct tell *t)
{
	ssize_t n = recv(t->fd, t->in + t->in_len, sizeof t->in - t->in_len, 0);

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		t->over = true;
		return;
	}
	t->in_len += (size_t)n;
	be_patient(t);
	take_lines(t);
}

/* One that cannot be written to may still have said why. */
static void
flush(struct tell *t)
{
	ssize_t n = send(t->fd, t->out, t->out_len, MSG_NOSIGNAL);

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n == -1) {
		t->out_len = 0;
		t->input_ended = t->shut = true;
		return;
	}
	t->out_len -= (size_t)n;
	memmove(t->out, t->out + n, t->out_len);
	be_patient(t);
	if (t->out_len == 0 && t->input_ended && !t->shut) {
		shutdown(t->fd, SHUT_WR);
		t->shut = true;
	}
}

/* ---- all of it ---- */

/* Standard input takes as long as it takes; the server may not. */
static int
wait_ms(const struct tell *t)
{
	uint64_t now = timer_now();

	if (t->out_len == 0 && !t->input_ended)
		return -1;
	return t->deadline > now ? (int)(t->deadline - now) : 0;
}

static void
converse(struct tell *t)
{
	struct pollfd pfd[2] = {{t->fd, 0, 0}, {STDIN_FILENO, POLLIN, 0}};
	int n;

	while (!t->over) {
		pfd[0].events = t->out_len > 0 ? POLLIN | POLLOUT : POLLIN;
		pfd[1].fd =
		    t->out_len > 0 || t->input_ended ? -1 : STDIN_FILENO;
		n = poll(pfd, 2, wait_ms(t));
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			give_up(t->host, "no answer in time");
		if (pfd[1].fd != -1 && pfd[1].revents != 0) {
			if (!read_input(t))
				end_input(t);
			be_patient(t);
		}
		if (pfd[0].revents & POLLOUT)
			flush(t);
		if (pfd[0].revents & (POLLIN | POLLHUP | POLLERR))
			receive(t);
	}
}

static enum outcome
outcome(struct tell *t)
{
	if (fflush(stdout) == EOF || ferror(stdout)) {
		complain("standard output: %s", strerror(errno));
		t->failed = true;
	}
	if (!t->bye && !t->failed) {
		complain("%s: the connection ended too soon", t->host);
		t->failed = true;
	}
	return t->failed ? FAILED : t->stored ? STORED : DELIVERED;
}

static bool
check_dests(const char *dests)
{
	struct message_dests d = {.next = dests, .left = strlen(dests)};
	enum name_error error = NAME_EMPTY;
	const char *dest;
	size_t len;

	while (message_next_dest(&d, &dest, &len)) {
		error = *dest == '#'               ? room_check(dest, len)
		        : len == 1 && *dest == '*' ? NAME_OK
		                                   : name_check(dest, len);
		if (error != NAME_OK)
			break;
	}
	if (error != NAME_OK)
		complain("%s: %s", dests, name_why(error));
	return error == NAME_OK;
}

static const char *
own_name(void)
{
	const char *name = getenv("TELL_NAME");
	const struct passwd *pw;

	if (name != NULL && *name != '\0')
		return name;
	pw = getpwuid(geteuid());
	return pw != NULL ? pw->pw_name : "";
}

static bool
set_patience(struct tell *t, const char *text)
{
	char *end;
	long seconds = strtol(text, &end, 10);

	if (end == text || *end != '\0' || seconds < 1 ||
	    seconds > PATIENCE_MAX)
		return false;
	t->patience = (int)seconds * 1000;
	return true;
}

static void
usage(void)
{
	fprintf(stderr, "%s\n", USAGE);
	exit(WRONG_USAGE);
}

static void
take_options(struct tell *t, int argc, char **argv)
{
	int ch;

	while ((ch = getopt(argc, argv, "+h:n:rt:vV")) != -1) {
		switch (ch) {
		case 'h': t->host = optarg; break;
		case 'n': t->name = optarg; break;
		case 'r': t->receipts = true; break;
		case 't':
			if (!set_patience(t, optarg))
				usage();
			break;
		case 'v': t->receipts = t->verbose = true; break;
		case 'V': puts("tell " TELLD_VERSION); exit(0);
		default: usage();
		}
	}
	if (optind == argc)
		usage();
	t->dests = argv[optind];
}

int
main(int argc, char **argv)
{
	static struct tell t = {.host = HOST_DEFAULT,
	    .name = "",
	    .dests = "",
	    .patience = PATIENCE_S * 1000,
	    .fd = -1};
	const char *host = getenv("TELL_HOST");
	enum name_error error;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (host != NULL && *host != '\0')
		t.host = host;
	t.name = own_name();
	take_options(&t, argc, argv);
	error = name_check(t.name, strlen(t.name));
	if (error != NAME_OK)
		complain("bad name %s: %s", t.name, name_why(error));
	if (error != NAME_OK || !check_dests(t.dests))
		return WRONG_USAGE;
	put_text(&t, t.name);
	put(&t, "\n", 1);
	if (optind + 1 < argc)
		take_arguments(&t, argv + optind + 1);
	else if (!read_input(&t))
		return t.failed ? FAILED : DELIVERED;
	open_connection(&t);
	converse(&t);
	close(t.fd);
	free(t.out);
	return (int)outcome(&t);
}
