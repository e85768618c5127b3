/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

#include "prefix.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define ALL_BITS    128
#define MAPPED_BITS 96 /* of ::ffff:0:0, before the 32 of IPv4 */

static void
map_inet(uint8_t bytes[16], const struct in_addr *host)
{
	memset(bytes, 0, 10);
	memset(bytes + 10, 0xff, 2);
	memcpy(bytes + 12, host, 4);
}

/* The first bits of both, whole bytes first, then the rest of one. */
static bool
is_same(const uint8_t a[16], const uint8_t b[16], unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	if (memcmp(a, b, whole) != 0)
		return false;
	return rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0;
}

static bool
has_bits_beyond(const struct prefix *p)
{
	for (unsigned i = p->bits; i < ALL_BITS; i++)
		if ((p->bytes[i / 8] & (0x80U >> (i % 8))) != 0)
			return true;
	return false;
}

/* Sets bits to what the family has before the length counts. */
static bool
parse_host(const char *text, struct prefix *p)
{
	struct in_addr in;
	struct in6_addr in6;

	if (inet_pton(AF_INET, text, &in) == 1) {
		map_inet(p->bytes, &in);
		p->bits = MAPPED_BITS;
		return true;
	}
	if (inet_pton(AF_INET6, text, &in6) != 1)
		return false;
	memcpy(p->bytes, &in6, sizeof(p->bytes));
	p->bits = 0;
	return true;
}

/* What follows the slash; NULL: there is none, and all bits count. */
static bool
parse_length(const char *text, struct prefix *p)
{
	size_t digits;
	unsigned long bits;

	if (text == NULL) {
		p->bits = ALL_BITS;
		return true;
	}
	digits = strspn(text, "0123456789");
	if (digits == 0 || digits > 3 || text[digits] != '\0')
		return false;
	bits = strtoul(text, NULL, 10);
	if (bits > ALL_BITS - p->bits)
		return false;
	p->bits += (unsigned)bits;
	return true;
}

bool
prefix_parse(const char *text, struct prefix *p, const char **why)
{
	const char *slash = strchr(text, '/');
	size_t len = slash == NULL ? strlen(text) : (size_t)(slash - text);
	char host[INET6_ADDRSTRLEN];

	*why = "not a numeric address, such as 192.0.2.1, 10.0.0.0/8 or ::1";
	if (len >= sizeof(host))
		return false;
	memcpy(host, text, len);
	host[len] = '\0';
	if (!parse_host(host, p))
		return false;
	*why = "the length after / is not 0 to 32 (IPv4) or 0 to 128 (IPv6)";
	if (!parse_length(slash == NULL ? NULL : slash + 1, p))
		return false;
	*why = "the address has bits beyond the length after /";
	return !has_bits_beyond(p);
}

bool
prefix_matches(const struct prefix *p, const struct sockaddr *sa, socklen_t len)
{
	uint8_t bytes[16];
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	if (len >= sizeof(in) && sa->sa_family == AF_INET) {
		memcpy(&in, sa, sizeof(in));
		map_inet(bytes, &in.sin_addr);
	} else if (len >= sizeof(in6) && sa->sa_family == AF_INET6) {
		memcpy(&in6, sa, sizeof(in6));
		memcpy(bytes, &in6.sin6_addr, sizeof(bytes));
	} else {
		return false;
	}
	return is_same(p->bytes, bytes, p->bits);
}
