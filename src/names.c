/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

#include "names.h"

#include "hash.h"

#include <stdlib.h>
#include <string.h>

#define SIZE_MIN 64

bool
names_init(struct names *n)
{
	*n = (struct names){0};
	n->seed = hash_seed();
	n->chains = calloc(SIZE_MIN, sizeof(struct name *));
	if (n->chains == NULL)
		return false;
	n->size = SIZE_MIN;
	return true;
}

void
names_free(struct names *n)
{
	struct name *name, *next;
	size_t i;

	for (i = 0; i < n->size; i++)
		for (name = n->chains[i]; name != NULL; name = next) {
			next = name->next;
			free(name);
		}
	free(n->chains);
	*n = (struct names){0};
}

static struct name *
find(const struct names *n, uint64_t h, const char *s, size_t len)
{
	struct name *name = n->chains[h & (n->size - 1)];

	while (name != NULL && (name->hash != h || name->len != len ||
				   memcmp(name->text, s, len) != 0))
		name = name->next;
	return name;
}

struct name *
names_find(const struct names *n, const char *s, size_t len)
{
	if (len > NAME_MAX_LEN)
		return NULL;
	return find(n, hash_bytes(n->seed, s, len), s, len);
}

/* Twice as many chains.  Without memory the chains just grow longer. */
static void
grow(struct names *n)
{
	size_t size = 2 * n->size, i;
	struct name **chains = calloc(size, sizeof(struct name *)), *name;

	if (chains == NULL)
		return;
	for (i = 0; i < n->size; i++)
		while ((name = n->chains[i]) != NULL) {
			n->chains[i] = name->next;
			name->next = chains[name->hash & (size - 1)];
			chains[name->hash & (size - 1)] = name;
		}
	free(n->chains);
	n->chains = chains;
	n->size = size;
}

struct name *
names_get(struct names *n, const char *s, size_t len)
{
	uint64_t h = hash_bytes(n->seed, s, len);
	struct name *name = find(n, h, s, len);

	if (name != NULL)
		return name;
	if (n->count >= n->size)
		grow(n);
	name = calloc(1, sizeof *name);
	if (name == NULL)
		return NULL;
	name->hash = h;
	name->len = (uint8_t)len;
	memcpy(name->text, s, len);
	name->next = n->chains[h & (n->size - 1)];
	n->chains[h & (n->size - 1)] = name;
	n->count++;
	return name;
}

void
names_know(struct names *n, struct name *name)
{
	n->known += !name->known;
	name->known = true;
}

void
names_release(struct names *n, struct name *name)
{
	struct name **at;

	if (name->peer != NULL || name->waiters != NULL || name->room != NULL ||
	    name->known || name->mails > 0 || name->adds > 0 ||
	    !LIST_EMPTY(&name->kept))
		return;
	at = &n->chains[name->hash & (n->size - 1)];
	while (*at != name)
		at = &(*at)->next;
	*at = name->next;
	n->count--;
	free(name);
}

struct name *
names_next(const struct names *n, const struct name *after)
{
	size_t i = 0;

	if (after != NULL) {
		if (after->next != NULL)
			return after->next;
		i = (after->hash & (n->size - 1)) + 1;
	}
	while (i < n->size && n->chains[i] == NULL)
		i++;
	return i < n->size ? n->chains[i] : NULL;
}
