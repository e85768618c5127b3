#!/bin/sh
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: the telld authors
#
# deps.sh - see that the peers of `make bench` are there, and gnuplot.
#
# As root, or with a sudo that asks nothing, apt-get installs what is missing;
# else one line says what to do.  A package may start its server, on its own
# port; the bench does not use that one, and says how to stop it.
set -u

PACKAGES="nats-server redis-server ngircd gnuplot-nox"
PATH=$PATH:/usr/sbin:/sbin

missing()
{
	for package in $PACKAGES; do
		command -v "${package%-nox}" >/dev/null || printf '%s ' "$package"
	done
}

packages=$(missing)
[ -n "$packages" ] || exit 0

as_root=
if [ "$(id -u)" -ne 0 ]; then
	as_root="sudo -n"
	command -v sudo >/dev/null && sudo -n true 2>/dev/null || as_root=none
fi
if [ "$as_root" = none ] || ! command -v apt-get >/dev/null; then
	echo "Something is missing here. As root: apt-get install $packages" >&2
	exit 1
fi

install()
{
	# shellcheck disable=SC2086 # one word per package
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y \
	    --no-install-recommends -o DPkg::Lock::Timeout=300 install $packages
}

install || { $as_root apt-get -qq update && install; } || exit
echo "If their servers run now and nobody needs them: systemctl disable" \
    "--now nats-server redis-server ngircd"
