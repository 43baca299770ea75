/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The files of the web application, inside the program: made by make_assets.py at build. */
#include <microhttpd.h>

#include "base/str.h"

struct request;

struct asset {
	const char *path;                           /* "/assets/main-1a2b3c4d.js" */
	const char *type;                           /* "text/javascript; charset=utf-8" */
	const char *etag;                           /* quoted, of the content's SHA-256 */
	bool is_immutable;                          /* its name changes with its content */
	const unsigned char *plain, *gzip, *brotli; /* gzip, brotli: NULL when they gain nothing */
	size_t plain_len, gzip_len, brotli_len;
};

/* In byte order of their paths. */
extern const struct asset assets[];
extern const size_t nassets;
extern const bool assets_are_placeholder;

const struct asset *assets_find(struct str path);
/* The answer with q->asset, in the form that the client takes; or "not modified". */
struct MHD_Response *asset_response(struct request *q);
