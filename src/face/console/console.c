/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Putting the console together and taking it apart: what has to happen before the cell, what after,
 * and in which order.
 */
#include "face/console/console.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "face/console/hub.h"
#include "face/console/ingest.h"
#include "face/console/knowledge.h"
#include "face/console/listen.h"
#include "face/console/latest.h"
#include "face/console/private.h"
#include "face/console/reports.h"
#include "face/console/rulebook.h"
#include "face/console/runner.h"
#include "face/console/scanjob.h"
#include "face/console/secret.h"
#include "face/console/tls.h"
#include "face/console/write.h"

enum {
	MEMORY_MAX = 4 << 20,
	KEYS_MAX = 4096,
	ACCOUNT_PAUSE_S = 300,
	FREE_TRIES = 5,
	PATHS_MAX = 64,
	MAINTAIN_S = 60,
	LOOK_S = 5,
	PING_S = 15,
	DIR_MODE = 0700,
};

/* ---- before the cell ------------------------------------------------------------------------ */

static int make_dir(struct console *c, const char *name, struct str *ret, struct err *e)
{
	*ret = arena_printf(&c->arena, "%s%s%s", c->o.data_dir, *name ? "/" : "", name);
	if (!ret->s)
		return err_set(e, ENOMEM, "out of memory");
	if (mkdir(ret->s, DIR_MODE) < 0 && errno != EEXIST)
		return err_set(e, errno,
			"%s: %s; give a folder that this user may write with --data-dir", ret->s,
			strerror(errno));
	return 0;
}

static int make_dirs(struct console *c, struct str *rules, struct str *temp, struct err *e)
{
	struct str dir;
	int r = make_dir(c, "", &dir, e);

	if (r == 0)
		r = make_dir(c, "rules", rules, e);
	if (r == 0)
		r = make_dir(c, "backups", &dir, e);
	return r < 0 ? r : make_dir(c, "tmp", temp, e);
}

static int open_port(struct console *c, struct err *e)
{
	struct listen_address a;
	int r = listen_open(c->o.listen, c->o.listen_fd, &a, e);

	if (r < 0)
		return r;
	c->listen_fd = a.fd;
	c->port = a.port;
	c->is_loopback = a.is_loopback;
	c->is_tls = c->o.tls_cert != NULL;
	if (!c->is_loopback && !c->is_tls)
		return err_set(e, EINVAL,
			"%s is not loopback: passwords would cross the network in "
			"clear; give --tls-cert and --tls-key, or listen on "
			"127.0.0.1",
			c->o.listen ? c->o.listen : "the socket");
	snprintf(c->address, sizeof(c->address), "http%s://%s:%u/", c->is_tls ? "s" : "", a.name,
		a.port);
	return 0;
}

struct cell_paths {
	struct arena *a;
	const char **v;
	size_t n;
};

static void leave(struct cell_paths *p, const char *path)
{
	if (path && p->n < PATHS_MAX && access(path, R_OK) == 0)
		p->v[p->n++] = path;
}

/*
 * A file that is replaced is another file to the kernel: its folder stays readable, and that of
 * what it is a link to.
 */
static void leave_place(struct cell_paths *p, const char *path)
{
	char real[PATH_MAX];
	struct stat st;

	if (!path || stat(path, &st) < 0)
		return;
	if (S_ISDIR(st.st_mode)) {
		leave(p, path);
		return;
	}
	if (realpath(path, real))
		leave(p, arena_cstr(p->a, str_of(dirname(real))));
	str_copy(str_of(path), real, sizeof(real));
	leave(p, arena_cstr(p->a, str_of(dirname(real))));
}

/* What the cell leaves readable: certificates, rules, knowledge, and what libc looks up. */
static int plan_cell(struct console *c, struct err *e)
{
	static const char *const system[] = {"/etc/localtime", "/etc/ssl", "/usr/share/zoneinfo",
		"/etc/hosts", "/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/gai.conf",
		"/dev/urandom", "/etc/passwd"};
	struct cell_paths p = {&c->arena, arena_array(&c->arena, const char *, PATHS_MAX + 1)};

	if (!p.v)
		return err_set(e, ENOMEM, "out of memory");
	leave(&p, c->o.knowledge);
	leave_place(&p, c->o.tls_cert);
	leave_place(&p, c->o.tls_key);
	for (size_t i = 0; i < sizeof(system) / sizeof(*system); i++)
		leave(&p, system[i]);
	for (size_t i = 0; i < c->o.nrules; i++)
		leave_place(&p, c->o.rules[i]);
	c->cell = (struct cell_options){.read_paths = p.v,
		.write_dir = c->o.data_dir,
		.threads = true,
		.accept = true,
		.network = str_starts(str_of(c->o.store.url), STR("postgres"))};
	return 0;
}

static void forget_keys(void *arg)
{
	struct console *c = arg;

	tls_free(c->tls);
	c->tls = NULL;
}

static int start_runner(struct console *c, struct str rules, struct str temp, struct err *e)
{
	struct runner_options *o = arena_new(&c->arena, struct runner_options);
	const char **paths = arena_array(&c->arena, const char *, c->o.nrules + 1);

	if (!o || !paths)
		return err_set(e, ENOMEM, "out of memory");
	for (size_t i = 0; i < c->o.nrules; i++)
		paths[i] = c->o.rules[i];
	paths[c->o.nrules] = rules.s;
	*o = (struct runner_options){.program = c->o.program,
		.rules = paths,
		.nrules = c->o.nrules + 1,
		.captures_dir = c->o.captures_dir,
		.demo_capture = c->o.demo_capture,
		.temp_dir = temp.s,
		.forget = forget_keys,
		.forget_arg = c};
	return runner_new(o, &c->runner, e);
}

static int start_scanjobs(struct console *c, struct err *e)
{
	struct scanjobs_options *o = arena_new(&c->arena, struct scanjobs_options);
	struct str cache = arena_printf(&c->arena, "%s/layers", c->o.data_dir);

	if (!o || !cache.s)
		return err_set(e, ENOMEM, "out of memory");
	*o = (struct scanjobs_options){.program = c->o.program,
		.cache_dir = cache.s,
		.insecure = c->o.image_insecure,
		.forget = forget_keys,
		.forget_arg = c,
		.done = images_take_scan,
		.done_arg = c};
	return scanjobs_new(o, &c->scanjobs, e);
}

int console_new(const struct console_options *o, struct console **ret, struct err *e)
{
	struct console *c = calloc(1, sizeof(*c));
	struct str rules, temp;
	int r;

	if (!c)
		return err_set(e, ENOMEM, "out of memory");
	c->o = *o;
	c->listen_fd = -1;
	arena_init(&c->arena, MEMORY_MAX);
	limit_init(&c->by_address, 100, 400, KEYS_MAX);
	limit_init(&c->by_account, 50, 300, KEYS_MAX);
	limit_init(&c->login_by_address, 0.2, 20, KEYS_MAX);
	backoff_init(&c->login_by_account, FREE_TRIES, ACCOUNT_PAUSE_S * NSEC_PER_SEC, KEYS_MAX);
	r = open_port(c, e);
	if (r == 0 && c->is_tls)
		r = tls_new(o->tls_cert, o->tls_key, &c->tls, e);
	if (r == 0 && o->become)
		r = o->become(o->become_arg, e);
	if (r == 0)
		r = make_dirs(c, &rules, &temp, e);
	if (r == 0 && (o->ingest_path || o->ingest_fd >= 0))
		r = ingest_new(o->ingest_path, o->ingest_fd, &c->ingest, e);
	if (r == 0)
		r = start_runner(c, rules, temp, e);
	if (r == 0)
		r = start_scanjobs(c, e);
	if (r == 0)
		r = plan_cell(c, e);
	if (r < 0) {
		console_free(c);
		return r;
	}
	*ret = c;
	return 0;
}

const struct cell_options *console_cell(const struct console *c)
{
	return &c->cell;
}

/* ---- after it ------------------------------------------------------------------------------- */

/* On a putting thread of the store, after the commit: must not call the store. */
static void on_put(const struct store_put_event *ev, void *arg)
{
	struct console *c = arg;
	struct buf data = BUF_INIT(HUB_MESSAGE_MAX);

	latest_take(c->latest, ev);
	if (ev->type == STORE_FINDING && ev->finding) {
		write_finding(&data, ev->finding);
		hub_publish(c->hub, "finding", buf_str(&data), true, ev->finding->time_ns);
	} else if (hub_counts(c->hub).listeners == 0) {
		/* nobody looks */
	} else if (ev->type == STORE_METRICS) {
		latest_format_metrics(ev->record, &data);
		hub_publish(c->hub, "metrics", buf_str(&data), false, 0);
	} else if (ev->type == STORE_INVENTORY) {
		latest_format_inventory(ev->record, &data);
		hub_publish(c->hub, "inventory", buf_str(&data), false, 0);
	}
	buf_done(&data);
}

static int open_store(struct console *c, struct err *e)
{
	struct store_options o = c->o.store;

	o.on_put = on_put;
	o.on_put_arg = c;
	return store_open(&o, &c->store, e);
}

static int check_users(struct console *c, struct err *e)
{
	if (c->is_loopback)
		return auth_first_token(c, e);
	if (!auth_can_anybody_sign_in(c))
		return err_set(e, EPERM,
			"%s is open to others and nobody can sign in; add an admin "
			"first: koban serve --add-user NAME --role admin",
			c->address);
	return 0;
}

int console_start(struct console *c, struct err *e)
{
	struct str rules = arena_printf(&c->arena, "%s/rules", c->o.data_dir);
	int r = router_new(&c->router, e);

	c->started_ns = clock_epoch_ns();
	if (r == 0)
		r = reports_new(&c->reports, e);
	if (r == 0)
		r = latest_new(&c->latest, e);
	if (r == 0)
		r = connections_new(&c->connections);
	if (r == 0)
		r = hub_new(c->connections, &c->hub, e);
	if (r == 0)
		r = knowledge_new(c->o.knowledge, &c->knowledge, e);
	if (r == 0)
		r = rulebook_new(c->o.rules, c->o.nrules, rules.s, &c->rules, e);
	if (r == 0)
		r = open_store(c, e);
	if (r == 0)
		r = check_users(c, e);
	if (r == 0 && c->ingest)
		r = ingest_start(c->ingest, c->store, e);
	if (r == 0)
		r = scanjobs_start(c->scanjobs, e);
	return r < 0 ? r : http_start(c, e);
}

const char *console_address(const struct console *c)
{
	return c->address;
}

const char *console_first_token(const struct console *c)
{
	return c->first_token[0] ? c->first_token : NULL;
}

static void reload_tls(struct console *c)
{
	struct err e = {0};
	int r = c->tls ? tls_reload(c->tls, &e) : 0;

	if (r > 0)
		log_info("console: the new certificate is in use");
	else if (r < 0)
		log_warn("console: the certificate has changed and cannot be used: %s", e.msg);
}

static void maintain(struct console *c, uint64_t now)
{
	struct err e = {0};
	bool more = false;

	if (now < c->maintained_ns + MAINTAIN_S * NSEC_PER_SEC)
		return;
	if (store_maintain(c->store, &more, &e) < 0)
		log_warn("store: upkeep: %s", e.msg);
	if (!more)
		c->maintained_ns = now;
}

void console_tick(struct console *c)
{
	uint64_t now = clock_boot_ns();

	atomic_fetch_add(&c->count.timeouts, connections_sweep(c->connections, now));
	c->ticks++;
	if (c->ticks % PING_S == 0)
		hub_ping(c->hub);
	if (c->ticks % LOOK_S == 0) {
		rulebook_refresh(c->rules);
		reload_tls(c);
	}
	maintain(c, now);
}

void console_free(struct console *c)
{
	if (!c)
		return;
	http_quiesce(c);
	hub_close(c->hub);
	runner_stop(c->runner);
	scanjobs_stop(c->scanjobs);
	http_stop(c);
	ingest_free(c->ingest);
	store_close(c->store);
	hub_free(c->hub);
	connections_free(c->connections);
	latest_free(c->latest);
	rulebook_free(c->rules);
	knowledge_free(c->knowledge);
	runner_free(c->runner);
	scanjobs_free(c->scanjobs);
	tls_free(c->tls);
	reports_free(c->reports);
	router_free(c->router);
	if (c->listen_fd >= 0)
		close(c->listen_fd);
	backoff_done(&c->login_by_account);
	limit_done(&c->login_by_address);
	limit_done(&c->by_account);
	limit_done(&c->by_address);
	secret_wipe(c->first_token, sizeof(c->first_token));
	arena_done(&c->arena);
	free(c);
}

/* ---- administration without a server -------------------------------------------------------- */

static int audit_command(
	struct store *s, const char *action, struct str object, enum store_role role, struct err *e)
{
	const struct store_audit row = {.time_ns = clock_epoch_ns(),
		.who = STR("(command line)"),
		.action = str_of(action),
		.object = object,
		.detail = str_of(store_role_name(role)),
		.address = STR("")};

	return store_audit_add(s, &row, e);
}

int console_set_user(
	struct store *s, struct str name, enum store_role role, struct str password, struct err *e)
{
	char hash[PASSWORD_HASH_MAX] = "";
	struct store_user u = {.password_hash = STR(""), .created_ns = clock_epoch_ns()};
	struct arena a;
	int r = 0;

	arena_init(&a, MEMORY_MAX);
	bool is_new = store_user_get(s, name, &a, &u, NULL) < 0;
	u.name = name;
	u.role = role;
	u.is_disabled = false;
	if (password.len && !password_is_fit(password, name, e))
		r = -EINVAL;
	if (r == 0 && password.len && password_hash(password, hash) < 0)
		r = err_set(e, ENOMEM, "out of memory");
	if (r == 0 && password.len) {
		u.password_hash = str_of(hash);
		u.must_change_password = false;
	}
	if (r == 0)
		r = is_new ? store_user_add(s, &u, e) : store_user_change(s, &u, e);
	if (r == 0 && !is_new)
		r = store_token_delete_sessions(s, name, STR(""), e);
	if (r == 0)
		r = audit_command(s, is_new ? "user_add" : "user_change", name, role, e);
	arena_done(&a);
	return r;
}

int console_make_token(struct store *s, struct str name, enum store_role role, uint64_t lifetime_s,
	char ret[64], struct err *e)
{
	char hash[SECRET_HASH_TEXT + 1];
	struct store_token t = {.kind = STORE_TOKEN_API,
		.user = STR(""),
		.role = role,
		.name = name,
		.created_ns = clock_epoch_ns()};
	struct arena a;
	struct str id;

	if (secret_make(ret) < 0 || secret_hash("token", str_of(ret), hash) < 0)
		return err_set(e, EIO, "no random numbers to be had");
	t.hash = str_of(hash);
	if (lifetime_s)
		t.expires_ns = t.created_ns + lifetime_s * NSEC_PER_SEC;
	arena_init(&a, MEMORY_MAX);
	int r = audit_command(s, "token_add", name, role, e);
	if (r == 0)
		r = store_token_add(s, &t, &a, &id, e);
	arena_done(&a);
	return r;
}
