/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "listener.h"

static char directory[] = "/tmp/test_listener.XXXXXX";
static char path[64], text[80];
static char why[LISTENER_WHY_MAX];

static bool
exists(const char *name)
{
	struct stat st;

	return lstat(name, &st) == 0;
}

/* Connects to l as a client; true if it answers. */
static bool
is_alive(const struct listener *l)
{
	int fd = socket(l->address.sa.ss_family, SOCK_STREAM, 0);
	bool alive = connect(fd, (const struct sockaddr *)&l->address.sa,
			 l->address.len) == 0;

	close(fd);
	return alive;
}

/* Leaves behind what a killed daemon leaves: a socket file, no listener. */
static void
make_stale(void)
{
	struct listener l[ADDRESS_PER_TEXT];

	CHECK(listener_open_text(l, text, 0600, why) == 1);
	listener_close(&l[0]);
	CHECK(exists(path));
}

static void
port_0_takes_a_free_one(void)
{
	struct listener list[ADDRESS_PER_TEXT];

	CHECK(listener_open_text(list, "127.0.0.1:0", 0, why) == 1);
	CHECK(address_port(&list[0].address) != 0);
	CHECK(fcntl(list[0].fd, F_GETFD) & FD_CLOEXEC);
	CHECK(fcntl(list[0].fd, F_GETFL) & O_NONBLOCK);
	CHECK(is_alive(&list[0]));
	listener_close_and_unlink(&list[0]);
	CHECK(list[0].fd == -1);
	listener_close(&list[0]);
}

static void
a_taken_port_is_refused(void)
{
	struct listener one[ADDRESS_PER_TEXT];
	struct listener two;

	CHECK(listener_open_text(one, "127.0.0.1:0", 0, why) == 1);
	CHECK(listener_open(&two, &one[0].address, 0, why) == -1);
	CHECK(errno == EADDRINUSE && two.fd == -1);
	CHECK(strstr(why, "cannot bind 127.0.0.1:") != NULL);
	listener_close(&one[0]);
}

static void
a_star_is_one_port_in_all_families(void)
{
	struct listener list[ADDRESS_PER_TEXT];
	int n = listener_open_text(list, "*:0", 0, why);

	CHECK(n == 1 || n == 2); /* 1 on a host without IPv6 */
	for (int i = 0; i < n; i++) {
		CHECK(address_port(&list[i].address) ==
		      address_port(&list[0].address));
		CHECK(is_alive(&list[i]));
		listener_close(&list[i]);
	}
}

static void
what_is_no_address_is_refused(void)
{
	struct listener list[ADDRESS_PER_TEXT];

	CHECK(listener_open_text(list, "localhost:1", 0, why) == -1);
	CHECK(errno == EINVAL && list[0].fd == -1 && list[1].fd == -1);
	CHECK(strstr(why, "localhost:1: ") == why);
	CHECK(listener_open_text(list, "192.0.2.1:0", 0, why) == -1);
	CHECK(errno == EADDRNOTAVAIL);
}

static void
a_unix_socket_has_its_mode_and_goes_with_its_owner(void)
{
	struct listener list[ADDRESS_PER_TEXT];
	mode_t mask = umask(077);
	struct stat st;

	CHECK(listener_open_text(list, text, 0666, why) == 1);
	CHECK(umask(mask) == 077);
	CHECK(lstat(path, &st) == 0 && (st.st_mode & 0777) == 0666);
	CHECK(is_alive(&list[0]));
	listener_close_and_unlink(&list[0]);
	CHECK(!exists(path));
}

static void
a_child_that_closes_leaves_the_file(void)
{
	struct listener list[ADDRESS_PER_TEXT];

	CHECK(listener_open_text(list, text, 0600, why) == 1);
	listener_close(&list[0]);
	listener_close_and_unlink(&list[0]);
	CHECK(exists(path));
	unlink(path);
}

static void
a_stale_socket_is_replaced(void)
{
	struct listener list[ADDRESS_PER_TEXT];

	make_stale();
	CHECK(listener_open_text(list, text, 0600, why) == 1);
	CHECK(is_alive(&list[0]));
	listener_close_and_unlink(&list[0]);
	CHECK(!exists(path));
}

static void
a_live_socket_is_refused(void)
{
	struct listener list[ADDRESS_PER_TEXT], other;

	CHECK(listener_open_text(list, text, 0600, why) == 1);
	CHECK(listener_open(&other, &list[0].address, 0600, why) == -1);
	CHECK(errno == EADDRINUSE && other.fd == -1);
	CHECK(strstr(why, "another process listens on /") == why);
	CHECK(is_alive(&list[0]));
	listener_close_and_unlink(&list[0]);
}

static void
a_socket_of_another_kind_is_refused(void)
{
	struct address a;
	struct listener l[ADDRESS_PER_TEXT];
	const char *wrong;
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	CHECK(address_from_path(path, &a, &wrong));
	CHECK(bind(fd, (const struct sockaddr *)&a.sa, a.len) == 0);
	CHECK(listener_open(&l[0], &a, 0600, why) == -1);
	CHECK(strstr(why, "another process") == why);
	close(fd);
	unlink(path);
}

static void
what_is_no_socket_is_never_removed(void)
{
	struct listener l[ADDRESS_PER_TEXT];
	int fd = open(path, O_CREAT | O_WRONLY, 0600);

	close(fd);
	CHECK(listener_open_text(l, text, 0600, why) == -1);
	CHECK(errno == EEXIST && exists(path));
	CHECK(strstr(why, "is not a socket") != NULL);
	unlink(path);
	CHECK(mkdir(path, 0700) == 0);
	CHECK(listener_open_text(l, text, 0600, why) == -1);
	CHECK(exists(path));
	rmdir(path);
	CHECK(symlink("/nonexistent", path) == 0);
	CHECK(listener_open_text(l, text, 0600, why) == -1);
	CHECK(exists(path));
	unlink(path);
}

static void
another_ones_socket_is_not_unlinked_at_stop(void)
{
	struct listener old[ADDRESS_PER_TEXT], new[ADDRESS_PER_TEXT];

	CHECK(listener_open_text(old, text, 0600, why) == 1);
	CHECK(unlink(path) == 0);
	CHECK(listener_open_text(new, text, 0600, why) == 1);
	listener_close_and_unlink(&old[0]);
	CHECK(exists(path) && is_alive(&new[0]));
	listener_close_and_unlink(&new[0]);
	CHECK(!exists(path));
}

static void
a_missing_directory_is_told(void)
{
	struct listener l[ADDRESS_PER_TEXT];

	CHECK(listener_open_text(l, "unix:/nonexistent/dir/s", 0, why) == -1);
	CHECK(errno == ENOENT);
	CHECK(strstr(why, "directory /nonexistent/dir: ") != NULL);
}

/* Eight processes at one stale socket: one gets it, seven see it is live. */
static void
of_many_that_start_at_once_one_wins(void)
{
	struct listener list[ADDRESS_PER_TEXT];
	int winners = 0, done[2] = {-1, -1}, told[2] = {-1, -1};
	char byte;

	make_stale();
	CHECK(pipe(done) == 0 && pipe(told) == 0);
	fflush(stdout);
	for (int i = 0; i < 8; i++) {
		if (fork() != 0)
			continue;
		close(done[1]);
		byte =
		    listener_open_text(list, text, 0600, why) == 1 ? 'w' : 'l';
		if (write(told[1], &byte, 1) != 1)
			_exit(1);
		if (read(done[0], &byte, 1) != 0) /* until all have tried */
			_exit(1);
		_exit(0);
	}
	for (int i = 0; i < 8; i++) {
		CHECK(read(told[0], &byte, 1) == 1);
		winners += byte == 'w';
	}
	CHECK(winners == 1);
	close(done[1]);
	while (wait(NULL) > 0)
		continue;
	close(done[0]);
	close(told[0]);
	close(told[1]);
	unlink(path);
}

int
main(void)
{
	if (mkdtemp(directory) == NULL)
		return 1;
	snprintf(path, sizeof(path), "%s/sock", directory);
	snprintf(text, sizeof(text), "unix:%s", path);
	RUN(port_0_takes_a_free_one);
	RUN(a_taken_port_is_refused);
	RUN(a_star_is_one_port_in_all_families);
	RUN(what_is_no_address_is_refused);
	RUN(a_unix_socket_has_its_mode_and_goes_with_its_owner);
	RUN(a_child_that_closes_leaves_the_file);
	RUN(a_stale_socket_is_replaced);
	RUN(a_live_socket_is_refused);
	RUN(a_socket_of_another_kind_is_refused);
	RUN(what_is_no_socket_is_never_removed);
	RUN(another_ones_socket_is_not_unlinked_at_stop);
	RUN(a_missing_directory_is_told);
	RUN(of_many_that_start_at_once_one_wins);
	rmdir(directory);
	return check_summary();
}
