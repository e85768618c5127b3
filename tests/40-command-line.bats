#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: the telld authors
#
# telld's command line: every option, what is said of a wrong one, and where
# it listens.

load helper
load tools

# telld_run ARGUMENT... - runs telld to its end; $output is stdout, $errors what
# it said on stderr
telld_run() {
	status=0
	output=$(timeout $((20 * TELLD_SLOW)) "$TELLD" "$@" \
		2>"$DIR/errors" 3>&- 4>&-) || status=$?
	errors=$(<"$DIR/errors")
	echo "telld $*: $status" "$output" "$errors"
}

# one_line TEXT - it is one line, and not empty
one_line() {
	[[ -n $1 && $1 != *$'\n'* ]] || fail "not one line: $1"
}

# usage_error ARGUMENT... - exits with 2, one line on stderr, nothing on stdout
usage_error() {
	telld_run "$@"
	[ "$status" -eq 2 ]
	[ -z "$output" ]
	one_line "$errors"
}

# start_fails ARGUMENT... - exits with 1, and the last line says why
start_fails() {
	telld_run -o store="$DIR/store2" -o control="$DIR/control2" "$@"
	[ "$status" -eq 1 ]
	[ -z "$output" ]
	[ "$(grep -c 'fail what=' <<<"$errors")" -eq 1 ]
}

# talks ADDRESS - somebody can talk there
talks() {
	[ "$(printf 'bob\nbob: x\n' | client_once "${2:-socat}" "$1")" = \
		'from bob: x' ]
}

# ---------------------------------------------------------------------------
# -h, -V, usage
# ---------------------------------------------------------------------------

@test "-h shows every option and exits with 0" {
	telld_run -h
	[ "$status" -eq 0 ]
	[ -z "$errors" ]
	for option in c d h l o p t V v; do
		grep -q "^ *-$option " <<<"$output" || fail "no -$option"
	done
}

@test "-V says the version and exits with 0" {
	telld_run -V
	[ "$status" -eq 0 ]
	[ -z "$errors" ]
	[[ $output =~ ^telld\ [0-9]+(\.[0-9]+)*[^\ ]*$ ]]
	telld_run -V -l 127.0.0.1:0
	[ "$status" -eq 0 ]
	run "$TELLCTL" -V
	[[ $output == 'tellctl '* ]]
}

@test "a usage error exits with 2 and one line" {
	usage_error -x
	[[ $errors == 'usage: telld '* ]]
	usage_error operand
	usage_error -l
	usage_error -o
	usage_error -c
	usage_error -p
	usage_error --help
	usage_error -l 127.0.0.1:0 operand
}

@test "an address that is none exits with 2 and one line" {
	for address in '' nonsense 127.0.0.1 127.0.0.1:x 127.0.0.1:65536 \
		'[::1]' '::1:80' 'unix:' 'localhost:http:x' '*' ':80'; do
		usage_error -t -l "$address"
		[[ $errors == '-l: listen: '* ]]
	done
}

@test "a key or a value that is none exits with 2 and one line" {
	usage_error -o nonsense=1
	[[ $errors == '-o: no such key: nonsense'* ]]
	usage_error -o lingr=1s
	[[ $errors == *'did you mean linger?' ]]
	for pair in linger linger= linger=x linger=-5 'linger=1 ms' \
		line_max=1 poller=select log_level=loud =5 ''; do
		usage_error -t -o "$pair"
		[[ $errors == '-o: '* ]]
	done
}

# ---------------------------------------------------------------------------
# -c, -t, -o, -v
# ---------------------------------------------------------------------------

@test "-t says that a good configuration is fine" {
	telld_run -t
	[ "$status" -eq 0 ]
	[ -z "$errors" ]
	one_line "$output"
	cat >"$DIR/conf" <<-'END'
		# a comment
		listen 127.0.0.1:0
		linger = 2 s

		line_max 1 KiB
	END
	telld_run -t -c "$DIR/conf"
	[ "$status" -eq 0 ]
	[ -z "$errors" ]
}

@test "-t says what is wrong, with file and line, all of it" {
	cat >"$DIR/conf" <<-'END'
		linger 2 s
		lingr 3 s
		line_max 1
		poller select
	END
	telld_run -t -c "$DIR/conf" -o queue_max=1
	[ "$status" -eq 2 ]
	[ -z "$output" ]
	[ "$(wc -l <<<"$errors")" -eq 4 ]
	grep -q "^$DIR/conf:2: no such key: lingr; did you mean linger" \
		<<<"$errors"
	grep -q "^$DIR/conf:3: line_max: \"1\": out of range" <<<"$errors"
	grep -q "^$DIR/conf:4: poller: \"select\": no such word" <<<"$errors"
	grep -q '^-o: queue_max: "1"' <<<"$errors"
}

@test "-t starts nothing and leaves nothing" {
	telld_run -t -l "unix:$DIR/clients" -o "store=$DIR/store" \
		-o "control=$DIR/control" -p "$DIR/pid"
	[ "$status" -eq 0 ]
	[ ! -e "$DIR/clients" ]
	[ ! -e "$DIR/store" ]
	[ ! -e "$DIR/control" ]
	[ ! -e "$DIR/pid" ]
}

@test "a wrong configuration does not start" {
	echo 'lingr 3 s' >"$DIR/conf"
	usage_error -c "$DIR/conf"
	[[ $errors == "$DIR/conf:1: "* ]]
	usage_error -c "$DIR/missing"
	[[ $errors == "$DIR/missing: cannot open: No such file or directory" ]]
	usage_error -c "$DIR"
}

@test "-c reads a file, and -o and -l come before it wherever they stand" {
	cat >"$DIR/conf" <<-END
		listen unix:$DIR/from-file
		line_max 100
		login_timeout 1 s
	END
	telld_start -o line_max=64 -l "unix:$DIR/from-l" -c "$DIR/conf"
	[ "${TELLD_ADDRS[*]}" = "unix:$DIR/from-l" ]
	[ ! -e "$DIR/from-file" ]
	text=$(head -c 60 /dev/zero | tr '\0' x)
	run client_once socat < <(printf 'bob\nbob: %s\n' "$text")
	[ "$output" = '! line too long (limit 64 bytes)' ]
	stepper_open silent show
	client_expect silent '! no name for 1 s, good bye'
}

@test "-c and its listen lines are where it listens" {
	cat >"$DIR/conf" <<-END
		listen unix:$DIR/one
		listen unix:$DIR/two
	END
	# The helper gives a -l unless there is one: this is read past it.
	telld_start -c "$DIR/conf" -o listen="unix:$DIR/three" -l "unix:$DIR/four"
	[ "${TELLD_ADDRS[*]}" = "unix:$DIR/three unix:$DIR/four" ]
	telld_stop
	ready_start -c "$DIR/conf"
	[ "$(<"$DIR/ready")" = "listening on unix:$DIR/one
listening on unix:$DIR/two" ]
}

# ready_start ARGUMENT... - telld, with nothing but these
ready_start() {
	log_rotate
	mkfifo "$DIR/ready.fifo"
	(
		exec </dev/null >>"$LOG" 2>&1 3>"$DIR/ready.fifo" 4>&-
		fds_close
		telld_exec -o "store=$DIR/store" -o "control=$DIR/control" \
			-o ready_fd=3 "$@"
	) &
	TELLD_PID=$!
	timeout $((10 * TELLD_SLOW)) cat "$DIR/ready.fifo" >"$DIR/ready"
}

@test "-v logs every step" {
	telld_start
	[ "$(printf 'bob\nbob: x\n' | client_once nc.openbsd)" = 'from bob: x' ]
	wait_log 'end name=bob'
	count_log 'broker: accept from='
	[ "$COUNT" -eq 0 ]
	telld_stop
	telld_start -v
	[ "$(printf 'bob\nbob: x\n' | client_once nc.openbsd)" = 'from bob: x' ]
	wait_log 'broker: accept from='
}

@test "no line that anybody wrote is logged, not even with -v" {
	telld_start -v
	printf 'bob\nbob: secret\nsecret: x\n/secret\nsecret\n' |
		client_once nc.openbsd
	client_once nc.openbsd <<<'#secret'
	wait_log 'end name=bob'
	wait_log 'end name=-'
	count_log secret
	[ "$COUNT" -eq 0 ]
}

# ---------------------------------------------------------------------------
# -l
# ---------------------------------------------------------------------------

@test "port 0 takes a free port, and says which" {
	telld_start -l 127.0.0.1:0
	[[ $TELLD_ADDR =~ ^127\.0\.0\.1:[1-9][0-9]*$ ]]
	talks "$TELLD_ADDR" nc.openbsd
	wait_log "parent: listening on $TELLD_ADDR\$"
}

@test "-l may be repeated, and all of them are told, in their order" {
	telld_start -l 127.0.0.1:0 -l "unix:$DIR/a" -l 127.0.0.1:0 \
		-l "unix:$DIR/b"
	[ ${#TELLD_ADDRS[@]} -eq 4 ]
	[ "${TELLD_ADDRS[1]}" = "unix:$DIR/a" ]
	[ "${TELLD_ADDRS[3]}" = "unix:$DIR/b" ]
	[ "${TELLD_ADDRS[0]}" != "${TELLD_ADDRS[2]}" ]
	for address in "${TELLD_ADDRS[@]}"; do
		talks "$address"
	done
}

@test "[::1] is IPv6" {
	telld_start -l '[::1]:0'
	[[ $TELLD_ADDR =~ ^\[::1\]:[1-9][0-9]*$ ]]
	talks "$TELLD_ADDR" nc.openbsd
	wait_log 'login name=bob from=\[::1\]:[0-9]*$'
}

@test "*:0 is one port in both families" {
	telld_start -l '*:0'
	[ ${#TELLD_ADDRS[@]} -eq 2 ]
	[[ ${TELLD_ADDRS[0]} == '[::]:'* ]]
	[[ ${TELLD_ADDRS[1]} == '0.0.0.0:'* ]]
	[ "${TELLD_ADDRS[0]##*:}" = "${TELLD_ADDRS[1]##*:}" ]
	talks "127.0.0.1:${TELLD_ADDRS[0]##*:}"
	talks "[::1]:${TELLD_ADDRS[0]##*:}"
}

@test "*:PORT and 127.0.0.1:PORT are what was asked for" {
	# A port that was free a moment ago; if it is no more, another one.
	for _ in 1 2 3 4 5; do
		telld_start -l '*:0'
		local port=${TELLD_ADDR##*:}
		telld_stop
		ready_try -l "*:$port" || continue
		[ "$(<"$DIR/ready")" = "listening on [::]:$port
listening on 0.0.0.0:$port" ]
		telld_stop
		ready_try -l "127.0.0.1:$port" || continue
		[ "$(<"$DIR/ready")" = "listening on 127.0.0.1:$port" ]
		talks "127.0.0.1:$port"
		return
	done
	fail "no port stayed free"
}

ready_try() {
	rm -f "$DIR/ready.fifo"
	ready_start "$@"
	[ ! -s "$DIR/ready" ] || return 0
	telld_wait 1
	return 1
}

@test "a port that is taken is refused, and named" {
	telld_start
	start_fails -l "$TELLD_ADDR"
	[[ $errors == *"fail what=listen address=$TELLD_ADDR error=cannot bind $TELLD_ADDR: Address already in use" ]]
	start_fails -l 127.0.0.1:0 -l "$TELLD_ADDR"
	start_fails -l "unix:$DIR/left" -l "$TELLD_ADDR"
	start_fails -l "unix:$DIR/left" -p "$DIR/pid" -l "$TELLD_ADDR"
	[ ! -e "$DIR/left" ]
	[ ! -e "$DIR/pid" ]
	[ ! -e "$DIR/control2" ]
	talks "$TELLD_ADDR"
}

@test "an address that is not ours is refused, and named" {
	start_fails -l 192.0.2.77:0
	[[ $errors == *'address=192.0.2.77:0 error='* ]]
}

# ---------------------------------------------------------------------------
# Unix sockets
# ---------------------------------------------------------------------------

@test "unix:PATH is a socket with the mode unix_mode, gone at the end" {
	telld_start -l "unix:$DIR/s"
	[ "$TELLD_ADDR" = "unix:$DIR/s" ]
	[ "$(stat -c %a "$DIR/s")" = 666 ]
	[ "$(stat -c %a "$DIR/control")" = 600 ]
	talks "$TELLD_ADDR"
	telld_stop
	[ ! -e "$DIR/s" ]
	umask 077
	telld_start -l "unix:$DIR/s" -o unix_mode=0660
	[ "$(stat -c %a "$DIR/s")" = 660 ]
}

@test "a stale socket file is replaced" {
	telld_start -l "unix:$DIR/s"
	telld_signal KILL
	telld_wait 137
	[ -S "$DIR/s" ]
	[ -S "$DIR/control" ]
	telld_start -l "unix:$DIR/s"
	talks "$TELLD_ADDR"
	telld_control who
}

@test "a live socket is refused with a clear error, and lives on" {
	telld_start -l "unix:$DIR/s"
	start_fails -l "unix:$DIR/s"
	[[ $errors == *"another process listens on $DIR/s" ]]
	talks "$TELLD_ADDR"
	telld_run -o store="$DIR/store2" -o control="$DIR/control" \
		-l "unix:$DIR/left" -p "$DIR/pid"
	[ "$status" -eq 1 ]
	[[ $errors == *"another process listens on $DIR/control" ]]
	[ ! -e "$DIR/left" ]
	[ ! -e "$DIR/pid" ]
	telld_control who
}

@test "a file that is no socket is refused and left alone" {
	echo precious >"$DIR/s"
	start_fails -l "unix:$DIR/s"
	[[ $errors == *"$DIR/s exists and is not a socket" ]]
	[ "$(<"$DIR/s")" = precious ]
	start_fails -l "unix:$DIR/missing/s"
}

@test "a socket file that is no longer telld's is not removed at the end" {
	telld_start -l "unix:$DIR/s" -l 127.0.0.1:0
	rm "$DIR/s"
	echo precious >"$DIR/s"
	telld_stop
	[ "$(<"$DIR/s")" = precious ]
}

# ---------------------------------------------------------------------------
# -p, -d, readiness
# ---------------------------------------------------------------------------

@test "-p holds the parent's pid, and goes at the end" {
	telld_start -p "$DIR/pid"
	[ "$(<"$DIR/pid")" = "$TELLD_PID" ]
	telld_stop
	[ ! -e "$DIR/pid" ]
}

@test "-p is a lock: a second telld is refused, and the first one goes on" {
	telld_start -p "$DIR/pid"
	start_fails -l 127.0.0.1:0 -p "$DIR/pid"
	[[ $errors == *"fail what=pidfile path=$DIR/pid error=another telld runs" ]]
	[ "$(<"$DIR/pid")" = "$TELLD_PID" ]
	talks "$TELLD_ADDR"
}

@test "-p of one that was killed is taken over" {
	telld_start -p "$DIR/pid"
	telld_signal KILL
	telld_wait 137
	[ -e "$DIR/pid" ]
	telld_start -p "$DIR/pid"
	[ "$(<"$DIR/pid")" = "$TELLD_PID" ]
}

@test "-p where nothing can be written is refused" {
	start_fails -l 127.0.0.1:0 -p "$DIR/missing/pid"
	[[ $errors == *"fail what=pidfile path=$DIR/missing/pid error=No such file or directory" ]]
}

@test "the ready descriptor tells where it listens, and closes" {
	ready_start -l "unix:$DIR/s"
	[ "$(<"$DIR/ready")" = "listening on unix:$DIR/s" ]
	[ -S "$DIR/s" ]
	talks "unix:$DIR/s"
}

@test "the ready descriptor closes without a word when the start fails" {
	echo precious >"$DIR/s"
	ready_start -l "unix:$DIR/s"
	[ ! -s "$DIR/ready" ]
	telld_wait 1
}

@test "-d returns when it listens, with 0, and holds no terminal" {
	# What it says on stderr goes to a file, or this would wait for its end.
	telld_run -d -l "unix:$DIR/s" -p "$DIR/pid" \
		-o "store=$DIR/store" -o "control=$DIR/control"
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	[ -S "$DIR/s" ]
	TELLD_PID=$(<"$DIR/pid")
	talks "unix:$DIR/s"
	# The leader of a session of its own.
	[ "$(ps -o sid= -p "$TELLD_PID" | tr -d ' ')" = "$TELLD_PID" ]
	[ "$(readlink "/proc/$TELLD_PID/fd/0")" = /dev/null ]
	[ "$(readlink "/proc/$TELLD_PID/fd/1")" = /dev/null ]
	kill "$TELLD_PID"
	telld_gone
	TELLD_PID=
	no_socket_left
	[ ! -e "$DIR/pid" ]
}

@test "-d hands the exit status back when the start fails" {
	telld_start
	start_fails -d -l "$TELLD_ADDR"
	usage_error -d -l nonsense
	start_fails -d -l 127.0.0.1:0 -p "$DIR/missing/pid"
}
