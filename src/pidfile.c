/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

#include "pidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int
pidfile_open(const char *path)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	char text[32];
	ssize_t len;

	if (fd == -1)
		return -1;
	len = snprintf(text, sizeof text, "%ld\n", (long)getpid());
	if (fcntl(fd, F_SETLK, &lock) == -1) {
		close(fd);
		errno = EAGAIN;
		return -1;
	}
	if (ftruncate(fd, 0) == -1 || write(fd, text, (size_t)len) != len) {
		close(fd);
		return -1;
	}
	return fd;
}

void
pidfile_remove(const char *path, int fd)
{
	if (fd == -1)
		return;
	unlink(path);
	close(fd);
}
