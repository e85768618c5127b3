#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: the telld authors
#
# Nothing accepted is lost, in short; `make torture` is the long form.  The
# torture starts telld itself, more than once, so there is no telld_start here.

load helper

torture() {
	local poller=()
	[ -z "${TELLD_POLLER-}" ] || poller=(-o "poller=$TELLD_POLLER")
	TMPDIR=$DIR run "${BUILD:-$TOP/build}/torture/torture" "$@" "$TELLD" \
		"${poller[@]}"
	printf '%s\n' "$output"
	[ "$status" -eq 0 ]
	[[ ${lines[-1]} == "torture: "*" kills, 0 missing" ]]
}

@test "kill -9 of anyone, or of all, loses nothing that was receipted" {
	torture --seed 1 --seconds 6 --kills-per-second 3
}

@test "the same, at other moments each time" {
	torture --seconds 6 --kills-per-second 3
}

@test "kills of readers' sessions and of the store lose nothing accepted" {
	torture --seconds 6 --kills-per-second 3 --gentle
}
