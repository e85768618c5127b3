#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: the telld authors
#
# Every nc and telnet is a full client: each real one, in a pipe and at the
# prompt.

load helper

# What telnet says of itself goes to stderr.
answers() {
	client_once "$@" 2>"$DIR/err"
}

# in_a_pipe KIND [ADDRESS] - a script sends three lines, the last one without
# an end, and gets its answers
in_a_pipe() {
	local bye=
	telld_start -l 127.0.0.1:0 -l "unix:$DIR/telld.sock"
	client_login alice nc.openbsd
	run answers "$@" < <(
		printf 'cron\nalice: one\ncron, nobody: two: 2\nalice: last')
	echo "status $status, output: $output"
	[ "$status" -eq 0 ]
	# telnet and bash cannot close their sending side: they say /quit.
	case $1 in
	telnet | bash) bye=$'\n* bye' ;;
	esac
	[ "${output//$'\r'/}" = "from cron: two: 2
! nobody: no such name$bye" ]
	client_expect alice 'from cron: one'
	client_expect alice 'from cron: last'
	client_fence alice
}

# at_the_prompt KIND [ADDRESS] - somebody talks, is talked to, and leaves
at_the_prompt() {
	telld_start -l 127.0.0.1:0 -l "unix:$DIR/telld.sock"
	client_login alice nc.openbsd
	client_login bob "$@"
	client_send bob 'alice, bob: hello' 'nobody: x'
	client_expect bob 'from bob: hello'
	client_expect bob '! nobody: no such name'
	client_expect alice 'from bob: hello'
	client_send alice 'bob: hello to you'
	client_expect bob 'from alice: hello to you'
	client_send bob /quit
	client_expect bob '* bye'
	client_closed bob
	client_send alice '+1 alice: still here'
	client_expect alice 'from alice: still here'
	client_expect alice '+1 delivered alice'
	wait_log 'broker: end name=bob .* why=quit session=finished'
}

@test "nc.openbsd in a pipe" {
	in_a_pipe nc.openbsd
}

@test "nc.traditional in a pipe" {
	in_a_pipe nc.traditional
}

@test "ncat in a pipe" {
	in_a_pipe ncat
}

@test "busybox nc in a pipe" {
	in_a_pipe busybox
}

@test "telnet in a pipe" {
	in_a_pipe telnet
}

@test "socat in a pipe" {
	in_a_pipe socat
}

@test "bash and /dev/tcp in a pipe" {
	in_a_pipe bash
}

@test "nc.openbsd on a Unix socket, in a pipe" {
	in_a_pipe nc.openbsd "unix:$DIR/telld.sock"
}

@test "ncat on a Unix socket, in a pipe" {
	in_a_pipe ncat "unix:$DIR/telld.sock"
}

@test "socat on a Unix socket, in a pipe" {
	in_a_pipe socat "unix:$DIR/telld.sock"
}

@test "nc.openbsd at the prompt" {
	at_the_prompt nc.openbsd
}

@test "nc.traditional at the prompt" {
	at_the_prompt nc.traditional
}

@test "ncat at the prompt" {
	at_the_prompt ncat
}

@test "busybox nc at the prompt" {
	at_the_prompt busybox
}

@test "telnet at the prompt" {
	at_the_prompt telnet
}

@test "telnet at a terminal" {
	telld_start
	client_login alice nc.openbsd
	client_open bob telnet-pty
	# The terminal shows what is typed; telld's lines come between that.
	client_send bob bob 'alice, bob: hello'
	client_expect alice 'from bob: hello'
	LINE=
	until [ "${LINE//$'\r'/}" = 'from bob: hello' ]; do
		client_next bob 10 || client_complain bob 'from bob: hello'
	done
	client_send alice 'bob: hello to you'
	client_expect_like bob 'from alice: hello to you*'
	client_send bob /quit
	until [ "${LINE//$'\r'/}" = '* bye' ]; do
		client_next bob 10 || client_complain bob '* bye'
	done
	wait_log 'broker: end name=bob .* why=quit session=finished'
}

@test "telnet's Ctrl-C and Ctrl-D end the conversation" {
	telld_start
	# IAC IP and IAC EOF are what it sends for them.
	for code in '\364' '\354'; do
		client_open bob nc.traditional
		client_send_raw bob 'bob\nbob: x\n\377%b' "$code"
		# With CR, if the command came before the answer went.
		client_expect_like bob 'from bob: x*'
		client_closed bob
	done
	wait_log 'broker: end name=bob .* why=eof session=finished' 2
}

@test "socat at the prompt" {
	at_the_prompt socat
}

@test "bash and /dev/tcp at the prompt" {
	at_the_prompt bash
}

@test "nc.openbsd on a Unix socket, at the prompt" {
	at_the_prompt nc.openbsd "unix:$DIR/telld.sock"
}

@test "ncat on a Unix socket, at the prompt" {
	at_the_prompt ncat "unix:$DIR/telld.sock"
}

@test "socat on a Unix socket, at the prompt" {
	at_the_prompt socat "unix:$DIR/telld.sock"
}

@test "all of them talk to each other" {
	telld_start
	local kind other names=
	for kind in "${KINDS[@]}"; do
		client_login "$kind" "$kind"
		names+="$kind, "
	done
	for kind in "${KINDS[@]}"; do
		client_send "$kind" "$names: I am $kind"
		for other in "${KINDS[@]}"; do
			client_expect "$other" "from $kind: I am $kind"
		done
	done
}

# The end of the line is told apart by who speaks telnet: one that has sent
# options gets CRLF, all others LF.
@test "only who speaks telnet gets CRLF" {
	telld_start
	run client_once nc.openbsd < <(printf 'bob\nbob: x\n')
	[ "$output" = 'from bob: x' ]
	run client_once nc.openbsd < <(printf '\377\373\030bob\r\nbob: x\r\n')
	[ "$output" = $'\377\376\030from bob: x\r' ]
}
