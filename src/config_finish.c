/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/* The last step of a configuration, and the only one that looks around. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "message.h"
#include "motd.h"
#include "units.h"

/* The XDG base directory specification: a relative path there is to be taken
 * as not set. */
static const char *
absolute_env(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && value[0] == '/' ? value : NULL;
}

/* Where telld keeps what outlives it; false if nothing says where. */
static bool
state_directory(char *out, size_t size)
{
	const char *state = absolute_env("XDG_STATE_HOME");
	const char *home = absolute_env("HOME");
	int n = -1;

	if (geteuid() == 0)
		n = snprintf(out, size, "/var/lib/telld");
	else if (state != NULL)
		n = snprintf(out, size, "%s/telld", state);
	else if (home != NULL)
		n = snprintf(out, size, "%s/.local/state/telld", home);
	return n >= 0 && (size_t)n < size;
}

/* Only this host, until somebody asks for more. */
static void
default_listen(struct config *c)
{
	snprintf(c->listen[0], sizeof(c->listen[0]), "127.0.0.1:8080");
	c->listen_count = 1;
}

static void
default_store(struct config *c, struct config_errors *e)
{
	if (c->store[0] != '\0' || state_directory(c->store, sizeof(c->store)))
		return;
	c->store[0] = '\0';
	config_errors_add(e,
	    "store: no default without HOME or XDG_STATE_HOME; "
	    "set an absolute path, or none");
}

/* Beside the other sockets of the user's session, or else with the mail:
 * that directory is the user's own too. */
static void
default_control(struct config *c, struct config_errors *e)
{
	char path[CONFIG_VALUE_MAX], state[CONFIG_VALUE_MAX];
	const char *runtime = absolute_env("XDG_RUNTIME_DIR");
	int n = -1;

	if (c->control[0] != '\0')
		return;
	if (geteuid() == 0)
		n = snprintf(path, sizeof(path), "/run/telld/control");
	else if (runtime != NULL)
		n = snprintf(path, sizeof(path), "%s/telld.sock", runtime);
	else if (c->store[0] == '/')
		n = snprintf(path, sizeof(path), "%s/control", c->store);
	else if (state_directory(state, sizeof(state)))
		n = snprintf(path, sizeof(path), "%s/control", state);
	if (n >= 0 && (size_t)n < sizeof(c->control))
		memcpy(c->control, path, (size_t)n + 1);
	else
		config_errors_add(e,
		    "control: no default %s; set an absolute path",
		    n == -1 ? "without HOME or XDG_RUNTIME_DIR"
			    : "that is short enough for a Unix socket");
}

/* A part must not be larger than the whole. */
static void
check_fits(const char *part, uint64_t part_size, const char *whole,
    uint64_t whole_size, struct config_errors *e)
{
	char text[UNITS_TEXT_MAX], limit[UNITS_TEXT_MAX];

	if (part_size <= whole_size)
		return;
	units_format(UNITS_BYTES, (int64_t)part_size, text);
	units_format(UNITS_BYTES, (int64_t)whole_size, limit);
	config_errors_add(
	    e, "%s: %s is more than %s, which is %s", part, text, whole, limit);
}

/* Port 0 is a different port each time, so only that may be said twice. */
static bool
takes_any_port(const char *text)
{
	size_t len = strlen(text);

	return strncmp(text, "unix:", 5) != 0 && len > 2 &&
	       strcmp(text + len - 2, ":0") == 0;
}

static void
check_listen(const struct config *c, struct config_errors *e)
{
	for (size_t i = 0; i < c->listen_count; i++) {
		const char *text = c->listen[i];

		for (size_t j = 0; j < i; j++)
			if (strcmp(text, c->listen[j]) == 0 &&
			    !takes_any_port(text))
				config_errors_add(
				    e, "listen: %s is set twice", text);
		if (strncmp(text, "unix:", 5) == 0 &&
		    strcmp(text + 5, c->control) == 0)
			config_errors_add(
			    e, "listen: %s is the control socket", text);
	}
}

static void
check_poller(const struct config *c, struct config_errors *e)
{
#ifdef __linux__
	(void)c;
	(void)e;
#else
	if (c->poller == CONFIG_POLLER_EPOLL)
		config_errors_add(
		    e, "poller: epoll is not on this system (auto or poll)");
#endif
}

static void
read_motd(struct config *c, struct config_errors *e)
{
	char why[MOTD_WHY_MAX];

	c->motd_len = 0;
	if (strcmp(c->motd, "none") != 0 &&
	    !motd_read(c->motd, c->motd_text, &c->motd_len, why))
		config_errors_add(e, "motd: %s: %s", c->motd, why);
}

bool
config_finish(struct config *c, struct config_errors *e)
{
	if (c->listen_count == 0)
		default_listen(c);
	default_store(c, e);
	default_control(c, e);
	check_listen(c, e);
	check_poller(c, e);
	config_alias_check(c, e);
	read_motd(c, e);
	if (config_keeps_mail(c)) {
		check_fits("mailbox_max", c->mailbox_max, "store_max",
		    c->store_max, e);
		check_fits("segment_max", c->segment_max, "store_max",
		    c->store_max, e);
	}
	return e->count == 0;
}

bool
config_keeps_mail(const struct config *c)
{
	return strcmp(c->store, "none") != 0;
}

bool
config_may_broadcast(const struct config *c, const char *name, size_t len)
{
	struct message m = {
	    .dests = c->broadcast, .dests_len = strlen(c->broadcast)};
	struct message_dests d;
	const char *one;
	size_t n;

	if (strcmp(c->broadcast, "all") == 0)
		return true;
	if (strcmp(c->broadcast, "none") == 0)
		return false;
	message_dests_init(&d, &m);
	while (message_next_dest(&d, &one, &n))
		if (n == len && memcmp(one, name, len) == 0)
			return true;
	return false;
}
