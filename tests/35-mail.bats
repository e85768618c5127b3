#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: the telld authors
#
# Mail: what is sent to one who is away, and what was on its way to one who
# went, is there at the next login, in order, whoever was killed meanwhile.
#
# shellcheck disable=SC2030,SC2031 # what run sets is the test's own

load helper
load tools
load mail

# A lot of mail may wait.
BIG=(-o mailbox_lines=100000 -o mailbox_max=64MiB)

# ---------------------------------------------------------------------------
# Away, and back
# ---------------------------------------------------------------------------

@test "mail for one who is away is there when he comes, with its time" {
	telld_start
	know bob
	client_login alice nc.openbsd
	client_send alice 'bob: one' 'bob:  two: 2 ' 'bob:'
	client_fence alice
	wait_audit stored=3 in_flight=0
	client_open bob nc.openbsd
	client_send bob bob
	client_expect_like bob "from alice $AT: one"
	client_expect_like bob "from alice $AT: two: 2"
	client_expect_like bob "from alice $AT: "
	# Once, and no more.
	client_fence bob
	wait_audit stored=0 in_flight=0
	run mail_read bob
	[[ $output == '! bob is already here from '* ]]
	client_eof bob
	client_closed bob
	wait_log 'broker: end name=bob ' 2
	run mail_read bob
	[ -z "$output" ]
}

@test "the time is when it was sent" {
	local before sent
	telld_start
	know bob
	before=$(date -u +%FT%TZ)
	run client_once nc.openbsd < <(printf 'alice\n+1 bob: x\n')
	[ "$output" = '+1 stored bob' ]
	run mail_read bob
	[[ $output =~ ^'from alice at '(.*Z)': x'$ ]]
	sent=${BASH_REMATCH[1]}
	[[ ! $sent < $before && ! $sent > $(date -u +%FT%TZ) ]]
}

@test "mail of several senders comes in the order in which it was sent" {
	local i
	telld_start
	know dave
	client_login alice nc.openbsd
	client_login bob nc.openbsd
	for i in 1 2 3 4 5; do
		client_send alice "+$i dave: a$i"
		client_expect alice "+$i stored dave"
		client_send bob "+$i dave: b$i"
		client_expect bob "+$i stored dave"
	done
	run mail_read dave
	[ ${#lines[@]} -eq 10 ]
	for i in 1 2 3 4 5; do
		like "${lines[2 * i - 2]}" "from alice $AT: a$i"
		like "${lines[2 * i - 1]}" "from bob $AT: b$i"
	done
}

@test "mail comes before what is sent after the login" {
	telld_start
	know bob
	client_login alice nc.openbsd
	client_send alice '+1 bob: 1' '+2 bob: 2'
	client_expect alice '+1 stored bob'
	client_expect alice '+2 stored bob'
	role_pid store
	kill -STOP "$PID"
	client_open bob nc.openbsd
	client_send bob bob 'alice: here'
	client_expect alice 'from bob: here'
	client_send alice 'bob: 3' 'bob: 4'
	client_fence alice
	kill -CONT "$PID"
	client_expect_like bob "from alice $AT: 1"
	client_expect_like bob "from alice $AT: 2"
	client_expect bob 'from alice: 3'
	client_expect bob 'from alice: 4'
	wait_audit in_flight=0 stored=0
}

@test "what is on its way to the disk comes before what is sent later" {
	telld_start
	know bob
	client_login alice nc.openbsd
	role_pid store
	kill -STOP "$PID"
	client_send alice '+1 bob: 1' '+2 bob: 2'
	client_fence alice
	client_open bob nc.openbsd
	client_send bob bob 'alice: here'
	client_expect alice 'from bob: here'
	client_send alice 'bob: 3'
	client_fence alice
	kill -CONT "$PID"
	client_expect_like bob "from alice $AT: 1"
	client_expect_like bob "from alice $AT: 2"
	client_expect bob 'from alice: 3'
	client_expect alice '+1 stored bob'
	client_expect alice '+2 stored bob'
}

@test "the store is stopped: those who are here talk on" {
	telld_start
	know carol
	client_login alice nc.openbsd
	client_login bob nc.openbsd
	role_pid store
	kill -STOP "$PID"
	client_send alice 'carol: x' 'bob: hello'
	client_expect bob 'from alice: hello'
	client_send bob '+1 alice: hi'
	client_expect alice 'from bob: hi'
	client_expect bob '+1 delivered alice'
	kill -CONT "$PID"
	wait_audit stored=1 in_flight=0
}

# ---------------------------------------------------------------------------
# For whom
# ---------------------------------------------------------------------------

@test "store_for known: who has never been here gets no mail" {
	telld_start
	know bob
	run client_once nc.openbsd < <(
		printf 'alice\ncarol: x\n+1 carol: y\n+2 bob: z\n')
	[ "${lines[0]}" = '! carol: no such name' ]
	[ "${lines[1]}" = '+1 refused carol: no such name' ]
	[ "${lines[2]}" = '+2 stored bob' ]
	wait_audit refused=2 stored=1
	run mail_read carol
	[ -z "$output" ]
}

@test "store_for all: mail waits for who has never been here" {
	telld_start -o store_for=all
	run client_once nc.openbsd < <(
		printf 'alice\n+1 carol: x\n+2 #no: y\n+3 -no: z\n')
	[ ${#lines[@]} -eq 3 ]
	[ "${lines[0]}" = '+2 refused #no: no such room' ]
	[ "${lines[1]}" = '+3 refused -no: no such name' ]
	[ "${lines[2]}" = '+1 stored carol' ]
	telld_stop
	telld_start
	run mail_read carol
	like "$output" "from alice $AT: x"
}

@test "store_for none: nobody gets mail, but a copy on its way is kept" {
	telld_start -o store_for=none
	know bob
	client_login alice nc.openbsd
	client_send alice '+1 bob: x'
	client_expect alice '+1 refused bob: no such name'
	client_login bob nc.openbsd
	wait_audit in_flight=0
	session_pid bob
	kill -STOP "$PID"
	client_send alice '+2 bob: y'
	client_fence alice
	kill -KILL "$PID"
	client_expect alice '+2 stored bob'
	run mail_read bob
	like "$output" "from alice $AT again: y"
}

# ---------------------------------------------------------------------------
# A restart, and kill -9
# ---------------------------------------------------------------------------

# some_mail - alice, bob and carol are known, and three lines wait for bob
some_mail() {
	know alice bob carol
	run client_once nc.openbsd < <(
		printf 'alice\n+1 bob: 1\n+2 bob: 2\n+3 bob: 3\n')
	[ ${#lines[@]} -eq 3 ]
	[[ $output != *[!0-9]refused* && ${lines[2]} == '+3 stored bob' ]]
}

# some_mail_is_there - and bob gets it, in order, and nothing twice
some_mail_is_there() {
	run client_once nc.openbsd < <(printf 'alice\n+4 bob: 4\n+5 carol: x\n')
	[[ $output == *'+4 stored bob'* && $output == *'+5 stored carol'* ]]
	mail_read bob >"$DIR/mail"
	in_order "$DIR/mail" 1 4
	[ "$AGAIN" -eq 0 ]
	wait_log 'broker: end name=bob '
	run mail_read bob
	[ -z "$output" ]
	wait_audit in_flight=0 stored=1
}

@test "a restart" {
	telld_start
	some_mail
	telld_stop
	telld_start
	audit restored=3 stored=3 accepted=0
	some_mail_is_there
}

@test "kill -9 of the store" {
	telld_start
	some_mail
	role_kill store
	wait_log 'broker: reap role=store .* signal=9'
	some_mail_is_there
}

@test "kill -9 of the broker" {
	telld_start
	some_mail
	role_kill broker
	wait_log 'broker: restored mails=3 ' 1
	some_mail_is_there
}

@test "kill -9 of the parent" {
	telld_start
	some_mail
	kill -KILL "$TELLD_PID"
	telld_wait 137
	telld_start
	audit restored=3
	some_mail_is_there
}

@test "kill -9 of all at once" {
	telld_start
	some_mail
	telld_kill
	telld_start
	audit restored=3
	some_mail_is_there
}

@test "kill -9 of a store that has not answered: everything once" {
	telld_start
	know bob
	client_login alice nc.openbsd
	role_pid store
	kill -STOP "$PID"
	numbered '+N bob: N' 1 500 >"$DIR/lines"
	client_send_file alice "$DIR/lines"
	client_fence alice
	wait_audit in_flight=500
	kill -KILL "$PID"
	receipts alice 500
	[ "${TAGS[stored]}" -eq 500 ]
	mail_read bob >"$DIR/mail"
	in_order "$DIR/mail" 1 500
	wait_audit stored=0 in_flight=0 delivered=502
}

@test "kill -9 of a store that is answering: who fetches gets all of it" {
	local name
	telld_start "${BIG[@]}"
	know bob carol dave erin
	client_login alice nc.openbsd
	for name in bob carol dave; do
		numbered "$name: N" 1 200 1000 >"$DIR/lines"
		client_send_file alice "$DIR/lines"
	done
	client_fence alice
	wait_audit stored=600 in_flight=0
	role_pid store
	kill -STOP "$PID"
	STORE=$PID
	for name in bob carol dave; do
		# Between two that fetch there is one to be made durable.
		client_open $name nc.openbsd
		client_send $name $name 'alice: here'
		client_expect alice "from $name: here"
		client_send alice 'erin: x'
		client_fence alice
	done
	# More than the channel holds is answered to a broker that reads none.
	role_pid broker
	kill -STOP "$PID"
	kill -CONT "$STORE"
	eventually 10 process_waits "$STORE"
	kill -KILL "$STORE"
	kill -CONT "$PID"
	for name in bob carol dave; do
		client_take $name 200 "$DIR/mail"
		cmp <(seq 200) <(sed 's/.*: \([0-9]*\) .*/\1/' "$DIR/mail")
		client_send alice "$name: live"
		client_expect $name 'from alice: live'
	done
	wait_audit stored=3 in_flight=0
}

# process_waits PID - it sleeps, and has done what it could
process_waits() {
	[ "$(ps -o stat= -o wchan= -p "$1" | grep -c '^S.*poll')" -eq 1 ]
}

@test "kill -9 of a broker whose store is stopped: stored stays stored" {
	telld_start
	know bob
	client_login alice nc.openbsd
	role_pid store
	kill -STOP "$PID"
	STORE=$PID
	numbered 'bob: N' 1 50 >"$DIR/lines"
	client_send_file alice "$DIR/lines"
	client_fence alice
	role_kill broker
	wait_log 'broker: restored mails=0 '
	wait_log "kill role=store pid=$STORE why=left-behind"
	client_login carol nc.openbsd
	client_send carol '+1 bob: kept'
	client_expect carol '+1 stored bob'
	# It would write where that stands, if it were still there.
	kill -CONT "$STORE" 2>/dev/null || :
	telld_stop
	telld_start
	audit restored=1
	run mail_read bob
	like "$output" "from carol $AT: kept"
}

@test "kill -9 of the store, again and again, while mail comes in" {
	local i
	telld_start
	know bob
	client_login alice nc.openbsd
	numbered '+N bob: N' 1 2000 >"$DIR/lines"
	head -n 500 "$DIR/lines" >"$DIR/first"
	sed -n 501,1000p "$DIR/lines" >"$DIR/second"
	for i in 1 2; do
		client_send_file alice "$DIR/$([ $i = 1 ] && echo first ||
			echo second)"
		role_kill store
		wait_log 'broker: reap role=store ' "$i"
		eventually 10 role_pid store 2>/dev/null
	done
	receipts alice 1000
	[ "${TAGS[stored]}" -eq 1000 ]
	mail_read bob >"$DIR/mail"
	in_order "$DIR/mail" 1 1000
	wait_audit stored=0 in_flight=0
}

# ---------------------------------------------------------------------------
# Given back
# ---------------------------------------------------------------------------

@test "again marks what may have been seen, and nothing else" {
	telld_start
	client_login alice nc.openbsd
	client_login bob nc.openbsd
	wait_audit in_flight=0
	session_pid bob
	kill -STOP "$PID"
	# The socketpair takes all that a window allows; the rest does not
	# leave the broker.
	numbered '+N bob: N' 1 500 1000 >"$DIR/lines"
	client_send_file alice "$DIR/lines"
	client_fence alice
	kill -KILL "$PID"
	receipts alice 500
	[ "${TAGS[stored]}" -eq 500 ]
	mail_read bob >"$DIR/mail"
	in_order "$DIR/mail" 1 500
	echo "again: $AGAIN"
	[ "$AGAIN" -gt 10 ]
	[ "$AGAIN" -lt 490 ]
	wait_audit stored=0 in_flight=0
}

# The reader reads line 1 and stops.  Then its kernel's buffer fills, then
# telld's kernel's, the session's, the socketpair, and the broker's queue.
@test "a reader stops, and is reset with lines everywhere: no gap" {
	telld_start -o slow_after=100ms
	client_login alice nc.openbsd
	stepper_open bob rcvbuf=4096 send=bob 'send=alice: here' say=go wait \
		reset
	client_expect bob go
	client_expect alice 'from bob: here'
	numbered '+N bob: N' 1 1500 500 >"$DIR/lines"
	client_send_file alice "$DIR/lines"
	# All of them have come: the last is held for one who is away.
	know carol
	client_send alice '+last carol: x'
	client_await alice '+last stored carol'
	queue bob
	# In the broker's queue, and on the way beyond it.
	[ "$UNSENT" -gt 100000 ]
	[ $((UNCONFIRMED - UNSENT)) -gt 200000 ]
	client_send bob reset
	wait_end bob session=reset
	mail_read bob >"$DIR/mail"
	FIRST=$(sed -n '1s/.*: \([0-9]*\) .*/\1/p' "$DIR/mail")
	echo "from $FIRST on"
	[ "$FIRST" -lt 100 ]
	in_order "$DIR/mail" "$FIRST" 1500
	[ "$AGAIN" -gt 100 ]
	[ "$AGAIN" -lt 1400 ]
	wait_audit in_flight=0 stored=1
}

@test "what was delivered and what was stored is all of it, line by line" {
	telld_start -o slow_after=100ms
	client_login alice nc.openbsd
	stepper_open bob rcvbuf=4096 send=bob 'send=alice: here' say=go wait \
		reset
	client_expect bob go
	client_expect alice 'from bob: here'
	numbered '+N bob: N' 1 1500 500 >"$DIR/lines"
	client_send_file alice "$DIR/lines"
	client_send bob reset
	receipts alice 1500
	echo "delivered ${TAGS[delivered]}, stored ${TAGS[stored]}"
	[ "${TAGS[refused]}" -eq 0 ]
	[ "${TAGS[stored]}" -gt 1000 ]
	mail_read bob >"$DIR/mail"
	# The one in which its host stopped acknowledging is the first.
	in_order "$DIR/mail" $((TAGS[delivered] + 1)) 1500
	wait_audit in_flight=0 stored=0
}

@test "a reader that is stopped, killed, and has lines in the socketpair" {
	telld_start -o slow_after=100ms
	client_login alice nc.openbsd
	stepper_open bob rcvbuf=4096 send=bob 'send=alice: here' wait
	client_expect alice 'from bob: here'
	numbered '+N bob: N' 1 1000 500 >"$DIR/lines"
	head -n 200 "$DIR/lines" >"$DIR/first"
	tail -n +201 "$DIR/lines" >"$DIR/rest"
	client_send_file alice "$DIR/first"
	client_send_file alice - <<<'alice: fence'
	client_await alice 'from alice: fence'
	session_pid bob
	kill -STOP "$PID"
	client_send_file alice "$DIR/rest"
	kill -KILL "$PID"
	# A few may have been told delivered before the fence.
	mail_read bob >"$DIR/mail"
	FIRST=$(sed -n '1s/.*: \([0-9]*\) .*/\1/p' "$DIR/mail")
	in_order "$DIR/mail" "$FIRST" 1000
	wait_audit in_flight=0 stored=0 delivered=1003
}

@test "a reader that is too slow is told, let go, and finds all of it" {
	telld_start -o slow_after=100ms -o queue_max=64KiB
	client_login alice nc.openbsd
	stepper_open bob rcvbuf=4096 send=bob 'send=alice: here' wait show
	client_expect alice 'from bob: here'
	numbered '+N bob: N' 1 1000 500 >"$DIR/lines"
	client_send_file alice "$DIR/lines"
	wait_log 'broker: limit name=bob .* key=queue_max'
	receipts alice 1000
	wait_end bob why=slow
	mail_read bob >"$DIR/mail"
	in_order "$DIR/mail" $((TAGS[delivered] + 1)) 1000
	wait_audit in_flight=0 stored=0
}

@test "a newcomer with mail is reset in the middle of it: none is lost" {
	telld_start "${BIG[@]}"
	know bob
	client_login alice nc.openbsd
	numbered '+N bob: N' 1 2000 500 >"$DIR/lines"
	client_send_file alice "$DIR/lines"
	receipts alice 2000
	[ "${TAGS[stored]}" -eq 2000 ]
	stepper_open bob rcvbuf=4096 send=bob wait reset
	client_send alice 'bob: 2001'
	eventually 10 mail_on_its_way
	client_send bob reset
	wait_end bob session=reset
	mail_read bob >"$DIR/mail"
	FIRST=$(sed -n '1s/.*: \([0-9]*\)\( .*\)*$/\1/p' "$DIR/mail")
	echo "from $FIRST on"
	[ "$FIRST" -lt 200 ]
	in_order "$DIR/mail" "$FIRST" 2001
	[ "$AGAIN" -gt 10 ]
	[ "$AGAIN" -lt 1500 ]
	wait_audit in_flight=0 stored=0
}

# waits_for NAME - something is on its way to NAME's session
waits_for() {
	queue "$1"
	[ "$UNCONFIRMED" -gt 0 ]
}

# As much as the broker lets go without a confirmation.
mail_on_its_way() {
	queue bob
	[ "$UNCONFIRMED" -gt 60000 ] && [ "$UNSENT" -eq 0 ]
}

@test "given back twice keeps its order, and stays marked" {
	telld_start
	client_login alice nc.openbsd
	client_login bob nc.openbsd
	wait_audit in_flight=0
	session_pid bob
	kill -STOP "$PID"
	client_send alice '+1 bob: 1'
	client_fence alice
	kill -KILL "$PID"
	client_expect alice '+1 stored bob'
	wait_log 'broker: end name=bob '
	# To the second session it is mail that the store does not send yet.
	role_pid store
	store=$PID
	kill -STOP "$store"
	client_open bob2 nc.openbsd
	client_send bob2 bob 'alice: here'
	client_expect alice 'from bob: here'
	client_send alice '+2 bob: 2'
	client_fence alice
	session_pid bob
	kill -STOP "$PID"
	kill -CONT "$store"
	eventually 10 waits_for bob
	kill -KILL "$PID"
	client_expect alice '+2 stored bob'
	wait_log 'broker: end name=bob ' 2
	mail_read bob >"$DIR/mail"
	in_order "$DIR/mail" 1 2
	[ "$AGAIN" -ge 1 ]
	wait_audit in_flight=0 stored=0
}

# ---------------------------------------------------------------------------
# Much
# ---------------------------------------------------------------------------

@test "a mailbox larger than a window and than queue_max, read by a pipe" {
	telld_start "${BIG[@]}" -o queue_max=64KiB
	know bob
	{
		echo alice
		numbered 'bob: N' 1 20000 150
	} | client_once nc.openbsd >"$DIR/alice"
	[ ! -s "$DIR/alice" ]
	wait_audit stored=20000 in_flight=0
	mail_read bob >"$DIR/mail"
	in_order "$DIR/mail" 1 20000
	[ "$AGAIN" -eq 0 ]
	wait_audit stored=0 in_flight=0
}

@test "every client reads a large mailbox to its end" {
	local kind
	telld_start "${BIG[@]}"
	know bob
	{
		echo alice
		numbered 'bob, carol, dave: N' 1 3000 150
	} >"$DIR/lines"
	for kind in nc.openbsd nc.traditional ncat busybox socat; do
		client_once nc.openbsd <"$DIR/lines" >/dev/null
		wait_audit stored=3000 in_flight=0
		printf 'bob\n' | client_once "$kind" >"$DIR/mail.$kind"
		echo "$kind"
		in_order "$DIR/mail.$kind" 1 3000
		wait_audit stored=0 in_flight=0
	done
}

@test "a slow reader gets a large mailbox, and live lines after it" {
	telld_start "${BIG[@]}" -o queue_max=64KiB
	know bob
	client_login alice nc.openbsd
	numbered '+N bob: N' 1 2000 300 >"$DIR/lines"
	client_send_file alice "$DIR/lines"
	receipts alice 2000
	stepper_open bob rcvbuf=4096 slowly=20000 send=bob 'send=alice: here' \
		show
	client_expect alice 'from bob: here'
	client_send alice 'bob: live'
	client_take bob 2000 "$DIR/mail"
	in_order "$DIR/mail" 1 2000
	client_expect bob 'from alice: live'
}

# ---------------------------------------------------------------------------
# What an administrator sees
# ---------------------------------------------------------------------------

@test "tellctl mail lists mailboxes and lines, and removes none" {
	local i
	telld_start
	know bob carol
	run telld_control mail
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	client_login alice nc.openbsd
	client_send alice '+1 bob, carol: one' '+2 bob: two'
	for i in 1 2 3; do
		client_expect_like alice '+? stored *'
	done
	for i in 1 2; do
		run telld_control mail
		[ "$status" -eq 0 ]
		[ ${#lines[@]} -eq 2 ]
		like "$output" "*bob 2 lines, 6 bytes, oldest ${AT#at }*"
		like "$output" "*carol 1 lines, 3 bytes, oldest ${AT#at }*"
		run telld_control mail bob
		[ "$status" -eq 0 ]
		[ ${#lines[@]} -eq 2 ]
		like "${lines[0]}" "from alice $AT: one"
		like "${lines[1]}" "from alice $AT: two"
	done
	run telld_control mail nobody
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	audit stored=3
	run mail_read bob
	[ ${#lines[@]} -eq 2 ]
}

@test "tellctl mail NAME shows a mailbox of several megabytes" {
	telld_start "${BIG[@]}"
	know bob
	{
		echo alice
		numbered 'bob: N' 1 20000 150
	} | client_once nc.openbsd >"$DIR/alice"
	wait_audit stored=20000 in_flight=0
	telld_control mail bob >"$DIR/mail"
	in_order "$DIR/mail" 1 20000
	audit stored=20000
}
