# shellcheck shell=bash disable=SC2034 # run uses the variables
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: the telld authors
#
# What is measured, and how each is started: sourced by tests/bench/run.
#
# A target X has X_there (is it installed?), X_version, X_settings (in words,
# for the report), and X_start, which leaves PID and ADDRESS.  Every server is
# set up to do as little else as it can: nothing is kept on disk, no client is
# slowed down for talking much, and none is let go for reading slowly, as far
# as the server lets that be chosen.
#
# From run: TMP (a directory), TELLD, LOAD, SHAPE, and PIN, words to put before
# the command.

# Runs a server that says `listening on ADDRESS` on descriptor 9 when it is ready.
start_that_tells() {
	rm -f "$TMP/ready"
	mkfifo "$TMP/ready" || return
	"${PIN[@]}" "$@" 9>"$TMP/ready" >>"$TMP/log" 2>&1 &
	PID=$!
	local line=
	read -r -t 10 line <"$TMP/ready"
	ADDRESS=${line#listening on }
	[[ -n $ADDRESS ]]
}

# Runs a server that cannot; load -W waits for it.
start_on_port() {
	"${PIN[@]}" "$@" >>"$TMP/log" 2>&1 &
	PID=$!
	WAIT=-W
}

free_port() {
	PORT=$("$LOAD" -F)
	ADDRESS=127.0.0.1:$PORT
}

# --- telld -----------------------------------------------------------------

TELLD_OPTIONS=(-l 127.0.0.1:0 -o store=none)

telld_there() { [ -x "$TELLD" ]; }
telld_version() { "$TELLD" -V 2>&1 | head -n 1; }
telld_proto=telld
telld_settings() {
	echo "\`telld ${TELLD_OPTIONS[*]} ${BENCH_TELLD_ARGS-}\`;" \
	    "everything else as it comes: limits, checks, confirmations"
}
telld_start() {
	# shellcheck disable=SC2086 # words, from the user
	start_that_tells "$TELLD" "${TELLD_OPTIONS[@]}" -o ready_fd=9 \
	    -o control="$TMP/control" ${BENCH_TELLD_ARGS-}
}

# --- the shape limit -------------------------------------------------------

shape_there() { [ -x "$SHAPE" ]; }
shape_version() { echo "of this tree"; }
shape_proto=raw
shape_settings() {
	echo "the same processes and hops as telld, carrying bytes in pairs" \
	    "and nothing else (tests/bench/shape.c)"
}
shape_start() { start_that_tells "$SHAPE" 9; }

# --- nats-server -----------------------------------------------------------

nats_there() { command -v nats-server >/dev/null; }
nats_version() { nats-server --version | tr -d :; }
nats_proto=nats
NATS_CONF='max_connections: 100000
max_pending: 4GB
write_deadline: "60s"
ping_interval: "1h"'
nats_settings() {
	echo "\`$(echo "$NATS_CONF" | paste -sd, | sed 's/,/, /g')\`;" \
	    "no JetStream; client: \`verbose: false\`"
}
nats_start() {
	free_port
	printf 'listen: %s\n%s\n' "$ADDRESS" "$NATS_CONF" >"$TMP/nats.conf"
	start_on_port nats-server -c "$TMP/nats.conf"
}

# --- redis-server ----------------------------------------------------------

redis_there() { command -v redis-server >/dev/null; }
redis_version() { redis-server --version | sed 's/^\(.* v=[^ ]*\).*/\1/'; }
redis_proto=redis
REDIS_OPTIONS=(--save '""' --appendonly no --maxclients 100000
	--tcp-backlog 4096 --protected-mode no
	--client-output-buffer-limit '"normal 0 0 0 pubsub 0 0 0"')
redis_settings() {
	echo "\`${REDIS_OPTIONS[*]}\`; client: RESP3, \`CLIENT REPLY OFF\`," \
	    "PUBLISH and SUBSCRIBE"
}
redis_start() {
	free_port
	local option=("${REDIS_OPTIONS[@]//\"/}")
	start_on_port redis-server --bind 127.0.0.1 --port "$PORT" \
	    --dir "$TMP" "${option[@]}"
}

# --- ngircd ----------------------------------------------------------------

# Of its limits two are compiled in: 512 bytes a line, as RFC 2812 has it, and
# what a client may leave unread.
ngircd_there() { command -v ngircd >/dev/null; }
ngircd_version() { ngircd --version | sed -n '1s/-IDENT.*//p'; }
ngircd_proto=irc
NGIRCD_CONF='[Limits]
MaxConnections = 0
MaxConnectionsIP = 0
MaxJoins = 0
MaxNickLength = 16
MaxPenaltyTime = 0
PingTimeout = 3600
PongTimeout = 3600
[Options]
DNS = no
Ident = no
PAM = no'
ngircd_settings() {
	echo "\`$(echo "$NGIRCD_CONF" | paste -sd, | sed 's/,/, /g')\`"
}
ngircd_start() {
	free_port
	printf '[Global]\nName = irc.bench\nListen = 127.0.0.1\nPorts = %s\n%s\n' \
	    "$PORT" "MotdPhrase = bench"$'\n'"$NGIRCD_CONF" >"$TMP/ngircd.conf"
	start_on_port ngircd -n -f "$TMP/ngircd.conf"
}
