/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * Linux shows as a process's title what lies where argv lay when it started,
 * and on through the environment strings behind it.  Both are one contiguous
 * area: their strings are copied elsewhere, and the area is ours.  Systems
 * with setproctitle(3) have a call for it.
 */
#define _GNU_SOURCE
#include "title.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef __linux__
extern char **environ;

static char *area; /* NULL: nothing can be shown */
static size_t area_size;
static char **arguments; /* owned until the process ends */

/* One copy of strings that lie in the area, since getenv(3) goes on, and so
 * does what points into argv. */
static char **
copy_strings(char **from)
{
	size_t n = 0, i;
	char **copy;

	while (from[n] != NULL)
		n++;
	copy = calloc(n + 1, sizeof *copy);
	if (copy == NULL)
		return NULL;
	for (i = 0; i < n; i++) {
		copy[i] = strdup(from[i]);
		if (copy[i] == NULL) {
			while (i > 0)
				free(copy[--i]);
			free(copy);
			return NULL;
		}
	}
	return copy;
}

static char *
area_end(int argc, char **argv)
{
	char *end = argv[0];
	int i;

	for (i = 0; i < argc; i++)
		if (argv[i] == end)
			end += strlen(end) + 1;
	for (i = 0; environ[i] != NULL; i++)
		if (environ[i] == end)
			end += strlen(end) + 1;
	return end;
}

void
title_init(int argc, char **argv)
{
	char **variables;
	char *end;
	int i;

	if (argc < 1)
		return;
	end = area_end(argc, argv);
	arguments = copy_strings(argv);
	if (arguments == NULL)
		return;
	variables = copy_strings(environ);
	if (variables == NULL)
		return;
	area = argv[0];
	area_size = (size_t)(end - area);
	environ = variables;
	for (i = 0; i < argc; i++)
		argv[i] = arguments[i];
}

void
title_set(const char *fmt, ...)
{
	char text[256] = "telld: ";
	va_list ap;
	size_t n;

	if (area == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(text + 7, sizeof text - 7, fmt, ap);
	va_end(ap);
	n = strlen(text);
	if (n > area_size - 1)
		n = area_size - 1;
	memset(area, 0, area_size);
	memcpy(area, text, n);
}
#else
void
title_init(int argc, char **argv)
{
	(void)argc;
	(void)argv;
}

void
title_set(const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
#if defined(__FreeBSD__) || defined(__OpenBSD__) || defined(__NetBSD__)
	setproctitle("%s", text);
#endif
}
#endif
