/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the files of this room share: the subject, short ways to hand out a value, strings built in
 * the event's arena, and the classes that field.c puts together. Nothing here is for other rooms.
 */
#include "engine/field/field.h"

/* Flags of rows that are written often. */
#define FILTER_ONLY (FIELD_FILTER_ONLY | FIELD_NO_RHS | FIELD_NO_TRANSFORMER)
#define OWN_COMPARE (FIELD_NO_RHS | FIELD_NO_TRANSFORMER)
#define TABLE_ONLY  FIELD_TABLE_ONLY
#define DEPRECATED  FIELD_DEPRECATED
#define ARG_INDEX   (FIELD_ARG_OPTIONAL | FIELD_ARG_INDEX)
#define ARG_KEY     (FIELD_ARG_OPTIONAL | FIELD_ARG_KEY)
#define NEED_KEY    (FIELD_ARG_REQUIRED | FIELD_ARG_KEY)
#define NEED_EITHER (FIELD_ARG_REQUIRED | FIELD_ARG_KEY | FIELD_ARG_INDEX)
#define NAMED       FIELD_NAMED
#define OP_BIT(op)  (1u << (op))

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
/* The head of every getter. */
#define GET(name)                                                                                  \
	static bool name(                                                                          \
		const struct field_ctx *ctx, const struct field_arg *arg, struct value *ret)

/* Of one that writes the text itself (field_def.put). */
#define PUT(name) static char *name(const struct field_ctx *ctx, char *to)

static inline const struct field_subject *subject_of(const struct field_ctx *ctx)
{
	return ctx->subject;
}

static inline const struct event *event_of(const struct field_ctx *ctx)
{
	return subject_of(ctx)->ev;
}

/* NULL when the event is no process's: of other sources, the idle task, drops. */
static inline const struct process *process_of(const struct field_ctx *ctx)
{
	const struct process *p = subject_of(ctx)->proc;

	return p && p->pid ? p : NULL;
}

static inline bool give_str(struct value *ret, struct str s)
{
	*ret = (struct value){.type = VT_STR, .s = s.s ? s : STR("")};
	return true;
}

static inline bool give_path(struct value *ret, struct str s)
{
	*ret = (struct value){.type = VT_PATH, .s = s.s ? s : STR("")};
	return true;
}

static inline bool give_cstr(struct value *ret, const char *s)
{
	return s && give_str(ret, str_of(s));
}

/* A string that is missing when it is empty. */
static inline bool give_some_str(struct value *ret, struct str s)
{
	return s.len && give_str(ret, s);
}

static inline bool give_u64(struct value *ret, uint64_t u)
{
	*ret = (struct value){.type = VT_U64, .u = u};
	return true;
}

static inline bool give_s64(struct value *ret, int64_t i)
{
	*ret = (struct value){.type = VT_S64, .i = i};
	return true;
}

static inline bool give_bool(struct value *ret, bool b)
{
	*ret = (struct value){.type = VT_BOOL, .u = b};
	return true;
}

static inline bool give_double(struct value *ret, double d)
{
	*ret = (struct value){.type = VT_DOUBLE, .d = d};
	return true;
}

/* Nanoseconds between two moments. */
static inline bool give_reltime(struct value *ret, uint64_t ns)
{
	*ret = (struct value){.type = VT_RELTIME, .u = ns};
	return true;
}

/* Nanoseconds since the epoch. */
static inline bool give_abstime(struct value *ret, uint64_t ns)
{
	*ret = (struct value){.type = VT_ABSTIME, .u = ns};
	return true;
}

/* A text for PUT; what is too long for it is left to the getter. */
static inline char *put_text(char *to, struct str s)
{
	if (!s.len)
		return to;
	return s.len <= FIELD_PUT_MAX ? str_put(to, s) : NULL;
}

/* For fields that exist only so that rules which name them load. */
bool field_get_missing(const struct field_ctx *ctx, const struct field_arg *arg, struct value *ret);

/*
 * A buffer of `max` bytes in the event's arena; it never grows, so that writers that use it do not
 * allocate. It stays empty when the arena is full.
 */
struct buf field_buf(const struct field_ctx *ctx, size_t max);
/* NUL-separated strings joined by blanks, after `head` and a blank when head has any. */
struct str field_join(const struct field_ctx *ctx, struct str head, struct str vector);
/* How many strings a NUL-separated vector holds, and the n-th; false beyond the end. */
size_t field_vector_count(struct str vector);
bool field_vector_get(struct str vector, size_t n, struct str *ret);
/* The value of "NAME=value" in a vector of such strings. */
bool field_vector_find(struct str vector, struct str name, struct str *ret);

/* Is the event about a descriptor, that is, do fd.* fields apply to it at all? */
bool field_has_fd(const struct event *ev);
/* The descriptor when it is open and known, else NULL (a failed open has none). */
const struct event_fd *field_open_fd(const struct event *ev);
bool field_fd_is_inet(const struct event_fd *fd);

/* "14:03:11.000250000", local; the subject's clock saves asking for the hour each time. */
void field_add_time_of_day(const struct field_subject *s, struct buf *out);
/* The same for PUT; the subject must have a clock. */
char *field_put_time_of_day(const struct field_subject *s, char *to);

/*
 * Any descriptor of the process by its number: the event's own, or what the state's table has (of
 * captures, and live while one is recorded). False when it is not known.
 */
struct field_fd {
	const struct event_fd *fd;
	const struct descriptor *row; /* NULL = it is the event's own */
};
bool field_find_fd(const struct field_ctx *ctx, int64_t num, struct field_fd *ret);
struct str field_found_name(const struct field_ctx *ctx, const struct field_fd *found);
/* What the docs of such fields say. */
#define FIELD_OF_TABLE                                                                             \
	" Of captures, which come with a table of open descriptors; live, koban keeps none, so "   \
	"that it is known only when the event is about that descriptor."

/* fd.name, as a borrowed or built string. */
struct str field_fd_name(const struct field_ctx *ctx);

/* Labels as "key:value, key:value", without those that Kubernetes sets for itself. */
struct str field_labels_text(const struct field_ctx *ctx, const struct label *labels, size_t n);

extern const struct field_class field_class_evt, field_class_evt_syscall, field_class_evt_count,
	field_class_process, field_class_process_ids, field_class_thread, field_class_fd,
	field_class_fd_sock, field_class_fspath, field_class_user, field_class_group,
	field_class_fdlist, field_class_util, field_class_container, field_class_k8s;
