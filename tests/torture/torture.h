/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * torture.h - senders, receivers, and what is done to them and to telld while
 * they talk; afterwards every receipt is compared with what was seen.
 *
 * One process, one loop.  It starts telld itself and takes the place of its
 * orphans' parent (PR_SET_CHILD_SUBREAPER), so that it can tell when the last
 * process of a telld is gone.  Linux only: /proc, and a filter on sockets.
 */
#ifndef TORTURE_H
#define TORTURE_H

#include <netinet/in.h>
#include <sys/types.h>

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SENDERS_MAX   64
#define RECEIVERS_MAX 64
#define PEOPLE_MAX    (SENDERS_MAX + RECEIVERS_MAX)
#define GROUPS_MAX    64
#define PFDS_MAX      (2 * PEOPLE_MAX + 8)

#define IN_SIZE  ((size_t)64 * 1024)
#define OUT_SIZE ((size_t)64 * 1024)

/* telld's own settings here: small, so that every limit is met often. */
#define LINGER_MS 1000

struct torture;

/* ---- conn.c: a client's socket, and lines ---- */

enum conn_state {
	CONN_OPEN,
	CONN_EOF,
	CONN_BROKEN
};

struct conn {
	int fd; /* -1 when closed */
	bool is_unix;
	struct pollfd *pfd; /* this round's; NULL: not waited for */
	size_t in_used, out_at, out_used;
	char *in, *out; /* owned, IN_SIZE and OUT_SIZE bytes */
};

typedef void line_fn(struct torture *t, void *owner, char *line, size_t len);

void conn_init(struct conn *c, bool is_unix);
/* False if it cannot be now.  tiny: with the smallest of receive buffers. */
bool conn_open(struct torture *t, struct conn *c, bool tiny);
size_t conn_room(const struct conn *c);
void conn_put(struct conn *c, const char *text, size_t len);
/* False when the connection is broken. */
bool conn_flush(struct conn *c);
/* Reads what there is; each whole line goes to fn without its LF. */
enum conn_state conn_read(
    struct torture *t, struct conn *c, line_fn *fn, void *owner);
/* From now on this host is silent: nothing that arrives is acknowledged. */
void conn_silence(struct conn *c);
/* Says that no line will follow. */
void conn_half_close(struct conn *c);
/* Closes with a reset, or as a Unix socket is closed. */
void conn_reset(struct conn *c);
void conn_close(struct conn *c);

/* ---- books.c: what was sent, what was answered, what was seen ---- */

enum answer {
	NO_ANSWER,
	DELIVERED,
	STORED,
	REFUSED
};

struct copy {
	uint8_t to;                    /* a receiver's index */
	uint8_t answer;                /* enum answer */
	uint16_t seen;                 /* how often */
	uint32_t answered_at, seen_at; /* in ms; seen_at: the first time */
};

struct line {
	uint32_t sent_at; /* ms */
	uint16_t len;     /* bytes of text */
	uint8_t copies;   /* 1 or 2 */
	bool tagged;
	bool accepted; /* telld said that every line had been taken */
	struct copy copy[2];
};

struct book {
	struct line *lines; /* owned; number N stands at [N - 1] */
	uint32_t count, size;
	uint32_t first[RECEIVERS_MAX]; /* highest number seen by each */
};

#define TEXT_MAX 4000

/* Takes that very text, or a number, off the front of *at. */
bool take_text(const char **at, const char *text);
bool take_number(const char **at, unsigned *n);

/* Enters a line; its number.  0 without memory. */
uint32_t book_enter(struct book *b, const struct line *l);
/* The text of line number n, len bytes. */
void book_text(uint32_t n, size_t len, char *text);
void book_answer(
    struct torture *t, unsigned sender, uint32_t since, const char *line);
void book_seen(struct torture *t, unsigned receiver, const char *line,
    size_t len, uint32_t *highest);
/* Says which copies are missing, and what happened to them; how many. */
uint64_t books_compare(struct torture *t);

/* ---- sender.c, receiver.c ---- */

enum person_state {
	AWAY,
	HERE,
	ENDING,
	SILENT
};

struct sender {
	struct conn conn;
	unsigned index;
	enum person_state state;
	uint64_t at;    /* AWAY: when to come; HERE: when to write next */
	uint32_t since; /* the first line's number of this connection */
	uint32_t open;  /* copies without an answer, this connection's */
	uint64_t random;
	bool resting;  /* writes nothing */
	bool finished; /* has left for good, and all is carried out */
	bool to_finish;
	struct book book;
};

void sender_init(struct torture *t, unsigned index);
void sender_turn(struct torture *t, struct sender *s);
void sender_ready(struct torture *t, struct sender *s);

enum silence {
	TO_RESET,
	TO_VANISH
};

struct receiver {
	struct conn conn;
	struct conn ghost; /* the one before, whose host fell silent */
	unsigned index;
	enum person_state state;
	uint64_t at; /* AWAY: when to come; SILENT: when to act */
	uint64_t stalled_until, ghost_until;
	uint32_t pause; /* ms to stay away afterwards */
	enum silence silence;
	bool stays_away;
	uint32_t highest[SENDERS_MAX]; /* numbers seen on this connection */
	uint64_t from_store;           /* lines with a time in their head */
	uint64_t mail;                 /* lines in its mailbox before the end */
};

void receiver_init(struct torture *t, unsigned index);
void receiver_turn(struct torture *t, struct receiver *r);
void receiver_ready(struct torture *t, struct receiver *r);
/* It leaves politely, and comes again after pause ms. */
void receiver_quit(struct receiver *r, uint32_t pause);

/* ---- daemon.c: telld ---- */

enum daemon_state {
	DOWN,
	STARTING,
	UP
};

struct daemon {
	enum daemon_state state;
	pid_t pid; /* 0: there is none */
	int ready; /* telld's word that it is ready; -1: none */
	char ready_text[512];
	size_t ready_used;
	bool killed, stopping; /* it has reason to end */
	bool announced;
	uint64_t start_at, start_by, stop_by;
	struct sockaddr_in address;
	char directory[64], socket[96], control[96], log[96];
	uint64_t deaths[8]; /* when its broker may have died, a ring */
	unsigned death_at;
	unsigned starts, failed_starts, gave_up;
	struct {
		pid_t group; /* 0: free */
		uint64_t gone_by;
	} old[GROUPS_MAX]; /* processes of a telld that has ended */
};

enum role {
	ROLE_RECEIVER,
	ROLE_SENDER,
	ROLE_STORE,
	ROLE_BROKER
};

void daemon_init(struct torture *t);
void daemon_turn(struct torture *t);
void daemon_ready(struct torture *t);
/* Kills one process of that role; which says which one of several. */
bool daemon_kill(struct torture *t, enum role role, unsigned which);
bool daemon_kill_parent(struct torture *t, bool all, bool at_once);
bool daemon_stop(struct torture *t);
bool daemon_is_gone(const struct torture *t);
/* Ends every process that is ours, whatever state it is in. */
void daemon_end_all(struct torture *t);
/* Finds in telld's log what must never be there. */
void daemon_check_log(struct torture *t);

/* ---- plan.c: what is done, and when ---- */

enum fault {
	KILL_RECEIVER, /* its session */
	KILL_SENDER,
	KILL_STORE,
	KILL_BROKER,
	KILL_PARENT,
	KILL_ALL,
	STOP, /* SIGTERM, and a new start */
	RECEIVER_STALLS,
	RECEIVER_RESETS,
	RECEIVER_VANISHES,
	RECEIVER_ENDS, /* half-closes */
	RECEIVER_QUITS,
	SENDER_RESETS,
	SENDER_ENDS,
	FAULTS
};

#define KILLS (STOP + 1) /* the first of them, for the counts */

struct step {
	uint32_t at;  /* ms */
	uint32_t arg; /* ms, for what lasts */
	uint16_t who;
	uint8_t fault; /* enum fault */
};

struct plan {
	struct step *steps; /* owned */
	size_t count, next;
	uint64_t done[FAULTS];
};

extern const char *const fault_names[FAULTS];

uint64_t random_next(uint64_t *state);
uint32_t random_below(uint64_t *state, uint32_t n);

bool plan_make(struct torture *t);
/* Carries out what is due. */
void plan_turn(struct torture *t);
void plan_free(struct plan *p);

/* ---- ask.c: the control socket ---- */

struct ask {
	int fd; /* -1: nothing is asked */
	struct pollfd *pfd;
	char *answer; /* owned, NUL-terminated */
	size_t used;
	uint64_t by;
	bool answered; /* the last question was, wholly */
};

struct audit {
	uint64_t accepted, restored, delivered, stored, in_flight, refused;
};

bool ask_begin(struct torture *t, const char *question);
void ask_turn(struct torture *t);
void ask_ready(struct torture *t);
/* Reads an answer to "audit"; false if it is none.  Faults are reported. */
bool ask_audit(struct torture *t, struct audit *a);
/* Reads an answer to "mail" into the receivers' mail. */
bool ask_mail(struct torture *t);

/* ---- torture.c ---- */

struct options {
	uint64_t seed;
	unsigned seconds, senders, receivers, rate;
	double kills;
	bool gentle, keep;
	char **telld; /* program and further arguments */
	int telld_count;
};

struct event {
	uint32_t at; /* ms */
	char text[76];
};

struct torture {
	struct options o;
	uint64_t now; /* ms since the start */
	struct daemon daemon;
	struct plan plan;
	struct ask ask;
	struct audit audit; /* the last one */
	struct sender senders[SENDERS_MAX];
	struct receiver receivers[RECEIVERS_MAX];
	struct pollfd pfds[PFDS_MAX];
	nfds_t pfd_count;
	struct event *events; /* owned */
	size_t event_count, event_size;
	bool faults_on;
	uint64_t give_up_at; /* by then all has ended, or we end it */
	unsigned faults;
	uint64_t messages, copies, tags, delivered, stored, refused;
	uint64_t seen, again, audits, too_slow, taken_name, sessions_broken;
	uint64_t takeovers;
};

/* Something that must never be. */
void fault(struct torture *t, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Something that was done or happened, for the history of a message. */
void event(struct torture *t, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* fd is waited for in this round. */
struct pollfd *watch(struct torture *t, int fd, short events);

#endif
