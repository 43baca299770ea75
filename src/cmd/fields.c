/* SPDX-License-Identifier: Apache-2.0 */
/*
 * koban fields: the fields that conditions and outputs may name, as a table for people, as JSON or
 * as Markdown. All it prints is in the rows of engine/field; it knows no field itself.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/io.h"
#include "base/json.h"
#include "cmd/fields.h"
#include "engine/field/field.h"

enum {
	OUTPUT_MAX = 8 * 1024 * 1024,
	WIDTH_DEFAULT = 100,
	WIDTH_MIN = 40,
	WIDTH_MAX = 160,
	NAME_COLUMN = 34, /* a longer name has its line for itself */
	TYPE_COLUMN = 9,
};

enum form { FORM_TABLE, FORM_JSON, FORM_MARKDOWN };

struct options {
	enum form form;
	bool all; /* hidden fields too */
	bool colour;
	size_t width;
	struct str only; /* a class, the beginning of names, or a name; empty = all */
};

static const char help[] =
	"Usage: koban fields [CLASS | NAME] [--all] [--json | --markdown]\n"
	"\n"
	"Lists the fields that rule conditions and outputs can use: name, type, meaning.\n"
	"CLASS is evt, process, thread, fd, container and so on; NAME is a field or the\n"
	"beginning of its name up to a dot.\n"
	"\n"
	"  --all        also the fields that are only for table views\n"
	"  --json       one JSON array of classes with their fields\n"
	"  --markdown   one Markdown table a class\n"
	"  --help       this text\n"
	"\n"
	"[n] after a name takes a number, [key] a name (also written .key); what stands in\n"
	"round brackets, (n), may be left out.\n"
	"\n"
	"Examples:\n"
	"  koban fields container.mount     what a rule can ask about mounts\n"
	"  koban fields fd --json | jq -r '.[].fields[].name'\n"
	"                                   names of all descriptor fields, for a script\n"
	"\n"
	"A field is used in a rule like this:\n"
	"  condition: evt.type = openat and fd.name startswith /etc and evt.is_open_write = true\n"
	"  output: \"%proc.name wrote %fd.name in %container.id\"\n";

static const char *type_name(enum value_type t)
{
	static const char *const names[] = {
		[VT_STR] = "string",
		[VT_BOOL] = "bool",
		[VT_U64] = "uint",
		[VT_S64] = "int",
		[VT_DOUBLE] = "double",
		[VT_RELTIME] = "reltime",
		[VT_ABSTIME] = "abstime",
		[VT_BYTES] = "bytes",
		[VT_IP] = "ip",
		[VT_NET] = "net",
		[VT_PORT] = "port",
		[VT_PATH] = "path",
		[VT_DYNAMIC] = "dynamic",
	};

	return names[t];
}

/* ---- which fields --------------------------------------------------------------------------- */

static bool is_asked(
	const struct options *o, const struct field_class *c, const struct field_def *f)
{
	struct str name = str_of(f->name);

	/* who asks for one field by its name gets it, hidden or not */
	if ((f->flags & FIELD_TABLE_ONLY) && !o->all && !str_eq(o->only, name))
		return false;
	if (!o->only.len || str_is(o->only, c->name))
		return true;
	return str_starts(name, o->only) && (name.len == o->only.len || name.s[o->only.len] == '.');
}

static size_t count_asked(const struct options *o, const struct field_class *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->nfields; i++)
		n += is_asked(o, c, &c->fields[i]);
	return n;
}

/* ---- one field ------------------------------------------------------------------------------ */

static const char *arg_mark(const struct field_def *f)
{
	bool index = f->flags & FIELD_ARG_INDEX, key = f->flags & FIELD_ARG_KEY;

	if (f->flags & FIELD_ARG_REQUIRED)
		return index && key ? "[n|key]" : index ? "[n]" : "[key]";
	if (f->flags & FIELD_ARG_OPTIONAL)
		return index && key ? "(n|key)" : index ? "(n)" : "(key)";
	return "";
}

static void add_marks(struct buf *b, const struct field_def *f)
{
	if (f->flags & FIELD_DEPRECATED)
		buf_add_cstr(b, "Deprecated. ");
	if (f->flags & FIELD_FILTER_ONLY)
		buf_add_cstr(b, "Only in conditions. ");
	if (f->flags & FIELD_LIST)
		buf_add_cstr(b, "A list. ");
	if (f->arg_doc) {
		buf_add_cstr(b, "Takes ");
		buf_add_cstr(b, f->arg_doc);
		buf_add_cstr(b, ". ");
	}
}

/* ---- the table ------------------------------------------------------------------------------ */

static void add_colour(const struct options *o, struct buf *b, const char *code)
{
	if (o->colour)
		buf_printf(b, "\033[%sm", code);
}

static void pad(struct buf *b, size_t n)
{
	while (n--)
		buf_add_char(b, ' ');
}

/* Words of `text` from column `indent` to `width`; the cursor stands at the indent already. */
static void add_wrapped(struct buf *b, struct str text, size_t indent, size_t width)
{
	size_t at = indent;

	while (text.len) {
		struct str word = str_cut(&text, ' ');

		if (!word.len)
			continue;
		if (at > indent && at + 1 + word.len > width) {
			buf_add_char(b, '\n');
			pad(b, indent);
			at = indent;
		}
		if (at > indent) {
			buf_add_char(b, ' ');
			at++;
		}
		buf_add(b, word);
		at += word.len;
	}
	buf_add_char(b, '\n');
}

static void add_row(
	const struct options *o, struct buf *b, struct buf *doc, const struct field_def *f)
{
	bool narrow = o->width < 80;
	size_t len = strlen(f->name) + strlen(arg_mark(f));
	size_t indent = narrow ? 4 : 2 + NAME_COLUMN + TYPE_COLUMN;

	buf_add_cstr(b, "  ");
	add_colour(o, b, f->flags & FIELD_DEPRECATED ? "2" : "1");
	buf_add_cstr(b, f->name);
	add_colour(o, b, "0");
	buf_add_cstr(b, arg_mark(f));
	if (narrow) {
		buf_printf(b, "  %s\n", type_name(f->type));
	} else if (len + 2 > NAME_COLUMN) {
		buf_add_char(b, '\n');
		pad(b, 2 + NAME_COLUMN);
	} else {
		pad(b, NAME_COLUMN - len);
	}
	if (!narrow)
		buf_printf(b, "%-*s", TYPE_COLUMN, type_name(f->type));
	else
		pad(b, indent);
	buf_clear(doc);
	add_marks(doc, f);
	buf_add_cstr(doc, f->doc);
	add_wrapped(b, buf_str(doc), indent, o->width);
}

static void add_table(const struct options *o, struct buf *b)
{
	struct buf doc = BUF_INIT(4096);
	bool first = true;

	for (size_t i = 0; i < field_set_syscall.nclasses; i++) {
		const struct field_class *c = field_set_syscall.classes[i];

		if (!count_asked(o, c))
			continue;
		if (!first)
			buf_add_char(b, '\n');
		first = false;
		add_colour(o, b, "1;36");
		buf_add_cstr(b, c->name);
		add_colour(o, b, "0");
		buf_add_cstr(b, "  ");
		add_wrapped(b, str_of(c->desc), strlen(c->name) + 2, o->width);
		for (size_t j = 0; j < c->nfields; j++)
			if (is_asked(o, c, &c->fields[j]))
				add_row(o, b, &doc, &c->fields[j]);
	}
	buf_done(&doc);
}

/* ---- Markdown ------------------------------------------------------------------------------- */

static void add_markdown(const struct options *o, struct buf *b)
{
	for (size_t i = 0; i < field_set_syscall.nclasses; i++) {
		const struct field_class *c = field_set_syscall.classes[i];

		if (!count_asked(o, c))
			continue;
		buf_printf(b, "%s## %s\n\n%s\n\n| field | type | meaning |\n|---|---|---|\n",
			b->len ? "\n" : "", c->name, c->desc);
		for (size_t j = 0; j < c->nfields; j++) {
			const struct field_def *f = &c->fields[j];

			if (!is_asked(o, c, f))
				continue;
			buf_printf(b, "| `%s%s` | %s | ", f->name, arg_mark(f), type_name(f->type));
			add_marks(b, f);
			for (const char *s = f->doc; *s; s++) {
				if (*s == '|')
					buf_add_char(b, '\\');
				if (*s == '<') /* <NA> is no HTML */
					buf_add_cstr(b, "&lt;");
				else
					buf_add_char(b, *s);
			}
			buf_add_cstr(b, " |\n");
		}
	}
}

/* ---- JSON ----------------------------------------------------------------------------------- */

static void add_json_str(struct buf *b, bool *first, const char *key, const char *value)
{
	json_add_key(b, first, key);
	json_add_str(b, str_of(value));
}

static void add_json_bool(struct buf *b, bool *first, const char *key, bool value)
{
	json_add_key(b, first, key);
	buf_add_cstr(b, value ? "true" : "false");
}

static void add_json_field(struct buf *b, const struct field_def *f)
{
	bool first = true;

	buf_add_char(b, '{');
	add_json_str(b, &first, "name", f->name);
	add_json_str(b, &first, "type", type_name(f->type));
	add_json_str(b, &first, "doc", f->doc);
	add_json_str(b, &first, "argument",
		f->flags & FIELD_ARG_REQUIRED   ? "required"
		: f->flags & FIELD_ARG_OPTIONAL ? "optional"
						: "none");
	add_json_bool(b, &first, "argument_index", f->flags & FIELD_ARG_INDEX);
	add_json_bool(b, &first, "argument_key", f->flags & FIELD_ARG_KEY);
	add_json_bool(b, &first, "list", f->flags & FIELD_LIST);
	add_json_bool(b, &first, "deprecated", f->flags & FIELD_DEPRECATED);
	add_json_bool(b, &first, "filter_only", f->flags & FIELD_FILTER_ONLY);
	add_json_bool(b, &first, "hidden", f->flags & FIELD_TABLE_ONLY);
	buf_add_char(b, '}');
}

static void add_json(const struct options *o, struct buf *b)
{
	bool first_class = true;

	buf_add_char(b, '[');
	for (size_t i = 0; i < field_set_syscall.nclasses; i++) {
		const struct field_class *c = field_set_syscall.classes[i];
		bool first = true, first_field = true;

		if (!count_asked(o, c))
			continue;
		buf_add_cstr(b, first_class ? "{" : ",{");
		first_class = false;
		add_json_str(b, &first, "class", c->name);
		add_json_str(b, &first, "desc", c->desc);
		json_add_key(b, &first, "fields");
		buf_add_char(b, '[');
		for (size_t j = 0; j < c->nfields; j++) {
			if (!is_asked(o, c, &c->fields[j]))
				continue;
			if (!first_field)
				buf_add_char(b, ',');
			first_field = false;
			add_json_field(b, &c->fields[j]);
		}
		buf_add_cstr(b, "]}");
	}
	buf_add_cstr(b, "]\n");
}

/* ---- the command ---------------------------------------------------------------------------- */

static size_t terminal_width(void)
{
	const char *columns = getenv("COLUMNS");
	struct winsize w;
	uint64_t n = WIDTH_DEFAULT;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col)
		n = w.ws_col;
	else if (columns)
		str_to_u64(str_of(columns), 10, &n);
	return n < WIDTH_MIN ? WIDTH_MIN : n > WIDTH_MAX ? WIDTH_MAX : (size_t)n;
}

static int no_such(struct str asked)
{
	const char *near = NULL;
	unsigned best = 4;

	for (size_t i = 0; i < field_set_syscall.nclasses; i++) {
		const struct field_class *c = field_set_syscall.classes[i];

		for (size_t j = 0; j < c->nfields; j++) {
			struct str name = str_of(c->fields[j].name);
			unsigned d =
				str_starts(name, asked) ? 0 : str_distance(asked, name, best - 1);

			if (d < best) {
				best = d;
				near = c->fields[j].name;
			}
		}
	}
	fprintf(stderr, "koban fields: there is no class or field \"%.*s\"", STR_ARG(asked));
	if (near)
		fprintf(stderr, "; did you mean \"%s\"?", near);
	fputs("\nkoban fields: without an argument it lists them all\n", stderr);
	return 2;
}

/* 0 to go on, else an exit code + 1. */
static int parse_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{"all", no_argument, NULL, 'a'},
		{"json", no_argument, NULL, 'j'},
		{"markdown", no_argument, NULL, 'm'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int c;

	optind = 0; /* the command line may have been parsed before */
	while ((c = getopt_long(argc, argv, "ajmh", longs, NULL)) != -1) {
		switch (c) {
		case 'a':
			o->all = true;
			break;
		case 'j':
			o->form = FORM_JSON;
			break;
		case 'm':
			o->form = FORM_MARKDOWN;
			break;
		case 'h':
			fputs(help, stdout);
			return 1;
		default:
			fputs("koban fields: try \"koban fields --help\"\n", stderr);
			return 3;
		}
	}
	if (argc - optind > 1) {
		fputs("koban fields: expected one class or field; try --help\n", stderr);
		return 3;
	}
	o->only = str_of(optind < argc ? argv[optind] : "");
	return 0;
}

int cmd_fields(int argc, char **argv)
{
	const char *no_colour = getenv("NO_COLOR");
	struct options o = {
		.colour = isatty(STDOUT_FILENO) && !(no_colour && *no_colour),
		.width = terminal_width(),
	};
	struct buf out = BUF_INIT(OUTPUT_MAX);
	size_t n = 0;
	int r = parse_options(argc, argv, &o);

	if (r)
		return r - 1;
	for (size_t i = 0; i < field_set_syscall.nclasses; i++)
		n += count_asked(&o, field_set_syscall.classes[i]);
	if (!n)
		return no_such(o.only);
	if (o.form == FORM_JSON)
		add_json(&o, &out);
	else if (o.form == FORM_MARKDOWN)
		add_markdown(&o, &out);
	else
		add_table(&o, &out);
	r = io_write_all(STDOUT_FILENO, buf_str(&out));
	buf_done(&out);
	if (r < 0 && r != -EPIPE) {
		fprintf(stderr, "koban fields: cannot write: %s\n", strerror(-r));
		return 2;
	}
	return 0;
}
