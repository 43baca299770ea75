/* SPDX-License-Identifier: Apache-2.0 */
/* Sentences about findings and images, the same in every form. */
#include "face/report/report_private.h"

static void add_file_place(const struct artifact_finding *f, struct buf *out)
{
	buf_printf(out, "layer %u ", f->layer + 1);
	buf_add(out, f->path);
	if (f->line)
		buf_printf(out, ":%u", f->line);
}

void report_add_place(const struct artifact_finding *f, struct buf *out)
{
	switch (f->place) {
	case PLACE_FILE:
		add_file_place(f, out);
		break;
	case PLACE_HISTORY:
		buf_printf(out, "build step %u", f->index + 1);
		break;
	case PLACE_ENV:
		buf_printf(out, "ENV %u", f->index + 1);
		break;
	case PLACE_LABEL:
		buf_printf(out, "LABEL %u", f->index + 1);
		break;
	case PLACE_ENTRYPOINT:
		buf_add_cstr(out, "ENTRYPOINT and CMD");
		break;
	case PLACE_CONFIG:
		buf_add_cstr(out, "the image's settings");
		break;
	case PLACE_NAME:
		buf_add_cstr(out, "the image's name");
		break;
	case PLACE_RUN:
		buf_add_cstr(out, "while it ran");
		break;
	}
}

static const char *reach_words(enum artifact_reach r)
{
	switch (r) {
	case REACH_ENTRYPOINT:
		return "started with the container";
	case REACH_CRON:
		return "started by cron";
	case REACH_SERVICE:
		return "started as a service";
	case REACH_LOGIN:
		return "used at login";
	case REACH_PRELOAD:
		return "loaded into every program";
	case REACH_NONE:
		return "nothing in the image starts it";
	case REACH_UNKNOWN:
		break;
	}
	return NULL;
}

static void add_part(struct buf *out, size_t start, const char *text)
{
	buf_add_cstr(out, out->len > start ? "; " : "");
	buf_add_cstr(out, text);
}

void report_add_details(const struct artifact_finding *f, struct buf *out)
{
	const char *reach = reach_words(f->reach);
	size_t start = out->len;
	/* of a key or a setting nobody asks what starts it */
	bool is_told = f->reach != REACH_NONE || f->label == LABEL_CRYPTOMINING ||
		       f->label == LABEL_MALWARE || f->label == LABEL_HACKING ||
		       f->label == LABEL_MINER_CAPABLE;

	if (reach && f->place == PLACE_FILE && is_told)
		add_part(out, start, reach);
	if (f->deleted_in >= 0) {
		add_part(out, start, "");
		buf_printf(out, "deleted in layer %d, and still in the image", f->deleted_in + 1);
	}
	for (size_t i = 0; i < f->nfacts; i++) {
		add_part(out, start, "");
		buf_add(out, f->facts[i].key);
		buf_add_char(out, ' ');
		buf_add(out, f->facts[i].value);
	}
	if (f->is_ignored) {
		add_part(out, start, "ignored: ");
		buf_add(out, f->ignored_why);
	}
}

void report_add_count(uint64_t n, struct buf *out)
{
	if (n >= 1000) {
		report_add_count(n / 1000, out);
		buf_printf(out, ",%03u", (unsigned)(n % 1000));
	} else {
		buf_add_u64(out, n);
	}
}

void report_add_bytes(uint64_t n, struct buf *out)
{
	static const char *const units[] = {"kB", "MB", "GB", "TB"};
	double v = (double)n / 1000;
	size_t i = 0;

	if (n < 1000) {
		buf_printf(out, "%u bytes", (unsigned)n);
		return;
	}
	for (; v >= 999.95 && i + 1 < sizeof(units) / sizeof(*units); i++)
		v /= 1000;
	buf_printf(out, "%.1f %s", v, units[i]);
}

bool report_shows(const struct report_style *s, const struct artifact_finding *f)
{
	return s->all || (!f->is_ignored && f->severity < ARTIFACT_INFO);
}

size_t report_hidden(const struct artifact_report *r, const struct report_style *s)
{
	size_t n = 0;

	for (size_t i = 0; i < r->nfindings; i++)
		n += !report_shows(s, &r->findings[i]);
	return n;
}

void report_add_packages(const struct artifact_report *r, struct buf *out)
{
	size_t by_type[PACKAGE_TYPE_COUNT] = {0};
	bool first = true;

	for (size_t i = 0; i < r->npackages; i++)
		if (r->packages[i].type < PACKAGE_TYPE_COUNT)
			by_type[r->packages[i].type]++;
	report_add_count(r->npackages, out);
	buf_add_cstr(out, r->npackages == 1 ? " package" : " packages");
	for (int t = 0; t < PACKAGE_TYPE_COUNT; t++) {
		if (!by_type[t])
			continue;
		buf_add_cstr(out, first ? " (" : ", ");
		report_add_count(by_type[t], out);
		buf_printf(out, " %s", artifact_package_type_name((enum package_type)t));
		first = false;
	}
	buf_add_cstr(out, first ? "" : ")");
}

void report_add_distro(const struct artifact_distro *d, struct buf *out)
{
	if (!d->id.len)
		return;
	buf_add(out, d->pretty_name.len ? d->pretty_name : d->id);
	if (!d->end_of_life.len)
		return;
	buf_add_cstr(out, d->is_ended ? ", support ended on " : ", supported until ");
	buf_add(out, d->end_of_life);
}
