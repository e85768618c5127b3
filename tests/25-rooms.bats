#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: the telld authors
#
# Rooms and everybody: who is in, who hears what, and what the receipt says.

load helper
load tools

teardown() {
	local bad=0
	[ -z "$TELLD_PID" ] || telld_control audit >"$DIR/audit" 2>&1 || bad=1
	[ $bad -eq 0 ] || cat "$DIR/audit" >&2
	telld_teardown && [ $bad -eq 0 ]
}

# here NAME... - these are logged in
here() {
	local name
	for name; do
		client_login "$name" nc.openbsd
	done
}

# joins ROOM NAME... - these enter it, and those who are in see it
joins() {
	local room=$1 name in=()
	shift
	for name; do
		client_send "$name" "/join $room"
		in+=("$name")
		sees "* $name joined $room" "${in[@]}"
	done
}

# sees LINE NAME... - that is the next line of each
sees() {
	local line=$1 name
	shift
	for name; do
		client_expect "$name" "$line"
	done
}

# silent NAME... - these have nothing to read
silent() {
	local name
	for name; do
		client_fence "$name"
	done
}

@test "a line to a room reaches its members, but not the one who wrote it" {
	telld_start
	here alice bob carol dave
	joins '#ops' alice bob carol
	client_send alice '#ops: the disk is full: / again'
	sees 'from alice in #ops: the disk is full: / again' bob carol
	silent alice dave
}

@test "anybody may write to a room that is there" {
	telld_start
	here alice
	joins '#ops' alice
	run client_once nc.openbsd < <(printf 'cron\n#ops: done\n')
	[ "$status" -eq 0 ] && [ -z "$output" ]
	client_expect alice 'from cron in #ops: done'
}

@test "nobody can write to a room that is not there" {
	telld_start
	here alice
	client_send alice '#ops, #ops, #: x' '+1 #ops: x'
	sees '! #ops: no such room' alice
	sees '! #: no such room' alice
	sees '+1 refused #ops: no such room' alice
	silent alice
}

@test "a room is gone with its last member" {
	telld_start
	here alice bob
	joins '#b' alice bob
	joins '#a' alice
	client_send bob /rooms
	sees '* #a, 1 here' bob
	sees '* #b, 2 here, you too' bob
	sees '* 2 rooms' bob
	client_send alice '/part #a' /rooms
	sees '* alice left #a' alice
	sees '* #b, 2 here, you too' alice
	sees '* 1 room' alice
	client_send alice '#a: x'
	sees '! #a: no such room' alice
}

@test "members are told who leaves, however it is done" {
	telld_start
	here alice bob carol dave erin
	joins '#ops' alice bob carol dave erin
	client_send bob '/part #ops'
	sees '* bob left #ops' bob alice carol dave erin
	client_send carol '/quit off to lunch: 30 min'
	sees '* bye' carol
	sees '* carol left #ops: off to lunch: 30 min' alice dave erin
	client_eof dave
	sees '* dave left #ops' alice erin
	client_kill erin
	sees '* erin left #ops' alice
	client_send alice '/who #ops'
	client_expect_like alice '\* alice, since *'
	sees '* 1 here' alice
	silent alice bob
}

@test "who leaves is told in every room, and only there" {
	telld_start
	here alice bob carol dave
	joins '#a' alice bob
	joins '#b' alice carol
	client_send alice /quit
	sees '* bye' alice
	sees '* alice left #a' bob
	sees '* alice left #b' carol
	silent bob carol dave
}

@test "what cannot be joined or parted is told" {
	telld_start
	here alice
	joins '#ops' alice
	client_send alice '/join #ops' '/part #no' '/join ops' '/join' \
		'/join #a b' '/join #a,b' '/part ops' '/join #' \
		'/join #0123456789abcdef0123456789abcdef' \
		'/join #123456789abcdef0123456789abcdef'
	sees '! #ops: you are there already' alice
	sees '! #no: you are not there' alice
	sees '! bad room: a room begins with #' alice
	sees '! bad room: a room begins with #' alice
	sees '! bad room: no white space' alice
	sees '! bad room: none of , : ! *' alice
	sees '! bad room: a room begins with #' alice
	sees '! bad room: at least one character' alice
	sees '! bad room: at most 32 bytes' alice
	sees '* alice joined #123456789abcdef0123456789abcdef' alice
}

@test "one client can be in 64 rooms" {
	local i
	telld_start
	here alice
	for ((i = 1; i <= 64; i++)); do
		joins "#r$i" alice
	done
	client_send alice '/join #more' '/part #r7' '/join #more'
	sees '! #more: you are in 64 rooms, and no more go' alice
	sees '* alice left #r7' alice
	sees '* alice joined #more' alice
}

@test "a receipt for a room is one line, with the copies counted" {
	telld_start
	here alice bob carol
	joins '#ops' alice bob carol
	client_send alice '+1 #ops: x'
	sees 'from alice in #ops: x' bob carol
	sees '+1 #ops: 2 delivered, 0 stored, 0 refused' alice
	client_send bob '/part #ops'
	sees '* bob left #ops' bob alice carol
	client_send carol '/part #ops'
	sees '* carol left #ops' carol alice
	client_send alice '+2 #ops: to nobody else' '+3 #none: x'
	sees '+2 #ops: 0 delivered, 0 stored, 0 refused' alice
	sees '+3 refused #none: no such room' alice
	silent alice
}

@test "a copy that its reader never got is stored, and counted so" {
	local pid
	telld_start
	here alice bob carol
	joins '#ops' alice bob carol
	session_pid bob
	pid=$PID
	kill -STOP "$pid"
	client_send alice '+1 #ops: x'
	sees 'from alice in #ops: x' carol
	silent carol
	kill -KILL "$pid"
	sees '* bob left #ops' carol
	client_expect_like alice '[*+]*'
	client_expect_like alice '[*+]*'
	grep -qx '< \* bob left #ops' "$DIR/client.alice"
	grep -qx '< +1 #ops: 1 delivered, 1 stored, 0 refused' \
		"$DIR/client.alice"
	wait_end bob why=lost
	client_open bob2 nc.openbsd
	client_send bob2 bob
	client_expect_like bob2 'from alice in #ops at 20??-*Z*: x'
}

@test "a DEST that is named twice gets one copy, one reached twice gets two" {
	telld_start
	here alice bob
	joins '#ops' alice bob
	client_send alice '#ops, #ops, bob, #ops, bob: x'
	sees 'from alice in #ops: x' bob
	sees 'from alice: x' bob
	silent bob
	client_send alice '*, #ops, *: y'
	sees 'from alice in *: y' bob
	sees 'from alice in #ops: y' bob
	silent bob alice
}

@test "names and rooms can be mixed, and one that fails stops no other" {
	telld_start
	here alice bob carol
	joins '#ops' bob
	client_send alice '+7 nobody, #none, #ops, carol, *: x'
	sees '+7 refused nobody: no such name' alice
	sees '+7 refused #none: no such room' alice
	sees 'from alice in #ops: x' bob
	sees 'from alice: x' carol
	sees 'from alice in *: x' bob carol
	for _ in 1 2 3; do
		client_expect_like alice '+7 *'
	done
	for line in '#ops: 1 delivered, 0 stored, 0 refused' \
		'delivered carol' '\*: 2 delivered, 0 stored, 0 refused'; do
		grep -qx "< +7 $line" "$DIR/client.alice"
	done
	silent alice
}

@test "a line to everybody reaches all who are here but the one who wrote" {
	telld_start
	here alice bob carol
	client_open dave nc.openbsd
	client_send alice '*: reboot at five' '+1 *: x'
	sees 'from alice in *: reboot at five' bob carol
	sees 'from alice in *: x' bob carol
	sees '+1 *: 2 delivered, 0 stored, 0 refused' alice
	silent alice
	client_send dave dave
	client_fence dave
}

@test "broadcast says who may write to everybody" {
	telld_start -o broadcast=none
	here alice bob
	client_send alice '*: x' '+1 *: x' 'bob, *, *: y'
	sees '! *: not allowed' alice
	sees '+1 refused *: not allowed' alice
	sees '! *: not allowed' alice
	sees 'from alice: y' bob
	silent alice
	clients_end
	telld_stop

	telld_start -o 'broadcast=root, bob'
	here carol bob
	client_send carol '*: x'
	sees '! *: not allowed' carol
	client_send bob '*: x'
	sees 'from bob in *: x' carol
}

@test "the ignored are not heard in rooms either, and not told" {
	telld_start
	here alice bob carol
	joins '#ops' alice bob carol
	client_send alice '/ignore bob'
	sees '* ignoring bob' alice
	client_send bob '+1 #ops: x' '+2 alice: y' '+3 *: z'
	sees 'from bob in #ops: x' carol
	sees 'from bob in *: z' carol
	client_expect_like bob '+*'
	client_expect_like bob '+*'
	client_expect_like bob '+*'
	grep -qx '< +1 #ops: 2 delivered, 0 stored, 0 refused' "$DIR/client.bob"
	grep -qx '< +2 delivered alice' "$DIR/client.bob"
	grep -qx '< +3 \*: 2 delivered, 0 stored, 0 refused' "$DIR/client.bob"
	silent alice
	client_send alice '/unignore bob'
	sees '* no longer ignoring bob' alice
	client_send bob 'alice: heard?'
	sees 'from bob: heard?' alice
}

@test "a member who stops reading is let go, and the room goes on" {
	local pid i
	telld_start -o queue_max=64KiB -o slow_after=100ms
	here alice bob carol
	joins '#ops' alice bob carol
	session_pid bob
	pid=$PID
	kill -STOP "$pid"
	for ((i = 0; i < 200; i++)); do
		printf '#ops: %01000d\n' $i
	done >"$DIR/lines"
	client_send alice "$(<"$DIR/lines")"
	client_until carol 'from alice in #ops: 0*0199'
	grep -c '^< from alice' "$DIR/client.carol" >"$DIR/count"
	[ "$(<"$DIR/count")" -eq 200 ]
	wait_log 'broker: limit name=bob .* key=queue_max'
	kill -CONT "$pid"
	wait_end bob why=slow
}
