/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config_line.h"
#include "message.h"
#include "name.h"
#include "units.h"

/* ------------------------------------------------------------ the table -- */

enum type {
	TYPE_COUNT, /* a plain number */
	TYPE_BYTES,
	TYPE_TIME,    /* ms */
	TYPE_MODE,    /* permissions, in octal */
	TYPE_WORD,    /* one of words, stored as its index */
	TYPE_PATH,    /* an absolute path or `none` */
	TYPE_NAMES,   /* `all`, `none`, or names with commas between */
	TYPE_CONTROL, /* an absolute path that fits a Unix socket */
	TYPE_LISTEN,  /* an address; may be repeated */
	TYPE_ALIAS    /* a name and those it stands for; may be repeated */
};

struct key {
	const char *name;
	const char *help;
	enum type type;
	const char *fallback; /* as one writes it; "" if config_finish does */
	int64_t min, max;
	const char *const *words; /* ends with NULL */
	size_t offset, size;      /* of the field in struct config */
};

#define FIELD(field)                                                           \
	offsetof(struct config, field), sizeof(((struct config *)0)->field)

#define KIB    INT64_C(1024)
#define MIB    (1024 * KIB)
#define GIB    (1024 * MIB)
#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

static const char *const bool_words[] = {"no", "yes", NULL};
static const char *const poller_words[] = {"auto", "poll", "epoll", NULL};
static const char *const store_for_words[] = {"known", "all", "none", NULL};
static const char *const log_level_words[] = {
    "error", "warning", "info", "debug", NULL};

/* In the order of telld.conf(5), which has a paragraph for each. */
/* clang-format off */
static const struct key keys[] = {
	{ "listen", "address that clients connect to; may be repeated",
	    TYPE_LISTEN, "", 0, 0, NULL, FIELD(listen) },
	{ "unix_mode", "permissions of the Unix sockets for clients",
	    TYPE_MODE, "0666", 0, 0777, NULL, FIELD(unix_mode) },
	{ "max_clients", "most connections at once; 0: no limit of telld's own",
	    TYPE_COUNT, "0", 0, 1000000, NULL, FIELD(max_clients) },
	{ "login_timeout", "time to give a name in",
	    TYPE_TIME, "60 s", SECOND, HOUR, NULL, FIELD(login_timeout) },
	{ "greeting", "whether who is silent at first is greeted",
	    TYPE_WORD, "yes", 0, 0, bool_words, FIELD(greeting) },
	{ "motd", "file whose lines a client that was greeted is shown, or none",
	    TYPE_PATH, "none", 0, 0, NULL, FIELD(motd) },
	{ "broadcast", "who may write to everybody",
	    TYPE_NAMES, "all", 0, 0, NULL, FIELD(broadcast) },
	{ "alias", "name that stands for others; may be repeated",
	    TYPE_ALIAS, "", 0, 0, NULL, FIELD(alias) },
	{ "linger", "time for what is open when a connection or telld ends",
	    TYPE_TIME, "5 s", 100, 10 * MINUTE, NULL, FIELD(linger) },
	{ "line_max", "longest line, without its end",
	    TYPE_BYTES, "4096", 64, 16 * KIB, NULL, FIELD(line_max) },
	{ "queue_max", "most text that may wait for one client",
	    TYPE_BYTES, "1 MiB", 64 * KIB, GIB, NULL, FIELD(queue_max) },
	{ "slow_after", "time a sender waits for a reader that takes nothing",
	    TYPE_TIME, "5 s", 100, 10 * MINUTE, NULL, FIELD(slow_after) },
	{ "dead_after", "silence of a client's host until it counts as dead",
	    TYPE_TIME, "60 s", 5 * SECOND, DAY, NULL, FIELD(dead_after) },
	{ "poller", "system call that the broker waits with",
	    TYPE_WORD, "auto", 0, 0, poller_words, FIELD(poller) },
	{ "store", "directory of the mail for who is away, or none",
	    TYPE_PATH, "", 0, 0, NULL, FIELD(store) },
	{ "store_for", "names that mail is kept for",
	    TYPE_WORD, "known", 0, 0, store_for_words, FIELD(store_for) },
	{ "room_store", "whether lines to a room are kept for who is away",
	    TYPE_WORD, "no", 0, 0, bool_words, FIELD(room_store) },
	{ "mailbox_lines", "most lines in one mailbox",
	    TYPE_COUNT, "1000", 1, 10000000, NULL, FIELD(mailbox_lines) },
	{ "mailbox_max", "most bytes in one mailbox",
	    TYPE_BYTES, "1 MiB", 64 * KIB, GIB, NULL, FIELD(mailbox_max) },
	{ "store_max", "most bytes of the whole store on disk",
	    TYPE_BYTES, "1 GiB", MIB, 1024 * GIB, NULL, FIELD(store_max) },
	{ "segment_max", "size at which the journal begins a new file",
	    TYPE_BYTES, "8 MiB", 64 * KIB, GIB, NULL, FIELD(segment_max) },
	{ "expire", "age at which stored mail is given up",
	    TYPE_TIME, "30 days", SECOND, 3650 * DAY, NULL, FIELD(expire) },
	{ "control", "path of the control socket, for tellctl",
	    TYPE_CONTROL, "", 0, 0, NULL, FIELD(control) },
	{ "ready_fd", "descriptor told when telld is ready; -1: none",
	    TYPE_COUNT, "-1", -1, 65535, NULL, FIELD(ready_fd) },
	{ "log_level", "least important lines that are logged",
	    TYPE_WORD, "info", 0, 0, log_level_words, FIELD(log_level) },
};
/* clang-format on */

#define KEYS (sizeof(keys) / sizeof(keys[0]))

static const struct key *
find_key(const char *name)
{
	for (size_t i = 0; i < KEYS; i++)
		if (strcmp(keys[i].name, name) == 0)
			return &keys[i];
	return NULL;
}

static bool
is_number(const struct key *key)
{
	return key->type <= TYPE_MODE;
}

static enum units
units_of(const struct key *key)
{
	switch (key->type) {
	case TYPE_BYTES: return UNITS_BYTES;
	case TYPE_TIME: return UNITS_TIME;
	case TYPE_MODE: return UNITS_OCTAL;
	default: return UNITS_NONE;
	}
}

/* The fields keep the types that their users want, so a number comes in three
 * sizes (a fourth where mode_t is short).  The ranges in the table fit them. */
static void
put_number(struct config *c, const struct key *key, int64_t value)
{
	char *place = (char *)c + key->offset;
	int32_t word = (int32_t)value;
	int16_t half = (int16_t)value;
	bool truth = value != 0;

	if (key->size == sizeof(value))
		memcpy(place, &value, sizeof(value));
	else if (key->size == sizeof(word))
		memcpy(place, &word, sizeof(word));
	else if (key->size == sizeof(truth))
		memcpy(place, &truth, sizeof(truth));
	else
		memcpy(place, &half, sizeof(half));
}

static int64_t
get_number(const struct config *c, const struct key *key)
{
	const char *place = (const char *)c + key->offset;
	int64_t value = 0;
	int32_t word;
	int16_t half;
	bool truth;

	if (key->size == sizeof(value)) {
		memcpy(&value, place, sizeof(value));
		return value;
	}
	if (key->size == sizeof(word)) {
		memcpy(&word, place, sizeof(word));
		return word;
	}
	if (key->size == sizeof(truth)) {
		memcpy(&truth, place, sizeof(truth));
		return truth;
	}
	memcpy(&half, place, sizeof(half));
	return half;
}

static char *
text_place(struct config *c, const struct key *key)
{
	return (char *)c + key->offset;
}

/* `auto, poll or epoll` */
static void
describe_words(const char *const *words, char *out, size_t size)
{
	size_t len = 0;

	for (size_t i = 0; words[i] != NULL && len < size; i++) {
		const char *between = words[i + 1] == NULL ? " or " : ", ";
		int n = snprintf(out + len, size - len, "%s%s",
		    i == 0 ? "" : between, words[i]);

		len += n < 0 ? 0 : (size_t)n;
	}
}

static void
describe_range(const struct key *key, char *out, size_t size)
{
	char min[UNITS_TEXT_MAX], max[UNITS_TEXT_MAX];

	units_format(units_of(key), key->min, min);
	units_format(units_of(key), key->max, max);
	snprintf(out, size, "%s to %s", min, max);
}

static void
describe_accepted(const struct key *key, char *out, size_t size)
{
	switch (key->type) {
	case TYPE_WORD: describe_words(key->words, out, size); break;
	case TYPE_PATH: snprintf(out, size, "an absolute path, or none"); break;
	case TYPE_NAMES: snprintf(out, size, "all, none or names"); break;
	case TYPE_CONTROL:
		snprintf(out, size, "an absolute path of at most %zu bytes",
		    ADDRESS_PATH_MAX);
		break;
	case TYPE_LISTEN:
		snprintf(out, size,
		    "127.0.0.1:8080, [::1]:8080, *:8080 or unix:PATH");
		break;
	case TYPE_ALIAS:
		snprintf(out, size, "a name, and names with commas between");
		break;
	default: describe_range(key, out, size); break;
	}
}

bool
config_key_help(size_t index, struct config_key_help *help)
{
	const struct key *key = &keys[index < KEYS ? index : 0];

	if (index >= KEYS)
		return false;
	help->name = key->name;
	help->help = key->help;
	snprintf(help->fallback, sizeof(help->fallback), "%s", key->fallback);
	describe_accepted(key, help->accepts, sizeof(help->accepts));
	return true;
}

/* --------------------------------------------------------------- errors -- */

/* Longest part of a value that an error quotes. */
#define QUOTED_MAX 60

static bool
reject(struct config_errors *e, const char *where, const struct key *key,
    const char *value, const char *why)
{
	if (is_number(key) || key->type == TYPE_WORD) {
		char accepted[96];

		describe_accepted(key, accepted, sizeof(accepted));
		config_errors_add(e, "%s: %s: \"%.*s\": %s (%s)", where,
		    key->name, QUOTED_MAX, value, why, accepted);
	} else {
		config_errors_add(e, "%s: %s: \"%.*s\": %s", where, key->name,
		    QUOTED_MAX, value, why);
	}
	return false;
}

/* How many letters have to be added, removed or replaced to make b out of a;
 * b has at most 31 (Levenshtein; one row of the matrix at a time). */
static size_t
distance(const char *a, const char *b)
{
	size_t row[32], len = strlen(b);

	for (size_t j = 0; j <= len; j++)
		row[j] = j;
	for (size_t i = 1; *a != '\0'; a++, i++) {
		size_t corner = row[0];

		row[0] = i;
		for (size_t j = 1; j <= len; j++) {
			size_t best = corner + (*a != b[j - 1]);

			if (best > row[j] + 1)
				best = row[j] + 1;
			if (best > row[j - 1] + 1)
				best = row[j - 1] + 1;
			corner = row[j];
			row[j] = best;
		}
	}
	return row[len];
}

static bool
reject_key(struct config_errors *e, const char *where, const char *name)
{
	const char *nearest = NULL;
	size_t least = 3; /* more letters than that are no slip */

	for (size_t i = 0; i < KEYS; i++) {
		size_t d = distance(name, keys[i].name);

		if (d < least) {
			least = d;
			nearest = keys[i].name;
		}
	}
	if (nearest != NULL)
		config_errors_add(e, "%s: no such key: %.*s; did you mean %s?",
		    where, QUOTED_MAX, name, nearest);
	else
		config_errors_add(e, "%s: no such key: %.*s; see telld.conf(5)",
		    where, QUOTED_MAX, name);
	return false;
}

/* -------------------------------------------------------- setting a key -- */

/* Each returns NULL, or why the value cannot be; then c is as it was. */

static const char *
set_number(struct config *c, const struct key *key, const char *value)
{
	const char *why;
	int64_t number;

	if (!units_parse(units_of(key), value, &number, &why))
		return why;
	if (number < key->min || number > key->max)
		return "out of range";
	put_number(c, key, number);
	return NULL;
}

static const char *
set_word(struct config *c, const struct key *key, const char *value)
{
	for (int i = 0; key->words[i] != NULL; i++)
		if (strcmp(key->words[i], value) == 0) {
			put_number(c, key, i);
			return NULL;
		}
	return "no such word";
}

static bool
has_control(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return true;
	return false;
}

/* A path has to be absolute: a daemon's working directory changes, and what
 * was right at the start would be wrong at the reload. */
static const char *
set_path(struct config *c, const struct key *key, const char *value)
{
	bool is_none = key->type == TYPE_PATH && strcmp(value, "none") == 0;

	if (value[0] != '/' && !is_none)
		return key->type == TYPE_PATH
		           ? "must be an absolute path, or none"
		           : "must be an absolute path";
	if (has_control(value))
		return "the path has a control character";
	if (strlen(value) >= key->size)
		return key->type == TYPE_CONTROL
		           ? "the path is too long for a Unix socket"
		           : "the path is too long";
	memcpy(text_place(c, key), value, strlen(value) + 1);
	return NULL;
}

/* `all` and `none` are names too, as it happens. */
static const char *
set_names(struct config *c, const struct key *key, const char *value)
{
	struct message m = {.dests = value, .dests_len = strlen(value)};
	struct message_dests d;
	const char *name;
	size_t len, count = 0;

	message_dests_init(&d, &m);
	for (; message_next_dest(&d, &name, &len); count++)
		if (name_check(name, len) != NAME_OK)
			return "not all, none, or names with commas between";
	if (count == 0)
		return "must be all, none or names";
	memcpy(text_place(c, key), value, strlen(value) + 1);
	return NULL;
}

static const char *
set_listen(struct config *c, const char *value)
{
	struct address list[ADDRESS_PER_TEXT];
	const char *why;

	if (address_parse(value, list, ADDRESS_PER_TEXT, &why) == -1)
		return why;
	if (c->listen_count == CONFIG_LISTEN_MAX)
		return "more than 64 addresses to listen on";
	snprintf(c->listen[c->listen_count], sizeof(c->listen[0]), "%s", value);
	c->listen_count++;
	return NULL;
}

static const char *
set_alias(struct config *c, const char *value)
{
	const char *why = config_alias_why(value);

	if (why == NULL && c->alias_count == CONFIG_ALIAS_MAX)
		why = "more than 64 aliases";
	if (why != NULL)
		return why;
	snprintf(c->alias[c->alias_count], sizeof(c->alias[0]), "%s", value);
	c->alias_count++;
	return NULL;
}

static const char *
set_key(struct config *c, const struct key *key, const char *value)
{
	switch (key->type) {
	case TYPE_WORD: return set_word(c, key, value);
	case TYPE_PATH:
	case TYPE_CONTROL: return set_path(c, key, value);
	case TYPE_NAMES: return set_names(c, key, value);
	case TYPE_LISTEN: return set_listen(c, value);
	case TYPE_ALIAS: return set_alias(c, value);
	default: return set_number(c, key, value);
	}
}

void
config_defaults(struct config *c)
{
	memset(c, 0, sizeof(*c));
	for (size_t i = 0; i < KEYS; i++)
		if (keys[i].fallback[0] != '\0' &&
		    set_key(c, &keys[i], keys[i].fallback) != NULL)
			bug("default of key=%s", keys[i].name);
}

/* The command line's `listen` do not add to the file's: who types one
 * wants that one. */
static const char *
override_listen(struct config *c, const char *value)
{
	size_t saved = c->listen_count;
	const char *why;

	if (c->listen_overridden)
		return set_listen(c, value);
	c->listen_count = 0;
	why = set_listen(c, value);
	if (why != NULL)
		c->listen_count = saved;
	else
		c->listen_overridden = true;
	return why;
}

bool
config_set(struct config *c, const char *name, const char *value,
    const char *where, struct config_errors *e)
{
	const struct key *key = find_key(name);
	const char *why;

	if (key == NULL)
		return reject_key(e, where, name);
	why = key->type == TYPE_LISTEN ? override_listen(c, value)
	                               : set_key(c, key, value);
	return why == NULL || reject(e, where, key, value, why);
}

/* ------------------------------------------------------------- the file -- */

/* All but `listen` and `alias` can be said once: of two lines that differ, one
 * would be wrong in silence. */
static bool
set_from_file(struct config *c, const struct config_line *pair, unsigned line,
    const char *where, unsigned first[KEYS], struct config_errors *e)
{
	const struct key *key = find_key(pair->name);
	const char *why;

	if (key == NULL)
		return reject_key(e, where, pair->name);
	if (first[key - keys] != 0 && key->type != TYPE_LISTEN &&
	    key->type != TYPE_ALIAS) {
		config_errors_add(e, "%s: %s: is already set in line %u", where,
		    key->name, first[key - keys]);
		return false;
	}
	first[key - keys] = line;
	why = set_key(c, key, pair->value);
	return why == NULL || reject(e, where, key, pair->value, why);
}

static bool
parse_line(struct config *c, const char *s, const char *end, unsigned line,
    const char *file, unsigned first[KEYS], struct config_errors *e)
{
	struct config_line pair;
	char where[256];
	const char *why;

	if (end > s && end[-1] == '\r')
		end--;
	snprintf(where, sizeof(where), "%.200s:%u", file, line);
	why = config_line_take(s, end, &pair);
	if (why != NULL) {
		config_errors_add(e, "%s: %s%s%s", where, pair.name,
		    pair.name[0] == '\0' ? "the line " : ": ", why);
		return false;
	}
	if (pair.name[0] == '\0')
		return true;
	return set_from_file(c, &pair, line, where, first, e);
}

bool
config_parse(struct config *c, const char *text, size_t len, const char *file,
    struct config_errors *e)
{
	static const char mark[] = "\xef\xbb\xbf"; /* some editors' UTF-8 */
	unsigned first[KEYS] = {0};
	const char *end = text + len;
	unsigned line = 0;
	bool good = true;

	if (len >= 3 && memcmp(text, mark, 3) == 0)
		text += 3;
	while (text < end) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));

		if (stop == NULL)
			stop = end;
		if (!parse_line(c, text, stop, ++line, file, first, e))
			good = false;
		text = stop < end ? stop + 1 : end;
	}
	return good;
}

bool
config_set_pair(struct config *c, const char *text, const char *where,
    struct config_errors *e)
{
	struct config_line pair;
	const char *why = config_line_take_pair(text, &pair);

	if (why != NULL) {
		config_errors_add(
		    e, "%s: \"%.*s\": %s", where, QUOTED_MAX, text, why);
		return false;
	}
	return config_set(c, pair.name, pair.value, where, e);
}

/* Reads until the end or until size bytes are there.  -1/errno. */
static ssize_t
read_all(int fd, char *out, size_t size)
{
	size_t len = 0;

	while (len < size) {
		ssize_t n = read(fd, out + len, size - len);

		if (n == 0)
			break;
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

static bool
parse_descriptor(
    struct config *c, int fd, const char *path, struct config_errors *e)
{
	char *text = malloc(CONFIG_FILE_MAX + 1);
	ssize_t len =
	    text == NULL ? -1 : read_all(fd, text, CONFIG_FILE_MAX + 1);
	bool good = false;

	if (len == -1)
		config_errors_add(
		    e, "%s: cannot read: %s", path, strerror(errno));
	else if ((size_t)len > CONFIG_FILE_MAX)
		config_errors_add(
		    e, "%s: larger than %zu bytes", path, CONFIG_FILE_MAX);
	else
		good = config_parse(c, text, (size_t)len, path, e);
	free(text);
	return good;
}

bool
config_read_file(struct config *c, const char *path, bool must_exist,
    struct config_errors *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	bool good;

	if (fd == -1) {
		if (errno == ENOENT && !must_exist)
			return true;
		config_errors_add(
		    e, "%s: cannot open: %s", path, strerror(errno));
		return false;
	}
	good = parse_descriptor(c, fd, path, e);
	close(fd);
	return good;
}

/* ------------------------------------------------------------- printing -- */

/* A text that grows only in length once out is full, as snprintf(3) does. */
struct writer {
	char *out;
	size_t size, len;
};

static void __attribute__((format(printf, 2, 3)))
write_text(struct writer *w, const char *fmt, ...)
{
	bool fits = w->len < w->size;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(fits ? w->out + w->len : NULL,
	    fits ? w->size - w->len : 0, fmt, ap);
	va_end(ap);
	w->len += n < 0 ? 0 : (size_t)n;
}

/* In quotes, if it would not be read back as it is without them. */
static void
write_value(struct writer *w, const struct key *key, const char *value)
{
	bool plain = strpbrk(value, " \t#\"\\=") == NULL;

	if (value[0] == '\0')
		return;
	write_text(w, plain ? "%s " : "%s \"", key->name);
	for (; *value != '\0'; value++)
		write_text(w,
		    !plain && (*value == '"' || *value == '\\') ? "\\%c" : "%c",
		    *value);
	write_text(w, plain ? "\n" : "\"\n");
}

static void
write_key(struct writer *w, const struct config *c, const struct key *key)
{
	char text[UNITS_TEXT_MAX];

	if (key->type == TYPE_LISTEN) {
		for (size_t i = 0; i < c->listen_count; i++)
			write_value(w, key, c->listen[i]);
	} else if (key->type == TYPE_ALIAS) {
		for (size_t i = 0; i < c->alias_count; i++)
			write_value(w, key, c->alias[i]);
	} else if (key->type == TYPE_WORD) {
		write_text(
		    w, "%s %s\n", key->name, key->words[get_number(c, key)]);
	} else if (is_number(key)) {
		units_format(units_of(key), get_number(c, key), text);
		write_text(w, "%s %s\n", key->name, text);
	} else {
		write_value(w, key, (const char *)c + key->offset);
	}
}

size_t
config_print(const struct config *c, char *out, size_t size)
{
	struct writer w = {out, size, 0};

	if (size > 0)
		out[0] = '\0';
	for (size_t i = 0; i < KEYS; i++)
		write_key(&w, c, &keys[i]);
	return w.len;
}
