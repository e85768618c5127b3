/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: the telld authors */

/*
 * pidfile.h - a file that says which process the daemon is, and whose lock
 * says that it is alive.
 */
#ifndef PIDFILE_H
#define PIDFILE_H

/*
 * Creates or takes over the file at path, locks it (fcntl(2), so that the lock
 * goes with this process) and writes our pid.  The descriptor, or -1/errno:
 * EAGAIN if another process holds the lock.
 */
int pidfile_open(const char *path);

/* Removes the file, then lets go of it. */
void pidfile_remove(const char *path, int fd);

#endif
