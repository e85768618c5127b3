/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

#include "ignored.h"

#include <stdlib.h>
#include <string.h>

/* Where the name stands, or would: *found says which. */
static size_t
place(const struct ignored *i, const char *name, size_t len, bool *found)
{
	size_t at, shorter;
	int order;

	*found = false;
	for (at = 0; i != NULL && at < i->count; at++) {
		shorter = len < i->names[at].len ? len : i->names[at].len;
		order = memcmp(i->names[at].text, name, shorter);
		*found = order == 0 && i->names[at].len == len;
		if (*found || order > 0 ||
		    (order == 0 && i->names[at].len > len))
			break;
	}
	return at;
}

enum ignored_error
ignored_add(struct ignored **i, const char *name, size_t len)
{
	size_t count = *i != NULL ? (*i)->count : 0, at;
	struct ignored *list;
	bool found;

	at = place(*i, name, len, &found);
	if (found)
		return IGNORED_OK;
	if (count == IGNORED_MAX)
		return IGNORED_TOO_MANY;
	list = realloc(*i, sizeof *list + (count + 1) * sizeof list->names[0]);
	if (list == NULL)
		return IGNORED_NO_MEMORY;
	memmove(list->names + at + 1, list->names + at,
	    (count - at) * sizeof list->names[0]);
	list->names[at].len = (uint8_t)len;
	memcpy(list->names[at].text, name, len);
	list->count = count + 1;
	*i = list;
	return IGNORED_OK;
}

enum ignored_error
ignored_remove(struct ignored **i, const char *name, size_t len)
{
	struct ignored *list = *i;
	bool found;
	size_t at = place(list, name, len, &found);

	if (list == NULL || !found)
		return IGNORED_NOT;
	list->count--;
	memmove(list->names + at, list->names + at + 1,
	    (list->count - at) * sizeof list->names[0]);
	if (list->count == 0) {
		free(list);
		*i = NULL;
	}
	return IGNORED_OK;
}

bool
ignored_has(const struct ignored *i, const char *name, size_t len)
{
	bool found;

	(void)place(i, name, len, &found);
	return found;
}
