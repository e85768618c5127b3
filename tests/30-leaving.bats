#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: the telld authors
#
# The one way out: whatever ends a connection, its name is free afterwards,
# its session is gone and reaped, and the log says once how it ended.

load helper
load tools
load mail

# free_again NAME - NAME has left once, and can be had and be written to
#
# What was on its way to it may come first.
free_again() {
	stepper_open again "send=$1" "send=$1: mine" \
		"skip=from $1: mine" say=mine wait
	client_expect again mine
	count_log "broker: end name=$1 "
	[ "$COUNT" -eq 1 ] || fail "$1 has left $COUNT times"
	telld_no_zombie || fail "not reaped:" "$(telld_processes)"
}

# stay NAME STEP... - is logged in and goes on to the other steps
stay() {
	stepper_open "$1" "send=$1" "send=$1: here" "line=from $1: here" \
		say=here "${@:2}"
	client_expect "$1" here
}

# client_fence_as CLIENT NAME - client_fence for who is logged in as NAME
client_fence_as() {
	client_send "$1" "$2: fence"
	client_expect "$1" "from $2: fence"
}

# ---------------------------------------------------------------------------
# Every cause
# ---------------------------------------------------------------------------

@test "end of file" {
	telld_start
	client_login bob nc.openbsd
	client_eof bob
	client_closed bob
	wait_end bob why=eof session=finished
	free_again bob
}

@test "a pipe that half-closes" {
	telld_start
	run client_once nc.openbsd < <(printf 'bob\nbob: 1\nbob: 2')
	[ "$output" = $'from bob: 1\nfrom bob: 2' ]
	wait_end bob why=eof session=finished
	free_again bob
}

@test "/quit" {
	telld_start
	client_login bob nc.traditional
	client_send bob /quit
	client_expect bob '* bye'
	client_closed bob
	wait_end bob why=quit session=finished
	free_again bob
}

@test "a reset" {
	telld_start
	stay bob reset
	wait_end bob 'why=[a-z]*' session=reset
	free_again bob
}

@test "a client that is killed" {
	telld_start
	client_login bob nc.openbsd
	client_kill bob
	wait_log 'broker: end name=bob '
	free_again bob
}

@test "a write error: a reset while lines are on their way" {
	telld_start -o slow_after=100ms
	client_login alice nc.openbsd
	stepper_open bob rcvbuf=4096 send=bob 'send=bob: here' \
		'line=from bob: here' say=here wait reset
	client_expect bob here
	seq -f 'bob: line %.0f' 20000 >"$DIR/lines"
	{
		echo carol
		cat "$DIR/lines"
	} | client_once nc.openbsd >"$DIR/carol" &
	session_pid bob
	wait_log 'login name=carol'
	client_send bob go
	wait_log 'broker: end name=bob .*session=reset'
	wait $!
	free_again bob
}

@test "a time-out: a client's host that no longer answers" {
	telld_start -o dead_after=5s
	client_login alice nc.openbsd
	stay bob vanish say=gone wait
	client_expect bob gone
	client_send alice 'bob: are you there?'
	client_fence alice
	wait_end bob 'why=[a-z]*' session=dead
	free_again bob
}

@test "a time-out: a host that is silent, and nobody writes to it" {
	telld_start -o dead_after=5s
	stay bob vanish say=gone wait
	client_expect bob gone
	wait_end bob 'why=[a-z]*' session=dead
	free_again bob
}

@test "a session that is killed" {
	telld_start
	client_login alice nc.openbsd
	client_login bob nc.openbsd
	session_pid bob
	# shellcheck disable=SC2153 # session_pid sets it
	kill -KILL "$PID"
	client_closed bob
	wait_end bob why=lost session=signal-9
	free_again bob
	client_fence alice
}

@test "a session that is stopped, and is told to go" {
	telld_start -o linger=500ms
	client_login bob nc.openbsd
	session_pid bob
	kill -STOP "$PID"
	run telld_control kick bob
	[ "$status" -eq 0 ]
	wait_log "broker: kill name=bob .* pid=$PID why=linger"
	client_closed bob
	wait_end bob why=kick session=signal-9
	free_again bob
}

@test "a session that is stopped, and is written to" {
	telld_start
	client_login alice nc.openbsd
	client_login bob nc.openbsd
	session_pid bob
	kill -STOP "$PID"
	client_send alice 'bob: hello?'
	client_fence alice
	# Looked at after 5 s, and given 4 s to answer.
	eventually 20 count_lines 1 "$LOG" \
		"broker: kill name=bob .* pid=$PID why=no-answer"
	client_closed bob
	wait_end bob session=signal-9
	free_again bob
}

@test "a kick by the administrator" {
	telld_start
	client_login alice nc.openbsd
	client_login bob nc.openbsd
	run telld_control kick bob
	[ "$status" -eq 0 ]
	client_expect bob '! you were removed by the administrator'
	client_closed bob
	wait_end bob why=kick session=finished
	free_again bob
	client_fence alice
	run telld_control kick nobody
	[ "$status" -eq 1 ]
	[ "$output" = 'nobody is not here' ]
}

@test "a stop" {
	telld_start
	client_login bob nc.openbsd
	telld_signal TERM
	client_expect bob '* telld is going down'
	client_closed bob
	telld_wait 0
	wait_end bob session=finished
}

@test "no name given" {
	telld_start -o login_timeout=1s
	stepper_open silent show
	client_expect silent '! no name for 1 s, good bye'
	client_expect silent '(end)'
	wait_end - why=login session=finished
}

@test "a connection that says nothing and goes" {
	telld_start
	stepper_open one half-close show
	client_expect one '(end)'
	stepper_open two reset
	wait_log 'broker: end name=- .* why=eof session=finished'
	wait_log 'broker: end name=- .* session=reset'
}

@test "the last lines before a reset are carried out" {
	telld_start
	client_login alice nc.openbsd
	stepper_open bob $'raw=bob\nalice: 1\nalice: 2\n' wait reset
	client_expect alice 'from bob: 1'
	client_expect alice 'from bob: 2'
	client_send bob go
	wait_end bob session=reset
}

@test "what a client sent before it closed both ways is carried out" {
	telld_start
	client_login alice nc.openbsd
	# It does not read: what telld answers meets a closed socket.
	for i in 1 2 3 4 5; do
		"$TOOLS/client" "$TELLD_ADDR" \
			$'raw=bob\nbob: x\nalice: 1\nnobody: x\nalice: 2\n'
		client_expect alice 'from bob: 1'
		client_expect alice 'from bob: 2'
		wait_log 'broker: end name=bob ' "$i"
	done
}

# ---------------------------------------------------------------------------
# Names: taken, held by a ghost, given to the newcomer
# ---------------------------------------------------------------------------

# Under valgrind a session takes half a second to begin.
MANY=500
[ "${TELLD_WRAP-}" != valgrind ] || MANY=20

# reconnect_as NAME - so many logins in a row, each within a second
reconnect_as() {
	local said
	said=$("$TOOLS/reconnect" "$TELLD_ADDR" "$1" "$MANY" \
		$((1000 * TELLD_SLOW)))
	echo "$said"
	[[ $said == "$MANY logins, "* ]]
}

@test "500 reconnects under one name, half after a reset, each within 1 s" {
	telld_start
	reconnect_as bob
	wait_log 'broker: end name=bob ' "$MANY"
	count_log 'broker: login name=bob '
	[ "$COUNT" -eq "$MANY" ]
	count_log 'broker: end name=bob '
	[ "$COUNT" -eq "$MANY" ]
}

@test "500 reconnects on a Unix socket, and what was read is not sent again" {
	telld_start -l "unix:$DIR/telld.sock"
	reconnect_as bob
	wait_log 'broker: end name=bob .* returned=0$' "$MANY"
}

@test "a Unix socket's client that dies with a line unread gets it again" {
	telld_start -l "unix:$DIR/telld.sock"
	client_login alice nc.openbsd
	stay bob wait
	client_send alice '+1 bob: x'
	client_fence alice
	client_kill bob
	client_expect alice '+1 stored bob'
	stepper_open new send=bob show
	client_await new 'from alice at *Z again: x'
}

@test "reconnects while others talk to the name" {
	telld_start
	client_login bob nc.openbsd
	flooder_open alice alice 20000
	{
		echo carol
		seq -f 'alice, bob: %.0f' 2000
	} >"$DIR/carol"
	client_eof bob
	client_closed bob
	run "$TOOLS/reconnect" "$TELLD_ADDR" bob 50 $((1000 * TELLD_SLOW))
	[ "$status" -eq 0 ]
	client_send alice go
	client_expect alice '20000 lines in order' 30
}

@test "a ghost's name is the newcomer's within seconds" {
	telld_start
	stay bob vanish say=gone wait
	client_expect bob gone
	client_open new nc.openbsd
	client_send new bob 'bob: mine'
	client_expect new 'from bob: mine' 5
	wait_end bob 'why=[a-z]*' session=dead
	# The newcomer was not removed in the ghost's place.
	client_fence_as new bob
	count_log 'broker: end name=bob '
	[ "$COUNT" -eq 1 ]
	run telld_control who
	[[ $output == 'bob '* ]]
}

@test "of two who want a ghost's name one gets it, and one is told" {
	telld_start -v
	stay bob vanish say=gone wait
	client_expect bob gone
	client_open first nc.openbsd
	client_send first bob 'bob: mine'
	wait_log 'broker: accept from=' 2
	client_open second nc.openbsd
	client_send second bob other 'other: mine'
	client_expect first 'from bob: mine'
	client_expect_like second '! bob is already here from *'
	client_expect second 'from other: mine'
	client_fence_as first bob
}

@test "a session that is stopped loses its name to a newcomer" {
	telld_start
	client_login bob nc.openbsd
	session_pid bob
	kill -STOP "$PID"
	client_open new nc.openbsd
	client_send new bob 'bob: mine'
	client_await new 'from bob: mine'
	wait_end bob session=signal-9
	client_fence_as new bob
}

@test "one who has closed his sending side keeps no newcomer out" {
	telld_start
	stay bob half-close wait
	client_open new nc.openbsd
	client_send new bob 'bob: mine'
	client_expect new 'from bob: mine'
}

@test "a newcomer who gives up leaves no trace" {
	telld_start
	client_login bob nc.openbsd
	for i in 1 2 3; do
		stepper_open "new$i" send=bob wait reset
		client_send "new$i" go
	done
	wait_log 'broker: end name=- ' 3
	client_fence bob
	client_eof bob
	client_closed bob
	free_again bob
}

@test "a hundred clients that are killed at once are all gone" {
	telld_start
	local i
	for ((i = 0; i < 100; i++)); do
		"$TOOLS/client" "$TELLD_ADDR" "send=p$i" "send=p$i: x" \
			"line=from p$i: x" wait 0<>"$NEVER" 3>&- 4>&- &
		PIDS+=($!)
	done
	wait_log 'broker: login name=p' 100
	kill -KILL "${PIDS[@]}"
	wait_log 'broker: end name=p' 100
	run telld_control who
	[ -z "$output" ]
	eventually 5 telld_no_zombie
}

@test "a name whose holder ends slowly is not waited for as long as he likes" {
	telld_start -o linger=1s -o queue_max=256KiB -o slow_after=100ms
	stepper_open deaf rcvbuf=4096 send=deaf wait slowly=100 show
	wait_log 'login name=deaf'
	client_login alice nc.openbsd
	# One of several is not waited for: so much makes him too slow.
	numbered 'deaf, nobody: N' 1 140 2000 >"$DIR/lines"
	client_send_file alice "$DIR/lines"
	wait_log 'key=queue_max'
	client_send deaf go
	client_open again nc.openbsd
	client_send again deaf
	wait_log 'login name=deaf' 2
}
