/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ways around a network's own way out: settings of VPNs, of tools that get past filters, of
 * programs that rent out the machine's address, by the texts that must all be in them; and such
 * programs by name. All have honest uses, so nothing here is more than medium.
 */
#include <errno.h>
#include <stdlib.h>

#include "scan/image/excerpt.h"
#include "scan/image/network.h"

struct form {
	struct str name;   /* "group/form" */
	unsigned first, n; /* of its texts */
};

struct proxy_forms {
	struct literals *literals;
	struct form *forms;
	size_t nforms, ntexts;
	size_t *ends; /* where each text was found, plus one; 0 = not */
};

void proxy_forms_close(struct proxy_forms *p)
{
	if (!p)
		return;
	literals_free(p->literals);
	free(p->forms);
	free(p->ends);
	free(p);
}

static int fill(struct proxy_forms *p, const struct indicators *i, struct str *texts, struct err *e)
{
	struct str form;

	for (size_t pos = 0, k = 0; indicators_proxy_form(i, &pos, &form, texts + k); k++) {
		struct form *last = p->nforms ? p->forms + p->nforms - 1 : NULL;

		if (last && str_eq(last->name, form))
			last->n++;
		else
			p->forms[p->nforms++] = (struct form){form, (unsigned)k, 1};
	}
	return literals_compile(texts, p->ntexts, &p->literals, e);
}

int proxy_forms_open(const struct indicators *i, struct proxy_forms **ret, struct err *e)
{
	struct proxy_forms *p = calloc(1, sizeof(*p));
	struct str form, text, *texts = NULL;
	int r = -ENOMEM;

	if (p) {
		for (size_t pos = 0; indicators_proxy_form(i, &pos, &form, &text);)
			p->ntexts++;
		texts = calloc(p->ntexts + 1, sizeof(*texts));
		p->forms = calloc(p->ntexts + 1, sizeof(*p->forms));
		p->ends = calloc(p->ntexts + 1, sizeof(*p->ends));
		if (texts && p->forms && p->ends)
			r = fill(p, i, texts, e);
	}
	free(texts);
	if (r == 0)
		*ret = p;
	else
		proxy_forms_close(p);
	return r == -ENOMEM ? err_set(e, ENOMEM, "out of memory") : r;
}

static bool on_text(void *arg, unsigned id, size_t end)
{
	struct proxy_forms *p = arg;

	p->ends[id] = end + 1;
	return false;
}

/* By the group that stands in front of the "/". */
static const struct group {
	const char *name, *title, *mend;
	enum artifact_severity severity;
} groups[] = {
	{"sharing", "rents out the network address of whoever runs it",
		"Remove it: it sells your traffic, and others act under your address.",
		ARTIFACT_MEDIUM},
	{"circumvention", "gets traffic past filters",
		"Remove it, unless that is what this image is for.", ARTIFACT_MEDIUM},
	{"tunnel", "lets others in from outside",
		"Find out where the tunnel leads; remove it if nobody knows.", ARTIFACT_LOW},
	{"tor", "uses or serves Tor", "Remove it, unless that is what this image is for.",
		ARTIFACT_LOW},
	{"vpn", "makes a tunnel to a VPN", "Remove it, unless that is what this image is for.",
		ARTIFACT_LOW},
};

static const struct group *group_of(struct str name)
{
	for (size_t k = 0; k < sizeof(groups) / sizeof(groups[0]); k++)
		if (str_is(name, groups[k].name))
			return groups + k;
	return NULL;
}

static void report_form(const struct form *form, size_t at, struct str text, enum file_role role,
	uint64_t offset, struct ledger *l)
{
	struct str program = form->name, group_name = str_cut(&program, '/');
	const struct group *g = group_of(group_name);
	struct artifact_pair facts[] = {
		{STR("category"), STR("proxy-avoidance")}, {STR("program"), program}};
	struct artifact_finding f = {
		.check = STR("network-proxy-config"),
		.label = LABEL_PROXY_AVOIDANCE,
		.severity = g ? g->severity : ARTIFACT_LOW,
		.confidence = role == ROLE_OTHER ? 60 : 80,
		.title = arena_printf(ledger_arena(l), "Settings of %.*s, which %s",
			STR_ARG(program), g ? g->title : "goes around the network's own way out"),
		.mend = g ? str_of(g->mend)
			  : STR("Remove it, unless that is what this image is for."),
		.offset = offset + at,
		.line = offset ? 0 : excerpt_line_number(text, at),
		.excerpt = excerpt_line(ledger_arena(l), text, at),
		.facts = facts,
		.nfacts = 2,
	};

	ledger_find(l, &f);
}

void proxy_forms_look(struct proxy_forms *p, struct str text, enum file_role role, uint64_t offset,
	struct ledger *l)
{
	struct str said = STR_NULL; /* the group */

	if (role < ROLE_OTHER)
		return;
	memset(p->ends, 0, p->ntexts * sizeof(*p->ends));
	literals_find(p->literals, text, on_text, p);
	for (size_t k = 0; k < p->nforms; k++) {
		const struct form *form = p->forms + k;
		struct str rest = form->name, group = str_cut(&rest, '/');
		bool has_all = true;

		for (unsigned t = 0; t < form->n; t++)
			has_all &= p->ends[form->first + t] != 0;
		if (!has_all || str_eq(group, said))
			continue;
		said = group;
		report_form(form, p->ends[form->first] - 2, text, role, offset, l);
	}
}

/* Programs lie where programs lie, and can be run. */
static bool is_program(const struct artifact_file *f)
{
	return f->kind == ARTIFACT_FILE && (f->mode & 0111) && f->size > 4096 && f->depth == 0 &&
	       str_find(f->path, STR("/share/")) < 0 && str_find(f->path, STR("/completions/")) < 0;
}

void proxy_program_look(const struct indicators *i, const struct artifact_file *f, struct ledger *l)
{
	ptrdiff_t slash = str_rfind_char(f->path, '/');
	struct str name = slash < 0 ? f->path : str_skip(f->path, (size_t)slash + 1), group;

	if (!is_program(f) || !indicators_is_proxy_program(i, name, &group))
		return;
	const struct group *g = group_of(group);
	bool is_sharing = str_is(group, "sharing");
	struct artifact_pair facts[] = {
		{STR("category"), STR("proxy-avoidance")}, {STR("program"), name}};
	struct artifact_finding finding = {
		.check = STR("network-proxy-program"),
		.label = LABEL_PROXY_AVOIDANCE,
		.severity = is_sharing ? ARTIFACT_MEDIUM : ARTIFACT_INFO,
		.confidence = is_sharing ? 80 : 60,
		.title = arena_printf(ledger_arena(l), "%.*s is there by name, which %s",
			STR_ARG(name), g ? g->title : "goes around the network's own way out"),
		.mend = g ? str_of(g->mend)
			  : STR("Remove it, unless that is what this image is for."),
		.facts = facts,
		.nfacts = 2,
	};

	ledger_find(l, &finding);
}
