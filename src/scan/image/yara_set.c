/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiles files of YARA rules into a set, and has its gate made (yara_gate.c). All files go into
 * one compiler; only when one of them is broken is each tried alone, because a compiler that has
 * seen an error takes no more. It scans nothing (yara_scan.c) and does not know what a rule means
 * (malware.c). Compiled rules (.yarc) are not read: they are programs that nobody checked.
 */
#include "scan/image/yara_set.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/io.h"
#include "scan/image/yara_private.h"

enum { MAX_COMPLAINTS = 64 };

struct rule_file {
	const char *path;
	struct str text;
	bool is_broken;
};

struct compiling {
	struct arena *a;
	struct rule_file *files;
	size_t nfiles, cap;
	struct yara_complaints *complaints;
	YR_COMPILER *compiler;
};

const char *const yara_externals[] = {
	"filename", "filepath", "extension", "filetype", "owner", NULL};

/* ---- which files -------------------------------------------------------------------------- */

static int add_file(struct compiling *c, const char *path, struct err *e)
{
	if (c->nfiles == YARA_MAX_FILES)
		return err_set(e, E2BIG, "more than %d files of YARA rules: name a smaller folder",
			YARA_MAX_FILES);
	if (c->nfiles == c->cap) {
		size_t cap = c->cap ? c->cap * 2 : 64;
		struct rule_file *more = arena_array(c->a, struct rule_file, cap);

		if (!more)
			return err_set(e, ENOMEM, "no memory for the list of YARA rules");
		if (c->nfiles)
			memcpy(more, c->files, c->nfiles * sizeof(*more));
		c->files = more;
		c->cap = cap;
	}
	struct rule_file *f = &c->files[c->nfiles];
	int r = io_read_file(c->a, AT_FDCWD, path, YARA_MAX_FILE_BYTES, &f->text, e);
	if (r < 0)
		return r;
	f->path = arena_cstr(c->a, str_of(path));
	f->is_broken = false;
	c->nfiles++;
	return f->path ? 0 : err_set(e, ENOMEM, "no memory for the list of YARA rules");
}

static int add_path(struct compiling *c, const char *path, unsigned depth, struct err *e);

static int add_folder(struct compiling *c, const char *path, unsigned depth, struct err *e)
{
	struct str *names;
	size_t n;
	int r = io_list_dir(c->a, path, NULL, YARA_MAX_FILES, &names, &n, e);

	for (size_t i = 0; r == 0 && i < n; i++) {
		struct str p = arena_printf(c->a, "%s/%.*s", path, STR_ARG(names[i]));
		struct stat st;

		if (!p.s)
			return err_set(e, ENOMEM, "no memory for the list of YARA rules");
		if (stat(p.s, &st) < 0)
			continue; /* a link that leads nowhere */
		if (S_ISDIR(st.st_mode) ||
			(S_ISREG(st.st_mode) &&
				(str_ends(p, STR(".yar")) || str_ends(p, STR(".yara")))))
			r = add_path(c, p.s, depth + 1, e);
	}
	return r;
}

static int add_path(struct compiling *c, const char *path, unsigned depth, struct err *e)
{
	struct stat st;

	if (depth > YARA_MAX_DEPTH)
		return err_set(e, ELOOP, "%s lies deeper than %d folders: name a folder further in",
			path, YARA_MAX_DEPTH);
	if (stat(path, &st) < 0)
		return err_set(
			e, errno, "cannot read the YARA rules in %s: %s", path, strerror(errno));
	return S_ISDIR(st.st_mode) ? add_folder(c, path, depth, e) : add_file(c, path, e);
}

/* ---- compiling ---------------------------------------------------------------------------- */

static void complain(
	int level, const char *file, int line, const YR_RULE *rule, const char *message, void *arg)
{
	struct compiling *c = arg;
	struct yara_complaints *to = c->complaints;

	if (level != YARA_ERROR_LEVEL_ERROR || !to || to->n == MAX_COMPLAINTS)
		return;
	struct str s = arena_printf(c->a, "%s:%d: %s", file ? file : "rules", line, message);
	if (s.s)
		to->said[to->n++] = s;
}

static void ignore_complaint(
	int level, const char *file, int line, const YR_RULE *rule, const char *message, void *arg)
{
}

static int new_compiler(struct compiling *c, bool is_quiet)
{
	if (yr_compiler_create(&c->compiler) != ERROR_SUCCESS)
		return -ENOMEM;
	yr_compiler_set_callback(c->compiler, is_quiet ? ignore_complaint : complain, c);
	for (size_t i = 0; yara_externals[i]; i++)
		if (yr_compiler_define_string_variable(c->compiler, yara_externals[i], "") !=
			ERROR_SUCCESS)
			return -ENOMEM;
	return 0;
}

static void free_compiler(struct compiling *c)
{
	if (c->compiler)
		yr_compiler_destroy(c->compiler);
	c->compiler = NULL;
}

/* The file's text, so that errors name the file: the library wants a stream for that. */
static bool compile_file(struct compiling *c, const struct rule_file *f)
{
	if (!f->text.len)
		return true;
	FILE *in = fmemopen((void *)f->text.s, f->text.len, "r");
	if (!in)
		return false;
	int nerrors = yr_compiler_add_file(c->compiler, in, f->path, f->path);
	fclose(in);
	return nerrors == 0;
}

/* All good files into one compiler. False when one of them was not good. */
static bool compile_all(struct compiling *c, bool is_quiet)
{
	if (new_compiler(c, is_quiet) < 0)
		return false;
	for (size_t i = 0; i < c->nfiles; i++)
		if (!c->files[i].is_broken && !compile_file(c, &c->files[i]))
			return false;
	return true;
}

/* Each alone, to know which are broken. How many are good. */
static size_t try_each(struct compiling *c)
{
	size_t ngood = 0;

	for (size_t i = 0; i < c->nfiles; i++) {
		bool is_good = new_compiler(c, false) == 0 && compile_file(c, &c->files[i]);

		free_compiler(c);
		c->files[i].is_broken = !is_good;
		ngood += is_good;
		if (!is_good && c->complaints)
			c->complaints->nfiles++;
	}
	return ngood;
}

static int compile(struct compiling *c, YR_RULES **ret, struct err *e)
{
	if (!compile_all(c, true)) {
		free_compiler(c);
		if (!try_each(c))
			return err_set(e, EINVAL,
				"no file of YARA rules could be used; the first: %s",
				c->complaints && c->complaints->n ? c->complaints->said[0].s
								  : "out of memory");
		if (!compile_all(c, true))
			return err_set(
				e, EINVAL, "the YARA rules compile one by one, but not together");
	}
	return yr_compiler_get_rules(c->compiler, ret) == ERROR_SUCCESS
		       ? 0
		       : err_set(e, ENOMEM, "no memory for the compiled YARA rules");
}

/* ---- the gate ----------------------------------------------------------------------------- */

static int make_gate(struct yara_set *s, const struct compiling *c, struct err *e)
{
	int r = 0;

	s->gate = yara_gate_new(c->a);
	if (!s->gate)
		return err_set(e, ENOMEM, "no memory for the gate of the YARA rules");
	for (size_t i = 0; r == 0 && i < c->nfiles; i++)
		if (!c->files[i].is_broken)
			r = yara_gate_add(s->gate, c->files[i].text, e);
	if (r == 0 && yara_gate_nrules(s->gate) != s->nrules)
		r = err_set(e, EINVAL,
			"%zu YARA rules were compiled, but %zu stand in the files: rules that are "
			"included have no gate",
			s->nrules, yara_gate_nrules(s->gate));
	return r < 0 ? r : yara_gate_compile(s->gate, e);
}

/* ---- open and close ----------------------------------------------------------------------- */

static int fill_set(struct yara_set *s, struct compiling *c, unsigned how, struct err *e)
{
	YR_RULE *rule;
	int r = compile(c, &s->rules, e);

	if (r < 0)
		return r;
	yr_rules_foreach(s->rules, rule) s->nrules++;
	for (size_t i = 0; i < c->nfiles; i++)
		if (!c->files[i].is_broken)
			s->hash = hash_u64(s->hash ^ str_hash(c->files[i].text));
	s->looks_at_comments = (how & YARA_COMMENTS) != 0;
	if ((how & YARA_GATED) && (r = make_gate(s, c, e)) < 0)
		return r;
	return yara_make_scanner(s) < 0 ? err_set(e, ENOMEM, "no memory to scan with YARA rules")
					: 0;
}

int yara_set_open(const char *const *paths, unsigned how, struct arena *a,
	struct yara_complaints *c, struct yara_set **ret, struct err *e)
{
	struct compiling all = {.a = a, .complaints = c};
	struct yara_set *s;
	uint32_t match_bytes = 128; /* of a match that are kept: for excerpts */
	int r = 0;

	if (c)
		*c = (struct yara_complaints){.said = arena_array(a, struct str, MAX_COMPLAINTS)};
	for (size_t i = 0; r == 0 && paths[i]; i++)
		r = add_path(&all, paths[i], 0, e);
	if (r < 0)
		return r;
	if (!all.nfiles)
		return err_set(e, ENOENT, "no YARA rules (*.yar, *.yara) in %s", paths[0]);
	if (yr_initialize() != ERROR_SUCCESS)
		return err_set(e, ENOMEM, "libyara does not start");
	yr_set_configuration(YR_CONFIG_MAX_MATCH_DATA, &match_bytes);
	s = calloc(1, sizeof(*s));
	r = s ? fill_set(s, &all, how, e) : err_set(e, ENOMEM, "no memory for YARA rules");
	free_compiler(&all);
	if (r < 0) {
		if (s)
			yara_set_close(s);
		else
			yr_finalize();
		return r;
	}
	*ret = s;
	return 0;
}

void yara_set_close(struct yara_set *s)
{
	if (!s)
		return;
	yara_end_scan(s);
	if (s->scanner)
		yr_scanner_destroy(s->scanner);
	if (s->rules)
		yr_rules_destroy(s->rules);
	yara_gate_free(s->gate);
	free(s);
	yr_finalize();
}

size_t yara_set_nrules(const struct yara_set *s)
{
	return s->nrules;
}

YR_RULES *yara_set_rules(const struct yara_set *s)
{
	return s->rules;
}

uint64_t yara_set_hash(const struct yara_set *s)
{
	return s->hash;
}
