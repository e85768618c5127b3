#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: the telld authors
#
# What the manual says is what the programs do, as far as the two can be
# compared: synopses, options, commands, cross references, and the examples,
# which are run as printed.

load helper

# mdoc_text - a few lines of mdoc on stdin, as the reader sees them, in one line
mdoc_text() {
	awk '
		function add(word) {
			text = text (joined || text == "" ? "" : " ") word
			joined = 0
		}
		{
			sub(/^\./, "")
			gsub(/\\&/, "")
			opened = 0
			for (i = 1; i <= NF; i++) {
				if ($i == "Op") {
					add("[")
					joined = opened = 1
				} else if ($i == "Fl")
					add("-" $(++i))
				else if ($i == "Ns")
					joined = 1
				else if ($i !~ /^(Nm|Ar|Ic|Li|No|It)$/)
					add($i)
			}
			if (opened)
				text = text "]"
		}
		END { print text }'
}

# section PAGE HEADING - the source of that section, or subsection, of a page
section() {
	awk -v heading="$2" '
		/^\.S[hs] / { inside = substr($0, 5) == heading; next }
		inside' "$TOP/man/$1"
}

# items PAGE SECTION MACRO - the section's items of that kind, one line each
items() {
	section "$1" "$2" | grep "^\\.It $3 " | while read -r line; do
		mdoc_text <<<"$line"
	done
}

# words SCRIPT PAGE... - sets WORDS to what sed -nE SCRIPT finds there; there
# has to be something
words() {
	WORDS=$(cd "$TOP/man" && sed -nE "$@" | sort -u)
	[ -n "$WORDS" ]
}

# examples PAGE SECTION - what stands there to be typed, as $DIR/example.N.
# The server is the one of this test, and a prompt is no part of the command.
examples() {
	rm -f "$DIR"/example.*
	section "$1" "$2" | awk -v dir="$DIR" '
		function put(line) {
			gsub(/\\e/, "\\", line)
			gsub(/\\&/, "", line)
			sub(/^\$ /, "", line)
			print line >sprintf("%s/example.%02d", dir, n)
		}
		/^\.Bd -literal/ { n++; literal = 1; next }
		/^\.Ed/ { literal = 0; next }
		literal { put($0) }
		/^\.Dl / { n++; put(substr($0, 5)) }'
	[ -z "$PORT" ] || sed -i -e "s#host\([ :/]\)8080#$HOST\1$PORT#" \
		"$DIR"/example.*
	EXAMPLES=("$DIR"/example.*)
}

# run_example FILE - runs it in bash, with the programs under test in the path
run_example() {
	mkdir -p "$DIR/bin"
	ln -sf "$TELLD" "$(dirname "$TELLD")/tell" "$DIR/bin"
	printf '#!/bin/sh\nexec "%s" -s "%s" "$@"\n' "$TELLCTL" \
		"$DIR/control" >"$DIR/bin/tellctl"
	chmod +x "$DIR/bin/tellctl"
	run timeout $((20 * TELLD_SLOW)) env PATH="$DIR/bin:$PATH" \
		bash "$1" 3>&- 4>&-
	printf '%s\n' "--- $(<"$1")" "status $status, output:" "$output"
}

# readme_block N - the Nth literal block of README.md
readme_block() {
	awk -v n="$1" '/^```/ { inside = !inside; count += inside; next }
		inside && count == n' "$TOP/README.md"
}

# say_or_hear CLIENT LINE - LINE is the server's, and comes, or CLIENT types it
say_or_hear() {
	local glob
	if grep -qE '^([*!] |from |\+1 (delivered|stored|refused) )' <<<"$2"; then
		glob=$(sed -E -e 's/[][*?\]/\\&/g' -e 's/ myhost\./ *./' \
			-e 's/[0-9-]{10}T[0-9:]{8}Z/*Z/' <<<"$2")
		client_expect_like "$1" "$glob"
	else
		client_send "$1" "$2"
	fi
}

# ---------------------------------------------------------------------------
# Options and commands
# ---------------------------------------------------------------------------

@test "telld -h and SYNOPSIS of telld(8) are equal" {
	usage=$("$TELLD" -h | head -n 1)
	synopsis=$(section telld.8 SYNOPSIS | mdoc_text)
	[ "$usage" = "usage: $synopsis" ] ||
		fail "telld -h: $usage" "telld(8): $synopsis"
}

@test "telld -h and telld(8) have the same options, with the same arguments" {
	in_help=$("$TELLD" -h | sed -nE 's/^  (-[A-Za-z]( [A-Z=]+)?) .*/\1/p')
	in_page=$(items telld.8 DESCRIPTION Fl)
	diff <(sort <<<"$in_help") <(sort <<<"$in_page")
	[ "$(wc -l <<<"$in_help")" -ge 9 ]
}

@test "an option that telld(8) does not know is a usage error" {
	run "$TELLD" -x
	[ "$status" -eq 2 ]
	run "$TELLD" argument
	[ "$status" -eq 2 ]
}

@test "tellctl -h and tellctl(8) have the same commands and arguments" {
	in_help=$("$TELLCTL" -h | sed -n 's/^usage: tellctl \[-s SOCKET\] //p' |
		sed 's/ | /\n/g')
	in_page=$(items tellctl.8 COMMANDS Ic)
	diff <(sort <<<"$in_help") <(sort <<<"$in_page")
	[ "$(wc -l <<<"$in_help")" -ge 8 ]
}

@test "tell's usage and SYNOPSIS of tell(1) are equal" {
	run "$(dirname "$TELLD")/tell"
	[ "$status" -eq 2 ]
	synopsis=$(section tell.1 SYNOPSIS | mdoc_text)
	[ "$output" = "usage: $synopsis" ] ||
		fail "tell: $output" "tell(1): $synopsis"
	letters=$(items tell.1 DESCRIPTION Fl | sed 's/^-\(.\).*/\1/' | sort)
	[ "$(tr -d '\n' <<<"$letters")" = Vhnrtv ]
}

@test "/help and tell(7) have the same commands" {
	telld_start
	in_help=$(printf 'me\n/help\n' | client_once nc.openbsd |
		sed -nE 's/^\* (\/[a-z]+).*/\1/p')
	in_page=$(items tell.7 COMMANDS Ic | sed 's/ .*//')
	diff <(sort -u <<<"$in_help") <(sort -u <<<"$in_page")
}

@test "tellctl stats and audit print what tellctl(8) explains" {
	telld_start
	for word in $(telld_control stats | sed 's/ .*//' | sort -u); do
		section tellctl.8 COMMANDS |
			grep -qE "^\\.(It|Ic) $word( |\$)" ||
			fail "not in tellctl(8): $word"
	done
}

# ---------------------------------------------------------------------------
# Pages
# ---------------------------------------------------------------------------

@test "every page of this manual that another refers to is there" {
	grep -hoE '^\.Xr tell[a-z.-]* [1-9]' "$TOP"/man/*.[1-8] | sort -u |
		while read -r _ page number; do
			[ -f "$TOP/man/$page.$number" ] ||
				fail "no such page: $page($number)"
		done
}

@test "every file that README.md links to is there" {
	cd "$TOP"
	links=$(grep -oE '(\]\(|href=")[a-zA-Z0-9/._-]+' README.md |
		sed -E 's/^(\]\(|href=")//' | sort -u)
	[ "$(wc -l <<<"$links")" -gt 20 ]
	for file in $links; do
		[ -e "$file" ] || fail "no such file: $file"
	done
}

@test "every function that telld-internals(7) names is there" {
	words 's/.*Fn ([a-z_]+).*/\1/p' telld-internals.7
	for word in $WORDS; do
		grep -qE "^$word\\(" "$TOP"/src/*.c ||
			fail "no such function: $word"
	done
}

@test "telld-internals(7) explains each record of a session, and no other" {
	words 's/^\.It Dv ((UP|DOWN)_[A-Z_]+)$/\1/p' telld-internals.7
	there=$(sed -nE 's/^\t((UP|DOWN)_[A-Z_]+)( = 1)?,.*/\1/p' \
		"$TOP/include/record.h")
	diff <(sort <<<"$there") <(echo "$WORDS")
}

@test "every record that telld-internals(7) names is there" {
	words 's/.*Dv ((UP|DOWN|PARENT|BROKER|STORE)_[A-Z_]+).*/\1/p' \
		telld-internals.7
	for word in $WORDS; do
		grep -qE "^	$word\\b" "$TOP/include/record.h" ||
			fail "no such record: $word"
	done
}

@test "every key that a page names is one of telld.conf(5)" {
	words 's/.*Ic ([a-z]+_[a-z_]+).*/\1/p' \
		tell.7 telld.8 telld-internals.7
	for word in $WORDS; do
		grep -q "^\\.It Ic $word " "$TOP/man/telld.conf.5" ||
			fail "no such key: $word"
	done
}

# ---------------------------------------------------------------------------
# Examples, as printed
# ---------------------------------------------------------------------------

@test "README.md's conversation happens as it stands there" {
	telld_start -o greeting=yes
	local row line side n=0
	declare -A who
	while IFS= read -r row; do
		for side in left right; do
			line=${row:0:40}
			[ $side = left ] || line=${row:40}
			line=${line%"${line##*[! ]}"}
			[ -n "$line" ] || continue
			if [[ $line == '$ nc '* ]]; then
				n=$((n + 1))
				who[$side]=client$n
				client_open "client$n" nc.openbsd
				continue
			fi
			say_or_hear "${who[$side]}" "$line"
			[ "$line" != '* bye' ] || client_closed "${who[$side]}"
		done
	done < <(readme_block 2)
	[ $n -eq 3 ]
}

@test "README.md's script gets its receipt" {
	telld_start
	client_login alice nc.openbsd
	readme_block 3 | sed -n -e "s/localhost 8080/$HOST $PORT/" \
		-e 's/^\$ //p' >"$DIR/example"
	run_example "$DIR/example"
	[ "$output" = "$(readme_block 3 | sed 1d)" ]
	client_expect alice 'from cron: the backup failed'
}

@test "each one-liner of tell(7) sends its line and prints the receipt" {
	telld_start
	client_login bob nc.openbsd
	examples tell.7 'One line from a script'
	[ ${#EXAMPLES[@]} -ge 7 ]
	for file in "${EXAMPLES[@]}"; do
		run_example "$file"
		[ "$status" -eq 0 ]
		[ "${output//$'\n* bye'/}" = '+1 delivered bob' ]
		client_expect bob 'from cron: done'
	done
	client_fence bob
}

@test "tell(7)'s command with an exit status has it" {
	telld_start
	client_login bob nc.openbsd
	examples tell.7 'A command with an exit status'
	export LOGNAME=root
	run_example "${EXAMPLES[0]}"
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	client_expect bob 'from root: the backup is done'
	sed 's/| tell bob/| tell away/' "${EXAMPLES[0]}" >"$DIR/stored"
	printf 'away\n' | client_once nc.openbsd
	wait_log 'broker: end name=away '
	run_example "$DIR/stored"
	[ "$status" -eq 3 ]
	[ -z "$output" ]
	sed -i 's/| tell bob/| tell nobody/' "${EXAMPLES[0]}"
	run_example "${EXAMPLES[0]}"
	[ "$status" -eq 1 ]
	[ "$output" = '+1 refused nobody: no such name' ]
}

@test "tell(7) sends a file line by line" {
	telld_start
	client_login bob nc.openbsd
	examples tell.7 'A file, and what a command prints'
	cd "$DIR"
	printf '1: x\n2\n\n' >file
	run_example "${EXAMPLES[0]}"
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	client_expect bob 'from cron: 1: x'
	client_expect bob 'from cron: 2'
	client_expect bob 'from cron: '
	client_fence bob
}

@test "tell(1)'s examples do what they say" {
	telld_start
	client_login bob nc.openbsd
	client_login carol nc.openbsd
	export TELL_HOST=$TELLD_ADDR TELL_NAME=cron
	examples tell.1 EXAMPLES
	[ ${#EXAMPLES[@]} -eq 3 ]
	for file in "${EXAMPLES[@]}"; do
		run_example "$file"
		[ "$status" -eq 0 ]
		[ -z "$output" ]
	done
	client_expect bob 'from cron: the backup failed'
	client_expect bob 'from backup: disk full'
	client_expect bob 'from cron: the server room is on fire'
	client_expect carol 'from backup: disk full'
}

@test "tellctl(8)'s examples do what they say" {
	telld_start
	client_login alice nc.openbsd
	examples tellctl.8 EXAMPLES
	[ ${#EXAMPLES[@]} -ge 5 ]
	for file in "${EXAMPLES[@]}"; do
		# What is printed below a command is no command.
		sed -i '/^alice /d' "$file"
		run_example "$file"
		[ "$status" -eq 0 ]
		case $(<"$file") in
		*who*) [[ $output == alice\ *' since '*' from '*' pid '* ]] ;;
		*audit*) [ -z "$output" ] ;;
		esac
	done
	client_expect alice '! you were removed by the administrator'
	client_closed alice
}

@test "telld(8): -t says that the configuration is fine" {
	printf 'telld -t\n' >"$DIR/example"
	run_example "$DIR/example"
	[ "$status" -eq 0 ]
	[ "$output" = "$(section telld.8 EXAMPLES |
		sed -n '/telld -t$/{n;p;}')" ]
}

@test "telld(8): on any free port, and told which" {
	examples telld.8 EXAMPLES
	file=$(grep -l ready_fd "${EXAMPLES[@]}")
	# shellcheck disable=SC2016 # expanded in the example
	printf '%s\n' 'kill $!' 'wait $!' >>"$file"
	cd "$DIR"
	run_example "$file"
	[ "$status" -eq 0 ]
	grep -qE '^listening on 127\.0\.0\.1:[0-9]+$' <<<"$output"
}
