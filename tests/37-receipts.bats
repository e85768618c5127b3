#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: the telld authors
#
# Receipts: exactly one final line for each name, and it is true.
#
# shellcheck disable=SC2030,SC2031 # what run sets is the test's own

load helper
load tools
load mail

# sorted TEXT - its lines, in an order of their own
sorted() {
	sort <<<"$1"
}

# ---------------------------------------------------------------------------
# Each kind
# ---------------------------------------------------------------------------

@test "delivered, stored, refused" {
	telld_start
	know carol
	client_login alice nc.openbsd
	client_login bob nc.openbsd
	client_send alice '+1 bob: x'
	client_expect alice '+1 delivered bob'
	client_send alice '+2 carol: x'
	client_expect alice '+2 stored carol'
	client_send alice '+3 nobody: x'
	client_expect alice '+3 refused nobody: no such name'
	client_expect bob 'from alice: x'
	client_fence alice
	wait_audit accepted=5 delivered=4 stored=1 refused=1
}

@test "several names: one line each, and one for a name that is twice there" {
	telld_start
	know carol
	client_login alice nc.openbsd
	client_login bob nc.openbsd
	client_send alice '+a bob, nobody,carol ,, bob, alice, carol: x'
	client_take alice 5 "$DIR/answers"
	[ "$(sorted "$(<"$DIR/answers")")" = "$(sorted '+a delivered bob
+a refused nobody: no such name
+a stored carol
from alice: x
+a delivered alice')" ]
	client_fence alice
	client_expect bob 'from alice: x'
	client_fence bob
}

@test "without a tag only a refusal is told" {
	telld_start
	know carol
	client_login alice nc.openbsd
	client_login bob nc.openbsd
	client_send alice 'bob, carol, nobody: x'
	client_expect alice '! nobody: no such name'
	client_fence alice
	wait_audit in_flight=0 stored=1
	client_fence alice
}

@test "every tag that may be" {
	local tag
	telld_start
	client_login alice nc.openbsd
	for tag in 1 a.b_c-D 0123456789abcdefghijklmnopqrstuv - ._; do
		client_send alice "+$tag nobody: x"
		client_expect alice "+$tag refused nobody: no such name"
	done
	client_send alice $'+t\tnobody: x'
	client_next alice 10
	[[ $LINE == '+t refused nobody: no such name' || $LINE == '! '* ]]
	client_fence alice
}

@test "what is no tag is refused, and nothing is sent" {
	local tag
	telld_start
	client_login alice nc.openbsd
	for tag in '' 0123456789abcdefghijklmnopqrstuvw a,b a/b ä; do
		client_send alice "+$tag alice: x"
		client_expect alice \
			'! bad tag: 1 to 32 of A-Z a-z 0-9 . _ - after the +'
	done
	client_fence alice
}

@test "one tag may be used twice, and gets two receipts" {
	telld_start
	client_login alice nc.openbsd
	client_send alice '+1 nobody: x' '+1 nobody: x'
	client_expect alice '+1 refused nobody: no such name'
	client_expect alice '+1 refused nobody: no such name'
	client_fence alice
}

@test "a room and everybody: one line, when the last copy is settled" {
	telld_start
	client_login alice nc.openbsd
	client_login bob nc.openbsd
	client_login carol nc.openbsd
	client_send bob '/join #ops'
	client_expect bob '* bob joined #ops'
	client_send carol '/join #ops'
	client_expect carol '* carol joined #ops'
	client_send alice '+1 #ops: x'
	client_expect alice '+1 #ops: 2 delivered, 0 stored, 0 refused'
	client_send alice '+2 *: x'
	client_expect alice '+2 *: 2 delivered, 0 stored, 0 refused'
	wait_audit in_flight=0
	session_pid carol
	kill -STOP "$PID"
	client_send alice '+3 #ops: y'
	client_await bob 'from alice in #ops: y'
	client_fence alice
	kill -KILL "$PID"
	client_expect alice '+3 #ops: 1 delivered, 1 stored, 0 refused'
	client_fence alice
}

# ---------------------------------------------------------------------------
# Not before it is true
# ---------------------------------------------------------------------------

@test "delivered: not before its host has it" {
	telld_start
	client_login alice nc.openbsd
	client_login bob nc.openbsd
	wait_audit in_flight=0
	session_pid bob
	kill -STOP "$PID"
	client_send alice '+1 bob: x'
	client_fence alice
	client_fence alice
	kill -CONT "$PID"
	client_expect alice '+1 delivered bob'
	client_expect bob 'from alice: x'
}

@test "delivered: not while it is in telld's kernel" {
	telld_start
	client_login alice nc.openbsd
	stepper_open bob rcvbuf=4096 send=bob 'send=alice: here' wait show
	client_expect alice 'from bob: here'
	numbered '+N bob: N' 1 60 4000 >"$DIR/lines"
	client_send_file alice "$DIR/lines"
	client_send alice '+nobody nobody: x'
	client_await alice '+nobody refused *'
	queue bob
	[ "$UNSENT" -eq 0 ]
	[ "$UNCONFIRMED" -gt 100000 ]
	telld_control audit | grep -qE '^in_flight [1-9]'
	client_send bob go
	client_take bob 60 "$DIR/lines"
	client_await alice '+60 delivered bob'
	wait_audit in_flight=0
}

@test "delivered on a Unix socket: not before its program has read it" {
	telld_start -l "unix:$DIR/telld.sock"
	client_login alice nc.openbsd
	stepper_open bob send=bob 'send=alice: here' wait \
		'line=from alice: x' say=read wait
	client_expect alice 'from bob: here'
	client_send alice '+1 bob: x'
	client_fence alice
	wait_audit in_flight=1
	client_fence alice
	client_send bob go
	client_expect bob read
	client_expect alice '+1 delivered bob'
}

@test "stored: not before it is on disk" {
	telld_start
	know bob
	client_login alice nc.openbsd
	role_pid store
	kill -STOP "$PID"
	client_send alice '+1 bob: x'
	client_fence alice
	wait_audit in_flight=1
	kill -CONT "$PID"
	client_expect alice '+1 stored bob'
	telld_kill
	telld_start
	run mail_read bob
	like "$output" "from alice $AT: x"
}

@test "of a reader that vanishes: stored, when it is known to be gone" {
	telld_start -o dead_after=5s
	client_login alice nc.openbsd
	stepper_open bob send=bob 'send=alice: here' 'line=from alice: x' \
		vanish say=gone wait
	client_expect alice 'from bob: here'
	client_send alice '+0 bob: x'
	client_expect alice '+0 delivered bob'
	client_expect bob gone
	client_send alice '+1 bob: 1' '+2 bob: 2'
	client_fence alice
	client_take alice 2 "$DIR/answers"
	[ "$(<"$DIR/answers")" = '+1 stored bob
+2 stored bob' ]
	client_fence alice
	mail_read bob >"$DIR/mail"
	in_order "$DIR/mail" 1 2
	[ "$AGAIN" -eq 2 ]
	wait_audit stored=0 in_flight=0
}

# ---------------------------------------------------------------------------
# The end of the sender's input
# ---------------------------------------------------------------------------

@test "after the end of its input a pipe gets all of its receipts" {
	telld_start
	know carol
	client_login bob nc.openbsd
	{
		echo cron
		numbered '+N bob, carol, nobody: N' 1 200
	} | client_once nc.openbsd >"$DIR/answers"
	[ "$(wc -l <"$DIR/answers")" -eq 600 ]
	[ "$(sort -u "$DIR/answers" | wc -l)" -eq 600 ]
	[ "$(grep -c ' delivered bob$' "$DIR/answers")" -eq 200 ]
	[ "$(grep -c ' stored carol$' "$DIR/answers")" -eq 200 ]
	[ "$(grep -c ' refused nobody: no such name$' "$DIR/answers")" -eq 200 ]
}

@test "the sender's session stays until its receipts are settled" {
	telld_start -o linger=60s
	client_login bob nc.openbsd
	wait_audit in_flight=0
	session_pid bob
	bob=$PID
	kill -STOP "$bob"
	stepper_open cron send=cron 'send=+1 bob: x' half-close show
	wait_audit in_flight=1
	session_pid cron
	kill -CONT "$bob"
	client_expect cron '+1 delivered bob'
	client_expect cron '(end)'
	wait_end cron why=eof session=finished
}

@test "it stays for linger at most" {
	telld_start -o linger=500ms
	client_login bob nc.openbsd
	wait_audit in_flight=0
	session_pid bob
	kill -STOP "$PID"
	stepper_open cron send=cron 'send=+1 bob: x' half-close show
	client_expect cron '(end)'
	wait_end cron why=eof session=finished
	kill -CONT "$PID"
	client_expect bob 'from cron: x'
	wait_audit in_flight=0
}

@test "/quit answers all that is open" {
	telld_start
	know bob
	role_pid store
	kill -STOP "$PID"
	client_login cron nc.openbsd
	client_send cron '+1 bob: x' /quit '+2 bob: y'
	wait_audit in_flight=1
	kill -CONT "$PID"
	client_expect cron '+1 stored bob'
	client_expect cron '* bye'
	client_closed cron
	wait_audit stored=1
}

@test "a sender that is gone is owed nothing" {
	telld_start
	client_login bob nc.openbsd
	wait_audit in_flight=0
	session_pid bob
	kill -STOP "$PID"
	stepper_open cron send=cron 'send=+1 bob: x' 'send=cron: here' \
		'line=from cron: here' reset
	wait_log 'broker: end name=cron '
	client_login cron2 nc.openbsd
	kill -CONT "$PID"
	client_expect bob 'from cron: x'
	wait_audit in_flight=0
	client_fence cron2
}

# ---------------------------------------------------------------------------
# Many
# ---------------------------------------------------------------------------

@test "many tags, the least queue: who reads is never too slow" {
	telld_start -o queue_max=64KiB -o mailbox_lines=100000 \
		-o mailbox_max=64MiB
	know bob
	client_login alice nc.openbsd
	numbered '+N bob: N' 1 5000 >"$DIR/lines"
	client_send_file alice "$DIR/lines" &
	receipts alice 5000
	wait $!
	[ "${TAGS[stored]}" -eq 5000 ]
	stepper_open bob send=bob 'send=alice: here' \
		'skip=from alice: 5000 .' say=all wait
	client_expect alice 'from bob: here'
	client_send_file alice "$DIR/lines" &
	receipts alice 5000
	wait $!
	client_expect bob all
	[ "${TAGS[refused]}" -eq 0 ]
	wait_audit in_flight=0
}

@test "many refusals, the least queue: who reads is never too slow" {
	telld_start -o queue_max=64KiB
	{
		echo alice
		numbered '+N nobody: N' 1 20000
	} | client_once nc.openbsd >"$DIR/answers"
	[ "$(grep -c ' refused nobody: no such name$' "$DIR/answers")" -eq 20000 ]
	audit refused=20000
}
