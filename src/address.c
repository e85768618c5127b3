/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

#include "address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Text is taken apart by its shape: a prefix, a bracket, a star, and only what
 * is left can be IPv4.  So each shape has its own complaint, and nobody who
 * forgot a bracket is told about dots. */
static const char why_shape[] =
    "write 127.0.0.1:8080, [::1]:8080, *:8080 or unix:PATH";
static const char why_ipv4[] =
    "not a numeric IPv4 address (names are not looked up), such as "
    "127.0.0.1:8080";
static const char why_ipv6[] =
    "not an IPv6 address in brackets, such as [::1]:8080";
static const char why_port[] = "the port is not a number from 0 to 65535";
static const char why_room[] = "stands for more addresses than are wanted";
static const char why_path_empty[] = "no path, such as unix:/run/telld/sock";
static const char why_path_long[] =
    "the path is too long for a Unix socket (107 bytes on most systems)";
static const char why_path_control[] = "the path contains a control character";

/* Five digits at most, and no sign or space, which strtol would let pass. */
static bool
parse_port(const char *text, uint16_t *port)
{
	unsigned long value = 0;
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || digits > 5 || text[digits] != '\0')
		return false;
	value = strtoul(text, NULL, 10);
	*port = (uint16_t)value;
	return value <= UINT16_MAX;
}

static void
set_inet(struct address *a, struct in_addr host, uint16_t port)
{
	struct sockaddr_in in = {0};

	in.sin_family = AF_INET;
	in.sin_addr = host;
	in.sin_port = htons(port);
	memset(a, 0, sizeof(*a));
	memcpy(&a->sa, &in, sizeof(in));
	a->len = sizeof(in);
}

static void
set_inet6(
    struct address *a, struct in6_addr host, uint32_t scope, uint16_t port)
{
	struct sockaddr_in6 in6 = {0};

	in6.sin6_family = AF_INET6;
	in6.sin6_addr = host;
	in6.sin6_scope_id = scope;
	in6.sin6_port = htons(port);
	memset(a, 0, sizeof(*a));
	memcpy(&a->sa, &in6, sizeof(in6));
	a->len = sizeof(in6);
}

static bool
path_has_control(const char *path)
{
	for (; *path != '\0'; path++)
		if ((unsigned char)*path < 0x20 || *path == 0x7f)
			return true;
	return false;
}

bool
address_from_path(const char *path, struct address *a, const char **why)
{
	struct sockaddr_un un = {0};
	size_t len = strlen(path);

	if (len == 0) {
		*why = why_path_empty;
		return false;
	}
	if (len > ADDRESS_PATH_MAX) {
		*why = why_path_long;
		return false;
	}
	if (path_has_control(path)) {
		*why = why_path_control;
		return false;
	}
	un.sun_family = AF_UNIX;
	memcpy(un.sun_path, path, len + 1);
	memset(a, 0, sizeof(*a));
	memcpy(&a->sa, &un, sizeof(un));
	a->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + 1);
	return true;
}

/* The scope after % is an interface's number or its name: RFC 4007, 11. */
static bool
parse_scope(const char *text, uint32_t *scope)
{
	size_t digits = strspn(text, "0123456789");

	if (digits > 0 && digits < 10 && text[digits] == '\0')
		*scope = (uint32_t)strtoul(text, NULL, 10);
	else
		*scope = if_nametoindex(text);
	return *scope != 0;
}

/* What stands between the brackets, len bytes of it. */
static bool
parse_host6(
    const char *text, size_t len, struct in6_addr *host, uint32_t *scope)
{
	char copy[INET6_ADDRSTRLEN + IF_NAMESIZE + 1];
	char *percent;

	*scope = 0;
	if (len >= sizeof(copy))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	percent = strchr(copy, '%');
	if (percent != NULL) {
		*percent = '\0';
		if (!parse_scope(percent + 1, scope))
			return false;
	}
	return inet_pton(AF_INET6, copy, host) == 1;
}

static int
parse_bracketed(const char *text, struct address *a, const char **why)
{
	const char *end = strchr(text, ']');
	struct in6_addr host;
	uint32_t scope;
	uint16_t port;

	*why = why_ipv6;
	if (end == NULL || end[1] != ':')
		return -1;
	if (!parse_host6(text + 1, (size_t)(end - text - 1), &host, &scope))
		return -1;
	*why = why_port;
	if (!parse_port(end + 2, &port))
		return -1;
	set_inet6(a, host, scope, port);
	return 1;
}

static int
parse_star(
    const char *text, struct address list[], size_t max, const char **why)
{
	struct in_addr any = {0};
	uint16_t port;

	any.s_addr = htonl(INADDR_ANY);
	*why = why_port;
	if (!parse_port(text + 2, &port))
		return -1;
	*why = why_room;
	if (max < 2)
		return -1;
	set_inet6(&list[0], in6addr_any, 0, port);
	set_inet(&list[1], any, port);
	return 2;
}

static int
parse_dotted(const char *text, struct address *a, const char **why)
{
	const char *colon = strrchr(text, ':');
	char copy[INET_ADDRSTRLEN];
	struct in_addr host;
	uint16_t port;
	size_t len;

	*why = why_shape;
	if (colon == NULL)
		return -1;
	len = (size_t)(colon - text);
	*why = memchr(text, ':', len) != NULL ? why_ipv6 : why_ipv4;
	if (len >= sizeof(copy))
		return -1;
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (inet_pton(AF_INET, copy, &host) != 1)
		return -1;
	*why = why_port;
	if (!parse_port(colon + 1, &port))
		return -1;
	set_inet(a, host, port);
	return 1;
}

int
address_parse(
    const char *text, struct address list[], size_t max, const char **why)
{
	*why = why_room;
	if (max == 0)
		return -1;
	if (strncmp(text, "unix:", 5) == 0)
		return address_from_path(text + 5, &list[0], why) ? 1 : -1;
	if (text[0] == '[')
		return parse_bracketed(text, &list[0], why);
	if (text[0] == '*' && text[1] == ':')
		return parse_star(text, list, max, why);
	return parse_dotted(text, &list[0], why);
}

enum address_kind
address_kind_of(const struct address *a)
{
	switch (a->sa.ss_family) {
	case AF_UNIX: return ADDRESS_UNIX;
	case AF_INET6: return ADDRESS_INET6;
	default: return ADDRESS_INET;
	}
}

uint16_t
address_port(const struct address *a)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	switch (a->sa.ss_family) {
	case AF_INET:
		memcpy(&in, &a->sa, sizeof(in));
		return ntohs(in.sin_port);
	case AF_INET6:
		memcpy(&in6, &a->sa, sizeof(in6));
		return ntohs(in6.sin6_port);
	default: return 0;
	}
}

void
address_set_port(struct address *a, uint16_t port)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	switch (a->sa.ss_family) {
	case AF_INET:
		memcpy(&in, &a->sa, sizeof(in));
		in.sin_port = htons(port);
		memcpy(&a->sa, &in, sizeof(in));
		break;
	case AF_INET6:
		memcpy(&in6, &a->sa, sizeof(in6));
		in6.sin6_port = htons(port);
		memcpy(&a->sa, &in6, sizeof(in6));
		break;
	default: break;
	}
}

const char *
address_path(const struct address *a)
{
	const struct sockaddr_un *un;

	if (a->sa.ss_family != AF_UNIX)
		return "";
	un = (const struct sockaddr_un *)(const void *)&a->sa;
	return un->sun_path;
}

static void
format_inet(const struct in_addr *host, uint16_t port, bool brackets, char *out,
    size_t size)
{
	char text[INET_ADDRSTRLEN] = "?";

	inet_ntop(AF_INET, host, text, sizeof(text));
	snprintf(
	    out, size, brackets ? "[%s]:%u" : "%s:%u", text, (unsigned)port);
}

/* The scope is shown as a number: it always has one, while the name of an
 * interface would have to be asked for, and it may have been renamed. */
static void
format_inet6(const struct sockaddr_in6 *in6, char *out, size_t size)
{
	char text[INET6_ADDRSTRLEN] = "?";
	unsigned port = ntohs(in6->sin6_port);

	inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof(text));
	if (in6->sin6_scope_id != 0)
		snprintf(out, size, "[%s%%%u]:%u", text,
		    (unsigned)in6->sin6_scope_id, port);
	else
		snprintf(out, size, "[%s]:%u", text, port);
}

/* A path need not end with NUL: len says where it ends (unix(7)). */
static void
format_unix(const struct sockaddr_un *un, size_t len, char *out, size_t size)
{
	size_t start = offsetof(struct sockaddr_un, sun_path);
	size_t used = len > start ? len - start : 0;
	int room;

	if (used > sizeof(un->sun_path))
		used = sizeof(un->sun_path);
	room = (int)used;
	if (room > 0 && un->sun_path[0] != '\0')
		snprintf(out, size, "unix:%.*s", room, un->sun_path);
	else if (room > 1)
		snprintf(out, size, "unix:@%.*s", room - 1, un->sun_path + 1);
	else
		snprintf(out, size, "unix");
}

/* What came from the kernel, copied to where every member may be read: a
 * struct sockaddr * promises neither the size nor the alignment of more. */
union any_sockaddr {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_un un;
};

/* Returns the family, or AF_UNSPEC if len is too short for one of it. */
static int
copy_sockaddr(union any_sockaddr *copy, const struct sockaddr *sa, size_t *len)
{
	size_t least = offsetof(struct sockaddr, sa_data);

	memset(copy, 0, sizeof(*copy));
	if (*len > sizeof(*copy))
		*len = sizeof(*copy);
	if (*len < least)
		return AF_UNSPEC;
	memcpy(copy, sa, *len);
	if (copy->sa.sa_family == AF_INET)
		least = sizeof(copy->in);
	else if (copy->sa.sa_family == AF_INET6)
		least = sizeof(copy->in6);
	return *len < least ? AF_UNSPEC : copy->sa.sa_family;
}

void
address_format(const struct sockaddr *sa, socklen_t len, char *out, size_t size)
{
	union any_sockaddr any;
	size_t used = len;

	switch (copy_sockaddr(&any, sa, &used)) {
	case AF_INET:
		format_inet(
		    &any.in.sin_addr, ntohs(any.in.sin_port), false, out, size);
		break;
	case AF_INET6: format_inet6(&any.in6, out, size); break;
	case AF_UNIX: format_unix(&any.un, used, out, size); break;
	default: snprintf(out, size, "unknown"); break;
	}
}

void
address_format_peer(
    const struct sockaddr *sa, socklen_t len, char *out, size_t size)
{
	union any_sockaddr any;
	struct in_addr mapped;
	size_t used = len;
	int family = copy_sockaddr(&any, sa, &used);

	if (family == AF_UNIX) {
		snprintf(out, size, "unix");
	} else if (family == AF_INET) {
		format_inet(
		    &any.in.sin_addr, ntohs(any.in.sin_port), true, out, size);
	} else if (family == AF_INET6 &&
		   IN6_IS_ADDR_V4MAPPED(&any.in6.sin6_addr)) {
		memcpy(&mapped, &any.in6.sin6_addr.s6_addr[12], 4);
		format_inet(&mapped, ntohs(any.in6.sin6_port), true, out, size);
	} else {
		address_format(sa, len, out, size);
	}
}
