/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * The session: two descriptors, and bytes between them.
 *
 *	client --read--> telnet --> lines --> up --write--> broker
 *	client <--write-- own, text <--------- down <--read-- broker
 *
 * Each side is read only when what the last read gave has been passed on: so
 * a reader that stops stops its sender, all the way back to the sender's
 * kernel, with bounded memory in between.  Buffers are mapped when something
 * comes and given back after a second of silence: an idle session is little
 * more than its stack.
 */
#define _GNU_SOURCE
#include "session.h"

#include "confirm.h"
#include "greeting.h"
#include "line.h"
#include "link.h"
#include "log.h"
#include "name.h"
#include "record.h"
#include "signals.h"
#include "telnet.h"
#include "timer.h"
#include "title.h"
#include "wire.h"

#include <sys/mman.h>
#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define IN_SIZE   (64 * 1024)
#define DOWN_SIZE (2 * DOWN_WINDOW)
#define OWN_SIZE  (TELNET_REPLY_MAX(IN_SIZE))
#define SMALL_MAX 32 /* CONFIRM, PROBED, REFUSED and INPUT_END with header */
#define UP_SIZE   (sizeof(struct record) + UP_LINES_MAX + 4 * SMALL_MAX)

#define CONFIRM_BYTES    (32 * 1024) /* tell the broker after so many */
#define CONFIRM_MS       20          /* or after so long */
#define CONFIRM_MS_MAX   200
#define IDLE_MS          1000 /* give the buffers back after so long */
#define PROBE_CHECK_MS   100
#define PROBE_TIMEOUT_MS 3000

enum {
	PFD_CLIENT,
	PFD_BROKER,
	PFD_COUNT
};

struct buffers {
	char in[IN_SIZE];
	char up[UP_SIZE];
	char down[DOWN_SIZE];
	char own[OWN_SIZE];
};

struct session {
	int client, broker;
	enum link_kind kind;
	const char *address;
	int64_t dead_after, linger;
	size_t line_max;
	struct telnet telnet;
	struct line_reader lines;
	struct confirm confirm;
	struct buffers *b;        /* NULL while idle */
	size_t in_at, in_used;    /* from the client, not yet in lines */
	size_t up_at, up_used;    /* for the broker, not yet written */
	size_t up_open;           /* where the open lines record begins */
	bool up_is_open;          /* there is one */
	int64_t credit;           /* bytes of lines that may yet go up */
	size_t text_at, text_end; /* in down: for the client */
	size_t down_used;         /* behind it: not yet understood */
	size_t text_left;         /* of the current TEXT record, to come */
	size_t own_at, own_used;  /* for the client, of our own making */
	size_t own_text;          /* bytes of TEXT that own stands for */
	bool input_end_due;       /* INPUT_END is still to be said */
	bool input_last;          /* what is there is the last to be read */
	bool input_over;          /* nothing more is read from the client */
	bool input_eof;           /* because the client said that it ends */
	bool broken;              /* the connection is gone ... */
	bool unread;              /* ... and not all of it was read */
	bool broker_eof, broker_gone;
	int broken_why;        /* enum session_exit */
	uint64_t confirm_told; /* bytes of TEXT last confirmed */
	uint64_t confirm_at;   /* when to look again; 0: nothing open */
	int64_t confirm_ms;
	bool probed_due;        /* PROBED is still to be said */
	uint64_t probing_since; /* 0: not probing */
	uint64_t ending_by;     /* 0: not ending */
	uint64_t silent_at;     /* say SILENT then; 0: not */
	uint64_t idle_at;
};

const char *
session_exit_name(int status)
{
	switch (status) {
	case SESSION_FINISHED: return "finished";
	case SESSION_RESET: return "reset";
	case SESSION_DEAD: return "dead";
	case SESSION_STUCK: return "stuck";
	default: return "failed";
	}
}

static _Noreturn void
leave(const struct session *s, enum session_exit why)
{
	log_debug("end reason=%s", session_exit_name((int)why));
	close(s->client);
	close(s->broker);
	_exit((int)why);
}

static void
need_buffers(struct session *s)
{
	void *p;

	if (s->b != NULL)
		return;
	p = mmap(NULL, sizeof *s->b, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED) {
		log_error("fail what=memory");
		leave(s, SESSION_FAILED);
	}
	s->b = p;
}

static bool
all_passed_on(const struct session *s)
{
	return s->in_at == s->in_used && s->up_used == 0 &&
	       s->text_at == s->down_used && s->own_used == 0;
}

static void
give_buffers_back(struct session *s)
{
	if (s->b == NULL || !all_passed_on(s))
		return;
	munmap(s->b, sizeof *s->b);
	s->b = NULL;
	if (!line_is_partial(&s->lines))
		line_free(&s->lines);
}

/* ---- up: lines and confirmations ---- */

/* Lines go into one record as long as nothing else comes between them. */
static void
up_close_lines(struct session *s)
{
	struct record r = {UP_LINES, 0};

	if (!s->up_is_open)
		return;
	s->up_is_open = false;
	r.length = (uint32_t)(s->up_used - s->up_open - sizeof r);
	memcpy(s->b->up + s->up_open, &r, sizeof r);
	s->credit -= (int64_t)(sizeof r + r.length);
}

static void
up_put(struct session *s, enum record_up type, const void *data, size_t len)
{
	struct record r = {type, (uint32_t)len};

	need_buffers(s);
	up_close_lines(s);
	memcpy(s->b->up + s->up_used, &r, sizeof r);
	if (len > 0)
		memcpy(s->b->up + s->up_used + sizeof r, data, len);
	s->up_used += sizeof r + len;
}

/* The place for one more line, or NULL when what is there must go first. */
static char *
up_line_room(struct session *s)
{
	if (!s->up_is_open) {
		if (s->credit <= 0)
			return NULL;
		if (s->up_used > 0 &&
		    s->up_used + sizeof(struct record) > UP_LINES_SOFT)
			return NULL;
		s->up_open = s->up_used;
		s->up_used += sizeof(struct record);
		s->up_is_open = true;
	}
	if (s->up_used > UP_LINES_SOFT)
		return NULL;
	return s->b->up + s->up_used;
}

static void
up_line(struct session *s, enum line_event event, size_t len)
{
	uint8_t why = (uint8_t)event;

	if (event == LINE_READY) {
		s->b->up[s->up_used + len] = '\n';
		s->up_used += len + 1;
		return;
	}
	/* The room asked for was not needed: an empty record goes away. */
	if (s->up_used == s->up_open + sizeof(struct record)) {
		s->up_used = s->up_open;
		s->up_is_open = false;
	}
	up_put(s, UP_REFUSED, &why, sizeof why);
	s->credit -= (int64_t)(sizeof(struct record) + sizeof why);
}

/* Turns input into lines until it, or the room for them, is used up. */
static void
make_lines(struct session *s)
{
	const char *at, *end;
	enum line_event event;
	size_t len;
	char *room;

	while (s->in_at < s->in_used) {
		room = up_line_room(s);
		if (room == NULL)
			break;
		at = s->b->in + s->in_at;
		end = s->b->in + s->in_used;
		event = line_next(&s->lines, &at, end, room, &len);
		s->in_at = (size_t)(at - s->b->in);
		if (event == LINE_NEED_MORE)
			break;
		up_line(s, event, len);
	}
	if (s->in_at == s->in_used)
		s->in_at = s->in_used = 0;
	if (s->up_is_open && s->up_used == s->up_open + sizeof(struct record)) {
		s->up_used = s->up_open;
		s->up_is_open = false;
	}
}

static void
finish_input(struct session *s)
{
	enum line_event event;
	size_t len;
	char *room;

	if (!s->input_end_due || s->in_at < s->in_used)
		return;
	need_buffers(s);
	room = up_line_room(s);
	if (room == NULL)
		return;
	if (telnet_finish(&s->telnet) & TELNET_STRAY)
		line_spoil(&s->lines);
	/* A last line without an end counts only if its end was the end of
	 * file, which is told before a reset that came after it.  A reset in
	 * the middle of sending cuts anywhere, and half a line is another. */
	event =
	    s->input_eof ? line_finish(&s->lines, room, &len) : LINE_NEED_MORE;
	if (event != LINE_NEED_MORE)
		up_line(s, event, len);
	else if (s->up_used == s->up_open + sizeof(struct record)) {
		s->up_used = s->up_open;
		s->up_is_open = false;
	}
	up_put(s, UP_INPUT_END, NULL, 0);
	s->input_end_due = false;
	line_free(&s->lines);
}

static void
up_flush(struct session *s)
{
	ssize_t n;

	if (s->b == NULL)
		return;
	up_close_lines(s);
	while (s->up_at < s->up_used) {
		n = send(s->broker, s->b->up + s->up_at, s->up_used - s->up_at,
		    MSG_NOSIGNAL);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno == EAGAIN)
			return;
		if (n == -1) {
			s->broker_gone = true;
			break;
		}
		s->up_at += (size_t)n;
	}
	s->up_at = s->up_used = 0;
}

/*
 * What one read gave goes up in one write.  Only when the broker has taken
 * all of it is there a next one: the broker stops a sender by not reading.
 */
static void
push_up(struct session *s)
{
	while (s->up_used == 0 && !s->broker_eof && !s->broker_gone) {
		if (s->in_at < s->in_used)
			make_lines(s);
		finish_input(s);
		if (s->probed_due) {
			up_put(s, UP_PROBED, NULL, 0);
			s->probed_due = false;
		}
		if (s->up_used == 0)
			break;
		up_flush(s);
	}
}

/* ---- the client's side ---- */

static int
why_broken(int error)
{
	return error == ETIMEDOUT || error == EHOSTUNREACH ? SESSION_DEAD
	                                                   : SESSION_RESET;
}

/* Nothing can be written any more.  What the client sent before may still be
 * there to be read: a script that sends and closes is no exception. */
static void
broke(struct session *s, int error)
{
	socklen_t len = sizeof error;

	if (!s->broken)
		s->broken_why = why_broken(error);
	s->broken = true;
	s->input_last = true;
	if (error == EPIPE)
		getsockopt(s->client, SOL_SOCKET, SO_ERROR, &error, &len);
	s->unread = s->unread || error == ECONNRESET;
}

static void
input_ended(struct session *s)
{
	s->silent_at = 0;
	if (!s->input_over)
		s->input_end_due = true;
	s->input_over = true;
}

static void
strip_telnet(struct session *s)
{
	size_t reply_len = 0;
	unsigned said;

	said = telnet_feed(&s->telnet, s->b->in, &s->in_used,
	    s->b->own + s->own_used, &reply_len);
	s->own_used += reply_len;
	if (said & TELNET_STRAY)
		line_spoil(&s->lines);
	if (s->in_used > 0)
		s->silent_at = 0;
	if ((said & TELNET_ARE_YOU_THERE) && s->credit > 0) {
		up_put(s, UP_ARE_YOU_THERE, NULL, 0);
		s->credit -= (int64_t)sizeof(struct record);
	}
	/* Ctrl-C and Ctrl-D, as a telnet sends them: the user has finished. */
	if (said & TELNET_EOF)
		s->input_eof = true;
	if (said & (TELNET_INTERRUPT | TELNET_EOF))
		input_ended(s);
}

static bool
may_read_client(const struct session *s)
{
	return !s->input_over && s->in_used == 0 && s->up_used == 0 &&
	       s->own_used == 0 && !s->broker_eof && !s->broker_gone;
}

static void
read_client(struct session *s)
{
	ssize_t n;

	need_buffers(s);
	n = recv(s->client, s->b->in, IN_SIZE, 0);
	if (n > 0) {
		s->in_at = 0;
		s->in_used = (size_t)n;
		strip_telnet(s);
	} else if (n == 0) {
		s->input_eof = true;
		input_ended(s);
	} else if (errno == EAGAIN || errno == EINTR) {
		if (s->input_last)
			input_ended(s);
	} else {
		broke(s, errno);
		input_ended(s);
	}
}

/* ---- down: text and the broker's wishes ---- */

static void
watch_confirmation(struct session *s)
{
	if (s->confirm_at != 0)
		return;
	s->confirm_ms = CONFIRM_MS;
	s->confirm_at = timer_now() + CONFIRM_MS;
}

/* A Unix socket whose reader died with text unread says that nothing waits.
 * The kernel resets the connection before it throws that text away, so who
 * asks for the reset afterwards knows. */
static uint64_t
unacked(struct session *s)
{
	uint64_t all = s->confirm.raw - s->confirm.acked;
	uint64_t n = link_unacked(s->client, s->kind, all);
	int error = 0;
	socklen_t len = sizeof error;

	if (s->kind != LINK_UNIX)
		return n;
	getsockopt(s->client, SOL_SOCKET, SO_ERROR, &error, &len);
	if (error != 0)
		broke(s, error);
	return s->unread ? all : n;
}

/* Asks the kernel how much has arrived, and tells the broker if that is
 * much, or if it is time. */
static void
confirm(struct session *s, bool now)
{
	uint64_t told = s->confirm_told;

	if (s->confirm.acked < s->confirm.raw)
		confirm_unacked(&s->confirm, unacked(s));
	if (s->confirm.safe == told || s->up_used > 0 || s->broker_gone)
		return;
	if (!now && s->confirm.safe - told < CONFIRM_BYTES)
		return;
	s->confirm_told = s->confirm.safe;
	/* Who ends slowly but gets on is not stuck. */
	if (s->ending_by != 0)
		s->ending_by = timer_now() + (uint64_t)s->linger;
	up_put(s, UP_CONFIRM, &s->confirm_told, sizeof s->confirm_told);
	up_flush(s);
}

/* Nothing was confirmed for a while: look less and less often. */
static void
confirm_tick(struct session *s, uint64_t now)
{
	uint64_t told = s->confirm_told;

	if (s->confirm_at == 0 || now < s->confirm_at)
		return;
	confirm(s, true);
	if (s->confirm_told == s->confirm.text) {
		s->confirm_at = 0;
		return;
	}
	s->confirm_ms =
	    s->confirm_told != told ? CONFIRM_MS : 2 * s->confirm_ms;
	if (s->confirm_ms > CONFIRM_MS_MAX)
		s->confirm_ms = CONFIRM_MS_MAX;
	s->confirm_at = now + (uint64_t)s->confirm_ms;
}

static void
wrote(struct session *s, size_t raw, size_t text)
{
	confirm_wrote(&s->confirm, raw, text);
	watch_confirmation(s);
	if (s->confirm.text - s->confirm_told >= CONFIRM_BYTES)
		confirm(s, false);
}

/* False when the client takes no more for now; *n were written. */
static bool
write_client(struct session *s, const char *data, size_t len, size_t *n)
{
	ssize_t sent;

	do
		sent = send(s->client, data, len, MSG_NOSIGNAL);
	while (sent == -1 && errno == EINTR);
	*n = sent > 0 ? (size_t)sent : 0;
	if (sent == -1 && errno != EAGAIN)
		broke(s, errno);
	return *n == len;
}

/* What we made ourselves: answers to a telnet, and text with CR LF for it.
 * The text in it counts as written with its last byte. */
static bool
write_own(struct session *s)
{
	size_t n;
	bool all;

	if (s->own_used == 0)
		return true;
	all =
	    write_client(s, s->b->own + s->own_at, s->own_used - s->own_at, &n);
	s->own_at += n;
	wrote(s, n, all ? s->own_text : 0);
	if (all)
		s->own_at = s->own_used = s->own_text = 0;
	return all;
}

/* For a telnet: moves text into own, with CR LF for LF (RFC 854). */
static size_t
cook(struct session *s, const char *text, size_t len)
{
	size_t i;

	if (len > OWN_SIZE / 2)
		len = OWN_SIZE / 2;
	for (i = 0; i < len; i++) {
		if (text[i] == '\n')
			s->b->own[s->own_used++] = '\r';
		s->b->own[s->own_used++] = text[i];
	}
	s->own_text = len;
	return len;
}

static bool
on_probe(struct session *s, const char *payload, size_t len)
{
	if (len != 1)
		return false;
	if (*payload == PROBE_SESSION || s->kind == LINK_UNIX) {
		s->probed_due = true;
	} else if (s->probing_since == 0) {
		s->probing_since = timer_now();
		link_probe(s->client);
	}
	return true;
}

static bool
on_name(const struct session *s, const char *name, size_t len)
{
	char shown[LOG_ESCAPED_SIZE(NAME_MAX_LEN)];

	if (len == 0 || len > NAME_MAX_LEN)
		return false;
	log_escape(shown, sizeof shown, name, len);
	title_set("session %s %s", shown, s->address);
	log_role("session %s %s", shown, s->address);
	return true;
}

static bool
on_credit(struct session *s, const char *payload, size_t len)
{
	struct wire_reader r = wire_read(payload, len);

	s->credit += wire_get_u32(&r);
	/* Whose last lines are still carried out is not stuck. */
	if (s->ending_by != 0)
		s->ending_by = timer_now() + (uint64_t)s->linger;
	return wire_end(&r);
}

static bool
on_record(struct session *s, const struct record *r, const char *payload)
{
	switch (r->type) {
	case DOWN_PROBE: return on_probe(s, payload, r->length);
	case DOWN_NAME: return on_name(s, payload, r->length);
	case DOWN_CREDIT: return on_credit(s, payload, r->length);
	case DOWN_END_INPUT: s->input_last = true; return r->length == 0;
	default: return false;
	}
}

/*
 * The text of a record joins the text before it, without the header between:
 * so that one write has all of it.  Mostly there is none before, and nothing
 * is moved.  at: where the payload, or the part of it that came, begins.
 */
static void
take_text(struct session *s, size_t at, size_t len)
{
	char *down = s->b->down;

	if (s->text_at == s->text_end)
		s->text_at = s->text_end = at;
	else if (at != s->text_end)
		memmove(down + s->text_end, down + at, len);
	s->text_end += len;
	s->text_left -= len;
}

/* Understands what is whole of what came from the broker. */
static void
understand(struct session *s, size_t at)
{
	struct record r;
	size_t have;

	for (; (have = s->down_used - at) > 0;) {
		if (s->text_left > 0) {
			if (have > s->text_left)
				have = s->text_left;
			take_text(s, at, have);
			at += have;
			continue;
		}
		if (have < sizeof r)
			break;
		memcpy(&r, s->b->down + at, sizeof r);
		if (r.type == DOWN_TEXT && r.length <= DOWN_WINDOW) {
			at += sizeof r;
			s->text_left = r.length;
			continue;
		}
		if (r.type != DOWN_TEXT && r.length <= DOWN_SMALL_MAX &&
		    have - sizeof r < r.length)
			break;
		if (r.type == DOWN_TEXT || r.length > DOWN_SMALL_MAX ||
		    !on_record(s, &r, s->b->down + at + sizeof r)) {
			log_error("violation from=broker record=%u length=%u",
			    r.type, r.length);
			leave(s, SESSION_FAILED);
		}
		at += sizeof r + r.length;
	}
	memmove(s->b->down + s->text_end, s->b->down + at, have);
	s->down_used = s->text_end + have;
}

/* Writes to the client what there is.  False when it takes no more. */
static bool
push_down(struct session *s)
{
	size_t len, n;
	bool all;

	if (s->b == NULL)
		return true;
	if (!write_own(s))
		return false;
	while (s->text_at < s->text_end) {
		len = s->text_end - s->text_at;
		if (s->telnet.seen) {
			s->text_at += cook(s, s->b->down + s->text_at, len);
			all = write_own(s);
		} else {
			all = write_client(s, s->b->down + s->text_at, len, &n);
			s->text_at += n;
			wrote(s, n, n);
		}
		if (!all)
			return false;
	}
	return true;
}

/* Reads behind the text that waits, which is moved to the front first if
 * there is little room.  The window sees to it that there is some. */
static void
read_broker(struct session *s)
{
	size_t rest;
	ssize_t n;

	need_buffers(s);
	rest = s->down_used - s->text_end;
	if (s->text_at == s->text_end || s->text_at > DOWN_SIZE / 2) {
		memmove(s->b->down, s->b->down + s->text_at,
		    s->down_used - s->text_at);
		s->text_end -= s->text_at;
		s->text_at = 0;
		s->down_used = s->text_end + rest;
	}
	n = recv(
	    s->broker, s->b->down + s->down_used, DOWN_SIZE - s->down_used, 0);
	if (n > 0) {
		s->down_used += (size_t)n;
		understand(s, s->text_end);
	} else if (n == 0) {
		s->broker_eof = true;
	} else if (errno != EAGAIN && errno != EINTR) {
		s->broker_gone = true;
	}
}

/* ---- the link, and the end ---- */

static void
probe_tick(struct session *s, uint64_t now)
{
	int64_t since;

	if (s->probing_since == 0)
		return;
	since = (int64_t)(now - s->probing_since);
	if (since >= PROBE_CHECK_MS / 2 &&
	    link_answered_within(s->client, s->kind, since)) {
		s->probing_since = 0;
		s->probed_due = true;
		link_settle(s->client, s->dead_after);
		push_up(s);
	} else if (since >= PROBE_TIMEOUT_MS) {
		broke(s, ETIMEDOUT);
	}
}

/* Nothing has come yet: a person sits there. */
static void
silence_tick(struct session *s, uint64_t now)
{
	if (s->silent_at == 0 || now < s->silent_at)
		return;
	s->silent_at = 0;
	if (s->broker_eof || s->broker_gone)
		return;
	up_put(s, UP_SILENT, NULL, 0);
	up_flush(s);
}

/* Closing with bytes unread would reset the connection, and some systems
 * then throw away what the client has not yet read. */
static void
close_gently(struct session *s)
{
	char rest[4096];

	shutdown(s->client, SHUT_WR);
	while (recv(s->client, rest, sizeof rest, 0) > 0)
		;
}

static _Noreturn void
finish(struct session *s, enum session_exit why)
{
	if (why == SESSION_FINISHED)
		close_gently(s);
	leave(s, why);
}

/* All that the client had sent has gone up, or is not wanted any more. */
static bool
is_read_out(const struct session *s)
{
	return s->broker_eof || s->broker_gone ||
	       (s->input_over && !s->input_end_due);
}

/*
 * The one way out, from this side.  Leaves when there is nothing more that
 * this process can do for its client.
 */
static void
leave_if_finished(struct session *s, uint64_t now)
{
	bool written =
	    s->b == NULL || (s->text_at == s->text_end && s->own_used == 0);

	if (s->broken || s->broker_gone || (s->broker_eof && written))
		confirm(s, true);
	/* The client is gone: its last lines are still to be delivered. */
	if (s->broken && s->up_used == 0 && is_read_out(s))
		finish(s, (enum session_exit)s->broken_why);
	if (s->broker_gone && (written || s->broken))
		finish(s, s->broken ? (enum session_exit)s->broken_why
				    : SESSION_FINISHED);
	if (s->broker_eof && written && s->up_used == 0 &&
	    s->confirm_told == s->confirm.text)
		finish(s, SESSION_FINISHED);
	if (s->ending_by != 0 && now >= s->ending_by)
		finish(s, SESSION_STUCK);
}

/* Something has begun to end: there is a time by which it will have, and the
 * last confirmation is waited for with some haste. */
static void
note_ending(struct session *s, uint64_t now)
{
	if (s->ending_by != 0 ||
	    !(s->broker_eof || s->broker_gone || s->broken))
		return;
	s->ending_by = now + (uint64_t)s->linger;
	if (s->confirm_at != 0) {
		s->confirm_ms = 1;
		s->confirm_at = now + 1;
	}
}

/* ---- the loop ---- */

static void
sooner(uint64_t *at, uint64_t other)
{
	if (other != 0 && (*at == 0 || other < *at))
		*at = other;
}

static int
timeout(const struct session *s, uint64_t now)
{
	uint64_t at = s->confirm_at;

	if (s->input_last && may_read_client(s))
		return 0;
	sooner(&at, s->ending_by);
	sooner(&at, s->silent_at);
	if (s->probing_since != 0)
		sooner(&at, now + PROBE_CHECK_MS);
	if (s->b != NULL)
		sooner(&at, s->idle_at > now ? s->idle_at : now + IDLE_MS);
	if (at == 0)
		return -1;
	return at > now ? (int)(at - now) : 0;
}

static void
fill(const struct session *s, struct pollfd pfd[PFD_COUNT], bool blocked)
{
	pfd[PFD_CLIENT].fd = s->broken ? -1 : s->client;
	pfd[PFD_CLIENT].events = (short)((may_read_client(s) ? POLLIN : 0) |
					 (blocked ? POLLOUT : 0));
	pfd[PFD_BROKER].fd = s->broker_eof || s->broker_gone ? -1 : s->broker;
	pfd[PFD_BROKER].events =
	    (short)(POLLIN | (s->up_used > 0 ? POLLOUT : 0));
}

static void
on_broker(struct session *s, short revents)
{
	if (revents & POLLOUT)
		up_flush(s);
	if (revents & POLLIN)
		read_broker(s);
	else if (revents & (POLLHUP | POLLERR))
		s->broker_gone = true;
}

static void
on_client(struct session *s, short revents)
{
	int error = 0;
	socklen_t len = sizeof error;

	if (revents & POLLIN) {
		read_client(s);
	} else if (revents & POLLERR ||
		   (revents & POLLHUP && !may_read_client(s))) {
		getsockopt(s->client, SOL_SOCKET, SO_ERROR, &error, &len);
		broke(s, error);
	}
}

static void
serve(struct session *s)
{
	struct pollfd pfd[PFD_COUNT];
	bool blocked = false;
	uint64_t now = timer_now();

	for (;;) {
		fill(s, pfd, blocked);
		if (poll(pfd, PFD_COUNT, timeout(s, now)) == -1 &&
		    errno != EINTR)
			leave(s, SESSION_FAILED);
		now = timer_now();
		if (pfd[PFD_BROKER].revents != 0)
			on_broker(s, pfd[PFD_BROKER].revents);
		if (pfd[PFD_CLIENT].revents != 0)
			on_client(s, pfd[PFD_CLIENT].revents);
		if ((pfd[PFD_BROKER].revents | pfd[PFD_CLIENT].revents) != 0)
			s->idle_at = now + IDLE_MS;
		else if (now >= s->idle_at)
			give_buffers_back(s);
		if (s->input_last && may_read_client(s))
			read_client(s);
		blocked = !s->broken && !push_down(s);
		push_up(s);
		confirm_tick(s, now);
		probe_tick(s, now);
		silence_tick(s, now);
		note_ending(s, now);
		leave_if_finished(s, now);
	}
}

void
session_run(const struct session_start *start)
{
	static struct session s;

	signals_ignore_all();
	s.client = start->client;
	s.broker = start->broker;
	s.address = start->address;
	s.dead_after = start->config->dead_after;
	s.linger = start->config->linger;
	s.line_max = start->config->line_max;
	s.credit = UP_CREDIT;
	if (start->config->greeting)
		s.silent_at = timer_now() + GREETING_MS;
	title_set("session %s", s.address);
	log_role("session %s", s.address);
	s.kind = link_prepare(s.client, s.dead_after);
	telnet_init(&s.telnet);
	line_init(&s.lines, s.line_max);
	serve(&s);
	leave(&s, SESSION_FAILED);
}
