/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of a survey. A table is a row here: its SQL gives a name and a number of images, the
 * most first; what its shares are of is said beside it.
 */
#include <errno.h>

#include "research/survey/private.h"

enum { ROWS_MAX = 1000 };

enum base { OF_IMAGES, OF_FLAGGED };

/* The categories of the 2022 report, by which an image is flagged. */
#define CATEGORIES                                                                                 \
	"('cryptomining','embedded-secrets','proxy-avoidance','new-domain','malicious-site',"      \
	"'hacking','dynamic-dns','malware','backdoor','masquerade','other')"

static const struct {
	const char *name, *title;
	enum base of;
	const char *sql;
} tables[] = {
	{"verdicts", "Verdicts", OF_IMAGES,
		"SELECT verdict, count(*) n FROM image GROUP BY verdict ORDER BY n DESC, verdict"},
	{"categories", "What was found, by category", OF_FLAGGED,
		"SELECT label, count(*) n FROM label WHERE label IN " CATEGORIES
		" GROUP BY label ORDER BY n DESC, label"},
	{"labels", "All labels", OF_IMAGES,
		"SELECT label, count(*) n FROM label GROUP BY label ORDER BY n DESC, label"},
	{"secrets", "Secrets, by kind", OF_IMAGES,
		"SELECT \"check\", count(DISTINCT image) n FROM finding WHERE "
		"label='embedded-secrets' GROUP BY \"check\" ORDER BY n DESC, \"check\""},
	{"impostors", "Official images that others imitate", OF_IMAGES,
		"SELECT value, count(DISTINCT image) n FROM fact WHERE key='official' GROUP BY "
		"value "
		"ORDER BY n DESC, value"},
	{"wallets", "Wallets, by the images that pay into them", OF_IMAGES,
		"SELECT value, count(DISTINCT image) n FROM fact WHERE key='wallet' GROUP BY value "
		"ORDER BY n DESC, value"},
	{"pools", "Mining pools", OF_IMAGES,
		"SELECT value, count(DISTINCT image) n FROM fact WHERE key='pool' GROUP BY value "
		"ORDER BY n DESC, value"},
	{"shared-secrets", "Secrets that several images share", OF_IMAGES,
		"SELECT \"check\" || ' ' || value, count(DISTINCT image) n FROM fact WHERE "
		"key IN ('secret', 'key') GROUP BY key, value HAVING n > 1 ORDER BY n DESC, value"},
	{"bad-layers", "Layers with what is critical, by the images that have them", OF_IMAGES,
		"SELECT l.digest, count(DISTINCT l.image) n FROM layer l WHERE l.digest IN "
		"(SELECT layer FROM finding WHERE severity='critical' AND layer<>'') "
		"GROUP BY l.digest ORDER BY n DESC, l.digest"},
	{"systems", "Distributions", OF_IMAGES,
		"SELECT system, count(*) n FROM image WHERE system<>'' GROUP BY system "
		"ORDER BY n DESC, system"},
	{"failures", "Why images could not be scanned", OF_IMAGES,
		"SELECT why, count(*) n FROM target WHERE state=3 GROUP BY why ORDER BY n DESC"},
};

enum { NTABLES = sizeof(tables) / sizeof(*tables) };

static int ask(struct survey *s, const char *sql, uint64_t *ret, struct err *e)
{
	sqlite3_stmt *st = survey_prepare(s, sql, e);
	int r = st && sqlite3_step(st) == SQLITE_ROW ? 0 : st ? survey_error(s, e) : -EIO;

	if (r == 0)
		*ret = (uint64_t)sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return r;
}

static void fill_shares(struct survey_row *row, uint64_t base, uint64_t labels)
{
	row->share = base ? (double)row->images / (double)base : 0;
	survey_interval(row->images < base ? row->images : base, base, &row->low, &row->high);
	row->label_share = labels ? (double)row->images / (double)labels : 0;
}

static int fill(struct survey *s, size_t i, const struct survey_stats *st, struct arena *a,
	struct survey_table *to, struct err *e)
{
	sqlite3_stmt *rows = survey_prepare(s, tables[i].sql, e);
	struct survey_row *list = arena_array(a, struct survey_row, ROWS_MAX);
	size_t n = 0;
	int code = SQLITE_ERROR;

	*to = (struct survey_table){.name = tables[i].name,
		.title = tables[i].title,
		.of = tables[i].of == OF_FLAGGED ? "of the images that were flagged"
						 : "of all images",
		.base = tables[i].of == OF_FLAGGED ? st->flagged : st->counts.images,
		.rows = list};
	while (rows && list && (code = sqlite3_step(rows)) == SQLITE_ROW) {
		if (n == ROWS_MAX) {
			to->more++;
			continue;
		}
		list[n].name = survey_column_str(rows, 0, a);
		list[n].images = (uint64_t)sqlite3_column_int64(rows, 1);
		fill_shares(&list[n++], to->base, tables[i].of == OF_FLAGGED ? st->labels : 0);
	}
	to->nrows = n;
	int r = code == SQLITE_DONE ? 0
		: !list             ? err_set(e, ENOMEM, "no memory left for the tables")
		: rows              ? survey_error(s, e)
				    : -EIO;

	sqlite3_finalize(rows);
	return r;
}

static int fill_all(struct survey *s, struct arena *a, struct survey_stats *ret, struct err *e)
{
	struct survey_table *list = arena_array(a, struct survey_table, NTABLES);
	int r = list ? 0 : err_set(e, ENOMEM, "no memory left for the tables");

	ret->tables = list;
	ret->ntables = NTABLES;
	r = r < 0 ? r
		  : ask(s, "SELECT count(DISTINCT image) FROM label WHERE label IN " CATEGORIES,
			    &ret->flagged, e);
	r = r < 0 ? r
		  : ask(s, "SELECT count(*) FROM label WHERE label IN " CATEGORIES, &ret->labels,
			    e);
	for (size_t i = 0; r == 0 && i < NTABLES; i++)
		r = fill(s, i, ret, a, &list[i], e);
	return r;
}

int survey_stats(struct survey *s, struct arena *a, struct survey_stats *ret, struct err *e)
{
	*ret = (struct survey_stats){0};
	int r = survey_count(s, &ret->counts, e);

	if (r < 0)
		return r;
	pthread_mutex_lock(&s->lock);
	/* one moment of a database that a crawl may be writing */
	r = survey_exec(s, "BEGIN", e);
	if (r == 0) {
		r = fill_all(s, a, ret, e);
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	}
	pthread_mutex_unlock(&s->lock);
	return r;
}
