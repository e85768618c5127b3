/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

#include "check.h"
#include "line.h"
#include "telnet.h"

#include <stdlib.h>

#define IAC  "\377"
#define DONT "\376"
#define DO   "\375"
#define WONT "\374"
#define WILL "\373"
#define SB   "\372"
#define SE   "\360"

/* All that came out of a stream: text, answers, flags. */
struct result {
	char text[256], reply[256];
	size_t text_len, reply_len;
	unsigned flags;
};

/*
 * Feeds one piece, in memory of exactly the promised sizes.  A stray 0xFF is
 * put where TELNET_STRAY says it stands, so that every cut must give the same.
 */
static void
feed(struct telnet *t, const char *piece, size_t n, struct result *r)
{
	char *buf = malloc(n > 0 ? n : 1);
	char *reply = malloc(TELNET_REPLY_MAX(n));
	size_t len = n, reply_len = 99;
	unsigned flags;

	memcpy(buf, piece, n);
	flags = telnet_feed(t, buf, &len, reply, &reply_len);
	CHECK(len <= n && reply_len <= TELNET_REPLY_MAX(n));
	if ((flags & TELNET_STRAY) != 0)
		r->text[r->text_len++] = (char)0xff;
	memcpy(r->text + r->text_len, buf, len);
	r->text_len += len;
	memcpy(r->reply + r->reply_len, reply, reply_len);
	r->reply_len += reply_len;
	r->flags |= flags & ~(unsigned)TELNET_STRAY;
	free(reply);
	free(buf);
}

static void
end(const struct telnet *t, struct result *r)
{
	if (telnet_finish(t) == TELNET_STRAY)
		r->text[r->text_len++] = (char)0xff;
}

static void
feed_cut(const char *s, size_t n, size_t a, size_t b, struct result *r)
{
	struct telnet t;

	memset(r, 0, sizeof *r);
	telnet_init(&t);
	feed(&t, s, a, r);
	feed(&t, s + a, b - a, r);
	feed(&t, s + b, n - b, r);
	end(&t, r);
}

static bool
is_result(const struct result *r, const char *text, size_t text_len,
    const char *reply, size_t reply_len, unsigned flags)
{
	return r->text_len == text_len && r->reply_len == reply_len &&
	       memcmp(r->text, text, text_len) == 0 &&
	       memcmp(r->reply, reply, reply_len) == 0 && r->flags == flags;
}

/* However s is cut, it leaves text, is answered by reply, and says flags. */
static void
gives(const char *s, size_t n, const char *text, size_t text_len,
    const char *reply, size_t reply_len, unsigned flags)
{
	struct telnet t;
	struct result r = {.flags = 0};

	telnet_init(&t);
	for (size_t i = 0; i < n; i++)
		feed(&t, s + i, 1, &r);
	end(&t, &r);
	CHECK(is_result(&r, text, text_len, reply, reply_len, flags));
	for (size_t a = 0; a <= n; a++)
		for (size_t b = a; b <= n; b++) {
			feed_cut(s, n, a, b, &r);
			if (is_result(
				&r, text, text_len, reply, reply_len, flags))
				continue;
			printf("# cut at %zu and %zu\n", a, b);
			CHECK_STR(r.text, r.text_len, text);
			CHECK_STR(r.reply, r.reply_len, reply);
			CHECK(r.flags == flags);
			return;
		}
}

#define GIVES(s, text, reply, flags)                                           \
	gives(s, sizeof(s) - 1, text, sizeof(text) - 1, reply,                 \
	    sizeof(reply) - 1, flags)

static void
plain_text_is_left_alone(void)
{
	GIVES("", "", "", 0);
	GIVES("alice\nbob: hi\r\n", "alice\nbob: hi\r\n", "", 0);
	GIVES("nul \0 and cr nul \r\0\n", "nul \0 and cr nul \r\0\n", "", 0);
	GIVES("Gr\303\274\303\237e\n", "Gr\303\274\303\237e\n", "", 0);
}

static void
options_are_refused(void)
{
	GIVES(IAC WILL "\037"
		       "alice\n",
	    "alice\n", IAC DONT "\037", 0);
	GIVES("ali" IAC DO "\003"
	      "ce\n",
	    "alice\n", IAC WONT "\003", 0);
	GIVES(IAC DO "\377"
		     "a",
	    "a", IAC WONT "\377", 0);
	GIVES(IAC WILL "\000"
		       "a",
	    "a", IAC DONT "\000", 0);
	GIVES(IAC DO "\003" IAC WILL "\003" IAC DO "\030"
		     "\n",
	    "\n", IAC WONT "\003" IAC DONT "\003" IAC WONT "\030", 0);
}

static void
an_option_is_refused_once_while_nothing_changed(void)
{
	GIVES(IAC WILL "\037" IAC WILL "\037", "", IAC DONT "\037", 0);
	GIVES(IAC DO "\037" IAC DO "\037", "", IAC WONT "\037", 0);
	GIVES(IAC WILL "\037" IAC WONT "\037" IAC WILL "\037", "",
	    IAC DONT "\037" IAC DONT "\037", 0);
	GIVES(IAC DO "\037" IAC DONT "\037" IAC DO "\037", "",
	    IAC WONT "\037" IAC WONT "\037", 0);
}

static void
a_refusal_is_not_answered(void)
{
	GIVES(IAC WONT "\037" IAC DONT "\037" IAC DONT "\001" IAC WONT "\001",
	    "", "", 0);
}

static void
each_timing_mark_is_answered(void)
{
	GIVES(IAC DO "\006" IAC DO "\006", "", IAC WONT "\006" IAC WONT "\006",
	    0);
	GIVES(IAC WILL "\006" IAC WILL "\006", "", IAC DONT "\006", 0);
}

static void
subnegotiations_are_passed_over(void)
{
	GIVES("a" IAC SB "\037\000\120\000\030" IAC SE "b", "ab", "", 0);
	GIVES("a" IAC SB "\037" IAC IAC SE IAC SE "b", "ab", "", 0);
	GIVES(IAC SB "\030\000xterm\n\r\0" IAC WILL "\001" IAC SE "b\n", "b\n",
	    "", 0);
	GIVES("a" IAC SB "never ended\n", "a", "", 0);
}

static void
a_subnegotiation_may_be_of_any_length(void)
{
	static char block[65536];
	struct telnet t;
	struct result r = {.flags = 0};
	char reply[TELNET_REPLY_MAX(sizeof block)];

	telnet_init(&t);
	feed(&t, IAC SB, 2, &r);
	for (int i = 0; i < 100; i++) {
		size_t len = sizeof block, reply_len;

		memset(block, 'x', sizeof block);
		telnet_feed(&t, block, &len, reply, &reply_len);
		CHECK(len == 0 && reply_len == 0);
	}
	feed(&t, IAC SE "b", 3, &r);
	CHECK_STR(r.text, r.text_len, "b");
}

static void
keys_are_reported(void)
{
	GIVES("a" IAC "\364"
	      "b",
	    "ab", "", TELNET_INTERRUPT);
	GIVES(IAC "\363", "", "", TELNET_INTERRUPT);
	GIVES(IAC "\356", "", "", TELNET_INTERRUPT);
	GIVES(IAC "\354", "", "", TELNET_EOF);
	GIVES(IAC "\366", "", "", TELNET_ARE_YOU_THERE);
	GIVES(IAC "\364" IAC "\362" IAC DO "\006", "", IAC WONT "\006",
	    TELNET_INTERRUPT);
}

static void
other_commands_are_passed_over(void)
{
	GIVES("a" IAC "\355" IAC "\357" IAC "\360" IAC "\361" IAC "\362" IAC
	      "\365" IAC "\367" IAC "\370" IAC "\371"
	      "b",
	    "ab", "", 0);
}

static void
iac_iac_is_a_byte_of_text(void)
{
	GIVES("a" IAC IAC "b\n", "a\377b\n", "", 0);
	GIVES(IAC IAC IAC IAC, "\377\377", "", 0);
	GIVES(IAC IAC IAC "\361", "\377", "", 0);
}

static void
an_iac_without_a_command_stays_in_the_text(void)
{
	GIVES("a" IAC "b\n", "a\377b\n", "", 0);
	GIVES("a" IAC "\n", "a\377\n", "", 0);
	GIVES("a" IAC "\r\n", "a\377\r\n", "", 0);
	GIVES(IAC "\0"
		  "b",
	    "\377\0b", "", 0);
	GIVES(IAC "\353"
		  "b",
	    "\377\353b", "", 0);
	GIVES(IAC "\361\r" IAC "\0", "\r\377\0", "", 0);
	GIVES("a" IAC, "a\377", "", 0);
	GIVES("a" IAC "b" IAC "c" IAC DO "\003" IAC "d", "a\377b\377c\377d",
	    IAC WONT "\003", 0);
}

static void
only_commands_make_a_telnet(void)
{
	struct telnet t;
	struct result r = {.flags = 0};

	telnet_init(&t);
	feed(&t, "a\n" IAC IAC IAC "b" IAC "\353", 8, &r);
	CHECK(!t.seen);
	feed(&t, IAC, 1, &r);
	CHECK(!t.seen);
	feed(&t, "\361", 1, &r);
	CHECK(t.seen);
}

static void
a_telnets_cr_nul_ends_a_line(void)
{
	GIVES("a\r\0" IAC "\361"
	      "b\r\0"
	      "c\0\r\n\r\r\0",
	    "a\r\0b\r\nc\0\r\n\r\r\n", "", 0);
	GIVES(IAC "\361\r" IAC "\361\0", "\r\n", "", 0);
	GIVES(IAC "\361\0\0x\r\0\0", "\0\0x\r\n\0", "", 0);
}

/* ---- Echo ------------------------------------------------------------ */

/* Has the client echo or not, and then say something; what goes out to it. */
static void
echo(struct telnet *t, bool client_echoes, const char *want)
{
	char reply[TELNET_ECHO_MAX];
	size_t n = telnet_echo(t, client_echoes, reply);

	CHECK_STR(reply, n, want);
}

static void
client(struct telnet *t, const char *says, const char *want)
{
	struct result r = {.flags = 0};

	feed(t, says, strlen(says), &r);
	CHECK_STR(r.reply, r.reply_len, want);
}

static void
echo_is_switched_off_and_on(void)
{
	struct telnet t;

	telnet_init(&t);
	echo(&t, true, "");
	for (int i = 0; i < 3; i++) {
		echo(&t, false, IAC WILL "\001");
		echo(&t, false, "");
		client(&t, IAC DO "\001", "");
		echo(&t, true, IAC WONT "\001");
		echo(&t, true, "");
		client(&t, IAC DONT "\001", "");
	}
	client(&t, IAC DO "\001", IAC WONT "\001");
}

static void
late_answers_about_echo_are_not_answered(void)
{
	struct telnet t;

	telnet_init(&t);
	echo(&t, false, IAC WILL "\001");
	echo(&t, true, IAC WONT "\001");
	echo(&t, false, IAC WILL "\001");
	client(&t, IAC DO "\001" IAC DONT "\001" IAC DO "\001", "");
	CHECK(t.echo && t.unanswered == 0);
	client(&t, IAC DO "\001", "");
	echo(&t, true, IAC WONT "\001");
	client(&t, IAC DO "\001", "");
	client(&t, IAC DONT "\001", "");
	CHECK(!t.echo && t.unanswered == 0);
}

static void
a_client_may_refuse_to_stop_its_echo(void)
{
	struct telnet t;

	telnet_init(&t);
	echo(&t, false, IAC WILL "\001");
	client(&t, IAC DONT "\001", "");
	echo(&t, true, "");
	echo(&t, false, IAC WILL "\001");
	echo(&t, true, IAC WONT "\001");
	client(&t, IAC DONT "\001", "");
	CHECK(!t.echo && t.unanswered == 0);
	client(&t, IAC DO "\001", IAC WONT "\001");
}

static void
a_client_may_take_its_echo_back(void)
{
	struct telnet t;

	telnet_init(&t);
	echo(&t, false, IAC WILL "\001");
	client(&t, IAC DO "\001", "");
	client(&t, IAC DONT "\001", IAC WONT "\001");
	client(&t, IAC DONT "\001", "");
	echo(&t, true, "");
}

static void
a_client_that_offered_to_be_echoed_is_told_when_it_is(void)
{
	struct telnet t;

	telnet_init(&t);
	client(&t, IAC DO "\001", IAC WONT "\001");
	client(&t, IAC DO "\001", "");
	echo(&t, false, IAC WILL "\001");
	client(&t, IAC DO "\001", "");
	echo(&t, true, IAC WONT "\001");
	client(&t, IAC DONT "\001", "");
	client(&t, IAC DO "\001", IAC WONT "\001");
}

/*
 * The other side of RFC 1143, as real clients do it: obeys WILL and WONT when
 * they change something, and answers only then.
 */
static size_t
obey(bool *echoed, const char *order, char *answer)
{
	bool want = order[1] == WILL[0];

	if (want == *echoed)
		return 0;
	*echoed = want;
	memcpy(answer, want ? IAC DO "\001" : IAC DONT "\001", 3);
	return 3;
}

/* All orders of ten switches and of answers that come late: they agree. */
static void
both_sides_agree_in_the_end_whatever_the_timing(void)
{
	for (unsigned plan = 0; plan < 1U << 16; plan++) {
		struct telnet t;
		char wire[128], back[128], out[8];
		size_t sent = 0, obeyed = 0, answers = 0, read = 0, n, k;
		bool echoed = false;

		telnet_init(&t);
		for (int step = 0; step < 64; step++) {
			unsigned what = step < 16 ? plan >> step & 1 : 2;

			if (what == 0)
				sent += telnet_echo(&t, t.echo, wire + sent);
			if (what != 0 && obeyed < sent) {
				answers += obey(
				    &echoed, wire + obeyed, back + answers);
				obeyed += 3;
			}
			if (what != 0 && read < answers && step % 3 != 0) {
				k = 3;
				telnet_feed(&t, back + read, &k, out, &n);
				memcpy(wire + sent, out, n);
				sent += n;
				read += 3;
			}
		}
		if (t.echo != echoed || t.unanswered != 0 || read != answers)
			CHECK(false);
	}
}

/* ---- With lines ------------------------------------------------------ */

/* What the session does: feed, spoil if told to, read lines. */
static void
a_stray_byte_spoils_its_line_wherever_it_was_cut(void)
{
	static const char s[] = "one\nt" IAC "\ntwo\n";

	for (size_t a = 0; a < sizeof s; a++) {
		struct telnet t;
		struct line_reader r;
		char out[LINE_GROWTH * 16], seen[8];
		size_t events = 0;

		telnet_init(&t);
		line_init(&r, 16);
		for (int half = 0; half < 2; half++) {
			char buf[sizeof s], reply[TELNET_REPLY_MAX(sizeof s)];
			size_t len = half == 0 ? a : sizeof s - 1 - a;
			size_t n;
			const char *p = buf;
			enum line_event e;

			if (a == sizeof s - 1 && half == 1)
				break;
			memcpy(buf, half == 0 ? s : s + a, len);
			if (telnet_feed(&t, buf, &len, reply, &n) ==
			    TELNET_STRAY)
				line_spoil(&r);
			while ((e = line_next(&r, &p, buf + len, out, &n)) !=
			       LINE_NEED_MORE)
				seen[events++] = e == LINE_READY      ? 'y'
				                 : e == LINE_NOT_UTF8 ? 'b'
				                                      : '?';
		}
		CHECK_STR(seen, events, "yby");
		line_free(&r);
	}
}

int
main(void)
{
	RUN(plain_text_is_left_alone);
	RUN(options_are_refused);
	RUN(an_option_is_refused_once_while_nothing_changed);
	RUN(a_refusal_is_not_answered);
	RUN(each_timing_mark_is_answered);
	RUN(subnegotiations_are_passed_over);
	RUN(a_subnegotiation_may_be_of_any_length);
	RUN(keys_are_reported);
	RUN(other_commands_are_passed_over);
	RUN(iac_iac_is_a_byte_of_text);
	RUN(an_iac_without_a_command_stays_in_the_text);
	RUN(only_commands_make_a_telnet);
	RUN(a_telnets_cr_nul_ends_a_line);
	RUN(echo_is_switched_off_and_on);
	RUN(late_answers_about_echo_are_not_answered);
	RUN(a_client_may_refuse_to_stop_its_echo);
	RUN(a_client_may_take_its_echo_back);
	RUN(a_client_that_offered_to_be_echoed_is_told_when_it_is);
	RUN(both_sides_agree_in_the_end_whatever_the_timing);
	RUN(a_stray_byte_spoils_its_line_wherever_it_was_cut);
	return check_summary();
}
