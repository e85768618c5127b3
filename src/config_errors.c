/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "config.h"

/* Kept free at the end of the text for `and N more errors`. */
#define MORE_SIZE 40

void
config_errors_clear(struct config_errors *e)
{
	memset(e, 0, sizeof(*e));
}

/* An error may quote what stands in a file: nothing of that may drive the
 * terminal it is shown on. */
static void
blank_controls(char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			*s = '?';
}

void
config_errors_add(struct config_errors *e, const char *fmt, ...)
{
	char line[512] = "";
	size_t room = sizeof(e->text) - MORE_SIZE - e->len;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	blank_controls(line);
	e->count++;
	if (n >= 0 && e->shown + 1 == e->count && strlen(line) + 2 <= room) {
		e->len +=
		    (size_t)snprintf(e->text + e->len, room, "%s\n", line);
		e->shown++;
		return;
	}
	snprintf(e->text + e->len, MORE_SIZE, "and %u more errors\n",
	    e->count - e->shown);
}
