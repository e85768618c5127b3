/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * version.h - the one place that says which telld this is: semver.org, and
 * CHANGELOG.md says what changed.
 */
#ifndef VERSION_H
#define VERSION_H

#define TELLD_VERSION "0.1.0"

#endif
