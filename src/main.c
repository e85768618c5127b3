/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * The command line, and everything that needs the rights telld was started
 * with: configuration, listening sockets, directories, the pidfile.  Then the
 * parent takes over.
 */
#define _GNU_SOURCE
#include "config.h"
#include "journal.h"
#include "listener.h"
#include "log.h"
#include "parent.h"
#include "pidfile.h"
#include "title.h"
#include "version.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define USAGE                                                                  \
	"usage: telld [-dtVhv] [-c FILE] [-l ADDRESS]... "                     \
	"[-o KEY=VALUE]... [-p PIDFILE]"

#define DEFAULT_FILE "/etc/telld.conf"

#define LOCK_PATIENCE_MS 3000 /* beyond linger */
#define LOCK_TRY_MS      50

struct options {
	const char *file;    /* NULL: the default one, if it is there */
	const char *pidfile; /* NULL: none */
	bool daemon, test;
	struct config_errors *errors;
};

static _Noreturn void
usage(void)
{
	fprintf(stderr, "%s\n", USAGE);
	exit(2);
}

static _Noreturn void
help(void)
{
	puts(USAGE);
	puts(
	    "telld passes lines between nc and telnet clients, by name.\n"
	    "  -c FILE       configuration (" DEFAULT_FILE ")\n"
	    "  -d            run in the background, once ready\n"
	    "  -h            this help\n"
	    "  -l ADDRESS    listen on 127.0.0.1:8080, [::1]:8080, *:8080, "
	    "unix:PATH;\n"
	    "                port 0: any free one\n"
	    "  -o KEY=VALUE  set a key of telld.conf(5)\n"
	    "  -p PIDFILE    write the process id there, and lock it\n"
	    "  -t            check the configuration, say what is wrong, exit\n"
	    "  -V            say the version, exit\n"
	    "  -v            log every step");
	exit(0);
}

/* A file is read first, whatever the order of options: they override it. */
static void
read_options(int argc, char **argv, struct config *c, struct options *o)
{
	const char *letters = ":c:dhl:o:p:tVv";
	int ch;

	while ((ch = getopt(argc, argv, letters)) != -1) {
		switch (ch) {
		case 'c': o->file = optarg; break;
		case 'd': o->daemon = true; break;
		case 'h': help();
		case 'p': o->pidfile = optarg; break;
		case 't': o->test = true; break;
		case 'V': puts("telld " TELLD_VERSION); exit(0);
		case 'l':
		case 'o':
		case 'v': break;
		default: usage();
		}
	}
	if (optind != argc)
		usage();
	config_read_file(c, o->file != NULL ? o->file : DEFAULT_FILE,
	    o->file != NULL, o->errors);
	optind = 1;
	while ((ch = getopt(argc, argv, letters)) != -1) {
		if (ch == 'l')
			config_set(c, "listen", optarg, "-l", o->errors);
		if (ch == 'o')
			config_set_pair(c, optarg, "-o", o->errors);
		if (ch == 'v')
			c->log_level = LOG_LEVEL_DEBUG;
	}
}

/* All directories on the way to path; the last one is for its owner only. */
static bool
make_directories(const char *path)
{
	char part[CONFIG_VALUE_MAX];
	char *slash = part;

	snprintf(part, sizeof part, "%s", path);
	while ((slash = strchr(slash + 1, '/')) != NULL) {
		*slash = '\0';
		if (mkdir(part, 0755) == -1 && errno != EEXIST)
			return false;
		*slash = '/';
	}
	return mkdir(part, 0700) == 0 || errno == EEXIST;
}

/*
 * The journal is ours alone from here on.  An earlier telld that was killed
 * may still be delivering what it holds: that is waited for.
 */
static int
lock_store(const struct config *c)
{
	int64_t left = c->linger + LOCK_PATIENCE_MS;
	int fd;

	if (!config_keeps_mail(c))
		return -1;
	if (!make_directories(c->store))
		fatal("fail what=store path=%s error=%s", c->store,
		    strerror(errno));
	while ((fd = journal_lock(c->store)) == -1 && errno == EWOULDBLOCK &&
	       left > 0) {
		(void)poll(NULL, 0, LOCK_TRY_MS);
		left -= LOCK_TRY_MS;
	}
	if (fd == -1)
		fatal("fail what=store path=%s error=%s", c->store,
		    errno == EWOULDBLOCK ? "another telld uses it"
					 : strerror(errno));
	return fd;
}

/* ---- what is seen of telld in the file system ---- */

static struct {
	pid_t owner; /* 0: nobody yet */
	struct listener listeners[PARENT_LISTENERS_MAX], control;
	size_t count;
	const char *pidfile;
	int pidfile_fd; /* -1: there is none */
} traces = {.control = {.fd = -1}, .pidfile_fd = -1};

/* At every exit(3): after a stop, and after a start that failed half way.
 * Children may call exit(3) too, and take nothing away. */
static void
remove_traces(void)
{
	size_t i;

	if (getpid() != traces.owner)
		return;
	for (i = 0; i < traces.count; i++)
		listener_close_and_unlink(&traces.listeners[i]);
	listener_close_and_unlink(&traces.control);
	if (traces.pidfile_fd != -1)
		pidfile_remove(traces.pidfile, traces.pidfile_fd);
}

static void
own_traces(void)
{
	traces.owner = getpid();
	if (atexit(remove_traces) != 0)
		fatal("fail what=memory");
}

static void
open_pidfile(const char *path)
{
	int fd = pidfile_open(path);

	if (fd == -1)
		fatal("fail what=pidfile path=%s error=%s", path,
		    errno == EAGAIN ? "another telld runs" : strerror(errno));
	traces.pidfile = path;
	traces.pidfile_fd = fd;
}

static void
open_listeners(const struct config *c)
{
	char why[LISTENER_WHY_MAX];
	size_t i;
	int n;

	for (i = 0; i < c->listen_count; i++) {
		n = listener_open_text(traces.listeners + traces.count,
		    c->listen[i], c->unix_mode, why);
		if (n == -1)
			fatal("fail what=listen address=%s error=%s",
			    c->listen[i], why);
		traces.count += (size_t)n;
	}
}

static void
open_control(const struct config *c)
{
	char why[LISTENER_WHY_MAX], directory[sizeof c->control];
	struct address address;
	const char *reason;
	char *slash;

	snprintf(directory, sizeof directory, "%s", c->control);
	slash = strrchr(directory, '/');
	if (slash != NULL && slash != directory) {
		*slash = '\0';
		(void)make_directories(directory);
	}
	if (!address_from_path(c->control, &address, &reason))
		fatal("fail what=control path=%s error=%s", c->control, reason);
	if (listener_open(&traces.control, &address, 0600, why) == -1)
		fatal("fail what=control error=%s", why);
}

/* ---- -d ---- */

/* The child tells whoever started it how the start went: a byte, the exit
 * status.  Nothing, if it died. */
static void
tell_started(void *arg)
{
	const int *fd = arg;
	char status = 0;

	(void)!write(*fd, &status, 1);
	close(*fd);
}

/* Before any fork: a child that kept them would keep a shell's $(...) waiting
 * for their end. */
static void
let_go_of_terminal(void)
{
	int null = open("/dev/null", O_RDWR);

	if (null == -1)
		fatal(
		    "fail what=open path=/dev/null error=%s", strerror(errno));
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	close(null);
	setsid();
}

static int
detach(void)
{
	int fd[2];
	char status = 1;
	pid_t pid;

	if (pipe2(fd, O_CLOEXEC) == -1)
		fatal("fail what=pipe error=%s", strerror(errno));
	pid = fork();
	if (pid == -1)
		fatal("fail what=fork error=%s", strerror(errno));
	if (pid > 0) {
		close(fd[1]);
		if (read(fd[0], &status, 1) != 1)
			status = 1;
		_exit(status);
	}
	close(fd[0]);
	let_go_of_terminal();
	return fd[1];
}

/* Descriptors 0 to 2 are somebody's, so that no socket takes their place. */
static void
fill_standard(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= 2);
	if (fd > 2)
		close(fd);
}

int
main(int argc, char **argv)
{
	static struct config config;
	static struct config_errors errors;
	struct options o = {.errors = &errors};
	struct parent_start start = {0};
	int started;

	fill_standard();
	title_init(argc, argv);
	config_errors_clear(&errors);
	config_defaults(&config);
	read_options(argc, argv, &config, &o);
	if (!config_finish(&config, &errors)) {
		fputs(errors.text, stderr);
		return 2;
	}
	if (o.test) {
		puts("the configuration is fine");
		return 0;
	}
	started = o.daemon ? detach() : -1;
	log_open("parent");
	log_set_level(config.log_level);
	own_traces();
	if (o.pidfile != NULL)
		open_pidfile(o.pidfile);
	start.lock = lock_store(&config);
	start.config = &config;
	open_listeners(&config);
	open_control(&config);
	start.listeners = traces.listeners;
	start.count = traces.count;
	start.control = &traces.control;
	start.ready_fd = config.ready_fd;
	start.ready = o.daemon ? tell_started : NULL;
	start.arg = &started;
	return parent_run(&start);
}
