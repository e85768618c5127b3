/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * One client: it connects, logs in, writes its batch, and checks what comes.
 *
 * Checking must cost next to nothing, and the same for every protocol.  So the
 * protocol's parser sees only the first message of a sender: what stood before
 * its text is kept, and as long as the bytes that follow are that head and the
 * very next text, they are compared and not parsed.
 */
#include "load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* What is read at once. */
#define SCRATCH ((size_t)256 * 1024)

/* The receive buffer of a client that will stall: so that it is the server
 * who has to hold what it does not read, and not our kernel. */
#define STALL_RCVBUF 4096

/* Addresses to connect from, 127.0.0.2 and on: a closed connection keeps its
 * pair of addresses busy for a minute, and 28,000 ports are soon gone. */
#define SOURCES 32

#define EVENTS 512

void
conn_init(struct conn *c, struct load *l, char kind, unsigned number)
{
	*c = (struct conn){.load = l, .fd = -1, .state = CONN_CLOSED};
	snprintf(c->name, sizeof(c->name), "%c%u", kind, number);
}

static void
conn_watch(struct conn *c, int op)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};

	if (c->wants_out)
		event.events |= EPOLLOUT;
	if (epoll_ctl(c->load->epoll, op, c->fd, &event) != 0)
		die("epoll_ctl: %s", strerror(errno));
}

static void
conn_bind(struct conn *c)
{
	struct load *l = c->load;
	struct sockaddr_in from = {.sin_family = AF_INET};
	int on = 1;

	if (ntohl(l->address.sin_addr.s_addr) >> 24 != 127)
		return;
	from.sin_addr.s_addr =
	    htonl(INADDR_LOOPBACK + 1 + l->next_source++ % SOURCES);
	setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	if (bind(c->fd, (struct sockaddr *)&from, sizeof(from)) != 0)
		die("%s: bind: %s", c->name, strerror(errno));
}

static void
conn_log_in(struct conn *c)
{
	char text[LOGIN_MAX];
	int len = c->load->proto->login(text, sizeof(text), c);

	if (send(c->fd, text, (size_t)len, MSG_NOSIGNAL) != len)
		die("%s: cannot log in: %s", c->name, strerror(errno));
	c->state = CONN_LOGGING_IN;
}

void
conn_open(struct conn *c)
{
	struct load *l = c->load;
	int on = 1, small = STALL_RCVBUF;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		die("%s: socket: %s", c->name, strerror(errno));
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (c->stalls)
		setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	conn_bind(c);
	if (connect(c->fd, (struct sockaddr *)&l->address,
		sizeof(l->address)) != 0 &&
	    errno != EINPROGRESS)
		die("%s: connect: %s", c->name, strerror(errno));
	c->state = CONN_CONNECTING;
	c->wants_out = true;
	conn_watch(c, EPOLL_CTL_ADD);
}

void
conn_close(struct conn *c)
{
	close(c->fd);
	free(c->rest);
	c->rest = NULL;
	c->rest_len = 0;
	c->fd = -1;
	c->state = CONN_CLOSED;
}

void
conn_stall(struct conn *c)
{
	if (epoll_ctl(c->load->epoll, EPOLL_CTL_DEL, c->fd, NULL) != 0)
		die("epoll_ctl: %s", strerror(errno));
	c->state = CONN_STALLED;
}

void
conn_expect(struct conn *c, unsigned sender)
{
	c->from = sender;
	c->got = 0;
	c->head_len = 0;
	stamp_set(c->want, sender, 0);
}

static void
conn_pong(struct conn *c)
{
	const char *pong = c->load->proto->pong;

	if (pong != NULL)
		c->owes_pong =
		    send(c->fd, pong, strlen(pong), MSG_NOSIGNAL) < 0;
}

/* A pong goes only between two fillings, never into the middle of a line. */
void
conn_flush(struct conn *c)
{
	bool wants_out;

	if (c->out != NULL && !batch_write(c->out, c->fd))
		die("%s: write: %s", c->name, strerror(errno));
	if (c->owes_pong && (c->out == NULL || batch_is_idle(c->out)))
		conn_pong(c);
	wants_out = c->owes_pong || (c->out != NULL && !batch_is_idle(c->out));
	if (wants_out != c->wants_out) {
		c->wants_out = wants_out;
		conn_watch(c, EPOLL_CTL_MOD);
	}
}

void
conn_send(struct conn *c, size_t n)
{
	batch_fill(c->out, n);
	conn_flush(c);
}

/* As many of the n bytes as are the very texts that must come now. */
static size_t
take_expected(struct conn *c, const char *p, size_t n)
{
	const char *tail = c->load->proto->tail, *filler = stamp_filler();
	size_t size = c->load->size, tail_len = strlen(tail), used = 0;
	size_t frame = c->head_len + size + tail_len;

	for (; n - used >= frame; used += frame, p += frame) {
		const char *text = p + c->head_len;

		if (memcmp(p, c->head, c->head_len) != 0 ||
		    memcmp(text, c->want, STAMP_LEN) != 0 ||
		    memcmp(text + STAMP_LEN, filler, size - STAMP_LEN) != 0 ||
		    memcmp(text + size, tail, tail_len) != 0)
			break;
		stamp_next(c->want);
		c->got++;
		c->load->got++;
	}
	return used;
}

static _Noreturn void
complain(const struct conn *c, const char *what, const char *text, size_t len)
{
	die("%s: %s: %.*s", c->name, what, len > 200 ? 200 : (int)len, text);
}

/* The text is the next one, or the run ends here. */
static void
check_text(struct conn *c, const char *text, size_t len)
{
	unsigned sender;
	uint64_t number;

	if (c->want[0] == '\0' || len != c->load->size ||
	    !stamp_read(text, &sender, &number) || sender != c->from ||
	    memcmp(text + STAMP_LEN, stamp_filler(), len - STAMP_LEN) != 0)
		complain(c, "a text that nobody sent", text, len);
	if (number > c->got)
		die("%s: lost or late: text %ju of sender %u came, not %ju",
		    c->name, (uintmax_t)number, sender, (uintmax_t)c->got);
	if (number < c->got)
		die("%s: doubled or late: text %ju of sender %u, not %ju",
		    c->name, (uintmax_t)number, sender, (uintmax_t)c->got);
	stamp_next(c->want);
	c->got++;
	c->load->got++;
}

/* A message that was parsed; what stood before its text is remembered. */
static void
on_text(struct conn *c, const char *p, const struct item *item)
{
	size_t head = (size_t)(item->text - p);

	check_text(c, item->text, item->text_len);
	if (head <= HEAD_MAX) {
		memcpy(c->head, p, head);
		c->head_len = head;
	}
}

static void
on_ready(struct conn *c)
{
	struct conn *mate = c;

	if (c->load->proto->paired)
		mate = &c->load->conn[(c - c->load->conn) ^ 1];
	c->state = CONN_READY;
	c->load->ready++;
	if (mate != c) {
		mate->state = CONN_READY;
		c->load->ready++;
	}
}

static void
on_item(struct conn *c, const char *p, const struct item *item)
{
	switch (item->kind) {
	case ITEM_TEXT: on_text(c, p, item); break;
	case ITEM_READY: on_ready(c); break;
	case ITEM_PING:
		c->owes_pong = true;
		conn_flush(c);
		break;
	case ITEM_ERROR:
		if (!c->tolerant)
			complain(
			    c, "the server says", item->text, item->text_len);
		break;
	default: break;
	}
}

static size_t
take_all(struct conn *c, const char *p, size_t n)
{
	size_t used = 0;

	while (used < n) {
		struct item item = {.kind = ITEM_PARTIAL};

		if (c->want[0] != '\0')
			used += take_expected(c, p + used, n - used);
		if (used == n)
			break;
		c->load->proto->parse(c, p + used, n - used, &item);
		if (item.kind == ITEM_PARTIAL)
			break;
		on_item(c, p + used, &item);
		used += item.used;
	}
	return used;
}

/* The beginning of a line waits here for its end; idle clients own nothing. */
static void
keep_rest(struct conn *c, const char *p, size_t n)
{
	free(c->rest);
	c->rest = NULL;
	c->rest_len = n;
	if (n == 0)
		return;
	c->rest = malloc(n);
	if (c->rest == NULL)
		die("out of memory");
	memcpy(c->rest, p, n);
}

static void
conn_read(struct conn *c)
{
	struct load *l = c->load;
	size_t have = c->rest_len, used;
	ssize_t n;

	if (l->scratch == NULL && (l->scratch = malloc(SCRATCH)) == NULL)
		die("out of memory");
	if (have > 0)
		memcpy(l->scratch, c->rest, have);
	n = recv(c->fd, l->scratch + have, SCRATCH - have, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0)
		die("%s: the server hung up after %ju texts: %s", c->name,
		    (uintmax_t)c->got, n < 0 ? strerror(errno) : "EOF");
	have += (size_t)n;
	used = take_all(c, l->scratch, have);
	if (have - used > 0 || c->rest != NULL)
		keep_rest(c, l->scratch + used, have - used);
}

static void
conn_connected(struct conn *c)
{
	int error = 0;
	socklen_t len = sizeof(error);

	getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len);
	if (error != 0)
		die("%s: connect: %s", c->name, strerror(error));
	conn_log_in(c);
	c->wants_out = false;
	conn_watch(c, EPOLL_CTL_MOD);
}

static void
on_event(struct conn *c, uint32_t events)
{
	if (c->fd < 0)
		return;
	if (c->state == CONN_CONNECTING) {
		conn_connected(c);
		return;
	}
	if (events & EPOLLOUT)
		conn_flush(c);
	if (events & ~(uint32_t)EPOLLOUT)
		conn_read(c);
}

void
load_round(struct load *l, int timeout)
{
	struct epoll_event events[EVENTS];
	int n = epoll_wait(l->epoll, events, EVENTS, timeout);

	if (n < 0 && errno != EINTR)
		die("epoll_wait: %s", strerror(errno));
	for (int i = 0; i < n; i++)
		on_event(events[i].data.ptr, events[i].events);
}
