/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Miners: their configurations, their command lines, their settings, and programs that can mine by
 * what they say. All signs (data/intel/miner-signs.txt) and pools are looked for at once; only a
 * file in which one occurs is looked at closely. Malware by its bytes is the malware analyzer's.
 *
 * Kept between windows of a member: the signs that were seen (a bit each).
 */
#include <errno.h>
#include <stdlib.h>

#include "base/buf.h"
#include "scan/image/miners.h"

enum { MAX_ENV = 64 << 10 };

/* ---- start --------------------------------------------------------------------------------- */

static size_t count_literals(const struct indicators *i)
{
	enum mining_sign g;
	struct str s;
	size_t n = 0;

	for (size_t pos = 0; indicators_sign(i, &pos, &g, &s);)
		n++;
	for (size_t pos = 0; indicators_domains(i, &pos, NET_MINING_POOL, &s);)
		n++;
	return n;
}

static int compile(struct miners *m, struct err *e)
{
	size_t n = count_literals(m->known), k = 0;
	struct str *texts = calloc(n + 1, sizeof(*texts));
	enum mining_sign g;
	int r;

	m->groups = calloc(n + 1, 1);
	m->seen = calloc(n + 1, 1);
	m->nliterals = n;
	if (texts && m->groups && m->seen) {
		for (size_t pos = 0; indicators_sign(m->known, &pos, &g, texts + k); k++)
			m->groups[k] = (uint8_t)g;
		for (size_t pos = 0; indicators_domains(m->known, &pos, NET_MINING_POOL, texts + k);
			k++)
			m->groups[k] = SIGN_COUNT;
		r = literals_compile(texts, n, &m->literals, e);
	} else {
		r = err_set(e, ENOMEM, "out of memory");
	}
	free(texts);
	return r;
}

static void miners_close(void *self)
{
	struct miners *m = self;

	if (!m)
		return;
	literals_free(m->literals);
	indicators_free(m->known);
	free(m->groups);
	free(m->seen);
	free(m);
}

static int miners_open(const struct analyzer_options *o, void **ret, struct err *e)
{
	struct miners *m = calloc(1, sizeof(*m));

	if (!m)
		return err_set(e, ENOMEM, "out of memory");
	int r = indicators_load(o->data_dir, o->feeds, &m->known, e);
	if (r == 0)
		r = compile(m, e);
	if (r < 0)
		miners_close(m);
	else
		*ret = m;
	return r;
}

static uint64_t miners_knowledge(void *self)
{
	struct miners *m = self;

	return indicators_hash(m->known) + 1; /* + the version of this analyzer */
}

/* ---- programs ------------------------------------------------------------------------------ */

static struct str signs_seen(struct miners *m, struct arena *a)
{
	struct buf b = BUF_INIT(200);
	enum mining_sign g;
	struct str s;
	size_t k = 0;

	for (size_t pos = 0; indicators_sign(m->known, &pos, &g, &s); k++) {
		if (!m->seen[k] || b.len + s.len > 180)
			continue;
		buf_printf(&b, "%s%.*s", b.len ? ", " : "", STR_ARG(s));
	}
	/* some hold bytes that no screen should see */
	for (size_t n = 0; n < b.len; n++)
		if ((unsigned char)b.s[n] < ' ' || (unsigned char)b.s[n] > '~')
			b.s[n] = '.';
	struct str ret = arena_str(a, buf_str(&b));
	buf_done(&b);
	return ret;
}

static struct str name_of(struct str path)
{
	ptrdiff_t slash = str_rfind_char(path, '/');

	return slash < 0 ? path : str_skip(path, (size_t)slash + 1);
}

static void report_program(struct miners *m, const struct file_view *v, struct ledger *l)
{
	struct str name = name_of(v->file->path);
	bool is_named = indicators_is_miner_name(m->known, name);
	struct artifact_pair facts[] = {{STR("program"), name}};
	struct artifact_finding f = {
		.check = STR("miner-program"),
		.label = LABEL_CRYPTOMINING,
		.severity = ARTIFACT_HIGH,
		.confidence = is_named ? 97 : 85,
		.title = arena_printf(ledger_arena(l),
			"A miner: %.*s speaks a pool's protocol and knows proofs of work",
			STR_ARG(str_head(name, 80))),
		.mend = STR("Remove it, unless mining is what this image is for; find out what "
			    "starts it."),
		.excerpt = signs_seen(m, ledger_arena(l)),
		.facts = facts,
		.nfacts = 1,
	};

	ledger_find(l, &f);
}

static void report_capable(struct miners *m, const struct file_view *v, struct ledger *l)
{
	struct str name = name_of(v->file->path);
	struct artifact_pair facts[] = {{STR("program"), name}};
	struct artifact_finding f = {
		.check = STR("miner-capable"),
		.label = LABEL_MINER_CAPABLE,
		.severity = ARTIFACT_INFO,
		.confidence = 80,
		.title = arena_printf(ledger_arena(l),
			"%.*s can mine: a node, wallet or library with a proof of work in it",
			STR_ARG(str_head(name, 80))),
		.mend = STR("Nothing, if the image is meant to run it; else remove it."),
		.excerpt = signs_seen(m, ledger_arena(l)),
		.facts = facts,
		.nfacts = 1,
	};

	ledger_find(l, &f);
}

/*
 * A pool miner has a client for pools, proofs of work, and options or a pool of its own; a node has
 * a proof of work and commands to mine with it. Scanners that know such words have lists of pools,
 * and no options of miners.
 */
static void judge_program(struct miners *m, const struct file_view *v, struct ledger *l)
{
	unsigned schemes = miners_count_seen(m, SIGN_SCHEME),
		 methods = miners_count_seen(m, SIGN_METHOD),
		 algorithms = miners_count_seen(m, SIGN_ALGORITHM),
		 options = miners_count_seen(m, SIGN_OPTION),
		 nodes = miners_count_seen(m, SIGN_NODE);
	bool is_named = indicators_is_miner_name(m->known, name_of(v->file->path));
	bool is_node = indicators_is_mining_node(m->known, name_of(v->file->path));
	/* its own name or its authors' pool in it, whatever the file is called */
	bool is_known = schemes && algorithms >= 2 &&
			(miners_count_seen(m, SIGN_PROGRAM) || miners_count_seen(m, SIGN_COUNT));

	if (miners_is_pool_list(m) && (options < 2 || algorithms < 2))
		return;
	if (!is_node && (schemes || methods >= 2) && algorithms &&
		(options >= 2 || is_named || is_known))
		report_program(m, v, l);
	else if (algorithms && (nodes || is_node || (algorithms >= 2 && methods)))
		report_capable(m, v, l);
}

/* ---- the analyzer -------------------------------------------------------------------------- */

static void miners_file(void *self, const struct file_view *v, struct ledger *l)
{
	struct miners *m = self;
	bool has_signs = miners_look_for_signs(m, v->content, v->is_first);

	if (!v->is_text) {
		if (v->is_last && v->is_elf && (has_signs || !v->is_first))
			judge_program(m, v, l);
		return;
	}
	if (!has_signs)
		return;
	miners_look_at_text(m, v->content, v->offset, v->is_first && v->is_last,
		file_role_of(v->file, v->content, true), l);
}

static void miners_text(
	void *self, enum artifact_place place, unsigned index, struct str text, struct ledger *l)
{
	struct miners *m = self;

	(void)index;
	if (text.len && miners_look_for_signs(m, text, true))
		miners_look_at_text(
			m, text, 0, false, place == PLACE_LABEL ? ROLE_OTHER : ROLE_SCRIPT, l);
}

/* Settings that are spread over several ENV lines, or over ENV and ENTRYPOINT. */
static void miners_image(void *self, const struct artifact_image *image, struct ledger *l)
{
	const struct artifact_config *c = &image->config;
	struct miners *m = self;
	struct buf b = BUF_INIT(MAX_ENV);
	struct mining what;
	bool is_alone = false;
	size_t at = 0;

	for (size_t k = 0; k < c->nenv; k++) {
		size_t one = 0;

		while (mining_next_settings(m->known, c->env[k], &one, ledger_arena(l), &what))
			is_alone |= mining_is_proof(&what);
		buf_add(&b, c->env[k]);
		buf_add_char(&b, '\n');
	}
	for (size_t k = 0; k < c->nentrypoint; k++)
		buf_printf(&b, "%.*s ", STR_ARG(c->entrypoint[k]));
	for (size_t k = 0; k < c->ncmd; k++)
		buf_printf(&b, "%.*s ", STR_ARG(c->cmd[k]));
	/* what one of them proves was said where it stands */
	while (!is_alone && c->nenv &&
		mining_next_settings(m->known, buf_str(&b), &at, ledger_arena(l), &what)) {
		if (!mining_is_proof(&what))
			continue;
		mining_report(&what, ROLE_SCRIPT, buf_str(&b), 0, l);
		break;
	}
	buf_done(&b);
}

const struct analyzer_ops analyzer_miners = {
	.name = "miners",
	.doc = "miners: configurations, command lines, pools and wallets, programs that mine",
	.open = miners_open,
	.file = miners_file,
	.text = miners_text,
	.image = miners_image,
	.knowledge = miners_knowledge,
	.close = miners_close,
};
