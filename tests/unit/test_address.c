/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>

#include "address.h"
#include "check.h"

/* Reads text and writes it again; "ERROR: why" if it cannot be read. */
static const char *
round_trip(const char *text)
{
	static char out[256];
	struct address list[ADDRESS_PER_TEXT];
	const char *why = "";
	int n = address_parse(text, list, ADDRESS_PER_TEXT, &why);
	size_t len = 0;

	if (n < 0) {
		snprintf(out, sizeof(out), "ERROR: %s", why);
		return out;
	}
	for (int i = 0; i < n; i++) {
		char one[ADDRESS_TEXT_MAX];

		address_format((const struct sockaddr *)&list[i].sa,
		    list[i].len, one, sizeof(one));
		len += (size_t)snprintf(out + len, sizeof(out) - len, "%s%s",
		    i > 0 ? " " : "", one);
	}
	return out;
}

#define ROUND(text, want)                                                      \
	do {                                                                   \
		const char *got = round_trip(text);                            \
		CHECK_STR(got, strlen(got), want);                             \
	} while (0)

#define REFUSED(text, word)                                                    \
	do {                                                                   \
		const char *got = round_trip(text);                            \
		bool refused = strncmp(got, "ERROR", 5) == 0 &&                \
		               strstr(got, word) != NULL;                      \
		if (!refused)                                                  \
			printf("# %s gave %s\n", text, got);                   \
		CHECK(refused);                                                \
	} while (0)

static void
what_is_written_is_read(void)
{
	ROUND("127.0.0.1:8080", "127.0.0.1:8080");
	ROUND("0.0.0.0:0", "0.0.0.0:0");
	ROUND("255.255.255.255:65535", "255.255.255.255:65535");
	ROUND("[::1]:8080", "[::1]:8080");
	ROUND("[::]:0", "[::]:0");
	ROUND("[2001:DB8:0:0::1]:7", "[2001:db8::1]:7");
	ROUND("[fe80::1%1]:8080", "[fe80::1%1]:8080");
	ROUND("unix:/run/telld/sock", "unix:/run/telld/sock");
	ROUND("unix:a b:c", "unix:a b:c");
}

static void
a_star_is_both_families(void)
{
	struct address list[ADDRESS_PER_TEXT];
	const char *why;

	ROUND("*:8080", "[::]:8080 0.0.0.0:8080");
	CHECK(address_parse("*:8080", list, 1, &why) == -1);
	CHECK(address_parse("127.0.0.1:1", list, 0, &why) == -1);
	CHECK(address_parse("127.0.0.1:1", list, 1, &why) == 1);
}

static void
errors_say_what_would_be_right(void)
{
	REFUSED("", "127.0.0.1:8080");
	REFUSED("8080", "127.0.0.1:8080");
	REFUSED("*", "*:8080");
	REFUSED("localhost:8080", "numeric");
	REFUSED("127.1:8080", "numeric");
	REFUSED("127.0.0.1.5:8080", "numeric");
	REFUSED("1234567890123456789012345:80", "numeric");
	REFUSED(" 127.0.0.1:8080", "numeric");
	REFUSED("::1:8080", "brackets");
	REFUSED("[::1]", "[::1]:8080");
	REFUSED("[::1]8080", "[::1]:8080");
	REFUSED("[::1:8080", "[::1]:8080");
	REFUSED("[127.0.0.1]:8080", "IPv6");
	REFUSED("[fe80::1%]:8080", "IPv6");
	REFUSED("[fe80::1%0]:8080", "IPv6");
	REFUSED("[fe80::1%no-such-if]:8080", "IPv6");
}

static void
ports_are_digits_only(void)
{
	REFUSED("127.0.0.1:", "port");
	REFUSED("127.0.0.1:65536", "port");
	REFUSED("127.0.0.1:100000", "port");
	REFUSED("127.0.0.1:-1", "port");
	REFUSED("127.0.0.1:+1", "port");
	REFUSED("127.0.0.1: 1", "port");
	REFUSED("127.0.0.1:1x", "port");
	REFUSED("127.0.0.1:http", "port");
	REFUSED("[::1]:", "port");
	REFUSED("*:", "port");
}

static void
paths_fit_or_are_refused(void)
{
	char text[256] = "unix:";
	struct address a;
	const char *why;

	memset(text + 5, 'x', ADDRESS_PATH_MAX);
	text[0] = 'u';
	text[5] = '/';
	text[5 + ADDRESS_PATH_MAX] = '\0';
	ROUND(text, text);
	CHECK(address_from_path(text + 5, &a, &why));
	CHECK(address_kind_of(&a) == ADDRESS_UNIX);
	CHECK(strcmp(address_path(&a), text + 5) == 0);
	text[5 + ADDRESS_PATH_MAX] = 'x';
	text[6 + ADDRESS_PATH_MAX] = '\0';
	REFUSED(text, "too long");
	REFUSED("unix:", "no path");
	REFUSED("unix:/tmp/a\nb", "control");
}

static void
ports_are_read_and_set(void)
{
	struct address list[ADDRESS_PER_TEXT];
	const char *why;

	CHECK(address_parse("*:8080", list, 2, &why) == 2);
	CHECK(address_kind_of(&list[0]) == ADDRESS_INET6);
	CHECK(address_kind_of(&list[1]) == ADDRESS_INET);
	for (int i = 0; i < 2; i++) {
		CHECK(address_port(&list[i]) == 8080);
		address_set_port(&list[i], 4711);
		CHECK(address_port(&list[i]) == 4711);
		CHECK(strcmp(address_path(&list[i]), "") == 0);
	}
	CHECK(address_parse("unix:/x", list, 2, &why) == 1);
	address_set_port(&list[0], 1);
	CHECK(address_port(&list[0]) == 0);
	CHECK(strcmp(address_path(&list[0]), "/x") == 0);
}

static const char *
peer(const char *text)
{
	static char out[ADDRESS_TEXT_MAX];
	struct address a;
	const char *why;

	if (address_parse(text, &a, 1, &why) != 1)
		return why;
	address_format_peer(
	    (const struct sockaddr *)&a.sa, a.len, out, sizeof(out));
	return out;
}

static void
peers_are_shown_in_brackets(void)
{
	CHECK(strcmp(peer("127.0.0.1:5123"), "[127.0.0.1]:5123") == 0);
	CHECK(strcmp(peer("[::1]:5123"), "[::1]:5123") == 0);
	CHECK(strcmp(peer("[::ffff:10.0.0.1]:1"), "[10.0.0.1]:1") == 0);
	CHECK(strcmp(peer("unix:/x"), "unix") == 0);
}

static void
what_the_kernel_gives_is_shown(void)
{
	struct sockaddr_storage ss = {0};
	struct sockaddr *sa = (struct sockaddr *)&ss;
	socklen_t start = (socklen_t)offsetof(struct sockaddr_un, sun_path);
	char out[ADDRESS_TEXT_MAX];
	char tiny[4];

	address_format(sa, 0, out, sizeof(out));
	CHECK(strcmp(out, "unknown") == 0);
	sa->sa_family = AF_INET;
	address_format_peer(sa, sizeof(sa->sa_family), out, sizeof(out));
	CHECK(strcmp(out, "unknown") == 0);
	sa->sa_family = AF_UNIX;
	address_format(sa, start, out, sizeof(out));
	CHECK(strcmp(out, "unix") == 0);
	memcpy((char *)&ss + start, "\0abc", 4);
	address_format(sa, start + 4, out, sizeof(out));
	CHECK(strcmp(out, "unix:@abc") == 0);
	memset((char *)&ss + start, 'y', sizeof(ss) - start);
	address_format(sa, sizeof(struct sockaddr_un), out, sizeof(out));
	CHECK(strlen(out) == 5 + ADDRESS_PATH_MAX + 1);
	address_format(sa, sizeof(ss), out, sizeof(out));
	CHECK(strlen(out) == 5 + ADDRESS_PATH_MAX + 1);
	address_format(sa, sizeof(struct sockaddr_un), tiny, sizeof(tiny));
	CHECK(strcmp(tiny, "uni") == 0);
}

int
main(void)
{
	RUN(what_is_written_is_read);
	RUN(a_star_is_both_families);
	RUN(errors_say_what_would_be_right);
	RUN(ports_are_digits_only);
	RUN(paths_fit_or_are_refused);
	RUN(ports_are_read_and_set);
	RUN(peers_are_shown_in_brackets);
	RUN(what_the_kernel_gives_is_shown);
	return check_summary();
}
