/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Inside the room: snapshot.c copies from the state, sockets.c reads the network, cgroup.c the
 * resources, record.c writes, inventory.c has the thread.
 */
#include "base/arena.h"
#include "base/buf.h"
#include "source/inventory/inventory.h"

enum { COMM_BYTES = 16, HOST = -1, CONNECTIONS_SHOWN = 200, LISTENING_SHOWN = 200 };

struct seen_process {
	uint32_t pid;
	int16_t container; /* index, or HOST */
	char comm[COMM_BYTES];
	uint64_t start_ns; /* boot time */
};

struct seen_container {
	struct str members; /* of its JSON object, without braces */
	struct str full_id;
	uint64_t started_ns; /* epoch */
	uint32_t nprocesses;
	uint32_t first_pid; /* the one that was started first */
	uint64_t first_start_ns;
	bool host_network;
	/* cgroup.c */
	uint64_t cpu_ns, rss_bytes;
	bool has_cpu, has_rss;
};

struct snapshot {
	struct arena arena;
	struct buf text;
	struct seen_container containers[INVENTORY_CONTAINERS_MAX];
	size_t ncontainers;
	struct seen_process processes[INVENTORY_PROCESSES_MAX];
	size_t nprocesses, nall; /* kept; alive */
	size_t nhost;            /* of nall, outside containers */
};

/* On the owner's thread. */
void snapshot_take(struct snapshot *n, const struct state *s);
/* On the inventory's: by pid, so that they can be found. */
void snapshot_sort(struct snapshot *n);

/* ---- sockets ---- */

struct connection {
	uint8_t local[16], remote[16];
	uint16_t local_port, remote_port;
	uint8_t state; /* TCP_ESTABLISHED … */
	bool is_udp, is_v6, is_server;
	int16_t container; /* of its owner, or whose network it is in; HOST */
	uint32_t pid;      /* 0 = unknown */
	uint64_t inode;
	const char *comm; /* the owner's, in the snapshot */
};

/* Who owned a socket the last time: a socket does not change hands often. */
struct socket_owner {
	uint64_t inode; /* 0 = empty */
	uint64_t start_ns;
	uint32_t pid; /* 0 = nobody was found */
};

enum { OWNERS = 2 * INVENTORY_CONNECTIONS_MAX };

struct sockets {
	struct connection all[INVENTORY_CONNECTIONS_MAX];
	size_t n;
	struct socket_owner owners[2][OWNERS]; /* of this time and of the last */
	unsigned now;
	char text[1 << 18];
};

void sockets_read(struct sockets *k, const struct snapshot *n);
/* Reads one file of /proc/PID/net; for tests too. */
void sockets_parse(struct sockets *k, struct str text, bool is_udp, bool is_v6, int container);

/* ---- resources ---- */

/* From the container's cgroup; from its processes where there is none to be read. */
void resources_read(struct snapshot *n, const char *host_root);
/* The part of a line of /proc/PID/cgroup up to the container's own group. */
struct str cgroup_of_container(struct str path, struct str full_id);

/* ---- the record ---- */

struct machine {
	char hostname[256], version[32], boot_id[40], kernel[128], os[128];
};

void record_write(const struct snapshot *n, const struct sockets *k, const struct machine *m,
	uint64_t time_ns, struct buf *out);
