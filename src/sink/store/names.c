/* SPDX-License-Identifier: Apache-2.0 */
/* The names of the store's enumerations, as the API and the records write them. */
#include "sink/store/private.h"

static bool parse(const char *const *names, int n, struct str name, int *ret)
{
	for (int i = 0; i < n; i++) {
		if (str_is(name, names[i])) {
			*ret = i;
			return true;
		}
	}
	return false;
}

/* NAME_name(value) and NAME_parse(text, &value) over a table. */
#define NAMES(function, type, table)                                                               \
	const char *function##_name(type v)                                                        \
	{                                                                                          \
		size_t n = sizeof(table) / sizeof(*(table));                                       \
		return (size_t)v < n ? (table)[v] : "unknown";                                     \
	}
#define PARSES(function, type, table)                                                              \
	bool function##_parse(struct str name, type *ret)                                          \
	{                                                                                          \
		int i = 0;                                                                         \
		bool ok = parse(table, sizeof(table) / sizeof(*(table)), name, &i);                \
		if (ok)                                                                            \
			*ret = (type)i;                                                            \
		return ok;                                                                         \
	}

static const char *const types[] = {"finding", "around", "inventory", "metrics", "scan", "session"};
static const char *const states[] = {"open", "acknowledged", "resolved", "muted"};
static const char *const orders[] = {"newest", "oldest", "worst"};
static const char *const groups[] = {"rule", "fingerprint", "container", "image", "host", "user",
	"technique", "priority", "state", "process"};
static const char *const actions[] = {
	"acknowledge", "resolve", "reopen", "assign", "comment", "mute"};
static const char *const roles_of_users[] = {"viewer", "analyst", "admin"};
#define X(id, name) name,
static const char *const kinds[] = {STORE_ENTITY_KINDS(X)};
static const char *const roles[] = {STORE_ROLES(X)};
static const char *const relations[] = {STORE_RELATIONS(X)};
#undef X

NAMES(store_type, enum store_type, types)
NAMES(store_state, enum store_state, states)
PARSES(store_state, enum store_state, states)
PARSES(store_order, enum store_order, orders)
PARSES(store_group_by, enum store_group_by, groups)
NAMES(store_action, enum store_history_action, actions)
PARSES(store_action, enum store_history_action, actions)
NAMES(store_role, enum store_role, roles_of_users)
PARSES(store_role, enum store_role, roles_of_users)
NAMES(store_entity_kind, enum store_entity_kind, kinds)
PARSES(store_entity_kind, enum store_entity_kind, kinds)
NAMES(role, enum role, roles)
NAMES(relation, enum relation, relations)
PARSES(relation, enum relation, relations)
