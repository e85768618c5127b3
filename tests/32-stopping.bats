#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: the telld authors
#
# Stopping: what is on its way still arrives, within linger, and nothing is
# left behind; and the deaths of each process.

load helper
load tools

# stops_within SECONDS SIGNAL... - these signals, and telld has exited with 0
stops_within() {
	local limit=$1 start NOW signal
	shift
	now
	start=$NOW
	for signal; do
		telld_signal "$signal"
	done
	telld_wait 0
	now
	[ $((NOW - start)) -lt $((limit * TELLD_SLOW * 1000000)) ] ||
		fail "it took $(((NOW - start) / 1000)) ms"
}

stops_on() {
	telld_start -l 127.0.0.1:0 -l "unix:$DIR/clients"
	client_login alice nc.openbsd
	client_login bob ncat "unix:$DIR/clients"
	client_open silent socat
	stops_within 4 "$1"
	client_expect alice '* telld is going down'
	client_closed alice
	client_expect bob '* telld is going down'
	client_closed bob
	client_closed silent
	[ ! -e "$DIR/clients" ]
	[ ! -e "$DIR/control" ]
	wait_log 'parent: end status=0'
}

@test "SIGTERM: everybody is told, and nothing is left" {
	stops_on TERM
}

@test "SIGINT: everybody is told, and nothing is left" {
	stops_on INT
}

@test "tellctl stop: everybody is told, and nothing is left" {
	telld_start
	client_login alice nc.openbsd
	telld_control stop
	client_expect alice '* telld is going down'
	client_closed alice
	telld_wait 0
}

@test "with nobody there it stops at once" {
	telld_start -o linger=60s
	stops_within 3 TERM
}

@test "no connection is taken any more" {
	telld_start -o linger=10s
	stepper_open deaf rcvbuf=4096 send=deaf wait \
		'skip=* telld is going down' say=told show
	wait_log 'login name=deaf'
	seq -f 'deaf: this is line %.0f' 5000 >"$DIR/lines"
	client_once nc.openbsd < <(echo bob && cat "$DIR/lines")
	telld_signal TERM
	wait_log 'broker: stop '
	run "$TOOLS/client" "$TELLD_ADDR" show
	[ "$status" -eq 1 ]
	[[ $output == *'Connection refused' ]]
	client_send deaf go
	client_expect deaf told
	client_expect deaf '(end)'
	telld_wait 0
}

@test "what is queued reaches a slow reader" {
	telld_start
	seq -f 'alice: this is line %.0f' 10000 >"$DIR/lines"
	seq -f 'from bob: this is line %.0f' 10000 >"$DIR/want"
	"$TOOLS/client" "$TELLD_ADDR" rcvbuf=4096 send=alice slowly=10000 \
		'find=* telld is going down' >"$DIR/got" 3>&- 4>&- &
	wait_log 'login name=alice'
	client_once nc.openbsd < <(echo bob && cat "$DIR/lines")
	telld_signal TERM
	telld_wait 0
	wait $!
	cmp "$DIR/want" <(grep '^from' "$DIR/got")
}

@test "what had come before the signal is carried out" {
	telld_start
	client_login alice nc.openbsd
	seq -f 'alice: line %.0f' 100 >"$DIR/lines"
	stepper_open bob send=bob "file=$DIR/lines" say=sent show
	client_expect bob sent
	telld_signal TERM
	telld_wait 0
	local i
	for ((i = 1; i <= 100; i++)); do
		client_await alice "from bob: line $i"
	done
}

@test "receipts asked for before the signal are given" {
	telld_start
	client_login alice nc.openbsd
	stepper_open bob send=bob 'send=+1 alice: x' \
		'send=+2 nobody: x' say=sent show
	client_expect bob sent
	telld_signal TERM
	client_await bob '+2 refused nobody: no such name'
	client_await bob '+1 delivered alice'
	telld_wait 0
}

@test "a client that never reads holds it up for linger and no longer" {
	telld_start -o linger=1s
	stepper_open deaf rcvbuf=4096 send=deaf wait
	wait_log 'login name=deaf'
	seq -f 'deaf: this is line %.0f' 5000 >"$DIR/lines"
	client_once nc.openbsd < <(echo bob && cat "$DIR/lines")
	stops_within 4 TERM
}

@test "a session that is stopped holds it up for linger and no longer" {
	telld_start -o linger=1s
	client_login bob nc.openbsd
	session_pid bob
	kill -STOP "$PID"
	stops_within 4 TERM
}

@test "a store that is stopped is not left behind" {
	telld_start -o linger=1s
	client_login alice nc.openbsd
	role_pid store
	kill -STOP "$PID"
	client_once nc.openbsd < <(printf 'bob\n')
	stops_within 10 TERM
}

@test "a second signal hurries it" {
	telld_start -o linger=60s
	stepper_open deaf rcvbuf=4096 send=deaf wait
	wait_log 'login name=deaf'
	seq -f 'deaf: this is line %.0f' 5000 >"$DIR/lines"
	client_once nc.openbsd < <(echo bob && cat "$DIR/lines")
	telld_signal TERM
	wait_log 'broker: stop '
	stops_within 4 INT
}

@test "a second signal hurries it past a broker that is stopped" {
	telld_start -o linger=60s
	client_login alice nc.openbsd
	role_pid broker
	kill -STOP "$PID"
	telld_signal TERM
	wait_log 'parent: signal number=15'
	stops_within 6 TERM
}

@test "the parent killed: broker and sessions are gone within linger" {
	telld_start -o linger=2s
	client_login alice nc.openbsd
	client_login bob nc.openbsd
	client_open silent nc.openbsd
	wait_log 'login name=bob'
	telld_signal KILL
	telld_wait 137
	client_expect alice '* telld is going down'
	client_closed alice
	client_expect bob '* telld is going down'
	client_closed bob
	client_closed silent
	wait_log 'broker: fail what=parent'
}

@test "the parent killed: a deaf client and a stopped session go too" {
	telld_start -o linger=1s
	client_login bob nc.openbsd
	stepper_open deaf rcvbuf=4096 send=deaf wait
	wait_log 'login name=deaf'
	seq -f 'deaf: this is line %.0f' 5000 >"$DIR/lines"
	client_once nc.openbsd < <(echo carol && cat "$DIR/lines")
	session_pid bob
	kill -STOP "$PID"
	telld_signal KILL
	telld_wait 137
}

@test "the parent killed: the next one starts on the same sockets" {
	telld_start -l "unix:$DIR/clients"
	client_login bob socat
	telld_signal KILL
	telld_wait 137
	telld_start -l "unix:$DIR/clients"
	client_login again socat
}

@test "the broker killed: another one serves the same sockets" {
	telld_start -l 127.0.0.1:0 -l "unix:$DIR/clients"
	local address=$TELLD_ADDR
	client_login alice nc.openbsd
	client_login bob socat "unix:$DIR/clients"
	role_pid broker
	local first=$PID
	kill -KILL "$first"
	# Not one connection is refused while there is none.
	for i in 1 2 3 4 5 6 7 8; do
		stepper_open "new$i" "send=new$i" "send=new$i: here" show
	done
	client_closed alice
	client_closed bob
	for i in 1 2 3 4 5 6 7 8; do
		client_expect "new$i" "from new$i: here"
	done
	wait_log 'parent: reap role=broker signal=9 status=0'
	role_pid broker
	[ "$PID" -ne "$first" ]
	client_open alice2 nc.openbsd "$address"
	client_send alice2 alice 'new1: I am back'
	client_expect new1 'from alice: I am back'
	client_open bob2 socat "unix:$DIR/clients"
	client_send bob2 bob 'bob: back too'
	client_expect bob2 'from bob: back too'
	telld_control who
	telld_control audit
}

@test "the broker killed five times in a minute: telld gives up" {
	telld_start
	for i in 1 2 3 4 5; do
		stepper_open "n$i" "send=n$i" "send=n$i: here" show
		client_expect "n$i" "from n$i: here"
		role_pid broker
		kill -KILL "$PID"
		client_expect "n$i" '(end)'
	done
	telld_wait 1
	wait_log 'parent: fail what=broker deaths=5'
	no_socket_left
}

@test "a broker that is stopped ends with the parent's patience" {
	telld_start -o linger=100ms
	client_login alice nc.openbsd
	role_pid broker
	kill -STOP "$PID"
	telld_signal TERM
	telld_wait 0
}

@test "every session killed at once: they are reaped, and telld goes on" {
	telld_start
	local i pids
	for i in 1 2 3 4 5 6 7 8 9 10; do
		client_login "p$i" nc.openbsd
	done
	pids=$(ps -s "$TELLD_PID" -o pid=,args= |
		awk '$3 == "session" { print $1 }')
	# shellcheck disable=SC2086 # one word each
	kill -KILL $pids
	wait_log 'broker: end name=p.* session=signal-9' 10
	eventually 5 telld_no_zombie
	client_login alice nc.openbsd
}

@test "the signal comes in the middle of a thousand lines to many" {
	telld_start
	local i names=
	for i in 1 2 3 4 5; do
		stepper_open "p$i" "send=p$i" "send=p$i: here" \
			"line=from p$i: here" say=here 'line=from bob: line 1' \
			say=first 'skip=from bob: line 1000' say=last show
		client_expect "p$i" here
		names+="p$i, "
	done
	seq -f "$names: line %.0f" 1000 >"$DIR/lines"
	stepper_open bob send=bob "file=$DIR/lines" say=sent show
	client_expect p1 first
	client_expect bob sent
	telld_signal TERM
	telld_wait 0
	for i in 1 2 3 4 5; do
		client_await "p$i" last
		client_await "p$i" '(end)'
	done
}
