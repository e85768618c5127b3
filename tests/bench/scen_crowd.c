/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * A crowd that sits there: what each of them costs, how fast they came in, and
 * what ping-pong and logins are like among them.
 *
 * Memory is what the whole system has less than before: server, kernel and our
 * own side of the connections, in one figure that leaves nothing out.
 */
#include "load.h"

#include <stddef.h>

static void
memory(struct load *l)
{
	long before = memory_settled(), after;
	uint64_t start = now_ns();

	crowd_enter(l, crowd_add(l, 'i', 0, l->idle), l->idle);
	print_figure("entered_per_s",
	    (double)l->idle / ((double)(now_ns() - start) / 1e9));
	after = memory_settled();
	print_figure("memory_kib", (double)(before - after) / (double)l->idle);
	if (l->server != 0)
		memory_of_children(l->server);
}

void
scen_crowd(struct load *l)
{
	if (l->idle == 0)
		die("a crowd of none: -i says how many");
	crowd_reserve(l, l->idle + l->inflight + 3);
	memory(l);
	scen_pingpong_part(l);
	scen_logins_part(l);
}
