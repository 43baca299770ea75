/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading lists: koban's own and the user's feeds, in the forms that data/intel/README.md
 * describes. A plain line, a line of a hosts file and a row of CSV come down to the same: a name, a
 * note, perhaps a day. The first line that cannot be meant stops the load with file and line: a
 * feed of which a part is silently lost is worse than none.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/io.h"
#include "engine/indicator/list.h"

int list_mistake(struct reading *r, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return err_set(r->e, EINVAL, "%s:%u: %s", r->path, r->line, text);
}

/* ---- forms of lines ------------------------------------------------------------------------ */

/* The first word off *rest, which keeps what stands behind it. */
static struct str cut_word(struct str *rest)
{
	struct str s = str_trim(*rest);
	size_t n = 0;

	while (n < s.len && s.s[n] != ' ' && s.s[n] != '\t')
		n++;
	*rest = str_trim(str_skip(s, n));
	return str_head(s, n);
}

/* "0.0.0.0 name name…": the addresses of hosts files that block. */
static bool is_hosts_line(struct str word, struct str rest)
{
	return rest.len &&
	       (str_is(word, "0.0.0.0") || str_is(word, "127.0.0.1") || str_is(word, "::1") ||
		       str_is(word, "::") || str_is(word, "255.255.255.255") ||
		       str_starts(word, STR("fe80::")) || str_starts(word, STR("ff0")));
}

static int read_plain(struct reading *r, struct str line)
{
	struct str rest = line, word = cut_word(&rest);

	if (r->list->kind != LIST_NET || !is_hosts_line(word, rest))
		return list_add_entry(r, word, rest);
	while (rest.len) {
		word = cut_word(&rest);
		int code = list_is_local_name(word) ? 0 : list_add_entry(r, word, STR_NULL);

		if (code < 0)
			return code;
	}
	return 0;
}

enum { CSV_COLUMNS = 64 };

static size_t csv_fields(struct str line, struct str out[CSV_COLUMNS])
{
	size_t n = 0;

	while (line.s && n < CSV_COLUMNS) {
		struct str field = str_trim(line);

		if (str_starts(field, STR("\""))) {
			ptrdiff_t end = str_find_char(str_skip(field, 1), '"');

			line = end < 0 ? STR_NULL : str_skip(field, (size_t)end + 2);
			field = str_make(field.s + 1, end < 0 ? field.len - 1 : (size_t)end);
			str_cut(&line, ',');
		} else {
			field = str_trim(str_cut(&line, ','));
		}
		out[n++] = field;
	}
	return n;
}

static bool is_among(struct str s, const char *const *names)
{
	for (; *names; names++)
		if (str_ieq(s, str_of(*names)))
			return true;
	return false;
}

/* Whether the row is a heading, from which the columns are learnt. */
static bool read_heading(struct reading *r, const struct str *fields, size_t n)
{
	static const char *const domains[] = {"domain", "domain_name", "domainname", "hostname",
		"host", "fqdn", "name", "ioc", "indicator", "ip", "address", "sha256", NULL};
	static const char *const days[] = {"created", "created_at", "creation_date", "create_date",
		"created_date", "registered", "registered_at", "registration_date", "date",
		"first_seen", "firstseen", NULL};
	int domain = -1, day = -1;

	for (size_t i = 0; i < n; i++) {
		if (domain < 0 && is_among(fields[i], domains))
			domain = (int)i;
		if (day < 0 && is_among(fields[i], days))
			day = (int)i;
	}
	if (domain < 0)
		return false;
	r->domain_column = domain;
	r->day_column = day;
	return true;
}

/* No heading: the first field that is a day is the day, the first other one the domain. */
static void guess_columns(struct reading *r, const struct str *fields, size_t n)
{
	int64_t day;

	for (size_t i = 0; i < n; i++) {
		if (day_parse(fields[i], &day)) {
			if (r->day_column < 0)
				r->day_column = (int)i;
		} else if (r->domain_column < 0) {
			r->domain_column = (int)i;
		}
	}
}

static int read_row(struct reading *r, struct str line)
{
	struct str fields[CSV_COLUMNS];
	size_t n = csv_fields(line, fields);
	int64_t day;

	if (r->domain_column < 0) {
		if (read_heading(r, fields, n))
			return 0;
		guess_columns(r, fields, n);
	}
	if (r->domain_column < 0 || (size_t)r->domain_column >= n || !fields[r->domain_column].len)
		return list_mistake(r, "no domain in this row");
	if (r->day_column < 0 && !r->has_category)
		return list_mistake(r, "no date in this row: a list of new domains needs one "
				       "(2026-08-20), another list a line \"#! category: …\"");
	if (r->list->category == NET_NEW && r->day_column >= 0) {
		if ((size_t)r->day_column >= n || !day_parse(fields[r->day_column], &day))
			return list_mistake(
				r, "column %d is no date (2026-08-20)", r->day_column + 1);
		if (r->i->today - day > r->max_age)
			return 0;
	}
	return list_add_entry(r, fields[r->domain_column], STR_NULL);
}

/* ---- directives ---------------------------------------------------------------------------- */

static int set_category(struct reading *r, struct str value)
{
	for (unsigned c = NET_NONE + 1; c < NET_CATEGORY_COUNT; c++) {
		if (!str_is(value, net_category_name(c)))
			continue;
		r->list->category = c;
		r->has_category = true;
		return 0;
	}
	return list_mistake(r,
		"no category \"%.*s\"; there are mining-pool, proxy-avoidance, dynamic-dns, "
		"malicious, new-domain and paste",
		STR_ARG(str_head(value, 40)));
}

static int set_kind(struct reading *r, struct str value)
{
	static const char *const kinds[LIST_KIND_COUNT] = {"net", "algorithm", "miner",
		"mining-port", "official", "publisher", "layer", "suffix", "sign", "proxy-form",
		"proxy-program", "mark"};

	for (unsigned k = 0; k < LIST_KIND_COUNT; k++) {
		if (!str_is(value, kinds[k]))
			continue;
		r->list->kind = k;
		return 0;
	}
	return list_mistake(r, "no kind \"%.*s\" of lists", STR_ARG(str_head(value, 40)));
}

/* "#! key: value", in front of the first entry. */
static int read_directive(struct reading *r, struct str line)
{
	struct str value = line, key = str_trim(str_cut(&value, ':'));
	uint64_t days;

	value = str_trim(value);
	if (r->has_entries)
		return list_mistake(r, "\"#!\" lines stand in front of all entries");
	if (str_is(key, "category"))
		return set_category(r, value);
	if (str_is(key, "kind"))
		return set_kind(r, value);
	if (str_is(key, "name")) {
		r->list->name = arena_str(&r->i->arena, str_head(value, 80));
		return r->list->name.s ? 0 : err_set(r->e, ENOMEM, "out of memory");
	}
	if (str_is(key, "format") && (str_is(value, "csv") || str_is(value, "plain"))) {
		r->is_csv = str_is(value, "csv");
		if (r->is_csv && !r->has_category)
			r->list->category = NET_NEW;
		return 0;
	}
	if (str_is(key, "max-age-days") && str_to_u64(value, 10, &days) && days <= 36500) {
		r->max_age = (int64_t)days;
		return 0;
	}
	return list_mistake(r,
		"\"%.*s\" is not understood; there are category, name, kind, format (csv, "
		"plain) and max-age-days",
		STR_ARG(str_head(str_trim(line), 60)));
}

static int read_line(struct reading *r, struct str line)
{
	line = str_trim(line);
	if (str_starts(line, STR("#!")))
		return read_directive(r, str_skip(line, 2));
	if (line.len == 0 || line.s[0] == '#' || line.s[0] == ';')
		return 0;
	ptrdiff_t comment = str_find(line, STR(" #"));
	if (comment >= 0)
		line = str_trim(str_head(line, (size_t)comment));
	return r->is_csv ? read_row(r, line) : read_plain(r, line);
}

/* The file's name without folder and ending, for lists that do not say theirs. */
static struct str name_of_path(const char *path)
{
	struct str s = str_of(path);
	ptrdiff_t slash = str_rfind_char(s, '/');

	if (slash >= 0)
		s = str_skip(s, (size_t)slash + 1);
	ptrdiff_t dot = str_rfind_char(s, '.');
	return dot > 0 ? str_head(s, (size_t)dot) : s;
}

static int start(struct reading *r)
{
	struct indicators *i = r->i;

	if (i->nlists == LIST_MAX)
		return err_set(r->e, E2BIG, "%s: more than %d lists", r->path, LIST_MAX);
	r->list = i->lists + i->nlists;
	*r->list =
		(struct list){arena_str(&i->arena, name_of_path(r->path)), LIST_NET, NET_MALICIOUS};
	if (!r->list->name.s)
		return err_set(r->e, ENOMEM, "%s: out of memory", r->path);
	r->is_csv = str_ends(str_of(r->path), STR(".csv"));
	if (r->is_csv)
		r->list->category = NET_NEW;
	i->nlists++;
	return 0;
}

int list_load(struct indicators *i, const char *path, struct err *e)
{
	struct reading r = {.i = i,
		.path = path,
		.max_age = NEW_DAYS,
		.domain_column = -1,
		.day_column = -1,
		.e = e};
	struct arena a;
	struct str text;

	arena_init(&a, LIST_MAX_BYTES + (1 << 20));
	int code = io_read_file(&a, AT_FDCWD, path, LIST_MAX_BYTES, &text, e);
	if (code == 0)
		code = start(&r);
	if (code == 0 && str_starts(text, STR("\xef\xbb\xbf")))
		text = str_skip(text, 3);
	while (code == 0 && text.s) {
		r.line++;
		code = read_line(&r, str_cut(&text, '\n'));
	}
	arena_done(&a);
	return code;
}
