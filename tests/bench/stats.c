/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/* Clocks, percentiles, and what /proc says of memory: proc(5). */
#include "load.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sys/resource.h>

/* A system at rest changes by less than this much, in KiB ... */
#define REST_KIB 1024
/* ... from one look to the next, so many times in a row. */
#define REST_LOOKS 4
#define LOOK_NS    (100 * 1000 * 1000)
#define LOOKS_MAX  60

/* Processes whose memory is looked at: it takes a while for each. */
#define CHILDREN_MAX 500

uint64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static uint64_t
timeval_ns(struct timeval t)
{
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_usec * 1000;
}

uint64_t
cpu_ns(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return timeval_ns(u.ru_utime) + timeval_ns(u.ru_stime);
}

void
samples_init(struct samples *s, size_t max)
{
	*s = (struct samples){.max = max};
	s->value = malloc(max * sizeof(*s->value));
	if (s->value == NULL)
		die("out of memory");
}

void
samples_add(struct samples *s, uint64_t ns)
{
	if (s->count < s->max)
		s->value[s->count++] =
		    ns > UINT32_MAX ? UINT32_MAX : (uint32_t)ns;
}

static int
compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

void
samples_print(struct samples *s, const char *name)
{
	static const unsigned percent[] = {50, 99};
	char key[64];

	if (s->count == 0)
		die("%s: nothing was measured", name);
	qsort(s->value, s->count, sizeof(*s->value), compare);
	for (size_t i = 0; i < 2; i++) {
		size_t at = s->count * percent[i] / 100;

		snprintf(key, sizeof(key), "%s_p%u_us", name, percent[i]);
		print_figure(key, s->value[at] / 1e3);
	}
}

/* The number after KEY in a file of `KEY: NUMBER kB`; -1 if it is not there. */
static long
read_kib(const char *path, const char *key)
{
	FILE *f = fopen(path, "re");
	char line[256];
	long value = -1;

	if (f == NULL)
		return -1;
	while (value < 0 && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, key, strlen(key)) == 0)
			value = strtol(line + strlen(key), NULL, 10);
	fclose(f);
	return value;
}

long
memory_settled(void)
{
	const struct timespec look = {.tv_nsec = LOOK_NS};
	long last = 0, now = 0;

	for (int i = 0, rest = 0; i < LOOKS_MAX && rest < REST_LOOKS; i++) {
		now = read_kib("/proc/meminfo", "MemAvailable:");
		rest = labs(now - last) < REST_KIB ? rest + 1 : 0;
		last = now;
		nanosleep(&look, NULL);
	}
	return now;
}

static pid_t
parent_of(pid_t pid)
{
	char path[64], line[512];
	const char *after = NULL;
	pid_t parent = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (f == NULL)
		return 0;
	if (fgets(line, sizeof(line), f) != NULL)
		after = strrchr(line, ')'); /* the name may hold anything */
	if (after != NULL && strlen(after) > 4)
		parent = (pid_t)strtol(after + 4, NULL, 10);
	fclose(f);
	return parent;
}

struct dirty {
	long total, largest, second, count;
};

static void
dirty_add(struct dirty *d, pid_t pid)
{
	char path[64];
	long kib;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	kib = read_kib(path, "Private_Dirty:");
	if (kib < 0)
		return;
	d->total += kib;
	d->count++;
	if (kib > d->largest) {
		d->second = d->largest;
		d->largest = kib;
	} else if (kib > d->second) {
		d->second = kib;
	}
}

void
memory_of_children(pid_t server)
{
	struct dirty d = {0, 0, 0, 0};
	DIR *proc = opendir("/proc");
	struct dirent *entry;

	if (proc == NULL)
		die("/proc: %s", strerror(errno));
	while (d.count < CHILDREN_MAX && (entry = readdir(proc)) != NULL) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (pid > 0 && parent_of(pid) == server)
			dirty_add(&d, pid);
	}
	closedir(proc);
	if (d.count < 100)
		return; /* no process per client here */
	print_figure("dirty_mean_kib",
	    (double)(d.total - d.largest) / (double)(d.count - 1));
	print_figure("dirty_max_kib", (double)d.second);
}

void
print_figure(const char *key, double value)
{
	printf("%s %.2f\n", key, value);
	fflush(stdout);
}

static void
say(const char *fmt, va_list args)
{
	fputs("load: ", stderr);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
}

void
die(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(fmt, args);
	va_end(args);
	exit(1);
}

void
not_applicable(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(fmt, args);
	va_end(args);
	exit(3);
}
