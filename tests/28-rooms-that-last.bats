#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: the telld authors
#
# Rooms that come back with the name, and lines to a room for who is away.

load helper
load tools
load mail

teardown() {
	local bad=0
	[ -z "$TELLD_PID" ] || audit || bad=1
	telld_teardown && [ $bad -eq 0 ]
}

# joined NAME ROOM... - NAME logs in, enters these, and leaves
joined() {
	local name=$1
	shift
	{
		echo "$name"
		printf '/join %s\n' "$@"
	} | client_once nc.openbsd >"$DIR/joined"
	wait_log "broker: end name=$name "
}

# is_in NAME ROOM... - these are the rooms that NAME is in, and no more
is_in() {
	local name=$1
	shift
	run client_once nc.openbsd < <(printf '%s\n/rooms\n' "$name")
	diff <(sed -n 's/^\* \(#[^,]*\), .* you too$/\1/p' <<<"$output") \
		<([ $# -eq 0 ] || printf '%s\n' "$@")
	wait_log "broker: end name=$name "
}

@test "rooms come back with the name; who parts is forgotten" {
	telld_start
	joined alice '#ops' '#db' '#web'
	is_in alice '#db' '#ops' '#web'
	run client_once nc.openbsd < <(printf 'alice\n/part #db\n')
	is_in alice '#ops' '#web'
	is_in bob
	for room in '#ops' '#web'; do
		run client_once nc.openbsd < <(printf 'alice\n/part %s\n' $room)
	done
	is_in alice
}

@test "they come back after a stop, and after kill -9 of everything" {
	telld_start
	joined alice '#ops' '#db'
	telld_stop
	telld_start
	is_in alice '#db' '#ops'
	run client_once nc.openbsd < <(printf 'alice\n/part #ops\n+1 alice: x\n')
	# What is stored after it is on disk, and so it is.
	run client_once nc.openbsd < <(printf 'bob\n+1 alice: x\n')
	[ "$output" = '+1 stored alice' ]
	telld_kill
	telld_start
	is_in alice '#db'
}

@test "they come back when the broker or the store was killed" {
	telld_start
	joined alice '#ops'
	role_kill store
	wait_log 'broker: reap role=store'
	joined bob '#ops'
	is_in alice '#ops'
	run client_once nc.openbsd < <(printf 'carol\n+1 bob: all on disk\n')
	[ "$output" = '+1 stored bob' ]
	role_kill broker
	wait_log 'broker: restored ' 2
	is_in alice '#ops'
	is_in bob '#ops'
}

@test "members see who comes back; a script is told nothing, a person is" {
	telld_start -o greeting=yes
	joined alice '#ops'
	client_login bob nc.openbsd
	client_send bob '/join #ops'
	client_expect bob '* bob joined #ops'
	run client_once nc.openbsd < <(printf 'alice\n')
	[ -z "$output" ]
	client_expect bob '* alice joined #ops'
	client_expect bob '* alice left #ops'
	client_open alice nc.openbsd
	client_expect_like alice '\* telld at *'
	client_send alice alice
	client_expect_like alice '\* hello alice, 2 here. *'
	client_expect alice '* alice joined #ops'
	client_expect bob '* alice joined #ops'
	client_send bob '#ops: back?'
	client_expect alice 'from bob in #ops: back?'
}

@test "a room that only the away are in is not there" {
	telld_start
	joined alice '#ops'
	client_login bob nc.openbsd
	client_send bob '#ops: x' '/who #ops' /rooms
	client_expect bob '! #ops: no such room'
	client_expect bob '! #ops: no such room'
	client_expect bob '* 0 rooms'
	client_fence bob
}

@test "64 rooms are kept, if their names are not too long" {
	local rooms=() i
	telld_start
	for ((i = 10; i < 74; i++)); do
		rooms+=("#r$i")
	done
	joined alice "${rooms[@]}"
	telld_stop
	telld_start
	is_in alice "${rooms[@]}"
	rooms=()
	for ((i = 0; i < 40; i++)); do
		rooms+=("#$(printf %031d $i)")
	done
	joined bob "${rooms[@]}"
	is_in bob "${rooms[@]:0:31}"
}

@test "room_store: a line to a room waits for those who are away" {
	telld_start -o room_store=yes
	joined alice '#ops'
	joined carol '#ops'
	client_login bob nc.openbsd
	client_login dave nc.openbsd
	client_send dave '/join #ops'
	client_expect dave '* dave joined #ops'
	client_send bob '+1 #ops: one' '#ops: two'
	client_expect dave 'from bob in #ops: one'
	client_expect dave 'from bob in #ops: two'
	client_expect bob '+1 #ops: 1 delivered, 2 stored, 0 refused'
	wait_audit stored=4
	run mail_read alice
	like "${lines[0]}" "from bob in #ops $AT: one"
	like "${lines[1]}" "from bob in #ops $AT: two"
	[ ${#lines[@]} -eq 2 ]
	client_send dave '/part #ops'
	client_expect dave '* alice joined #ops'
	client_expect dave '* alice left #ops'
	client_expect dave '* dave left #ops'
	# Nobody is there now, but some come back.
	client_send bob '+2 #ops: three'
	client_expect bob '+2 #ops: 0 delivered, 2 stored, 0 refused'
	run client_once nc.openbsd < <(printf 'carol\n/part #ops\n')
	client_send bob '+3 #ops: four'
	client_expect bob '+3 #ops: 0 delivered, 1 stored, 0 refused'
	client_fence bob
}

@test "room_store: what a member never got waits for it too, in order" {
	telld_start -o room_store=yes
	client_login alice nc.openbsd
	client_login bob nc.openbsd
	client_send alice '/join #ops'
	client_expect alice '* alice joined #ops'
	session_pid alice
	kill -STOP "$PID"
	client_send bob '+1 #ops: one'
	client_fence bob
	telld_control kick alice
	client_send bob '+2 #ops: two'
	client_fence bob
	kill -KILL "$PID"
	client_expect bob '+1 #ops: 0 delivered, 1 stored, 0 refused'
	client_expect bob '+2 #ops: 0 delivered, 1 stored, 0 refused'
	client_send bob '+3 #ops: three'
	client_expect bob '+3 #ops: 0 delivered, 1 stored, 0 refused'
	run mail_read alice
	like "${lines[0]}" "from bob in #ops $AT*: one"
	like "${lines[1]}" "from bob in #ops $AT*: two"
	like "${lines[2]}" "from bob in #ops $AT: three"
	[ ${#lines[@]} -eq 3 ]
}

@test "room_store: a full mailbox is refused, and counted" {
	telld_start -o room_store=yes -o mailbox_lines=2
	joined alice '#ops'
	joined carol '#ops'
	client_login bob nc.openbsd
	client_send bob 'alice: x' '+1 #ops: 1' '+2 #ops: 2' '#ops: 3'
	client_expect bob '+1 #ops: 0 delivered, 2 stored, 0 refused'
	client_expect bob '+2 #ops: 0 delivered, 1 stored, 1 refused'
	client_expect bob '! #ops: refused for 2'
	client_fence bob
	wait_audit stored=4 refused=3
}

@test "room_store keeps nothing with store_for none" {
	telld_start -o room_store=yes -o store_for=none
	joined alice '#ops'
	client_login bob nc.openbsd
	client_send bob '#ops: x'
	client_expect bob '! #ops: no such room'
	is_in alice '#ops'
}
