/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One request from its first byte to its answer. MHD's thread reads it and sends the answer; a
 * worker thread runs the handler in between, and nobody else touches it then.
 */
#include <jansson.h>
#include <microhttpd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "face/console/route.h"
#include "face/console/url.h"

enum {
	USER_NAME_MAX = 64,
	REQUEST_MEMORY_MAX = 8 << 20,
	ANSWER_MAX = 32 << 20,
	BODY_DEFAULT_BYTES = 64 << 10,
	BODY_IGNORED_BYTES = 1 << 10,
	ERROR_CODE_MAX = 40,
};

struct console;
struct connection;

/* Who asks. */
struct identity {
	enum role role; /* ROLE_PUBLIC = nobody that is known */
	char user[USER_NAME_MAX + 1];
	char session[65]; /* the hash under which it is kept; empty for a token */
	char token[65];   /* the id of a bearer token, or empty */
	char csrf[65];    /* what X-CSRF-Token has to hold; empty when none is needed */
	bool must_change_password;
};

enum answer_kind { ANSWER_BODY, ANSWER_ASSET, ANSWER_STREAM };

struct request {
	struct console *console;
	struct MHD_Connection *mhd;
	struct connection *connection;
	struct request *next; /* in the workers' queue */
	uint64_t began_ns;

	/* what was asked */
	enum method method;
	const struct route *route;
	struct arena arena;
	struct str raw_path, raw_query;
	struct path path;
	struct url_params query;
	struct str id; /* what stands for {…} in the route's path */
	struct buf body;
	json_t *json; /* the body, after it was checked against the route's shape; or NULL */
	struct identity who;
	char address[64];       /* of the client, as text */
	struct str address_key; /* by which it is limited */
	bool seen_head, too_large, is_queued, is_done;

	/* the answer */
	enum answer_kind kind;
	unsigned status;
	struct buf out;
	size_t held_bytes; /* of the answer that is being sent */
	const char *type;  /* of the content; NULL = application/json */
	const char *etag, *cache;
	const char *set_cookie, *location, *allow;
	const char *file_name; /* the browser saves the answer under this name */
	unsigned retry_after_s;
	const struct asset *asset;
	struct listener *listener; /* of a stream, until its answer has it */
	char error_code[ERROR_CODE_MAX];
	char error_message[600];
	unsigned error_line, error_column;
};

/* Fills the error and returns the status: `return request_fail(q, 404, "not_found", "…")`. */
int request_fail(struct request *q, int status, const char *code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* The same from an errno and its message: what is not the client's fault is 500, and logged. */
int request_fail_err(struct request *q, int error, const struct err *e);
/* A header of the request, or STR_NULL. */
struct str request_header(const struct request *q, const char *name);
/* Values that the route's shapes have already checked. */
struct str request_query(const struct request *q, const char *name);
int64_t request_query_int(const struct request *q, const char *name, int64_t otherwise);
/* 0 when it is not there. */
uint64_t request_query_time(const struct request *q, const char *name);
struct str request_text(const struct request *q, const char *name);
bool request_flag(const struct request *q, const char *name, bool otherwise);
