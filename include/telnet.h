/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * telnet.h - takes the telnet protocol (RFC 854, 855) out of a byte stream.
 *
 * telld offers no option and wants none, but for ECHO (RFC 857), which hides
 * a password.  All else is refused, each option once while nothing changed,
 * so that no two programs can refuse each other for ever (RFC 1143).
 *
 * A client that is no telnet may send a stray 0xFF.  Followed by anything
 * that is not a command (below 236), both bytes stay in the text, where they
 * make their line "not UTF-8".  How the stream was cut changes nothing.
 */
#ifndef TELNET_H
#define TELNET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What telnet_feed() and telnet_finish() have to tell, or-ed together. */
enum {
	TELNET_INTERRUPT = 1,     /* IP, BRK or ABORT: someone pressed ^C */
	TELNET_EOF = 2,           /* EOF (RFC 1184): someone pressed ^D */
	TELNET_ARE_YOU_THERE = 4, /* AYT: say something visible */
	TELNET_STRAY = 8          /* an 0xFF that ended the last feed was text,
	                             and stands in front of this one: call
	                             line_spoil() before line_next() */
};

/* The most bytes of answers to a feed of n bytes. */
#define TELNET_REPLY_MAX(n) ((n) + 2)

/* The most bytes of telnet_echo(). */
#define TELNET_ECHO_MAX 3

struct telnet {
	bool seen;              /* a command has come: it is a telnet */
	unsigned char state;    /* enum state of telnet.c */
	unsigned char verb;     /* WILL, WONT, DO or DONT, its option to come */
	bool after_cr;          /* the last byte of text was a CR */
	bool echo;              /* we are the one who echoes: client's is off */
	unsigned unanswered;    /* of our WILL and WONT ECHO, in turns */
	uint32_t refused[2][8]; /* options told DONT, and told WONT */
};

void telnet_init(struct telnet *t);

/*
 * Takes the commands out of buf[0..*len), in place, and sets *len to what is
 * left of the text.  reply has room for TELNET_REPLY_MAX(*len) bytes, and
 * *reply_len is set to those that are to be sent to the client.  Returns
 * TELNET_* bits.  Once a command has been seen, CR NUL becomes CR LF, as
 * RFC 1123 3.3.1 asks of a server: both are what the Enter key may send.
 */
unsigned telnet_feed(
    struct telnet *t, char *buf, size_t *len, char *reply, size_t *reply_len);

/*
 * At the end of the stream: TELNET_STRAY if its last byte was an 0xFF that no
 * command followed, else 0.
 */
unsigned telnet_finish(const struct telnet *t);

/*
 * Has the client echo what is typed, or not.  Writes what to send it, IAC WILL
 * ECHO to switch its echo off and IAC WONT ECHO to switch it on, and returns
 * the length; 0 when the client does so already.
 */
size_t telnet_echo(
    struct telnet *t, bool client_echoes, char reply[TELNET_ECHO_MAX]);

#endif
