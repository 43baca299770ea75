/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Domains and addresses in scripts, settings, code and the printable runs of programs, sorted into
 * categories. Only what has a category is said, and what it says depends on where it stands: in a
 * start script it is an act, in a library a word, in documentation nothing. Mining pools are the
 * miners analyzer's.
 *
 * Kept of a member: what was said (MAX_SAID names), so that windows do not say it again.
 */
#include "scan/image/network.h"

#include <errno.h>
#include <stdlib.h>

#include "scan/image/excerpt.h"

enum {
	MAX_SAID = 16, /* names of one member that are kept; with more it is a list of names */
	MAX_FOUND = 6, /* findings of one member */
	COMMENT = 200, /* bytes back to the begin of a line that are looked at */
};

struct named {
	struct str text; /* a copy of its own */
	struct str list;
	enum net_category category;
	uint64_t offset;
	unsigned line;
	struct str excerpt;
	bool is_address, is_url;
};

struct network {
	struct indicators *known;
	struct proxy_forms *forms;
	struct arena member; /* of the names that were met */
	struct named said[MAX_SAID];
	size_t nsaid, nmore;
	enum file_role role;
};

/* ---- what a name in a place is worth --------------------------------------------------------- */

struct worth {
	enum artifact_severity severity;
	unsigned confidence; /* 0 = nothing */
};

/*
 * Rows by role from documentation to script. A user's own list counts everywhere but in
 * documentation; a dynamic DNS name is worth a look where something is done; a paste only in a
 * script.
 */
static struct worth worth_of(const struct named *n, enum file_role role)
{
	static const struct worth malicious[] = {
		[ROLE_DOC] = {ARTIFACT_INFO, 0},
		[ROLE_LIBRARY] = {ARTIFACT_MEDIUM, 60},
		[ROLE_BINARY] = {ARTIFACT_HIGH, 70},
		[ROLE_OTHER] = {ARTIFACT_MEDIUM, 70},
		[ROLE_CONFIG] = {ARTIFACT_HIGH, 85},
		[ROLE_SCRIPT] = {ARTIFACT_HIGH, 90},
	};
	static const struct worth fresh[] = {
		[ROLE_LIBRARY] = {ARTIFACT_LOW, 50},
		[ROLE_BINARY] = {ARTIFACT_LOW, 60},
		[ROLE_OTHER] = {ARTIFACT_LOW, 60},
		[ROLE_CONFIG] = {ARTIFACT_MEDIUM, 70},
		[ROLE_SCRIPT] = {ARTIFACT_MEDIUM, 80},
	};
	static const struct worth act[] = {
		[ROLE_BINARY] = {ARTIFACT_LOW, 50},
		[ROLE_OTHER] = {ARTIFACT_LOW, 50},
		[ROLE_CONFIG] = {ARTIFACT_LOW, 60},
		[ROLE_SCRIPT] = {ARTIFACT_MEDIUM, 70},
		[ROLE_DOC] = {ARTIFACT_INFO, 0},
		[ROLE_LIBRARY] = {ARTIFACT_INFO, 0},
	};
	static const struct worth weak[] = {
		[ROLE_CONFIG] = {ARTIFACT_INFO, 40},
		[ROLE_SCRIPT] = {ARTIFACT_LOW, 60},
	};

	switch (n->category) {
	case NET_MALICIOUS:
		return malicious[role];
	case NET_NEW:
		return fresh[role];
	case NET_DYNAMIC_DNS:
		/* a private domain that is shared may be anybody's; say it only where it is used */
		if (!str_is(n->list, "shared domains"))
			return act[role];
		return n->is_url && role >= ROLE_CONFIG ? weak[role] : (struct worth){0};
	case NET_PROXY_AVOIDANCE:
		return act[role];
	case NET_PASTE:
		return role >= ROLE_CONFIG ? weak[role] : (struct worth){0};
	default:
		return (struct worth){0};
	}
}

static const struct kind {
	const char *check, *what, *mend;
	enum artifact_label label;
} kinds[NET_CATEGORY_COUNT] = {
	[NET_MALICIOUS] = {"network-malicious", "is on a list of malicious ones",
		"Do not run this image; find out what uses that name.", LABEL_MALICIOUS_SITE},
	[NET_NEW] = {"network-new-domain", "was registered lately",
		"Find out whose domain it is, and what the image gets from it.", LABEL_NEW_DOMAIN},
	[NET_DYNAMIC_DNS] = {"network-dynamic-dns", "is a dynamic DNS name, which anybody can have",
		"Find out whose machine it is, and what the image does with it.",
		LABEL_DYNAMIC_DNS},
	[NET_PROXY_AVOIDANCE] = {"network-proxy", "belongs to a service for going around filters",
		"Remove it, unless that is what this image is for.", LABEL_PROXY_AVOIDANCE},
	[NET_PASTE] = {"network-drop", "is a place for pastes, drops, tunnels or webhooks",
		"Look at what is fetched from there or sent to it.", LABEL_OTHER},
};

static void report(const struct network *w, const struct named *n, struct ledger *l)
{
	struct worth worth = worth_of(n, w->role);
	const struct kind *kind = kinds + n->category;
	struct artifact_pair facts[] = {
		{n->is_address ? STR("address") : STR("domain"), n->text},
		{STR("category"), str_of(net_category_name(n->category))},
	};
	struct artifact_finding f = {
		.check = str_of(kind->check),
		.label = kind->label,
		.severity = worth.severity,
		.confidence = worth.confidence,
		.title = arena_printf(ledger_arena(l), "%.*s in a %s %s (%.*s)",
			STR_ARG(str_head(n->text, 100)), file_role_name(w->role), kind->what,
			STR_ARG(n->list)),
		.mend = str_of(kind->mend),
		.offset = n->offset,
		.line = n->line,
		.excerpt = n->excerpt,
		.facts = facts,
		.nfacts = 2,
	};

	ledger_find(l, &f);
}

/* ---- what a text names --------------------------------------------------------------------- */

/* Whether the line begins as a comment: what stands there is said, not done. */
static bool is_in_comment(struct str text, size_t at)
{
	size_t from = at, stop = at > COMMENT ? at - COMMENT : 0;

	while (from > stop && text.s[from - 1] != '\n')
		from--;
	struct str line = str_trim(str_make(text.s + from, at - from));
	return str_starts(line, STR("#")) || str_starts(line, STR("//")) ||
	       str_starts(line, STR("*")) || str_starts(line, STR(";")) ||
	       str_starts(line, STR("/*")) || str_starts(line, STR("--")) ||
	       str_starts(line, STR("<!--")) || str_starts(line, STR("rem "));
}

/* "author@host" in a program or a library is a person; in a script it may be where ssh goes. */
static bool is_mail(const struct network *w, struct str text, const struct net_name *n)
{
	return w->role < ROLE_CONFIG && !n->scheme.len && n->at > 0 && text.s[n->at - 1] == '@';
}

static bool was_said(const struct network *w, const struct net_name *n)
{
	for (size_t k = 0; k < w->nsaid; k++)
		if (str_ieq(w->said[k].text, n->text))
			return true;
	return false;
}

static void keep(struct network *w, const struct net_name *n, const struct named *as,
	struct str text, uint64_t offset)
{
	struct arena *a = &w->member;

	if (w->nsaid == MAX_SAID) {
		w->nmore++;
		return;
	}
	struct named *to = w->said + w->nsaid++;
	*to = *as;
	to->text = arena_str(a, n->text);
	to->offset = offset + n->at;
	to->is_address = n->is_address;
	to->is_url = n->scheme.len || n->port;
	to->excerpt =
		w->role == ROLE_BINARY ? excerpt_of(a, n->text) : excerpt_line(a, text, n->at);
	to->line = w->role == ROLE_BINARY || offset ? 0 : excerpt_line_number(text, n->at);
}

static void look_at(struct network *w, struct str text, uint64_t offset)
{
	struct net_name n;
	size_t at = 0;

	while (w->nmore == 0 && net_name_next(w->known, text, &at, &n)) {
		struct named as = {0};

		as.category = n.is_address ? indicators_address(w->known, n.text, &as.list)
					   : indicators_domain(w->known, n.text, &as.list);
		as.is_url = n.scheme.len || n.port;
		if (!worth_of(&as, w->role).confidence || was_said(w, &n) || is_mail(w, text, &n))
			continue;
		if (as.category != NET_MALICIOUS && w->role != ROLE_BINARY &&
			is_in_comment(text, n.at))
			continue;
		keep(w, &n, &as, text, offset);
	}
}

static void forget(struct network *w, enum file_role role)
{
	arena_reset(&w->member);
	w->nsaid = w->nmore = 0;
	w->role = role;
}

/*
 * So many names of categories in one file are a list: a filter's, a resolver's, a test's. Only what
 * is on the user's own lists is said of it then.
 */
static void say_all(struct network *w, struct ledger *l)
{
	size_t nfound = 0;

	for (size_t k = 0; k < w->nsaid && nfound < MAX_FOUND; k++) {
		if (w->nmore && w->said[k].category != NET_MALICIOUS)
			continue;
		report(w, w->said + k, l);
		nfound++;
	}
}

/* ---- the analyzer -------------------------------------------------------------------------- */

static void network_close(void *self)
{
	struct network *w = self;

	if (!w)
		return;
	proxy_forms_close(w->forms);
	indicators_free(w->known);
	arena_done(&w->member);
	free(w);
}

static int network_open(const struct analyzer_options *o, void **ret, struct err *e)
{
	struct network *w = calloc(1, sizeof(*w));

	if (!w)
		return err_set(e, ENOMEM, "out of memory");
	arena_init(&w->member, 1 << 20);
	int r = indicators_load(o->data_dir, o->feeds, &w->known, e);
	if (r == 0)
		r = proxy_forms_open(w->known, &w->forms, e);
	if (r < 0)
		network_close(w);
	else
		*ret = w;
	return r;
}

static bool network_wants(void *self, const struct artifact_file *f)
{
	(void)self;
	return f->kind == ARTIFACT_FILE && !file_is_doc(f);
}

static void network_entry(void *self, const struct artifact_file *f, struct ledger *l)
{
	struct network *w = self;

	proxy_program_look(w->known, f, l);
}

static void network_file(void *self, const struct file_view *v, struct ledger *l)
{
	struct network *w = self;

	if (v->is_first)
		forget(w, file_role_of(v->file, v->content, v->is_text));
	/* what is packed has no names in it, and what is inside is shown by itself */
	if (w->role == ROLE_BINARY && !v->is_elf)
		return;
	look_at(w, v->content, v->offset);
	if (v->is_text && v->is_first)
		proxy_forms_look(w->forms, v->content, w->role, v->offset, l);
	if (v->is_last)
		say_all(w, l);
}

static void network_text(
	void *self, enum artifact_place place, unsigned index, struct str text, struct ledger *l)
{
	struct network *w = self;

	(void)index;
	forget(w, place == PLACE_LABEL ? ROLE_OTHER : ROLE_SCRIPT);
	look_at(w, text, 0);
	proxy_forms_look(w->forms, text, w->role, 0, l);
	say_all(w, l);
}

static uint64_t network_knowledge(void *self)
{
	struct network *w = self;

	return indicators_hash(w->known) + 1; /* + the version of this analyzer */
}

const struct analyzer_ops analyzer_network = {
	.name = "network",
	.doc = "domains and addresses by category: dynamic DNS, ways around filters, your own "
	       "lists",
	.open = network_open,
	.wants = network_wants,
	.file = network_file,
	.entry = network_entry,
	.text = network_text,
	.knowledge = network_knowledge,
	.close = network_close,
};
