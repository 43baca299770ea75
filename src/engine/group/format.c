/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers as people read them in a narrow column: three figures and a unit. What is no number, or
 * has no unit, is written as everywhere else.
 */
#include <math.h>

#include "engine/group/private.h"

/* Three figures: 1.21, 12.1, 121. */
static void add_figures(struct buf *out, double d)
{
	buf_printf(out, "%.*f", d < 9.995 ? 2 : d < 99.95 ? 1 : 0, d);
}

static void add_bytes(struct buf *out, double d)
{
	static const char units[] = "KMGTPE";
	size_t i = 0;

	if (d < 1023.5) {
		buf_printf(out, "%.0f", d);
		return;
	}
	for (d /= 1024; d >= 999.5 && units[i + 1]; i++)
		d /= 1024;
	add_figures(out, d);
	buf_add_char(out, units[i]);
}

static void add_time(struct buf *out, double ns)
{
	static const struct {
		double ns;
		const char *unit;
	} units[] = {{1e9, "s"}, {1e6, "ms"}, {1e3, "us"}};

	if (ns >= 60e9) {
		uint64_t s = (uint64_t)(ns / 1e9);

		if (s >= 3600)
			buf_printf(out, "%lluh%02llum", (unsigned long long)s / 3600,
				(unsigned long long)s / 60 % 60);
		else
			buf_printf(out, "%llum%02llus", (unsigned long long)s / 60,
				(unsigned long long)s % 60);
		return;
	}
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (ns >= units[i].ns * 0.9995) {
			add_figures(out, ns / units[i].ns);
			buf_add_cstr(out, units[i].unit);
			return;
		}
	buf_printf(out, "%.0fns", ns);
}

/* A number without a unit: whole as it is, a fraction with what is worth reading of it. */
static void add_plain(struct buf *out, const struct value *v)
{
	if (v->type != VT_DOUBLE)
		value_format(v, out);
	else if (fabs(v->d) >= 100)
		buf_printf(out, "%.0f", v->d);
	else
		buf_printf(out, "%.*f", fabs(v->d) < 10 && fabs(v->d) >= 0.005 ? 2 : 1, v->d);
}

void group_value_format(const struct group_column *c, const struct value *v, struct buf *out)
{
	if (value_is_text(v) || v->type == VT_IP || v->type == VT_NET || v->type == VT_BOOL) {
		value_format(v, out);
		return;
	}
	switch (c->unit) {
	case GROUP_PLAIN:
		add_plain(out, v);
		break;
	case GROUP_BYTES:
		add_bytes(out, value_number(v));
		break;
	case GROUP_TIME:
		add_time(out, value_number(v));
		break;
	case GROUP_PERCENT:
		buf_printf(out, "%.1f", value_number(v));
		break;
	}
}
