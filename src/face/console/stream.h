/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* GET /api/v1/stream: what happens, as it happens. */
#include <microhttpd.h>

struct request;

/* The answer without end, for q->listener. */
struct MHD_Response *stream_response(struct request *q);
