#!/bin/sh
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: the telld authors
#
# deps.sh SET... - see that the programs which a make target needs are there.
#
# SET is check, valgrind or lint.  When nothing is missing, this is a few
# look-ups in PATH and no more.  Otherwise, as root or with a sudo that asks
# nothing, apt-get installs what is missing; else one line says what to do.
# Any number of copies may run at once: they take turns, and look again.
set -u

# One line per program: what runs it, and the Debian package it comes in.
# The clients are many on purpose: each ends a connection in its own way.
programs()
{
	for set in "$@"; do
		case $set in
		check)
			cat <<-'LIST'
				bats bats
				nc.openbsd netcat-openbsd
				nc.traditional netcat-traditional
				ncat ncat
				busybox busybox
				telnet inetutils-telnet
				plink putty-tools
				socat socat
				ps procps
				ss iproute2
				curl curl
			LIST
			;;
		valgrind)
			echo "valgrind valgrind"
			;;
		lint)
			cat <<-'LIST'
				gcc gcc
				clang clang
				clang-format clang-format
				clang-tidy clang-tidy
				cppcheck cppcheck
				shellcheck shellcheck
				mandoc mandoc
			LIST
			;;
		*)
			echo "deps.sh: no such set: $set" >&2
			exit 2
			;;
		esac
	done
}

# The packages of the programs that are not there, in one line.
missing()
{
	programs "$@" | while read -r program package; do
		command -v "$program" >/dev/null || printf '%s ' "$package"
	done
}

# apt-get keeps one lock that its Lock::Timeout does not wait for: that of the
# lists.  Another program may hold it, so updating is tried for a while.
update()
{
	tries=0
	until apt-get -qq update; do
		tries=$((tries + 1))
		[ "$tries" -lt 20 ] || return 1
		sleep 3
	done
}

# The lists are fetched only when installing without that fails: on a machine
# that never had any, or whose lists have grown old.
install()
{
	DEBIAN_FRONTEND=noninteractive
	export DEBIAN_FRONTEND
	set -- apt-get -qq -y --no-install-recommends \
	    -o DPkg::Lock::Timeout=300 install "$@"
	"$@" >/dev/null 2>&1 || { update && "$@"; }
}

# Runs as root, with the lock held: what was missing may be there by now.
locked()
{
	packages=$(missing "$@")
	[ -n "$packages" ] || exit 0
	echo "installing $packages" >&2
	# shellcheck disable=SC2086 # one word per package
	install $packages >&2 || exit
}

if [ "${1-}" = --locked ]; then
	shift
	locked "$@"
	exit
fi

[ $# -gt 0 ] || set -- check
programs "$@" >/dev/null || exit
packages=$(missing "$@")
[ -n "$packages" ] || exit 0

if command -v apt-get >/dev/null; then
	lock=/run/lock/telld-deps
	[ -d /run/lock ] || lock=/run/telld-deps
	if [ "$(id -u)" -eq 0 ]; then
		flock "$lock" sh "$0" --locked "$@" && exit
	elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
		sudo -n flock "$lock" sh "$0" --locked "$@" && exit
	fi
	packages=$(missing "$@")
	echo "Something is missing here. As root: apt-get install $packages" >&2
else
	echo "Something is missing here. Install: $packages" >&2
fi
exit 1
