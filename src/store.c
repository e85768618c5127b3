/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */
#include "store.h"
#include "channel.h"
#include "log.h"
#include "process.h"
#include "signals.h"
#include "title.h"
#include "wire.h"
#include <poll.h>
#include <unistd.h>

void
store_run(int broker, const struct config *config)
{
	struct channel c;
	struct record r;
	const char *payload;
	enum channel_state st, sense;
	uint64_t n = 0, ready[2] = {0, 0};
	(void)config;
	process_keep_only(&broker, 1);
	log_role("store");
	title_set("store");
	signals_ignore_all();
	channel_init(&c, broker);
	channel_put(&c, KEPT_READY, ready, sizeof ready);
	for (;;) {
		struct pollfd p = {broker, POLLIN, 0};
		channel_flush(&c);
		poll(&p, 1, -1);
		st = channel_fill(&c);
		while (channel_next(&c, &r, &payload, &sense)) {
			n++;
			if (r.type == STORE_FETCH) {
				char b[9] = {0};
				__builtin_memcpy(b, payload, 8);
				channel_put(&c, KEPT_SYNCED, &n, 8);
				channel_put(&c, KEPT_FETCHED, b, 9);
			}
		}
		channel_put(&c, KEPT_SYNCED, &n, 8);
		if (st != CHANNEL_OPEN)
			_exit(0);
	}
}
