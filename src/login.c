/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

#include "login.h"

#include "broker.h"
#include "greeting.h"
#include "leave.h"
#include "log.h"
#include "presence.h"
#include "text.h"

#include <stdio.h>
#include <string.h>

#define BAD_NAMES_MAX 3
/* A session probes for 3 s at most; one that says nothing by then is stuck. */
#define PROBE_ANSWER_MS 4000

static void
enter(struct broker *b, struct peer *p, struct name *name)
{
	p->name = name;
	p->state = PEER_HERE;
	p->since = b->time;
	p->login_by = 0;
	p->prefix_len = (uint8_t)snprintf(p->prefix, sizeof p->prefix,
	    "from %.*s: ", (int)name->len, name->text);
	p->name_due = true;
	name->peer = p;
	b->here_count++;
	p->is_counted = true;
	p->heard = b->time;
	log_info("login name=%s from=%s", peer_shown(p), p->address);
	greeting_hello(b, p);
	if (!name->known)
		mailroom_know(b, name);
	presence_return(b, p);
	if (name->mails > 0 || name->adds > 0)
		mailroom_fetch(b, p);
	peer_set_timer(b, p);
	peer_touch(b, p);
	peer_resume(b, p);
	if (b->stopping)
		leave_begin(b, p, "stop");
}

void
login_probe(struct broker *b, struct peer *p, int what)
{
	if (p->probed)
		return;
	p->probed = true;
	p->probe_due = true;
	p->probe_what = (uint8_t)what;
	p->answer_by = b->now + PROBE_ANSWER_MS;
	peer_set_timer(b, p);
	peer_touch(b, p);
}

/* Either the name is free, or its holder is on the way out, or it has to
 * prove that it is alive. */
static void
try(struct broker *b, struct peer *p, struct name *name)
{
	struct peer **at = &name->waiters;

	if (name->peer == NULL) {
		enter(b, p, name);
		return;
	}
	p->state = PEER_WAITING;
	p->name = name;
	p->next_waiter = NULL;
	while (*at != NULL)
		at = &(*at)->next_waiter;
	*at = p;
	peer_pause(p, PAUSE_NAME, NULL);
	if (!name->peer->closing)
		login_probe(b, name->peer, PROBE_LINK);
}

void
login_line(struct broker *b, struct peer *p, const char *line, size_t len)
{
	struct message_dests members;
	enum name_error error;
	struct name *name;

	text_trim(&line, &len);
	error = name_check(line, len);
	if (error != NAME_OK || config_alias(b->config, line, len, &members)) {
		peer_say(b, p, "! bad name: %s",
		    error != NAME_OK ? name_why(error)
				     : "it stands for others");
		login_bad(b, p);
		return;
	}
	name = names_get(&b->names, line, len);
	if (name == NULL) {
		leave_begin(b, p, "memory");
		return;
	}
	try(b, p, name);
}

void
login_bad(struct broker *b, struct peer *p)
{
	if (++p->bad_names < BAD_NAMES_MAX)
		return;
	log_info("badlogin from=%s", p->address);
	leave_begin(b, p, "badlogin");
}

/* The holder is alive: the newcomers may try another name. */
static void
refuse_waiters(struct broker *b, struct name *name)
{
	struct peer *p;

	while ((p = name->waiters) != NULL) {
		name->waiters = p->next_waiter;
		p->state = PEER_NAMING;
		p->name = NULL;
		peer_say(b, p, "! %.*s is already here from %s", (int)name->len,
		    name->text, name->peer->address);
		peer_resume(b, p);
	}
}

/* One that has finished sending is as good as gone: it is waited for. */
void
login_probed(struct broker *b, struct peer *p)
{
	if (!p->probed)
		return;
	p->probed = false;
	p->answer_by = 0;
	peer_set_timer(b, p);
	if (p->state == PEER_HERE && !p->closing && !p->input_ended)
		refuse_waiters(b, p->name);
}

void
login_freed(struct broker *b, struct name *name)
{
	struct peer *waiters = name->waiters, *p;

	name->waiters = NULL;
	while ((p = waiters) != NULL) {
		waiters = p->next_waiter;
		try(b, p, name);
	}
}

void
login_forget(struct broker *b, struct peer *p)
{
	struct peer **at = &p->name->waiters;

	while (*at != p)
		at = &(*at)->next_waiter;
	*at = p->next_waiter;
	names_release(&b->names, p->name);
	p->name = NULL;
}
