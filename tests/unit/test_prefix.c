/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

#include "address.h"
#include "check.h"
#include "prefix.h"

/* True if the client at address is in the prefix. */
static bool
has(const char *prefix, const char *address)
{
	struct prefix p;
	struct address a;
	const char *why = "";

	if (!prefix_parse(prefix, &p, &why) ||
	    address_parse(address, &a, 1, &why) != 1) {
		printf("# %s %s: %s\n", prefix, address, why);
		check_ok = false;
		return false;
	}
	return prefix_matches(&p, (const struct sockaddr *)&a.sa, a.len);
}

static bool
refuses(const char *text, const char *word)
{
	struct prefix p;
	const char *why = "";

	if (!prefix_parse(text, &p, &why) && strstr(why, word) != NULL)
		return true;
	printf("# %s: %s\n", text, why);
	return false;
}

static void
the_first_bits_decide(void)
{
	CHECK(has("10.0.0.0/8", "10.255.0.1:1"));
	CHECK(!has("10.0.0.0/8", "11.0.0.1:1"));
	CHECK(has("192.168.4.0/22", "192.168.7.255:1"));
	CHECK(!has("192.168.4.0/22", "192.168.8.0:1"));
	CHECK(has("2001:db8::/33", "[2001:db8:7fff::1]:1"));
	CHECK(!has("2001:db8::/33", "[2001:db8:8000::1]:1"));
}

static void
without_a_length_it_is_one_address(void)
{
	CHECK(has("192.0.2.1", "192.0.2.1:1"));
	CHECK(!has("192.0.2.1", "192.0.2.0:1"));
	CHECK(has("::1", "[::1]:1") && !has("::1", "[::2]:1"));
	CHECK(has("192.0.2.1/32", "192.0.2.1:1"));
	CHECK(has("::1/128", "[::1]:1"));
}

static void
length_0_is_all_of_a_family(void)
{
	CHECK(has("0.0.0.0/0", "203.0.113.9:1"));
	CHECK(!has("0.0.0.0/0", "[2001:db8::1]:1"));
	CHECK(has("::/0", "[2001:db8::1]:1"));
}

static void
ipv4_over_ipv6_is_ipv4(void)
{
	CHECK(has("10.0.0.0/8", "[::ffff:10.1.2.3]:1"));
	CHECK(!has("10.0.0.0/8", "[::ffff:11.1.2.3]:1"));
}

static void
a_unix_socket_is_in_no_prefix(void)
{
	CHECK(!has("0.0.0.0/0", "unix:/x") && !has("::/0", "unix:/x"));
}

static void
what_is_no_prefix_is_refused(void)
{
	CHECK(refuses("", "numeric") && refuses("localhost", "numeric"));
	CHECK(refuses("10/8", "numeric") && refuses("/8", "numeric"));
	CHECK(refuses("10.0.0.0/", "length"));
	CHECK(refuses("10.0.0.0/33", "length"));
	CHECK(refuses("10.0.0.0/-1", "length"));
	CHECK(refuses("10.0.0.0/8x", "length"));
	CHECK(refuses("::/129", "length") && refuses("::/1000", "length"));
	CHECK(refuses("10.0.0.1/8", "beyond"));
	CHECK(refuses("2001:db8::1/32", "beyond"));
}

int
main(void)
{
	RUN(the_first_bits_decide);
	RUN(without_a_length_it_is_one_address);
	RUN(length_0_is_all_of_a_family);
	RUN(ipv4_over_ipv6_is_ipv4);
	RUN(a_unix_socket_is_in_no_prefix);
	RUN(what_is_no_prefix_is_refused);
	return check_summary();
}
