/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys, tokens and passwords in the files of an image, its environment, history, labels and the
 * rest of its config. How they are found is engine/secret's work; this file walks windows, keeps
 * count of lines, and folds what is in many places: a value is reported in a few places of a layer,
 * and how many more there are is said once, when the layer ends.
 */
#include <errno.h>
#include <stdlib.h>

#include "engine/secret/secret.h"
#include "scan/image/analyzer.h"

enum {
	SEEN_MAX = 4096, /* values of a layer that are remembered */
	PLACES_MAX = 3,  /* of one value in a layer that are reported */
};

struct seen {
	uint64_t key; /* of value and rule; 0 = free */
	unsigned places;
};

struct secrets {
	struct secret_rules *rules;
	struct secret_scanner *scanner;
	struct seen seen[SEEN_MAX];
	size_t nseen;
	uint64_t nmore; /* places that were not reported */
	/* of the member that is being shown */
	struct ledger *ledger;
	enum artifact_place place;
	unsigned index;
	unsigned line;       /* of the next window's first byte */
	uint64_t known_upto; /* findings that end before were said with the window before */
};

static int open_secrets(const struct analyzer_options *o, void **ret, struct err *e)
{
	struct secrets *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return err_set(e, ENOMEM, "out of memory");
	r = secret_rules_load(o->data_dir, o->secret_paths, &s->rules, e);
	if (!r)
		r = secret_scanner_new(s->rules, &s->scanner, e);
	if (r < 0) {
		secret_rules_unref(s->rules);
		free(s);
		return r;
	}
	*ret = s;
	return 0;
}

static void close_secrets(void *self)
{
	struct secrets *s = self;

	if (!s)
		return;
	secret_scanner_free(s->scanner);
	secret_rules_unref(s->rules);
	free(s);
}

/* True when this place of the value is one to report. */
static bool is_new_place(struct secrets *s, uint64_t key)
{
	size_t i = key % SEEN_MAX;

	key += key == 0;
	while (s->seen[i].key && s->seen[i].key != key)
		i = (i + 1) % SEEN_MAX;
	if (!s->seen[i].key) {
		if (s->nseen >= SEEN_MAX * 3 / 4)
			return true; /* too many values to remember: the ledger has its limit */
		s->seen[i].key = key;
		s->nseen++;
	}
	if (s->seen[i].places++ < PLACES_MAX)
		return true;
	s->nmore++;
	return false;
}

static const char *validity_words(const struct secret *f)
{
	if (f->is_wrong)
		return "but its checksum or form is wrong: made up, cut or masked";
	if (f->is_encrypted)
		return "locked with a passphrase";
	return f->how ? f->how : "";
}

static struct str title_of(struct arena *a, const struct secret *f)
{
	struct str title = f->title;
	const char *words = validity_words(f);
	bool is_hidden = f->encoding != NULL;

	if (f->account.len)
		return arena_printf(
			a, "%.*s of the account %.*s", STR_ARG(title), STR_ARG(f->account));
	return arena_printf(a, "%.*s%s%s%s%s%s", STR_ARG(title), *words ? ", " : "", words,
		is_hidden ? " (found in " : "", is_hidden ? f->encoding : "", is_hidden ? ")" : "");
}

static void add_fact(struct artifact_pair *facts, size_t *n, const char *key, struct str value)
{
	if (value.len)
		facts[(*n)++] = (struct artifact_pair){str_of(key), value};
}

static void on_found(void *arg, const struct secret *f)
{
	struct secrets *s = arg;
	struct arena *a = ledger_arena(s->ledger);
	struct artifact_pair facts[3];
	struct artifact_finding out = {.label = LABEL_SECRETS,
		.severity = (enum artifact_severity)f->severity,
		.confidence = f->confidence,
		.mend = f->mend,
		.place = s->place,
		.index = s->index,
		.offset = f->offset,
		.line = f->line,
		.excerpt = f->redacted,
		.facts = facts};

	if (f->offset + f->len <= s->known_upto)
		return;
	if (!is_new_place(s, hash_u64(f->value_hash ^ str_hash(f->id))))
		return;
	out.check = arena_printf(a, "secret-%.*s", STR_ARG(f->id));
	out.title = title_of(a, f);
	add_fact(facts, &out.nfacts, "secret",
		arena_printf(a, "%016llx", (unsigned long long)f->value_hash));
	add_fact(facts, &out.nfacts, "key", f->fingerprint);
	add_fact(facts, &out.nfacts, "account", f->account);
	ledger_find(s->ledger, &out);
}

static unsigned lines_in(struct str s)
{
	unsigned n = 0;
	const char *p = s.s, *end = s.s + s.len;

	while (p < end && (p = memchr(p, '\n', (size_t)(end - p)))) {
		n++;
		p++;
	}
	return n;
}

static void scan_file(void *self, const struct file_view *v, struct ledger *l)
{
	struct secrets *s = self;

	if (v->is_first) {
		s->line = 1;
		s->known_upto = 0;
	}
	struct secret_context c = {
		.path = v->file->path, .offset = v->offset, .is_text = v->is_text, .line = s->line};
	s->ledger = l;
	s->place = PLACE_FILE;
	s->index = 0;
	uint64_t skipped = secret_scanner_skipped(s->scanner);
	secret_scan(s->scanner, v->content, &c, on_found, s);
	if (secret_scanner_skipped(s->scanner) > skipped)
		ledger_gap(l,
			"so full of words that begin secrets that not all of them were looked at",
			true);
	s->known_upto = v->offset + v->content.len;
	if (!v->is_last && v->is_text && v->content.len > ANALYZER_OVERLAP)
		s->line += lines_in(str_head(v->content, v->content.len - ANALYZER_OVERLAP));
}

static void scan_text(
	void *self, enum artifact_place place, unsigned index, struct str text, struct ledger *l)
{
	struct secrets *s = self;
	struct secret_context c = {.is_text = true};

	s->ledger = l;
	s->place = place;
	s->index = index;
	s->known_upto = 0;
	secret_scan(s->scanner, text, &c, on_found, s);
}

static void end_layer(void *self, struct ledger *l)
{
	struct secrets *s = self;

	if (s->nmore) {
		struct artifact_finding out = {.check = STR("secret-more-places"),
			.label = LABEL_SECRETS,
			.severity = ARTIFACT_INFO,
			.confidence = 100,
			.place = PLACE_FILE,
			.mend = STR("Look for the same value in other files before you call it "
				    "gone.")};
		out.title = arena_printf(ledger_arena(l),
			"Secrets that are reported of this layer lie in %llu more places of it",
			(unsigned long long)s->nmore);
		ledger_find(l, &out);
	}
	memset(s->seen, 0, sizeof(s->seen));
	s->nseen = 0;
	s->nmore = 0;
}

static uint64_t knowledge(void *self)
{
	return secret_rules_hash(((struct secrets *)self)->rules);
}

const struct analyzer_ops analyzer_secrets = {
	.name = "secrets",
	.doc = "keys, tokens and passwords in files, environment, history and config",
	.open = open_secrets,
	.opens_slowly = true,
	.file = scan_file,
	.layer_end = end_layer,
	.text = scan_text,
	.knowledge = knowledge,
	.close = close_secrets,
};
