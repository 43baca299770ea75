/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Parts of one program as processes of their own: each is this very binary with another verb, with
 * as few rights as it needs. A part that fails is started again, after a growing pause; when the
 * supervisor ends, so do they, and when it is killed, the kernel ends them.
 */
#include <sys/types.h>

#include "base/err.h"

enum { PART_FDS = 4 };

struct part {
	const char *name;        /* "sensor": as messages call it */
	const char *const *argv; /* ends in NULL; argv[0] is "koban" */
	/* as whom; with root's rights when neither is set */
	bool is_unprivileged;
	uid_t uid;
	gid_t gid;
	const char *user; /* whose other groups it gets; NULL = none */
	/* sockets that listen, handed over as systemd does (sd_listen_fds(3)) */
	int fds[PART_FDS];
	const char *fd_names[PART_FDS];
	unsigned nfds;
	/* one more descriptor, at the number that argv names; -1 = none */
	int extra_fd, extra_at;
	/* where it writes a line when it is ready, which is handed to options.ready; 0 = nowhere */
	int ready_at;
	bool is_foreground; /* it keeps the terminal: its process group, its input and output */
	bool gets_signals;  /* SIGHUP and SIGUSR1 are passed on to it */
	/* the whole ends when this one ends by itself with 0: it was asked for so long */
	bool is_main;
};

struct supervise_options {
	struct part *parts; /* stopped in this order, started in the other */
	size_t nparts;
	/*
	 * Where the messages of all go when a part draws on the terminal: the reading end of a
	 * pipe that it shows. While it does not run, the supervisor reads it, and writes to tty_fd.
	 * -1 = everything goes to standard error.
	 */
	int notes_fd, tty_fd;
	uint64_t backoff_min_ms, backoff_max_ms; /* 0 = 1 s, 30 s */
	void (*ready)(void *arg, const struct part *p, struct str line);
	void *arg;
};

/*
 * Until SIGINT or SIGTERM, until the main part has ended, or until a part that has never run for
 * long says that it cannot (exit status 2). The exit code.
 */
int supervise(const struct supervise_options *o, struct err *e);
/*
 * First thing in main(): of a part, ties its life to the supervisor's. An exec that gains rights
 * unties it, so the part has to say it itself.
 */
void supervise_join(void);
