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

/* How many of the bytes before end are still there. */
static size_t
history(const struct outbox *o)
{
	uint64_t all = o->end - o->base;

	return all < o->size ? (size_t)all : o->size;
}

/* The last bytes, used of them, move to their places in another ring. */
static bool
move_bytes(struct outbox *o, size_t used, size_t size)
{
	uint64_t from = o->end - used;
	size_t at = (size_t)from & (size - 1);
	size_t head = used < size - at ? used : size - at;
	char *bytes = malloc(size);

	if (bytes == NULL)
		return false;
	if (used > 0) {
		ring_read(o, from, bytes + at, head);
		ring_read(o, from + head, bytes, used - head);
	}
	free(o->bytes);
	o->bytes = bytes;
	o->size = size;
	o->base = from;
	return true;
}

static bool
grow_bytes(struct outbox *o, size_t need)
{
	size_t size = o->size > 0 ? o->size : BYTES_MIN;

	while (size < need)
		size *= 2;
	return move_bytes(o, o->size > 0 ? history(o) : 0, size);
}

/* Room for len more bytes: behind what must not be lost, and if there is
 * memory also behind what is to be kept. */
static bool
make_room(struct outbox *o, size_t len)
{
	size_t need = (size_t)(o->end - o->first) + len;

	if (o->size < o->keep && history(o) + len > o->size &&
	    grow_bytes(o, history(o) + len))
		return true;
	return need <= o->size || grow_bytes(o, need);
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
		copies[i] =
		    o->copies[(o->copies_first + i) & (o->copies_size - 1)];
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
	if (!make_room(o, len))
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
			memcpy(o->bytes, (const char *)part[i].iov_base + first,
			    n - first);
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

size_t
outbox_last(const struct outbox *o, unsigned lines, char *out, size_t max)
{
	size_t len = history(o), at;

	if (len > max)
		len = max;
	if (len == 0)
		return 0;
	ring_read(o, o->end - len, out, len);
	for (at = len - 1; at > 0; at--)
		if (out[at - 1] == '\n' && --lines == 0)
			break;
	/* What the oldest bytes belong to may have begun before them. */
	if (at == 0 && o->end > len)
		while (at < len && out[at++] != '\n')
			;
	memmove(out, out + at, len - at);
	return len - at;
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
outbox_shrink(struct outbox *o)
{
	size_t used = history(o), size = BYTES_MIN;

	if (o->copies_count > 0)
		return;
	free(o->copies);
	o->copies = NULL;
	o->copies_size = o->copies_first = 0;
	while (size < used && size < o->keep)
		size *= 2;
	if (size < o->size)
		(void)move_bytes(o, used < size ? used : size, size);
}

void
outbox_free(struct outbox *o)
{
	free(o->bytes);
	free(o->copies);
	*o = (struct outbox){0};
}
