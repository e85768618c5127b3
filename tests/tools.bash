# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: the telld authors
#
# tools.bash - clients that no nc can play (tests/tools/), and other programs,
# as people of helper.bash: client_send, client_expect and the rest are for
# them too.
#
# shellcheck disable=SC2034 # much here is helper.bash's, or for the tests

declare -gA CLIENT_PID CLIENT_KIND CLIENT_IN CLIENT_OUT CLIENT_REST

TOOLS=${TELLD%/*}/tools

# program_open NAME COMMAND... - starts a program; NAME is what tests call it
program_open() {
	local name=$1 in out fd_in fd_out
	shift
	pipe_open fd_in in
	pipe_open out fd_out
	(
		exec <&"$fd_in" >&"$fd_out" 2>"$DIR/client.$name.err" 3>&- 4>&-
		fds_close
		exec "$@"
	) &
	CLIENT_PID[$name]=$!
	disown
	CLIENT_KIND[$name]=program
	CLIENT_IN[$name]=$in
	CLIENT_OUT[$name]=$out
	CLIENT_REST[$name]=
	fd_close "$fd_in"
	fd_close "$fd_out"
	CLIENTS+=("$name")
	echo "* $*" >>"$DIR/client.$name"
}

# stepper_open NAME STEP... - a client that does as it is told: tools/client.c
stepper_open() {
	program_open "$1" "$TOOLS/client" "$TELLD_ADDR" "${@:2}"
}

# flooder_open NAME DEST COUNT - tools/flood.c; send it a line to let it go
flooder_open() {
	program_open "$1" "$TOOLS/flood" "$TELLD_ADDR" "$1" "$2" "$3"
	client_expect "$1" ready
}

# client_await NAME GLOB - a line like GLOB comes, whatever stands before it
#
# For who may first be sent again what an earlier connection left open.
client_await() {
	while client_next "$1" 10; do
		# shellcheck disable=SC2053 # a pattern
		[[ $LINE != $2 ]] || return 0
	done
	client_complain "$1" "$2"
}

# session_pid NAME - sets PID to the session's that serves NAME
session_pid() {
	PID=$(telld_control who | awk -v name="$1" '$1 == name { print $NF }')
	[[ $PID =~ ^[0-9]+$ ]] || fail "not one session of $1:" \
		"$(telld_processes)"
}

# role_pid ROLE - sets PID to the broker's or the store's
#
# Not by their titles: under valgrind they have none.
role_pid() {
	PID=$(sed -n 's/.* telld\[\([0-9]*\)\] broker: .*/\1/p' "$LOG" |
		tail -n 1)
	[ "$1" = broker ] || PID=$(ps -o pid= --ppid "$PID" | tr -d ' ')
	[[ $PID =~ ^[0-9]+$ ]] || fail "not one $1:" "$(telld_processes)"
}

# wait_end NAME KEY=VALUE... - until the log says that NAME's session ended so
#
# The pairs stand in the order of the log, one behind the other.
wait_end() {
	wait_log "broker: end name=$1 .* ${*:2}( |\$)"
}

# count_log PATTERN - how many lines of the log are like PATTERN, into COUNT
count_log() {
	COUNT=$(grep -cE -e "$1" "$LOG") || :
}
