/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of all field classes, and what their getters share: which name of a file is under
 * judgement, strings built in the event's arena, NUL-separated vectors. It reads nothing but the
 * subject; a class adds itself here with one line and knows nothing of the others.
 */
#include "engine/field/private.h"

static const struct field_class *const classes[] = {
	&field_class_evt,
	&field_class_evt_syscall,
	&field_class_evt_count,
	&field_class_process,
	&field_class_process_ids,
	&field_class_thread,
	&field_class_fd,
	&field_class_fd_sock,
	&field_class_fspath,
	&field_class_user,
	&field_class_group,
	&field_class_fdlist,
	&field_class_util,
	&field_class_container,
	&field_class_k8s,
};

const struct field_set field_set_syscall = {classes, COUNT_OF(classes)};

struct str field_path_name(const struct field_subject *s, const struct event_path *p)
{
	if (s->name == NAME_REAL && p->real.len)
		return p->real;
	if (s->name == NAME_KNOWN && p->known.len)
		return p->known;
	return p->name;
}

/* argv[0] is the name that an exec was asked by, for proc.exe; the file's own is the real one. */
static bool is_exec_by_another_name(const struct event *ev)
{
	int64_t res;

	return (ev->code == EV_EXECVE || ev->code == EV_EXECVEAT) && ev->exepath.len &&
	       event_result(ev, &res) && res == 0 && !str_eq(event_param_str(ev, 1), ev->exepath);
}

unsigned field_name_kinds(const struct event *ev, enum name_kind kinds[EVENT_NAMES_MAX])
{
	unsigned n = 0;

	kinds[n++] = NAME_ASKED;
	if (ev->path.real.len || ev->target.real.len || is_exec_by_another_name(ev))
		kinds[n++] = NAME_REAL;
	if (ev->path.known.len || ev->target.known.len)
		kinds[n++] = NAME_KNOWN;
	return n;
}

bool field_get_missing(const struct field_ctx *ctx, const struct field_arg *arg, struct value *ret)
{
	return false;
}

struct buf field_buf(const struct field_ctx *ctx, size_t max)
{
	return buf_fixed(arena_raw(ctx->arena, max + 1), max + 1);
}

/* A vector may end in a NUL or not; the last one ends a string, it does not begin one. */
static struct str vector_body(struct str v)
{
	if (v.len && v.s[v.len - 1] == 0)
		v.len--;
	return v;
}

struct str field_join(const struct field_ctx *ctx, struct str head, struct str vector)
{
	struct str v = vector_body(vector);
	char *s, *p;

	if (!vector.len)
		return head;
	s = arena_raw(ctx->arena, head.len + v.len + 2);
	if (!s)
		return head;
	p = s;
	if (head.len) {
		p = mempcpy(p, head.s, head.len);
		*p++ = ' ';
	}
	for (size_t i = 0; i < v.len; i++)
		*p++ = v.s[i] ? v.s[i] : ' ';
	*p = 0;
	return str_make(s, (size_t)(p - s));
}

size_t field_vector_count(struct str vector)
{
	struct str v = vector_body(vector);
	size_t n = vector.len ? 1 : 0;

	for (size_t i = 0; i < v.len; i++)
		n += v.s[i] == 0;
	return n;
}

bool field_vector_get(struct str vector, size_t n, struct str *ret)
{
	struct str rest = vector_body(vector);

	if (!vector.len)
		return false;
	for (;;) {
		ptrdiff_t end = str_find_char(rest, 0);
		struct str item = end < 0 ? rest : str_head(rest, (size_t)end);

		if (n-- == 0) {
			*ret = item;
			return true;
		}
		if (end < 0)
			return false;
		rest = str_skip(rest, (size_t)end + 1);
	}
}

bool field_vector_find(struct str vector, struct str name, struct str *ret)
{
	struct str rest = vector_body(vector);

	while (rest.len) {
		ptrdiff_t end = str_find_char(rest, 0);
		struct str item = end < 0 ? rest : str_head(rest, (size_t)end);

		if (item.len > name.len && item.s[name.len] == '=' && str_starts(item, name)) {
			*ret = str_skip(item, name.len + 1);
			return true;
		}
		rest = str_skip(rest, item.len + 1);
	}
	return false;
}

bool field_has_fd(const struct event *ev)
{
	return ev->has_fd ||
	       (ev->def && (ev->def->flags & (EF_USES_FD | EF_CREATES_FD | EF_OPEN)) != 0);
}

const struct event_fd *field_open_fd(const struct event *ev)
{
	if (!field_has_fd(ev) || !ev->has_fd || ev->fd.num < 0 || ev->fd.type == FD_UNKNOWN)
		return NULL;
	return &ev->fd;
}

bool field_fd_is_inet(const struct event_fd *fd)
{
	return fd->type == FD_IPV4 || fd->type == FD_IPV6 || fd->type == FD_IPV4_SERVER ||
	       fd->type == FD_IPV6_SERVER;
}

struct str field_labels_text(const struct field_ctx *ctx, const struct label *labels, size_t n)
{
	size_t max = 0;

	for (size_t i = 0; i < n; i++)
		max += labels[i].key.len + labels[i].value.len + 3;
	struct buf b = field_buf(ctx, max);

	for (size_t i = 0; i < n; i++) {
		if (str_starts(labels[i].key, STR("annotation.")) ||
			str_starts(labels[i].key, STR("io.kubernetes.")))
			continue;
		if (b.len)
			buf_add_cstr(&b, ", ");
		buf_add(&b, labels[i].key);
		if (labels[i].value.len) {
			buf_add_char(&b, ':');
			buf_add(&b, labels[i].value);
		}
	}
	return buf_str(&b);
}
