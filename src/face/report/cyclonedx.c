/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CycloneDX 1.6 as JSON (ECMA-424, cyclonedx.org/docs/1.6/json): the image, its distribution, and a
 * component for each package. What packages need each other for is not known, so nothing is said of
 * dependencies. Licences are what packages say, which are not always SPDX expressions: names.
 */
#include <inttypes.h>

#include "base/json.h"
#include "engine/package/package.h"
#include "face/report/report_private.h"

static void add_property(struct buf *out, bool *first, const char *name, struct str value)
{
	bool inner = true;

	if (!value.len)
		return;
	buf_add_cstr(out, *first ? "{" : ",{");
	*first = false;
	sbom_add_member(out, &inner, "name", str_of(name));
	sbom_add_member(out, &inner, "value", value);
	buf_add_char(out, '}');
}

static void add_number_property(struct buf *out, bool *first, const char *name, uint64_t value)
{
	char text[24];
	struct buf b = buf_fixed(text, sizeof(text));

	buf_add_u64(&b, value);
	add_property(out, first, name, buf_str(&b));
}

static void add_license(struct buf *out, bool *first, struct str license)
{
	if (!license.len)
		return;
	json_add_key(out, first, "licenses");
	buf_add_cstr(out, "[{\"license\":{\"name\":");
	json_add_str(out, license);
	buf_add_cstr(out, "}}]");
}

static void add_package_properties(
	const struct artifact_report *r, const struct sbom_entry *e, struct buf *out)
{
	const struct artifact_package *p = e->p;
	bool first = true;

	buf_add_cstr(out, "[");
	add_property(out, &first, "koban:type", str_of(artifact_package_type_name(p->type)));
	add_property(out, &first, "koban:path", p->path);
	add_number_property(out, &first, "koban:layer", p->layer + UINT64_C(1));
	add_property(out, &first, "koban:layer:digest", sbom_layer_digest(r, p));
	add_property(out, &first, "koban:source", p->source);
	add_property(out, &first, "koban:source:version", p->source_version);
	if (e->owner)
		add_property(out, &first, "koban:owner", e->owner->name);
	if (p->deleted_in >= 0)
		add_number_property(
			out, &first, "koban:deleted_in_layer", (uint64_t)p->deleted_in + 1);
	buf_add_char(out, ']');
}

static void add_package(
	const struct artifact_report *r, const struct sbom_entry *e, struct buf *out)
{
	const struct artifact_package *p = e->p;
	bool first = true;

	buf_add_cstr(out, ",\n{");
	json_add_key(out, &first, "bom-ref");
	buf_printf(out, "\"package-%016" PRIx64 "\"", e->id);
	sbom_add_member(out, &first, "type", STR("library"));
	sbom_add_member(out, &first, "publisher", p->maintainer);
	sbom_add_member(out, &first, "group", p->group);
	sbom_add_member(out, &first, "name", p->name);
	sbom_add_member(out, &first, "version", p->version);
	add_license(out, &first, p->license);
	sbom_add_member(out, &first, "purl", e->purl);
	json_add_key(out, &first, "properties");
	add_package_properties(r, e, out);
	buf_add_char(out, '}');
}

static void add_distro(const struct artifact_distro *d, struct buf *out)
{
	bool first = true, inner = true;

	buf_add_cstr(out, "\n{");
	sbom_add_member(out, &first, "bom-ref", STR("distribution"));
	sbom_add_member(out, &first, "type", STR("operating-system"));
	sbom_add_member(out, &first, "name", d->id);
	sbom_add_member(out, &first, "version", d->version);
	sbom_add_member(out, &first, "description", d->pretty_name);
	json_add_key(out, &first, "properties");
	buf_add_char(out, '[');
	add_property(out, &inner, "koban:path", d->path);
	add_property(out, &inner, "koban:end_of_life", d->end_of_life);
	buf_add_cstr(out, "]}");
}

static void add_image(const struct artifact_report *r, const struct sbom *b, struct buf *out)
{
	struct str sha256 = sbom_sha256(r->image.digest);
	bool first = true, inner = true;

	buf_add_char(out, '{');
	sbom_add_member(out, &first, "bom-ref", STR("image"));
	sbom_add_member(out, &first, "type", STR("container"));
	sbom_add_member(out, &first, "name", b->image_name.len ? b->image_name : STR("image"));
	sbom_add_member(
		out, &first, "version", r->image.digest.len ? r->image.digest : r->image.tag);
	if (sha256.len) {
		json_add_key(out, &first, "hashes");
		buf_printf(out, "[{\"alg\":\"SHA-256\",\"content\":\"%.*s\"}]", STR_ARG(sha256));
	}
	sbom_add_member(out, &first, "purl", b->image_purl);
	json_add_key(out, &first, "properties");
	buf_add_char(out, '[');
	add_property(out, &inner, "koban:reference", r->image.ref);
	add_property(out, &inner, "koban:platform", r->image.platform);
	add_property(out, &inner, "koban:config:digest", r->image.config_digest);
	for (size_t i = 0; i < r->image.nlayers; i++)
		add_property(out, &inner, "koban:layer:diff_id", r->image.layers[i].diff_id);
	add_number_property(out, &inner, "koban:gaps", r->coverage.ngaps);
	buf_add_cstr(out, "]}");
}

/* "koban 0.1.0" */
static void add_tool(struct str scanner, struct buf *out)
{
	struct str name = str_cut(&scanner, ' ');
	bool first = true;

	buf_add_cstr(out, "{\"components\":[{");
	sbom_add_member(out, &first, "type", STR("application"));
	sbom_add_member(out, &first, "name", name.len ? name : STR("koban"));
	sbom_add_member(out, &first, "version", scanner);
	buf_add_cstr(out, "}]}");
}

void report_write_cyclonedx(
	const struct artifact_report *r, const struct report_style *s, struct buf *out)
{
	struct sbom b;

	sbom_init(&b, r, s->all, out);
	buf_printf(out,
		"{\"$schema\":\"http://cyclonedx.org/schema/bom-1.6.schema.json\",\n"
		"\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.6\",\"version\":1,\n"
		"\"serialNumber\":\"urn:uuid:%s\",\n\"metadata\":{\"timestamp\":",
		b.uuid);
	sbom_add_time(r->scanned_ns, out);
	buf_add_cstr(out, ",\n\"tools\":");
	add_tool(r->scanner, out);
	buf_add_cstr(out, ",\n\"component\":");
	add_image(r, &b, out);
	buf_add_cstr(out, "},\n\"components\":[");
	size_t begin = out->len;
	if (r->distro.id.len)
		add_distro(&r->distro, out);
	for (size_t i = 0; i < b.n; i++) {
		size_t at = out->len;

		add_package(r, &b.entries[i], out);
		if (at == begin && at < out->len)
			out->s[at] = ' '; /* no comma before the first */
	}
	buf_add_cstr(out, "]}\n");
	sbom_done(&b);
}
