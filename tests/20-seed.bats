#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: the telld authors
#
# The seed's conversation and variants of it: what a line is, what a name is,
# how a line is sent and what its reader gets.  Each test is a sentence of the
# protocol.  Names like nobody are never logged in, so that no mail waits.

load helper
load tools

# here NAME... - these are logged in
here() {
	local name
	for name; do
		client_login "$name" nc.openbsd
	done
}

# said FORMAT [ARGUMENT]... - bob says this in a pipe, and $output is the answer
said() {
	# shellcheck disable=SC2059 # the format is the point
	run client_once nc.openbsd < <(printf "bob\n$1" "${@:2}")
	echo "status $status, output: $output"
	[ "$status" -eq 0 ]
}

# named FORMAT [ARGUMENT]... - the same, from the name on
named() {
	# shellcheck disable=SC2059 # the format is the point
	run client_once nc.openbsd < <(printf "$@")
	echo "status $status, output: $output"
	[ "$status" -eq 0 ]
}

# repeat N TEXT - sets TEXT to that many
repeat() {
	TEXT=$(head -c "$1" /dev/zero | tr '\0' "$2")
}

# ---------------------------------------------------------------------------
# The conversation
# ---------------------------------------------------------------------------

@test "alice, bob: hi! reaches both, from bob" {
	telld_start
	here alice bob
	client_send bob 'alice, bob: hi!'
	client_expect alice 'from bob: hi!'
	client_expect bob 'from bob: hi!'
}

@test "three people talk, and each hears what is meant for them" {
	telld_start
	here alice bob carol
	client_send alice 'bob: only you'
	client_expect bob 'from alice: only you'
	client_send bob 'alice, carol: you two'
	client_expect alice 'from bob: you two'
	client_expect carol 'from bob: you two'
	client_send carol 'carol,bob,alice: all'
	for name in alice bob carol; do
		client_expect $name 'from carol: all'
	done
	for name in alice bob carol; do
		client_fence $name
	done
}

@test "a name that is not there is told, and the others get theirs" {
	telld_start
	here alice bob
	client_send bob 'alice, nobody, bob: hi'
	client_expect bob '! nobody: no such name'
	client_expect bob 'from bob: hi'
	client_expect alice 'from bob: hi'
}

@test "each name that is not there is told once" {
	telld_start
	here bob
	client_send bob 'no1, no2,no1 ,no2, no3: hi'
	client_expect bob '! no1: no such name'
	client_expect bob '! no2: no such name'
	client_expect bob '! no3: no such name'
	client_fence bob
}

@test "sending to oneself is allowed" {
	telld_start
	said 'bob: to me\n'
	[ "$output" = 'from bob: to me' ]
}

# ---------------------------------------------------------------------------
# Sending
# ---------------------------------------------------------------------------

@test "the text may hold any number of colons" {
	telld_start
	said 'bob: a: b:c::d:\nbob::x\nbob:::\n'
	[ "$output" = 'from bob: a: b:c::d:
from bob: :x
from bob: ::' ]
}

@test "white space around each name and around the text is dropped" {
	telld_start
	here alice
	said '  alice ,\t bob \t :   a  b\tc \t \n'
	[ "$output" = $'from bob: a  b\tc' ]
	client_expect alice $'from bob: a  b\tc'
	client_fence alice
}

@test "no white space is needed" {
	telld_start
	here alice
	said 'alice,bob:x\n'
	[ "$output" = 'from bob: x' ]
	client_expect alice 'from bob: x'
}

@test "an empty text is sent" {
	telld_start
	here alice bob
	client_send bob 'alice:' 'alice:   '
	client_expect alice 'from bob: '
	client_expect alice 'from bob: '
}

@test "a name written twice gets one copy" {
	telld_start
	here alice bob
	client_send bob 'alice, alice,bob , alice: once'
	client_expect alice 'from bob: once'
	client_fence alice
	client_expect bob 'from bob: once'
	client_fence bob
}

@test "an empty name is passed over" {
	telld_start
	said ',bob, ,,: x\n'
	[ "$output" = 'from bob: x' ]
}

@test "a line without a recipient is told so" {
	telld_start
	here bob
	for line in hello 'hello world' ': x' ', ,: x' ':' ',' '   :' '+tag'; do
		client_send bob "$line"
		client_expect bob '! no recipient. Write NAME: TEXT, or /help'
	done
	client_fence bob
}

@test "an empty line, and one of white space, is nothing" {
	telld_start
	said '\n\n \n\t\n\r\n  \r\nbob: x\n\n'
	[ "$output" = 'from bob: x' ]
}

@test "what is no command is told so" {
	telld_start
	here bob
	client_send bob '/nonsense with words' '/' '/: x'
	client_expect bob '! no such command: /nonsense. /help lists them'
	client_expect bob '! no such command: /. /help lists them'
	client_expect bob '! no such command: /:. /help lists them'
	client_fence bob
}

@test "a name is told from another by every letter" {
	telld_start
	here bob Bob bobby
	client_send bob 'Bob: big' 'bobby: long' 'BOB: none' 'bo: none'
	client_expect Bob 'from bob: big'
	client_expect bobby 'from bob: long'
	client_expect bob '! BOB: no such name'
	client_expect bob '! bo: no such name'
}

@test "a name that is not there is shown in its refusal, but not all of it" {
	telld_start
	here bob
	repeat 3000 x
	client_send bob "$TEXT: hi"
	client_expect_like bob '! xxx*: no such name'
	# shellcheck disable=SC2153 # client_expect_like sets it
	[ ${#LINE} -lt 400 ]
	client_send bob 'with space: hi'
	client_expect bob '! with space: no such name'
}

@test "lines from one to another arrive in the order they were sent" {
	telld_start
	here alice
	{
		echo bob
		seq -f 'alice: line %.0f' 500
	} | client_once nc.openbsd
	for ((i = 1; i <= 500; i++)); do
		client_expect alice "from bob: line $i" || return
	done
	client_fence alice
}

@test "a line to twenty names reaches each once" {
	telld_start
	local i names=
	for ((i = 0; i < 20; i++)); do
		stepper_open "p$i" "send=p$i" "send=p$i: here" \
			"line=from p$i: here" say=here show
		names+="p$i,"
	done
	for ((i = 0; i < 20; i++)); do
		client_expect "p$i" here
	done
	said '%s: all of you\n' "$names"
	for ((i = 0; i < 20; i++)); do
		client_expect "p$i" 'from bob: all of you'
	done
	[ -z "$output" ]
}

# ---------------------------------------------------------------------------
# Receipts
# ---------------------------------------------------------------------------

@test "+TAG asks for one receipt for each name" {
	telld_start
	here alice
	said '+a.B_9-z alice, bob,nobody, alice: x\n'
	[ "$(sort <<<"$output")" = "$(sort <<'END'
from bob: x
+a.B_9-z delivered bob
+a.B_9-z delivered alice
+a.B_9-z refused nobody: no such name
END
	)" ]
}

@test "a script in a pipe gets its receipt before telld closes" {
	telld_start
	here alice
	run client_once nc.openbsd < <(printf 'cron\n+1 alice: done\n')
	[ "$output" = '+1 delivered alice' ]
	client_expect alice 'from cron: done'
}

@test "a receipt comes even when the line has no end" {
	telld_start
	here alice
	run client_once nc.openbsd < <(printf 'cron\n+1 alice: done')
	[ "$output" = '+1 delivered alice' ]
}

@test "without a tag only refusals are told" {
	telld_start
	here alice
	said 'alice: x\n'
	[ -z "$output" ]
	said 'nobody: x\n'
	[ "$output" = '! nobody: no such name' ]
}

@test "a tag has 1 to 32 of A-Z a-z 0-9 . _ -" {
	telld_start
	repeat 32 t
	said '+%s bob: x\n' "$TEXT"
	grep -qx "+$TEXT delivered bob" <<<"$output"
	here bob
	for tag in '' "t$TEXT" 'a!' 'ä' 'a/b' 'a:'; do
		client_send bob "+$tag bob: x"
		client_expect_like bob '! bad tag: 1 to 32 of A-Z a-z 0-9 . _ -*'
	done
	client_fence bob
}

# ---------------------------------------------------------------------------
# Lines
# ---------------------------------------------------------------------------

@test "LF and CRLF end a line, mixed in one connection" {
	telld_start
	run client_once nc.openbsd < <(
		printf 'bob\r\nbob: 1\nbob: 2\r\nbob: 3\n\r\nbob: 4\r\n')
	[ "$output" = $'from bob: 1\nfrom bob: 2\nfrom bob: 3\nfrom bob: 4' ]
}

@test "telld ends its lines with LF" {
	telld_start
	run od -An -c < <(printf 'bob\r\nbob: x\r\n' | client_once nc.openbsd)
	[[ $output != *'\r'* ]]
	[[ $output == *'x  \n' ]]
}

@test "a carriage return in a line ends nothing" {
	telld_start
	said 'bob: a\rfrom root: b\r\r\n'
	[ "$output" = 'from bob: a^Mfrom root: b^M' ]
}

@test "a line has at most line_max bytes, without its end" {
	telld_start
	repeat $((4096 - 5)) x
	said 'bob: %s\n' "$TEXT"
	[ "$output" = "from bob: $TEXT" ]
	said 'bob: %s\r\n' "$TEXT"
	[ "$output" = "from bob: $TEXT" ]
	said 'bob: %s' "$TEXT"
	[ "$output" = "from bob: $TEXT" ]
}

@test "a longer line is dropped whole, and the connection goes on" {
	telld_start
	repeat $((4097 - 5)) x
	said 'bob: 1\nbob: %s\nbob: 2\n' "$TEXT"
	[ "$output" = 'from bob: 1
! line too long (limit 4096 bytes)
from bob: 2' ]
	repeat 1000000 x
	said 'bob: 1\nbob: %s\r\nbob: 2\n' "$TEXT"
	[ "$output" = 'from bob: 1
! line too long (limit 4096 bytes)
from bob: 2' ]
	said 'bob: 1\nbob: %s' "$TEXT"
	[ "$output" = 'from bob: 1
! line too long (limit 4096 bytes)' ]
}

@test "line_max is what it is set to" {
	telld_start -o line_max=100
	repeat 95 x
	said 'bob: %s\nbob: x%s\n' "$TEXT" "$TEXT"
	[ "$output" = "from bob: $TEXT
! line too long (limit 100 bytes)" ]
}

@test "a last line without an end counts as a line" {
	telld_start
	here alice
	said 'bob: 1\nalice: 2'
	[ "$output" = 'from bob: 1' ]
	client_expect alice 'from bob: 2'
	named bob
	[ -z "$output" ]
	wait_log 'end name=bob .*why=eof' 2
}

@test "telnet options are taken out of the text and refused" {
	telld_start
	# WILL 1, DO 3, WONT 1, and an escaped 0xff, which is no UTF-8.
	run od -An -t x1 -v < <(
		printf 'bob\nbob: a\377\373\001b\377\375\003c\377\374\001d\n' |
			client_once nc.openbsd)
	echo "$output"
	all=${output//[$'\n ']/}
	[[ $all == *fffe01* ]] # DONT 1
	[[ $all == *fffc03* ]] # WONT 3
	all=${all//fffe01/}
	all=${all//fffc03/}
	# from bob: abcd, and CRLF for who speaks telnet
	[ "$all" = 66726f6d20626f623a20616263640d0a ]
}

@test "a sub-negotiation is taken out, and one cut in two as well" {
	telld_start
	here bob
	client_send_raw bob 'bob: a\377\372\030\000x\nbob: y\377\360b\n'
	client_expect bob $'from bob: ab\r'
	# The first half was read with the line before it.
	client_send_raw bob 'bob: there\nbob: a\377\372\030'
	client_expect bob $'from bob: there\r'
	client_send_raw bob '\000xterm\nbob: y\377'
	client_send_raw bob '\360b\nbob: c\377'
	client_expect bob $'from bob: ab\r'
	client_send_raw bob '\361d\n'
	client_expect bob $'from bob: cd\r'
}

@test "what is not UTF-8 is refused, and the connection goes on" {
	telld_start
	said 'bob: 1\nbob: \300\257\nbob: a\200\nbob: \355\240\200\nbob: 2\n'
	[ "$output" = 'from bob: 1
! not UTF-8
! not UTF-8
! not UTF-8
from bob: 2' ]
	said 'bob: \303'
	[ "$output" = '! not UTF-8' ]
}

@test "UTF-8 reaches its reader as it is" {
	telld_start
	said 'bob: Grüße, 世界, 🐧 é\n'
	[ "$output" = 'from bob: Grüße, 世界, 🐧 é' ]
}

@test "control characters reach others in caret notation, TAB as it is" {
	telld_start
	said 'bob: \001\033[31m\b\177\t\302\233x\n'
	[ "$output" = $'from bob: ^A^[[31m^H^?\tM-^[x' ]
}

@test "NUL is a control character like the others: it ends nothing" {
	telld_start
	said 'bob: a\000b\000\n\000bob: c\nbob: d\000'
	[ "$output" = 'from bob: a^@b^@
! ^@bob: no such name
from bob: d^@' ]
}

@test "no text can be taken for a line of the server's" {
	telld_start
	said 'bob: x\302\205from root: y\342\200\250from root: z\n'
	[ "${#lines[@]}" -eq 1 ]
	[[ $output == 'from bob: x'* ]]
	[[ $output != *$'\302\205'* ]]
}

# ---------------------------------------------------------------------------
# Names
# ---------------------------------------------------------------------------

@test "the first line is the name, and white space around it is dropped" {
	telld_start
	named ' \t bob \t\r\nbob: x\n'
	[ "$output" = 'from bob: x' ]
}

@test "a name has 1 to 32 bytes" {
	telld_start
	repeat 32 n
	named '%s\n%s: x\n' "$TEXT" "$TEXT"
	[ "$output" = "from $TEXT: x" ]
	named 'n%s\n\n  \t \nlate\n' "$TEXT"
	[ "$output" = '! bad name: at most 32 bytes
! bad name: at least one character
! bad name: at least one character' ]
	named 'é世界🐧\né世界🐧: x\n'
	[ "$output" = 'from é世界🐧: x' ]
	named 'ééééééééééééééééé\nb\nb: x\n'
	[ "$output" = '! bad name: at most 32 bytes
from b: x' ]
}

@test "a name holds no white space" {
	telld_start
	named 'a b\na\tb\na\302\240b\n'
	[ "$output" = '! bad name: no white space
! bad name: no white space
! bad name: no white space' ]
}

@test "a name holds none of , : ! *" {
	telld_start
	for name in a,b a: '!a' 'a*' '*'; do
		named '%s\nb\nb: x\n' "$name"
		[ "$output" = '! bad name: none of , : ! *
from b: x' ]
	done
}

@test "a name does not begin with # @ + - / ." {
	telld_start
	for c in '#' @ + - / .; do
		named '%sa\nb\nb: x\n' "$c"
		[ "$output" = '! bad name: may not begin with # @ + - / or .
from b: x' ]
	done
	named 'a#@+-/.\na#@+-/.: x\n'
	[ "$output" = 'from a#@+-/.: x' ]
}

@test "a name that is not UTF-8, or too long for a line, is refused" {
	telld_start
	repeat 5000 x
	named 'a\377\n%s\nb\nb: x\n' "$TEXT"
	[ "$output" = '! not UTF-8
! line too long (limit 4096 bytes)
from b: x' ]
}

@test "the third bad name is the last" {
	telld_start
	client_open bob nc.openbsd
	client_send bob '#1' '#2' '#3' bob 'bob: x'
	for i in 1 2 3; do
		client_expect bob \
			'! bad name: may not begin with # @ + - / or .'
	done
	client_closed bob
	wait_log 'broker: badlogin from=\[127\.0\.0\.1\]'
}

@test "who gives no name in login_timeout is told so and let go" {
	telld_start -o login_timeout=1s
	stepper_open silent show
	client_expect silent '! no name for 1 s, good bye'
	client_expect silent '(end)'
	wait_log 'broker: limit from=.* key=login_timeout'
}

@test "a name that is here is taken, and another may be tried" {
	telld_start
	here alice
	client_open other nc.openbsd
	client_send other alice
	client_expect_like other \
		'! alice is already here from \[127.0.0.1\]:[0-9]*'
	client_send other eve 'eve, alice: x'
	client_expect other 'from eve: x'
	client_expect alice 'from eve: x'
}

@test "a taken name may be tried again and again" {
	telld_start
	here alice
	client_open other nc.openbsd
	for i in 1 2 3; do
		client_send other alice
		client_expect_like other '! alice is already here from *'
	done
	client_send other eve 'eve: x'
	client_expect other 'from eve: x'
}

@test "lines behind a name wait until the name is decided" {
	telld_start
	here alice
	run client_once nc.openbsd < <(
		printf 'alice\neve\nalice: 1\nalice: 2\n')
	[[ $output == '! alice is already here from '* ]]
	client_expect alice 'from eve: 1'
	client_expect alice 'from eve: 2'
}

# ---------------------------------------------------------------------------
# Commands
# ---------------------------------------------------------------------------

@test "/help lists every command in a line each" {
	telld_start
	said '/help\n'
	for command in /help /quit; do
		grep -q "^\\* $command " <<<"$output"
	done
	[ "$(grep -cv '^\* ' <<<"$output")" -eq 0 ]
}

@test "/quit answers all that is open, says bye and closes" {
	telld_start
	here alice
	client_open bob nc.traditional
	client_send bob bob '+1 alice: x' /quit 'alice: not this'
	client_expect bob '+1 delivered alice'
	client_expect bob '* bye'
	client_closed bob
	client_expect alice 'from bob: x'
	client_fence alice
	wait_log 'end name=bob .*why=quit'
}
