/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

#include "check.h"
#include "name.h"
#include "text.h"

#define NAME(s) name_check(s, sizeof(s) - 1)
#define ROOM(s) room_check(s, sizeof(s) - 1)

static void
names_of_people_and_machines_are_good(void)
{
	CHECK(NAME("alice") == NAME_OK);
	CHECK(NAME("a") == NAME_OK);
	CHECK(NAME("cron@web-1.example") == NAME_OK);
	CHECK(NAME("backup/db#2+x") == NAME_OK);
	CHECK(NAME("J\xc3\xbcrgen") == NAME_OK);
	CHECK(NAME("\xe5\xb1\xb1\xe7\x94\xb0") == NAME_OK);
	CHECK(NAME("\xf0\x9f\x90\xa7") == NAME_OK);
	CHECK(NAME("123") == NAME_OK);
	CHECK(NAME("^") == NAME_OK && NAME("a^b") == NAME_OK);
	CHECK(NAME("<3") == NAME_OK && NAME("<U") == NAME_OK);
}

static void
notation_of_control_characters_is_refused_like_them(void)
{
	CHECK(NAME("^[") == NAME_HAS_CONTROL);
	CHECK(NAME("a^?") == NAME_HAS_CONTROL);
	CHECK(NAME("M-^@b") == NAME_HAS_CONTROL);
	CHECK(NAME("a<U+202E>b") == NAME_INVISIBLE);
	CHECK(NAME("<ALM>") == NAME_INVISIBLE);
}

static void
length_is_counted_in_bytes(void)
{
	CHECK(NAME("") == NAME_EMPTY);
	CHECK(NAME("0123456789abcdef0123456789abcdef") == NAME_OK);
	CHECK(NAME("0123456789abcdef0123456789abcdefg") == NAME_TOO_LONG);
	CHECK(NAME("0123456789abcdef0123456789abcd\xc3\xbc") == NAME_OK);
	CHECK(NAME("0123456789abcdef0123456789abcde\xc3\xbc") == NAME_TOO_LONG);
}

/* What every byte of ASCII is, in front of a name and inside one. */
static void
every_ascii_character_is_judged(void)
{
	for (int c = 0; c < 0x80; c++) {
		char inside[3] = {'a', (char)c, 'b'};
		char front[2] = {(char)c, 'a'};
		enum name_error want = NAME_OK;

		if (c == ' ' || (c >= '\t' && c <= '\r'))
			want = NAME_HAS_SPACE;
		else if (c < 0x20 || c == 0x7f)
			want = NAME_HAS_CONTROL;
		else if (strchr(",:!*", c) != NULL)
			want = NAME_HAS_PUNCTUATION;
		CHECK(name_check(inside, 3) == want);
		if (c != 0 && strchr("#@+-/.", c) != NULL)
			want = NAME_BAD_START;
		CHECK(name_check(front, 2) == want);
		CHECK(name_check(front, 1) == want);
	}
}

static void
what_cannot_be_seen_is_refused(void)
{
	CHECK(NAME("a\xc2\xa0") == NAME_HAS_SPACE);
	CHECK(NAME("\xe3\x80\x80") == NAME_HAS_SPACE);
	CHECK(NAME("a\xe2\x80\xa8") == NAME_HAS_SPACE);
	CHECK(NAME("a\xc2\x85") == NAME_HAS_SPACE);
	CHECK(NAME("a\xc2\x9b") == NAME_HAS_CONTROL);
	CHECK(NAME("a\xe2\x80\xae") == NAME_INVISIBLE);
	CHECK(NAME("\xd8\x9c"
		   "a") == NAME_INVISIBLE);
	CHECK(NAME("alice\xe2\x80\x8b") == NAME_INVISIBLE);
	CHECK(NAME("al\xc2\xadice") == NAME_INVISIBLE);
	CHECK(NAME("\xef\xbb\xbf"
		   "alice") == NAME_INVISIBLE);
	CHECK(NAME("alice\xf3\xa0\x81\xa1") == NAME_INVISIBLE);
}

static void
bytes_that_are_not_utf8_are_refused(void)
{
	CHECK(NAME("J\xfcrgen") == NAME_NOT_UTF8);
	CHECK(NAME("a\xc3") == NAME_NOT_UTF8);
	CHECK(NAME("\xc0\xaf") == NAME_NOT_UTF8);
}

static void
a_room_is_a_hash_and_a_name(void)
{
	CHECK(ROOM("#ops") == NAME_OK);
	CHECK(ROOM("#o") == NAME_OK);
	CHECK(ROOM("#0123456789abcdef0123456789abcde") == NAME_OK);
	CHECK(ROOM("#0123456789abcdef0123456789abcdef") == NAME_TOO_LONG);
	CHECK(ROOM("") == NAME_NOT_A_ROOM);
	CHECK(ROOM("ops") == NAME_NOT_A_ROOM);
	CHECK(ROOM("#") == NAME_EMPTY);
	CHECK(ROOM("##ops") == NAME_BAD_START);
	CHECK(ROOM("#.") == NAME_BAD_START);
	CHECK(ROOM("#o ps") == NAME_HAS_SPACE);
	CHECK(ROOM("#o:ps") == NAME_HAS_PUNCTUATION);
	CHECK(ROOM("#o\xff") == NAME_NOT_UTF8);
	CHECK(NAME("#ops") == NAME_BAD_START);
}

static void
every_error_says_what_to_do_instead(void)
{
	CHECK(strcmp(name_why(NAME_OK), "") == 0);
	for (int e = NAME_EMPTY; e <= NAME_NOT_A_ROOM; e++) {
		const char *why = name_why((enum name_error)e);

		CHECK(strlen(why) > 0 && strlen(why) < 40);
		for (int d = e + 1; d <= NAME_NOT_A_ROOM; d++)
			CHECK(strcmp(why, name_why((enum name_error)d)) != 0);
	}
	CHECK(strstr(name_why(NAME_TOO_LONG), "32") != NULL);
	CHECK(NAME_MAX_LEN == 32);
}

static void
trims(const char *s, const char *want)
{
	size_t len = strlen(s);

	text_trim(&s, &len);
	CHECK_STR(s, len, want);
}

static void
trimming_drops_blanks_at_both_ends(void)
{
	trims("", "");
	trims(" \t ", "");
	trims("a", "a");
	trims(" \ta b\t ", "a b");
	trims("\xc2\xa0", "\xc2\xa0");
	CHECK(text_word("", 0) == 0);
	CHECK(text_word(" a", 2) == 0);
	CHECK(text_word("ab\tc", 4) == 2);
	CHECK(text_word("ab", 2) == 2);
}

int
main(void)
{
	RUN(names_of_people_and_machines_are_good);
	RUN(notation_of_control_characters_is_refused_like_them);
	RUN(length_is_counted_in_bytes);
	RUN(every_ascii_character_is_judged);
	RUN(what_cannot_be_seen_is_refused);
	RUN(bytes_that_are_not_utf8_are_refused);
	RUN(a_room_is_a_hash_and_a_name);
	RUN(every_error_says_what_to_do_instead);
	RUN(trimming_drops_blanks_at_both_ends);
	return check_summary();
}
