/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The one address on which the console listens. */
#include "base/err.h"

struct listen_address {
	int fd;
	uint16_t port;
	bool is_loopback;
	char name[64]; /* as a URL has it: "127.0.0.1", "[::1]" */
};

/*
 * "127.0.0.1:8766", "[::]:443", "localhost:0", "9000"; NULL = the default. With fd not negative
 * that socket is taken instead, which listens already. 0 or -errno.
 */
int listen_open(const char *text, int fd, struct listen_address *ret, struct err *e);
