/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * Many clients that come in.
 *
 * A few at a time: enough to keep the server busy, and few enough to fit into
 * the shortest queue of a listening socket (ngircd's holds 10).  They connect
 * in the order of the array, which is what pairs them at a server of pairs.
 */
#include "load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sys/resource.h>

/* How long it may take until one more is in. */
#define PATIENCE_NS (UINT64_C(20) * 1000 * 1000 * 1000)

/* Descriptors that are not clients. */
#define SPARE 16

void
crowd_reserve(struct load *l, size_t count)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		die("getrlimit: %s", strerror(errno));
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		die("setrlimit: %s", strerror(errno));
	if (limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < count + SPARE)
		not_applicable("%zu clients, but only %ju descriptors", count,
		    (uintmax_t)limit.rlim_cur);
	l->conn = calloc(count, sizeof(*l->conn));
	if (l->conn == NULL)
		die("out of memory");
	l->conn_max = count;
}

struct conn *
crowd_add(struct load *l, char kind, unsigned number, size_t count)
{
	struct conn *first = l->conn + l->conn_count;

	if (l->conn_count + count > l->conn_max)
		die("no room for %zu clients more", count);
	for (size_t i = 0; i < count; i++)
		conn_init(first + i, l, kind, number + (unsigned)i);
	l->conn_count += count;
	return first;
}

void
crowd_enter(struct load *l, struct conn *first, size_t count)
{
	size_t before = l->ready, opened = 0, in = 0;
	uint64_t last = now_ns();

	while (in < count) {
		while (opened < count && opened - in < l->inflight)
			conn_open(&first[opened++]);
		load_round(l, 100);
		if (l->ready - before != in) {
			in = l->ready - before;
			last = now_ns();
		} else if (now_ns() - last > PATIENCE_NS) {
			die("%zu of %zu clients are in, and no more", in,
			    count);
		}
	}
}
