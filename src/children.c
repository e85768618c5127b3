/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

#include "children.h"

#include "process.h"
#include "record.h"

bool
children_init(struct children *c, size_t max)
{
	size_t i;

	*c = (struct children){0};
	c->max = max;
	c->size = 64;
	while (c->size < max)
		c->size *= 2;
	c->slots = process_own_memory(c->size * sizeof *c->slots);
	c->chains = process_own_memory(c->size * sizeof *c->chains);
	if (c->slots == NULL || c->chains == NULL)
		return false;
	for (i = 0; i + 1 < c->size; i++)
		c->slots[i].next = i + 2;
	c->free = 1;
	return true;
}

uint64_t
children_reserve(struct children *c)
{
	size_t slot;

	if (c->count >= c->max || c->free == 0)
		return 0;
	slot = c->free - 1;
	c->free = c->slots[slot].next;
	c->count++;
	c->slots[slot].id = ++c->generation << SESSION_SLOT_BITS | slot;
	return c->slots[slot].id;
}

static size_t *
chain(struct children *c, pid_t pid)
{
	return &c->chains[(size_t)pid & (c->size - 1)];
}

void
children_bind(struct children *c, uint64_t id, pid_t pid)
{
	struct child *child = &c->slots[SESSION_SLOT(id)];
	size_t *first = chain(c, pid);

	child->pid = pid;
	child->next = *first;
	*first = SESSION_SLOT(id) + 1;
}

static void
release(struct children *c, size_t slot)
{
	c->slots[slot].pid = 0;
	c->slots[slot].id = 0;
	c->slots[slot].next = c->free;
	c->free = slot + 1;
	c->count--;
}

void
children_unreserve(struct children *c, uint64_t id)
{
	release(c, SESSION_SLOT(id));
}

uint64_t
children_take(struct children *c, pid_t pid)
{
	size_t *at = chain(c, pid), slot;
	uint64_t id;

	while (*at != 0 && c->slots[*at - 1].pid != pid)
		at = &c->slots[*at - 1].next;
	if (*at == 0)
		return 0;
	slot = *at - 1;
	*at = c->slots[slot].next;
	id = c->slots[slot].id;
	release(c, slot);
	return id;
}

bool
children_has(const struct children *c, pid_t pid)
{
	size_t at = c->chains[(size_t)pid & (c->size - 1)];

	while (at != 0 && c->slots[at - 1].pid != pid)
		at = c->slots[at - 1].next;
	return at != 0;
}

pid_t
children_pid(const struct children *c, uint64_t id)
{
	size_t slot = SESSION_SLOT(id);

	if (slot >= c->size || c->slots[slot].id != id)
		return 0;
	return c->slots[slot].pid;
}

pid_t
children_next(const struct children *c, size_t *at)
{
	while (*at < c->size)
		if (c->slots[(*at)++].pid != 0)
			return c->slots[*at - 1].pid;
	return 0;
}
