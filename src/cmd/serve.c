/* SPDX-License-Identifier: Apache-2.0 */
/*
 * koban serve: owns the store, takes records from sensors, answers browsers. It begins as whoever
 * started it, takes ports and keys, becomes an ordinary user, enters the cell and stays there.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"
#include "base/json.h"
#include "base/log.h"
#include "cmd/serve_user.h"
#include "cmd/setup.h"
#include "cmd/stop.h"
#include "cmd/verbs.h"
#include "face/console/console.h"

static const char help[] =
	"usage: koban serve [OPTION]…\n"
	"       koban serve --add-user NAME --role ROLE [OPTION]…\n"
	"       koban serve --add-token NAME --role ROLE [OPTION]…\n"
	"\n"
	"Keeps what koban finds and shows it in a browser, on this machine alone unless it is "
	"told\n"
	"otherwise. The first start prints an address with a one-time token.\n"
	"\n"
	"  -l, --listen ADDR     address and port (127.0.0.1:8766); beyond loopback it needs TLS\n"
	"                        and a user\n"
	"      --tls-cert FILE   certificate chain, PEM; read again when it changes\n"
	"      --tls-key FILE    its private key\n"
	"      --host NAME       a name that browsers may use; may be given often\n"
	"  -d, --data-dir DIR    its own folder (/var/lib/koban/console)\n"
	"      --store URL       a file, or postgresql://… (DIR/koban.db)\n"
	"      --ingest PATH     socket for the records of sensors (DIR/ingest.sock)\n"
	"  -r, --rules PATH      the rules that the sensor has; may be given often\n"
	"      --captures DIR    recordings on which rules are tried\n"
	"      --image-insecure REG   images of this registry may be fetched over plain http;\n"
	"                        may be repeated\n"
	"      --user NAME       what root becomes (koban)\n"
	"  -c, --config FILE     instead of /etc/koban/koban.yaml\n"
	"  -o, --option K=V      overrides a key of the configuration: -o console.max_age=30d\n"
	"      --json            the address and the token as one JSON line on stdout\n"
	"      --show-token      the token on stderr, also where that is no terminal\n"
	"      --ready-fd N      the same to this descriptor, which is then closed\n"
	"  -q, --quiet           errors only on stderr\n"
	"  -h, --help            this text\n"
	"\n"
	"      --add-user NAME   add a user, or give it a new role and password, and end; the\n"
	"                        password is asked for, or read from standard input\n"
	"      --add-token NAME  make a bearer token, print it and end\n"
	"      --role ROLE       viewer, analyst or admin\n"
	"      --days N          how long a token is good (90)\n"
	"\n"
	"examples:\n"
	"  koban serve -d ~/koban -r /usr/share/koban/rules\n"
	"  koban serve --add-user ann --role analyst\n"
	"  koban serve -l '[::]:8443' --tls-cert fullchain.pem --tls-key privkey.pem\n";

enum { LIST_MAX = 64, DAYS_DEFAULT = 90, DAY_S = 86400 };

struct serve {
	/* as given; NULL = as configured */
	const char *config_path, *listen, *tls_cert, *tls_key, *data, *store, *ingest, *captures,
		*user, *add_user, *add_token;
	const char *rules[LIST_MAX], *overrides[LIST_MAX], *hosts[LIST_MAX],
		*insecure[LIST_MAX + 1];
	size_t nrules, noverrides, nhosts, ninsecure;
	enum store_role role;
	bool has_role, json, show_token, is_quiet;
	uint64_t days;
	int ready_fd;

	struct config *config;
	struct arena arena;
	struct console_options o;
	struct serve_user becoming;
	char first_login[PATH_MAX];
};

/* ---- the command line ----------------------------------------------------------------------- */

static int wrong(const char *what, const char *arg)
{
	fprintf(stderr, "koban: %s '%s'; --help shows the usage\n", what, arg);
	return 2;
}

static int add(const char **list, size_t *n, const char *arg)
{
	if (*n == LIST_MAX)
		return wrong("too many of", arg);
	list[(*n)++] = arg;
	return -1;
}

enum {
	OPT_TLS_CERT = 256,
	OPT_TLS_KEY,
	OPT_HOST,
	OPT_STORE,
	OPT_INGEST,
	OPT_CAPTURES,
	OPT_INSECURE,
	OPT_USER,
	OPT_JSON,
	OPT_READY_FD,
	OPT_SHOW_TOKEN,
	OPT_ADD_USER,
	OPT_ADD_TOKEN,
	OPT_ROLE,
	OPT_DAYS,
};

static const struct option longs[] = {
	{"listen", required_argument, NULL, 'l'},
	{"tls-cert", required_argument, NULL, OPT_TLS_CERT},
	{"tls-key", required_argument, NULL, OPT_TLS_KEY},
	{"host", required_argument, NULL, OPT_HOST},
	{"data-dir", required_argument, NULL, 'd'},
	{"store", required_argument, NULL, OPT_STORE},
	{"ingest", required_argument, NULL, OPT_INGEST},
	{"rules", required_argument, NULL, 'r'},
	{"captures", required_argument, NULL, OPT_CAPTURES},
	{"image-insecure", required_argument, NULL, OPT_INSECURE},
	{"user", required_argument, NULL, OPT_USER},
	{"config", required_argument, NULL, 'c'},
	{"option", required_argument, NULL, 'o'},
	{"json", no_argument, NULL, OPT_JSON},
	{"show-token", no_argument, NULL, OPT_SHOW_TOKEN},
	{"ready-fd", required_argument, NULL, OPT_READY_FD},
	{"quiet", no_argument, NULL, 'q'},
	{"help", no_argument, NULL, 'h'},
	{"add-user", required_argument, NULL, OPT_ADD_USER},
	{"add-token", required_argument, NULL, OPT_ADD_TOKEN},
	{"role", required_argument, NULL, OPT_ROLE},
	{"days", required_argument, NULL, OPT_DAYS},
	{0},
};

static const char **text_option(struct serve *s, int c)
{
	switch (c) {
	case 'l':
		return &s->listen;
	case OPT_TLS_CERT:
		return &s->tls_cert;
	case OPT_TLS_KEY:
		return &s->tls_key;
	case 'd':
		return &s->data;
	case OPT_STORE:
		return &s->store;
	case OPT_INGEST:
		return &s->ingest;
	case OPT_CAPTURES:
		return &s->captures;
	case OPT_USER:
		return &s->user;
	case 'c':
		return &s->config_path;
	case OPT_ADD_USER:
		return &s->add_user;
	case OPT_ADD_TOKEN:
		return &s->add_token;
	default:
		return NULL;
	}
}

/* -1 to go on, else the exit code. */
static int take_option(struct serve *s, int c)
{
	const char **text = text_option(s, c);
	uint64_t n;

	if (text) {
		*text = optarg;
		return -1;
	}
	switch (c) {
	case 'r':
		return add(s->rules, &s->nrules, optarg);
	case 'o':
		return add(s->overrides, &s->noverrides, optarg);
	case OPT_HOST:
		return add(s->hosts, &s->nhosts, optarg);
	case OPT_INSECURE:
		return add(s->insecure, &s->ninsecure, optarg);
	case OPT_JSON:
		s->json = true;
		return -1;
	case OPT_SHOW_TOKEN:
		s->show_token = true;
		return -1;
	case 'q':
		s->is_quiet = true;
		return -1;
	case OPT_READY_FD:
		if (!str_to_u64(str_of(optarg), 10, &n) || n > INT_MAX)
			return wrong("no descriptor:", optarg);
		s->ready_fd = (int)n;
		return -1;
	case OPT_ROLE:
		s->has_role = store_role_parse(str_of(optarg), &s->role);
		return s->has_role ? -1 : wrong("a role is viewer, analyst or admin, not", optarg);
	case OPT_DAYS:
		return str_to_u64(str_of(optarg), 10, &s->days) && s->days && s->days < 40000
			       ? -1
			       : wrong("not a number of days:", optarg);
	case 'h':
		fputs(help, stdout);
		return 0;
	default:
		fputs("--help shows the usage\n", stderr);
		return 2;
	}
}

static int parse(struct serve *s, int argc, char **argv)
{
	int c, code = -1;

	while (code < 0 && (c = getopt_long(argc, argv, "l:d:r:c:o:qh", longs, NULL)) != -1)
		code = take_option(s, c);
	if (code < 0 && optind < argc)
		return wrong("unexpected argument", argv[optind]);
	if (code < 0 && (s->add_user || s->add_token) && !s->has_role)
		return wrong("say with --role what may", s->add_user ? s->add_user : s->add_token);
	return code;
}

/* ---- options of the console ----------------------------------------------------------------- */

static const char *choose(const char *given, const char *configured)
{
	return given ? given : configured;
}

static const char *below(struct serve *s, const char *dir, const char *name)
{
	struct str path = arena_printf(&s->arena, "%s/%s", dir, name);

	return path.s ? path.s : name;
}

/* Beside the program in a source tree, or where it was installed. */
static const char *find_shipped(
	struct serve *s, const char *program, const char *tree, const char *installed)
{
	char dir[PATH_MAX];

	str_copy(str_of(program), dir, sizeof(dir));
	for (char *slash; (slash = strrchr(dir, '/')) && slash != dir;) {
		*slash = 0;
		const char *path = below(s, dir, tree);
		if (access(path, R_OK) == 0)
			return path;
		path = below(s, dir, installed);
		if (access(path, R_OK) == 0)
			return path;
	}
	return NULL;
}

static const char *own_program(struct serve *s)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	return n > 0 ? arena_cstr(&s->arena, str_make(path, (size_t)n)) : "/proc/self/exe";
}

static int find_parts(struct serve *s, struct err *e)
{
	struct console_options *o = &s->o;

	o->program = own_program(s);
	o->knowledge = find_shipped(s, o->program, "data", "share/koban");
	while (o->knowledge && access(below(s, o->knowledge, "intel/attack.yaml"), R_OK) < 0)
		o->knowledge = NULL;
	o->demo_capture = find_shipped(
		s, o->program, "data/demo/intruder.scap.gz", "share/koban/demo/intruder.scap.gz");
	return o->knowledge ? 0
			    : err_set(e, ENOENT,
				      "the folder with intel/attack.yaml is not there; it is "
				      "installed as /usr/share/koban");
}

/* Paths are made absolute: nothing is to depend on where it was started. */
static const char *absolute(struct serve *s, const char *path)
{
	char cwd[PATH_MAX];

	if (!path || path[0] == '/' || !getcwd(cwd, sizeof(cwd)))
		return path;
	return below(s, cwd, path);
}

static void set_store(struct serve *s)
{
	const struct config *c = s->config;
	struct store_options *o = &s->o.store;

	o->url = choose(s->store, c->console.store);
	if (!o->url)
		o->url = below(s, s->o.data_dir, "koban.db");
	o->retention.age_ns = c->console.max_age_ms * 1000000ULL;
	o->retention.size_bytes = c->console.max_bytes;
}

static int set_options(struct serve *s, const struct serve_sockets *sockets, struct err *e)
{
	const struct config *c = s->config;
	struct console_options *o = &s->o;
	bool configured = s->nrules == 0;

	o->data_dir = absolute(s, choose(s->data, c->console.data_dir));
	o->listen = choose(s->listen, c->console.listen);
	o->listen_fd = sockets->http;
	o->ingest_fd = sockets->ingest;
	o->tls_cert = absolute(s, choose(s->tls_cert, c->console.tls_cert));
	o->tls_key = absolute(s, choose(s->tls_key, c->console.tls_key));
	o->hosts = s->nhosts ? s->hosts : c->console.hosts;
	o->nhosts = s->nhosts ? s->nhosts : c->console.nhosts;
	o->ingest_path = absolute(s, choose(s->ingest, c->console.ingest));
	if (!o->ingest_path)
		o->ingest_path = below(s, o->data_dir, "ingest.sock");
	for (size_t i = 0; i < s->nrules; i++)
		s->rules[i] = absolute(s, s->rules[i]);
	o->rules = configured ? c->rules_files : s->rules;
	o->nrules = configured ? c->nrules_files : s->nrules;
	o->image_insecure = s->ninsecure ? s->insecure : NULL;
	o->captures_dir = absolute(s, choose(s->captures, c->recorder.dir));
	o->version = KOBAN_VERSION;
	o->session_idle_s = c->console.session_idle_ms / 1000;
	o->session_max_s = c->console.session_max_ms / 1000;
	s->becoming = (struct serve_user){choose(s->user, c->console.user), o->data_dir};
	o->become = serve_become;
	o->become_arg = &s->becoming;
	set_store(s);
	if (!o->tls_cert != !o->tls_key)
		return err_set(e, EINVAL,
			"a certificate and its key: give both, --tls-cert and "
			"--tls-key");
	return find_parts(s, e);
}

/* ---- administration ------------------------------------------------------------------------- */

/* From a terminal without showing it; else the first line of standard input. */
static int read_password(char *out, size_t size, struct err *e)
{
	struct termios was, quiet;
	bool is_terminal = tcgetattr(STDIN_FILENO, &was) == 0;

	if (is_terminal) {
		quiet = was;
		quiet.c_lflag &= ~(tcflag_t)ECHO;
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
		fputs("password: ", stderr);
	}
	char *line = fgets(out, (int)size, stdin);
	if (is_terminal) {
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &was);
		fputc('\n', stderr);
	}
	if (!line)
		return err_set(e, EINVAL, "no password on standard input");
	out[strcspn(out, "\r\n")] = 0;
	return 0;
}

static int add_user(struct serve *s, struct store *store, struct err *e)
{
	char password[1100];
	int r = read_password(password, sizeof(password), e);

	if (r == 0)
		r = console_set_user(store, str_of(s->add_user), s->role, str_of(password), e);
	explicit_bzero(password, sizeof(password));
	if (r == 0 && !s->is_quiet)
		fprintf(stderr, "%s may sign in as %s\n", s->add_user, store_role_name(s->role));
	return r;
}

static int add_token(struct serve *s, struct store *store, struct err *e)
{
	char secret[64];
	int r = console_make_token(store, str_of(s->add_token), s->role,
		(s->days ? s->days : DAYS_DEFAULT) * DAY_S, secret, e);

	if (r == 0)
		printf("%s\n", secret);
	explicit_bzero(secret, sizeof(secret));
	return r;
}

static int administrate(struct serve *s, struct err *e)
{
	struct store *store = NULL;
	int r = serve_become(&s->becoming, e);

	if (r == 0)
		r = store_open(&s->o.store, &store, e);
	if (r < 0)
		return r;
	r = s->add_user ? add_user(s, store, e) : add_token(s, store, e);
	store_close(store);
	return r;
}

/* ---- serving -------------------------------------------------------------------------------- */

/* The token must not stand in a journal: then a file, which only this user reads, has it. */
static int keep_token(struct serve *s, const char *address, const char *token, struct err *e)
{
	int fd = open(s->first_login, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || dprintf(fd, "%slogin#token=%s\n", address, token) < 0)
		return err_set(e, errno, "%s: %s", s->first_login, strerror(errno));
	close(fd);
	log_info("first login: the address with its one-time token is in %s", s->first_login);
	return 0;
}

static void add_ready(struct buf *b, const char *address, const char *token)
{
	buf_add_cstr(b, "{\"address\":");
	json_add_str(b, str_of(address));
	buf_add_cstr(b, ",\"token\":");
	if (token)
		json_add_str(b, str_of(token));
	else
		buf_add_cstr(b, "null");
	buf_add_cstr(b, "}\n");
}

static int say_ready(struct serve *s, const struct console *c, struct err *e)
{
	const char *address = console_address(c), *token = console_first_token(c);
	int fd = s->ready_fd >= 0 ? s->ready_fd : STDOUT_FILENO;

	/* one of an earlier start that was killed is of no use any more */
	snprintf(s->first_login, sizeof(s->first_login), "%s/first-login", s->o.data_dir);
	unlink(s->first_login);
	log_info("console: %s", address);
	if (s->json || s->ready_fd >= 0) {
		struct buf line = BUF_INIT(1000);

		add_ready(&line, address, token);
		int r = io_write_all(fd, buf_str(&line));
		buf_done(&line);
		if (s->ready_fd >= 0)
			close(fd);
		return r < 0 ? err_set(e, -r, "cannot say that it is ready: %s", strerror(-r)) : 0;
	}
	if (!token)
		return 0;
	if (s->show_token) {
		log_info("first login, good once and for half an hour: %slogin#token=%s", address,
			token);
		return 0;
	}
	if (!isatty(STDOUT_FILENO))
		return keep_token(s, address, token, e);
	printf("first login, good once and for half an hour:\n  %slogin#token=%s\n", address,
		token);
	return 0;
}

static int enter_cell(const struct console *c, struct err *e)
{
	int r = cell_enter(console_cell(c), e);

	if (r == CELL_NO_LANDLOCK)
		log_warn("this kernel has no landlock: the console's files are not confined");
	return r < 0 ? r : 0;
}

static int serve(struct serve *s, struct err *e)
{
	const struct timespec second = {.tv_sec = 1};
	struct console *c = NULL;
	int r = console_new(&s->o, &c, e);

	if (r == 0)
		r = enter_cell(c, e);
	if (r == 0)
		r = console_start(c, e);
	if (r == 0)
		r = say_ready(s, c, e);
	while (r == 0 && !stop_asked()) {
		nanosleep(&second, NULL);
		console_tick(c);
	}
	console_free(c);
	if (s->first_login[0])
		unlink(s->first_login);
	return r;
}

static int run(struct serve *s, struct err *e)
{
	struct serve_sockets sockets;
	int r = setup_config(
		s->config_path, s->overrides, s->noverrides, s->is_quiet, &s->config, e);

	if (r == 0)
		r = serve_take_sockets(&sockets, e);
	if (r == 0)
		r = set_options(s, &sockets, e);
	if (r < 0)
		return r;
	umask(077);
	return s->add_user || s->add_token ? administrate(s, e) : serve(s, e);
}

int cmd_serve(int argc, char **argv)
{
	struct serve s = {.ready_fd = -1};
	struct err e = {0};
	int code = parse(&s, argc, argv);

	if (code >= 0)
		return code;
	arena_init(&s.arena, 0);
	stop_on_signals();
	/* a service has nothing to read again: rules and certificates are looked at anyway */
	if (!isatty(STDIN_FILENO))
		signal(SIGHUP, SIG_IGN);
	code = run(&s, &e) < 0 ? 2 : 0;
	if (code)
		log_error("%s", e.msg);
	config_free(s.config);
	arena_done(&s.arena);
	return code;
}
