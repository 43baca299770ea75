/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What `koban up` makes before its parts start: folders with their owners, sockets, a lock. */
#include <sys/types.h>

#include "base/err.h"

/*
 * Makes a folder and those above it (0755, root's); one that is there keeps its mode and must be a
 * folder, no link. 0 or -errno.
 */
int place_dir(const char *path, mode_t mode, uid_t uid, gid_t gid, struct err *e);
/* Gives a folder and all in it to its owner, when it is another's: an install changes the user. */
int place_owner(const char *path, uid_t uid, gid_t gid, struct err *e);
/* A lock that lasts as long as this process; the descriptor or -errno, EBUSY with a sentence. */
int place_lock(const char *path, struct err *e);
/* A unix stream socket that listens; one that was left there is replaced. */
int place_unix_socket(const char *path, mode_t mode, struct err *e);
/*
 * A TCP socket that listens: "127.0.0.1:8766", "[::1]:443", "8766". NULL = the console's usual port
 * on loopback, or one of the next ten that is free, and says so.
 */
int place_tcp_socket(const char *address, struct err *e);
