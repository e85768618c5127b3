/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * torture - nothing accepted is lost, whatever is done to whom.
 *
 * Senders write numbered lines and collect receipts; receivers stall, reset,
 * vanish and come again; and by a schedule that follows from the seed,
 * sessions, store, broker, parent or all of them get SIGKILL.  At the end all
 * mail is read, and every line that was answered `delivered` or `stored` must
 * have been seen by its receiver, in the order it was sent in, and a second
 * time only with `again` in its head.
 *
 * With --gentle senders and broker are spared: then every line of a sender
 * that was let go in peace must be found, whether it was answered or not.
 */
#define _GNU_SOURCE
#include "torture.h"

#include <sys/prctl.h>
#include <sys/stat.h>

#include <errno.h>
#include <ftw.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TURN_MS     2
#define AUDIT_MS    700
#define FAULTS_TOLD 20
#define LAST_MS     60000 /* for each step of the end */
#define BAR         40

#define USAGE                                                                  \
	"usage: torture [--seed N] [--seconds N] [--senders N] "               \
	"[--receivers N] [--rate N]\n"                                         \
	"               [--kills-per-second N] [--gentle] [--keep] "           \
	"TELLD [ARGUMENT]...\n"

static struct torture torture;

/* ---- what happened ---- */

void
event(struct torture *t, const char *fmt, ...)
{
	struct event *e;
	va_list ap;

	if (t->event_count == t->event_size) {
		t->event_size = t->event_size == 0 ? 256 : 2 * t->event_size;
		e = realloc(t->events, t->event_size * sizeof *e);
		if (e == NULL)
			abort();
		t->events = e;
	}
	e = &t->events[t->event_count++];
	e->at = (uint32_t)t->now;
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof e->text, fmt, ap);
	va_end(ap);
}

void
fault(struct torture *t, const char *fmt, ...)
{
	va_list ap;

	if (t->faults++ >= FAULTS_TOLD)
		return;
	fprintf(stderr, "torture: FAULT at %.3f: ", (double)t->now / 1e3);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

/* ---- the loop ---- */

static uint64_t
clock_ms(void)
{
	static uint64_t start;
	struct timespec ts;
	uint64_t ms;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	ms = (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
	if (start == 0)
		start = ms;
	return ms - start;
}

struct pollfd *
watch(struct torture *t, int fd, short events)
{
	struct pollfd *p = &t->pfds[t->pfd_count++];

	*p = (struct pollfd){fd, events, 0};
	return p;
}

static void
audit_now_and_then(struct torture *t)
{
	static uint64_t next;

	if (t->ask.fd != -1 || t->now < next || t->daemon.state != UP)
		return;
	if (t->ask.answered)
		(void)ask_audit(t, &t->audit);
	next = t->now + AUDIT_MS;
	(void)ask_begin(t, "audit");
}

static void
turn(struct torture *t)
{
	unsigned i;

	t->now = clock_ms();
	t->pfd_count = 0;
	daemon_turn(t);
	plan_turn(t);
	for (i = 0; i < t->o.receivers; i++)
		receiver_turn(t, &t->receivers[i]);
	for (i = 0; i < t->o.senders; i++)
		sender_turn(t, &t->senders[i]);
	ask_turn(t);
	if (poll(t->pfds, t->pfd_count, TURN_MS) == -1)
		return;
	t->now = clock_ms();
	daemon_ready(t);
	for (i = 0; i < t->o.receivers; i++)
		receiver_ready(t, &t->receivers[i]);
	for (i = 0; i < t->o.senders; i++)
		sender_ready(t, &t->senders[i]);
	ask_ready(t);
}

/* ---- waiting ---- */

static _Noreturn void verdict(struct torture *t);

static uint64_t
kills(const struct torture *t)
{
	uint64_t n = 0;
	unsigned i;

	for (i = 0; i < STOP; i++)
		n += t->plan.done[i];
	return n;
}

static void
bar(const struct torture *t)
{
	static uint64_t next;
	unsigned long done = t->now * BAR / (t->o.seconds * 1000UL);

	if (t->now < next || !isatty(STDOUT_FILENO))
		return;
	next = t->now + 200;
	if (done > BAR)
		done = BAR;
	printf("\r[%.*s%*s] %llu messages, %llu kills ", (int)done,
	    "########################################", (int)(BAR - done), "",
	    (unsigned long long)t->messages, (unsigned long long)kills(t));
	fflush(stdout);
}

typedef bool until_fn(struct torture *t);

/* Goes on until it is so; a step of the end that takes too long ends all. */
static void
go_until(struct torture *t, until_fn *fn, const char *what)
{
	uint64_t by = t->now + LAST_MS;

	while (!fn(t)) {
		turn(t);
		if (t->now < by && t->now < t->give_up_at)
			continue;
		fault(t, "waited in vain: %s", what);
		verdict(t);
	}
}

static void
go_for(struct torture *t, uint64_t ms)
{
	uint64_t end = t->now + ms;

	while (t->now < end && t->now < t->give_up_at) {
		turn(t);
		audit_now_and_then(t);
		bar(t);
	}
	if (t->now >= t->give_up_at)
		verdict(t);
}

/* Asks until an answer comes. */
static void
ask(struct torture *t, const char *question, until_fn *read)
{
	uint64_t by = t->now + LAST_MS;
	bool asked = false;

	do {
		if (t->now >= by || t->now >= t->give_up_at) {
			fault(t, "no answer to %s", question);
			verdict(t);
		}
		turn(t);
		while (t->ask.fd != -1)
			turn(t);
		if (asked && read(t))
			return;
		asked = t->daemon.state == UP && ask_begin(t, question);
	} while (true);
}

static bool
read_audit(struct torture *t)
{
	return ask_audit(t, &t->audit);
}

static void
audit(struct torture *t)
{
	ask(t, "audit", read_audit);
}

static bool
is_up(struct torture *t)
{
	return t->daemon.state == UP && !t->daemon.stopping;
}

static bool
all_are_here(struct torture *t)
{
	unsigned i;

	for (i = 0; i < t->o.receivers; i++)
		if (t->receivers[i].state != HERE &&
		    !t->receivers[i].stays_away)
			return false;
	return is_up(t);
}

static bool
the_absent_are_away(struct torture *t)
{
	unsigned i;

	for (i = 0; i < t->o.receivers; i++)
		if (t->receivers[i].state != AWAY && t->receivers[i].stays_away)
			return false;
	return true;
}

static bool
senders_have_finished(struct torture *t)
{
	unsigned i;

	for (i = 0; i < t->o.senders; i++)
		if (!t->senders[i].finished)
			return false;
	return true;
}

static bool
is_gone(struct torture *t)
{
	return daemon_is_gone(t);
}

static bool
nothing_in_flight(struct torture *t)
{
	audit(t);
	return t->audit.in_flight == 0;
}

static bool
nothing_left(struct torture *t)
{
	audit(t);
	return t->audit.in_flight == 0 && t->audit.stored == 0;
}

/* ---- the phases ---- */

static void
everybody_rests(struct torture *t, bool rests)
{
	unsigned i;

	for (i = 0; i < t->o.senders; i++)
		t->senders[i].resting = rests;
}

/* Every second one, or nobody. */
static void
some_go_away(struct torture *t, bool away)
{
	unsigned i;

	for (i = 0; i < t->o.receivers; i += 2) {
		t->receivers[i].stays_away = away;
		if (away && t->receivers[i].state == HERE)
			receiver_quit(&t->receivers[i], 0);
	}
}

/* All have been here once: their names are known, and that is on disk. */
static void
begin(struct torture *t)
{
	go_until(t, is_up, "telld to start");
	go_until(t, all_are_here, "the receivers to come");
	go_for(t, 300);
	everybody_rests(t, false);
}

static void
let_all_recover(struct torture *t)
{
	unsigned i;

	t->faults_on = false;
	for (i = 0; i < t->o.receivers; i++)
		t->receivers[i].stalled_until = 0;
	go_until(t, is_up, "telld to be up again");
	go_until(t, all_are_here, "the receivers to come again");
}

/* What some missed waits for them over a stop and a start. */
static void
finish(struct torture *t)
{
	unsigned i;

	some_go_away(t, true);
	go_until(t, the_absent_are_away, "some receivers to leave");
	go_for(t, 500);
	for (i = 0; i < t->o.senders; i++)
		t->senders[i].to_finish = true;
	go_until(t, senders_have_finished, "the senders' last answers");
	go_until(t, nothing_in_flight, "the last lines to arrive");
	(void)daemon_stop(t);
	go_until(t, is_gone, "telld to stop");
}

/* Nobody is here: what tellctl would show of the store. */
static void
look_into_the_store(struct torture *t)
{
	uint64_t mail = 0;
	unsigned i;

	audit(t);
	ask(t, "mail", ask_mail);
	for (i = 0; i < t->o.receivers; i++) {
		mail += t->receivers[i].mail;
		t->receivers[i].from_store = 0;
	}
	if (mail != t->audit.stored || mail != t->audit.restored)
		fault(t, "%llu lines in the mailboxes, %llu in the books",
		    (unsigned long long)mail,
		    (unsigned long long)t->audit.stored);
}

static void
everybody_stays_away(struct torture *t, bool away)
{
	unsigned i;

	for (i = 0; i < t->o.receivers; i++)
		t->receivers[i].stays_away = away;
}

static void
read_all_mail(struct torture *t)
{
	const struct receiver *r;

	everybody_stays_away(t, true);
	go_until(t, is_up, "telld to start again");
	look_into_the_store(t);
	everybody_stays_away(t, false);
	go_until(t, all_are_here, "the receivers to read their mail");
	go_until(t, nothing_left, "the receivers to have all mail");
	for (r = t->receivers; r < t->receivers + t->o.receivers; r++)
		if (r->from_store != r->mail)
			fault(t, "r%u had %llu lines of mail, and read %llu",
			    r->index, (unsigned long long)r->mail,
			    (unsigned long long)r->from_store);
	everybody_stays_away(t, true);
	(void)daemon_stop(t);
	go_until(t, is_gone, "telld to stop");
}

/* ---- the verdict ---- */

static void
print_counts(const struct torture *t)
{
	unsigned i;

	printf("%llu copies, %llu tags: %llu delivered, %llu stored, "
	       "%llu refused; %llu lines seen, %llu of them again\n",
	    (unsigned long long)t->copies, (unsigned long long)t->tags,
	    (unsigned long long)t->delivered, (unsigned long long)t->stored,
	    (unsigned long long)t->refused, (unsigned long long)t->seen,
	    (unsigned long long)t->again);
	for (i = 0; i < FAULTS; i++)
		printf("%s%s %llu",
		    i == 0       ? "killed: "
		    : i == STOP  ? "; stopped: "
		    : i == KILLS ? "; people: "
				 : ", ",
		    i == STOP ? "telld" : fault_names[i],
		    (unsigned long long)t->plan.done[i]);
	printf("\n%u starts of telld, %u tried again, %u times given up; "
	       "%llu too slow, %llu takeovers, %llu names taken; "
	       "%llu audits\n",
	    t->daemon.starts, t->daemon.failed_starts, t->daemon.gave_up,
	    (unsigned long long)t->too_slow, (unsigned long long)t->takeovers,
	    (unsigned long long)t->taken_name, (unsigned long long)t->audits);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void
write_history(const struct torture *t)
{
	char path[128];
	FILE *out;
	size_t i;

	snprintf(path, sizeof path, "%s/history", t->daemon.directory);
	out = fopen(path, "w");
	if (out == NULL)
		return;
	for (i = 0; i < t->event_count; i++)
		fprintf(out, "%9.3f %s\n", t->events[i].at / 1e3,
		    t->events[i].text);
	fclose(out);
}

static _Noreturn void
verdict(struct torture *t)
{
	uint64_t missing;

	daemon_end_all(t);
	if (isatty(STDOUT_FILENO))
		printf("\r%*s\r", BAR + 40, "");
	fflush(stdout);
	daemon_check_log(t);
	missing = books_compare(t);
	print_counts(t);
	if (t->o.keep || t->faults > 0 || missing > 0) {
		write_history(t);
		printf("store, log and history: %s\n", t->daemon.directory);
	} else {
		nftw(t->daemon.directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	}
	printf("torture: %llu messages, %llu kills, %llu missing",
	    (unsigned long long)t->messages, (unsigned long long)kills(t),
	    (unsigned long long)missing);
	if (t->faults > 0)
		printf(", %u faults", t->faults);
	putchar('\n');
	exit(t->faults > 0 || missing > 0);
}

/* ---- the command line ---- */

static unsigned
count_option(const char *name, unsigned min, unsigned max)
{
	char *end;
	unsigned long n = strtoul(optarg, &end, 10);

	if (*optarg != '\0' && *end == '\0' && n >= min && n <= max)
		return (unsigned)n;
	fprintf(stderr, "torture: %s: %u to %u\n", name, min, max);
	exit(2);
}

static uint64_t
random_seed(void)
{
	struct timespec ts;
	uint64_t state;

	clock_gettime(CLOCK_REALTIME, &ts);
	state = (uint64_t)ts.tv_nsec ^ (uint64_t)ts.tv_sec << 20 ^
	        (uint64_t)getpid() << 40;
	return random_next(&state) >> 32;
}

static void
read_options(struct options *o, int argc, char **argv)
{
	static const struct option names[] = {{"seed", 1, NULL, 's'},
	    {"seconds", 1, NULL, 't'}, {"senders", 1, NULL, 'S'},
	    {"receivers", 1, NULL, 'R'}, {"rate", 1, NULL, 'r'},
	    {"kills-per-second", 1, NULL, 'k'}, {"gentle", 0, NULL, 'g'},
	    {"keep", 0, NULL, 'K'}, {0}};
	int ch;

	*o = (struct options){.seed = random_seed(),
	    .seconds = 30,
	    .senders = 8,
	    .receivers = 8,
	    .rate = 150,
	    .kills = 2};
	/* + stops at the first operand: what follows are telld's arguments. */
	while ((ch = getopt_long(argc, argv, "+", names, NULL)) != -1)
		switch (ch) {
		case 's': o->seed = strtoull(optarg, NULL, 0); break;
		case 't': o->seconds = count_option("seconds", 1, 86400); break;
		case 'S': o->senders = count_option("senders", 1, 64); break;
		case 'R':
			o->receivers = count_option("receivers", 1, 64);
			break;
		case 'r': o->rate = count_option("rate", 1, 100000); break;
		case 'k': o->kills = strtod(optarg, NULL); break;
		case 'g': o->gentle = true; break;
		case 'K': o->keep = true; break;
		default: fputs(USAGE, stderr); exit(2);
		}
	o->telld = argv + optind;
	o->telld_count = argc - optind;
	if (o->telld_count == 0) {
		fputs(USAGE, stderr);
		exit(2);
	}
}

int
main(int argc, char **argv)
{
	struct torture *t = &torture;
	unsigned i;

	read_options(&t->o, argc, argv);
	printf("torture: seed %llu, %u s, %u senders, %u receivers, %g kills a "
	       "second%s\n",
	    (unsigned long long)t->o.seed, t->o.seconds, t->o.senders,
	    t->o.receivers, t->o.kills, t->o.gentle ? ", gentle" : "");
	fflush(stdout);
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	t->ask.fd = -1;
	t->faults_on = true;
	t->give_up_at = t->o.seconds * UINT64_C(1000) + 2 * LAST_MS;
	daemon_init(t);
	if (!plan_make(t)) {
		perror("torture");
		return 2;
	}
	for (i = 0; i < t->o.senders; i++)
		sender_init(t, i);
	for (i = 0; i < t->o.receivers; i++)
		receiver_init(t, i);
	begin(t);
	go_for(t, t->o.seconds * UINT64_C(1000));
	let_all_recover(t);
	finish(t);
	read_all_mail(t);
	verdict(t);
}
