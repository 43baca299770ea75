/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a run proves, as findings of the image: rules that fired, pools that it logged in to, what
 * it fetched, started, and left behind to come again. Severity says who must act; what ordinary
 * servers do (names asked, files written) is told in the story and found only when it means
 * something.
 */
#include <errno.h>

#include "scan/detonate/evidence.h"

enum { FINDINGS_MAX = 500, FACTS_MAX = 6, DROPPED_MAX = 20, LEFT_MAX = 20 };

struct artifact_finding *evidence_find(struct evidence *v, const char *check,
	enum artifact_label label, enum artifact_severity severity, unsigned confidence)
{
	static struct artifact_finding spare;

	struct artifact_finding *f = v->nfound < FINDINGS_MAX ? &v->found[v->nfound++] : &spare;
	*f = (struct artifact_finding){.check = str_of(check),
		.analyzer = STR("detonation"),
		.label = label,
		.severity = severity,
		.confidence = confidence,
		.place = PLACE_RUN,
		.deleted_in = -1,
		.facts = arena_array(v->a, struct artifact_pair, FACTS_MAX)};
	return f;
}

void evidence_fact(struct artifact_finding *f, const char *key, struct str value)
{
	if (!value.len || !f->facts || f->nfacts == FACTS_MAX)
		return;
	((struct artifact_pair *)(uintptr_t)f->facts)[f->nfacts++] =
		(struct artifact_pair){str_of(key), value};
}

/* ---- rules --------------------------------------------------------------------------------- */

static bool has_tag(const struct hit *h, const char *tag)
{
	return str_find(h->tags, str_of(tag)) >= 0;
}

static enum artifact_label label_of(const struct hit *h)
{
	if (has_tag(h, "T1496"))
		return LABEL_CRYPTOMINING;
	if (has_tag(h, "mitre_persistence"))
		return LABEL_BACKDOOR;
	if (has_tag(h, "T1611") || has_tag(h, "T1498") || has_tag(h, "mitre_lateral_movement") ||
		has_tag(h, "T1110") || has_tag(h, "T1046"))
		return LABEL_HACKING;
	return h->priority <= PRIORITY_CRITICAL ? LABEL_MALWARE : LABEL_OTHER;
}

static enum artifact_severity severity_of(enum priority p)
{
	if (p <= PRIORITY_CRITICAL)
		return ARTIFACT_HIGH;
	if (p <= PRIORITY_WARNING)
		return ARTIFACT_MEDIUM;
	return p == PRIORITY_NOTICE ? ARTIFACT_LOW : ARTIFACT_INFO;
}

/* Nobody speaks a pool's protocol, or has a wallet among his arguments, by accident. */
static bool is_certain(const struct hit *h)
{
	return h->priority <= PRIORITY_CRITICAL && has_tag(h, "T1496");
}

static void add_rules(struct evidence *v)
{
	for (size_t i = 0; i < v->story->nhits; i++) {
		const struct hit *h = &v->story->hits[i];
		struct artifact_finding *f = evidence_find(v, "run-rule", label_of(h),
			severity_of(h->priority), is_certain(h) ? 85 : 70);

		f->title = arena_printf(v->a, "While it ran, the rule \"%.*s\" matched%s",
			STR_ARG(h->rule), h->count > 1 ? ", more than once" : "");
		f->mend = STR("Look at the run's timeline, and do not start the image before you "
			      "know why it does that");
		f->excerpt = str_head(h->output, EVIDENCE_EXCERPT_MAX);
		evidence_fact(f, "rule", h->rule);
	}
}

/* ---- files and processes ------------------------------------------------------------------- */

static struct str base_name(struct str path)
{
	ptrdiff_t slash = str_rfind_char(path, '/');

	return slash < 0 ? path : str_skip(path, (size_t)slash + 1);
}

/* Was it downloaded? Its name was asked for, or a downloader wrote it. */
static bool is_fetched(const struct story *s, struct str path)
{
	static const char *const loaders[] = {"wget", "curl", "aria2c", "fetch", "lwp-download"};

	for (size_t i = 0; i < s->nrequests; i++) {
		struct str rest = s->requests[i].path, name = str_cut(&rest, '?');

		if (base_name(path).len && str_eq(base_name(name), base_name(path)))
			return true;
	}
	for (size_t i = 0; i < s->nfiles; i++)
		for (size_t k = 0; k < sizeof(loaders) / sizeof(*loaders); k++)
			if (str_eq(s->files[i].path, path) &&
				str_is(s->files[i].program, loaders[k]))
				return true;
	return false;
}

static bool was_told(const struct story *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (s->processes[i].is_dropped && str_eq(s->processes[i].exe, s->processes[n].exe))
			return true;
	return false;
}

/* Programs write scripts and unpack libraries for themselves; what was fetched is another matter.
 */
static void add_dropped(struct evidence *v)
{
	size_t n = 0;

	for (size_t i = 0; i < v->story->nprocesses && n < DROPPED_MAX; i++) {
		const struct detonate_process *p = &v->story->processes[i];

		if (!p->is_dropped || was_told(v->story, i))
			continue;
		bool fetched = is_fetched(v->story, p->exe);
		enum artifact_severity severity = fetched        ? ARTIFACT_HIGH
						  : p->is_script ? ARTIFACT_LOW
								 : ARTIFACT_MEDIUM;
		struct artifact_finding *f = evidence_find(
			v, "run-exec-dropped", LABEL_MALWARE, severity, fetched ? 70 : 60);

		f->title = arena_printf(v->a, "It starts %.*s, %s", STR_ARG(str_head(p->exe, 200)),
			fetched ? "which it has downloaded"
				: "which is not in the image or was changed while it ran");
		f->mend = STR("Find where it comes from: no scan of the image has seen it");
		f->excerpt = str_head(p->command, EVIDENCE_EXCERPT_MAX);
		evidence_fact(f, "program", str_head(p->exe, 200));
		n++;
	}
}

struct habit {
	const char *prefix, *end;
	const char *what;
	enum artifact_severity severity;
	unsigned confidence;
};

/* Where programs are started again from. The rules say it too; this says it of the image. */
static const struct habit habits[] = {
	{"/etc/ld.so.preload", "", "a library for every program", ARTIFACT_HIGH, 80},
	{"/etc/cron", "", "a cron job", ARTIFACT_MEDIUM, 60},
	{"/var/spool/cron", "", "a cron job", ARTIFACT_MEDIUM, 60},
	{"", "/.ssh/authorized_keys", "a key to log in with", ARTIFACT_MEDIUM, 70},
	{"/etc/systemd/system/", "", "a service", ARTIFACT_MEDIUM, 60},
	{"/lib/systemd/system/", "", "a service", ARTIFACT_MEDIUM, 60},
	{"/etc/init.d/", "", "a service", ARTIFACT_MEDIUM, 60},
	{"/etc/rc.local", "", "a boot script", ARTIFACT_MEDIUM, 60},
	{"/etc/profile.d/", "", "a login script", ARTIFACT_LOW, 60},
	{"", "/.bashrc", "a login script", ARTIFACT_LOW, 60},
	{"", "/.profile", "a login script", ARTIFACT_LOW, 60},
	{"", "/.bash_profile", "a login script", ARTIFACT_LOW, 60},
	{"/etc/sudoers", "", "a right to become root", ARTIFACT_LOW, 60},
};

static const struct habit *habit_of(struct str path)
{
	for (size_t i = 0; i < sizeof(habits) / sizeof(*habits); i++)
		if (str_starts(path, str_of(habits[i].prefix)) &&
			str_ends(path, str_of(habits[i].end)))
			return &habits[i];
	return NULL;
}

static void add_left(struct evidence *v)
{
	size_t n = 0;

	for (size_t i = 0; i < v->story->nfiles && n < LEFT_MAX; i++) {
		const struct detonate_file *file = &v->story->files[i];
		const struct habit *h =
			strcmp(file->deed, "removed") != 0 ? habit_of(file->path) : NULL;

		if (!h)
			continue;
		struct artifact_finding *f = evidence_find(
			v, "run-persistence", LABEL_BACKDOOR, h->severity, h->confidence);

		f->title = arena_printf(v->a, "It makes %s to come again: %.*s", h->what,
			STR_ARG(str_head(file->path, 200)));
		f->mend = STR("Do not run the image with folders of the machine mounted into it");
		f->excerpt = arena_printf(v->a, "%.*s by %.*s", STR_ARG(str_head(file->path, 120)),
			STR_ARG(file->program));
		evidence_fact(f, "program", file->program);
		n++;
	}
}

/* ---- all of it ----------------------------------------------------------------------------- */

int evidence_add(const struct story *s, const struct indicators *known, struct artifact_report *r)
{
	struct evidence v = {.story = s, .a = s->a, .known = known};

	v.found = arena_array(s->a, struct artifact_finding, FINDINGS_MAX);
	if (!v.found)
		return -ENOMEM;
	evidence_add_mining(&v);
	add_rules(&v);
	add_dropped(&v);
	add_left(&v);
	evidence_add_network(&v);
	struct artifact_finding *all =
		arena_array(s->a, struct artifact_finding, r->nfindings + v.nfound + 1);
	if (!all)
		return -ENOMEM;
	if (r->nfindings)
		memcpy(all, r->findings, r->nfindings * sizeof(*all));
	memcpy(all + r->nfindings, v.found, v.nfound * sizeof(*all));
	r->findings = all;
	r->nfindings += v.nfound;
	return 0;
}
