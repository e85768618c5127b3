# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: the telld authors
#
# helper.bash - the one starter and stopper of telld, and people to talk to it.
#
#	load helper
#	@test "a line reaches its reader" {
#		telld_start
#		client_open alice nc.openbsd
#		client_send alice alice
#		client_send alice 'alice: hello'
#		client_expect alice 'from alice: hello'
#	}
#
# Every test has a directory of its own ($DIR), a free port, and its own clock:
# nothing here sleeps, and nothing waits without a deadline.  What was waited
# for and what was seen instead is printed when the deadline passes.  After
# each test telld is stopped, and must have exited with 0, with no process and
# no socket file left and no report of a sanitizer or valgrind.
#
# From the environment (tests/run sets them):
#	TELLD, TELLCTL	the programs under test
#	TELLD_WRAP	"valgrind": run telld under it
#	TELLD_POLLER	poll or epoll: start telld with that poller
#	TELLD_SLOW	all deadlines are multiplied by it

TOP=$(cd "${BASH_SOURCE[0]%/*}/.." && pwd)
TELLD=${TELLD:-$TOP/build/telld}
TELLCTL=${TELLCTL:-$TOP/build/tellctl}
TELLD_SLOW=${TELLD_SLOW:-1}

# Bytes are bytes: a character cut in two by a deadline must not vanish.
export LC_ALL=C

# Set by telld_start: where it listens, as HOST and PORT and in its own words.
TELLD_PID=
TELLD_ADDRS=()
TELLD_ADDR=
HOST=
PORT=

# Set by client_open, by the client's name.
declare -gA CLIENT_PID CLIENT_KIND CLIENT_IN CLIENT_OUT CLIENT_REST

# ---------------------------------------------------------------------------
# Setup and teardown.  A test file with its own calls these by name.
# ---------------------------------------------------------------------------

setup() {
	telld_setup
}

teardown() {
	telld_teardown
}

telld_setup() {
	DIR=$BATS_TEST_TMPDIR
	LOG=$DIR/log
	NEVER=$DIR/never
	CLIENTS=()
	FDS=()
	mkfifo "$NEVER"
	# Nothing of the user's own may be read or written.
	export HOME=$DIR XDG_STATE_HOME=$DIR XDG_RUNTIME_DIR=$DIR
}

# A failed test shows every dialogue and the log; one that passed so far can
# still fail here, by what telld leaves behind.
telld_teardown() {
	local status=0
	[ -n "${BATS_TEST_COMPLETED-}" ] || show_all
	clients_end
	if [ -n "$TELLD_PID" ]; then
		telld_stop 0 || status=1
		telld_kill_all
	fi
	return $status
}

# ---------------------------------------------------------------------------
# Waiting
# ---------------------------------------------------------------------------

# fail TEXT... - says so, and is false
fail() {
	printf '%s\n' "$@" >&2
	return 1
}

# Microseconds, for deadlines only.
now() {
	NOW=${EPOCHREALTIME/[.,]/}
}

# deadline SECONDS - sets DEADLINE to that long from now, on a slow day longer
deadline() {
	now
	DEADLINE=$((NOW + $1 * TELLD_SLOW * 1000000))
}

# eventually SECONDS COMMAND... - waits until COMMAND is true
#
# The pause between two looks is a read from a FIFO that nobody writes to.
eventually() {
	local DEADLINE NOW
	deadline "$1"
	shift
	until "$@"; do
		now
		[ "$NOW" -lt "$DEADLINE" ] || return 1
		read -r -t 0.02 <>"$NEVER" || :
	done
}

# count_lines N FILE PATTERN - FILE has at least N lines like PATTERN (ERE)
count_lines() {
	local n
	n=$(grep -cE -e "$3" "$2" 2>/dev/null) || :
	[ "${n:-0}" -ge "$1" ]
}

# wait_line FILE PATTERN [N] - until FILE has N lines (1) like PATTERN (ERE)
wait_line() {
	eventually 10 count_lines "${3:-1}" "$1" "$2" && return
	fail "waited for ${3:-1} of /$2/ in ${1##*/}; it has:"
	tail -n 50 "$1" >&2
	return 1
}

# wait_log PATTERN [N] - the same, in telld's log
wait_log() {
	wait_line "$LOG" "$@"
}

# process_lives PID
#
# kill -0 would say so of a zombie too, and now and then bash does not notice
# that a child of its own has become one.
process_lives() {
	local stat
	stat=$(ps -o stat= -p "$1") && [[ $stat != Z* ]]
}

# ---------------------------------------------------------------------------
# telld
# ---------------------------------------------------------------------------

# telld_start [ARGUMENT]... - starts telld, and returns when it is ready
#
# It listens on a free port of 127.0.0.1 unless there is a -l, and greets
# nobody unless told to: on a slow day a test is silent for half a second.
# What it says
# on the ready descriptor is read up to its end, which telld makes when it is
# ready, or the kernel when it has died before that.
telld_start() {
	local args=(-o "store=$DIR/store" -o "control=$DIR/control"
		-o ready_fd=3 -o greeting=no)
	local ready fd line address
	[ -z "${TELLD_POLLER-}" ] || args+=(-o "poller=$TELLD_POLLER")
	[[ " $* " == *" -l"* ]] || args+=(-l 127.0.0.1:0)
	log_rotate
	pipe_open ready fd
	(
		exec 3>&"$fd" 4>&- </dev/null >>"$LOG" 2>&1
		fds_close
		telld_exec "${args[@]}" "$@"
	) &
	TELLD_PID=$!
	fd_close "$fd"

	TELLD_ADDRS=() HOST='' PORT=''
	local DEADLINE NOW
	deadline 10
	while read_until line "$ready"; do
		address=${line#listening on }
		if [ "$address" = "$line" ]; then
			fail "telld said on its ready descriptor: $line"
			return 1
		fi
		TELLD_ADDRS+=("$address")
	done
	fd_close "$ready"
	if [ ${#TELLD_ADDRS[@]} -eq 0 ]; then
		fail "telld did not become ready"
		return 1
	fi
	TELLD_ADDR=${TELLD_ADDRS[0]}
	split_address "$TELLD_ADDR"
}

# Becomes telld, the leader of a new session: that is how its processes are
# found again, whatever they call themselves.
telld_exec() {
	export ASAN_OPTIONS=exitcode=99:detect_leaks=1:${ASAN_OPTIONS-}
	export UBSAN_OPTIONS=halt_on_error=1:exitcode=99:${UBSAN_OPTIONS-}
	if [ "${TELLD_WRAP-}" = valgrind ]; then
		# Its freeing for libc would forget environ, then call it lost.
		exec setsid valgrind -q --leak-check=full \
			--run-libc-freeres=no \
			--errors-for-leak-kinds=definite \
			--show-leak-kinds=definite --error-exitcode=99 \
			--log-file="$DIR/valgrind.%p" "$TELLD" "$@"
	fi
	exec setsid "$TELLD" "$@"
}

# telld_stop [STATUS] - stops telld with SIGTERM, which must exit with STATUS
#
# Zombies are looked for before: whoever is dead while telld lives has not
# been reaped.  Afterwards they would be their new parent's affair.
telld_stop() {
	if telld_alive && ! eventually 5 telld_no_zombie; then
		fail "not reaped:" "$(telld_processes)"
		return 1
	fi
	telld_signal TERM
	telld_wait "${1:-0}"
}

# telld_signal NAME - sends telld's parent a signal; it may be gone already
telld_signal() {
	kill -s "$1" "$TELLD_PID" 2>/dev/null || :
}

# telld_wait STATUS - until telld has exited, with STATUS, and all is gone
telld_wait() {
	local pid=$TELLD_PID status=0 bad=0
	if eventually 20 telld_dead; then
		wait "$pid" || status=$?
		[ "$status" -eq "${1:-0}" ] ||
			fail "telld exited with $status, not ${1:-0}" || bad=1
	else
		fail "telld did not exit" || bad=1
	fi
	telld_gone || bad=1
	if [ "${1:-0}" -eq 0 ]; then
		no_socket_left || bad=1
	fi
	no_report || bad=1
	if [ $bad -ne 0 ]; then
		[ -z "${BATS_TEST_COMPLETED-}" ] || show_log
		telld_kill_all
	fi
	TELLD_PID=
	return $bad
}

# telld_gone - until no process of telld is left
telld_gone() {
	eventually 10 telld_no_process && return
	fail "still there:" "$(telld_processes)"
}

telld_alive() {
	process_lives "$TELLD_PID"
}

telld_dead() {
	! telld_alive
}

# All processes of the telld that was started, one "PID PPID STAT TITLE" each.
telld_processes() {
	ps -s "$TELLD_PID" -o pid=,ppid=,stat=,args= || :
}

telld_no_process() {
	! telld_processes | awk '$3 !~ /^Z/ { n++ } END { exit !n }'
}

telld_no_zombie() {
	! telld_processes | awk '$3 ~ /^Z/ { dead[$2] } { all[$1] }
		END { for (p in dead) if (p in all) exit 0; exit 1 }'
}

# The last resort of a test that failed: nothing may outlive it.
telld_kill_all() {
	local pid
	[ -n "$TELLD_PID" ] || return 0
	for pid in $(ps -s "$TELLD_PID" -o pid=); do
		kill -KILL "$pid" 2>/dev/null || :
	done
	TELLD_PID=
}

no_socket_left() {
	local left
	left=$(find "$DIR" -type s)
	[ -z "$left" ] || fail "socket files left: $left"
}

# A sanitizer writes to the log, valgrind to one file per process.
no_report() {
	local text='ERROR: (Address|Leak)Sanitizer|runtime error:'
	if grep -qE "$text" "$LOG"; then
		fail "a sanitizer reports:"
		grep -E -A 40 "$text" "$LOG" >&2
		return 1
	fi
	if grep -q '^==' "$DIR"/valgrind.* 2>/dev/null; then
		fail "valgrind reports:"
		cat "$DIR"/valgrind.* >&2
		return 1
	fi
}

# telld_control COMMAND... - tellctl, to the telld of this test
telld_control() {
	"$TELLCTL" -s "$DIR/control" "$@"
}

# split_address ADDRESS - sets HOST and PORT, or HOST to unix:PATH
split_address() {
	HOST=$1 PORT=''
	[[ $1 != unix:* ]] || return 0
	PORT=${1##*:}
	HOST=${1%:*}
	HOST=${HOST#[}
	HOST=${HOST%]}
}

# Each start has its own log; those of earlier ones are kept beside it.
log_rotate() {
	local n=1
	if [ -e "$LOG" ]; then
		while [ -e "$LOG.$n" ]; do
			n=$((n + 1))
		done
		mv "$LOG" "$LOG.$n"
	fi
	: >"$LOG"
}

show_log() {
	local file
	for file in "$DIR"/log*; do
		[ -f "$file" ] || continue
		echo "--- ${file##*/}, the last lines" >&2
		tail -n 60 "$file" >&2
	done
}

show_all() {
	local name
	for name in "${CLIENTS[@]}"; do
		client_show "$name"
	done
	show_log
}

# ---------------------------------------------------------------------------
# Clients at the prompt: client_open, then send and expect.
#
# KIND is one of KINDS, or telnet-pty: telnet at a terminal, which echoes what
# is typed.  All but telnet and bash can close their sending side and go on
# reading.  busybox, nc.traditional, telnet and bash leave by themselves when
# telld closes; the others want their input closed before they do, and
# client_closed does that for them.
# ---------------------------------------------------------------------------

# shellcheck disable=SC2034 # for tests to loop over
KINDS=(nc.openbsd nc.traditional ncat busybox telnet socat bash)

# No program at all: bash is the client, and two cats are its hands.
# shellcheck disable=SC2016 # expanded by that bash
BASH_CLIENT='exec 5<>"/dev/tcp/$0/$1"
	cat <&0 >&5 &
	exec cat <&5'

# client_command KIND ADDRESS - sets COMMAND
client_command() {
	local HOST PORT
	split_address "$2"
	if [[ $HOST == unix:* ]]; then
		client_command_unix "$1" "${HOST#unix:}"
		return
	fi
	case $1 in
	nc.openbsd) COMMAND=(nc.openbsd -N "$HOST" "$PORT") ;;
	nc.traditional) COMMAND=(nc.traditional -q 60 "$HOST" "$PORT") ;;
	ncat) COMMAND=(ncat "$HOST" "$PORT") ;;
	busybox) COMMAND=(busybox nc "$HOST" "$PORT") ;;
	telnet) COMMAND=(telnet "$HOST" "$PORT") ;;
	telnet-pty) COMMAND=(socat -
		"EXEC:telnet $HOST $PORT,pty,setsid,ctty,echo=0,opost=0") ;;
	socat) COMMAND=(socat -t 60 - "TCP:$2") ;;
	bash) COMMAND=(bash -c "$BASH_CLIENT" "$HOST" "$PORT") ;;
	*) fail "no such kind of client: $1" ;;
	esac
}

client_command_unix() {
	case $1 in
	nc.openbsd) COMMAND=(nc.openbsd -N -U "$2") ;;
	ncat) COMMAND=(ncat -U "$2") ;;
	socat) COMMAND=(socat -t 60 - "UNIX-CONNECT:$2") ;;
	*) fail "no client for a Unix socket: $1" ;;
	esac
}

# client_open NAME KIND [ADDRESS] - starts a client; NAME is what tests call it
client_open() {
	local name=$1 in out fd_in fd_out COMMAND
	client_command "$2" "${3:-$TELLD_ADDR}"
	pipe_open fd_in in
	pipe_open out fd_out
	(
		exec <&"$fd_in" >&"$fd_out" 2>"$DIR/client.$name.err" 3>&- 4>&-
		fds_close
		exec "${COMMAND[@]}"
	) &
	CLIENT_PID[$name]=$!
	disown
	CLIENT_KIND[$name]=$2
	CLIENT_IN[$name]=$in
	CLIENT_OUT[$name]=$out
	CLIENT_REST[$name]=
	fd_close "$fd_in"
	fd_close "$fd_out"
	CLIENTS+=("$name")
	echo "* $2 ${3:-$TELLD_ADDR}" >>"$DIR/client.$name"
	case $2 in
	telnet*) client_telnet_opening "$name" ;;
	esac
}

# What telnet itself says before the server's first line.
client_telnet_opening() {
	client_expect_like "$1" 'Trying *'
	client_expect_like "$1" 'Connected to *'
	client_expect_like "$1" 'Escape character is*'
}

# client_login NAME KIND [ADDRESS] - opens a client and sends its name
client_login() {
	client_open "$@"
	client_send "$1" "$1"
	client_fence "$1"
}

# client_send NAME TEXT... - types lines
client_send() {
	local name=$1
	shift
	printf '> %s\n' "$@" >>"$DIR/client.$name"
	printf '%s\n' "$@" >&"${CLIENT_IN[$name]}"
}

# client_send_raw NAME FORMAT [ARGUMENT]... - types what printf makes of it
client_send_raw() {
	local name=$1
	shift
	printf '> raw %q\n' "$@" >>"$DIR/client.$name"
	# shellcheck disable=SC2059 # the format is the point
	printf "$@" >&"${CLIENT_IN[$name]}"
}

# client_expect NAME LINE [SECONDS] - the next line is exactly LINE
client_expect() {
	client_next "$1" "${3:-10}" && [ "$LINE" = "$2" ] && return
	client_complain "$1" "$2"
}

# client_expect_like NAME GLOB [SECONDS] - the next line looks like GLOB
client_expect_like() {
	# shellcheck disable=SC2053 # a pattern
	client_next "$1" "${3:-10}" && [[ $LINE == $2 ]] && return
	client_complain "$1" "$2"
}

# client_until NAME GLOB [SECONDS] - reads until a line looks like GLOB
client_until() {
	local line
	while client_next "$1" "${3:-10}"; do
		line=$LINE
		# shellcheck disable=SC2053 # a pattern
		[[ $line != $2 ]] || return 0
	done
	client_complain "$1" "$2"
}

# client_expect_part NAME TEXT [SECONDS] - TEXT is shown, with no end of line
client_expect_part() {
	local char DEADLINE NOW
	deadline "${3:-10}"
	LINE=${CLIENT_REST[$1]}
	while [ "$LINE" != "$2" ]; do
		if [[ $2 != "$LINE"* ]] ||
			! read_until char "${CLIENT_OUT[$1]}" 1; then
			CLIENT_REST[$1]=$LINE
			client_complain "$1" "$2"
			return 1
		fi
		LINE+=$char
	done
	printf '< %s (no end)\n' "$2" >>"$DIR/client.$1"
	CLIENT_REST[$1]=
}

# client_fence NAME - there is nothing that NAME has not read yet
#
# NAME, who is logged in, sends a line to itself: whatever telld had for it
# before stands before that line.  This proves silence without waiting.
client_fence() {
	FENCE=$((${FENCE:-0} + 1))
	client_send "$1" "$1: fence $FENCE"
	client_expect "$1" "from $1: fence $FENCE"
}

# client_expect_none NAME - nothing comes for a moment
#
# Only for one who cannot be fenced: who is not logged in, or not listening.
client_expect_none() {
	local status=0 DEADLINE NOW
	now
	DEADLINE=$((NOW + 300000))
	read_until LINE "${CLIENT_OUT[$1]}" || status=$?
	LINE=${CLIENT_REST[$1]}$LINE
	[ $status -gt 128 ] && [ -z "$LINE" ] && return
	client_complain "$1" "(nothing)"
}

# client_eof NAME - closes its input
client_eof() {
	[ -n "${CLIENT_IN[$1]}" ] || return 0
	echo '> (end)' >>"$DIR/client.$1"
	fd_close "${CLIENT_IN[$1]}"
	CLIENT_IN[$1]=
}

# client_closed NAME [SECONDS] - telld has closed: no line more, and it leaves
client_closed() {
	case ${CLIENT_KIND[$1]} in
	nc.openbsd | ncat | socat) client_eof "$1" ;;
	esac
	if client_next "$1" "${2:-10}" || [ "$LINE" != "(end)" ]; then
		client_complain "$1" "(end)"
		return 1
	fi
	client_eof "$1"
	eventually "${2:-10}" client_left "$1" ||
		fail "client $1 does not leave"
}

client_left() {
	! process_lives "${CLIENT_PID[$1]}"
}

# client_kill NAME [SIGNAL] - its process goes away, as a crash does
client_kill() {
	echo "* SIG${2:-KILL}" >>"$DIR/client.$1"
	kill -s "${2:-KILL}" "${CLIENT_PID[$1]}" 2>/dev/null || :
}

# client_show NAME - the dialogue so far, and what has come but was not read
client_show() {
	local line
	echo "--- client $1" >&2
	tail -n 40 "$DIR/client.$1" >&2
	[ -z "${CLIENT_REST[$1]}" ] ||
		echo "< ${CLIENT_REST[$1]} (no end)" >&2
	while read -r -t 0.01 -u "${CLIENT_OUT[$1]}" line; do
		echo "< $line (not read)" >&2
	done
	cat "$DIR/client.$1.err" >&2
}

# client_next NAME SECONDS - its next line into LINE
#
# False: the deadline has passed and
# LINE is what there was of it, or the end, and LINE is "(end)".
client_next() {
	local part='' status=0 DEADLINE NOW
	deadline "$2"
	read_until part "${CLIENT_OUT[$1]}" || status=$?
	LINE=${CLIENT_REST[$1]}$part
	if [ $status -gt 128 ]; then
		CLIENT_REST[$1]=$LINE
		LINE="$LINE(deadline passed)"
		return 1
	fi
	CLIENT_REST[$1]=
	if [ $status -ne 0 ] && [ -z "$LINE" ]; then
		LINE="(end)"
	fi
	printf '< %s\n' "$LINE" >>"$DIR/client.$1"
	return $status
}

client_complain() {
	fail "client $1" "	wants	$2" "	got	$LINE"
}

clients_end() {
	local name
	for name in "${CLIENTS[@]}"; do
		kill "${CLIENT_PID[$name]}" 2>/dev/null || :
		client_eof "$name"
	done
	for name in "${CLIENTS[@]}"; do
		eventually 5 client_left "$name" || client_kill "$name"
		fd_close "${CLIENT_OUT[$name]}"
	done
	CLIENTS=()
}

# ---------------------------------------------------------------------------
# Clients in a pipe: input from stdin, answers to stdout, and that is all.
# ---------------------------------------------------------------------------

# client_once KIND [ADDRESS] - runs to its end, at most half a minute
#
# telnet and bash cannot close their sending side and still read: for them a
# line "/quit" is added, and the answer to it comes out too.
client_once() {
	local COMMAND limit=$((30 * TELLD_SLOW))
	client_command "$1" "${2:-$TELLD_ADDR}"
	case $1 in
	telnet* | bash) client_once_held "$limit" ;;
	*) timeout "$limit" "${COMMAND[@]}" 3>&- 4>&- ;;
	esac
}

# Their input stays open after its end, until they leave.
client_once_held() {
	local in fd_in
	pipe_open fd_in in
	{
		cat
		printf '\n/quit\n'
	} >&"$in"
	(
		exec <&"$fd_in" 3>&- 4>&-
		fds_close
		exec timeout "$1" "${COMMAND[@]}"
	) | client_once_shown
	fd_close "$fd_in"
	fd_close "$in"
}

# What telnet says of itself is not telld's answer.
client_once_shown() {
	sed -e '/^Trying /d' -e '/^Connected to /d' -e '/^Escape char/d'
}

# ---------------------------------------------------------------------------
# Descriptors.  What the test holds must not reach the programs it starts: a
# client whose input is held open by its neighbour never sees the end of it.
# ---------------------------------------------------------------------------

# pipe_open READ WRITE - a pipe; its two ends' numbers go to these variables
#
# A named one, since bash has no other: opened for both first, because either
# side alone would wait for the other.
pipe_open() {
	local _both _read _write
	PIPES=$((${PIPES:-0} + 1))
	mkfifo "$DIR/pipe.$PIPES"
	exec {_both}<>"$DIR/pipe.$PIPES"
	exec {_read}<"$DIR/pipe.$PIPES"
	exec {_write}>"$DIR/pipe.$PIPES"
	exec {_both}>&-
	rm "$DIR/pipe.$PIPES"
	FDS+=("$_read" "$_write")
	printf -v "$1" %s "$_read"
	printf -v "$2" %s "$_write"
}

fd_close() {
	local _fd=$1 _i
	for _i in "${!FDS[@]}"; do
		[ "${FDS[_i]}" != "$_fd" ] || unset "FDS[_i]"
	done
	exec {_fd}>&-
}

fds_close() {
	local _fd
	for _fd in "${FDS[@]}"; do
		exec {_fd}>&-
	done
}

# read_until VARIABLE FD [N] - a line, or N characters, before DEADLINE
#
# As read(1): false at the end, above 128 when the deadline has passed.
read_until() {
	local _left
	now
	_left=$((DEADLINE - NOW))
	[ "$_left" -gt 0 ] || _left=1000
	printf -v _left '%d.%06d' $((_left / 1000000)) $((_left % 1000000))
	# shellcheck disable=SC2229 # the caller's variable
	IFS= read -r -t "$_left" ${3:+-N "$3"} -u "$2" "$1"
}
