/* SPDX-License-Identifier: Apache-2.0 */
/*
 * koban up: sensor and console as two processes below a supervisor. Here is what they are told and
 * as whom they run; supervise.c keeps them alive. With --no-console it is the sensor alone, in this
 * process.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <jansson.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/log.h"
#include "cmd/options.h"
#include "cmd/place.h"
#include "cmd/setup.h"
#include "cmd/supervise.h"
#include "cmd/verbs.h"
#include "cmd/watch.h"

static const char help[] =
	"usage: koban up [-r RULES]… [OPTION]…\n"
	"\n"
	"Watches this machine and shows what it finds: a sensor with koban's own rules and a "
	"console\n"
	"in the browser, on loopback, which are two processes; a part that fails is started again. "
	"On\n"
	"a terminal a panel shows what is watched, found and spent; elsewhere it prints plain "
	"lines,\n"
	"as `koban watch` does. Repeats of an alert are folded into one line with a count.\n"
	"\n" LIVE_OPTIONS_HELP "\n"
	"      --no-console      the sensor alone, in one process; nothing is stored\n"
	"      --listen ADDRESS  of the console; 127.0.0.1:8766, or the next free port\n"
	"      --data-dir DIR    what is kept: DIR/console, DIR/spool; /var/lib/koban\n"
	"      --run-dir DIR     in memory: sockets, what waits to be stored; /run/koban\n"
	"\n"
	"examples:\n"
	"  koban up                        koban's rules\n"
	"  koban up -r my_rules.yaml       yours\n"
	"  koban up --no-console           lines and the panel only\n";

enum {
	ARGS_MAX = 512,
	NOTES_AT = 3,
	READY_AT = 9,
	FALLBACK_UID = 65534, /* nobody's number everywhere */
};
static const char default_data[] = "/var/lib/koban", default_run[] = "/run/koban";
static const char usual_listen[] = "127.0.0.1:8766"; /* of config_rows.c: then a free one will do */

struct up {
	struct live_options live;
	bool no_console;
	const char *listen, *data_dir, *run_dir; /* as given; run_dir always */
	struct config *config;
	struct arena arena; /* of paths and arguments */
	const char *console_dir, *rules_dir, *ingest;
	uid_t uid;
	gid_t gid;
	bool has_user; /* console.user exists */
	int port_fd, ingest_fd, lock_fd;
	int notes[2], tty; /* -1 = no terminal */
};

/* ---- the command line ---------------------------------------------------------------------- */

/* Takes this verb's own options off argv; what is left is the sensor's. -1 to go on. */
static int take_options(struct up *u, int *argc, char **argv)
{
	const struct {
		const char *name;
		const char **value;
	} own[] = {
		{"--listen", &u->listen}, {"--data-dir", &u->data_dir}, {"--run-dir", &u->run_dir}};
	int n = 1;

	for (int i = 1; i < *argc; i++) {
		bool is_taken = strcmp(argv[i], "--no-console") == 0;

		u->no_console |= is_taken;
		for (size_t k = 0; k < sizeof(own) / sizeof(*own) && !is_taken; k++) {
			size_t len = strlen(own[k].name);

			if (strncmp(argv[i], own[k].name, len) != 0 ||
				(argv[i][len] && argv[i][len] != '='))
				continue;
			is_taken = true;
			*own[k].value = argv[i][len] ? argv[i] + len + 1 : argv[++i];
			if (i >= *argc || !**own[k].value) {
				fprintf(stderr, "koban: %s needs a value; --help shows the usage\n",
					own[k].name);
				return 2;
			}
		}
		if (!is_taken)
			argv[n++] = argv[i];
	}
	argv[n] = NULL;
	*argc = n;
	return -1;
}

/* ---- who and where ------------------------------------------------------------------------- */

static void find_user(struct up *u)
{
	const struct passwd *pw = getpwnam(u->config->console.user);

	u->has_user = pw != NULL;
	u->uid = pw ? pw->pw_uid : FALLBACK_UID;
	u->gid = pw ? pw->pw_gid : FALLBACK_UID;
}

static const char *data_dir(const struct up *u)
{
	return u->data_dir ? u->data_dir : default_data;
}

static const char *below(struct up *u, const char *dir, const char *name)
{
	return arena_printf(&u->arena, "%s/%s", dir, name).s;
}

/* A configured store stays where it is; without one it is ours. */
static const char *ingest_path(struct up *u)
{
	const struct outputs_options *o = &u->config->outputs;

	for (size_t i = 0; i < o->noutputs; i++)
		if (o->outputs[i].kind == OUTPUT_STORE)
			return o->outputs[i].address + strlen("unix:");
	return below(u, u->run_dir, "ingest.sock");
}

static int make_places(struct up *u, struct err *e)
{
	const char *configured = u->config->console.data_dir;

	u->console_dir = u->data_dir || !configured ? below(u, data_dir(u), "console") : configured;
	u->rules_dir = below(u, u->console_dir, "rules");
	u->ingest = ingest_path(u);
	/* others may pass through them, not look around */
	int r = place_dir(data_dir(u), 0711, 0, 0, e);
	if (r == 0)
		r = place_dir(u->run_dir, 0711, 0, 0, e);
	if (r == 0)
		r = place_dir(u->console_dir, 0700, u->uid, u->gid, e);
	if (r == 0)
		r = place_owner(u->console_dir, u->uid, u->gid, e);
	if (r == 0)
		r = place_dir(u->rules_dir, 0700, u->uid, u->gid, e);
	if (r == 0)
		r = u->lock_fd = place_lock(below(u, u->run_dir, "up.lock"), e);
	return r < 0 ? r : 0;
}

static int open_sockets(struct up *u, struct err *e)
{
	u->ingest_fd = place_unix_socket(u->ingest, 0600, e);
	if (u->ingest_fd < 0)
		return u->ingest_fd;
	const char *listen = u->listen ? u->listen : u->config->console.listen;
	bool is_usual = !listen || strcmp(listen, usual_listen) == 0;

	u->port_fd = place_tcp_socket(is_usual && !u->listen ? NULL : listen, e);
	return u->port_fd < 0 ? u->port_fd : 0;
}

/* On a terminal everybody's messages go to the panel, which the sensor draws. */
static int open_notes(struct up *u, struct err *e)
{
	if (!isatty(STDOUT_FILENO))
		return 0;
	u->tty = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, NOTES_AT + 1);
	if (u->tty < 0 || pipe2(u->notes, O_CLOEXEC) < 0)
		return err_set(e, errno, "cannot make a pipe: %s", strerror(errno));
	fcntl(u->notes[0], F_SETFL, O_NONBLOCK);
	/* a part that cannot say something does not wait until it can */
	fcntl(u->notes[1], F_SETFL, O_NONBLOCK);
	if (dup2(u->notes[1], STDERR_FILENO) < 0)
		return err_set(e, errno, "cannot use the pipe: %s", strerror(errno));
	return 0;
}

/* ---- what the parts are told --------------------------------------------------------------- */

struct args {
	const char *v[ARGS_MAX];
	size_t n;
};

static void add(struct args *a, const char *s)
{
	if (s && a->n < ARGS_MAX - 1)
		a->v[a->n++] = s;
}

static void add_two(struct args *a, const char *option, const char *value)
{
	add(a, option);
	add(a, value);
}

static void add_common(struct up *u, struct args *a)
{
	if (u->live.config_path)
		add_two(a, "-c", u->live.config_path);
	for (size_t i = 0; i < u->live.noverrides; i++)
		add_two(a, "-o", u->live.overrides[i]);
}

static const char *const *sensor_args(struct up *u, struct args *a)
{
	const struct live_options *l = &u->live;
	struct arena *m = &u->arena;

	add(a, "koban");
	add(a, "watch");
	if (u->tty >= 0)
		add(a, arena_printf(m, "--panel=%d", NOTES_AT).s);
	add_common(u, a);
	if (!u->config->store.enabled)
		add_two(a, "-o", "store_output.enabled=true");
	add_two(a, "-o", arena_printf(m, "store_output.address=unix:%s", u->ingest).s);
	if (!u->config->outputs.spool_dir)
		add_two(a, "-o", arena_printf(m, "spool.dir=%s/spool", data_dir(u)).s);
	if (!u->config->outputs.memory_dir)
		add_two(a, "-o", arena_printf(m, "spool.memory_dir=%s/queue", u->run_dir).s);
	add_two(a, "-o", arena_printf(m, "store_output.rules_dir=%s", u->rules_dir).s);
	for (size_t i = 0; i < l->nrules; i++)
		add_two(a, "-r", l->rules[i]);
	add(a, l->json ? "--json" : NULL);
	add(a, l->no_fold ? "--no-fold" : NULL);
	add(a, l->all_events ? "--all-events" : NULL);
	add(a, l->is_quiet ? "--quiet" : NULL);
	if (l->duration_s)
		add_two(a, "-M", arena_printf(m, "%llu", (unsigned long long)l->duration_s).s);
	a->v[a->n] = NULL;
	return a->v;
}

static const char *const *console_args(struct up *u, struct args *a)
{
	add(a, "koban");
	add(a, "serve");
	add_common(u, a);
	add_two(a, "--data-dir", u->console_dir);
	if (u->listen)
		add_two(a, "--listen", u->listen); /* as messages call it; the socket is there */
	if (u->tty >= 0)
		add_two(a, "--ready-fd", arena_printf(&u->arena, "%d", READY_AT).s);
	for (size_t i = 0; i < u->live.nrules; i++)
		add_two(a, "-r", u->live.rules[i]);
	add(a, u->live.is_quiet ? "--quiet" : NULL);
	a->v[a->n] = NULL;
	return a->v;
}

/* The console's line; only on a terminal, for a token must not stand in a journal. */
static void say_ready(void *arg, const struct part *p, struct str line)
{
	json_t *j = json_loadb(line.s, line.len, 0, NULL);
	const char *address = json_string_value(json_object_get(j, "address"));
	const char *token = json_string_value(json_object_get(j, "token"));

	if (address && token)
		log_info("first login, good once and for half an hour: %slogin#token=%s", address,
			token);
	json_decref(j);
}

/* ---- running ------------------------------------------------------------------------------- */

static int run_parts(struct up *u, struct err *e)
{
	struct args sensor = {0}, console = {0};
	struct part parts[] = {
		{.name = "sensor",
			.argv = sensor_args(u, &sensor),
			.extra_fd = u->tty >= 0 ? u->notes[0] : -1,
			.extra_at = NOTES_AT,
			.is_foreground = u->tty >= 0,
			.gets_signals = true,
			.is_main = true},
		{.name = "console",
			.argv = console_args(u, &console),
			.is_unprivileged = true,
			.uid = u->uid,
			.gid = u->gid,
			.user = u->has_user ? u->config->console.user : NULL,
			.fds = {u->ingest_fd, u->port_fd},
			.fd_names = {"ingest", "console"},
			.nfds = 2,
			.ready_at = u->tty >= 0 ? READY_AT : 0,
			.extra_fd = -1},
	};
	struct supervise_options o = {
		.parts = parts,
		.nparts = sizeof(parts) / sizeof(*parts),
		.notes_fd = u->tty >= 0 ? u->notes[0] : -1,
		.tty_fd = u->tty,
		.ready = say_ready,
	};

	return supervise(&o, e);
}

static int run(struct up *u, struct err *e)
{
	const struct live_options *l = &u->live;
	int r = setup_config(
		l->config_path, l->overrides, l->noverrides, l->is_quiet, &u->config, e);

	if (r < 0)
		return r;
	find_user(u);
	if ((r = make_places(u, e)) < 0 || (r = open_sockets(u, e)) < 0 ||
		(r = open_notes(u, e)) < 0)
		return r;
	if (!u->has_user)
		log_info("there is no user '%s': the console runs as number %u and owns %s",
			u->config->console.user, (unsigned)u->uid, u->console_dir);
	return run_parts(u, e);
}

static void put_back(struct up *u)
{
	if (u->tty >= 0)
		dup2(u->tty, STDERR_FILENO);
	if (u->ingest_fd >= 0)
		unlink(u->ingest);
	if (u->config)
		config_free(u->config);
	arena_done(&u->arena);
	live_options_done(&u->live);
}

int cmd_up(int argc, char **argv)
{
	struct up u = {
		.run_dir = default_run, .port_fd = -1, .ingest_fd = -1, .lock_fd = -1, .tty = -1};
	struct err e = {0};
	int code = take_options(&u, &argc, argv);

	arena_init(&u.arena, 1 << 20);
	if (code < 0)
		code = live_options_parse(&u.live, argc, argv, help);
	u.live.panel = true;
	if (code < 0 && u.no_console) {
		code = watch_run(&u.live);
	} else if (code < 0 && geteuid() != 0) {
		log_error("koban up loads programs into the kernel, which takes root; try: sudo "
			  "koban up");
		code = 2;
	} else if (code < 0) {
		code = run(&u, &e);
		put_back(&u);
		if (code < 0)
			log_error("%s", e.msg);
		return code < 0 ? 2 : code;
	}
	put_back(&u);
	return code;
}
