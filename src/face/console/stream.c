/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The live stream. A browser that lost its connection says which event it saw last; what came since
 * is taken from the hub, or, when it was away for longer, from the store. Something may then come
 * twice, nothing is left out.
 */
#include "face/console/stream.h"

#include "face/console/hub.h"
#include "face/console/private.h"
#include "face/console/write.h"

enum { MISSED_MAX = 200, BLOCK = 8 << 10 };

static void add_missed(struct request *q, uint64_t from_ns)
{
	const struct store_query query = {
		.from_ns = from_ns, .order = STORE_OLDEST, .limit = MISSED_MAX};
	struct store_page page = {0};
	struct err e = {0};

	/* a store that cannot answer now does not stop what comes live */
	if (store_findings(q->console->store, &query, &q->arena, &page, NULL, &e) < 0)
		return;
	for (size_t i = 0; i < page.n; i++) {
		struct buf data = BUF_INIT(HUB_MESSAGE_MAX), text = BUF_INIT(HUB_MESSAGE_MAX);

		write_finding(&data, &page.items[i]);
		hub_format(q->console->hub, &text, "finding", buf_str(&data), 0,
			page.items[i].time_ns);
		if (!data.cut && !text.cut)
			listener_add(q->listener, buf_str(&text));
		buf_done(&data);
		buf_done(&text);
	}
}

int api_stream(struct request *q)
{
	struct hub *h = q->console->hub;
	struct hub_place place;
	bool comes_back = hub_parse_place(request_header(q, "Last-Event-ID"), &place);
	bool is_kept = comes_back && hub_has(h, &place);

	q->listener = hub_listen(h, q->who.user, q->who.session[0] ? q->who.session : q->who.token,
		is_kept ? &place : NULL, q->connection, q->mhd);
	if (!q->listener) {
		q->retry_after_s = 10;
		return request_fail(q, 429, "too_many", "too many live streams are open");
	}
	/* the head goes out with the first bytes: do not let a browser wait for an event */
	listener_add(q->listener, STR("retry: 3000\nevent: ping\ndata: {}\n\n"));
	if (comes_back && !is_kept && place.time_ns)
		add_missed(q, place.time_ns);
	q->kind = ANSWER_STREAM;
	return 200;
}

struct MHD_Response *stream_response(struct request *q)
{
	struct MHD_Response *r = MHD_create_response_from_callback(
		MHD_SIZE_UNKNOWN, BLOCK, listener_read, q->listener, listener_free);

	if (!r)
		return NULL;
	q->listener = NULL;
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, "text/event-stream");
	/* a proxy in between must not collect */
	MHD_add_response_header(r, "X-Accel-Buffering", "no");
	return r;
}
