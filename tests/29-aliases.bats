#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: the telld authors
#
# alias: a name that stands for others.

load helper
load tools
load mail

teardown() {
	local bad=0
	[ -z "$TELLD_PID" ] || audit || bad=1
	telld_teardown && [ $bad -eq 0 ]
}

@test "a line for an alias goes to each of its members, once" {
	telld_start -o 'alias=oncall alice, bob' -o 'alias=all carol,alice'
	client_login alice nc.openbsd
	client_login bob nc.openbsd
	client_login cron nc.openbsd
	client_send cron 'oncall: the disk is full'
	client_expect alice 'from cron: the disk is full'
	client_expect bob 'from cron: the disk is full'
	client_send cron 'alice, oncall, bob, oncall: once'
	client_expect alice 'from cron: once'
	client_expect bob 'from cron: once'
	client_send cron 'all: x'
	client_expect cron '! carol: no such name'
	client_expect alice 'from cron: x'
	client_fence alice
	client_fence bob
	client_fence cron
}

@test "each member of an alias has a receipt of its own" {
	telld_start -o 'alias=oncall alice, bob, carol'
	know bob
	client_login alice nc.openbsd
	run client_once nc.openbsd < <(printf 'cron\n+1 oncall: x\n')
	diff <(sort <<<"$output") - <<-'END'
		+1 delivered alice
		+1 refused carol: no such name
		+1 stored bob
	END
	client_expect alice 'from cron: x'
}

@test "nobody can log in as an alias" {
	telld_start -o 'alias=oncall alice'
	client_open bob nc.openbsd
	client_send bob oncall bob
	client_expect bob '! bad name: it stands for others'
	client_fence bob
}

@test "aliases stand in the file too, and what is wrong with them is told" {
	printf '%s\n' 'alias oncall alice, bob  # at night' \
		'alias = "day carol"' >"$DIR/conf"
	telld_start -c "$DIR/conf"
	client_login carol nc.openbsd
	client_send carol 'day: x' 'oncall: y'
	client_expect carol 'from carol: x'
	client_expect carol '! alice: no such name'
	client_expect carol '! bob: no such name'
	client_fence carol
	printf '%s\n' 'alias a b' 'alias b c' 'alias a d' 'alias x' \
		'alias x #room' 'alias x y:z' >"$DIR/conf"
	run "$TELLD" -t -c "$DIR/conf"
	[ "$status" -eq 2 ]
	for text in 'alias: a is set twice' 'b, in "a b", is an alias itself' \
		':4: alias: "x": has no members' ':5: alias' \
		':6: alias: "x y:z": not names with commas between'; do
		grep -qF -e "$text" <<<"$output" || fail "not told: $text" \
			"$output"
	done
}
