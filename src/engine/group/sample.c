/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is there although it does nothing: every process, thread or descriptor of the state goes by
 * as an event of its own (procinfo), so that tables need no other way to list it. What a process
 * uses travels with that event and is read by the sample.* fields, which exist in tables only.
 */
#include <errno.h>

#include "engine/group/private.h"

enum { USAGE_PARAM = 2, SAMPLE_PARAMS = 3 };

static const struct group_usage *usage_of(const struct field_ctx *ctx)
{
	const struct field_subject *s = ctx->subject;
	const struct event *ev = s->ev;

	/* number 0 and a third parameter: no procinfo of a capture has these */
	if (ev->code != EV_PROCINFO || ev->num != 0 || ev->nparams != SAMPLE_PARAMS)
		return NULL;
	return (const void *)ev->params[USAGE_PARAM].s;
}

static bool give(struct value *ret, uint64_t u)
{
	*ret = (struct value){.type = VT_U64, .u = u};
	return true;
}

#define GET(name)                                                                                  \
	static bool name(                                                                          \
		const struct field_ctx *ctx, const struct field_arg *arg, struct value *ret)

GET(get_cpu)
{
	const struct group_usage *u = usage_of(ctx);

	if (!u || !u->has_cpu)
		return false;
	*ret = (struct value){.type = VT_DOUBLE, .d = u->cpu_percent};
	return true;
}

GET(get_vsize)
{
	const struct group_usage *u = usage_of(ctx);

	return u && u->vsize_bytes && give(ret, u->vsize_bytes);
}

GET(get_rss)
{
	const struct group_usage *u = usage_of(ctx);

	return u && u->rss_bytes && give(ret, u->rss_bytes);
}

GET(get_major)
{
	const struct group_usage *u = usage_of(ctx);

	return u && u->has_cpu && give(ret, u->faults_major);
}

GET(get_minor)
{
	const struct group_usage *u = usage_of(ctx);

	return u && u->has_cpu && give(ret, u->faults_minor);
}

GET(get_count)
{
	return usage_of(ctx) && give(ret, 1);
}

static const struct field_def fields[] = {
	{"sample.cpu", VT_DOUBLE, 0, "CPU used since the last refresh, in percent of one.",
		get_cpu},
	{"sample.vsize", VT_U64, 0, "Virtual memory in bytes.", get_vsize},
	{"sample.rss", VT_U64, 0, "Resident memory in bytes.", get_rss},
	{"sample.faults.major", VT_U64, 0, "Page faults that read a disk, since the last refresh.",
		get_major},
	{"sample.faults.minor", VT_U64, 0, "Other page faults, since the last refresh.", get_minor},
	{"sample.count", VT_U64, 0, "1 for each thing that is there, to be summed up.", get_count},
};

static const struct field_class field_class_sample = {"sample",
	"What is there at a refresh: only in tables.", fields, sizeof(fields) / sizeof(fields[0]),
	NULL};

struct sampling {
	const struct group_samples *what;
	struct field_subject subject;
	struct event ev;
	struct group_usage usage;
	void (*fn)(const struct field_subject *s, void *arg);
	void *arg;
};

static void begin(struct sampling *s, const struct process *p, uint32_t tid, uint64_t now_ns)
{
	s->ev = (struct event){
		.ts_ns = now_ns,
		.code = EV_PROCINFO,
		.def = event_def(EV_PROCINFO),
		.pid = p->pid,
		.tid = tid,
		.start_ns = p->start_ns,
		.uid = p->uid,
		.gid = p->gid,
		.nparams = SAMPLE_PARAMS,
		.fd = {.num = INT64_MIN},
	};
	s->ev.params[USAGE_PARAM] = str_make((const char *)&s->usage, sizeof(s->usage));
	s->subject = (struct field_subject){.ev = &s->ev, .proc = p, .state = s->what->state};
}

static void use_known(struct sampling *s, const struct process *p)
{
	s->usage = (struct group_usage){
		.vsize_bytes = p->vmsize_kb * 1024, .rss_bytes = p->vmrss_kb * 1024};
}

/* As the state knows it, unless somebody knows better. */
static void use(struct sampling *s, const struct process *p)
{
	use_known(s, p);
	if (s->what->usage)
		s->what->usage(s->what->arg, p, &s->usage);
}

static void take_descriptors(struct sampling *s, const struct process *p, uint64_t now_ns)
{
	const struct descriptor *d;
	size_t pos = 0;

	while ((d = state_descriptor_next(p, &pos))) {
		begin(s, p, p->pid, now_ns);
		s->ev.has_fd = true;
		s->ev.fd = d->fd;
		s->ev.path.name = d->name;
		s->fn(&s->subject, s->arg);
	}
}

static void take_threads(struct sampling *s, struct state *state, uint64_t now_ns)
{
	const struct thread *t;
	size_t pos = 0;

	while ((t = state_thread_next(state, &pos))) {
		if (!t->proc || t->proc->exit_epoch_ns)
			continue;
		/* memory is the process's; what it has used since would be told once only */
		use_known(s, t->proc);
		begin(s, t->proc, t->tid, now_ns);
		s->fn(&s->subject, s->arg);
	}
}

static void take_processes(struct sampling *s, bool descriptors, uint64_t now_ns)
{
	const struct process *p;
	size_t pos = 0;

	while ((p = state_process_next(s->what->state, &pos))) {
		if (p->exit_epoch_ns)
			continue;
		if (descriptors) {
			take_descriptors(s, p, now_ns);
			continue;
		}
		use(s, p);
		begin(s, p, p->pid, now_ns);
		s->fn(&s->subject, s->arg);
	}
}

/* A container is read through a process in it: one that is nobody. */
static void take_containers(struct sampling *s, uint64_t now_ns)
{
	const struct container *c;
	size_t pos = 0;

	s->usage = (struct group_usage){0};
	while ((c = state_container_next(s->what->state, &pos))) {
		struct process nobody = {.pid = UINT32_MAX, .container = (struct container *)c};

		begin(s, &nobody, 0, now_ns);
		s->fn(&s->subject, s->arg);
	}
}

void group_samples_take(const struct group_samples *what, enum group_from from, uint64_t now_ns,
	void (*fn)(const struct field_subject *s, void *arg), void *arg)
{
	struct sampling s = {.what = what, .fn = fn, .arg = arg};

	switch (from) {
	case GROUP_FROM_EVENTS:
		break;
	case GROUP_FROM_PROCESSES:
	case GROUP_FROM_DESCRIPTORS:
		take_processes(&s, from == GROUP_FROM_DESCRIPTORS, now_ns);
		break;
	case GROUP_FROM_THREADS:
		take_threads(&s, what->state, now_ns);
		break;
	case GROUP_FROM_CONTAINERS:
		take_containers(&s, now_ns);
		break;
	}
}

/* The fields of events, and behind them those of samples. */
int group_field_set(struct arena *a, struct field_set *ret)
{
	size_t n = field_set_syscall.nclasses;
	const struct field_class **all = arena_array(a, const struct field_class *, n + 1);

	if (!all)
		return -ENOMEM;
	memcpy(all, field_set_syscall.classes, n * sizeof(*all));
	all[n] = &field_class_sample;
	*ret = (struct field_set){all, n + 1};
	return 0;
}
