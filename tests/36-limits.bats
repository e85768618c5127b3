#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: the telld authors
#
# Each limit of the store has a stated end: the sender is told why, those who
# are here talk on, what was accepted before is not lost, and it recovers by
# itself when there is room again.
#
# shellcheck disable=SC2030,SC2031 # what run sets is the test's own

load helper
load tools
load mail

setup() {
	telld_setup
	DISK=$DIR/store
	MOUNTED=
}

teardown() {
	local status=0
	telld_teardown || status=1
	[ "$MOUNTED" != twice ] || umount "$DISK" || status=1
	[ -z "$MOUNTED" ] || umount "$DISK" || status=1
	return $status
}

# disk_mount SIZE - the store has a file system of its own, that small
disk_mount() {
	mkdir "$DISK"
	mount -t tmpfs -o "size=$1,mode=700" telld-test "$DISK" || {
		fail "cannot mount a tmpfs: this test has to run as root"
		return 1
	}
	MOUNTED=yes
}

# disk_fill, disk_empty - somebody else's file takes all the room there is
disk_fill() {
	! cat /dev/zero >"$DISK/filler" 2>/dev/null
	[ -s "$DISK/filler" ]
}

disk_empty() {
	rm "$DISK/filler"
}

# store_limit BYTES|unlimited - no file of the store may grow beyond that
store_limit() {
	role_pid store
	prlimit --pid "$PID" --fsize="$1"
}

# refused_until_full SENDER DEST WHY - sends lines until one is refused; all
# up to there are stored: COUNT of them
refused_until_full() {
	local filler
	printf -v filler '%*s' 3000 ''
	for ((COUNT = 0; COUNT < 1000; COUNT++)); do
		client_send "$1" "+t $2: $COUNT ${filler// /.}"
		client_next "$1" 10
		[ "$LINE" = "+t stored $2" ] || break
	done
	[ "$LINE" = "+t refused $2: $3" ] || fail "got	$LINE"
}

# talks_on SENDER READER - what the disk has to do with it: nothing
talks_on() {
	client_send "$1" "+here $2: still here?"
	client_expect "$2" "from $1: still here?"
	client_expect "$1" "+here delivered $2"
}

# stored_again SENDER DEST - there is room again: it is noticed
stored_again() {
	eventually 15 is_stored "$1" "$2"
}

is_stored() {
	client_send "$1" "+again $2: last"
	client_next "$1" 10
	[ "$LINE" = "+again stored $2" ]
}

# ---------------------------------------------------------------------------
# Limits of telld's own
# ---------------------------------------------------------------------------

@test "mailbox_lines: the sender is told, and reading makes room" {
	telld_start -o mailbox_lines=3
	know bob carol
	client_login alice nc.openbsd
	for i in 1 2 3; do
		client_send alice "+$i bob: $i"
		client_expect alice "+$i stored bob"
	done
	client_send alice 'bob: 4'
	client_expect alice '! bob: mailbox full'
	client_send alice '+5 bob, carol: 5'
	client_take alice 2 "$DIR/two"
	[ "$(sort "$DIR/two")" = '+5 refused bob: mailbox full
+5 stored carol' ]
	client_fence alice
	wait_audit stored=4 refused=2 in_flight=0
	mail_read bob >"$DIR/mail"
	in_order "$DIR/mail" 1 3
	wait_log 'broker: end name=bob ' 2
	client_send alice '+6 bob: 6'
	client_expect alice '+6 stored bob'
	wait_audit stored=2 refused=2 in_flight=0
}

@test "mailbox_lines holds after a restart" {
	telld_start -o mailbox_lines=3
	know bob
	client_login alice nc.openbsd
	client_send alice 'bob: 1' 'bob: 2' '+3 bob: 3'
	client_expect alice '+3 stored bob'
	client_eof alice
	client_closed alice
	telld_stop
	telld_start -o mailbox_lines=3
	run client_once nc.openbsd < <(printf 'alice\n+4 bob: 4\n')
	[ "$output" = '+4 refused bob: mailbox full' ]
	audit restored=3 stored=3 refused=1 accepted=0
}

@test "mailbox_max: the sender is told, and reading makes room" {
	telld_start -o mailbox_max=64KiB
	know bob
	client_login alice nc.openbsd
	refused_until_full alice bob 'mailbox full'
	[ "$COUNT" -eq $((65536 / 3004)) ]
	wait_audit stored="$COUNT" refused=1
	mail_read bob >"$DIR/mail"
	[ "$(wc -l <"$DIR/mail")" -eq "$COUNT" ]
	stored_again alice bob
	audit
}

@test "what was accepted already goes into a full mailbox" {
	telld_start -o mailbox_lines=2
	client_login alice nc.openbsd
	client_login bob nc.openbsd
	wait_audit in_flight=0
	session_pid bob
	kill -STOP "$PID"
	numbered '+N bob: N' 1 20 >"$DIR/lines"
	client_send_file alice "$DIR/lines"
	client_fence alice
	kill -KILL "$PID"
	receipts alice 20
	[ "${TAGS[stored]}" -eq 20 ]
	mail_read bob >"$DIR/mail"
	in_order "$DIR/mail" 1 20
	wait_audit stored=0 in_flight=0
}

@test "store_max: the sender is told, and reading makes room" {
	telld_start -o store_max=1MiB -o segment_max=64KiB \
		-o mailbox_lines=100000 -o mailbox_max=1MiB
	know bob carol
	client_login alice nc.openbsd
	client_login dave nc.openbsd
	refused_until_full alice bob 'store full'
	[ "$COUNT" -gt 200 ]
	client_send alice '+x carol: y'
	client_next alice 10
	[[ $LINE == '+x '*' carol'* ]]
	talks_on alice dave
	[ "$(du -sb "$DISK" | cut -f 1)" -le $((1024 * 1024 + 100 * 1024)) ]
	audit
	mail_read bob >"$DIR/mail"
	[ "$(wc -l <"$DIR/mail")" -eq "$COUNT" ]
	stored_again alice carol
	audit
}

@test "expire: mail that is too old is given up, and counted" {
	telld_start -o expire=1s
	know bob carol
	client_login alice nc.openbsd
	client_send alice '+1 bob: x' '+2 carol: y' '+3 bob: z'
	client_take alice 3 "$DIR/receipts"
	[ "$(grep -c stored "$DIR/receipts")" -eq 3 ]
	wait_audit stored=0 expired=3 in_flight=0
	run telld_control mail
	[ -z "$output" ]
	run mail_read bob
	[ -z "$output" ]
	# Nobody is told, and it goes on.
	client_fence alice
	client_send alice '+4 bob: x'
	client_expect alice '+4 stored bob'
	wait_audit stored=0 expired=4 in_flight=0
}

@test "expire: mail that is too old after a restart" {
	telld_start
	know bob
	run client_once nc.openbsd < <(printf 'alice\n+1 bob: x\n')
	[ "$output" = '+1 stored bob' ]
	telld_stop
	telld_start -o expire=1s
	wait_audit restored=1 stored=0 expired=1
}

# ---------------------------------------------------------------------------
# A disk that is full or fails
# ---------------------------------------------------------------------------

# on_its_way N - bob's session is stopped with N tagged lines from alice, and
# killed: they have nowhere to go but the disk
on_its_way() {
	wait_audit in_flight=0
	session_pid bob
	kill -STOP "$PID"
	numbered '+N bob: N' 1 "$1" >"$DIR/lines"
	client_send_file alice "$DIR/lines"
	client_fence alice
	kill -KILL "$PID"
	client_closed bob
	wait_log 'broker: end name=bob .* session=signal-9 '
}

@test "ulimit -f: refused with the reason, and those who are here talk on" {
	local soft
	soft=$(ulimit -S -f)
	ulimit -S -f 64
	telld_start
	ulimit -S -f "$soft"
	know bob
	client_login alice nc.openbsd
	client_login dave nc.openbsd
	refused_until_full alice bob 'disk full or failing'
	[ "$COUNT" -gt 10 ]
	talks_on alice dave
	wait_log 'store: fail what=sync error='
	wait_audit stored="$COUNT" refused=1
	store_limit unlimited
	stored_again alice bob
	mail_read bob >"$DIR/mail"
	[ "$(wc -l <"$DIR/mail")" -eq $((COUNT + 1)) ]
	wait_audit stored=0 in_flight=0 refused=1
}

@test "a full disk: refused with the reason, and it recovers by itself" {
	disk_mount 256k
	telld_start
	know bob
	client_login alice nc.openbsd
	client_login dave nc.openbsd
	client_send alice '+1 bob: 1'
	client_expect alice '+1 stored bob'
	disk_fill
	refused_until_full alice bob 'disk full or failing'
	talks_on alice dave
	wait_audit stored=$((COUNT + 1)) in_flight=0
	disk_empty
	stored_again alice bob
	mail_read bob >"$DIR/mail"
	[ "$(wc -l <"$DIR/mail")" -eq $((COUNT + 2)) ]
	wait_audit stored=0 in_flight=0
}

@test "a disk of 256 KiB: full, read, and there is room again" {
	local i
	disk_mount 256k
	telld_start -o segment_max=64KiB
	know bob
	client_login alice nc.openbsd
	client_login dave nc.openbsd
	for i in 1 2 3; do
		refused_until_full alice bob 'disk full or failing'
		echo "round $i: $COUNT"
		[ "$COUNT" -gt 5 ]
		talks_on alice dave
		wait_audit stored="$COUNT" in_flight=0
		mail_read bob >"$DIR/mail"
		[ "$(wc -l <"$DIR/mail")" -eq "$COUNT" ]
		wait_audit stored=0 in_flight=0
		stored_again alice bob
		mail_read bob >"$DIR/mail"
		[ "$(wc -l <"$DIR/mail")" -eq 1 ]
		wait_audit stored=0 in_flight=0
	done
}

@test "a disk that is full to the last byte, and read" {
	local i
	disk_mount 256k
	telld_start -o segment_max=64KiB -o mailbox_lines=100000
	know bob
	client_login alice nc.openbsd
	refused_until_full alice bob 'disk full or failing'
	numbered "+N bob: N" 1 400 >"$DIR/lines"
	client_send_file alice "$DIR/lines"
	receipts alice 400
	[ "${TAGS[refused]}" -gt 100 ]
	wait_audit stored=$((COUNT + TAGS[stored])) in_flight=0
	mail_read bob >"$DIR/mail"
	[ "$(wc -l <"$DIR/mail")" -eq $((COUNT + TAGS[stored])) ]
	wait_audit stored=0 in_flight=0
	stored_again alice bob
	mail_read bob >"$DIR/mail"
	refused_until_full alice bob 'disk full or failing'
	[ "$COUNT" -gt 20 ]
}

@test "what comes back while the disk is full is kept, and stored later" {
	disk_mount 256k
	telld_start
	client_login alice nc.openbsd
	client_login bob nc.openbsd
	know carol
	disk_fill
	refused_until_full alice carol 'disk full or failing'
	on_its_way 100
	# No receipt before it is on disk.
	client_fence alice
	wait_audit in_flight=100 stored="$COUNT"
	disk_empty
	receipts alice 100
	[ "${TAGS[stored]}" -eq 100 ]
	wait_log 'store: recovered what=sync'
	mail_read bob >"$DIR/mail"
	in_order "$DIR/mail" 1 100
	wait_audit in_flight=0 stored="$COUNT"
}

@test "what comes back while the disk is full is delivered from memory" {
	disk_mount 256k
	telld_start
	client_login alice nc.openbsd
	client_login bob nc.openbsd
	know carol
	disk_fill
	refused_until_full alice carol 'disk full or failing'
	on_its_way 100
	mail_read bob >"$DIR/mail"
	in_order "$DIR/mail" 1 100
	receipts alice 100
	[ "${TAGS[delivered]}" -eq 100 ]
	wait_audit in_flight=0 stored="$COUNT"
	disk_empty
	stored_again alice bob
	mail_read bob >"$DIR/mail"
	[ "$(wc -l <"$DIR/mail")" -eq 1 ]
}

@test "kill -9 of the store while the disk is full loses nothing" {
	disk_mount 256k
	telld_start
	client_login alice nc.openbsd
	client_login bob nc.openbsd
	know carol
	disk_fill
	refused_until_full alice carol 'disk full or failing'
	on_its_way 100
	client_fence alice
	wait_audit in_flight=100
	role_kill store
	wait_log 'broker: reap role=store '
	eventually 10 role_pid store 2>/dev/null
	client_send alice 'carol: x'
	client_expect alice '! carol: disk full or failing'
	wait_audit in_flight=100 stored="$COUNT"
	disk_empty
	receipts alice 100
	[ "${TAGS[stored]}" -eq 100 ]
	mail_read bob >"$DIR/mail"
	in_order "$DIR/mail" 1 100
	wait_audit in_flight=0 stored="$COUNT"
}

@test "a start with a full disk: mail is delivered, new mail refused" {
	disk_mount 256k
	telld_start
	know bob
	run client_once nc.openbsd < <(printf 'alice\n+1 bob: 1\n')
	[ "$output" = '+1 stored bob' ]
	telld_stop
	disk_fill
	telld_start
	client_login alice nc.openbsd
	mail_read bob >"$DIR/mail"
	in_order "$DIR/mail" 1 1
	wait_log 'broker: end name=bob '
	refused_until_full alice bob 'disk full or failing'
	disk_empty
	stored_again alice bob
	audit
}

@test "a disk that is read-only from now on, and writable again" {
	disk_mount 1m
	telld_start
	know bob
	client_login alice nc.openbsd
	client_login dave nc.openbsd
	client_send alice '+1 bob: 1'
	client_expect alice '+1 stored bob'
	# What is open for writing stays so: a new store meets it.
	role_pid broker
	broker=$PID
	kill -STOP "$broker"
	role_kill store
	mount --bind "$DISK" "$DISK"
	mount -o remount,bind,ro "$DISK"
	MOUNTED=twice
	kill -CONT "$broker"
	wait_log 'broker: fail what=store '
	client_send alice '+2 bob: 2' 'bob: 3'
	client_expect alice '+2 refused bob: disk full or failing'
	client_expect alice '! bob: disk full or failing'
	talks_on alice dave
	audit stored=1 in_flight=0 refused=2
	umount "$DISK"
	MOUNTED=yes
	stored_again alice bob
	run mail_read bob
	[ ${#lines[@]} -eq 2 ]
	like "${lines[0]}" "from alice $AT: 1"
	wait_audit stored=0 in_flight=0
}

@test "a start on a disk that is read-only fails, and says why" {
	disk_mount 1m
	mount -o remount,ro "$DISK"
	if telld_start 2>/dev/null; then
		fail "it started"
	fi
	telld_wait 1
	grep -q 'fail what=store path=.*/store error=Read-only' "$LOG"
}
