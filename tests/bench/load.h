/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * load.h - the load generator of `make bench`, and what its files share.
 *
 * One process with one epoll instance plays all clients of one server, and
 * speaks telld's protocol, or that of a peer, through a struct proto.  Every
 * text carries a stamp: who sent it, and which of that sender's texts it is.
 * A receiver takes only the very next one; a text that is lost, doubled, late
 * or changed ends the run with exit status 1 and one line that says which.
 *
 * Layers, each calling only those below it:
 *
 *	load.c		options, and which scenario to play
 *	scen_*.c	the scenarios; each prints lines of `KEY VALUE`
 *	crowd.c		many clients coming in at once
 *	conn.c		one client: connect, log in, read and check
 *	batch.c		texts on their way out
 *	proto_*.c	the protocols; they only read and write memory
 *	stamp.c		the stamp
 *	stats.c		clocks, percentiles, memory
 */
#ifndef LOAD_H
#define LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <netinet/in.h>
#include <sys/types.h>

/* ---- stats.c ---- */

/* Nanoseconds of the monotonic clock. */
uint64_t now_ns(void);

/* Nanoseconds of processor time that this process has used. */
uint64_t cpu_ns(void);

struct samples {
	uint32_t *value; /* owned; nanoseconds */
	size_t count, max;
};

/* Exits when there is no memory. */
void samples_init(struct samples *s, size_t max);

/* One more; passed over when there are max of them. */
void samples_add(struct samples *s, uint64_t ns);

/* Sorts, and prints the percentiles 50 and 99 in microseconds. */
void samples_print(struct samples *s, const char *name);

/* MemAvailable of the whole system, in KiB, when it has come to rest. */
long memory_settled(void);

/*
 * Prints the private dirty memory of a server's children, in KiB: the mean over
 * up to 500 of them, and the largest; or nothing if it has less than 100.  The
 * one that has most is left out: it is the broker, or the hub of shape.c.
 */
void memory_of_children(pid_t server);

/* Prints `KEY VALUE` on standard output, with two digits after the point. */
void print_figure(const char *key, double value);

/* Says why on standard error, and exits with status 1. */
void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/* As die, but with status 3: this protocol has no such thing. */
void not_applicable(const char *fmt, ...)
    __attribute__((format(printf, 1, 2), noreturn));

/* ---- stamp.c ---- */

/* Four digits of sender, a dash, eleven of number: the smallest text. */
#define STAMP_LEN   16
#define STAMP_DIGIT 5 /* where the number begins */

/* The longest text that is sent, in bytes. */
#define TEXT_MAX 4000

void stamp_set(char *stamp, unsigned sender, uint64_t number);

/* Adds one to the number, in place. */
void stamp_next(char *stamp);

/* False if these STAMP_LEN bytes are no stamp. */
bool stamp_read(const char *stamp, unsigned *sender, uint64_t *number);

/* What follows the stamp in a text of size bytes begins here; shared. */
const char *stamp_filler(void);

/* ---- protocols ---- */

struct load;
struct conn;

enum item_kind {
	ITEM_PARTIAL, /* the rest has not been read yet */
	ITEM_TEXT,    /* a message; text and text_len are set */
	ITEM_READY,   /* this client is in, and can be reached */
	ITEM_PING,    /* wants proto->pong */
	ITEM_OTHER,   /* news that does not matter here */
	ITEM_ERROR    /* the server complains, in text */
};

struct item {
	enum item_kind kind;
	const char *text; /* not NUL-terminated; inside what was parsed */
	size_t text_len;
	size_t used; /* bytes of input; 0 only if ITEM_PARTIAL */
};

struct proto {
	const char *name;
	size_t text_max;   /* the longest text of one message, in bytes */
	bool paired;       /* no names: connection 2k talks to 2k + 1 */
	const char *topic; /* what fan-out is sent to; NULL: there is none */
	const char *tail;  /* what follows a text */
	const char *pong;  /* NULL: nobody asks */

	/* What a client says first, to become reachable by c->name (and by
	 * topic, if c->joins) and to be told of it.  Like snprintf. */
	int (*login)(char *out, size_t size, const struct conn *c);

	/* What goes before a text of len bytes to dest.  Like snprintf. */
	int (*head)(char *out, size_t size, const char *dest, size_t len);

	/* The first item of the n bytes at p, n > 0. */
	void (*parse)(
	    const struct conn *c, const char *p, size_t n, struct item *out);
};

extern const struct proto proto_telld, proto_nats, proto_redis, proto_irc,
    proto_raw;

/* True once a telld has answered that it has no rooms. */
extern bool proto_telld_no_rooms;

/* For protocols of lines: the length of the first line of p with its LF, and
 * in *text that without LF or CRLF; 0 if it is not all there. */
size_t proto_line(const char *p, size_t n, size_t *text);

/* True if the n bytes at p begin with the string. */
bool proto_starts(const char *p, size_t n, const char *with);

/* Fills out with one item that spans used bytes, its text somewhere in p. */
void proto_item(struct item *out, enum item_kind kind, const char *text,
    size_t text_len, size_t used);

/* ---- batch.c ---- */

/* The most bytes written at once, and of frames prepared for it. */
#define BATCH_BYTES ((size_t)64 * 1024)

/* A frame is one message as it goes over the wire.  It may take more than one
 * line, and so hold more than one stamp, if it goes to a long list of names. */
struct batch {
	char *bytes; /* owned; capacity frames, one after another */
	size_t frame_len;
	size_t capacity;
	size_t *stamp_at; /* owned; offsets in the frame */
	size_t stamps;
	char stamp[STAMP_LEN]; /* the next */
	uint64_t filled;       /* frames ever filled: the next one's number */
	size_t todo;           /* bytes of the present filling */
	size_t done;           /* of them written */
};

/* A batch of frames with texts of size bytes to dest. */
void batch_init(struct batch *b, const struct proto *p, unsigned sender,
    const char *dest, size_t size, size_t max_frames);

/* The same to each of the names, in as few lines of line_max as they fit in. */
void batch_init_names(struct batch *b, const struct proto *p, unsigned sender,
    const struct conn *to, size_t count, size_t size, size_t line_max);

/* Its clients must have let go of it before. */
void batch_free(struct batch *b);

/* True if all that was filled is written. */
bool batch_is_idle(const struct batch *b);

/* Puts the next n numbers (n <= capacity) into frames; only when idle. */
void batch_fill(struct batch *b, size_t n);

/* Writes what the kernel takes.  False if the connection is broken. */
bool batch_write(struct batch *b, int fd);

/* ---- conn.c ---- */

enum conn_state {
	CONN_CLOSED,
	CONN_CONNECTING,
	CONN_LOGGING_IN,
	CONN_READY,
	CONN_STALLED /* is in, and reads no more */
};

#define HEAD_MAX  128
#define LOGIN_MAX 512

/* One client.  In the array of its load, so that k and k + 1 are neighbours. */
struct conn {
	struct load *load;
	int fd; /* -1 when closed */
	enum conn_state state;
	char name[12];
	bool joins;        /* the topic */
	bool stalls;       /* will stop to read once it is in */
	bool wants_out;    /* epoll watches for room to write */
	bool owes_pong;    /* the server has asked */
	bool tolerant;     /* of complaints: about others, who were let go */
	struct batch *out; /* NULL: sends nothing but its login */

	unsigned from;        /* the sender whose texts it gets */
	uint64_t got;         /* texts; also the number of the next */
	char want[STAMP_LEN]; /* the stamp of the next */

	char head[HEAD_MAX]; /* what came before the last text, */
	size_t head_len;     /* and most likely comes before the next */

	char *rest; /* owned; the beginning of an item, or NULL */
	size_t rest_len;
};

struct load {
	const struct proto *proto;
	struct sockaddr_in address;
	int epoll;
	size_t size;          /* of texts, in bytes */
	uint64_t run_ns;      /* how long to measure */
	uint64_t warm_ns;     /* how long to run before that */
	size_t count;         /* of pairs or readers */
	size_t idle;          /* clients that only sit there */
	size_t window;        /* bytes under way to a reader; 0: no bound */
	size_t inflight;      /* logins at a time */
	unsigned stalled;     /* percent of the readers */
	bool names;           /* fan-out by a list of names */
	pid_t server;         /* 0: not known */
	struct conn *conn;    /* owned; conn_count of them */
	size_t conn_count;    /* used so far */
	size_t conn_max;      /* room */
	uint64_t got;         /* texts by all, idle ones aside */
	size_t ready;         /* clients that are in */
	unsigned next_source; /* which address to connect from */
	char *scratch;        /* owned; what is being read */
};

/* Gives a client of the array its name and forgets what it was before. */
void conn_init(struct conn *c, struct load *l, char kind, unsigned number);

/* Begins to connect. */
void conn_open(struct conn *c);
void conn_close(struct conn *c);

/* Reads no more. */
void conn_stall(struct conn *c);

/* From now on it gets the texts of that sender, from number 0. */
void conn_expect(struct conn *c, unsigned sender);

/* Writes what waits; asks epoll for more room if there is none. */
void conn_flush(struct conn *c);

/* Fills n texts into its batch, which is idle, and writes them. */
void conn_send(struct conn *c, size_t n);

/* One wait for events, of at most timeout milliseconds, and all they bring. */
void load_round(struct load *l, int timeout);

/* ---- crowd.c ---- */

/* Room for count clients in all; before the first. */
void crowd_reserve(struct load *l, size_t count);

/* The next count clients of the array, numbered from number on. */
struct conn *crowd_add(
    struct load *l, char kind, unsigned number, size_t count);

/* Lets those of count clients come in, l->inflight at a time. */
void crowd_enter(struct load *l, struct conn *first, size_t count);

/* ---- scenarios ---- */

void scen_pingpong(struct load *l);
void scen_stream(struct load *l);
void scen_fan(struct load *l);
void scen_logins(struct load *l);
void scen_crowd(struct load *l);

/* Parts of scen_crowd: with whoever is in already. */
void scen_pingpong_part(struct load *l);
void scen_logins_part(struct load *l);

#endif
