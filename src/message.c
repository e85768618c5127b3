/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

#include "message.h"

#include "text.h"

#include <string.h>

/* By hand: isalnum(3) depends on the locale, and the protocol does not. */
static bool
is_tag_character(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

static bool
is_tag(const char *s, size_t len)
{
	if (len == 0 || len > MESSAGE_TAG_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!is_tag_character(s[i]))
			return false;
	return true;
}

void
message_dests_init(struct message_dests *d, const struct message *m)
{
	d->next = m->dests;
	d->left = m->dests_len;
}

bool
message_next_dest(struct message_dests *d, const char **dest, size_t *len)
{
	while (d->left > 0) {
		const char *s = d->next;
		const char *comma = memchr(s, ',', d->left);
		size_t n = comma != NULL ? (size_t)(comma - s) : d->left;
		size_t past = comma != NULL ? n + 1 : n;

		d->next += past;
		d->left -= past;
		text_trim(&s, &n);
		if (n > 0) {
			*dest = s;
			*len = n;
			return true;
		}
	}
	return false;
}

/* s[0..len) is trimmed and begins with a '/'. */
static enum message_kind
parse_command(const char *s, size_t len, struct message *m)
{
	size_t n = text_word(s, len);

	m->dests = s;
	m->dests_len = n;
	m->text = s + n;
	m->text_len = len - n;
	text_trim(&m->text, &m->text_len);
	return MESSAGE_COMMAND;
}

/* DEST, DEST: TEXT in s[0..len). */
static enum message_kind
parse_text(const char *s, size_t len, struct message *m)
{
	const char *colon = len > 0 ? memchr(s, ':', len) : NULL;
	struct message_dests d;
	const char *dest;
	size_t n;

	if (colon == NULL)
		return MESSAGE_NO_RECIPIENT;
	n = (size_t)(colon - s);
	d = (struct message_dests){.next = s, .left = n};
	if (!message_next_dest(&d, &dest, &(size_t){0}))
		return MESSAGE_NO_RECIPIENT;
	m->dests = s;
	m->dests_len = n;
	m->text = colon + 1;
	m->text_len = len - n - 1;
	text_trim(&m->dests, &m->dests_len);
	text_trim(&m->text, &m->text_len);
	return MESSAGE_TEXT;
}

/* s[0..len) is trimmed and begins with a '+'. */
static enum message_kind
parse_tagged(const char *s, size_t len, struct message *m)
{
	m->tag = s + 1;
	m->tag_len = text_word(s + 1, len - 1);
	if (!is_tag(m->tag, m->tag_len))
		return MESSAGE_BAD_TAG;
	return parse_text(m->tag + m->tag_len, len - 1 - m->tag_len, m);
}

enum message_kind
message_parse(const char *line, size_t len, struct message *m)
{
	memset(m, 0, sizeof *m);
	text_trim(&line, &len);
	if (len == 0)
		return MESSAGE_EMPTY;
	if (*line == '/')
		return parse_command(line, len, m);
	if (*line == '+')
		return parse_tagged(line, len, m);
	return parse_text(line, len, m);
}
