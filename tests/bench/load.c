/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/* Options, and which scenario to play: see help(). */
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct proto *const protos[] = {
    &proto_telld, &proto_nats, &proto_redis, &proto_irc, &proto_raw};

static const struct scenario {
	const char *name;
	void (*play)(struct load *l);
} scenarios[] = {
    {"pingpong", scen_pingpong},
    {"stream", scen_stream},
    {"fan", scen_fan},
    {"logins", scen_logins},
    {"crowd", scen_crowd},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* How long a server may take to start. */
#define START_NS (UINT64_C(10) * 1000 * 1000 * 1000)

/* A stamp has four digits for the sender. */
#define SENDERS_MAX 9999

static _Noreturn void
usage(void)
{
	fputs("load: see load -h\n", stderr);
	exit(2);
}

static _Noreturn void
help(void)
{
	fputs("usage: load [options] -a ADDRESS:PORT SCENARIO\n"
	      "       load -F\n"
	      "  pingpong  round trips of one text there and one back\n"
	      "  stream    -n pairs of a sender and a reader\n"
	      "  fan       one sender, -n readers\n"
	      "  logins    connect, log in, close; among -i others\n"
	      "  crowd     -i clients: memory, then pingpong, then logins\n"
	      "  -a A:P    the server\n"
	      "  -p PROTO  telld (the default), nats, redis, irc or raw\n"
	      "  -s BYTES  of text in a line, 16 to 4000 (64)\n"
	      "  -t SEC    how long to measure (1)\n"
	      "  -u SEC    how long to run before that (0.2)\n"
	      "  -n COUNT  of pairs or readers (1)\n"
	      "  -i COUNT  of clients that sit idle (0)\n"
	      "  -k COUNT  of logins at a time (8)\n"
	      "  -w BYTES  under way to a reader at most; 0: what TCP takes "
	      "(262144)\n"
	      "  -S PCT    of the readers stop reading (0)\n"
	      "  -N        fan-out by a list of names, not by room\n"
	      "  -m PID    of the server: look at its children's memory\n"
	      "  -W        wait until the server answers\n"
	      "  -F        print a free port of 127.0.0.1, and exit\n"
	      "exit status: 0 done; 1 a text was lost, doubled or late, or the "
	      "server failed;\n2 usage; 3 there is no such thing in this "
	      "protocol\n",
	    stdout);
	exit(0);
}

static size_t
number(const char *text, size_t min, size_t max)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*text == '\0' || *end != '\0' || n < min || n > max) {
		fprintf(stderr, "load: %s: not a number from %zu to %zu\n",
		    text, min, max);
		exit(2);
	}
	return n;
}

static uint64_t
seconds(const char *text)
{
	char *end;
	double s = strtod(text, &end);

	if (*text == '\0' || *end != '\0' || !(s >= 0 && s <= 3600))
		usage();
	return (uint64_t)(s * 1e9);
}

static void
set_address(struct load *l, const char *text)
{
	char host[64];
	const char *colon = strrchr(text, ':');

	if (colon == NULL || (size_t)(colon - text) >= sizeof(host))
		usage();
	memcpy(host, text, (size_t)(colon - text));
	host[colon - text] = '\0';
	l->address.sin_family = AF_INET;
	l->address.sin_port = htons((uint16_t)number(colon + 1, 1, UINT16_MAX));
	if (inet_pton(AF_INET, host, &l->address.sin_addr) != 1)
		usage();
}

static void
set_proto(struct load *l, const char *name)
{
	for (size_t i = 0; i < COUNT(protos); i++) {
		if (strcmp(protos[i]->name, name) == 0) {
			l->proto = protos[i];
			return;
		}
	}
	usage();
}

/* Free now; only a server that takes no port 0 needs this. */
static _Noreturn void
print_free_port(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET};
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, len) != 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &len) != 0)
		die("no port is free: %s", strerror(errno));
	printf("%d\n", ntohs(a.sin_port));
	exit(0);
}

static bool
answers(const struct load *l)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool yes = connect(fd, (const struct sockaddr *)&l->address,
		       sizeof(l->address)) == 0;

	close(fd);
	return yes;
}

static void
wait_for_server(const struct load *l)
{
	const struct timespec pause = {.tv_nsec = 5 * 1000 * 1000};
	uint64_t start = now_ns();

	while (!answers(l)) {
		if (now_ns() - start > START_NS)
			die("the server does not answer");
		nanosleep(&pause, NULL);
	}
}

static bool
set_number(struct load *l, int option, const char *value)
{
	switch (option) {
	case 's': l->size = number(value, STAMP_LEN, TEXT_MAX); break;
	case 'n': l->count = number(value, 1, SENDERS_MAX); break;
	case 'i': l->idle = number(value, 0, 1000000); break;
	case 'k': l->inflight = number(value, 1, 1000); break;
	case 'w': l->window = number(value, 0, SIZE_MAX); break;
	case 'S': l->stalled = (unsigned)number(value, 0, 99); break;
	case 'm': l->server = (pid_t)number(value, 1, INT32_MAX); break;
	default: return false;
	}
	return true;
}

static void
set_option(struct load *l, int option, const char *value, bool *wait)
{
	switch (option) {
	case 'a': set_address(l, value); break;
	case 'p': set_proto(l, value); break;
	case 't': l->run_ns = seconds(value); break;
	case 'u': l->warm_ns = seconds(value); break;
	case 'N': l->names = true; break;
	case 'W': *wait = true; break;
	case 'F': print_free_port(); break;
	case 'h': help(); break;
	default:
		if (!set_number(l, option, value))
			usage();
	}
}

static void
play(struct load *l, const char *name)
{
	for (size_t i = 0; i < COUNT(scenarios); i++) {
		if (strcmp(scenarios[i].name, name) == 0) {
			scenarios[i].play(l);
			return;
		}
	}
	usage();
}

int
main(int argc, char **argv)
{
	struct load l = {
	    .proto = &proto_telld,
	    .size = 64,
	    .run_ns = 1000000000,
	    .warm_ns = 200000000,
	    .count = 1,
	    .inflight = 8,
	    .window = (size_t)256 * 1024,
	};
	bool wait = false;
	int option;

	while (
	    (option = getopt(argc, argv, "a:p:s:t:u:n:i:k:w:S:m:NWFh")) != -1)
		set_option(&l, option, optarg, &wait);
	if (optind + 1 != argc || l.address.sin_port == 0)
		usage();
	if (l.size > l.proto->text_max)
		not_applicable("%s: texts end at %zu bytes", l.proto->name,
		    l.proto->text_max);
	if (l.proto->paired && l.idle % 2 != 0)
		l.idle++;
	l.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l.epoll < 0)
		die("epoll_create1: %s", strerror(errno));
	if (wait)
		wait_for_server(&l);
	play(&l, argv[optind]);
	return 0;
}
