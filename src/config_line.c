/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

#include "config_line.h"

#include <stdbool.h>
#include <string.h>

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool
is_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_' || c == '-';
}

static const char *
skip_blanks(const char *s, const char *end)
{
	while (s < end && is_blank(*s))
		s++;
	return s;
}

/* Copies what stands from s to end; cut to what fits. */
static void
copy_text(char *out, size_t size, const char *s, const char *end)
{
	size_t len = (size_t)(end - s);

	if (len >= size)
		len = size - 1;
	memcpy(out, s, len);
	out[len] = '\0';
}

/* A value without quotes ends at a # after a blank, or with the line. */
static const char *
take_plain(const char *s, const char *end, struct config_line *line)
{
	const char *stop = s;

	while (stop < end && !(*stop == '#' && stop > s && is_blank(stop[-1])))
		stop++;
	while (stop > s && is_blank(stop[-1]))
		stop--;
	if (stop == s || *s == '#')
		return "has no value";
	if ((size_t)(stop - s) >= sizeof(line->value))
		return "has too long a value";
	copy_text(line->value, sizeof(line->value), s, stop);
	return NULL;
}

/* Within quotes, \" is a quote and \\ a backslash. */
static const char *
take_quoted(const char *s, const char *end, struct config_line *line)
{
	size_t len = 0;

	for (s++; s < end && *s != '"'; s++) {
		if (*s == '\\' && s + 1 < end)
			s++;
		if (len == sizeof(line->value) - 1)
			return "has too long a value";
		line->value[len++] = *s;
	}
	line->value[len] = '\0';
	if (s == end)
		return "has no closing quote";
	s = skip_blanks(s + 1, end);
	if (s < end && *s != '#')
		return "has something after the closing quote";
	return NULL;
}

static bool
has_control(const char *s, const char *end)
{
	for (; s < end; s++)
		if (((unsigned char)*s < 0x20 && *s != '\t') || *s == 0x7f)
			return true;
	return false;
}

const char *
config_line_take(const char *s, const char *end, struct config_line *line)
{
	const char *name = skip_blanks(s, end);

	line->name[0] = '\0';
	if (name == end || *name == '#')
		return NULL;
	s = name;
	while (s < end && is_name(*s))
		s++;
	copy_text(line->name, sizeof(line->name), name, s);
	if (s == name)
		return "does not begin with a key";
	if (has_control(s, end))
		return "has a control character";
	if (s < end && !is_blank(*s) && *s != '=')
		return "has no space after the key";
	s = skip_blanks(s, end);
	if (s < end && *s == '=')
		s = skip_blanks(s + 1, end);
	return s < end && *s == '"' ? take_quoted(s, end, line)
	                            : take_plain(s, end, line);
}

const char *
config_line_take_pair(const char *text, struct config_line *line)
{
	const char *equals = strchr(text, '=');
	const char *end = text + strlen(text);
	const char *name = skip_blanks(text, end);
	const char *value;

	if (equals == NULL)
		return "must be KEY=VALUE";
	value = skip_blanks(equals + 1, end);
	while (end > value && is_blank(end[-1]))
		end--;
	while (equals > name && is_blank(equals[-1]))
		equals--;
	if ((size_t)(end - value) >= sizeof(line->value))
		return "has too long a value";
	copy_text(line->name, sizeof(line->name), name, equals);
	copy_text(line->value, sizeof(line->value), value, end);
	return NULL;
}
