/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A match becomes a finding: the output rendered, its fields with their types, a fingerprint by
 * which repeats are known. Only matches come here, but a noisy rule matches often: everything is
 * built in the event's arena, and nothing is allocated once that is warm.
 */
#include "engine/detect/private.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"

enum { OUTPUT_MAX = 64 << 10 };

/* ---- the layout of a rule's fields ---------------------------------------------------------- */

struct named_token {
	struct str name;
	uint32_t token;
};

static int compare_tokens(const void *a, const void *b)
{
	const struct named_token *x = a, *y = b;
	int c = str_cmp(x->name, y->name);

	return c ? c : (x->token > y->token) - (x->token < y->token);
}

static struct str time_field(const struct detect *d)
{
	return d->o.iso_time ? STR("evt.time.iso8601") : STR("evt.time");
}

static int plan_build(
	struct detect *d, const struct rule *r, struct arena *a, struct finding_plan *plan)
{
	size_t n = format_nfields(r->format);
	struct named_token *sorted = arena_array(a, struct named_token, n + 1);

	plan->tokens = arena_array(a, uint32_t, n + 1);
	if (!sorted || !plan->tokens)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		sorted[i] = (struct named_token){format_field_name(r->format, i), (uint32_t)i};
	qsort(sorted, n, sizeof(*sorted), compare_tokens);
	for (size_t i = 0; i < n; i++) {
		if ((i && str_eq(sorted[i].name, sorted[i - 1].name)) ||
			str_eq(sorted[i].name, time_field(d)))
			continue;
		if (str_cmp(sorted[i].name, time_field(d)) < 0)
			plan->time_at = plan->ntokens + 1;
		plan->tokens[plan->ntokens++] = sorted[i].token;
	}
	return 0;
}

int finding_plans_build(
	struct detect *d, struct ruleset *rs, struct arena *a, struct finding_plan **ret)
{
	struct finding_plan *plans = arena_array(a, struct finding_plan, rs->nrules + 1);

	if (!plans)
		return -ENOMEM;
	for (size_t i = 0; i < rs->nrules; i++)
		if (rs->rules[i]->enabled && plan_build(d, rs->rules[i], a, &plans[i]) < 0)
			return -ENOMEM;
	*ret = plans;
	return 0;
}

/* ---- fields --------------------------------------------------------------------------------- */

static struct str keep_text(struct detect *d)
{
	return arena_str(&d->arena, buf_str(&d->text));
}

static void set_value(struct detect *d, const struct value *v, struct finding_field *f)
{
	switch (v->type) {
	case VT_STR:
	case VT_PATH:
		f->type = FV_STR;
		f->s = v->s;
		return;
	case VT_BOOL:
		f->type = FV_BOOL;
		f->b = v->u != 0;
		return;
	case VT_U64:
	case VT_PORT:
	case VT_RELTIME:
	case VT_ABSTIME:
		f->type = FV_U64;
		f->u = v->u;
		return;
	case VT_S64:
		f->type = FV_S64;
		f->i = v->i;
		return;
	case VT_DOUBLE:
		f->type = FV_DOUBLE;
		f->d = v->d;
		return;
	default: /* bytes, addresses: as they are printed */
		buf_clear(&d->text);
		value_format(v, &d->text);
		f->type = FV_STR;
		f->s = keep_text(d);
	}
}

static struct finding_field time_value(struct detect *d, const struct field_subject *s)
{
	struct finding_field f = {.name = time_field(d), .type = FV_U64, .u = s->ev->ts_ns};

	if (d->o.iso_time) {
		buf_clear(&d->text);
		clock_add_iso8601(&d->text, s->ev->ts_ns);
		f.type = FV_STR;
		f.s = keep_text(d);
	}
	return f;
}

static void add_fields(struct detect *d, const struct rule *rule, const struct field_subject *s,
	struct finding *ret)
{
	const struct finding_plan *plan = &d->plans[rule->index];
	struct finding_field *fields =
		arena_array(&d->arena, struct finding_field, plan->ntokens + 1);
	struct field_ctx ctx = {s, &d->arena};
	size_t n = 0;

	if (!fields)
		return;
	for (size_t i = 0; i <= plan->ntokens; i++) {
		struct value v;

		if (i == plan->time_at)
			fields[n++] = time_value(d, s);
		if (i == plan->ntokens)
			break;
		uint32_t token = plan->tokens[i];
		struct finding_field *f = &fields[n++];

		f->name = format_field_name(rule->format, token);
		f->type = FV_NULL;
		if (format_field_value(rule->format, token, &ctx, &v))
			set_value(d, &v, f);
	}
	ret->fields = fields;
	ret->nfields = n;
}

/* ---- fingerprint ---------------------------------------------------------------------------- */

static uint64_t mix(uint64_t h, struct str s)
{
	return hash_u64(h * 31 + str_hash(s));
}

/*
 * What the event is about, without what changes from one repeat to the next: of a connection the
 * server's end (the client's port is new each time), of a pipe nothing.
 */
static uint64_t mix_object(uint64_t h, const struct field_subject *s)
{
	const struct event *ev = s->ev;
	struct str name = field_path_name(s, &ev->path), target = field_path_name(s, &ev->target);

	h = mix(mix(h, name), target);
	if (name.len || !ev->has_fd)
		return h;
	const struct event_sock *sock = &ev->fd.sock;
	size_t ip_len = ev->fd.type == FD_IPV6 || ev->fd.type == FD_IPV6_SERVER ? 16 : 4;
	struct sock_ends ends = event_sock_ends(sock);

	if (ends.has_server && ends.server_ip)
		h = hash_u64(
			mix(h, str_make((const char *)ends.server_ip, ip_len)) ^ ends.server_port);
	else if (sock->has_remote)
		h = hash_u64(
			mix(h, str_make((const char *)sock->remote, ip_len)) ^ sock->remote_port);
	return mix(hash_u64(h ^ ev->fd.type), sock->unix_path);
}

static uint64_t fingerprint(const struct rule *rule, const struct field_subject *s)
{
	const struct process *p = s->proc;
	uint64_t h = mix(0, rule->name);

	if (p->container)
		h = mix(h, p->container->id);
	h = mix(mix(h, p->exepath), p->comm);
	h = hash_u64(h ^ p->uid);
	/* the object of an exec is the command line */
	if (s->ev->def && str_starts(str_of(s->ev->def->name), STR("execve")))
		h = mix(h, p->args);
	return mix_object(h, s);
}

/* ---- all of it ------------------------------------------------------------------------------ */

static struct str render(struct detect *d, const struct rule *rule, const struct field_subject *s)
{
	struct field_ctx ctx = {s, &d->arena};
	size_t cap = d->text.cap;

	d->text.max = OUTPUT_MAX;
	buf_clear(&d->text);
	format_render(rule->format, &ctx, &d->text);
	d->text_mallocs += d->text.cap != cap;
	return keep_text(d);
}

/* The same for every rule that this event matched: made once. */
static const struct finding_context *context_of(struct detect *d, const struct field_subject *s)
{
	if (d->o.want_context && !d->context)
		d->context = context_build(d, s);
	return d->context;
}

void finding_build(struct detect *d, const struct rule *rule, const struct field_subject *subject,
	struct finding *ret)
{
	*ret = (struct finding){
		.ts_ns = subject->ev->ts_ns,
		.num = ++d->nfindings,
		.run = d->run,
		.priority = rule->priority,
		.rule = rule->name,
		.source = rule->source,
		.output = render(d, rule, subject),
		.hostname = str_of(d->hostname),
		.tags = rule->tags,
		.ntags = rule->ntags,
		.fingerprint = fingerprint(rule, subject),
		.count = 1,
		.first_ns = subject->ev->ts_ns,
		.context = context_of(d, subject),
	};
	add_fields(d, rule, subject, ret);
}
