# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: the telld authors
#
# mail.bash - mail, receipts and the books, for the tests of the first
# promise: nothing accepted is lost.  On top of helper.bash and tools.bash.

# As a client is told the time at which a line was sent, as a pattern (glob).
# shellcheck disable=SC2034 # for the tests
AT='at [0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9]Z'

# like TEXT GLOB - that is how it looks
like() {
	# shellcheck disable=SC2053 # a pattern
	[[ $1 == $2 ]] || fail "wants	$2" "got	$1"
}

# know NAME... - logs each in, and out again: mail is kept for it from now on
know() {
	local name
	for name; do
		count_log "broker: end name=$name "
		printf '%s\n' "$name" | client_once nc.openbsd
		wait_log "broker: end name=$name " $((COUNT + 1))
	done
}

# mail_read NAME - NAME logs in, and everything that waits for it is printed
mail_read() {
	printf '%s\n' "$1" | client_once nc.openbsd
}

# numbered TEXT FIRST LAST [BYTES] - lines of TEXT and so many dots, in which
# each N stands for FIRST to LAST
numbered() {
	awk -v text="$1" -v i="$2" -v last="$3" -v bytes="${4:-1}" 'BEGIN {
		dots = sprintf("%" bytes "s", "")
		gsub(" ", ".", dots)
		for (; i <= last; i++) {
			line = text
			gsub("N", i, line)
			print line " " dots
		}
	}'
}

# client_send_file NAME FILE - types all of a file
client_send_file() {
	echo "> (all of ${2##*/})" >>"$DIR/client.$1"
	cat "$2" >&"${CLIENT_IN[$1]}"
}

# client_take NAME COUNT FILE - its next COUNT lines, and not a byte more, go
# into FILE, or as many as there are
client_take() {
	timeout $((20 * TELLD_SLOW)) sed -u "$2q" <&"${CLIENT_OUT[$1]}" \
		>"$3" || :
	echo "< ($(wc -l <"$3") lines)" >>"$DIR/client.$1"
}

# receipts NAME COUNT - reads NAME's next COUNT lines, which have to be
# receipts, one for each of the tags 1 to COUNT; TAGS[delivered] and so on are
# how many there are of each kind, and $DIR/tags has "TAG KIND" in order.
declare -gA TAGS
receipts() {
	local word kinds='delivered|stored|refused'
	client_take "$1" "$2" "$DIR/receipts"
	sed -nE "s/^\\+([0-9]+) ($kinds) .*/\\1 \\2/p" "$DIR/receipts" |
		sort -n >"$DIR/tags"
	if ! cmp <(seq "$2") <(cut -d ' ' -f 1 "$DIR/tags"); then
		fail "not $2 receipts, one each"
		grep -vE "^\\+[0-9]+ ($kinds) " "$DIR/receipts" >&2
		tail -n 3 "$DIR/receipts" >&2
		return 1
	fi
	for word in delivered stored refused; do
		TAGS[$word]=$(grep -c " $word\$" "$DIR/tags") || :
	done
}

# in_order FILE FIRST LAST - FILE is mail numbered FIRST to LAST: each once, in
# order, and those marked `again` before those that are not.  AGAIN is how many
# are.
in_order() {
	AGAIN=$(awk -v want="$2" -v last="$3" '
		!/^from [^ ]+ at [^ ]+Z( again)?: [0-9]+( \.*)?$/ {
			print "no mail: " substr($0, 1, 80) > "/dev/stderr"
			exit bad = 1
		}
		{
			again = $5 == "again:"
			number = again ? $6 : $5
		}
		number != want {
			print "line " NR " is " number ", not " want > \
				"/dev/stderr"
			exit bad = 1
		}
		again && fresh {
			print number " again, after one that is not" > \
				"/dev/stderr"
			exit bad = 1
		}
		again { n++ }
		!again { fresh = 1 }
		{ want++ }
		END {
			if (!bad && want != last + 1) {
				print "ends with " want - 1 ", not " last > \
					"/dev/stderr"
				bad = 1
			}
			print n + 0
			exit bad
		}' "$1")
}

# audit [KEY=NUMBER]... - the books balance, and say so
audit() {
	local answer pair
	answer=$(telld_control audit) || {
		echo "$answer" >&2
		return 1
	}
	for pair; do
		grep -qE "^${pair%=*} +${pair#*=}\$" <<<"$answer" || {
			AUDIT=$answer
			return 1
		}
	done
}

# wait_audit KEY=NUMBER... - until they say so
wait_audit() {
	eventually 10 audit "$@" && return
	fail "the books do not come to say $*:" "$AUDIT"
}

# mail_count NAME COUNT - so much mail waits for NAME, tellctl says
mail_count() {
	local answer
	answer=$(telld_control mail) || return
	if [ "$2" -eq 0 ]; then
		! grep -q "^$1 " <<<"$answer"
	else
		grep -q "^$1 $2 lines, " <<<"$answer"
	fi
}

# queue NAME - sets UNSENT and UNCONFIRMED, the bytes that wait in the broker,
# and those and the ones that NAME's host has not acknowledged
queue() {
	read -r UNSENT UNCONFIRMED < <(telld_control queues |
		awk -v name="$1" '$1 == name { unsent = $3; open = $5 }
			END { print unsent + 0, open + 0 }')
}

# role_kill ROLE - kill -9
role_kill() {
	role_pid "$1"
	kill -KILL "$PID"
}

# telld_kill - kill -9, to all of them at once, and waits until all are gone
telld_kill() {
	local pids
	# Stopped first, so that none sees another one die.
	mapfile -t pids < <(ps -s "$TELLD_PID" -o pid=)
	kill -STOP "${pids[@]// /}" || :
	kill -KILL "${pids[@]// /}" || :
	telld_wait 137
}
