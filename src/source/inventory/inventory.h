/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What runs on this machine, now and then, for people to look at: containers with their resources
 * and connections, listening ports, how many processes. The owner of the state copies what is
 * needed of it, which is brief; a thread reads /proc and the cgroups and writes the record. No
 * event waits for it, and rules see none of it.
 */
#include "base/err.h"
#include "engine/state/state.h"

enum {
	INVENTORY_CONTAINERS_MAX = 256,
	INVENTORY_PROCESSES_MAX = 16384,  /* whose sockets are looked for */
	INVENTORY_CONNECTIONS_MAX = 4096, /* of the machine; 200 of a container */
	INVENTORY_RECORD_MAX = 1000000,   /* bytes */
};

struct inventory_options {
	const char *host_root; /* "/", or where the host is mounted */
	const char *hostname, *version;
	uint64_t every_ns; /* 0 = 10 s; a container that comes or goes does not wait for it */
};

/*
 * A record, one line of JSON: {"v":1,"type":"inventory",…}, described in docs/outputs.md. Called on
 * the inventory's thread.
 */
typedef void (*inventory_emit)(struct str record, void *arg);

struct inventory;
/* After capabilities were given up: the thread has those of who starts it. 0 or -errno. */
int inventory_new(const struct inventory_options *o, inventory_emit emit, void *arg,
	struct inventory **ret, struct err *e);
/* Once a second, by the state's owner. Does nothing while the last one is still being written. */
void inventory_tick(struct inventory *v, const struct state *s, uint64_t now_boot_ns);
/* Ends the thread, after what it has in hand. */
void inventory_free(struct inventory *v);
