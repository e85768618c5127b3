/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * address.h - addresses as people write them, and as the log shows them.
 *
 * Numeric only: a name would have to be looked up, and a daemon that waits
 * for a name server while it starts is one that does not come up after a
 * power cut.  No I/O, with one exception: the interface in [fe80::1%eth0]:1
 * is looked up in the kernel.
 */
#ifndef ADDRESS_H
#define ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/socket.h>
#include <sys/un.h>

/* Room for any formatted address, with its NUL. */
#define ADDRESS_TEXT_MAX 128

/* The longest path of a Unix socket, in bytes without its NUL: unix(7). */
#define ADDRESS_PATH_MAX (sizeof(((struct sockaddr_un *)0)->sun_path) - 1)

/* The most addresses that one text can stand for: `*:PORT` is two. */
#define ADDRESS_PER_TEXT 2

enum address_kind {
	ADDRESS_INET,
	ADDRESS_INET6,
	ADDRESS_UNIX
};

struct address {
	struct sockaddr_storage sa;
	socklen_t len; /* of the part of sa that is used, in bytes */
};

/*
 * Reads `127.0.0.1:8080`, `[::1]:8080`, `[fe80::1%eth0]:8080`, `unix:PATH` or
 * `*:8080`, which is [::] and then 0.0.0.0: two sockets, as the first is
 * meant for IPV6_V6ONLY.  Port 0 asks for any free port.
 * Returns how many addresses were put into list (1 or 2), or -1 with *why set
 * to a constant string that says what is wrong and what would be right.
 * max below ADDRESS_PER_TEXT is allowed; what does not fit is an error.
 */
int address_parse(
    const char *text, struct address list[], size_t max, const char **why);

/*
 * The address of the Unix socket at path, as with `unix:PATH`.
 * Returns false with *why set as above.
 */
bool address_from_path(
    const char *path, struct address *address, const char **why);

enum address_kind address_kind_of(const struct address *address);

/* The port in host order; 0 for a Unix socket. */
uint16_t address_port(const struct address *address);

/* Sets the port, in host order; a Unix socket is left as it is. */
void address_set_port(struct address *address, uint16_t port);

/* The path of a Unix socket inside address; "" for the others. */
const char *address_path(const struct address *address);

/*
 * The form that address_parse reads: `127.0.0.1:8080`, `[::1]:8080`,
 * `unix:PATH`.  An unnamed Unix socket is `unix`, one in Linux's abstract
 * space `unix:@NAME`, any other family `unknown`.
 * out always ends with NUL; size of ADDRESS_TEXT_MAX is always enough.
 */
void address_format(
    const struct sockaddr *sa, socklen_t len, char *out, size_t size);

/*
 * The form for a peer: `[127.0.0.1]:5123`, `[::1]:5123`.  An IPv4 client that
 * came in over IPv6 (::ffff:10.0.0.1) is shown as what it is,
 * `[10.0.0.1]:5123`.  A Unix peer is `unix`: who it is only the kernel can say.
 */
void address_format_peer(
    const struct sockaddr *sa, socklen_t len, char *out, size_t size);

#endif
