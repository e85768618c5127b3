/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * tellctl: one line to the control socket, and what comes back.  The first
 * line of the answer is the exit status, the rest is for people.
 */
#define _GNU_SOURCE
#include "address.h"
#include "config.h"
#include "version.h"

#include <sys/socket.h>
#include <sys/time.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define USAGE                                                                  \
	"usage: tellctl [-s SOCKET] who | queues | stats | audit | "           \
	"kick NAME | stop | mail [NAME] | version"

#define PATIENCE_S 10

static int
connect_to(const char *path)
{
	struct timeval patience = {.tv_sec = PATIENCE_S};
	struct address address;
	const char *why;
	int fd;

	if (!address_from_path(path, &address, &why)) {
		fprintf(stderr, "tellctl: %s: %s\n", path, why);
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd != -1 && connect(fd, (const struct sockaddr *)&address.sa,
			    address.len) == 0) {
		setsockopt(
		    fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
		return fd;
	}
	fprintf(stderr, "tellctl: %s: %s\n", path, strerror(errno));
	if (fd != -1)
		close(fd);
	return -1;
}

/* All arguments as one line. */
static int
ask(int fd, char **word)
{
	char line[256] = "";
	size_t len = 0, n;

	for (; *word != NULL; word++) {
		n = strlen(*word);
		if (len + n + 2 > sizeof line || strchr(*word, '\n') != NULL) {
			fprintf(stderr, "%s\n", USAGE);
			return -1;
		}
		if (len > 0)
			line[len++] = ' ';
		memcpy(line + len, *word, n);
		len += n;
	}
	line[len++] = '\n';
	if (send(fd, line, len, MSG_NOSIGNAL) != (ssize_t)len) {
		fprintf(stderr, "tellctl: %s\n", strerror(errno));
		return -1;
	}
	return 0;
}

static int
print_answer(int fd)
{
	FILE *in = fdopen(fd, "r");
	char line[4096];
	int status;

	if (in == NULL || fgets(line, sizeof line, in) == NULL ||
	    line[0] < '0' || line[0] > '2' || line[1] != '\n') {
		fprintf(stderr, "tellctl: no answer\n");
		return 1;
	}
	status = line[0] - '0';
	while (fgets(line, sizeof line, in) != NULL)
		fputs(line, status == 2 ? stderr : stdout);
	if (ferror(in)) {
		fprintf(stderr, "tellctl: the answer broke off\n");
		return 1;
	}
	return status;
}

int
main(int argc, char **argv)
{
	static struct config config;
	static struct config_errors errors;
	const char *path = NULL;
	int ch, fd;

	while ((ch = getopt(argc, argv, "hs:V")) != -1) {
		switch (ch) {
		case 'h': puts(USAGE); return 0;
		case 's': path = optarg; break;
		case 'V': puts("tellctl " TELLD_VERSION); return 0;
		default: fprintf(stderr, "%s\n", USAGE); return 2;
		}
	}
	if (optind == argc) {
		fprintf(stderr, "%s\n", USAGE);
		return 2;
	}
	config_errors_clear(&errors);
	config_defaults(&config);
	config_finish(&config, &errors);
	fd = connect_to(path != NULL ? path : config.control);
	if (fd == -1 || ask(fd, argv + optind) == -1)
		return 1;
	return print_answer(fd);
}
