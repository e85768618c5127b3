/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * peer.h - a session as the broker sees it, and the bytes to and from it.
 *
 * A peer is in the map from the moment its channel arrives until end of file
 * on that channel: its write side has finished, and only now, exactly once,
 * it is removed (leave.h), by identity and never by name.
 *
 * The functions here move records.  What a line means is decided above, in
 * login.c and route.c.
 */
#ifndef PEER_H
#define PEER_H

#include "log.h"
#include "names.h"
#include "outbox.h"
#include "record.h"
#include "rooms.h"
#include "timer.h"

#include <sys/queue.h>
#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct broker;
struct ignored;
struct receipt;

/* What a poller event belongs to: the first field of every owner. */
enum watch {
	WATCH_PARENT,
	WATCH_STORE,
	WATCH_SIGNALS,
	WATCH_CONTROL,
	WATCH_CONTROL_CLIENT,
	WATCH_PEER,
};

enum peer_state {
	PEER_NAMING,  /* its next line is its name */
	PEER_WAITING, /* it wants a name that somebody holds */
	PEER_HERE,    /* logged in */
};

/* Why no further line of a peer is carried out for now. */
enum peer_pause {
	PAUSE_NOT,
	PAUSE_NAME,     /* its name is not decided yet */
	PAUSE_READER,   /* the reader it writes to has much to read already */
	PAUSE_STORE,    /* the store has much to write already */
	PAUSE_RECEIPTS, /* too many of its receipts are open */
};

LIST_HEAD(peer_list, peer); /* queue(3) */

/* Bytes of what a person was sent that stay for /last. */
#define PEER_KEEP 8192

#define PEER_HEAD_MAX   128 /* small records and one TEXT header */
#define PEER_PREFIX_MAX (NAME_MAX_LEN + 8)

struct peer {
	enum watch watch; /* WATCH_PEER */
	int fd;           /* -1 when closed */
	uint64_t id;      /* identity: never used twice */
	pid_t pid;
	int pid_status; /* as waitpid(2) gave it, once pid_reaped */
	bool pid_reaped;
	char address[PEER_ADDRESS_MAX];
	LIST_ENTRY(peer) all; /* in broker->peers, until it is gone */

	/* who */
	enum peer_state state;
	struct name *name; /* held if here, wanted if waiting, else NULL */
	struct peer *next_waiter;
	char prefix[PEER_PREFIX_MAX]; /* "from NAME": what its lines begin with
	                               */
	uint8_t prefix_len;
	uint8_t bad_names;
	bool is_person;        /* it was silent at first, and greeted */
	bool is_counted;       /* in broker->here_count */
	uint32_t since;        /* when it logged in, seconds since 1970 */
	uint32_t heard;        /* when its last line came, likewise */
	struct memberships in; /* the rooms that it is in */
	char *farewell; /* owned; what /quit said, for its rooms, or NULL */
	struct ignored *ignored; /* owned; NULL: nobody */

	/* down */
	struct outbox out;  /* what it will be sent */
	struct outbox held; /* newer messages, while its mail is fetched */
	size_t frame_left;  /* bytes of the TEXT record begun, still to go */
	char head[PEER_HEAD_MAX]; /* small records and a header, being sent */
	uint8_t head_at, head_used;
	bool name_due, probe_due, end_input_due; /* records still to be sent */
	uint8_t probe_what;                      /* enum probe */
	uint32_t credit_due;      /* bytes carried out, not yet given back */
	unsigned interest;        /* POLLER_*, as the poller has it */
	bool is_touched;          /* something waits to be flushed ... */
	LIST_ENTRY(peer) touched; /* ... in broker->touched */

	/* up */
	char *partial; /* owned; the beginning of a record */
	size_t partial_used;
	char *pending; /* owned; whole records, while paused */
	size_t pending_used, pending_size;
	size_t uncarried; /* bytes of lines that came and were not carried
	                   * out: at most UP_CREDIT and one record */
	enum peer_pause pause;
	bool is_paused;           /* is listed with what it waits for ... */
	LIST_ENTRY(peer) paused;  /* ... a reader's writers, or the store's */
	bool is_resumed;          /* what is pending is to be carried out ... */
	LIST_ENTRY(peer) resumed; /* ... in broker->resumed */
	bool input_ended;
	bool quit; /* said so: no further line of it is carried out */

	/* as a reader */
	struct peer_list writers; /* who waits for it */
	uint64_t moved_at;        /* when a confirmation last came, or was begun
	                           * to be waited for */

	/* mail */
	bool fetching;    /* mail is on its way, or will be */
	bool fetch_asked; /* the store was asked, and has not finished */
	uint64_t fetched; /* position of the last mail that came */
	bool fetched_any; /* it was sent mail: the store is to be told
	                   * when it leaves */

	/* receipts that its lines wait for */
	LIST_HEAD(receipt_list, receipt) receipts;
	uint32_t receipts_open;

	/* the way out */
	bool closing;      /* decided; nothing new is put into its outbox */
	bool shut;         /* its channel is half-closed */
	bool gone;         /* EOF; about to be removed */
	bool killed;       /* the parent was asked to */
	const char *why;   /* a word for the log: why it was let go */
	uint32_t returned; /* copies that were handed back */
	char shown[LOG_ESCAPED_SIZE(NAME_MAX_LEN)]; /* its name, when gone */
	bool probed;                                /* a probe is under way */

	/* deadlines, in milliseconds; 0: none.  One timer serves them all. */
	uint64_t login_by, answer_by, close_by, look_at;
	struct timer timer;
};

/* A new peer around the broker's end of a session's channel, which it owns
 * from now on.  NULL without memory; fd is then closed. */
struct peer *peer_new(
    struct broker *b, int fd, const struct parent_session *session);

/* End of file: closes its descriptor and gives its buffers back.  Everything
 * that points at it was dealt with before.  What is left is what the log will
 * want once the parent has reaped the session; then peer_free(). */
void peer_close(struct broker *b, struct peer *p);
void peer_free(struct broker *b, struct peer *p);

/* The session with that identity, if its exit is not yet known; and that it is
 * known now. */
struct peer *peer_by_id(const struct broker *b, uint64_t id);
void peer_forget_id(struct broker *b, const struct peer *p);

/* The session has something to say, or has finished. */
void peer_readable(struct broker *b, struct peer *p);

/* Sends what waits, as much as there is room for; half-closes a closing
 * peer's channel once all is sent. */
void peer_flush(struct broker *b, struct peer *p);

/* It has something to be flushed in this round. */
void peer_touch(struct broker *b, struct peer *p);

/* The server's own line to a peer; nothing happens if it is closing. */
void peer_say(struct broker *b, struct peer *p, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The same, len bytes with their LF, even at queue_max; false without memory.
 */
bool peer_put_news(
    struct broker *b, struct peer *p, const char *line, size_t len);

/* No further line is carried out until peer_resume(); list: the head of the
 * list to wait in, or NULL. */
void peer_pause(struct peer *p, enum peer_pause why, struct peer_list *list);
void peer_resume(struct broker *b, struct peer *p);

/* Resumes all peers in a list. */
void peers_resume(struct broker *b, struct peer_list *list);

/* Carries out what a peer had sent before it was paused. */
void peer_carry_pending(struct broker *b, struct peer *p);

/* Sets the peer's timer to the earliest of its deadlines. */
void peer_set_timer(struct broker *b, struct peer *p);

/* A session broke the rules: it is logged, killed and removed. */
void peer_violation(struct broker *b, struct peer *p, const char *what);

/* The name for the log, escaped; `-` if it has none.  Static storage. */
const char *peer_shown(const struct peer *p);

#endif
