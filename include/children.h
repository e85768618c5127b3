/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * children.h - which session is which process, as the parent knows it.
 *
 * A table with as many slots as there may be sessions, made once: the parent
 * does not grow, and its children do not inherit it.
 */
#ifndef CHILDREN_H
#define CHILDREN_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct child {
	pid_t pid;   /* 0: the slot is free */
	uint64_t id; /* record.h, SESSION_SLOT */
	size_t next; /* free: the next free slot; else: in its chain */
};

struct children {
	struct child *slots; /* owned */
	size_t *chains;      /* owned; by pid, slot + 1, 0 at the end */
	size_t size, count;  /* size of both, a power of two */
	size_t max;          /* most that count may be */
	size_t free;         /* first free slot + 1, or 0 */
	uint64_t generation;
};

/* Room for max sessions.  False without memory. */
bool children_init(struct children *c, size_t max);

/* A new identity, for a session about to be forked; 0 if it is full.  It is
 * then bound to a pid, or given back. */
uint64_t children_reserve(struct children *c);
void children_bind(struct children *c, uint64_t id, pid_t pid);
void children_unreserve(struct children *c, uint64_t id);

/* Takes out the child with that pid: its id, or 0 if it is none of ours. */
uint64_t children_take(struct children *c, pid_t pid);

/* Whether a child has that pid. */
bool children_has(const struct children *c, pid_t pid);

/* The pid bound to that id, or 0. */
pid_t children_pid(const struct children *c, uint64_t id);

/* Each pid once, in no order: *at begins at 0; 0 at the end. */
pid_t children_next(const struct children *c, size_t *at);

#endif
