#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: the telld authors
#
# The journal, as telld meets it at a start: cut, damaged, of another version,
# in use, or none at all.  Every single byte is the unit tests' affair.
#
# shellcheck disable=SC2030,SC2031 # what run sets is the test's own

load helper
load tools
load mail

# mail_on_disk COUNT - so many lines wait for bob, telld is not running, and
# SEGMENT is the newest file of the journal, SIZE bytes
mail_on_disk() {
	telld_start
	know bob
	{
		echo alice
		numbered '+N bob: N' 1 "$1" 20
	} | client_once nc.openbsd >"$DIR/receipts"
	[ "$(grep -c ' stored bob$' "$DIR/receipts")" -eq "$1" ]
	telld_stop
	newest
}

newest() {
	SEGMENT=$(find "$DIR/store" -name 'journal.*' | sort | tail -n 1)
	[ -n "$SEGMENT" ] || fail "no journal:" "$(ls -l "$DIR/store")"
	SIZE=$(stat -c %s "$SEGMENT")
}

# starts - the offsets in SEGMENT at which records begin, one a line: each has
# the same mark in front as the first, behind the header
starts() {
	local mark
	mark=$(od -An -tx1 -j 32 -N 4 "$SEGMENT")
	grep -obUaP "${mark// /\\x}" "$SEGMENT" | cut -d : -f 1
}

# flip OFFSET - one bit of SEGMENT
flip() {
	local byte
	byte=$(od -An -tu1 -j "$1" -N 1 "$SEGMENT")
	# shellcheck disable=SC2059 # an octal escape
	printf "\\$(printf %o $((byte ^ 4)))" |
		dd of="$SEGMENT" bs=1 seek="$1" conv=notrunc status=none
}

# log_says WHAT OFFSET - of SEGMENT, and of nothing else
log_says() {
	grep -qE "store: journal $1 file=${SEGMENT##*/} offset=$2 " "$LOG" ||
		fail "the log does not say $1 at $2:" "$(<"$LOG")"
	count_log 'store: journal (torn|damaged)'
	[ "$COUNT" -eq 1 ]
}

# ---------------------------------------------------------------------------
# Cut
# ---------------------------------------------------------------------------

@test "the newest segment cut anywhere: what is before it is there" {
	local records cut at whole
	mail_on_disk 20
	cp -r "$DIR/store" "$DIR/whole"
	mapfile -t records < <(starts)
	records+=("$SIZE")
	# Into the last record, its head, its end, the one before, the first.
	for cut in $((SIZE - 1)) $((records[19] + 1)) $((records[19] + 12)) \
		$((records[18] + 20)) "${records[10]}" 33; do
		rm -r "$DIR/store"
		cp -r "$DIR/whole" "$DIR/store"
		truncate -s "$cut" "$SEGMENT"
		whole=0 at=32
		for i in "${!records[@]}"; do
			[ "${records[i]}" -le "$cut" ] || break
			at=${records[i]} whole=$i
		done
		telld_start
		echo "cut at $cut: $whole records, up to $at"
		[ "$at" -eq "$cut" ] || log_says torn "$at"
		mails_follow "$whole"
		telld_stop
	done
}

# mails_follow RECORDS - what can be read of them: names and mails, in order
mails_follow() {
	mail_read bob >"$DIR/mail"
	MAILS=$(wc -l <"$DIR/mail")
	in_order "$DIR/mail" 1 "$MAILS"
	# The names that logged in are records too.
	[ "$MAILS" -le "$1" ]
	[ "$MAILS" -ge $(($1 - 3)) ]
	audit restored="$MAILS"
	# And it goes on.
	run client_once nc.openbsd < <(printf 'alice\n+1 alice: x\n')
	[[ $output == *'+1 delivered alice'* ]]
}

@test "the newest segment cut to nothing, or gone" {
	mail_on_disk 5
	truncate -s 0 "$SEGMENT"
	telld_start -o store_for=all
	run client_once nc.openbsd < <(printf 'alice\n+1 bob: x\n')
	[ "$output" = '+1 stored bob' ]
	telld_stop
	newest
	rm "$SEGMENT"
	telld_start -o store_for=all
	run client_once nc.openbsd < <(printf 'alice\n+1 bob: y\n')
	[ "$output" = '+1 stored bob' ]
	audit
}

# ---------------------------------------------------------------------------
# Damaged
# ---------------------------------------------------------------------------

@test "a flipped bit in the middle: one line less, and all the rest" {
	local at offset
	mail_on_disk 20
	# In the text of line 7, and it is reported where its record begins.
	at=$(grep -obUa ' 7 \.\.\.\|[^0-9]7 \.\.\.' "$SEGMENT" | head -n 1 |
		cut -d : -f 1)
	offset=$(starts | awk -v at="$at" '$1 <= at { o = $1 } END { print o }')
	flip $((at + 1))
	telld_start
	log_says damaged "$offset"
	audit restored=19 stored=19
	mail_read bob | sed 's/.*Z: \([0-9]*\) .*/\1/' >"$DIR/got"
	cmp "$DIR/got" <(seq 20 | grep -vx 7)
	wait_audit stored=0 in_flight=0
	# It is told at each start until the segment is gone, and no more is lost.
	run client_once nc.openbsd < <(printf 'alice\n+1 bob: 8\n')
	[ "$output" = '+1 stored bob' ]
	telld_stop
	telld_start
	mail_read bob >"$DIR/mail"
	in_order "$DIR/mail" 8 8
}

@test "damage in several places, and in an older segment" {
	local first
	telld_start -o segment_max=64KiB
	know bob
	{
		echo alice
		numbered '+N bob: N' 1 300 1000
	} | client_once nc.openbsd >"$DIR/receipts"
	[ "$(grep -c ' stored bob$' "$DIR/receipts")" -eq 300 ]
	telld_stop
	newest
	first=$(find "$DIR/store" -name 'journal.*' | sort | head -n 1)
	[ "$first" != "$SEGMENT" ]
	SEGMENT=$first
	flip 5000
	flip 20000
	telld_start -o segment_max=64KiB
	count_log "store: journal damaged file=${first##*/} offset=[0-9]* "
	[ "$COUNT" -eq 2 ]
	audit restored=298
	mail_read bob | sed 's/.*Z: \([0-9]*\) .*/\1/' >"$DIR/got"
	[ "$(wc -l <"$DIR/got")" -eq 298 ]
	sort -nuc "$DIR/got"
	wait_audit stored=0 in_flight=0
}

@test "a damaged header: reported, and the mail behind it is there" {
	mail_on_disk 5
	flip 20
	telld_start
	log_says damaged 0
	mail_read bob >"$DIR/mail"
	in_order "$DIR/mail" 1 5
	wait_audit stored=0 in_flight=0
}

@test "damage while telld runs: reported when it is read" {
	local at
	telld_start
	know bob
	run client_once nc.openbsd < <(
		printf 'alice\n+1 bob: 1\n+2 bob: 2\n+3 bob: 3\n')
	[ ${#lines[@]} -eq 3 ]
	newest
	# bob, alice, 1, and this is 2.
	at=$(starts | sed -n 4p)
	flip $((at + 20))
	mail_read bob >"$DIR/mail"
	wait_log "store: journal damaged file=${SEGMENT##*/} offset="
	sed 's/.*Z: //' "$DIR/mail" | cmp - <(printf '%s\n' 1 3)
	# The books go on with it for as long as this telld runs.
	wait_audit in_flight=0 stored=1 delivered=2
	telld_stop
	telld_start
	log_says damaged '[0-9]*'
	audit restored=0
}

# ---------------------------------------------------------------------------
# Another version, another telld, no store
# ---------------------------------------------------------------------------

@test "a journal of another version is refused, and left alone" {
	mail_on_disk 3
	version_set 1
	telld_start
	audit restored=3
	telld_stop
	version_set 2
	cp "$SEGMENT" "$DIR/copy"
	if telld_start 2>/dev/null; then
		fail "it started"
	fi
	telld_wait 1
	grep -q "store: journal version file=${SEGMENT##*/}" "$LOG"
	grep -q 'store: fail what=journal path=.*/store error=another version ' \
		"$LOG"
	cmp "$SEGMENT" "$DIR/copy"
}

# write_le32 OFFSET NUMBER - into SEGMENT, little-endian
write_le32() {
	local i text=
	for i in 0 8 16 24; do
		text+=$(printf '\\%03o' $(($2 >> i & 255)))
	done
	# shellcheck disable=SC2059 # octal escapes
	printf "$text" | dd of="$SEGMENT" bs=1 seek="$1" conv=notrunc \
		status=none
}

# version_set N - SEGMENT's header says version N, and its checksum, CRC-32C
# of the 28 bytes in front of it, is right
version_set() {
	local byte i crc=$((0xffffffff))
	write_le32 8 "$1"
	for byte in $(od -An -v -tu1 -N 28 "$SEGMENT"); do
		crc=$((crc ^ byte))
		for i in 1 2 3 4 5 6 7 8; do
			crc=$((crc >> 1 ^ (crc & 1) * 0x82f63b78))
		done
	done
	write_le32 28 $((crc ^ 0xffffffff))
}

@test "a second telld on the same store is refused, and the first goes on" {
	telld_start
	know bob
	run timeout $((30 * TELLD_SLOW)) "$TELLD" -l 127.0.0.1:0 \
		-o "store=$DIR/store" -o "control=$DIR/control2"
	echo "$output"
	[ "$status" -eq 1 ]
	[[ $output == *"fail what="*"$DIR/store"*"another telld uses it"* ]]
	run client_once nc.openbsd < <(printf 'alice\n+1 bob: x\n')
	[ "$output" = '+1 stored bob' ]
	telld_stop
	telld_start
	audit restored=1
}

@test "store none: the log says so, and it works until the end" {
	telld_start -o store=none
	wait_log 'store: start store=none: mail does not survive this'
	know bob
	run client_once nc.openbsd < <(printf 'alice\n+1 bob: 1\n+2 no: x\n')
	[ "$(sort <<<"$output")" = '+1 stored bob
+2 refused no: no such name' ]
	run telld_control mail
	[[ $output == 'bob 1 lines, '* ]]
	client_login alice nc.openbsd
	client_login bob2 nc.openbsd
	mail_read bob >"$DIR/mail"
	in_order "$DIR/mail" 1 1
	wait_audit stored=0 in_flight=0
	[ ! -e "$DIR/store" ]
	client_send alice '+3 bob: 2'
	client_expect alice '+3 stored bob'
	telld_stop
	telld_start -o store=none
	audit restored=0
	run client_once nc.openbsd < <(printf 'alice\n+1 bob: 1\n')
	[ "$output" = '+1 refused bob: no such name' ]
}

@test "store none: mailbox limits hold" {
	telld_start -o store=none -o mailbox_lines=2
	know bob
	run client_once nc.openbsd < <(
		printf 'alice\n+1 bob: 1\n+2 bob: 2\n+3 bob: 3\n')
	[[ $output == *'+3 refused bob: mailbox full'* ]]
	audit stored=2 refused=1
}

@test "store none: give-backs are kept" {
	telld_start -o store=none
	client_login alice nc.openbsd
	client_login bob nc.openbsd
	wait_audit in_flight=0
	session_pid bob
	kill -STOP "$PID"
	client_send alice '+1 bob: 1'
	client_fence alice
	kill -KILL "$PID"
	client_expect alice '+1 stored bob'
	mail_read bob >"$DIR/mail"
	in_order "$DIR/mail" 1 1
	[ "$AGAIN" -eq 1 ]
}
