/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * title.h - what ps(1) shows for a process: `telld: session alice [::1]:512`.
 */
#ifndef TITLE_H
#define TITLE_H

/* Once, first thing in main(), before anything points into a string of argv:
 * finds the room that argv and environ take, and moves their strings out of
 * it. */
void title_init(int argc, char **argv);

/* Sets the title to "telld: " and this; cut where the room ends.  No system
 * call, so it works in a sandbox. */
void title_set(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
