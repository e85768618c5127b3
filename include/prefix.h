/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * prefix.h - sets of addresses, such as 10.0.0.0/8: who is let in.  Pure.
 *
 * An IPv4 address is kept in its IPv6 form, ::ffff:10.0.0.0 (RFC 4291,
 * 2.5.5.2), so that there is one comparison, and a client matches in
 * the same way whichever kind of socket it came in by.
 */
#ifndef PREFIX_H
#define PREFIX_H

#include <stdbool.h>
#include <stdint.h>

#include <sys/socket.h>

struct prefix {
	uint8_t bytes[16]; /* in network order; 0 beyond bits */
	unsigned bits;     /* 0 to 128; of the IPv6 form, so 96 more for IPv4 */
};

/*
 * Reads `10.0.0.0/8`, `192.0.2.1`, `2001:db8::/32` or `::1` (RFC 4632, 3.1).
 * An address with bits beyond the length, such as 10.0.0.1/8, is refused: one
 * half of it is a mistake.  Returns false with *why set to a constant string.
 */
bool prefix_parse(const char *text, struct prefix *prefix, const char **why);

/* True if sa is an IPv4 or IPv6 address within prefix. */
bool prefix_matches(
    const struct prefix *prefix, const struct sockaddr *sa, socklen_t len);

#endif
