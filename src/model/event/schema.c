/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The schema as tables: what schema.def says, made once by the compiler, and the look-ups by code
 * and name. Decodes nothing and prints nothing. Look-ups by name scan, because only loaders ask.
 */
#include "model/event/event.h"
#include "model/event/flags.h"

#define flags_none NULL

/* One array of parameters an event. */
#define PARAM(name, TYPE, BASE, FLAGS, SOURCE)                                                     \
	{#name, flags_##FLAGS, PT_##TYPE, PB_##BASE, sizeof(#name) - 1, " " #name "="},
#define EVENT(code, ID, name, category, flags, ...)                                                \
	static const struct param_def params_##ID[] = {__VA_ARGS__};
#define OLD_EVENT(code, name, category, flags, next, ...)                                          \
	static const struct param_def params_##code[] = {__VA_ARGS__};
#include "model/event/schema.def"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* params of the second pass are in the arrays already: the rows name those */
#define EVENT(n, ID, label, cat, bits, ...)                                                        \
	[n] = {                                                                                    \
		.code = n,                                                                         \
		.nparams = COUNT(params_##ID),                                                     \
		.category = cat,                                                                   \
		.next = EF_ENTER & (bits) ? (n) + 1 : 0,                                           \
		.flags = bits,                                                                     \
		.name = label,                                                                     \
		.name_len = sizeof(label) - 1,                                                     \
		.params = params_##ID,                                                             \
	},
#define OLD_EVENT(n, label, cat, bits, becomes, ...)                                               \
	[n] = {                                                                                    \
		.code = n,                                                                         \
		.nparams = COUNT(params_##n),                                                      \
		.category = cat,                                                                   \
		.next = becomes,                                                                   \
		.flags = (bits) | EF_OLD,                                                          \
		.name = label,                                                                     \
		.name_len = sizeof(label) - 1,                                                     \
		.params = params_##n,                                                              \
	},
static const struct event_def defs[EVENT_CODE_MAX] = {
#include "model/event/schema.def"
};

#define SYSCALL_ID(id, name) [id] = #name,
static const char *const syscall_names[] = {
#include "model/event/schema.def"
};

const struct event_def *event_def(uint16_t code)
{
	return code < EVENT_CODE_MAX && defs[code].name ? &defs[code] : NULL;
}

size_t event_codes_by_name(struct str name, uint16_t *codes, size_t max)
{
	size_t found = 0;

	for (unsigned i = 0; i < EVENT_CODE_MAX; i++) {
		if (!defs[i].name || (defs[i].flags & (EF_OLD | EF_ENTER)) ||
			!str_is(name, defs[i].name))
			continue;
		if (found < max)
			codes[found] = (uint16_t)i;
		found++;
	}
	return found;
}

int event_param_index(const struct event_def *def, struct str name)
{
	if (!def)
		return -1;
	for (int i = 0; i < def->nparams; i++)
		if (str_is(name, def->params[i].name))
			return i;
	return -1;
}

const char *syscall_id_name(unsigned id)
{
	return id < COUNT(syscall_names) ? syscall_names[id] : NULL;
}

int syscall_id_by_name(struct str name)
{
	for (size_t i = 1; i < COUNT(syscall_names); i++) /* 0 is "unknown" */
		if (syscall_names[i] && str_is(name, syscall_names[i]))
			return (int)i;
	return -1;
}

struct str event_type_name(const struct event *ev)
{
	int64_t id;

	if (event_is_generic(ev) && event_param_s64(ev, 0, &id) && syscall_id_name((unsigned)id))
		return str_of(syscall_id_name((unsigned)id));
	return ev->def ? str_of(ev->def->name) : STR_NULL;
}

const char *event_category_name(enum event_category c)
{
	static const char *const names[] = {
		[EC_OTHER] = "other",
		[EC_FILE] = "file",
		[EC_NET] = "net",
		[EC_IPC] = "ipc",
		[EC_MEMORY] = "memory",
		[EC_PROCESS] = "process",
		[EC_SLEEP] = "sleep",
		[EC_SYSTEM] = "system",
		[EC_SIGNAL] = "signal",
		[EC_USER] = "user",
		[EC_TIME] = "time",
		[EC_IO_READ] = "unknown",
		[EC_IO_WRITE] = "unknown",
		[EC_IO_OTHER] = "unknown",
		[EC_WAIT] = "wait",
		[EC_SCHEDULER] = "scheduler",
		[EC_INTERNAL] = "internal",
	};

	return (size_t)c < COUNT(names) ? names[c] : "unknown";
}

const char *event_category_text(const struct event *ev)
{
	if (!ev->def)
		return "unknown";
	if (!ev->has_fd || ev->def->category < EC_IO_READ || ev->def->category > EC_IO_OTHER)
		return event_category_name(ev->def->category);
	switch (ev->fd.type) {
	case FD_FILE:
	case FD_DIRECTORY:
	case FD_DEVICE:
		return "file";
	case FD_IPV4:
	case FD_IPV6:
	case FD_IPV4_SERVER:
	case FD_IPV6_SERVER:
		return "net";
	case FD_FIFO:
	case FD_UNIX:
	case FD_EVENT:
	case FD_SIGNAL:
	case FD_INOTIFY:
	case FD_USERFAULT:
		return "ipc";
	default:
		return "unknown";
	}
}
