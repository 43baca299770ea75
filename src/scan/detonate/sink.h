/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Private to the sinkhole's files. Everything in here runs in the sinkhole's process, on what the
 * image sends: all sizes are limited, and nothing that is received is ever run or stored.
 */
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "scan/detonate/private.h"

enum {
	TALKS_MAX = 256,        /* connections at once; more are closed at once, and counted */
	FIRST_MAX = 4096,       /* bytes kept of each direction */
	PENDING_MAX = 64 << 10, /* received and not understood yet */
	NAMES_MAX = 4096,       /* names with an address of their own */
	LINES_MAX = 20000,      /* of the log; the rest is counted */
	NAME_LEN = 256,
};

/* A destination, as the container dialled it. */
struct place {
	char address[INET6_ADDRSTRLEN];
	uint16_t port;
	const char *name; /* that the sinkhole had given this address to; NULL = none */
};

struct talk;
struct protocol {
	const char *name;
	/* whether a conversation begins like this; 0 = no, 1 = yes, -1 = not enough bytes yet */
	int (*begins)(struct str first);
	/* takes what it understands off t->pending */
	void (*go)(struct talk *t);
};

struct talk { /* one TCP connection */
	struct sink *sink;
	int fd; /* -1 = the row is free */
	SSL *ssl;
	bool is_sniffed, is_shaken, is_greeted, is_closing;
	const struct protocol *protocol; /* NULL = not known (yet) */
	struct place to;
	uint64_t since_ns, in_bytes, out_bytes;
	char first_in[FIRST_MAX], first_out[FIRST_MAX], sni[NAME_LEN];
	size_t nfirst_in, nfirst_out;
	struct buf pending, out;
};

struct name_row {
	uint64_t hash;
	char name[NAME_LEN];
};

struct sink {
	int fds[SINK_SOCKETS], log;
	uint64_t lines, left_out;
	struct talk talks[TALKS_MAX];
	struct name_row *names;
	size_t nnames;
	struct sink_authority *authority;
	struct buf line; /* being written */
};

/* sink_io.c */
void talk_readable(struct talk *t); /* poll() says so: reads, answers, ends it when it is over */
void talk_flush(struct talk *t);
void talk_end(struct talk *t);
void talk_say(struct talk *t, struct str bytes);
void talk_printf(struct talk *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void talk_take(struct talk *t, size_t n); /* off pending */
/* The next line without its end ("\n" or "\r\n"), off pending when it is taken; false: none yet. */
bool talk_line(struct talk *t, struct str *ret);
/* A log line {"kind":…,"at":…,"address":…,"port":…,"name":…,"tls":…; the caller adds and ends it.
 */
bool log_begin(struct sink *s, const char *kind, const struct place *to, bool is_tls);
void log_add(struct sink *s, const char *key, struct str value);
void log_bytes(struct sink *s, const char *key, const char *bytes, size_t n); /* as base64 */
void log_end(struct sink *s);

/* sink_dns.c: the answer to one message; its size, 0 = none. */
size_t dns_answer(struct sink *s, struct str question, uint8_t *answer, size_t size);
const char *dns_name_of(const struct sink *s, int family, const void *ip);

/* sink_tls.c */
SSL *authority_accept(struct sink_authority *a, int fd);

/* sink_talk.c, sink_http.c, sink_pool.c */
extern const struct protocol *const protocols[]; /* ends in NULL */
extern const struct protocol protocol_http, protocol_pool, protocol_dns;
/* What a server of this port says first, or NULL. */
const char *greeting_of(uint16_t port);
