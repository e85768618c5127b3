/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

#include "check.h"
#include "confirm.h"
#include "random.h"

static void
plain_text_is_confirmed_byte_by_byte(void)
{
	struct confirm c = {0};

	confirm_unacked(&c, 0);
	CHECK(c.safe == 0);
	confirm_wrote(&c, 100, 100);
	confirm_unacked(&c, 100);
	CHECK(c.safe == 0);
	confirm_unacked(&c, 37);
	CHECK(c.safe == 63);
	confirm_unacked(&c, 0);
	CHECK(c.safe == 100);
}

/* A FIN counts as one more byte, and a Unix socket counts otherwise. */
static void
more_unacknowledged_than_written_is_nothing_new(void)
{
	struct confirm c = {0};

	confirm_wrote(&c, 100, 100);
	confirm_unacked(&c, 40);
	confirm_unacked(&c, 101);
	confirm_unacked(&c, UINT64_MAX);
	CHECK(c.safe == 60);
	confirm_unacked(&c, 50);
	CHECK(c.safe == 60);
}

static void
bytes_of_the_sessions_own_confirm_nothing(void)
{
	struct confirm c = {0};

	confirm_wrote(&c, 10, 10);
	confirm_wrote(&c, 3, 0); /* IAC WONT x */
	confirm_wrote(&c, 11, 10);
	confirm_unacked(&c, 12);
	CHECK(c.safe == 0);
	confirm_unacked(&c, 11);
	CHECK(c.safe == 10);
	confirm_unacked(&c, 1);
	CHECK(c.safe == 10);
	confirm_unacked(&c, 0);
	CHECK(c.safe == 20);
}

/* More writes than marks: late, but in the end all of it. */
static void
where_marks_run_out_the_newest_moves(void)
{
	struct confirm c = {0};
	int i;

	for (i = 0; i < 3 * CONFIRM_MARKS; i++)
		confirm_wrote(&c, 2, 1);
	confirm_unacked(&c, c.raw - 2 * (CONFIRM_MARKS - 1));
	CHECK(c.safe == CONFIRM_MARKS - 1);
	confirm_unacked(&c, 1);
	CHECK(c.safe == CONFIRM_MARKS - 1);
	confirm_unacked(&c, 0);
	CHECK(c.safe == c.text && c.count == 0);
	confirm_wrote(&c, 2, 1);
	confirm_unacked(&c, 0);
	CHECK(c.safe == c.text);
}

/* ---- random writes against a list of all of them ---- */

#define WRITES 2000

static uint64_t ends[WRITES], texts[WRITES]; /* after each write */

/* Text among the first acked bytes.  Where a write mixes it with the session's
 * own bytes, none of its text has arrived before all of it has. */
static uint64_t
arrived(uint64_t acked, int writes)
{
	uint64_t raw = 0, text = 0;
	int i;

	for (i = 0; i < writes && ends[i] <= acked; i++) {
		raw = ends[i];
		text = texts[i];
	}
	if (i < writes && ends[i] - raw == texts[i] - text)
		text += acked - raw;
	return text;
}

/* Writes text, sometimes with bytes of the session's own. */
static void
model_write(struct confirm *c, bool own, int n)
{
	size_t text = random_below(100);
	size_t more = own && random_below(3) == 0 ? random_below(9) : 0;

	confirm_wrote(c, text + more, text);
	ends[n] = c->raw;
	texts[n] = c->text;
}

static void
never_too_early_and_in_the_end_complete(void)
{
	struct confirm c;
	uint64_t before;
	unsigned seed;
	size_t open;
	int n;

	for (seed = 0; seed < 6; seed++) {
		random_seed(seed);
		c = (struct confirm){0};
		before = 0;
		for (n = 0; n < WRITES && check_ok;) {
			if (random_below(2) == 0) {
				model_write(&c, seed > 0 && n > 100, n);
				n++;
			}
			open = (size_t)(c.raw - c.acked);
			if (random_below(3) == 0)
				confirm_unacked(&c, random_below(open + 2));
			CHECK(c.safe >= before);
			CHECK(c.safe <= arrived(c.acked, n));
			CHECK(c.acked < c.raw || c.safe == c.text);
			before = c.safe;
		}
		confirm_unacked(&c, 0);
		CHECK(c.safe == c.text);
	}
}

int
main(void)
{
	RUN(plain_text_is_confirmed_byte_by_byte);
	RUN(more_unacknowledged_than_written_is_nothing_new);
	RUN(bytes_of_the_sessions_own_confirm_nothing);
	RUN(where_marks_run_out_the_newest_moves);
	RUN(never_too_early_and_in_the_end_complete);
	return check_summary();
}
