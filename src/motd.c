/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * The file goes through the same cleaning as what clients write, so that what
 * is sent of it is decided once, when it is read: after that it is only bytes.
 */
#include "motd.h"

#include "line.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool
wrong(char why[MOTD_WHY_MAX], const char *text)
{
	snprintf(why, MOTD_WHY_MAX, "%s", text);
	return false;
}

/* Reads until the end or until size bytes are there.  -1/errno. */
static ssize_t
read_file(const char *path, char *out, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	size_t len = 0;
	ssize_t n = -1;
	int error;

	if (fd == -1)
		return -1;
	while (len < size && (n = read(fd, out + len, size - len)) != 0) {
		if (n == -1 && errno != EINTR)
			break;
		len += n > 0 ? (size_t)n : 0;
	}
	error = errno;
	close(fd);
	errno = error;
	return n == -1 ? -1 : (ssize_t)len;
}

static bool
put(char out[MOTD_MAX], size_t *len, const char *line, size_t n)
{
	if (n + 3 > MOTD_MAX - *len)
		return false;
	memcpy(out + *len, "* ", 2);
	memcpy(out + *len + 2, line, n);
	*len += n + 3;
	out[*len - 1] = '\n';
	return true;
}

static bool
clean(const char *text, size_t size, char out[MOTD_MAX], size_t *len,
    char why[MOTD_WHY_MAX])
{
	char line[LINE_GROWTH * MOTD_MAX];
	const char *end = text + size;
	enum line_event event = LINE_READY;
	struct line_reader r;
	bool fits = true;
	size_t n;

	line_init(&r, MOTD_MAX);
	while (event == LINE_READY && fits) {
		event = line_next(&r, &text, end, line, &n);
		if (event == LINE_NEED_MORE)
			event = line_finish(&r, line, &n);
		if (event == LINE_READY)
			fits = put(out, len, line, n);
	}
	line_free(&r);
	if (!fits)
		return wrong(why, "longer than 4 KiB");
	return event == LINE_NEED_MORE || wrong(why, "not UTF-8");
}

bool
motd_read(
    const char *path, char out[MOTD_MAX], size_t *len, char why[MOTD_WHY_MAX])
{
	char text[MOTD_MAX + 1];
	ssize_t size = read_file(path, text, sizeof text);
	bool good = false;

	*len = 0;
	if (size == -1)
		snprintf(why, MOTD_WHY_MAX, "cannot read: %s", strerror(errno));
	else if (size > MOTD_MAX)
		(void)wrong(why, "longer than 4 KiB");
	else
		good = clean(text, (size_t)size, out, len, why);
	if (!good)
		*len = 0;
	return good;
}
