/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SARIF 2.1.0 (OASIS): one run, a reporting descriptor a check, a result a finding. Files of the
 * image are named by relative URIs below the base IMAGE, so that viewers show paths. Ignored
 * findings are results with a suppression: the reason is not lost.
 */
#include <stdlib.h>

#include "base/json.h"
#include "face/report/report_private.h"

enum { TEXT_MAX = 64 << 10 };

static const char *level_of(enum artifact_severity v)
{
	return v <= ARTIFACT_HIGH ? "error" : v == ARTIFACT_MEDIUM ? "warning" : "note";
}

/* GitHub sorts by it; the middle of its ranges for our words. */
static const char *score_of(enum artifact_severity v)
{
	static const char *const scores[ARTIFACT_SEVERITY_COUNT] = {
		"9.5", "8.0", "5.5", "2.0", "0.0"};

	return v < ARTIFACT_SEVERITY_COUNT ? scores[v] : "0.0";
}

static void add_member(struct buf *out, bool *first, const char *key, struct str value)
{
	json_add_key(out, first, key);
	json_add_str(out, value);
}

/* A path as a relative URI reference (RFC 3986 §4.2): what is not unreserved is escaped. */
static void add_uri(struct str path, struct buf *out)
{
	static const char hex[] = "0123456789ABCDEF";

	while (path.len && path.s[0] == '/')
		path = str_skip(path, 1);
	buf_add_char(out, '"');
	for (size_t i = 0; i < path.len; i++) {
		unsigned char c = (unsigned char)path.s[i];
		bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
				(c >= '0' && c <= '9') || (c && strchr("-._~/", c));

		if (is_plain) {
			buf_add_char(out, (char)c);
		} else {
			buf_add_char(out, '%');
			buf_add_char(out, hex[c >> 4]);
			buf_add_char(out, hex[c & 15]);
		}
	}
	buf_add_cstr(out, path.len ? "\"" : ".\"");
}

/* The checks that found something, each by its first finding; and which of them each finding is of.
 */
struct rules {
	size_t *first, *of, n;
};

static bool list_rules(const struct artifact_report *r, struct rules *ret)
{
	*ret = (struct rules){calloc(r->nfindings + 1, sizeof(size_t)),
		calloc(r->nfindings + 1, sizeof(size_t)), 0};
	for (size_t i = 0; ret->first && ret->of && i < r->nfindings; i++) {
		size_t k = 0;

		while (k < ret->n &&
			!str_eq(r->findings[ret->first[k]].check, r->findings[i].check))
			k++;
		if (k == ret->n)
			ret->first[ret->n++] = i;
		ret->of[i] = k;
	}
	return ret->first && ret->of;
}

static void add_rule(const struct artifact_finding *f, struct buf *out)
{
	bool first = true;

	buf_add_char(out, '{');
	add_member(out, &first, "id", f->check);
	json_add_key(out, &first, "shortDescription");
	buf_add_cstr(out, "{\"text\":");
	json_add_str(out, str_of(artifact_label_title(f->label)));
	buf_add_char(out, '}');
	if (f->mend.len) {
		json_add_key(out, &first, "help");
		buf_add_cstr(out, "{\"text\":");
		json_add_str(out, f->mend);
		buf_add_char(out, '}');
	}
	json_add_key(out, &first, "properties");
	buf_printf(out, "{\"security-severity\":\"%s\",\"tags\":[\"security\",",
		score_of(f->severity));
	json_add_str(out, str_of(artifact_label_name(f->label)));
	buf_add_cstr(out, "]}}");
}

static void add_location(
	const struct artifact_report *r, const struct artifact_finding *f, struct buf *out)
{
	struct buf where = BUF_INIT(TEXT_MAX);

	buf_add_cstr(out, "[{\"physicalLocation\":{\"artifactLocation\":{\"uri\":");
	add_uri(f->place == PLACE_FILE ? f->path : r->image.ref, out);
	buf_add_cstr(out, f->place == PLACE_FILE ? ",\"uriBaseId\":\"IMAGE\"}" : "}");
	if (f->line)
		buf_printf(out, ",\"region\":{\"startLine\":%u}", f->line);
	buf_add_cstr(out, "},\"message\":{\"text\":");
	report_add_place(f, &where);
	json_add_str(out, buf_str(&where));
	buf_add_cstr(out, "}}]");
	buf_done(&where);
}

static void add_properties(const struct artifact_finding *f, struct buf *out)
{
	bool first = true;

	buf_add_char(out, '{');
	add_member(out, &first, "severity", str_of(artifact_severity_name(f->severity)));
	json_add_key(out, &first, "confidence");
	buf_add_u64(out, f->confidence);
	if (f->place == PLACE_FILE) {
		json_add_key(out, &first, "layer");
		buf_add_u64(out, f->layer);
		add_member(out, &first, "reach", str_of(artifact_reach_name(f->reach)));
	}
	if (f->deleted_in >= 0) {
		json_add_key(out, &first, "deletedInLayer");
		buf_add_s64(out, f->deleted_in);
	}
	if (f->created_by.len)
		add_member(out, &first, "createdBy", f->created_by);
	for (size_t i = 0; i < f->nfacts; i++) {
		char key[64];

		/* a fact called as a property above would be a member twice */
		if (!str_copy(f->facts[i].key, key + 5, sizeof(key) - 5))
			continue;
		memcpy(key, "fact:", 5);
		add_member(out, &first, key, f->facts[i].value);
	}
	buf_add_char(out, '}');
}

static void add_result(
	const struct artifact_report *r, const struct rules *rules, size_t i, struct buf *out)
{
	const struct artifact_finding *f = &r->findings[i];
	bool first = true;
	char id[17];

	report_finding_id(f, id);
	buf_add_char(out, '{');
	add_member(out, &first, "ruleId", f->check);
	json_add_key(out, &first, "ruleIndex");
	buf_add_u64(out, rules->of[i]);
	add_member(out, &first, "level", str_of(level_of(f->severity)));
	json_add_key(out, &first, "message");
	buf_add_cstr(out, "{\"text\":");
	json_add_str(out, f->title);
	buf_add_char(out, '}');
	json_add_key(out, &first, "locations");
	add_location(r, f, out);
	json_add_key(out, &first, "partialFingerprints");
	buf_printf(out, "{\"koban/v1\":\"%s\"}", id);
	if (f->is_ignored) {
		json_add_key(out, &first, "suppressions");
		buf_add_cstr(out, "[{\"kind\":\"external\",\"justification\":");
		json_add_str(out, f->ignored_why);
		buf_add_cstr(out, "}]");
	}
	json_add_key(out, &first, "properties");
	add_properties(f, out);
	buf_add_char(out, '}');
}

/* What was not read is told as notifications: a scan that saw little must not look clean. */
static void add_notifications(const struct artifact_report *r, struct buf *out)
{
	for (size_t i = 0; i < r->coverage.ngaps; i++) {
		const struct artifact_gap *g = &r->coverage.gaps[i];
		struct buf text = BUF_INIT(TEXT_MAX);

		buf_printf(&text, "not read: %.*s (%llu): %.*s", STR_ARG(g->what),
			(unsigned long long)(g->count ? g->count : 1), STR_ARG(g->why));
		buf_printf(out, "%s{\"level\":\"%s\",\"message\":{\"text\":", i ? "," : "",
			g->is_serious ? "warning" : "note");
		json_add_str(out, buf_str(&text));
		buf_add_cstr(out, "}}");
		buf_done(&text);
	}
}

static void add_run_properties(const struct artifact_report *r, struct buf *out)
{
	bool first = true;

	buf_add_char(out, '{');
	add_member(out, &first, "image", r->image.ref);
	add_member(out, &first, "digest", r->image.digest);
	add_member(out, &first, "verdict", str_of(artifact_verdict_name(r->verdict)));
	add_member(out, &first, "reason", r->reason);
	buf_add_char(out, '}');
}

static void add_tool(const struct artifact_report *r, const struct rules *rules, struct buf *out)
{
	buf_add_cstr(out, "{\"driver\":{\"name\":\"koban\",\"semanticVersion\":");
	json_add_str(out,
		str_starts(r->scanner, STR("koban ")) ? str_skip(r->scanner, 6) : STR("0.0.0"));
	buf_add_cstr(out, ",\"rules\":[");
	for (size_t i = 0; i < rules->n; i++) {
		if (i)
			buf_add_char(out, ',');
		add_rule(&r->findings[rules->first[i]], out);
	}
	buf_add_cstr(out, "]}}");
}

static void add_run(const struct artifact_report *r, const struct rules *rules, struct buf *out)
{
	buf_add_cstr(out, "{\"tool\":");
	add_tool(r, rules, out);
	buf_add_cstr(out, ",\"originalUriBaseIds\":{\"IMAGE\":{\"description\":{\"text\":\"the "
			  "root of the image's file system\"}}},\"invocations\":[{"
			  "\"executionSuccessful\":true,\"toolExecutionNotifications\":[");
	add_notifications(r, out);
	buf_add_cstr(out, "]}],\"results\":[");
	for (size_t i = 0; i < r->nfindings; i++) {
		if (i)
			buf_add_char(out, ',');
		add_result(r, rules, i, out);
	}
	buf_add_cstr(out, "],\"columnKind\":\"unicodeCodePoints\",\"properties\":");
	add_run_properties(r, out);
	buf_add_char(out, '}');
}

void report_write_sarif(
	const struct artifact_report *r, const struct report_style *s, struct buf *out)
{
	struct rules rules;

	if (list_rules(r, &rules)) {
		buf_add_cstr(out, "{\"$schema\":\"https://json.schemastore.org/sarif-2.1.0.json\","
				  "\"version\":\"2.1.0\",\"runs\":[");
		add_run(r, &rules, out);
		buf_add_cstr(out, "]}\n");
	} else {
		out->cut = true; /* as any text that memory was too short for */
	}
	free(rules.first);
	free(rules.of);
}
