/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * line.h - a byte stream cut into lines, and each line made fit to be shown.
 *
 * A line ends with LF or CRLF.  What a cleaned line holds can be written to
 * any terminal: valid UTF-8 (RFC 3629), with control characters other than
 * TAB written as cat -v writes them (ESC as ^[, NUL as ^@, DEL as ^?, U+009B
 * as M-^[), and bidirectional controls and U+2028/9 as <U+202E>.  U+061C, two
 * bytes long, is written by its Unicode abbreviation, <ALM>, so that nothing
 * grows more than LINE_GROWTH times.
 *
 * Every line gives exactly one event, at its end, so answers come in order.
 * How the stream was cut into reads changes nothing.
 */
#ifndef LINE_H
#define LINE_H

#include <stdbool.h>
#include <stddef.h>

/* A cleaned line has at most LINE_GROWTH times the bytes it came with. */
#define LINE_GROWTH 3

enum line_event {
	LINE_NEED_MORE, /* all input is consumed, and no line ended */
	LINE_READY,     /* a cleaned line is in out */
	LINE_TOO_LONG,  /* a line of more than line_max bytes was dropped */
	LINE_NOT_UTF8,  /* a line that is not UTF-8 was dropped */
	LINE_NO_MEMORY  /* a line was dropped: there was no room to keep it */
};

struct line_reader {
	size_t max;             /* bytes in a line, without its end */
	char *partial;          /* owned, max + 1 bytes; NULL when used is 0 */
	size_t used;            /* bytes of the line that has not ended yet */
	bool skipping;          /* the line that has not ended is dropped ... */
	enum line_event reason; /* ... and this is what its end will say */
};

/*
 * line_max: the most bytes in a line, without its end (neither LF nor the CR
 * of CRLF counts); at least 1, and LINE_GROWTH times it fits a size_t.
 */
void line_init(struct line_reader *r, size_t line_max);

/*
 * Consumes from *in, up to end, as far as one line's end, and moves *in there.
 * On LINE_READY the cleaned line, without its end and not NUL-terminated, is
 * in out (room for LINE_GROWTH * line_max bytes; it may not overlap the
 * input), and *out_len is its length.  On all else out may be written to, and
 * *out_len is not set.  Call until it says LINE_NEED_MORE.
 *
 * Memory: line_max + 1 bytes while a line is partly read, else none; none
 * either for a line too long, however long it becomes.
 */
enum line_event line_next(struct line_reader *r, const char **in,
    const char *end, char *out, size_t *out_len);

/*
 * At the end of the stream: what the last line is, if it had no end.  A CR as
 * its last byte is taken for half of a CRLF.  LINE_NEED_MORE: there is none.
 */
enum line_event line_finish(struct line_reader *r, char *out, size_t *out_len);

/*
 * The line now being read is not UTF-8, whatever its bytes say (telnet.h has
 * a use for this): its end will say LINE_NOT_UTF8.
 */
void line_spoil(struct line_reader *r);

/* A line has begun and not ended. */
bool line_is_partial(const struct line_reader *r);

/* Gives memory back; a partial line is forgotten.  r can be used again. */
void line_free(struct line_reader *r);

/*
 * s[0..len) is what line_next() might have written for line_max: at most
 * LINE_GROWTH * line_max bytes of valid UTF-8, no control character but TAB,
 * no bidirectional control, no line or paragraph separator.
 */
bool line_is_clean(const char *s, size_t len, size_t line_max);

#endif
