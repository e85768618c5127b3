#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: the telld authors
#
# What each process is, what it holds, and what it says in the log.

load helper
load tools

# Under valgrind ps and /proc would show valgrind.
unset TELLD_WRAP

# descriptors PID - one line for each: its number, and what it is
descriptors() {
	local fd
	for fd in "/proc/$1/fd"/*; do
		printf '%s %s\n' "${fd##*/}" "$(readlink "$fd")"
	done | sort -n
}

# sockets PID - how many of them are sockets, into COUNT
sockets() {
	COUNT=$(descriptors "$1" | grep -c ' socket:') || :
}

# holds PID INODE - it holds that socket
holds() {
	descriptors "$1" | grep -q " socket:\[$2\]\$"
}

# listening_inode - the socket's that telld listens on, into INODE
listening_inode() {
	local hex
	printf -v hex '%04X' "$PORT"
	INODE=$(awk -v port="$hex" '$4 == "0A" && $2 ~ ":" port "$" {
		print $10 }' /proc/net/tcp)
	[[ $INODE =~ ^[0-9]+$ ]] || fail "nobody listens on $PORT"
}

# parent_of PID - its parent's pid, into PARENT
parent_of() {
	PARENT=$(ps -o ppid= -p "$1" | tr -d ' ')
}

# titles - what ps shows of telld, sorted
titles() {
	ps -s "$TELLD_PID" -o args= | sort
}

# open_clients N - p0, p1 ... are logged in
open_clients() {
	local i
	for ((i = 0; i < $1; i++)); do
		stepper_open "p$i" "send=p$i" "send=p$i: here" \
			"line=from p$i: here" say=here show
	done
	for ((i = 0; i < $1; i++)); do
		client_expect "p$i" here
	done
}

@test "the title of each process says its role, and whom it serves" {
	telld_start
	client_login alice nc.openbsd
	stepper_open nameless show
	eventually 5 titles_are 'telld: broker
telld: parent
telld: session 127.0.0.1:PORT
telld: session alice 127.0.0.1:PORT
telld: store' || fail "$(titles)"
}

titles_are() {
	[ "$(titles | sed 's/\[127\.0\.0\.1\]:[0-9]*/127.0.0.1:PORT/')" = "$1" ]
}

@test "a session's title has the address of its client" {
	telld_start -l '[::1]:0' -l "unix:$DIR/s"
	client_login six nc.openbsd "${TELLD_ADDRS[0]}"
	client_login unix socat "${TELLD_ADDRS[1]}"
	titles | grep -qE '^telld: session six \[::1\]:[0-9]+$'
	titles | grep -qE '^telld: session unix unix'
}

@test "a name of any letters is shown in the title without harm" {
	telld_start
	# shellcheck disable=SC2016,SC1003 # nobody may expand it
	local name='%s%n$(x)\'
	client_open bob nc.openbsd
	client_send bob "$name" "$name: here"
	client_expect bob "from $name: here"
	titles | grep -F "telld: session $name" || fail "$(titles)"
	count_log 'login name=%s%n\$\(x\)'
	[ "$COUNT" -eq 1 ]
}

@test "whoever forks reaps: the parent has broker and sessions, the broker has the store" {
	telld_start
	client_login alice nc.openbsd
	role_pid broker
	local broker=$PID
	parent_of "$broker"
	[ "$PARENT" = "$TELLD_PID" ]
	session_pid alice
	parent_of "$PID"
	[ "$PARENT" = "$TELLD_PID" ]
	role_pid store
	parent_of "$PID"
	[ "$PARENT" = "$broker" ]
}

@test "a session has its client, its channel, stdio and the log, and no more" {
	telld_start
	client_login alice nc.openbsd
	client_login bob nc.openbsd
	for name in alice bob; do
		session_pid $name
		descriptors "$PID"
		sockets "$PID"
		[ "$COUNT" -eq 2 ]
		# All others are what telld was started with: stdin from
		# /dev/null, the log.
		others=$(descriptors "$PID" | grep -v ' socket:' |
			sed 's/^[0-9]* //' | sort -u)
		[ "$others" = "$(printf '%s\n' /dev/null "$LOG" | sort)" ]
	done
}

@test "no session holds the listening socket or another client's" {
	telld_start
	open_clients 5
	listening_inode
	holds "$TELLD_PID" "$INODE"
	local all=
	for ((i = 0; i < 5; i++)); do
		session_pid "p$i"
		! holds "$PID" "$INODE" || fail "session p$i listens"
		all+=$(descriptors "$PID" | grep -o 'socket:.*')$'\n'
	done
	[ "$(sort <<<"$all" | uniq -d)" = '' ]
	role_pid broker
	! holds "$PID" "$INODE" || fail "the broker listens"
	role_pid store
	! holds "$PID" "$INODE" || fail "the store listens"
}

@test "the parent's descriptors do not grow with its clients" {
	telld_start
	wait_log 'listening on'
	local before
	before=$(descriptors "$TELLD_PID" | wc -l)
	open_clients 10
	eventually 5 has_descriptors "$TELLD_PID" "$before" ||
		fail "$before before," "$(descriptors "$TELLD_PID")"
}

has_descriptors() {
	[ "$(descriptors "$1" | wc -l)" -eq "$2" ]
}

@test "the broker has one socket more for each session, and gives it back" {
	telld_start
	role_pid broker
	sockets "$PID"
	local before=$COUNT
	open_clients 10
	sockets "$PID"
	[ "$COUNT" -eq $((before + 10)) ]
	for ((i = 0; i < 10; i++)); do
		client_kill "p$i"
	done
	wait_log 'broker: end name=p' 10
	sockets "$PID"
	[ "$COUNT" -eq "$before" ]
}

@test "the store has one channel and its journal, and nothing of the network" {
	telld_start
	client_login alice nc.openbsd
	role_pid store
	descriptors "$PID"
	sockets "$PID"
	[ "$COUNT" -eq 1 ]
}

@test "no child holds what telld was started with by accident" {
	# As from a careless script: a descriptor that telld knows nothing of.
	echo careless >"$DIR/careless"
	exec {careless}<"$DIR/careless"
	telld_start
	exec {careless}<&-
	client_login alice nc.openbsd
	holds_file "$TELLD_PID" || fail "the parent should have it here"
	for role in broker store; do
		role_pid $role
		! holds_file "$PID" || fail "the $role has it"
	done
	session_pid alice
	! holds_file "$PID" || fail "the session has it"
}

holds_file() {
	descriptors "$1" | grep -q " $DIR/careless\$"
}

@test "the log says who, with time, process and role" {
	telld_start -v
	client_login alice nc.openbsd
	session_pid alice
	local session=$PID broker
	role_pid broker
	broker=$PID
	client_eof alice
	client_closed alice
	telld_stop
	local time='^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z'
	local address='\[127\.0\.0\.1\]:[0-9]+'
	wait_log "$time telld\\[$broker\\] broker: login name=alice from=$address\$"
	wait_log "$time telld\\[$session\\] session alice $address: end reason=finished\$"
	wait_log "$time telld\\[$broker\\] broker: end name=alice from=$address why=eof session=finished returned=0\$"
	! grep -vE "$time telld\\[[0-9]+\\] (parent|broker|store|session [^:]*(:[0-9]+)?): [a-z-]+( |\$)" \
		"$LOG" || fail "lines of another form"
}

@test "every process writes to one log, whole lines each" {
	telld_start -v
	open_clients 20
	for ((i = 0; i < 20; i++)); do
		client_kill "p$i"
	done
	wait_log 'broker: end name=p' 20
	telld_stop
	! grep -vE '^20[0-9-]+T[0-9:]+Z telld\[[0-9]+\] ' "$LOG" ||
		fail "lines of another form"
}

@test "who, queues, stats and audit tell of what is there" {
	telld_start
	client_login bob nc.openbsd
	client_login alice nc.openbsd
	run telld_control who
	[ "$status" -eq 0 ]
	[ ${#lines[@]} -eq 2 ]
	session_pid alice
	grep -qE "^alice +since [0-9T:Z-]+ from \\[127\\.0\\.0\\.1\\]:[0-9]+ pid $PID\$" <<<"$output"
	client_send bob 'alice: x' 'nobody: x'
	client_expect alice 'from bob: x'
	client_expect bob '! nobody: no such name'
	run telld_control audit
	[ "$status" -eq 0 ]
	grep -q '^accepted  3$' <<<"$output"
	grep -q '^refused   1$' <<<"$output"
	run telld_control stats
	[ "$status" -eq 0 ]
	grep -q '^here      2$' <<<"$output"
	grep -q "^poller    ${TELLD_POLLER:-epoll}\$" <<<"$output"
	run telld_control queues
	[ "$status" -eq 0 ]
	run telld_control version
	[[ $output == 'telld '* ]]
	run telld_control nonsense
	[ "$status" -eq 2 ]
}
