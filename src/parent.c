/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * A connection's life begins here: accept, a socketpair, fork.  The child
 * becomes its session; the broker is sent the other end of the socketpair,
 * with the pid and the address.  From then on the parent knows of it only a
 * pid, until waitpid(2) gives that back, and its exit status goes the same
 * way.
 */
#define _GNU_SOURCE
#include "parent.h"

#include "broker.h"
#include "channel.h"
#include "children.h"
#include "log.h"
#include "process.h"
#include "session.h"
#include "signals.h"
#include "timer.h"
#include "title.h"

#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	PFD_SIGNALS,
	PFD_BROKER,
	PFD_LISTEN
};

#define ACCEPT_BATCH     64    /* connections taken in one round */
#define OWN_DESCRIPTORS  64    /* of the broker's, not for sessions */
#define BROKER_DEATHS    5     /* so many ... */
#define BROKER_DEATHS_MS 60000 /* ... within this: give up */
#define RESTART_MS       100   /* before the next broker; doubled each time */
#define REFUSE_PAUSE_MS  100   /* no accepting after a lack of something */
#define STOP_GRACE_MS    5000  /* beyond linger: the store's last sync */
#define GONE_MS          10    /* before asking again for one about to exit */
#define GONE_MAX         1024  /* of these; the others a sweep finds */
#define SWEEP_MS         2000  /* for children that nothing told of */
#define ORPHAN_MS        500   /* for sessions whose broker has finished */

struct parent {
	const struct parent_start *start;
	const struct config *config;
	struct children children;
	struct channel broker; /* fd -1: there is none */
	pid_t broker_pid;      /* 0: there is none */
	bool ready;            /* the broker takes sessions */
	bool announced;
	unsigned deaths; /* of brokers, in the last minute */
	uint64_t deaths_since, restart_at;
	int handing; /* owned; a session's channel that the broker
	              * has not taken yet; -1: none */
	struct parent_session handing_record;
	int spare;            /* a descriptor to give up when there are none */
	uint64_t pause_until; /* no accepting before */
	uint64_t sweep_at;    /* when to look at all children; 0: no need */
	uint64_t gone_at;     /* when to ask for those in gone; 0: none */
	pid_t gone[GONE_MAX];
	size_t gone_count;
	bool stopping;
	uint64_t stop_by;
	int status; /* the daemon's, when it has stopped */
	int signals;
};

/* ---- the broker's life ---- */

static void
start_broker(struct parent *p)
{
	struct broker_start start;
	int fd[2];

	p->restart_at = 0;
	if (channel_pair(fd) == -1)
		fatal("fail what=socketpair error=%s", strerror(errno));
	p->broker_pid = process_fork();
	if (p->broker_pid == -1)
		fatal("fail what=fork role=broker error=%s", strerror(errno));
	if (p->broker_pid == 0) {
		start.parent = fd[1];
		start.control = p->start->control->fd;
		start.lock = p->start->lock;
		start.config = p->config;
		broker_run(&start);
	}
	close(fd[1]);
	channel_init(&p->broker, fd[0]);
	log_debug("fork role=broker pid=%ld", (long)p->broker_pid);
}

static void
close_broker(struct parent *p)
{
	channel_close(&p->broker);
	p->ready = false;
	if (p->handing != -1)
		close(p->handing);
	p->handing = -1;
}

/* Five deaths in a minute are no accident. */
static void
broker_died(struct parent *p, int status, uint64_t now)
{
	close_broker(p);
	p->broker_pid = 0;
	if (p->stopping) {
		if (p->stop_by > now + ORPHAN_MS)
			p->stop_by = now + ORPHAN_MS;
		return;
	}
	log_error("reap role=broker signal=%d status=%d",
	    WIFSIGNALED(status) ? WTERMSIG(status) : 0,
	    WIFEXITED(status) ? WEXITSTATUS(status) : 0);
	if (p->deaths == 0 || now - p->deaths_since > BROKER_DEATHS_MS) {
		p->deaths = 0;
		p->deaths_since = now;
	}
	p->deaths++;
	if (!p->announced || p->deaths >= BROKER_DEATHS) {
		log_error("fail what=broker deaths=%u", p->deaths);
		p->status = 1;
		p->stopping = true;
		p->stop_by = now + ORPHAN_MS;
		return;
	}
	p->restart_at = now + ((uint64_t)RESTART_MS << (p->deaths - 1));
}

/* Whoever waits for telld learns that it is ready, and where it listens. */
static void
announce(struct parent *p)
{
	char address[ADDRESS_TEXT_MAX], line[ADDRESS_TEXT_MAX + 32];
	const struct listener *l;
	size_t i;
	int n;

	for (i = 0; i < p->start->count; i++) {
		l = &p->start->listeners[i];
		address_format((const struct sockaddr *)&l->address.sa,
		    l->address.len, address, sizeof address);
		log_info("listening on %s", address);
		n = snprintf(line, sizeof line, "listening on %s\n", address);
		if (p->start->ready_fd != -1)
			(void)!write(p->start->ready_fd, line, (size_t)n);
	}
	if (p->start->ready_fd != -1)
		close(p->start->ready_fd);
	if (p->start->ready != NULL)
		p->start->ready(p->start->arg);
	p->announced = true;
}

/* ---- the end ---- */

static void
close_listeners(const struct parent *p)
{
	size_t i;

	for (i = 0; i < p->start->count; i++)
		listener_close_and_unlink(&p->start->listeners[i]);
	listener_close_and_unlink(p->start->control);
}

/* The first time politely; after that in a hurry. */
static void
stop(struct parent *p, uint64_t now)
{
	uint32_t ms = (uint32_t)p->config->linger;

	if (!p->stopping)
		close_listeners(p);
	p->stop_by =
	    now + (p->stopping ? 2 * ORPHAN_MS : ms + (uint64_t)STOP_GRACE_MS);
	p->stopping = true;
	p->restart_at = 0;
	if (p->broker.fd != -1)
		channel_put(&p->broker, PARENT_STOP, &ms, sizeof ms);
}

static void
kill_all(const struct parent *p)
{
	size_t at = 0;
	pid_t pid;

	while ((pid = children_next(&p->children, &at)) != 0)
		kill(pid, SIGKILL);
	if (p->broker_pid != 0)
		kill(p->broker_pid, SIGKILL);
}

/* ---- reaping ---- */

static void
reaped(struct parent *p, pid_t pid, int status, uint64_t now)
{
	struct parent_exited e;

	if (pid == p->broker_pid) {
		broker_died(p, status, now);
		return;
	}
	e.id = children_take(&p->children, pid);
	e.pid = (int32_t)pid;
	e.status = status;
	if (e.id != 0 && p->broker.fd != -1)
		channel_put(&p->broker, PARENT_EXITED, &e, sizeof e);
}

/*
 * waitpid(-1) looks at every child there is.  So a child is asked for by its
 * pid: the one that the signal names, and the one of which the broker says
 * that its channel is at end of file, which has exited or is about to.  What
 * both miss, a sweep finds some time.
 */
static bool
reap_one(struct parent *p, pid_t pid, uint64_t now)
{
	int status;

	if (waitpid(pid, &status, WNOHANG) != pid)
		return false;
	reaped(p, pid, status, now);
	return true;
}

static void
sweep_within(struct parent *p, uint64_t ms, uint64_t now)
{
	if (p->sweep_at == 0 || p->sweep_at > now + ms)
		p->sweep_at = now + ms;
}

static void
on_signals(struct parent *p, uint64_t now)
{
	pid_t pid;
	int sig;

	while ((sig = signals_next(&pid)) != 0)
		if (sig != SIGCHLD) {
			log_info("signal number=%d", sig);
			stop(p, now);
		} else if (pid > 0) {
			reap_one(p, pid, now);
			sweep_within(p,
			    p->ready && !p->stopping ? SWEEP_MS : GONE_MS, now);
		}
}

/* Those that had not quite exited when the broker told of them. */
static void
reap_gone(struct parent *p, uint64_t now)
{
	size_t i, left = 0;

	for (i = 0; i < p->gone_count; i++)
		if (children_has(&p->children, p->gone[i]) &&
		    !reap_one(p, p->gone[i], now))
			p->gone[left++] = p->gone[i];
	p->gone_count = left;
	p->gone_at = left > 0 ? now + GONE_MS : 0;
}

static void
on_gone(struct parent *p, pid_t pid, uint64_t now)
{
	if (!children_has(&p->children, pid) || reap_one(p, pid, now) ||
	    p->gone_count == GONE_MAX)
		return;
	p->gone[p->gone_count++] = pid;
	if (p->gone_at == 0)
		p->gone_at = now + GONE_MS;
}

static void
sweep(struct parent *p, uint64_t now)
{
	int status;
	pid_t pid;

	p->sweep_at = 0;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		reaped(p, pid, status, now);
}

/* ---- what the broker says ---- */

static void
on_kill(const struct parent *p, const struct broker_kill *k)
{
	pid_t pid = children_pid(&p->children, k->id);

	if (pid != 0 && pid == k->pid)
		kill(pid, SIGKILL);
}

static void
on_broker_record(
    struct parent *p, const struct record *r, const char *payload, uint64_t now)
{
	struct broker_kill k;
	int32_t pid;

	switch (r->type) {
	case BROKER_READY:
		p->ready = true;
		if (!p->announced)
			announce(p);
		break;
	case BROKER_KILL:
		if (r->length == sizeof k) {
			memcpy(&k, payload, sizeof k);
			on_kill(p, &k);
		}
		break;
	case BROKER_GONE:
		if (r->length == sizeof pid) {
			memcpy(&pid, payload, sizeof pid);
			on_gone(p, (pid_t)pid, now);
		}
		break;
	case BROKER_STOP:
		if (!p->stopping)
			stop(p, now);
		break;
	default: log_error("violation from=broker record=%u", r->type); break;
	}
}

static void
on_broker(struct parent *p, uint64_t now)
{
	enum channel_state state, sense;
	struct record r;
	const char *payload;

	state = channel_fill(&p->broker);
	while (channel_next(&p->broker, &r, &payload, &sense))
		on_broker_record(p, &r, payload, now);
	if (state != CHANNEL_OPEN || sense != CHANNEL_OPEN)
		close_broker(p);
}

/* ---- a connection's beginning ---- */

static void
refuse(struct parent *p, int client, const char *limit, uint64_t now)
{
	static const char text[] = "! telld is full, try later\n";

	(void)!send(client, text, sizeof text - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	close(client);
	log_warning("limit key=%s clients=%zu", limit, p->children.count);
	p->pause_until = now + REFUSE_PAUSE_MS;
}

static void
hand_over(struct parent *p)
{
	if (p->handing == -1 || channel_waiting(&p->broker) > 0)
		return;
	if (channel_send_fd(&p->broker, PARENT_SESSION, &p->handing_record,
		sizeof p->handing_record, p->handing) == -1 &&
	    errno == EAGAIN)
		return;
	close(p->handing);
	p->handing = -1;
}

static _Noreturn void
become_session(struct parent *p, int client, int channel)
{
	struct session_start start = {
	    client, channel, p->handing_record.address, p->config};
	int keep[2] = {client, channel};

	process_keep_only(keep, 2);
	session_run(&start);
}

/* False when something was lacking, and the client was told. */
static bool
begin_session(struct parent *p, int client, const struct sockaddr *sa,
    socklen_t len, uint64_t now)
{
	struct parent_session *record = &p->handing_record;
	uint64_t id = children_reserve(&p->children);
	int fd[2];
	pid_t pid;

	if (id == 0) {
		refuse(p, client, "max_clients", now);
		return false;
	}
	memset(record, 0, sizeof *record);
	address_format_peer(sa, len, record->address, sizeof record->address);
	if (channel_pair(fd) == -1) {
		children_unreserve(&p->children, id);
		refuse(p, client, "descriptors", now);
		return false;
	}
	pid = process_fork();
	if (pid == 0)
		become_session(p, client, fd[1]);
	close(fd[1]);
	if (pid == -1) {
		close(fd[0]);
		children_unreserve(&p->children, id);
		refuse(p, client, "processes", now);
		return false;
	}
	close(client);
	children_bind(&p->children, id, pid);
	record->id = id;
	record->pid = (int32_t)pid;
	p->handing = fd[0];
	hand_over(p);
	return true;
}

/* None left even for accept(2): the spare one makes room for a word. */
static void
accept_with_spare(struct parent *p, int listener, uint64_t now)
{
	int client;

	if (p->spare == -1) {
		p->pause_until = now + REFUSE_PAUSE_MS;
		return;
	}
	close(p->spare);
	client = accept(listener, NULL, NULL);
	if (client != -1)
		refuse(p, client, "descriptors", now);
	p->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	p->pause_until = now + REFUSE_PAUSE_MS;
}

static bool
accept_one(struct parent *p, int listener, uint64_t now)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof sa;
	int client;

	memset(&sa, 0, sizeof sa);
	client = accept4(listener, (struct sockaddr *)&sa, &len,
	    SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (client != -1)
		return begin_session(
		    p, client, (struct sockaddr *)&sa, len, now);
	if (errno == EMFILE || errno == ENFILE)
		accept_with_spare(p, listener, now);
	else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
		p->pause_until = now + REFUSE_PAUSE_MS;
	return false;
}

static bool
may_accept(const struct parent *p, uint64_t now)
{
	return p->ready && !p->stopping && p->handing == -1 &&
	       channel_waiting(&p->broker) == 0 && now >= p->pause_until;
}

/* ---- the loop ---- */

static int
timeout(const struct parent *p, uint64_t now)
{
	uint64_t at = p->stopping ? p->stop_by : p->restart_at;

	if (p->pause_until > now && (at == 0 || p->pause_until < at))
		at = p->pause_until;
	if (p->sweep_at != 0 && (at == 0 || p->sweep_at < at))
		at = p->sweep_at;
	if (p->gone_at != 0 && (at == 0 || p->gone_at < at))
		at = p->gone_at;
	if (at == 0)
		return -1;
	return at > now ? (int)(at - now) : 0;
}

static nfds_t
fill(const struct parent *p, struct pollfd *pfd, uint64_t now)
{
	bool listens = may_accept(p, now);
	size_t i;

	pfd[PFD_SIGNALS] = (struct pollfd){p->signals, POLLIN, 0};
	pfd[PFD_BROKER] = (struct pollfd){p->broker.fd, POLLIN, 0};
	if (p->handing != -1 || channel_waiting(&p->broker) > 0)
		pfd[PFD_BROKER].events |= POLLOUT;
	for (i = 0; i < p->start->count; i++)
		pfd[PFD_LISTEN + i] = (struct pollfd){
		    listens ? p->start->listeners[i].fd : -1, POLLIN, 0};
	return (nfds_t)(PFD_LISTEN + p->start->count);
}

static void
round_of(struct parent *p)
{
	struct pollfd pfd[PFD_LISTEN + PARENT_LISTENERS_MAX];
	uint64_t now = timer_now();
	nfds_t i, count = fill(p, pfd, now);
	int batch;

	if (poll(pfd, count, timeout(p, now)) == -1 && errno != EINTR)
		fatal("fail what=poll error=%s", strerror(errno));
	now = timer_now();
	if (pfd[PFD_BROKER].revents & (POLLIN | POLLHUP | POLLERR))
		on_broker(p, now);
	if (pfd[PFD_SIGNALS].revents & POLLIN)
		on_signals(p, now);
	if (p->gone_at != 0 && now >= p->gone_at)
		reap_gone(p, now);
	if (p->sweep_at != 0 && now >= p->sweep_at)
		sweep(p, now);
	if (p->broker.fd != -1 && channel_flush(&p->broker) == 0)
		hand_over(p);
	for (i = PFD_LISTEN; i < count; i++)
		for (batch = 0; pfd[i].revents & POLLIN &&
				batch < ACCEPT_BATCH && may_accept(p, now);
		     batch++)
			if (!accept_one(p, pfd[i].fd, now))
				break;
	if (p->restart_at != 0 && now >= p->restart_at)
		start_broker(p);
	if (p->stopping && now >= p->stop_by) {
		log_warning("kill what=all why=linger");
		kill_all(p);
		p->stop_by = now + ORPHAN_MS;
	}
}

static size_t
most_clients(const struct config *c)
{
	size_t descriptors = process_raise_descriptors();
	size_t most = (size_t)1 << SESSION_SLOT_BITS;
	const char *limit = "descriptors";

	if (descriptors > OWN_DESCRIPTORS &&
	    descriptors - OWN_DESCRIPTORS < most)
		most = descriptors - OWN_DESCRIPTORS;
	if (c->max_clients != 0 && c->max_clients < most) {
		most = c->max_clients;
		limit = "max_clients";
	}
	log_info("start max_clients=%zu limit=%s", most, limit);
	return most;
}

int
parent_run(const struct parent_start *start)
{
	static const int caught[] = {SIGCHLD, SIGTERM, SIGINT};
	static struct parent p;

	title_set("parent");
	p.start = start;
	p.config = start->config;
	p.handing = -1;
	p.signals = signals_open(caught, 3);
	p.spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (p.signals == -1 ||
	    !children_init(&p.children, most_clients(p.config)))
		fatal("fail what=start error=%s", strerror(errno));
	start_broker(&p);
	while (!p.stopping || p.broker_pid != 0 || p.children.count > 0)
		round_of(&p);
	close_listeners(&p);
	log_info("end status=%d", p.status);
	return p.status;
}
