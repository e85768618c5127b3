#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: the telld authors
#
# People and scripts: who is greeted, and what can be asked.

load helper
load tools

# here NAME... - these are logged in
here() {
	local name
	for name; do
		client_login "$name" nc.openbsd
	done
}

# asked NAME COMMAND LINE... - these lines are the answer, and all of it
asked() {
	local name=$1 answer
	client_send "$name" "$2"
	shift 2
	for answer; do
		client_expect "$name" "$answer"
	done
	client_fence "$name"
}

# ---------------------------------------------------------------------------
# Greeting
# ---------------------------------------------------------------------------

@test "one who is silent is asked for a name, and welcomed" {
	telld_start -o greeting=yes
	client_open bob nc.openbsd
	client_expect bob "* telld at $(hostname). Your name?"
	client_send bob bob
	client_expect bob '* hello bob, 1 here. /help helps'
	client_open alice nc.openbsd
	client_expect_like alice '\* telld at *'
	client_send alice 'a b' alice
	client_expect alice '! bad name: no white space'
	client_expect alice '* hello alice, 2 here. /help helps'
	client_fence alice
	client_send bob /quit
	client_expect bob '* bye'
	wait_end bob why=quit
	client_open carol nc.openbsd
	client_expect_like carol '\* telld at *'
	client_send carol carol
	client_expect carol '* hello carol, 2 here. /help helps'
}

@test "one who is greeted is shown the message of the day" {
	printf 'Welcome to \033[1mops\n\nnew disk at five\r\n' >"$DIR/motd"
	telld_start -o greeting=yes -o "motd=$DIR/motd"
	client_open alice nc.openbsd
	client_expect_like alice '\* telld at *'
	client_send alice alice
	client_expect alice '* hello alice, 1 here. /help helps'
	client_expect alice '* Welcome to ^[[1mops'
	client_expect alice '* '
	client_expect alice '* new disk at five'
	client_fence alice
}

@test "a script in a pipe gets nothing but answers" {
	printf 'Welcome\n' >"$DIR/motd"
	telld_start -o greeting=yes -o "motd=$DIR/motd"
	for kind in nc.openbsd nc.traditional ncat busybox socat; do
		run client_once "$kind" < <(printf 'cron\n+1 cron: done\n')
		echo "$kind: $output"
		[ "$output" = $'from cron: done\n+1 delivered cron' ]
	done
}

# What is said arrives so late that half of the time is over, and on a slow day
# all of it: then a script is greeted once in a while, and passes that over.
@test "a script 300 ms away gets its receipt, and is hardly ever greeted" {
	local greeted=0
	telld_start -o greeting=yes
	for _ in 1 2 3 4 5; do
		run timeout $((30 * TELLD_SLOW)) "$TOOLS/far" "$TELLD_ADDR" \
			300 < <(printf 'cron\n+1 cron: done\n')
		echo "$output"
		[ "$status" -eq 0 ]
		[ "$(grep -v '^\* ' <<<"$output")" = \
			$'from cron: done\n+1 delivered cron' ]
		! grep -q '^\* ' <<<"$output" || greeted=$((greeted + 1))
	done
	[ $greeted -le 2 ]
}

@test "a person far away is greeted, and welcomed" {
	telld_start -o greeting=yes
	program_open alice "$TOOLS/far" "$TELLD_ADDR" 300
	client_expect_like alice '\* telld at *'
	client_send alice alice
	client_expect alice '* hello alice, 1 here. /help helps'
	client_send alice 'alice: far'
	client_expect alice 'from alice: far'
}

@test "half a name is a word already: who types slowly is not greeted" {
	telld_start -o greeting=yes -o login_timeout=1s
	client_open alice nc.openbsd
	client_send_raw alice 'ali'
	client_expect alice '! no name for 1 s, good bye'
	client_closed alice
}

@test "one who was greeted may type slowly" {
	telld_start -o greeting=yes
	client_open alice nc.openbsd
	client_expect_like alice '\* telld at *'
	for part in a l ice; do
		client_send_raw alice "$part"
		client_expect_none alice
	done
	client_send alice ''
	client_expect alice '* hello alice, 1 here. /help helps'
}

@test "with greeting no, nobody is greeted" {
	telld_start -o greeting=no -o login_timeout=1s
	client_open alice nc.openbsd
	client_expect alice '! no name for 1 s, good bye'
	client_closed alice
}

@test "a telnet's options are not a word: a person sits there" {
	telld_start -o greeting=yes
	client_open alice nc.traditional
	client_send_raw alice '\377\373\037'
	client_expect_part alice $'\377\376\037'
	client_expect_like alice $'\\* telld at *?\r'
	client_send alice alice
	client_expect alice $'* hello alice, 1 here. /help helps\r'
}

@test "telnet at a terminal is greeted and welcomed" {
	telld_start -o greeting=yes
	client_open alice telnet-pty
	client_expect_like alice '\* telld at *. Your name\?*'
	client_send alice alice
	client_until alice '*\* hello alice, 1 here. /help helps*'
	client_send alice /quit
	client_until alice '*\* bye*'
}

@test "PuTTY's plink at a terminal: greeted, talks and is talked to" {
	telld_start -o greeting=yes
	client_login alice nc.openbsd
	program_open bob socat - \
		"EXEC:plink -telnet -P $PORT $HOST,pty,setsid,ctty,echo=0,opost=0"
	client_until bob '\* telld at *. Your name\?*'
	client_send bob bob
	client_until bob '*\* hello bob, 2 here. /help helps*'
	client_send bob 'alice: hello' 'nobody: x'
	client_expect alice 'from bob: hello'
	client_until bob '*! nobody: no such name*'
	client_send alice 'bob: hello to you'
	client_until bob '*from alice: hello to you*'
	client_send bob /quit
	client_until bob '*\* bye*'
	wait_end bob why=quit session=finished
}

@test "PuTTY's plink in a pipe is told no more than telnet is" {
	telld_start
	program_open bob plink -telnet -P "$PORT" "$HOST"
	client_send bob bob '+1 bob: x' /quit
	client_expect_like bob 'from bob: x*'
	client_expect_like bob '+1 delivered bob*'
	client_expect_like bob '\* bye*'
	client_closed bob
}

@test "a telnet that asks is told that telld is there" {
	telld_start
	client_login alice nc.traditional
	client_send_raw alice '\377\366'
	client_expect alice $'* telld is here\r'
}

# ---------------------------------------------------------------------------
# Commands
# ---------------------------------------------------------------------------

@test "/help shows it all on one screen" {
	local count=0
	telld_start
	here alice
	client_send alice /help 'alice: end'
	client_next alice 10
	until [ "$LINE" = 'from alice: end' ]; do
		[[ $LINE == '* '* ]] && [ ${#LINE} -lt 80 ]
		count=$((count + 1))
		client_next alice 10
	done
	[ $count -gt 5 ] && [ $count -lt 24 ]
}

@test "what is no command is told, and where to look" {
	telld_start
	here alice
	asked alice '/x y' '! no such command: /x. /help lists them'
	asked alice / '! no such command: /. /help lists them'
	asked alice /HELP '! no such command: /HELP. /help lists them'
	asked alice /who: '! no such command: /who:. /help lists them'
}

@test "/who is sorted, and says since when and how idle" {
	local time='20[0-9-]{8}T[0-9:]{8}Z'
	telld_start
	here carol alice bob böb
	client_send alice /who
	for name in alice bob böb carol; do
		client_next alice 10
		[[ $LINE =~ ^\*\ $name,\ since\ $time,\ idle\ [0-9]+s$ ]] ||
			client_complain alice "* $name, since ..."
	done
	client_expect alice '* 4 here'
	client_fence alice
}

@test "/who does not show who is on the way out" {
	telld_start
	here alice bob
	client_send bob /quit
	client_expect bob '* bye'
	client_send alice /who
	client_expect_like alice '\* alice, since *'
	client_expect alice '* 1 here'
	client_fence alice
}

@test "/who #room shows those who are in it" {
	telld_start
	here alice bob carol
	asked carol '/join #ops' '* carol joined #ops'
	asked bob '/join #ops' '* bob joined #ops'
	client_send alice '/who #ops'
	client_expect_like alice '\* bob, since *'
	client_expect_like alice '\* carol, since *'
	client_expect alice '* 2 here'
	asked alice '/who #no' '! #no: no such room'
	asked alice '/who bob' '! bad room: a room begins with #'
}

@test "a list that is longer than may wait is cut, and the rest counted" {
	local i j count=0
	telld_start -o queue_max=64KiB
	for ((i = 0; i < 20; i++)); do
		{
			printf 'm%d\n' $i
			for ((j = 0; j < 64; j++)); do
				printf '/join #%031d\n' $((64 * i + j))
			done
			printf 'm%d: in\n' $i
		} >"$DIR/joins"
		client_open m$i nc.openbsd
		client_send m$i "$(<"$DIR/joins")"
	done
	for ((i = 0; i < 20; i++)); do
		client_until m$i "from m$i: in"
	done
	here alice
	client_send alice /rooms
	client_next alice 10
	until [[ $LINE != *', 1 here' ]]; do
		[ "$LINE" = "$(printf '* #%031d, 1 here' $count)" ]
		count=$((count + 1))
		client_next alice 10
	done
	[ $count -gt 500 ]
	[ "$LINE" = "* and $((1280 - count)) more" ]
	client_expect alice '* 1280 rooms'
	client_fence alice
}

@test "/ignore lists, and ends with its connection" {
	telld_start
	here alice bob
	asked alice /ignore '* 0 ignored'
	asked alice '/ignore carol' '* ignoring carol'
	asked alice '/ignore bob' '* ignoring bob'
	asked alice '/ignore bob' '* ignoring bob'
	asked alice /ignore '* bob' '* carol' '* 2 ignored'
	asked alice '/ignore a b' '! bad name: no white space'
	asked alice '/unignore dave' '! dave: is not ignored'
	asked alice /unignore '! bad name: at least one character'
	client_send bob 'alice: x'
	client_fence alice
	client_send alice /quit
	client_expect alice '* bye'
	wait_end alice why=quit
	client_open alice2 nc.openbsd
	client_send alice2 alice 'alice: in'
	client_expect alice2 'from alice: in'
	client_send bob 'alice: y'
	client_expect alice2 'from bob: y'
}

@test "/last shows again what this connection was sent" {
	telld_start
	here alice bob
	client_open carol nc.openbsd
	client_send carol carol /last
	client_expect carol '* nothing yet'
	client_send bob 'carol: one' 'carol: two' 'nobody: x'
	client_expect carol 'from bob: one'
	client_expect carol 'from bob: two'
	client_send carol '/last 2'
	client_expect carol 'from bob: one'
	client_expect carol 'from bob: two'
	client_send carol '/last 1'
	client_expect carol 'from bob: two'
	client_send carol /last
	for answer in '* nothing yet' 'from bob: '{one,two,one,two,two}; do
		client_expect carol "$answer"
	done
	for n in 0 -1 x 1x 123456; do
		client_send carol "/last $n"
		client_expect carol '! /last takes a number, such as /last 5'
	done
	client_fence carol
}

@test "/last keeps 8 KiB for one who was greeted" {
	local i
	telld_start -o greeting=yes
	client_open alice nc.openbsd
	client_expect_like alice '\* telld at *'
	client_send alice alice
	client_expect_like alice '\* hello alice, *'
	for ((i = 0; i < 200; i++)); do
		printf 'alice: %080d\n' $i
	done >"$DIR/lines"
	client_send alice "$(<"$DIR/lines")" '/last 50' 'alice: end'
	for ((i = 0; i < 200; i++)); do
		client_expect alice "from alice: $(printf %080d $i)"
	done
	for ((i = 150; i < 200; i++)); do
		client_expect alice "from alice: $(printf %080d $i)"
	done
	client_expect alice 'from alice: end'
	client_send alice '/last 9999'
	# 8192 bytes hold the last line, of 16 bytes, and 87 lines of 93.
	client_expect alice "from alice: $(printf %080d 163)"
}

@test "/quit answers what is open, says bye and closes" {
	telld_start
	here alice
	client_send alice '+1 alice: x' /quit 'alice: not this'
	client_expect alice 'from alice: x'
	client_expect alice '+1 delivered alice'
	client_expect alice '* bye'
	client_closed alice
}
