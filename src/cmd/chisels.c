/* SPDX-License-Identifier: Apache-2.0 */
/* koban chisels: which there are, and what one of them does. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "cmd/chisel_dirs.h"
#include "cmd/verbs.h"
#include "face/chisel/chisel.h"

enum { OUT_BYTES = 16 << 20, WRAP = 76 };

static const char help[] =
	"usage: koban chisels [NAME]… [--json]\n"
	"\n"
	"Chisels are small programs over events: tables, lines, pictures. koban read -c NAME runs "
	"one.\n"
	"Without a name this lists them by what they are about; with one it says what it does and "
	"what\n"
	"arguments it takes.\n"
	"\n"
	"      --chisel-dir DIR   looks there first\n"
	"      --json             one JSON object a chisel\n"
	"  -h, --help             this text\n"
	"\n"
	"examples:\n"
	"  koban chisels\n"
	"  koban chisels fileslower\n"
	"  koban read trace.scap -c fileslower 10\n"
	"\n"
	"docs/chisels.md says how to write one.\n";

/* ---- text ----------------------------------------------------------------------------------- */

static int by_category(const void *x, const void *y)
{
	const struct chisel_info *const *a = x, *const *b = y;
	int order = str_cmp((*a)->category, (*b)->category);

	return order ? order : str_cmp((*a)->name, (*b)->name);
}

static void add_list(const struct chisel_info *const *infos, size_t n, struct buf *out)
{
	struct str category = STR_NULL;

	for (size_t i = 0; i < n; i++) {
		const struct chisel_info *info = infos[i];

		if (!str_eq(info->category, category))
			buf_printf(out, "%s%.*s\n", i ? "\n" : "", STR_ARG(info->category));
		category = info->category;
		buf_printf(out, "  %-20.*s %.*s\n", STR_ARG(info->name), STR_ARG(info->summary));
	}
}

/* Words up to the edge of a page, indented. */
static void add_wrapped(struct str text, unsigned indent, struct buf *out)
{
	size_t at = WRAP;

	while (text.len) {
		struct str word = str_cut(&text, ' ');

		if (!word.len)
			continue;
		if (at + 1 + word.len > WRAP) {
			buf_printf(out, "%s%*s", at == WRAP ? "" : "\n", (int)indent, "");
			at = indent;
		} else {
			buf_add_char(out, ' ');
			at++;
		}
		buf_add(out, word);
		at += word.len;
	}
	buf_add_char(out, '\n');
}

static void add_arg(const struct chisel_arg *a, struct buf *out)
{
	buf_printf(out, "  %.*s (%.*s%s)\n", STR_ARG(a->name), STR_ARG(a->type),
		a->is_optional ? ", optional" : "");
	add_wrapped(a->desc, 6, out);
}

static void add_one(const struct chisel_info *info, struct buf *out)
{
	buf_printf(out, "%.*s: %.*s\n\n", STR_ARG(info->name), STR_ARG(info->summary));
	add_wrapped(info->desc, 0, out);
	buf_printf(out, "\ncategory: %.*s\nfile:     %.*s (%.*s)\n", STR_ARG(info->category),
		STR_ARG(info->path), STR_ARG(info->kind));
	if (info->nargs)
		buf_add_cstr(out, "\narguments:\n");
	for (size_t i = 0; i < info->nargs; i++)
		add_arg(&info->args[i], out);
}

/* ---- JSON ----------------------------------------------------------------------------------- */

static void add_text(struct buf *out, bool *first, const char *key, struct str text)
{
	json_add_key(out, first, key);
	json_add_str(out, text);
}

static void add_json_arg(const struct chisel_arg *a, struct buf *out)
{
	bool first = true;

	buf_add_char(out, '{');
	add_text(out, &first, "name", a->name);
	add_text(out, &first, "description", a->desc);
	add_text(out, &first, "type", a->type);
	json_add_key(out, &first, "optional");
	buf_add_cstr(out, a->is_optional ? "true}" : "false}");
}

static void add_json(const struct chisel_info *info, struct buf *out)
{
	bool first = true;

	buf_add_char(out, '{');
	add_text(out, &first, "name", info->name);
	add_text(out, &first, "category", info->category);
	add_text(out, &first, "summary", info->summary);
	add_text(out, &first, "description", info->desc);
	add_text(out, &first, "kind", info->kind);
	add_text(out, &first, "path", info->path);
	json_add_key(out, &first, "args");
	buf_add_char(out, '[');
	for (size_t i = 0; i < info->nargs; i++) {
		buf_add_cstr(out, i ? "," : "");
		add_json_arg(&info->args[i], out);
	}
	buf_add_cstr(out, "]}\n");
}

/* ---- the verb ------------------------------------------------------------------------------- */

static void tell_bad(const struct chisel_catalogue *c)
{
	for (size_t i = 0; i < c->nbad; i++)
		log_warn("%.*s", STR_ARG(c->bad[i]));
}

static int list_all(const struct chisel_catalogue *c, bool json, struct buf *out)
{
	const struct chisel_info **infos = calloc(c->nchisels + 1, sizeof(*infos));
	size_t n = 0;

	if (!infos)
		return -ENOMEM;
	for (size_t i = 0; i < c->nchisels; i++)
		if (!c->chisels[i].is_hidden)
			infos[n++] = &c->chisels[i];
	qsort(infos, n, sizeof(*infos), by_category);
	for (size_t i = 0; json && i < n; i++)
		add_json(infos[i], out);
	if (!json)
		add_list(infos, n, out);
	free(infos);
	return 0;
}

static int show_named(struct chisel_catalogue *c, char **names, size_t n, bool json,
	struct buf *out, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		const struct chisel_info *info = chisel_catalogue_find(c, str_of(names[i]), e);

		if (!info)
			return -ENOENT;
		if (json)
			add_json(info, out);
		else
			add_one(info, out);
		if (!json && i + 1 < n)
			buf_add_char(out, '\n');
	}
	return 0;
}

static int run(struct chisel_dirs *dirs, char **names, size_t n, bool json, struct err *e)
{
	struct buf out = BUF_INIT(OUT_BYTES);
	struct chisel_catalogue *c = NULL;
	int r;

	chisel_dirs_add_usual(dirs);
	r = chisel_catalogue_load(dirs->dirs, dirs->n, &c, e);
	if (r == 0)
		r = n ? show_named(c, names, n, json, &out, e) : list_all(c, json, &out);
	if (r == 0) {
		fwrite(out.s ? out.s : "", 1, out.len, stdout);
		if (!n)
			tell_bad(c);
	}
	chisel_catalogue_free(c);
	buf_done(&out);
	return r;
}

enum { OPT_JSON = 256, OPT_CHISEL_DIR };

static int parse(struct chisel_dirs *dirs, int argc, char **argv, bool *json)
{
	static const struct option longs[] = {
		{"json", no_argument, NULL, OPT_JSON},
		{"chisel-dir", required_argument, NULL, OPT_CHISEL_DIR},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	struct err e = {0};
	int opt;

	optind = 0; /* anew, also in the middle of read's options */
	while ((opt = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		switch (opt) {
		case OPT_JSON:
			*json = true;
			break;
		case OPT_CHISEL_DIR:
			if (chisel_dirs_add(dirs, optarg, &e) < 0) {
				log_error("%s", e.msg);
				return 2;
			}
			break;
		case 'h':
			fputs(help, stdout);
			return 0;
		default:
			fputs("koban chisels --help shows the usage\n", stderr);
			return 2;
		}
	}
	return -1;
}

int cmd_chisels(int argc, char **argv)
{
	struct chisel_dirs dirs;
	struct err e = {0};
	bool json = false;

	chisel_dirs_init(&dirs);
	int code = parse(&dirs, argc, argv, &json);
	if (code < 0) {
		code = run(&dirs, argv + optind, (size_t)(argc - optind), json, &e);
		if (code < 0)
			log_error("%s", e.msg);
		code = code < 0 ? 2 : 0;
	}
	chisel_dirs_done(&dirs);
	return code;
}
