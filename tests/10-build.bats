#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: the telld authors
#
# What README.md promises of make, and include/ of its headers.

load helper

# make, away from the variables of the make that runs these tests.
make_here() {
	env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS -u T make -s -C "$TOP" \
		BUILD="$BUILD" "$@"
}

setup_file() {
	export BUILD=${BUILD:-$BATS_TEST_DIRNAME/../build}
}

@test "make help lists every public target" {
	run make_here help
	[ "$status" -eq 0 ]
	for target in all run check check-unit check-valgrind test-deps lint \
		format install uninstall clean help; do
		grep -q "^$target " <<<"$output" || fail "not listed: $target"
	done
}

@test "make uninstall takes away all that make install put there" {
	make_here install DESTDIR="$DIR/root" PREFIX=/opt/telld
	[ -x "$DIR/root/opt/telld/sbin/telld" ]
	[ -x "$DIR/root/opt/telld/sbin/tellctl" ]
	[ -x "$DIR/root/opt/telld/bin/tell" ]
	for page in "$TOP"/man/*.[1-8]; do
		[ -f "$DIR/root/opt/telld/share/man/man${page##*.}/${page##*/}" ] ||
			fail "not installed: $page"
	done
	# Nothing stands outside of the prefix, or is open to others' writing.
	run find "$DIR/root" -type f ! -path "$DIR/root/opt/telld/*"
	[ -z "$output" ] || fail "outside: $output"
	run find "$DIR/root" -type f -perm /022
	[ -z "$output" ] || fail "writable: $output"

	make_here uninstall DESTDIR="$DIR/root" PREFIX=/opt/telld
	run find "$DIR/root" ! -type d
	[ -z "$output" ] || fail "left: $output"
}

@test "make builds nothing that is built already" {
	run make_here -q all
	[ "$status" -eq 0 ]
}

@test "every header compiles alone, with every compiler that is here" {
	for compiler in "${CC:-cc}" gcc clang; do
		command -v "${compiler%% *}" >/dev/null || continue
		for header in "$TOP"/include/*.h; do
			# shellcheck disable=SC2086 # CC may have options
			printf '#include "%s"\nextern int alone;\n' \
				"${header##*/}" |
				$compiler -fsyntax-only -x c -std=c11 \
					-D_DEFAULT_SOURCE \
					-D_POSIX_C_SOURCE=200809L \
					-I"$TOP/include" -Wall -Wextra \
					-Wpedantic -Werror -
		done
	done
}

@test "every file says who made it and under which licence" {
	for file in "$TOP"/{Makefile,src/*.[ch],include/*.h,man/*.[1-8]} \
		"$TOP"/tests/{*.bats,*.bash,*.sh,run,unit/*.[ch]} \
		"$TOP"/.ci/*; do
		[ -f "$file" ] || continue
		grep -q 'SPDX-License-Identifier: MIT' "$file" ||
			fail "no licence: $file"
		grep -q 'SPDX-FileCopyrightText: ' "$file" ||
			fail "no authors: $file"
	done
}
