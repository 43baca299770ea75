/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What the files of the console share. Each part has a header of its own; this is the whole. */
#include <stdatomic.h>

#include "face/console/console.h"
#include "face/console/limit.h"
#include "face/console/request.h"

enum {
	CONNECTIONS_MAX = 512, /* in all */
	CONNECTIONS_PER_IP = 128,
	CONNECTION_MEMORY = 32 << 10, /* the head of a request has to fit */
	IDLE_S = 60,                  /* a connection without a request */
	REQUEST_S = 15,          /* a request has to arrive within it, however slowly it drips */
	ANSWER_S = 120,          /* an answer has to be taken within it */
	BODIES_MAX = 32 << 20,   /* of all requests that are being read, together */
	ANSWERS_MAX = 256 << 20, /* of all answers that are being read, together */
	WORKERS = 4,
	QUEUE_MAX = 128, /* requests that wait for a worker */
	STREAMS_MAX = 64,
	STREAMS_PER_USER = 12,
};

struct counters {
	atomic_ullong requests, errors, refused_rate, refused_auth, refused_host, refused_full,
		too_large, timeouts, logins, logins_failed, csp_reports;
	atomic_ullong by_class[6]; /* answers 1xx … 5xx */
};

struct console {
	struct console_options o;
	struct arena arena; /* strings of the options, everything that lives as long */
	struct cell_options cell;
	struct store *store;
	struct router *router;
	struct MHD_Daemon *daemon;
	int listen_fd;
	bool is_loopback, is_tls;
	uint16_t port;
	char address[300];
	char first_token[64];
	uint64_t started_ns, maintained_ns, ticks;
	struct counters count;
	struct limit by_address, by_account, login_by_address;
	struct backoff login_by_account;
	atomic_size_t body_bytes, answer_bytes;
	struct connections *connections;
	struct workers *workers;
	struct hub *hub;
	struct ingest *ingest;
	struct latest *latest;
	struct tls *tls;
	struct runner *runner;
	struct scanjobs *scanjobs;
	struct rulebook *rules;
	struct knowledge *knowledge;
	struct reports *reports;
};

/* ---- api_images.c: what a scan that was asked for has said ----------------------------------- */
void images_take_scan(void *arg, struct str ref, struct str report, char problem[200]);

/* ---- http.c: requests in, answers out ------------------------------------------------------- */
int http_start(struct console *c, struct err *e);
/* No new connections from here on. */
void http_quiesce(struct console *c);
void http_stop(struct console *c);

/* ---- answer.c: what every answer carries ---------------------------------------------------- */
enum MHD_Result answer_send(struct request *q);
/* Fills q->out with the error that q holds. */
void answer_add_error(struct request *q);

/* ---- guard.c: who may ----------------------------------------------------------------------- */
/* The checks that need no store, when the head is there: 0 or a status. */
int guard_head(struct request *q);
/* Those that do, on a worker: 0 or a status. */
int guard_request(struct request *q);

/* ---- auth.c --------------------------------------------------------------------------------- */
const char *auth_cookie_name(const struct console *c);
/* Finds out who asks, from cookie or token; nobody is no error. 0 or a status. */
int auth_identify(struct request *q);
/* Makes a session and the cookie for it. 0 or a status. */
int auth_begin_session(struct request *q, const struct store_user *u);
int auth_end_session(struct request *q);
/* Makes the token of a first start when no admin can sign in. 0 or -errno. */
int auth_first_token(struct console *c, struct err *e);
bool auth_can_anybody_sign_in(struct console *c);
/* Writes the audit row; a change whose row cannot be written has failed. 0 or a status. */
int audit(struct request *q, const char *action, struct str object, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* ---- connection.c: deadlines ---------------------------------------------------------------- */
int connections_new(struct connections **ret);
void connections_free(struct connections *l);
struct connection *connection_open(struct connections *l, int fd);
void connection_close(struct connections *l, struct connection *c);
/* The connection is shut when this time has come; 0 = never. */
void connection_expect(struct connections *l, struct connection *c, unsigned seconds);
/* Shuts it at once: its reader is too slow. */
void connection_shut(struct connections *l, struct connection *c);
/* Shuts what is late; how many. */
size_t connections_sweep(struct connections *l, uint64_t now_ns);
size_t connections_count(struct connections *l);

/* ---- worker.c: threads that run handlers ---------------------------------------------------- */
typedef void (*work_fn)(struct request *q);
int workers_new(unsigned n, size_t queue_max, work_fn fn, struct workers **ret, struct err *e);
/* False when the queue is full. */
bool workers_add(struct workers *w, struct request *q);
size_t workers_waiting(struct workers *w);
/* Waits for what is under way. */
void workers_free(struct workers *w);
