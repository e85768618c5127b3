#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: the telld authors
#
# Nothing that was sent before the end of file is dropped, and a reader who is
# slow costs nobody but himself.

load helper
load tools

# lines_to NAME COUNT - the file lines: so many to NAME; the file want: what
# NAME shall get when bob sends them
lines_to() {
	seq -f "$1: this is line number %.0f" "$2" >"$DIR/lines"
	seq -f 'from bob: this is line number %.0f' "$2" >"$DIR/want"
}

# send_as NAME FILE - sends a file through nc, and waits for its end
send_as() {
	{
		echo "$1"
		cat "$2"
	} | client_once nc.openbsd >"$DIR/$1.out"
}

# got NAME - the file that NAME's output was sent to holds all of it, in order
got() {
	cmp "$DIR/want" "$DIR/$1" || {
		diff "$DIR/want" "$DIR/$1" | head -n 20
		return 1
	} >&2
}

# reader_start NAME RCVBUF STEP... - reads into a file until the line END comes
#
# RCVBUF as in tools/client.c; 0 is the kernel's own choice.
reader_start() {
	"$TOOLS/client" "$TELLD_ADDR" "rcvbuf=$2" "send=$1" "${@:3}" \
		'find=from bob: END' >"$DIR/$1.raw" 3>&- 4>&- &
	READER=$!
	wait_log "broker: login name=$1 "
}

# reader_end NAME - until it has read all
reader_end() {
	wait "$READER"
	head -n -1 "$DIR/$1.raw" >"$DIR/$1"
}

@test "both lines of a pipe arrive, the last one without an end too" {
	telld_start
	client_login b nc.openbsd
	run client_once nc.openbsd < <(printf 'a\nb: 1\nb: 2')
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	client_expect b 'from a: 1'
	client_expect b 'from a: 2'
}

@test "a reset cuts a line off: half of it is no line" {
	telld_start
	client_login bob nc.openbsd
	"$TOOLS/client" "$TELLD_ADDR" send=alice 'send=bob: number 12' \
		'raw=bob: number 1' reset 3>&- 4>&-
	wait_log 'broker: end name=alice '
	client_expect bob 'from alice: number 12'
	client_fence bob
}

@test "100,000 lines through nc arrive complete and in order" {
	telld_start
	lines_to alice 100000
	reader_start alice 0
	echo 'alice: END' >>"$DIR/lines"
	send_as bob "$DIR/lines"
	[ ! -s "$DIR/bob.out" ]
	reader_end alice
	got alice
}

@test "100,000 lines arrive complete and in order at a slow reader" {
	telld_start
	lines_to alice 100000
	reader_start alice 8192 slowly=30000
	echo 'alice: END' >>"$DIR/lines"
	send_as bob "$DIR/lines"
	[ ! -s "$DIR/bob.out" ]
	reader_end alice
	got alice
	telld_control audit
}

@test "100,000 lines arrive at two readers, a fast one and a slow one" {
	telld_start
	lines_to 'fast, slow' 100000
	reader_start fast 0
	local fast=$READER
	reader_start slow 8192 slowly=100000
	echo 'fast, slow: END' >>"$DIR/lines"
	send_as bob "$DIR/lines"
	[ ! -s "$DIR/bob.out" ]
	reader_end slow
	READER=$fast
	reader_end fast
	got slow
	got fast
}

@test "a reader who pauses for 2.5 s gets everything" {
	telld_start
	lines_to alice 100000
	reader_start alice 8192 pause=2500
	echo 'alice: END' >>"$DIR/lines"
	send_as bob "$DIR/lines"
	[ ! -s "$DIR/bob.out" ]
	reader_end alice
	got alice
}

@test "a reader whose nc is suspended for 2 s gets everything" {
	telld_start
	lines_to alice 100000
	# shellcheck disable=SC2016 # expanded by that bash
	program_open alice bash -c 'exec "$@" >"$0"' "$DIR/alice" \
		nc.openbsd "$HOST" "$PORT"
	client_send alice alice
	wait_log 'broker: login name=alice '
	client_kill alice STOP
	send_as bob "$DIR/lines" &
	local bob=$!
	# Nothing is waited for: this is how long it is suspended.
	read -r -t 2 <>"$NEVER" || client_kill alice CONT
	wait "$bob"
	[ ! -s "$DIR/bob.out" ]
	eventually 20 count_lines 100000 "$DIR/alice" '^from bob'
	got alice
}

@test "a client that never reads costs nobody else anything" {
	telld_start -o slow_after=200ms -o linger=500ms
	client_login alice nc.openbsd
	reader_start carol 0
	stepper_open deaf rcvbuf=4096 send=deaf wait
	wait_log 'broker: login name=deaf '
	lines_to 'deaf, carol' 100000
	echo 'carol: END' >>"$DIR/lines"
	send_as bob "$DIR/lines" &
	local bob=$!
	wait_log 'broker: login name=bob '
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		client_fence alice
	done
	reader_end carol
	got carol
	wait "$bob"
	wait_log 'broker: limit name=deaf .*key=queue_max'
	wait_end deaf why=slow 'session=[a-z0-9-]*'
	client_fence alice
}

# none_lost COUNT - every line that bob was not refused has reached deaf, now
# or when he comes again
none_lost() {
	local refused
	client_once nc.openbsd <<<deaf >"$DIR/rest"
	refused=$(grep -c '^! deaf: ' "$DIR/bob.out") || :
	sed -n 's/^from bob.*: this is line number //p' "$DIR/seen" \
		"$DIR/rest" | sort -nu >"$DIR/numbers"
	echo "$(wc -l <"$DIR/seen") seen, $(wc -l <"$DIR/rest") later," \
		"$(wc -l <"$DIR/numbers") in all, $refused refused"
	[ $(($(wc -l <"$DIR/numbers") + refused)) -eq "$1" ]
	# Those that came later are in order.
	sed -n 's/^from bob at .*: this is line number //p' "$DIR/rest" |
		sort -nc
	telld_control audit
}

# deaf_start - deaf reads nothing until it is sent a line, then into seen
deaf_start() {
	# shellcheck disable=SC2016 # expanded by that bash
	program_open deaf bash -c 'exec "$@" >"$0"' "$DIR/seen" \
		"$TOOLS/client" "$TELLD_ADDR" rcvbuf=4096 send=deaf wait show
	wait_log 'broker: login name=deaf '
}

@test "one who is too slow is told so, let go, and finds the rest as mail" {
	telld_start -o slow_after=100ms -o queue_max=128KiB -o linger=10s
	deaf_start
	# More than queue_max, with what telld needs to know of each line, and
	# less than twice that.
	lines_to deaf 2500
	send_as bob "$DIR/lines"
	wait_log 'broker: limit name=deaf .*key=queue_max'
	client_send deaf go
	wait_end deaf why=slow session=finished
	eventually 5 client_left deaf
	[ "$(tail -n 2 "$DIR/seen")" = $'! too slow\n(end)' ]
	head -n -2 "$DIR/seen" >"$DIR/before"
	cmp "$DIR/before" <(head -n "$(wc -l <"$DIR/before")" "$DIR/want")
	none_lost 2500
}

@test "one who is too slow while the flood goes on loses nothing either" {
	telld_start -o slow_after=100ms -o queue_max=128KiB -o linger=10s
	deaf_start
	lines_to deaf 10000
	send_as bob "$DIR/lines"
	wait_end deaf why=slow 'session=[a-z0-9-]*'
	client_send deaf go
	eventually 5 client_left deaf
	none_lost 10000
}

@test "two who flood each other both get everything" {
	telld_start
	flooder_open ann ben 50000
	flooder_open ben ann 50000
	client_send ann go
	client_send ben go
	client_expect ann '50000 lines in order' 60
	client_expect ben '50000 lines in order' 60
}

@test "one who floods himself gets everything" {
	telld_start
	flooder_open ann ann 100000
	client_send ann go
	client_expect ann '100000 lines in order' 60
}

@test "a ring of four who flood each other all get everything" {
	telld_start
	flooder_open ann ann 20000
	flooder_open ben ben 20000
	flooder_open eve dan 20000
	flooder_open dan eve 20000
	local name
	for name in ann ben eve dan; do
		client_send $name go
	done
	for name in ann ben eve dan; do
		client_expect $name '20000 lines in order' 60
	done
}

@test "one who floods and never reads his answers harms nobody" {
	telld_start -o linger=500ms
	client_login alice nc.openbsd
	seq -f 'nobody%.0f: x' 200000 >"$DIR/lines"
	stepper_open bob rcvbuf=4096 send=bob "file=$DIR/lines" wait
	wait_log 'broker: login name=bob '
	client_fence alice
	client_fence alice
	wait_log 'broker: limit name=bob .*key=queue_max'
	wait_log 'broker: end name=bob '
	client_fence alice
}
