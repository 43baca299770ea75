/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The console: the web application and its API, over the store that it owns. It is made in two
 * steps, with the cell in between:
 *
 *   console_new()    takes ports, keys and sockets, starts the helper that may run programs
 *   cell_enter()     the caller's, with console_cell(): from here on names are few
 *   console_start()  opens the store, answers requests
 */
#include <sys/socket.h>

#include "base/cell.h"
#include "base/err.h"
#include "sink/store/store.h"

enum { CONSOLE_PORT = 8766 };

/* "PORT" (of loopback), "HOST:PORT", "[HOST]:PORT"; addresses and "localhost", no other names. */
bool console_address_parse(struct str text, struct sockaddr_storage *ret, socklen_t *len);

struct console_options {
	const char *listen; /* "127.0.0.1:8766", "[::]:443", "9000" = that port on loopback */
	int listen_fd;      /* a socket that listens already; -1 = none */
	const char *tls_cert, *tls_key; /* PEM files; both or none */
	const char *const *hosts;       /* names that a browser may use, beyond loopback's */
	size_t nhosts;

	const char *ingest_path; /* of the unix socket for records; NULL = none */
	int ingest_fd;           /* one that listens already; -1 = none */

	const char *data_dir; /* the console's own: rules/, backups/, first-login */
	struct store_options store;
	const char *const *rules; /* files and folders that the sensor was given, in order */
	size_t nrules;
	const char *captures_dir; /* of the flight recorder; NULL = none */
	const char *knowledge;    /* the folder with advice/ and intel/; NULL = the installed one */
	const char *demo_capture; /* tried when there are no recordings; NULL = the installed one */
	const char *program;      /* koban itself, for `koban replay` and `koban image scan` */
	const char *const *image_insecure; /* registries asked over http; NULL-terminated or NULL */
	const char *version;
	uint64_t session_idle_s, session_max_s; /* 0 = 12 hours, 7 days */
	/* Called when ports and keys are taken and nothing else is: root becomes another user here.
	 * 0 or -errno; NULL = not wanted. */
	int (*become)(void *arg, struct err *e);
	void *become_arg;
};

struct console;

/* 0 or -errno. Fails beyond loopback without TLS. */
int console_new(const struct console_options *o, struct console **ret, struct err *e);
/* What the cell has to leave open, valid as long as the console. */
const struct cell_options *console_cell(const struct console *c);
/* 0 or -errno. Fails beyond loopback when nobody could sign in. */
int console_start(struct console *c, struct err *e);
/* "https://127.0.0.1:8766/" */
const char *console_address(const struct console *c);
/* The one-time token of a first start; NULL when somebody can sign in already. */
const char *console_first_token(const struct console *c);
/* Small regular work; call it every second. */
void console_tick(struct console *c);
/* Ends requests, closes the store. NULL is fine. */
void console_free(struct console *c);

/*
 * Administration without a server, over a store: adds the user or gives it this role and password
 * (empty = leave it). 0 or -errno.
 */
int console_set_user(
	struct store *s, struct str name, enum store_role role, struct str password, struct err *e);
/* Makes a bearer token; the secret is in *ret and nowhere else. */
int console_make_token(struct store *s, struct str name, enum store_role role, uint64_t lifetime_s,
	char ret[64], struct err *e);
