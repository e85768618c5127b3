/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

#include "telnet.h"

#include <string.h>

/* Commands, RFC 854; the three below SE are of RFC 1184. */
enum {
	FIRST_COMMAND = 236,
	END_OF_FILE = 236,
	ABORT = 238,
	SE = 240,
	BREAK = 243,
	INTERRUPT_PROCESS = 244,
	ARE_YOU_THERE = 246,
	SB = 250,
	WILL = 251,
	WONT = 252,
	DO = 253,
	DONT = 254,
	IAC = 255
};

/* Options. */
enum {
	ECHO = 1,
	TIMING_MARK = 6
};

/* Whose option a refusal is about: an index of telnet.refused. */
enum {
	THEIRS,
	OURS
};

/*
 * Where the stream stands between two bytes.  This is all that is kept of a
 * sub-negotiation: it is passed over, so it can be of any length and be cut
 * anywhere.
 */
enum state {
	TEXT,
	AFTER_IAC,
	AFTER_VERB,
	IN_SUB,
	IN_SUB_AFTER_IAC
};

/* One feed: the client's bytes, and what is made of them. */
struct feed {
	struct telnet *t;
	unsigned char *text; /* the buffer; out bytes are kept so far */
	size_t out;
	char *reply;
	size_t reply_len;
	unsigned flags;
};

void
telnet_init(struct telnet *t)
{
	memset(t, 0, sizeof *t);
	t->state = TEXT;
}

/* ---- Options --------------------------------------------------------- */

static size_t
put(char *to, int verb, int option)
{
	to[0] = (char)IAC;
	to[1] = (char)verb;
	to[2] = (char)option;
	return 3;
}

static void
answer(struct feed *f, int verb, int option)
{
	f->reply_len += put(f->reply + f->reply_len, verb, option);
}

static uint32_t
bit(int option)
{
	return UINT32_C(1) << (option & 31);
}

static void
forget_refusal(struct telnet *t, int whose, int option)
{
	t->refused[whose][option >> 5] &= ~bit(option);
}

/*
 * A peer that asks again, though nothing changed, has been answered already
 * (RFC 854: a rejected request should not be repeated).  Not answering twice
 * is what ends a quarrel between two programs.
 */
static void
refuse(struct feed *f, int whose, int option)
{
	uint32_t *word = &f->t->refused[whose][option >> 5];

	if ((*word & bit(option)) != 0)
		return;
	*word |= bit(option);
	answer(f, whose == THEIRS ? DONT : WONT, option);
}

/*
 * Our WILL and WONT ECHO alternate, so the number of those without an answer
 * says which is the oldest: the one that the client's next DO or DONT answers.
 */
static bool
oldest_unanswered_is_will(const struct telnet *t)
{
	return (t->unanswered % 2 == 1) == t->echo;
}

static void
on_do_echo(struct feed *f)
{
	struct telnet *t = f->t;

	if (t->unanswered > 0 && oldest_unanswered_is_will(t))
		t->unanswered--;
	else if (t->unanswered == 0 && !t->echo)
		refuse(f, OURS, ECHO);
}

/*
 * A refused WILL changes nothing at the client, so a WONT that was sent after
 * it gets no answer either: both are settled.  If the WILL was the last word,
 * the client goes on echoing, and that is all a server can do.
 */
static void
on_dont_echo(struct feed *f)
{
	struct telnet *t = f->t;

	if (t->unanswered > 1) {
		t->unanswered -= oldest_unanswered_is_will(t) ? 2 : 1;
	} else if (t->unanswered == 1) {
		t->unanswered = 0;
		t->echo = false;
	} else if (t->echo) {
		t->echo = false;
		answer(f, WONT, ECHO);
	}
}

static void
on_do(struct feed *f, int option)
{
	if (option == ECHO)
		on_do_echo(f);
	else if (option == TIMING_MARK) /* RFC 860: each asks anew */
		answer(f, WONT, option);
	else
		refuse(f, OURS, option);
}

static void
on_option(struct feed *f, int verb, int option)
{
	switch (verb) {
	case WILL: refuse(f, THEIRS, option); break;
	case WONT: forget_refusal(f->t, THEIRS, option); break;
	case DO: on_do(f, option); break;
	case DONT:
		forget_refusal(f->t, OURS, option);
		if (option == ECHO)
			on_dont_echo(f);
		break;
	default: break;
	}
}

size_t
telnet_echo(struct telnet *t, bool client_echoes, char reply[TELNET_ECHO_MAX])
{
	if (t->echo == !client_echoes)
		return 0;
	t->echo = !client_echoes;
	t->unanswered++;
	forget_refusal(t, OURS, ECHO);
	return put(reply, t->echo ? WILL : WONT, ECHO);
}

/* ---- Commands -------------------------------------------------------- */

/* What is not here (NOP, GA, DM, AO, EC, EL, SUSP ...) is passed over. */
static void
on_command(struct feed *f, unsigned char c)
{
	f->t->seen = true;
	f->t->state = TEXT;
	switch (c) {
	case END_OF_FILE: f->flags |= TELNET_EOF; break;
	case ABORT:
	case BREAK:
	case INTERRUPT_PROCESS: f->flags |= TELNET_INTERRUPT; break;
	case ARE_YOU_THERE: f->flags |= TELNET_ARE_YOU_THERE; break;
	case SB: f->t->state = IN_SUB; break;
	case WILL:
	case WONT:
	case DO:
	case DONT:
		f->t->verb = c;
		f->t->state = AFTER_VERB;
		break;
	default: break;
	}
}

static void
keep(struct feed *f, unsigned char c)
{
	if (c == '\0' && f->t->after_cr && f->t->seen)
		c = '\n';
	f->t->after_cr = c == '\r';
	f->text[f->out++] = c;
}

/*
 * IAC IAC is one byte of text, 0xFF.  An IAC that no command follows was never
 * an IAC: it goes back into the text, unless it came with the feed before this
 * one and its place is gone.  Then all that matters of it is told.
 */
static void
after_iac(struct feed *f, unsigned char c, size_t at)
{
	if (c >= FIRST_COMMAND && c != IAC) {
		on_command(f, c);
		return;
	}
	f->t->state = TEXT;
	if (c != IAC && at > 0)
		keep(f, IAC);
	else if (c != IAC) {
		f->flags |= TELNET_STRAY;
		f->t->after_cr = false;
	}
	keep(f, c);
}

/* The byte at text[at], in any state but TEXT or as an IAC there. */
static void
on_byte(struct feed *f, unsigned char c, size_t at)
{
	switch ((enum state)f->t->state) {
	case TEXT: f->t->state = AFTER_IAC; break;
	case AFTER_IAC: after_iac(f, c, at); break;
	case AFTER_VERB:
		f->t->state = TEXT;
		on_option(f, f->t->verb, c);
		break;
	case IN_SUB:
		if (c == IAC)
			f->t->state = IN_SUB_AFTER_IAC;
		break;
	case IN_SUB_AFTER_IAC: f->t->state = c == SE ? TEXT : IN_SUB; break;
	}
}

/* ---- The stream ------------------------------------------------------ */

/* Text without a command in it: moved down to where the kept text ends. */
static void
keep_run(struct feed *f, size_t from, size_t n)
{
	unsigned char *to = f->text + f->out;

	if (f->t->seen && memchr(f->text + from, '\0', n) != NULL) {
		for (size_t i = 0; i < n; i++)
			keep(f, f->text[from + i]);
		return;
	}
	if (f->out != from)
		memmove(to, f->text + from, n);
	f->out += n;
	f->t->after_cr = to[n - 1] == '\r';
}

/* How much of the n bytes at s comes before an IAC. */
static size_t
run_length(const unsigned char *s, size_t n)
{
	const unsigned char *iac = memchr(s, IAC, n);

	return iac == NULL ? n : (size_t)(iac - s);
}

unsigned
telnet_feed(
    struct telnet *t, char *buf, size_t *len, char *reply, size_t *reply_len)
{
	struct feed f = {.t = t, .text = (unsigned char *)buf, .reply = reply};

	for (size_t at = 0; at < *len;) {
		size_t n = 0;

		if (t->state == TEXT)
			n = run_length(f.text + at, *len - at);
		if (n > 0) {
			keep_run(&f, at, n);
			at += n;
		} else {
			on_byte(&f, f.text[at], at);
			at++;
		}
	}
	*len = f.out;
	*reply_len = f.reply_len;
	return f.flags;
}

unsigned
telnet_finish(const struct telnet *t)
{
	return t->state == AFTER_IAC ? TELNET_STRAY : 0;
}
