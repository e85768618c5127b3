#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: the telld authors
#
# A name that is taken, over a link that can really die: telld and bob's host
# are two network namespaces with a cable between them, which is pulled out.
#
# shellcheck disable=SC2030,SC2031 # what run sets is the test's own

load helper
load tools
load mail

HERE=10.9.8.1
FAR=10.9.8.2

setup() {
	telld_setup
	# Names of all namespaces are in one directory; a test has its own.
	NS=telld-$$-$BATS_TEST_NUMBER-$RANDOM
	if ! ip netns add "$NS-here" || ! ip netns add "$NS-far"; then
		fail "cannot make a network namespace: this test runs as root"
		return 1
	fi
	here ip link set lo up
	far ip link set lo up
	here ip link add cable type veth peer name cable netns "$NS-far"
	here ip addr add "$HERE/24" dev cable
	far ip addr add "$FAR/24" dev cable
	here ip link set cable up
	far ip link set cable up
	# telld lives here.
	printf '#!/bin/sh\nexec ip netns exec %s %s "$@"\n' "$NS-here" \
		"$TELLD" >"$DIR/telld"
	chmod +x "$DIR/telld"
	TOOLS=${TELLD%/*}/tools
	TELLD=$DIR/telld
	export VALGRIND_OPTS=--trace-children=yes
}

teardown() {
	local status=0
	telld_teardown || status=1
	ip netns del "$NS-here" || status=1
	ip netns del "$NS-far" || status=1
	return $status
}

here() {
	ip netns exec "$NS-here" "$@"
}

far() {
	ip netns exec "$NS-far" "$@"
}

# pull_cable - from now on no packet passes, and nobody is told
pull_cable() {
	far ip link set cable down
}

# start ARGUMENT... - telld, where both sides of the cable reach it
start() {
	telld_start -l "$HERE:0" "$@"
}

# near_login NAME, far_login NAME - a client on this side, and on the other
near_login() {
	program_open "$1" ip netns exec "$NS-here" nc.openbsd -N "$HERE" "$PORT"
	client_send "$1" "$1"
	client_fence "$1"
}

far_login() {
	program_open "$1" ip netns exec "$NS-far" nc.openbsd -N "$HERE" "$PORT"
	client_send "$1" "$1"
	client_fence "$1"
}

# newcomer CLIENT NAME - another one wants NAME, and says a line when it has it
newcomer() {
	now
	SINCE=$NOW
	program_open "$1" ip netns exec "$NS-here" nc.openbsd -N "$HERE" "$PORT"
	client_send "$1" "$2" "$2: mine"
}

# within SECONDS - so much time at most has passed since newcomer
within() {
	now
	echo "took $(((NOW - SINCE) / 1000)) ms"
	[ $((NOW - SINCE)) -lt $(($1 * 1000000 * TELLD_SLOW)) ]
}

# near_mail NAME - mail_read, on this side
near_mail() {
	printf '%s\n' "$1" | here nc.openbsd -N "$HERE" "$PORT"
}

# ---------------------------------------------------------------------------
# Dead
# ---------------------------------------------------------------------------

@test "the cable is pulled: the newcomer is in within seconds" {
	start
	far_login bob
	pull_cable
	newcomer new bob
	client_expect new 'from bob: mine'
	within 5
	wait_end bob 'why=[a-z]*' session=dead
	run telld_control who
	[[ $output == 'bob '*" from [$HERE]:"* ]]
}

@test "and gets first what the ghost never got, in order, marked" {
	local i
	start
	near_login alice
	far_login bob
	client_send alice '+0 bob: seen'
	client_expect alice '+0 delivered bob'
	client_expect bob 'from alice: seen'
	pull_cable
	client_send alice '+1 bob: 1' '+2 bob: 2' '+3 bob: 3'
	client_fence alice
	newcomer new bob
	client_await alice '+3 stored bob'
	client_send alice 'bob: 4'
	for i in 1 2 3; do
		client_expect_like new "from alice $AT again: $i"
	done
	client_take new 2 "$DIR/two"
	within 5
	[ "$(sort "$DIR/two")" = 'from alice: 4
from bob: mine' ]
	wait_audit in_flight=0 stored=0
}

@test "much is on its way to the ghost: all of it is the newcomer's" {
	start -o slow_after=100ms
	near_login alice
	far_login bob
	wait_audit in_flight=0
	pull_cable
	numbered '+N bob: N' 1 1500 500 >"$DIR/lines"
	client_send_file alice "$DIR/lines"
	client_fence alice
	newcomer new bob
	client_take new 1500 "$DIR/mail"
	within 6
	in_order "$DIR/mail" 1 1500
	echo "again: $AGAIN"
	[ "$AGAIN" -gt 100 ]
	[ "$AGAIN" -lt 1400 ]
	client_expect new 'from bob: mine'
	receipts alice 1500
	[ "${TAGS[stored]}" -eq 1500 ]
	wait_audit in_flight=0 stored=0
}

@test "twice: the newcomer's cable is pulled too, and marks stay" {
	start
	near_login alice
	far_login bob
	pull_cable
	client_send alice '+1 bob: 1'
	client_fence alice
	newcomer new bob
	client_expect_like new "from alice $AT again: 1"
	client_expect new 'from bob: mine'
	client_expect alice '+1 stored bob'
	wait_audit stored=0 in_flight=0
	# Its session is stopped: nothing reaches it any more.
	session_pid bob
	kill -STOP "$PID"
	client_send alice '+2 bob: 2' '+3 bob: 3'
	client_fence alice
	newcomer newer bob
	client_expect_like newer "from alice $AT again: 2"
	client_expect_like newer "from alice $AT again: 3"
	client_expect newer 'from bob: mine'
	wait_end bob session=signal-9
	wait_audit stored=0 in_flight=0
}

@test "the far end is stopped, not dead: its kernel answers for it" {
	start
	far_login bob
	kill -STOP "${CLIENT_PID[bob]}"
	newcomer new bob
	client_expect_like new '! bob is already here from *'
	kill -CONT "${CLIENT_PID[bob]}"
	client_fence bob
}

@test "a session that is stopped does not keep its name" {
	start
	near_login alice
	far_login bob
	wait_audit in_flight=0
	session_pid bob
	kill -STOP "$PID"
	client_send alice '+1 bob: 1'
	client_fence alice
	newcomer new bob
	client_expect_like new "from alice $AT again: 1"
	client_expect new 'from bob: mine'
	within 6
	wait_end bob session=signal-9
	client_expect alice '+1 stored bob'
}

# ---------------------------------------------------------------------------
# Alive
# ---------------------------------------------------------------------------

@test "alive: the newcomer is told from where, and no byte is on a screen" {
	local i address
	start
	far_login bob
	address=$(telld_control who | sed -n 's/.* from \(.*\) pid .*/\1/p')
	[[ $address == "[$FAR]:"* ]]
	for i in 1 2 3; do
		newcomer "new$i" bob
		client_expect "new$i" "! bob is already here from $address"
		within 4
		client_send "new$i" "n$i" "n$i: hello"
		# Its line to bob was not carried out: it was no name.
		client_await "new$i" "from n$i: hello"
	done
	client_fence bob
	wait_audit in_flight=0
}

@test "alive, and much is on its way to a reader that does not read" {
	start -o slow_after=100ms
	near_login alice
	program_open bob ip netns exec "$NS-far" "$TOOLS/client" "$TELLD_ADDR" \
		rcvbuf=4096 send=bob 'send=alice: here' wait
	client_expect alice 'from bob: here'
	numbered 'bob: N' 1 500 500 >"$DIR/lines"
	client_send_file alice "$DIR/lines"
	client_fence alice
	newcomer new bob
	client_expect_like new '! bob is already here from *'
	run telld_control who
	[[ $output == *"bob "*" from [$FAR]:"* ]]
}

# ---------------------------------------------------------------------------
# Nobody asks
# ---------------------------------------------------------------------------

@test "dead_after: found dead without anything being sent" {
	start -o dead_after=5s
	far_login bob
	pull_cable
	wait_end bob 'why=[a-z]*' session=dead
}

@test "dead_after: found dead with lines on their way, which are mail then" {
	start -o dead_after=5s
	near_login alice
	far_login bob
	wait_audit in_flight=0
	pull_cable
	numbered '+N bob: N' 1 50 100 >"$DIR/lines"
	client_send_file alice "$DIR/lines"
	receipts alice 50
	[ "${TAGS[stored]}" -eq 50 ]
	wait_end bob 'why=[a-z]*' session=dead
	near_mail bob >"$DIR/mail"
	in_order "$DIR/mail" 1 50
	[ "$AGAIN" -eq 50 ]
	wait_audit in_flight=0 stored=0
}

@test "a cable that is out for a moment only breaks nothing" {
	start
	near_login alice
	far_login bob
	pull_cable
	client_send alice '+1 bob: 1'
	client_fence alice
	far ip link set cable up
	client_expect bob 'from alice: 1' 30
	client_expect alice '+1 delivered bob'
	client_fence bob
}
