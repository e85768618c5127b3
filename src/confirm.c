/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

#include "confirm.h"

void
confirm_wrote(struct confirm *c, size_t raw, size_t text)
{
	unsigned last;

	c->raw += raw;
	c->text += text;
	if (c->raw == c->text)
		return;
	if (c->count < CONFIRM_MARKS)
		c->count++;
	last = (c->first + c->count - 1) % CONFIRM_MARKS;
	c->mark[last].raw = c->raw;
	c->mark[last].text = c->text;
}

void
confirm_unacked(struct confirm *c, uint64_t unacked)
{
	uint64_t acked = unacked < c->raw ? c->raw - unacked : 0;

	if (acked <= c->acked)
		return;
	c->acked = acked;
	if (c->raw == c->text) {
		c->safe = acked;
		return;
	}
	while (c->count > 0 && c->mark[c->first].raw <= acked) {
		c->safe = c->mark[c->first].text;
		c->first = (c->first + 1) % CONFIRM_MARKS;
		c->count--;
	}
}
