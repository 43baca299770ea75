/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images in registries: what the room's door asks for, in the paths of the OCI
 * distribution-spec 1.1. Mirrors are asked first; whoever gives the manifest gives the blobs, too.
 * Lists come in pages and end at a limit, and no name of theirs is believed to be one before it was
 * looked at.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "source/image/registry.h"

enum {
	PAGE_MAX = 8 << 20, /* bytes */
	PAGES_MAX = 10000,
	NAMES_MAX = 1000000,
};

static const char accepts[] = "application/vnd.oci.image.manifest.v1+json, "
			      "application/vnd.oci.image.index.v1+json, "
			      "application/vnd.docker.distribution.manifest.v2+json, "
			      "application/vnd.docker.distribution.manifest.list.v2+json";

static int registry_transport_open(struct image_source *s, struct str rest, struct err *e)
{
	struct str ref = s->image.ref;
	struct registry *r;
	int n = image_parse_name(rest, &s->arena, &s->image, e);

	s->image.ref = ref;
	if (n == 0)
		n = registry_open(s, s->image.registry, s->image.repository, true, &r, e);
	if (n < 0)
		return n;
	s->state = r;
	s->want = s->image.digest.len ? s->image.digest : s->image.tag;
	return 0;
}

static void registry_transport_close(struct image_source *s)
{
	registry_close(s->state);
	s->state = NULL;
}

static int manifest_from(
	struct registry *r, struct endpoint *ep, struct str want, struct str *ret, struct err *e)
{
	struct arena *a = &r->source->arena;
	struct question q = {
		.path = arena_printf(
			a, "/v2/%.*s/manifests/%.*s", STR_ARG(r->repository), STR_ARG(want)),
		.accept = accepts,
	};
	struct buf body = BUF_INIT(MANIFEST_MAX);
	char digest[DIGEST_TEXT_SIZE];
	struct fetch_exchange *x;
	int n = endpoint_ask(r, ep, &q, &x, e);

	if (n < 0)
		return n;
	n = fetch_read_all(x, &body, e);
	struct str promised = digest_is_valid(want) ? want : str_of(x->digest);

	image_digest(buf_str(&body), promised, digest);
	if (n == 0 && digest_is_valid(promised) && !str_is(promised, digest))
		n = err_set(e, EBADMSG,
			"%s: the manifest from %.*s is not what its digest says: its bytes are "
			"those "
			"of %s",
			r->source->name, STR_ARG(ep->host), digest);
	if (n == 0)
		*ret = arena_str(a, buf_str(&body));
	buf_done(&body);
	fetch_end(x);
	return n;
}

static int registry_manifest(
	struct image_source *s, struct str want, struct str *ret, struct err *e)
{
	struct registry *r = s->state;
	int n = -ENOENT;

	/* what a mirror says of its failure does not matter when the registry itself has it */
	for (size_t i = r->current; i < r->nendpoints; i++) {
		n = manifest_from(r, &r->endpoints[i], want, ret, e);
		if (n == 0)
			r->current = i;
		if (n == 0 || n == -EINTR)
			return n;
	}
	return n;
}

static int registry_transport_blob(struct image_source *s, const struct descriptor *d,
	struct image_stream **ret, struct err *e)
{
	return registry_blob(s->state, d, ret, e);
}

const struct transport transport_registry = {
	.open = registry_transport_open,
	.manifest = registry_manifest,
	.blob = registry_transport_blob,
	.close = registry_transport_close,
};

/* ---- lists ---- */

struct list {
	struct registry *r;
	struct arena *a;
	const char *key; /* "repositories", "tags" */
	bool (*is_good)(struct list *l, struct str name);
	struct str *names;
	size_t n, cap;
};

static bool is_good_repository(struct list *l, struct str name)
{
	struct artifact_image im;
	struct arena a;

	arena_init(&a, 64 << 10);
	bool ok = image_parse_name(arena_printf(&a, "%.*s/%.*s", STR_ARG(l->r->endpoints->host),
					   STR_ARG(name)),
			  &a, &im, NULL) == 0 &&
		  str_eq(im.tag, STR("latest")) && str_eq(im.repository, name);

	arena_done(&a);
	return ok;
}

static bool is_good_tag(struct list *l, struct str name)
{
	struct artifact_image im;
	struct arena a;

	(void)l;
	arena_init(&a, 64 << 10);
	bool ok = image_parse_name(arena_printf(&a, "x:%.*s", STR_ARG(name)), &a, &im, NULL) == 0 &&
		  str_eq(im.tag, name);

	arena_done(&a);
	return ok;
}

static int add_names(struct list *l, const json_t *names, struct err *e)
{
	for (size_t i = 0; i < json_array_size(names); i++) {
		struct str name = image_json_text(json_array_get(names, i));

		if (!l->is_good(l, name))
			continue;
		if (l->n == l->cap) {
			size_t cap = l->cap ? l->cap * 2 : 256;
			struct str *more = arena_array(l->a, struct str, cap);

			if (!more)
				return err_set(e, ENOMEM, "out of memory");
			if (l->n)
				memcpy(more, l->names, l->n * sizeof(*more));
			l->names = more;
			l->cap = cap;
		}
		if (l->n == NAMES_MAX)
			return err_set(e, EFBIG, "%s has more than a million %s",
				l->r->source->name, l->key);
		l->names[l->n++] = arena_str(l->a, name);
	}
	return l->a->failed ? err_set(e, ENOMEM, "out of memory") : 0;
}

static int read_page(struct list *l, struct fetch_exchange *x, struct err *e)
{
	struct buf body = BUF_INIT(PAGE_MAX);
	json_t *j = NULL;
	int n = fetch_read_all(x, &body, e);

	if (n == 0)
		n = image_json(buf_str(&body), l->r->source->name, &j, e);
	if (n == 0)
		n = add_names(l, image_json_get(j, l->key), e);
	json_decref(j);
	buf_done(&body);
	return n;
}

/* Link: </v2/_catalog?last=x&n=100>; rel="next" (RFC 8288); only on the same server. */
static struct str next_page(struct registry *r, struct str base, const char *link)
{
	struct str s = str_of(link), rest = s;
	ptrdiff_t open = str_find_char(s, '<'), close = str_find_char(s, '>');

	if (open < 0 || close < open)
		return STR_NULL;
	rest = str_skip(s, (size_t)close);
	if (str_ifind(rest, STR("rel=\"next\"")) < 0 && str_ifind(rest, STR("rel=next")) < 0)
		return STR_NULL;
	s = str_make(s.s + open + 1, (size_t)(close - open - 1));
	s = url_resolve(base, s, &r->source->arena);
	return str_eq(url_origin(s, &r->source->arena), r->endpoints->origin) ? s : STR_NULL;
}

static int read_pages(struct list *l, struct str path, struct err *e)
{
	struct registry *r = l->r;
	struct str url = url_resolve(r->endpoints->base, path, &r->source->arena);
	int n = 0;

	for (unsigned page = 0; n == 0 && url.len; page++) {
		struct question q = {.path = url, .accept = "application/json"};
		struct fetch_exchange *x;
		size_t before = l->n;

		if (page == PAGES_MAX)
			return err_set(e, EFBIG, "%s: its list does not end", r->source->name);
		n = endpoint_ask(r, r->endpoints, &q, &x, e);
		if (n < 0)
			return n;
		n = read_page(l, x, e);
		struct str next = next_page(r, url, x->link);

		fetch_end(x);
		/* a page that leads to itself, or brings nothing, is the last */
		url = str_eq(next, url) || l->n == before ? STR_NULL : next;
	}
	return n;
}

static int list_names(const char *place, struct str host, struct str repository, struct str path,
	const struct image_options *o, struct list *l, struct err *e)
{
	struct image_source s = {0};
	int n;

	arena_init(&s.arena, SOURCE_MEMORY);
	if (o)
		s.options = *o;
	snprintf(s.name, sizeof(s.name), "%.*s",
		STR_ARG(image_printable(str_of(place), 400, &s.arena)));
	n = registry_open(&s, host, repository, false, &l->r, e);
	if (n == 0) {
		n = read_pages(l, path, e);
		registry_close(l->r);
	}
	arena_done(&s.arena);
	return n;
}

int image_catalog(const char *registry, const struct image_options *o, struct arena *a,
	struct str **ret, size_t *ret_n, struct err *e)
{
	struct list l = {.a = a, .key = "repositories", .is_good = is_good_repository};
	int n = list_names(
		registry, str_of(registry), STR_NULL, STR("/v2/_catalog?n=1000"), o, &l, e);

	if (n == -ENOENT || (n == -EACCES && str_is(str_of(registry), "docker.io")))
		return err_set(
			e, EOPNOTSUPP, "%s does not list its repositories: name them", registry);
	if (n == 0) {
		*ret = l.names;
		*ret_n = l.n;
	}
	return n;
}

int image_tags(const char *repository, const struct image_options *o, struct arena *a,
	struct str **ret, size_t *ret_n, struct err *e)
{
	struct list l = {.a = a, .key = "tags", .is_good = is_good_tag};
	struct artifact_image im;
	int n = image_parse_name(str_of(repository), a, &im, e);

	if (n == 0)
		n = list_names(repository, im.registry, im.repository,
			arena_printf(a, "/v2/%.*s/tags/list?n=1000", STR_ARG(im.repository)), o, &l,
			e);
	if (n == 0) {
		*ret = l.names;
		*ret_n = l.n;
	}
	return n;
}
