#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: the telld authors
#
# tell(1), as scripts use it: what arrives, what is printed, how it exits.

load helper
load tools
load mail

TELLER=${TELLD%/*}/tell

# starts [ARGUMENT]... - telld, and bob is there
starts() {
	telld_start "$@"
	client_login bob nc.openbsd
	export TELL_HOST=$TELLD_ADDR TELL_NAME=cron
}

# tells STATUS OUTPUT ARGUMENT... - tell, and that is how it ends
tells() {
	local want=$1 output_wanted=$2
	shift 2
	run timeout $((30 * TELLD_SLOW)) "$TELLER" "$@" 3>&- 4>&-
	[ "$status $output" = "$want $output_wanted" ] ||
		fail "tell $*" "exits with $status, not $want, and says" \
			"	$output" "not" "	$output_wanted"
}

@test "tell bob TEXT: it arrives, and nothing is printed" {
	starts
	tells 0 '' bob 'backup failed'
	client_expect bob 'from cron: backup failed'
	tells 0 '' bob two words
	client_expect bob 'from cron: two words'
	tells 0 '' bob ''
	client_expect bob 'from cron: '
	tells 0 '' bob $'one\ntwo\n'
	client_expect bob 'from cron: one'
	client_expect bob 'from cron: two'
	tells 0 '' -r bob -- -r
	client_expect bob 'from cron: -- -r'
	client_fence bob
}

@test "each line of standard input is one, the last without an end too" {
	starts
	tells 0 '' bob < <(printf 'one: 1\n\n  two\t2\r\n/quit')
	client_expect bob 'from cron: one: 1'
	client_expect bob 'from cron: '
	client_expect bob $'from cron: two\t2'
	client_expect bob 'from cron: /quit'
	client_fence bob
}

@test "who has nothing to say does not even connect" {
	tells 0 '' -h 127.0.0.1:1 bob </dev/null
}

@test "tell -r: 0 delivered, 3 stored, 1 refused" {
	starts
	know carol
	tells 0 '' -r bob x
	client_expect bob 'from cron: x'
	tells 3 '' -r carol x
	tells 3 '' -r bob,carol y
	client_expect bob 'from cron: y'
	tells 1 'tell: nobody: no such name' -r nobody x
	tells 1 'tell: nobody: no such name' -r 'bob, nobody,carol' z
	client_expect bob 'from cron: z'
	tells 1 'tell: nobody: no such name' nobody x
	tells 0 '' carol x
	wait_audit stored=4
}

@test "tell -v prints the receipts" {
	starts
	know carol
	tells 0 'delivered bob' -v bob x
	tells 3 'stored carol' -v carol x
	tells 0 '*: 1 delivered, 0 stored, 0 refused' -v '*' x
	tells 1 $'refused nobody: no such name\ntell: nobody: no such name' \
		-v nobody x
}

@test "tell -r to a room counts its members" {
	starts
	client_send bob '/join #ops'
	client_expect bob '* bob joined #ops'
	tells 0 '' -r '#ops' x
	client_expect bob 'from cron in #ops: x'
	tells 1 'tell: #none: no such room' -r '#none' x
}

@test "a receipt for each of many lines, as long as they come" {
	local i
	starts
	for ((i = 1; i <= 3000; i++)); do
		echo "line $i"
	done >"$DIR/lines"
	"$TELLER" -r bob <"$DIR/lines" 3>&- 4>&- &
	client_take bob 3000 "$DIR/got"
	wait $!
	cmp <(sed 's/^/from cron: /' "$DIR/lines") "$DIR/got"
}

@test "what is written while it runs is sent at once" {
	starts
	program_open teller "$TELLER" -r bob
	client_send teller one
	client_expect bob 'from cron: one'
	client_send teller two
	client_expect bob 'from cron: two'
	client_eof teller
	client_closed teller
}

@test "a usage error is 2, and nothing is sent" {
	starts
	for arguments in '' '-x bob x' 'a:b x' '/who x' '+1 x' '-t 0 bob x' \
		'-t x bob x' '-n a,b bob x' '-n #a bob x' ', x' '-h'; do
		# shellcheck disable=SC2086 # words
		run "$TELLER" $arguments
		echo "$arguments: $status, $output"
		[ "$status" -eq 2 ]
		[ -n "$output" ]
	done
	client_fence bob
}

@test "no connection is 1" {
	local nowhere="unix:$DIR/nowhere"
	tells 1 "tell: $nowhere: No such file or directory" \
		-h "$nowhere" bob x
	run "$TELLER" -h 127.0.0.1:1 bob x
	[ "$status" -eq 1 ]
	[[ $output == 'tell: 127.0.0.1:1: Connection refused' ]]
	run "$TELLER" -h '[::1]:nosuchport' bob x
	[ "$status" -eq 1 ]
}

@test "a name that is taken is 1, and says so once" {
	starts
	run "$TELLER" -n bob bob x < <(printf '1\n2\n3\n')
	[ "$status" -eq 1 ]
	[[ $output == 'tell: bob is already here from '* ]]
	[ "${#lines[@]}" -eq 1 ]
	client_fence bob
}

@test "each kind of address" {
	starts -l 127.0.0.1:0 -l '[::1]:0' -l "unix:$DIR/sock"
	for address in "${TELLD_ADDRS[@]}" "localhost:${TELL_HOST##*:}"; do
		TELL_HOST=$address tells 0 '' bob x
		client_expect bob 'from cron: x'
		TELL_HOST=none tells 0 '' -h "$address" bob y
		client_expect bob 'from cron: y'
	done
}

@test "mail for the script's own name is printed" {
	starts
	know cron
	client_send bob '+1 cron: for you'
	client_expect bob '+1 stored cron'
	run "$TELLER" bob x
	[ "$status" -eq 0 ]
	like "$output" "from bob $AT: for you"
}

@test "bytes that telnet would take for its own are only bytes" {
	starts
	tells 1 'tell: not UTF-8' bob < <(printf 'a\377\364b\nnext\n')
	client_expect bob 'from cron: next'
	client_fence bob
}

@test "a server that says nothing is waited for as long as -t says" {
	starts
	telld_signal STOP
	tells 1 "tell: $TELL_HOST: no answer in time" -t 1 -r bob x
	telld_signal CONT
}

@test "a server that goes away is no success" {
	starts
	program_open teller "$TELLER" bob
	client_send teller one
	client_expect bob 'from cron: one'
	telld_control kick cron
	eventually 10 test -s "$DIR/client.teller.err"
	grep -q 'you were removed' "$DIR/client.teller.err"
}
