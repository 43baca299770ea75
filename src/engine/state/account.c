/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Users and groups that a capture tells of: those of the machine in its list, those of containers
 * in events. This host's passwd file is never asked for them. Of a container whose users nobody
 * told of (older captures never do) the machine's are taken: most images have the same first ones.
 */
#include <errno.h>
#include <stdlib.h>

#include "engine/state/private.h"

enum { ACCOUNTS_MAX = 65536, NAME_MAX_BYTES = 256, ID_MAX = 12 };
#define MARK UINT32_MAX /* no number of a user: this container's users were told of */

struct account_key {
	char container[ID_MAX + 1]; /* "" = the machine */
	bool is_group;
	uint32_t id;
};

struct account {
	struct account_key key;
	struct user user;
	struct group group;
	char text[];
};

static bool account_eq(const void *row, const void *key)
{
	const struct account_key *a = &((const struct account *)row)->key, *b = key;

	return a->id == b->id && a->is_group == b->is_group &&
	       strcmp(a->container, b->container) == 0;
}

static struct account_key key_of(struct str container, uint32_t id, bool is_group)
{
	struct account_key key = {.is_group = is_group, .id = id};

	if (!str_is(container, "host"))
		str_copy(str_head(container, ID_MAX), key.container, sizeof(key.container));
	return key;
}

static uint64_t hash_of(const struct account_key *key)
{
	return hash_u64(str_hash(str_of(key->container)) ^ key->id ^ (uint64_t)key->is_group << 32);
}

void accounts_init(struct state *s)
{
	table_init(&s->accounts, account_eq, ACCOUNTS_MAX);
}

void accounts_done(struct state *s)
{
	size_t pos = 0;

	for (struct account *a; (a = table_next(&s->accounts, &pos));)
		free(a);
	table_done(&s->accounts);
}

static char *put(char **at, struct str s)
{
	char *start = *at;

	if (s.len)
		memcpy(start, s.s, s.len);
	*at += s.len;
	return start;
}

static struct str bounded(struct str s)
{
	return str_head(s, NAME_MAX_BYTES);
}

static int add(struct state *s, const struct account_key *key, struct str name, struct str home,
	struct str shell, uint32_t gid)
{
	struct account *a = malloc(sizeof(*a) + name.len + home.len + shell.len);
	char *at;

	if (!a)
		return -ENOMEM;
	*a = (struct account){.key = *key};
	at = a->text;
	name.s = put(&at, name);
	home.s = put(&at, home);
	shell.s = put(&at, shell);
	a->user = (struct user){
		.uid = key->id, .gid = gid, .name = name, .home = home, .shell = shell};
	a->group = (struct group){.gid = key->id, .name = name};
	free(table_take(&s->accounts, hash_of(key), key));
	int r = table_put(&s->accounts, hash_of(key), a);

	if (r < 0)
		free(a);
	return r;
}

static void mark(struct state *s, const struct account_key *of)
{
	struct account_key key = *of;

	key.id = MARK;
	(void)!add(s, &key, STR_NULL, STR_NULL, STR_NULL, 0);
}

int state_add_user(struct state *s, struct str container_id, const struct user *u)
{
	struct account_key key = key_of(container_id, u->uid, false);

	if (key.container[0] && u->uid != MARK)
		mark(s, &key);
	return add(s, &key, bounded(u->name), bounded(u->home), bounded(u->shell), u->gid);
}

int state_add_group(struct state *s, struct str container_id, const struct group *g)
{
	struct account_key key = key_of(container_id, g->gid, true);

	if (key.container[0] && g->gid != MARK)
		mark(s, &key);
	return add(s, &key, bounded(g->name), STR_NULL, STR_NULL, 0);
}

void account_drop(struct state *s, struct str container_id, uint32_t id, bool is_group)
{
	struct account_key key = key_of(container_id, id, is_group);

	free(table_take(&s->accounts, hash_of(&key), &key));
}

static const struct account *look(
	const struct state *s, struct str container, uint32_t id, bool is_group)
{
	struct account_key key = key_of(container, id, is_group);

	return table_find(&s->accounts, hash_of(&key), &key);
}

static const struct account *find(
	const struct state *s, const struct process *p, uint32_t id, bool is_group)
{
	struct str container = p && p->container ? p->container->id : STR_NULL;

	if (container.len && !look(s, container, MARK, is_group))
		container = STR_NULL;
	return look(s, container, id, is_group);
}

const struct user *account_user(const struct state *s, const struct process *p, uint32_t uid)
{
	const struct account *a = find(s, p, uid, false);

	return a ? &a->user : NULL;
}

const struct group *account_group(const struct state *s, const struct process *p, uint32_t gid)
{
	const struct account *a = find(s, p, gid, true);

	return a ? &a->group : NULL;
}

static const struct account *next(const struct state *s, size_t *pos, bool is_group)
{
	for (struct account *a; (a = table_next(&s->accounts, pos));)
		if (a->key.is_group == is_group && !a->key.container[0])
			return a;
	return NULL;
}

const struct user *state_user_next(const struct state *s, size_t *pos)
{
	if (!s->o.no_proc)
		return users_next(s, pos);
	const struct account *a = next(s, pos, false);

	return a ? &a->user : NULL;
}

const struct group *state_group_next(const struct state *s, size_t *pos)
{
	if (!s->o.no_proc)
		return groups_next(s, pos);
	const struct account *a = next(s, pos, true);

	return a ? &a->group : NULL;
}
