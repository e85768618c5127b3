/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

#define _GNU_SOURCE
#include "process.h"

#include "log.h"

#include <sys/mman.h>
#include <sys/resource.h>

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define KEEP_MAX 16

/* Signals wait until the child has handlers of its own: until then it has
 * its parent's, and the pipe that they write to. */
pid_t
process_fork(void)
{
	sigset_t all, before;
	pid_t pid;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid != 0)
		sigprocmask(SIG_SETMASK, &before, NULL);
	return pid;
}

static int
by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static void
close_from_to(int low, int high)
{
#ifdef __linux__
	if (close_range((unsigned)low, (unsigned)high, 0) == 0)
		return;
#endif
	if (high > (int)sysconf(_SC_OPEN_MAX))
		high = (int)sysconf(_SC_OPEN_MAX);
	for (; low <= high; low++)
		close(low);
}

/* Sorted, so that what lies between two that stay goes in one call. */
void
process_keep_only(const int *keep, size_t count)
{
	int sorted[KEEP_MAX], low = 3;
	size_t i, n = 0;

	for (i = 0; i < count && n < KEEP_MAX - 1; i++)
		sorted[n++] = keep[i];
	sorted[n++] = log_descriptor();
	qsort(sorted, n, sizeof sorted[0], by_number);
	for (i = 0; i < n; i++) {
		if (sorted[i] < low)
			continue;
		if (sorted[i] > low)
			close_from_to(low, sorted[i] - 1);
		low = sorted[i] + 1;
	}
	close_from_to(low, 0x7fffffff);
}

void *
process_own_memory(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
#ifdef MADV_DONTFORK
	(void)madvise(p, size, MADV_DONTFORK);
#endif
	return p;
}

size_t
process_raise_descriptors(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == -1)
		return 256;
	r.rlim_cur = r.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &r);
	if (getrlimit(RLIMIT_NOFILE, &r) == -1)
		return 256;
	return (size_t)r.rlim_cur;
}
