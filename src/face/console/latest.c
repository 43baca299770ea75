/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Metrics come each second and inventories each ten; what a page shows of "now" is the last of
 * each, by host, kept in memory. A host that is silent for a while counts as down.
 */
#include "face/console/latest.h"

#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "face/console/write.h"

enum { HOSTS_MAX = 256, UP_S = 15, NAME_MAX_BYTES = 256, NAMES_MAX = 64 };

struct host {
	char name[NAME_MAX_BYTES];
	json_t *metrics, *inventory;
	uint64_t metrics_ns, inventory_ns, first_ns; /* when they came */
};

struct latest {
	pthread_mutex_t lock;
	struct host *hosts;
	size_t n;
};

int latest_new(struct latest **ret, struct err *e)
{
	struct latest *l = calloc(1, sizeof(*l));

	if (l)
		l->hosts = calloc(HOSTS_MAX, sizeof(*l->hosts));
	if (!l || !l->hosts) {
		free(l);
		return err_set(e, ENOMEM, "out of memory");
	}
	pthread_mutex_init(&l->lock, NULL);
	*ret = l;
	return 0;
}

void latest_free(struct latest *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->n; i++) {
		json_decref(l->hosts[i].metrics);
		json_decref(l->hosts[i].inventory);
	}
	pthread_mutex_destroy(&l->lock);
	free(l->hosts);
	free(l);
}

static struct str text_of(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);

	return json_is_string(v) ? str_make(json_string_value(v), json_string_length(v)) : STR("");
}

/* The host of that name; when there are too many, the one that was silent for longest goes. */
static struct host *find_host(struct latest *l, struct str name)
{
	struct host *oldest = l->hosts;

	for (size_t i = 0; i < l->n; i++) {
		if (str_is(name, l->hosts[i].name))
			return &l->hosts[i];
		if (l->hosts[i].metrics_ns < oldest->metrics_ns)
			oldest = &l->hosts[i];
	}
	struct host *h = l->n < HOSTS_MAX ? &l->hosts[l->n++] : oldest;
	json_decref(h->metrics);
	json_decref(h->inventory);
	*h = (struct host){0};
	str_copy(str_head(name, NAME_MAX_BYTES - 1), h->name, sizeof(h->name));
	return h;
}

void latest_take(struct latest *l, const struct store_put_event *ev)
{
	if (ev->type != STORE_METRICS && ev->type != STORE_INVENTORY)
		return;
	json_t *record = json_loadb(ev->record.s, ev->record.len, 0, NULL);
	if (!record)
		return;
	uint64_t now = clock_boot_ns();
	pthread_mutex_lock(&l->lock);
	struct host *h = find_host(l, text_of(record, "hostname"));
	json_t **slot = ev->type == STORE_METRICS ? &h->metrics : &h->inventory;
	json_decref(*slot);
	*slot = record;
	if (ev->type == STORE_METRICS)
		h->metrics_ns = now;
	else
		h->inventory_ns = now;
	if (!h->first_ns)
		h->first_ns = clock_epoch_ns();
	pthread_mutex_unlock(&l->lock);
}

/* ---- writing -------------------------------------------------------------------------------- */

static void add_number(struct buf *out, const json_t *v)
{
	if (json_is_integer(v))
		buf_add_s64(out, json_integer_value(v));
	else
		write_double(out, json_number_value(v));
}

/* An object of numbers, other members left out. */
static void add_numbers(struct buf *out, const json_t *o)
{
	bool first = true;
	const char *key;
	json_t *v;

	buf_add_char(out, '{');
	json_object_foreach((json_t *)o, key, v)
	{
		if (!json_is_number(v))
			continue;
		json_add_key(out, &first, key);
		add_number(out, v);
	}
	buf_add_char(out, '}');
}

static void add_value(struct buf *out, bool *first, const char *name, const json_t *values)
{
	const json_t *v = json_object_get(values, name);

	json_add_key(out, first, name);
	if (json_is_number(v))
		add_number(out, v);
	else
		buf_add_cstr(out, "0");
}

static uint64_t since_of(const struct host *h)
{
	const json_t *started = json_object_get(h->metrics, "started_ns");

	return json_is_integer(started) ? (uint64_t)json_integer_value(started) : h->first_ns;
}

static void add_host(const struct host *h, struct buf *out)
{
	static const char *const numbers[] = {"events_per_s", "events_total", "cpu_percent",
		"rss_bytes", "rules", "dull_total", "findings_total", "processes", "containers"};
	const json_t *values = json_object_get(h->metrics, "values");
	bool first = true;

	write_bool(out, &first, "up",
		clock_boot_ns() - h->metrics_ns < UP_S * NSEC_PER_SEC && h->metrics_ns);
	write_time(out, &first, "since", since_of(h));
	write_str(out, &first, "version", text_of(h->metrics, "version"));
	write_str(out, &first, "hostname", str_of(h->name));
	write_str(out, &first, "kernel", text_of(h->inventory, "kernel"));
	write_str(out, &first, "os", text_of(h->inventory, "os"));
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		add_value(out, &first, numbers[i], values);
	json_add_key(out, &first, "drops");
	add_numbers(out, json_object_get(values, "drops"));
}

static const struct host *choose_host(const struct latest *l, struct str name)
{
	const struct host *best = NULL;

	for (size_t i = 0; i < l->n; i++) {
		const struct host *h = &l->hosts[i];

		if (name.len ? str_is(name, h->name) : !best || h->metrics_ns > best->metrics_ns)
			best = h;
	}
	return best;
}

void latest_add_sensor(struct latest *l, struct str hostname, struct buf *out)
{
	static const struct host none;

	buf_add_char(out, '{');
	pthread_mutex_lock(&l->lock);
	const struct host *h = choose_host(l, hostname);
	add_host(h ? h : &none, out);
	pthread_mutex_unlock(&l->lock);
	buf_add_char(out, '}');
}

static const json_t *find_container(const struct latest *l, struct str id)
{
	for (size_t i = 0; i < l->n; i++) {
		const json_t *list = json_object_get(l->hosts[i].inventory, "containers"), *c;
		size_t k;

		json_array_foreach((json_t *)list, k, c)
		{
			if (str_eq(text_of(c, "full_id"), id) || str_eq(text_of(c, "id"), id))
				return c;
		}
	}
	return NULL;
}

void latest_add_container(struct latest *l, struct str id, struct buf *out)
{
	pthread_mutex_lock(&l->lock);
	const json_t *c = find_container(l, id);
	char *text = c ? json_dumps(c, JSON_COMPACT) : NULL;
	pthread_mutex_unlock(&l->lock);
	buf_add_cstr(out, text ? text : "null");
	free(text);
}

/* ---- for the stream -------------------------------------------------------------------------- */

void latest_format_metrics(struct str record, struct buf *out)
{
	json_t *r = json_loadb(record.s, record.len, 0, NULL);
	const json_t *values = json_object_get(r, "values"), *time = json_object_get(r, "time_ns");
	bool first = true;

	buf_add_char(out, '{');
	write_time(out, &first, "time", (uint64_t)json_integer_value(time));
	write_str(out, &first, "hostname", text_of(r, "hostname"));
	json_add_key(out, &first, "values");
	add_numbers(out, values);
	json_add_key(out, &first, "drops");
	add_numbers(out, json_object_get(values, "drops"));
	buf_add_char(out, '}');
	json_decref(r);
}

void latest_format_inventory(struct str record, struct buf *out)
{
	json_t *r = json_loadb(record.s, record.len, 0, NULL);
	const json_t *time = json_object_get(r, "time_ns");
	bool first = true;

	buf_add_char(out, '{');
	write_time(out, &first, "time", (uint64_t)json_integer_value(time));
	write_str(out, &first, "hostname", text_of(r, "hostname"));
	write_u64(out, &first, "containers", json_array_size(json_object_get(r, "containers")));
	buf_add_char(out, '}');
	json_decref(r);
}
