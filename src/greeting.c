/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

#include "greeting.h"

#include "broker.h"

void
greeting_ask(struct broker *b, struct peer *p)
{
	p->is_person = true;
	p->out.keep = PEER_KEEP;
	if (p->state == PEER_NAMING)
		peer_say(b, p, "* telld at %s. Your name?", b->host);
}

void
greeting_hello(struct broker *b, struct peer *p)
{
	const struct config *c = b->config;

	if (!p->is_person)
		return;
	peer_say(b, p, "* hello %.*s, %zu here. /help helps", (int)p->name->len,
	    p->name->text, b->here_count);
	if (c->motd_len > 0 && !p->closing)
		peer_put_news(b, p, c->motd_text, c->motd_len);
}
