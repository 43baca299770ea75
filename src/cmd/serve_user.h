/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* As whom the console runs, and the sockets that it is handed. */
#include "base/err.h"

/*
 * Root makes the folder, gives it to `user` (when there is no such user: to uid 65534, which owns
 * nothing else) and becomes it. For others it does nothing. 0 or -errno.
 */
struct serve_user {
	const char *name, *data_dir;
};
int serve_become(void *user, struct err *e);

/* Sockets handed over by a service manager (sd_listen_fds(3)); -1 where there is none. */
struct serve_sockets {
	int http, ingest;
};
int serve_take_sockets(struct serve_sockets *ret, struct err *e);
