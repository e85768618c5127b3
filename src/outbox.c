/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * Both rings have sizes that are powers of two, so that a position becomes a
 * place by masking.  A put is one memcpy per part (two where the ring's end
 * cuts it): the only time that a message is copied on its way through the
 * broker.
 */
#include "outbox.h"

#include <stdlib.h>
#include <string.h>

#define BYTES_MIN  1024
#define COPIES_MIN 16

static void
ring_read(const struct outbox *o, uint64_t position, char *to, size_t len)
{
	size_t at = (size_t)position & (o->size - 1);
	size_t first = len < o->size - at ? len : o->size - at;

	memcpy(to, o->bytes + at, first);
	memcpy(to + first, o->bytes, len - first);
}

/* What lies between first and end moves to its places in a larger ring. */
static bool
grow_bytes(struct outbox *o, size_t need)
{
	size_t used = (size_t)(o->end - o->first), size = o->size, at, head;
	char *bytes;

	if (size == 0)
		size = BYTES_MIN;
	while (size < need)
		size *= 2;
	bytes = malloc(size);
	if (bytes == NULL)
		return false;
	at = (size_t)o->first & (size - 1);
	head = used < size - at ? used : size - at;
	if (used > 0) {
		ring_read(o, o->first, bytes + at, head);
		ring_read(o, o->first + head, bytes, used - head);
	}
	free(o->bytes);
	o->bytes = bytes;
	o->size = size;
	return true;
}

static bool
grow_copies(struct outbox *o)
{
	uint32_t size = o->copies_size > 0 ? 2 * o->copies_size : COPIES_MIN;
	struct copy *copies = malloc(size * sizeof *copies);
	uint32_t i;

	if (copies == NULL)
		return false;
	for (i = 0; i < o->copies_count; i++)
		copies[i] = o->copies[(o->copies_first + i) &
		    (o->copies_size - 1)];
	free(o->copies);
	o->copies = copies;
	o->copies_size = size;
	o->copies_first = 0;
	return true;
}

bool
outbox_put(struct outbox *o, const struct iovec *part, int parts, struct copy c)
{
	size_t len = 0, at, first, n;
	int i;

	for (i = 0; i < parts; i++)
		len += part[i].iov_len;
	n = (size_t)(o->end - o->first) + len;
	if (n > o->size && !grow_bytes(o, n))
		return false;
	if (o->copies_count == o->copies_size && !grow_copies(o))
		return false;
	for (i = 0; i < parts; i++) {
		n = part[i].iov_len;
		if (n == 0)
			continue;
		at = (size_t)o->end & (o->size - 1);
		first = n < o->size - at ? n : o->size - at;
		memcpy(o->bytes + at, part[i].iov_base, first);
		if (first < n)
			memcpy(o->bytes,
			    (const char *)part[i].iov_base + first, n - first);
		o->end += n;
	}
	c.len = (uint32_t)len;
	o->copies[(o->copies_first + o->copies_count) & (o->copies_size - 1)] =
	    c;
	o->copies_count++;
	return true;
}

static int
span(const struct outbox *o, uint64_t from, size_t len, struct iovec iov[2])
{
	size_t at, first;

	iov[0] = iov[1] = (struct iovec){o->bytes, 0};
	if (len == 0)
		return 0;
	at = (size_t)from & (o->size - 1);
	first = len < o->size - at ? len : o->size - at;
	iov[0] = (struct iovec){o->bytes + at, first};
	if (first == len)
		return 1;
	iov[1] = (struct iovec){o->bytes, len - first};
	return 2;
}

int
outbox_unsent_span(const struct outbox *o, size_t max, struct iovec iov[2])
{
	size_t len = outbox_unsent(o);

	return span(o, o->sent, len < max ? len : max, iov);
}

void
outbox_sent(struct outbox *o, size_t n)
{
	o->sent += n;
}

bool
outbox_confirm(struct outbox *o, uint64_t position)
{
	if (position < o->confirmed || position > o->sent)
		return false;
	o->confirmed = position;
	return true;
}

bool
outbox_take(struct outbox *o, bool force, struct copy *c, struct iovec iov[2],
    bool *seen)
{
	const struct copy *first;

	if (o->copies_count == 0)
		return false;
	first = &o->copies[o->copies_first];
	if (!force && o->first + first->len > o->confirmed)
		return false;
	*c = *first;
	*seen = o->sent > o->first;
	(void)span(o, o->first, c->len, iov);
	o->first += c->len;
	if (o->sent < o->first)
		o->sent = o->first;
	if (o->confirmed < o->first)
		o->confirmed = o->first;
	o->copies_first = (o->copies_first + 1) & (o->copies_size - 1);
	o->copies_count--;
	return true;
}

void
outbox_rewind(struct outbox *o)
{
	o->sent = o->confirmed = o->first;
}

void
outbox_trim(struct outbox *o)
{
	if (o->copies_count > 0)
		return;
	free(o->bytes);
	free(o->copies);
	o->bytes = NULL;
	o->copies = NULL;
	o->size = 0;
	o->copies_size = o->copies_first = 0;
}

void
outbox_free(struct outbox *o)
{
	free(o->bytes);
	free(o->copies);
	*o = (struct outbox){0};
}
