/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

#define _GNU_SOURCE /* SOCK_CLOEXEC, SOCK_NONBLOCK: socket(2) */

#include "listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* How long another daemon that starts in the same directory is waited for. */
#define LOCK_TRIES   100
#define LOCK_WAIT_MS 20

/* How often `*:0` looks for a port that is free in both families. */
#define BOTH_TRIES 16

/* Says why, and fails with errno as it was. */
static int __attribute__((format(printf, 2, 3)))
refuse(char *why, const char *fmt, ...)
{
	int saved = errno;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, LISTENER_WHY_MAX, fmt, ap);
	va_end(ap);
	errno = saved;
	return -1;
}

static int
refuse_as(char *why, const struct address *want, const char *step)
{
	int saved = errno;
	char text[ADDRESS_TEXT_MAX];

	address_format(
	    (const struct sockaddr *)&want->sa, want->len, text, sizeof(text));
	errno = saved;
	return refuse(why, "%s %s: %s", step, text, strerror(saved));
}

static int
set_option(int fd, int level, int option)
{
	int on = 1;

	return setsockopt(fd, level, option, &on, sizeof(on));
}

static int
bind_and_listen(int fd, const struct address *want, char *why)
{
	if (bind(fd, (const struct sockaddr *)&want->sa, want->len) == -1)
		return refuse_as(why, want, "cannot bind");
	if (listen(fd, SOMAXCONN) == -1)
		return refuse_as(why, want, "cannot listen on");
	return 0;
}

/* Where port 0 has led.  For Unix sockets nothing changes. */
static int
learn_address(struct listener *l, char *why)
{
	if (address_kind_of(&l->address) == ADDRESS_UNIX)
		return 0;
	l->address.len = sizeof(l->address.sa);
	if (getsockname(l->fd, (struct sockaddr *)&l->address.sa,
		&l->address.len) == -1)
		return refuse(why, "getsockname: %s", strerror(errno));
	return 0;
}

static int
open_inet(struct listener *l, char *why)
{
	if (set_option(l->fd, SOL_SOCKET, SO_REUSEADDR) == -1)
		return refuse_as(why, &l->address, "SO_REUSEADDR for");
	if (address_kind_of(&l->address) == ADDRESS_INET6 &&
	    set_option(l->fd, IPPROTO_IPV6, IPV6_V6ONLY) == -1)
		return refuse_as(why, &l->address, "IPV6_V6ONLY for");
	return bind_and_listen(l->fd, &l->address, why);
}

/* ---------------------------------------------------------- Unix sockets -- */

/*
 * A Unix socket's file outlives its process, so whoever finds one has to ask
 * whether it is alive, remove it, and bind: three steps, in which a second
 * daemon could get in between.  A lock file would be one more thing to leave
 * behind; the directory is already there, and can be locked itself.
 */
static int
lock_directory(const char *path, char *why)
{
	char directory[ADDRESS_PATH_MAX + 2] = ".";
	const char *slash = strrchr(path, '/');
	struct timespec wait = {.tv_nsec = LOCK_WAIT_MS * 1000000L};
	int fd, tries = LOCK_TRIES;

	if (slash != NULL) /* `/` itself is kept */
		snprintf(directory, sizeof(directory), "%.*s",
		    slash == path ? 1 : (int)(slash - path), path);
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return refuse(why, "cannot open directory %s: %s", directory,
		    strerror(errno));
	while (flock(fd, LOCK_EX | LOCK_NB) == -1) {
		if ((errno != EWOULDBLOCK && errno != EINTR) || tries-- == 0) {
			refuse(why, "cannot lock directory %s: %s", directory,
			    strerror(errno));
			close(fd);
			return -1;
		}
		nanosleep(&wait, NULL);
	}
	return fd;
}

/* Connects as a client would.  0: a socket that nobody listens on. */
static int
ask_if_stale(const struct address *a, char *why)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int rc, error;

	if (fd == -1)
		return refuse(why, "socket: %s", strerror(errno));
	rc = connect(fd, (const struct sockaddr *)&a->sa, a->len);
	error = errno;
	close(fd);
	if (rc == -1 && (error == ECONNREFUSED || error == ENOENT))
		return 0;
	errno = EADDRINUSE;
	if (rc == 0 || error == EAGAIN || error == EPROTOTYPE)
		return refuse(
		    why, "another process listens on %s", address_path(a));
	errno = error;
	return refuse(why, "cannot tell whether a process listens on %s: %s",
	    address_path(a), strerror(error));
}

/* Makes way for bind(2), which wants no file there at all. */
static int
remove_stale(const struct address *a, char *why)
{
	const char *path = address_path(a);
	struct stat st;

	if (lstat(path, &st) == -1) {
		if (errno == ENOENT)
			return 0;
		return refuse(
		    why, "cannot look at %s: %s", path, strerror(errno));
	}
	if (!S_ISSOCK(st.st_mode)) {
		errno = EEXIST;
		return refuse(why, "%s exists and is not a socket", path);
	}
	if (ask_if_stale(a, why) == -1)
		return -1;
	if (unlink(path) == -1 && errno != ENOENT)
		return refuse(why, "cannot remove the old socket %s: %s", path,
		    strerror(errno));
	return 0;
}

/* The umask and not chmod(2): the file has its mode from its first moment,
 * and no link put in its place can lead the change astray. */
static int
bind_with_mode(struct listener *l, mode_t mode, char *why)
{
	mode_t saved = umask(0777 & ~mode);
	int rc = bind_and_listen(l->fd, &l->address, why);
	struct stat st;

	umask(saved);
	if (rc == -1)
		return -1;
	if (lstat(address_path(&l->address), &st) == -1)
		return refuse_as(why, &l->address, "cannot look at");
	l->device = st.st_dev;
	l->inode = st.st_ino;
	return 0;
}

static int
open_unix(struct listener *l, mode_t mode, char *why)
{
	int lock = lock_directory(address_path(&l->address), why);
	int rc, saved;

	if (lock == -1)
		return -1;
	rc = remove_stale(&l->address, why);
	if (rc == 0)
		rc = bind_with_mode(l, mode, why);
	saved = errno;
	close(lock);
	errno = saved;
	return rc;
}

/* ----------------------------------------------------------------- both -- */

int
listener_open(struct listener *l, const struct address *want, mode_t unix_mode,
    char why[LISTENER_WHY_MAX])
{
	bool is_unix = address_kind_of(want) == ADDRESS_UNIX;
	int rc, saved;

	memset(l, 0, sizeof(*l));
	l->address = *want;
	l->fd = socket(
	    want->sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->fd == -1)
		return refuse_as(why, want, "cannot make a socket for");
	rc = is_unix ? open_unix(l, unix_mode, why) : open_inet(l, why);
	if (rc == 0)
		rc = learn_address(l, why);
	if (rc == 0)
		return 0;
	saved = errno;
	listener_close(l);
	errno = saved;
	return -1;
}

/* IPv6 may be compiled out, or switched off: ipv6(7), disable_ipv6. */
static bool
has_no_ipv6(int error)
{
	return error == EAFNOSUPPORT || error == EADDRNOTAVAIL ||
	       error == EPROTONOSUPPORT;
}

static int
open_both(
    struct listener list[ADDRESS_PER_TEXT], struct address want[], char *why)
{
	int saved;

	if (listener_open(&list[0], &want[0], 0, why) == -1) {
		if (!has_no_ipv6(errno))
			return -1;
		return listener_open(&list[0], &want[1], 0, why) == -1 ? -1 : 1;
	}
	address_set_port(&want[1], address_port(&list[0].address));
	if (listener_open(&list[1], &want[1], 0, why) == 0)
		return 2;
	saved = errno;
	listener_close(&list[0]);
	errno = saved;
	return -1;
}

int
listener_open_text(struct listener list[ADDRESS_PER_TEXT], const char *text,
    mode_t unix_mode, char why[LISTENER_WHY_MAX])
{
	struct address want[ADDRESS_PER_TEXT];
	const char *wrong;
	int n = address_parse(text, want, ADDRESS_PER_TEXT, &wrong);
	int tries, opened = -1;

	list[0].fd = list[1].fd = -1;
	if (n == -1) {
		errno = EINVAL;
		return refuse(why, "%s: %s", text, wrong);
	}
	if (n == 1)
		return listener_open(&list[0], &want[0], unix_mode, why) == -1
		           ? -1
		           : 1;
	tries = address_port(&want[0]) == 0 ? BOTH_TRIES : 1;
	while (tries-- > 0) {
		opened = open_both(list, want, why);
		if (opened != -1 || errno != EADDRINUSE)
			break;
	}
	return opened;
}

void
listener_close(struct listener *l)
{
	if (l->fd != -1)
		close(l->fd);
	l->fd = -1;
}

void
listener_close_and_unlink(struct listener *l)
{
	const char *path = address_path(&l->address);
	struct stat st;

	if (l->fd != -1 && path[0] != '\0' && lstat(path, &st) == 0 &&
	    S_ISSOCK(st.st_mode) && st.st_dev == l->device &&
	    st.st_ino == l->inode)
		unlink(path);
	listener_close(l);
}
