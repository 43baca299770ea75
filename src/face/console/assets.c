/* SPDX-License-Identifier: Apache-2.0 */
/* Serving files from memory, compressed at build; nothing is read from a disk. */
#include "face/console/assets.h"

#include "face/console/private.h"

const struct asset *assets_find(struct str path)
{
	size_t low = 0, high = nassets;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = str_cmp(str_of(assets[mid].path), path);

		if (order == 0)
			return &assets[mid];
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

/* Is `coding` among the accepted ones, and not with q=0 (RFC 9110, 12.5.3)? */
static bool accepts(struct str header, const char *coding)
{
	while (header.len) {
		struct str item = str_cut(&header, ',');
		struct str name = str_trim(str_cut(&item, ';'));
		struct str weight = str_trim(item);
		double w = 1;

		if (!str_ieq(name, str_of(coding)))
			continue;
		if (str_starts(weight, STR("q=")) && !str_to_double(str_skip(weight, 2), &w))
			w = 0;
		return w > 0;
	}
	return false;
}

static bool is_known(struct str header, const char *etag)
{
	while (header.len) {
		struct str item = str_trim(str_cut(&header, ','));

		if (str_starts(item, STR("W/")))
			item = str_skip(item, 2);
		if (str_is(item, etag) || str_is(item, "*"))
			return true;
	}
	return false;
}

struct MHD_Response *asset_response(struct request *q)
{
	const struct asset *a = q->asset;
	struct str accepted = request_header(q, MHD_HTTP_HEADER_ACCEPT_ENCODING);
	const unsigned char *body = a->plain;
	size_t n = a->plain_len;
	const char *coding = NULL;

	if (a->brotli && accepts(accepted, "br")) {
		body = a->brotli;
		n = a->brotli_len;
		coding = "br";
	} else if (a->gzip && accepts(accepted, "gzip")) {
		body = a->gzip;
		n = a->gzip_len;
		coding = "gzip";
	}
	q->etag = a->etag;
	q->cache = a->is_immutable ? "public, max-age=31536000, immutable" : "no-cache";
	bool is_same = is_known(request_header(q, MHD_HTTP_HEADER_IF_NONE_MATCH), a->etag);
	q->status = is_same ? MHD_HTTP_NOT_MODIFIED : MHD_HTTP_OK;
	struct MHD_Response *r = MHD_create_response_from_buffer(
		is_same ? 0 : n, (void *)body, MHD_RESPMEM_PERSISTENT);
	if (!r)
		return NULL;
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, a->type);
	MHD_add_response_header(r, MHD_HTTP_HEADER_VARY, "Accept-Encoding");
	if (coding && !is_same)
		MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_ENCODING, coding);
	return r;
}
