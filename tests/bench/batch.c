/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * Texts on their way out: frames that are written over and over.
 *
 * A sender says nearly the same thing a million times.  So its frames are laid
 * out once, one behind another, and only the stamps change from one filling to
 * the next; a filling leaves in as many writes as the kernel wants.
 */
#include "load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/socket.h>

/* What one more name in a list may take, and the end of the list. */
#define NAME_ROOM 32

static void *
must(void *memory)
{
	if (memory == NULL)
		die("out of memory");
	return memory;
}

/* One more line at the end of the first frame: head, text, tail. */
static void
frame_line(
    struct batch *b, const struct proto *p, const char *head, size_t size)
{
	size_t head_len = strlen(head), tail_len = strlen(p->tail);
	size_t len = head_len + size + tail_len;
	char *to;

	b->bytes = must(realloc(b->bytes, b->frame_len + len));
	b->stamp_at =
	    must(realloc(b->stamp_at, (b->stamps + 1) * sizeof(*b->stamp_at)));
	to = b->bytes + b->frame_len;
	memcpy(to, head, head_len);
	memcpy(to + head_len + STAMP_LEN, stamp_filler(), size - STAMP_LEN);
	memcpy(to + head_len + size, p->tail, tail_len);
	b->stamp_at[b->stamps++] = b->frame_len + head_len;
	b->frame_len += len;
}

/* Copies of the frame, until they make up a good write. */
static void
frames_copy(struct batch *b, unsigned sender, size_t max_frames)
{
	b->capacity = BATCH_BYTES / b->frame_len;
	if (b->capacity > max_frames)
		b->capacity = max_frames;
	if (b->capacity == 0)
		b->capacity = 1;
	b->bytes = must(realloc(b->bytes, b->capacity * b->frame_len));
	for (size_t i = 1; i < b->capacity; i++)
		memcpy(b->bytes + i * b->frame_len, b->bytes, b->frame_len);
	stamp_set(b->stamp, sender, 0);
}

void
batch_init(struct batch *b, const struct proto *p, unsigned sender,
    const char *dest, size_t size, size_t max_frames)
{
	char head[HEAD_MAX];

	*b = (struct batch){0};
	p->head(head, sizeof(head), dest, size);
	frame_line(b, p, head, size);
	frames_copy(b, sender, max_frames);
}

void
batch_init_names(struct batch *b, const struct proto *p, unsigned sender,
    const struct conn *to, size_t count, size_t size, size_t line_max)
{
	char names[TEXT_MAX + HEAD_MAX], head[TEXT_MAX + 2 * HEAD_MAX];
	size_t room = line_max - size - NAME_ROOM, len = 0;

	*b = (struct batch){0};
	for (size_t i = 0; i < count; i++) {
		len += (size_t)snprintf(names + len, sizeof(names) - len,
		    "%s%s", len > 0 ? "," : "", to[i].name);
		if (len < room && i + 1 < count)
			continue;
		p->head(head, sizeof(head), names, size);
		frame_line(b, p, head, size);
		len = 0;
	}
	frames_copy(b, sender, SIZE_MAX);
}

void
batch_free(struct batch *b)
{
	free(b->bytes);
	free(b->stamp_at);
}

bool
batch_is_idle(const struct batch *b)
{
	return b->done == b->todo;
}

void
batch_fill(struct batch *b, size_t n)
{
	char *frame = b->bytes;

	for (size_t i = 0; i < n; i++, frame += b->frame_len) {
		for (size_t s = 0; s < b->stamps; s++)
			memcpy(frame + b->stamp_at[s], b->stamp, STAMP_LEN);
		stamp_next(b->stamp);
	}
	b->filled += n;
	b->todo = n * b->frame_len;
	b->done = 0;
}

bool
batch_write(struct batch *b, int fd)
{
	while (b->done < b->todo) {
		ssize_t n = send(
		    fd, b->bytes + b->done, b->todo - b->done, MSG_NOSIGNAL);

		if (n >= 0)
			b->done += (size_t)n;
		else if (errno == EAGAIN)
			break;
		else if (errno != EINTR)
			return false;
	}
	return true;
}
