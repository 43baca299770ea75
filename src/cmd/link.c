/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Joins the live loop with a store: the events around findings, the inventory and the sensor's
 * counters become records of its output. It keeps nothing itself.
 */
#include "cmd/link.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "engine/around/around.h"
#include "source/inventory/inventory.h"

enum { METRICS_BYTES = 8192 };

struct link {
	struct outputs *outputs;
	struct around *around;       /* NULL = not wanted */
	struct inventory *inventory; /* the same */
	const char *hostname;
	struct buf text;
};

static void emit_around(struct str record, void *arg)
{
	outputs_emit_record(arg, record);
}

static void offer_inventory(struct str record, void *arg)
{
	outputs_offer(arg, OFFER_INVENTORY, record);
}

int link_open(const struct config *c, struct outputs *outputs, const char *hostname,
	struct link **ret, struct err *e)
{
	struct around_options ao = {.ring_bytes = c->store.around_bytes};

	struct inventory_options io = {
		.host_root = c->state.host_root, .hostname = hostname, .version = KOBAN_VERSION};
	int r = 0;

	*ret = NULL;
	if (!c->store.enabled)
		return 0;
	struct link *k = calloc(1, sizeof(*k));
	if (!k)
		return err_set(e, ENOMEM, "out of memory");
	k->outputs = outputs;
	k->hostname = hostname;
	k->text = BUF_INIT(METRICS_BYTES);
	if (c->store.around && !(k->around = around_new(&ao, emit_around, outputs, e)))
		r = -ENOMEM;
	if (r == 0 && c->store.inventory)
		r = inventory_new(&io, offer_inventory, outputs, &k->inventory, e);
	if (r < 0) {
		link_close(k);
		return r;
	}
	*ret = k;
	return 0;
}

void link_close(struct link *k)
{
	if (!k)
		return;
	if (k->around)
		around_tick(k->around, UINT64_MAX); /* what there is of the last findings */
	around_free(k->around);
	inventory_free(k->inventory);
	buf_done(&k->text);
	free(k);
}

void link_event(struct link *k, const struct event *ev, const struct process *proc)
{
	if (k && k->around)
		around_event(k->around, ev, proc);
}

void link_finding(struct link *k, const struct finding *f, const struct process *proc)
{
	if (k && k->around)
		around_finding(k->around, f, proc);
}

/* ---- the sensor's numbers ------------------------------------------------------------------ */

static void add_values(const struct live_snapshot *s, struct buf *out)
{
	const struct {
		const char *name;
		uint64_t v;
	} rows[] = {
		{"events_total", s->sensor.in},
		{"events_per_s", s->events_per_s},
		{"events_matched_total", s->matched},
		{"dull_total", s->sensor.dull},
		{"findings_total", s->findings},
		{"rss_bytes", s->rss_bytes},
		{"processes", s->state.processes},
		{"containers", s->state.containers},
		{"rules", s->nrules},
		{"up_s", s->up_s},
	};

	buf_printf(out, "{\"cpu_percent\":%.2f", s->cpu_percent);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		buf_printf(out, ",\"%s\":%llu", rows[i].name, (unsigned long long)rows[i].v);
	buf_printf(out, ",\"drops\":{\"ring\":%llu,\"size\":%llu,\"undecodable\":%llu}}",
		(unsigned long long)s->sensor.drop_ring, (unsigned long long)s->sensor.drop_size,
		(unsigned long long)s->sensor.bad);
}

static void offer_metrics(struct link *k, const struct live_snapshot *s)
{
	buf_clear(&k->text);
	buf_printf(&k->text, "{\"v\":1,\"type\":\"metrics\",\"time_ns\":%llu,\"hostname\":",
		(unsigned long long)clock_epoch_ns());
	json_add_str(&k->text, str_of(k->hostname));
	buf_add_cstr(&k->text, ",\"version\":\"" KOBAN_VERSION "\",\"values\":");
	add_values(s, &k->text);
	buf_add_char(&k->text, '}');
	outputs_offer(k->outputs, OFFER_METRICS, buf_str(&k->text));
}

void link_tick(struct link *k, const struct live_snapshot *now, const struct state *s)
{
	if (!k)
		return;
	if (k->around)
		around_tick(k->around, clock_epoch_ns());
	if (k->inventory)
		inventory_tick(k->inventory, s, clock_boot_ns());
	offer_metrics(k, now);
}
