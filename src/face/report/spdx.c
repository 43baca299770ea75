/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SPDX 2.3 as JSON (spdx.github.io/spdx-spec/v2.3): the image as the package that the document
 * describes, which contains its distribution and each package. No file was analysed for licences:
 * what is not known is NOASSERTION, and what packages say of their licence is a comment, because it
 * is not always an SPDX expression.
 */
#include <inttypes.h>

#include "base/json.h"
#include "engine/package/package.h"
#include "face/report/report_private.h"

/* What every package must have, and nobody knows here. */
static void add_unknown(struct buf *out, bool *first)
{
	static const char *const keys[] = {
		"downloadLocation", "licenseConcluded", "licenseDeclared", "copyrightText"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		sbom_add_member(out, first, keys[i], STR("NOASSERTION"));
	json_add_key(out, first, "filesAnalyzed");
	buf_add_cstr(out, "false");
}

static void add_purl(struct buf *out, bool *first, struct str purl)
{
	if (!purl.len)
		return;
	json_add_key(out, first, "externalRefs");
	buf_add_cstr(out, "[{\"referenceCategory\":\"PACKAGE-MANAGER\",\"referenceType\":\"purl\","
			  "\"referenceLocator\":");
	json_add_str(out, purl);
	buf_add_cstr(out, "}]");
}

static void add_image(const struct artifact_report *r, const struct sbom *b, struct buf *out)
{
	struct str sha256 = sbom_sha256(r->image.digest);
	bool first = true;

	buf_add_cstr(out, "\n{");
	sbom_add_member(out, &first, "SPDXID", STR("SPDXRef-image"));
	sbom_add_member(out, &first, "name", b->image_name.len ? b->image_name : STR("image"));
	sbom_add_member(
		out, &first, "versionInfo", r->image.digest.len ? r->image.digest : r->image.tag);
	sbom_add_member(out, &first, "primaryPackagePurpose", STR("CONTAINER"));
	sbom_add_member(out, &first, "comment", r->image.ref);
	if (sha256.len) {
		json_add_key(out, &first, "checksums");
		buf_printf(out, "[{\"algorithm\":\"SHA256\",\"checksumValue\":\"%.*s\"}]",
			STR_ARG(sha256));
	}
	add_purl(out, &first, b->image_purl);
	add_unknown(out, &first);
	buf_add_char(out, '}');
}

static void add_distro(const struct artifact_distro *d, struct buf *out)
{
	bool first = true;

	buf_add_cstr(out, ",\n{");
	sbom_add_member(out, &first, "SPDXID", STR("SPDXRef-distribution"));
	sbom_add_member(out, &first, "name", d->id);
	sbom_add_member(out, &first, "versionInfo", d->version);
	sbom_add_member(out, &first, "primaryPackagePurpose", STR("OPERATING_SYSTEM"));
	sbom_add_member(out, &first, "summary", d->pretty_name);
	if (d->end_of_life.len) {
		json_add_key(out, &first, "validUntilDate");
		buf_printf(out, "\"%.*sT23:59:59Z\"", STR_ARG(d->end_of_life));
	}
	add_unknown(out, &first);
	buf_add_char(out, '}');
}

/* Where it was read: "/var/lib/dpkg/status in layer 1 (sha256:…), deleted in layer 3" */
static void add_source_info(
	const struct artifact_report *r, const struct sbom_entry *e, struct buf *out, bool *first)
{
	const struct artifact_package *p = e->p;
	struct buf text = BUF_INIT(16 << 10);
	struct str digest = sbom_layer_digest(r, p);

	buf_add(&text, p->path);
	buf_printf(&text, " in layer %u", p->layer + 1);
	if (digest.len)
		buf_printf(&text, " (%.*s)", STR_ARG(digest));
	if (e->owner)
		buf_printf(&text, ", a file of %.*s", STR_ARG(e->owner->name));
	if (p->deleted_in >= 0)
		buf_printf(&text, ", deleted in layer %d", p->deleted_in + 1);
	sbom_add_member(out, first, "sourceInfo", buf_str(&text));
	buf_done(&text);
}

static void add_prefixed(
	struct buf *out, bool *first, const char *key, const char *prefix, struct str value)
{
	struct buf text = BUF_INIT(1024);

	if (value.len) {
		buf_add_cstr(&text, prefix);
		buf_add(&text, value);
		sbom_add_member(out, first, key, buf_str(&text));
	}
	buf_done(&text);
}

/* The name as its ecosystem writes it: "@types/node", "org.slf4j:slf4j-api". */
static void add_name(const struct artifact_package *p, struct buf *out, bool *first)
{
	struct buf text = BUF_INIT(2048);

	buf_add(&text, p->group);
	if (p->group.len)
		buf_add_char(&text, p->type == PACKAGE_JAR ? ':' : '/');
	buf_add(&text, p->name);
	sbom_add_member(out, first, "name", buf_str(&text));
	buf_done(&text);
}

static void add_package(
	const struct artifact_report *r, const struct sbom_entry *e, struct buf *out)
{
	const struct artifact_package *p = e->p;
	bool first = true;

	buf_add_cstr(out, ",\n{");
	json_add_key(out, &first, "SPDXID");
	buf_printf(out, "\"SPDXRef-package-%016" PRIx64 "\"", e->id);
	add_name(p, out, &first);
	sbom_add_member(out, &first, "versionInfo", p->version);
	sbom_add_member(out, &first, "primaryPackagePurpose", STR("LIBRARY"));
	add_prefixed(out, &first, "supplier", "Organization: ", p->maintainer);
	add_source_info(r, e, out, &first);
	add_prefixed(out, &first, "licenseComments", "The package says: ", p->license);
	add_purl(out, &first, e->purl);
	add_unknown(out, &first);
	buf_add_char(out, '}');
}

static void add_contained(const char *kind, uint64_t id, struct buf *out)
{
	buf_add_cstr(out,
		",\n{\"spdxElementId\":\"SPDXRef-image\",\"relationshipType\":\"CONTAINS\","
		"\"relatedSpdxElement\":\"SPDXRef-");
	buf_add_cstr(out, kind);
	if (id)
		buf_printf(out, "-%016" PRIx64, id);
	buf_add_cstr(out, "\"}");
}

/* Tools are named "koban-0.1.0". */
static void add_creator(struct str scanner, struct buf *out)
{
	struct buf text = BUF_INIT(200);
	struct str name = str_cut(&scanner, ' ');

	buf_printf(
		&text, "Tool: %.*s%s%.*s", STR_ARG(name), scanner.len ? "-" : "", STR_ARG(scanner));
	json_add_str(out, buf_str(&text));
	buf_done(&text);
}

static void add_head(const struct artifact_report *r, const struct sbom *b, struct buf *out)
{
	bool first = true;

	buf_add_char(out, '{');
	sbom_add_member(out, &first, "spdxVersion", STR("SPDX-2.3"));
	sbom_add_member(out, &first, "dataLicense", STR("CC0-1.0"));
	sbom_add_member(out, &first, "SPDXID", STR("SPDXRef-DOCUMENT"));
	sbom_add_member(out, &first, "name", r->image.ref.len ? r->image.ref : STR("image"));
	json_add_key(out, &first, "documentNamespace");
	buf_printf(out, "\"urn:uuid:%s\",\n\"creationInfo\":{\"created\":", b->uuid);
	sbom_add_time(r->scanned_ns, out);
	buf_add_cstr(out, ",\"creators\":[");
	add_creator(r->scanner.len ? r->scanner : STR("koban"), out);
	buf_add_cstr(out, "]},\n");
}

void report_write_spdx(
	const struct artifact_report *r, const struct report_style *s, struct buf *out)
{
	struct sbom b;

	sbom_init(&b, r, s->all, out);
	add_head(r, &b, out);
	buf_add_cstr(out, "\"packages\":[");
	add_image(r, &b, out);
	if (r->distro.id.len)
		add_distro(&r->distro, out);
	for (size_t i = 0; i < b.n; i++)
		add_package(r, &b.entries[i], out);
	buf_add_cstr(out, "],\n\"relationships\":[\n{\"spdxElementId\":\"SPDXRef-DOCUMENT\","
			  "\"relationshipType\":\"DESCRIBES\",\"relatedSpdxElement\":"
			  "\"SPDXRef-image\"}");
	if (r->distro.id.len)
		add_contained("distribution", 0, out);
	for (size_t i = 0; i < b.n; i++)
		add_contained("package", b.entries[i].id, out);
	buf_add_cstr(out, "]}\n");
	sbom_done(&b);
}
