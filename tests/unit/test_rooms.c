/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

#define _GNU_SOURCE
#include "check.h"
#include "nomem.h"
#include "random.h"

/* The module itself, with memory that can end. */
#include "../../src/rooms.c" /* NOLINT(bugprone-suspicious-include) */

/* Peers are never looked through: any address will do. */
static struct {
	char is_here;
	struct memberships of;
} people[40];

static struct names names;
static struct rooms rooms;

static void
start(void)
{
	memset(people, 0, sizeof people);
	CHECK(names_init(&names));
	rooms_init(&rooms, &names);
}

static struct peer *
peer(size_t i)
{
	return (struct peer *)(void *)&people[i].is_here;
}

static enum rooms_error
join(size_t i, const char *s)
{
	struct room *room;

	return rooms_join(&rooms, s, strlen(s), peer(i), &people[i].of, &room);
}

static struct room *
find(const char *s)
{
	return rooms_find(&rooms, s, strlen(s));
}

static bool
is_in(size_t i, const char *s)
{
	const struct room *room = find(s);

	return room != NULL && rooms_member(&people[i].of, room) != NULL;
}

static void
part(size_t i, const char *s)
{
	rooms_part(&rooms, &people[i].of, rooms_member(&people[i].of, find(s)));
}

static void
a_room_is_there_while_it_has_members(void)
{
	start();
	CHECK(find("#ops") == NULL && rooms.count == 0);
	CHECK(join(0, "#ops") == ROOMS_OK && join(1, "#ops") == ROOMS_OK);
	CHECK(join(0, "#ops") == ROOMS_IS_MEMBER);
	CHECK(find("#ops")->count == 2 && rooms.count == 1);
	CHECK_STR(find("#ops")->name->text, find("#ops")->name->len, "#ops");
	CHECK(find("#op") == NULL && find("ops") == NULL);
	part(0, "#ops");
	CHECK(!is_in(0, "#ops") && is_in(1, "#ops"));
	CHECK(find("#ops")->count == 1);
	part(1, "#ops");
	CHECK(find("#ops") == NULL && rooms.count == 0);
	CHECK(names.count == 0);
	names_free(&names);
}

static void
a_room_keeps_its_name_and_a_name_is_no_room(void)
{
	struct name *name;

	start();
	CHECK(names_get(&names, "alice", 5) != NULL);
	CHECK(find("alice") == NULL);
	CHECK(join(0, "#ops") == ROOMS_OK);
	name = find("#ops")->name;
	names_release(&names, name);
	CHECK(names_find(&names, "#ops", 4) == name);
	part(0, "#ops");
	CHECK(names_find(&names, "#ops", 4) == NULL && names.count == 1);
	names_free(&names);
}

static void
one_may_be_in_so_many_rooms(void)
{
	char s[8];
	int i;

	start();
	for (i = 0; i < ROOMS_PER_PEER; i++) {
		snprintf(s, sizeof s, "#r%d", i);
		CHECK(join(0, s) == ROOMS_OK);
	}
	CHECK(join(0, "#more") == ROOMS_TOO_MANY && find("#more") == NULL);
	CHECK(join(0, "#r7") == ROOMS_IS_MEMBER);
	CHECK(join(1, "#r7") == ROOMS_OK);
	part(0, "#r7");
	CHECK(join(0, "#more") == ROOMS_OK);
	while (!LIST_EMPTY(&people[0].of.list))
		rooms_part(
		    &rooms, &people[0].of, LIST_FIRST(&people[0].of.list));
	CHECK(people[0].of.count == 0 && rooms.count == 1);
	part(1, "#r7");
	names_free(&names);
}

static void
without_memory_nothing_changes(void)
{
	start();
	for (int i = 0; i < 2; i++) {
		nomem_after = i;
		CHECK(join(0, "#ops") == ROOMS_NO_MEMORY);
		CHECK(find("#ops") == NULL && rooms.count == 0);
		CHECK(names.count == 0 && people[0].of.count == 0);
	}
	nomem_after = -1;
	CHECK(join(0, "#ops") == ROOMS_OK);
	nomem_after = 0;
	CHECK(join(1, "#ops") == ROOMS_NO_MEMORY);
	nomem_after = -1;
	CHECK(find("#ops")->count == 1 && people[1].of.count == 0);
	part(0, "#ops");
	names_free(&names);
}

/* ---- those who come back ---- */

static struct name *
name(const char *s)
{
	return names_get(&names, s, strlen(s));
}

static bool
keep(const char *who, const char *s)
{
	return rooms_keep(&rooms, s, strlen(s), name(who));
}

static void
forget(const char *who, const char *s)
{
	rooms_forget(&rooms,
	    rooms_kept(name(who), rooms_find_kept(&rooms, s, strlen(s))));
}

static void
a_room_is_remembered_while_somebody_comes_back(void)
{
	struct name *alice;

	start();
	alice = name("alice");
	CHECK(join(0, "#ops") == ROOMS_OK);
	CHECK(keep("alice", "#ops") && keep("alice", "#ops"));
	CHECK(rooms.kept_count == 1);
	part(0, "#ops");
	CHECK(find("#ops") == NULL);
	CHECK(rooms_find_kept(&rooms, "#ops", 4)->count == 0);
	names_release(&names, alice);
	CHECK(names_find(&names, "alice", 5) == alice);
	CHECK(join(1, "#ops") == ROOMS_OK && find("#ops")->count == 1);
	forget("alice", "#ops");
	CHECK(find("#ops") != NULL && rooms.kept_count == 0);
	CHECK(rooms_kept(alice, find("#ops")) == NULL);
	part(1, "#ops");
	CHECK(rooms_find_kept(&rooms, "#ops", 4) == NULL && rooms.count == 0);
	names_release(&names, alice);
	CHECK(names.count == 0);
	names_free(&names);
}

static void
what_is_kept_goes_through_a_text(void)
{
	static const char bad[] = "  #a no #b,c  #b # ";
	char text[ROOMS_KEPT_TEXT_MAX];
	struct name *bob;

	start();
	bob = name("bob");
	CHECK(rooms_kept_text(bob, text) == 0);
	rooms_keep_text(&rooms, bad, sizeof bad - 1, bob);
	CHECK_STR(text, rooms_kept_text(bob, text), "#b #a");
	rooms_keep_text(&rooms, "#a", 2, bob);
	CHECK(rooms.kept_count == 2 && bob->kept_bytes == 6);
	forget("bob", "#b");
	CHECK_STR(text, rooms_kept_text(bob, text), "#a");
	forget("bob", "#a");
	CHECK(bob->kept_bytes == 0 && rooms.count == 0);
	names_free(&names);
}

static void
so_much_is_kept_and_no_more(void)
{
	char s[NAME_MAX_LEN + 1], text[ROOMS_KEPT_TEXT_MAX];
	size_t i, n = 0;

	start();
	for (i = 0; i < 40; i++) {
		snprintf(s, sizeof s, "#%031zu", i);
		n += keep("alice", s);
	}
	CHECK(n == 31 && rooms.count == 31);
	CHECK(rooms_kept_text(name("alice"), text) == 31 * 33 - 1);
	for (n = i = 0; i < ROOMS_KEPT_PER_ROOM + 10; i++) {
		snprintf(s, sizeof s, "m%zu", i);
		n += keep(s, "#ops");
	}
	CHECK(n == ROOMS_KEPT_PER_ROOM);
	while (!LIST_EMPTY(&rooms.all))
		rooms_forget(&rooms, LIST_FIRST(&LIST_FIRST(&rooms.all)->kept));
	CHECK(rooms.kept_count == 0);
	names_free(&names);
}

static void
without_memory_nothing_is_kept(void)
{
	start();
	CHECK(name("alice") != NULL);
	for (int i = 0; i < 2; i++) {
		nomem_after = i;
		CHECK(!keep("alice", "#ops"));
		CHECK(rooms.count == 0 && names.count == 1);
	}
	nomem_after = -1;
	CHECK(keep("alice", "#ops"));
	forget("alice", "#ops");
	names_free(&names);
}

/* ---- random comings and goings against a table of who is where ---- */

#define PEOPLE 40
#define ROOMS  30

static bool is_where[PEOPLE][ROOMS];

static void
agrees_with_the_table(void)
{
	size_t i, j, count, rooms_count = 0;
	const struct member *m;
	const struct room *room;
	char s[8];

	for (j = 0; j < ROOMS; j++) {
		snprintf(s, sizeof s, "#%zu", j);
		room = find(s);
		for (count = 0, i = 0; i < PEOPLE; i++) {
			count += is_where[i][j];
			CHECK(is_in(i, s) == is_where[i][j]);
		}
		CHECK((room != NULL) == (count > 0));
		if (room == NULL)
			continue;
		rooms_count++;
		CHECK(room->count == count);
		LIST_FOREACH(m, &room->members, of_room)
			count--;
		CHECK(count == 0);
	}
	CHECK(rooms.count == rooms_count && names.count == rooms_count);
}

static void
random_comings_and_goings_agree_with_a_table(void)
{
	size_t i, j;
	char s[8];

	start();
	random_seed(7);
	memset(is_where, 0, sizeof is_where);
	for (int step = 0; step < 20000 && check_ok; step++) {
		i = random_below(PEOPLE);
		j = random_below(ROOMS);
		snprintf(s, sizeof s, "#%zu", j);
		if (!is_where[i][j]) {
			CHECK(join(i, s) == ROOMS_OK);
		} else if (step % 3 == 0) {
			CHECK(join(i, s) == ROOMS_IS_MEMBER);
			continue;
		} else {
			part(i, s);
		}
		is_where[i][j] = !is_where[i][j];
		if (step % 1000 == 0)
			agrees_with_the_table();
	}
	for (i = 0; i < PEOPLE; i++)
		while (!LIST_EMPTY(&people[i].of.list))
			rooms_part(&rooms, &people[i].of,
			    LIST_FIRST(&people[i].of.list));
	CHECK(rooms.count == 0 && names.count == 0);
	names_free(&names);
}

int
main(void)
{
	RUN(a_room_is_there_while_it_has_members);
	RUN(a_room_keeps_its_name_and_a_name_is_no_room);
	RUN(one_may_be_in_so_many_rooms);
	RUN(without_memory_nothing_changes);
	RUN(a_room_is_remembered_while_somebody_comes_back);
	RUN(what_is_kept_goes_through_a_text);
	RUN(so_much_is_kept_and_no_more);
	RUN(without_memory_nothing_is_kept);
	RUN(random_comings_and_goings_agree_with_a_table);
	return check_summary();
}
