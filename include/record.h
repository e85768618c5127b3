/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * record.h - what telld's processes say to each other.
 *
 * Every channel is a stream socketpair that carries records {type, length,
 * payload} in host byte order, any number of them in one write.  End of file
 * on a channel is the signal to shut down.  Numbers in payloads stand at no
 * particular alignment: wire.h puts and gets them.
 *
 * A record of unknown type, of a length its type does not allow, or in a
 * state where it makes no sense is an error that ends the channel.
 */
#ifndef RECORD_H
#define RECORD_H

#include <stdint.h>

struct record {
	uint32_t type;
	uint32_t length; /* bytes of payload that follow */
};

/*
 * UP: session to broker.  The broker checks each as if an enemy had sent it.
 *
 * Neither side of this channel ever leaves it unread, so that a confirmation
 * is never stuck behind lines, nor a probe behind text; what is limited is
 * how much may be under way.  Up: a session may begin a LINES or REFUSED
 * record while it has credit; each costs its whole length; the broker gives
 * credit back as it carries lines out.  Down: at most DOWN_WINDOW bytes of TEXT
 * are sent beyond what is confirmed.
 */
enum record_up {
	/* Cleaned lines (line.h), each ended by LF.  1 to UP_LINES_MAX. */
	UP_LINES = 1,
	/* u8 enum line_event: a line that cannot be taken, and why.  In its
	 * place among the lines, so that answers come in order. */
	UP_REFUSED,
	/* u64: the client's host has acknowledged the first N bytes of TEXT.
	 * Never falls, never passes what was sent. */
	UP_CONFIRM,
	/* Empty, once: no line will follow. */
	UP_INPUT_END,
	/* Empty: the answer to DOWN_PROBE: session and link are alive.  A dead
	 * link is not reported: its session ends. */
	UP_PROBED,
	/* Empty, once at most, before any line: the client has sent nothing
	 * for GREETING_MS.  Not said with `greeting no`. */
	UP_SILENT,
	/* Empty: its telnet asks whether somebody is there (RFC 854, AYT).  In
	 * front of the lines that came with it, and at their cost. */
	UP_ARE_YOU_THERE,
};

/* DOWN: broker to session.  EOF after the last one: finish and exit. */
enum record_down {
	/* The very bytes that the client shall get.  1 to DOWN_WINDOW. */
	DOWN_TEXT = 1,
	/* u8 enum probe: answer UP_PROBED; for PROBE_LINK once the kernel has
	 * seen the client's host answer. */
	DOWN_PROBE,
	/* u32: so many bytes of lines were carried out: credit for as many. */
	DOWN_CREDIT,
	/* Empty: read what has already come from the client, then say
	 * UP_INPUT_END: the daemon stops. */
	DOWN_END_INPUT,
	/* The client's name, for the process title.  1 to NAME_MAX_LEN. */
	DOWN_NAME,
};

enum probe {
	PROBE_SESSION, /* are you there? */
	PROBE_LINK,    /* is your client's host there? */
};

/* PARENT: parent to broker.  EOF: stop, the parent is gone. */
enum record_parent {
	/* struct parent_session; one descriptor rides along: the broker's end
	 * of the new session's channel. */
	PARENT_SESSION = 1,
	/* struct parent_exited: a session was reaped. */
	PARENT_EXITED,
	/* u32 milliseconds: stop, all of it within that time.  Again: hurry. */
	PARENT_STOP,
};

/* BROKER: broker to parent. */
enum record_broker {
	/* Empty, once: the store has been replayed, sessions may come. */
	BROKER_READY = 1,
	/* struct broker_kill: this session did not end when told to. */
	BROKER_KILL,
	/* Empty: stop the daemon (tellctl stop). */
	BROKER_STOP,
	/* i32 pid: a session's channel is at end of file: it will have exited
	 * any moment now. */
	BROKER_GONE,
};

/* STORE: broker to store.  Numbered 1, 2, 3 ... by their order on the channel,
 * so that one number acknowledges many.  EOF: sync and exit. */
enum record_store {
	/* Mail (mail.h): keep this copy.  With MAIL_FORCED it was accepted
	 * already: never refuse it. */
	STORE_ADD = 1,
	/* u64 id: delivered, forget it. */
	STORE_DONE,
	/* u8 + name, its rooms (rooms_kept_text()): has logged in, is known
	 * from now on, and comes back to these. */
	STORE_NAME,
	/* u64 ticket, u64 after, u32 window in bytes, name: send mail behind
	 * that position. */
	STORE_FETCH,
	/* u64 position, name: its reader is gone; mail up to that position may
	 * have been seen.  Mail of a name that was fetched for does not expire
	 * until this comes. */
	STORE_LEFT,
	/* u64 ticket, name or nothing: list one mailbox, or all of them. */
	STORE_LIST,
};

/* KEPT: store to broker. */
enum record_kept {
	/* u64 number: all requests up to that one are on disk or refused. */
	KEPT_SYNCED = 1,
	/* u64 id, u8 enum kept_why, before the KEPT_SYNCED that covers it: this
	 * copy is not on disk. */
	KEPT_NOT,
	/* u64 id: a copy that was only in memory is on disk now. */
	KEPT_LATE,
	/* u64 ticket, u64 position, then mail (mail.h): what was fetched. */
	KEPT_MAIL,
	/* u64 ticket, u8 whether there is more: the end of a window. */
	KEPT_FETCHED,
	/* u32 mails, u8 whether it is known, u8 + name, its rooms: at start,
	 * each name that is known or that mail waits for. */
	KEPT_NAME,
	/* u64 highest id, u64 mails: after the last KEPT_NAME. */
	KEPT_READY,
	/* u64 id, name: grew too old. */
	KEPT_EXPIRED,
	/* u64 ticket, u8 whether it is the last, text for tellctl. */
	KEPT_LISTING,
};

enum kept_why {
	KEPT_MAILBOX_FULL = 1, /* refused */
	KEPT_STORE_FULL,       /* refused */
	KEPT_DISK,             /* refused: the disk is full, or fails */
	KEPT_IN_MEMORY,        /* forced: held in memory, until KEPT_LATE */
};

/* Limits.  A lines record is closed once it holds UP_LINES_SOFT bytes; one
 * line more is what UP_LINES_MAX leaves room for. */
#define UP_LINES_SOFT  (64 * 1024)
#define UP_LINES_MAX   (UP_LINES_SOFT + 3 * 16 * 1024 + 1)
#define UP_CREDIT      (128 * 1024) /* at first */
#define DOWN_WINDOW    (256 * 1024)
#define DOWN_SMALL_MAX 64 /* every other record down */

#define PEER_ADDRESS_MAX 80

/* A session's id: in its low bits the parent's slot for it, which is used
 * again only once its PARENT_EXITED has been sent; above them a number that
 * makes the id one of its own. */
#define SESSION_SLOT_BITS 20
#define SESSION_SLOT(id)  ((size_t)((id) & ((1U << SESSION_SLOT_BITS) - 1)))

struct parent_session {
	uint64_t id;
	int32_t pid;
	char address[PEER_ADDRESS_MAX]; /* NUL-terminated, for people */
};

struct parent_exited {
	uint64_t id;
	int32_t pid;
	int32_t status; /* as waitpid(2) gives it */
};

struct broker_kill {
	uint64_t id;
	int32_t pid;
	int32_t unused;
};

#endif
