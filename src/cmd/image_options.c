/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the verbs below `koban image` share: options by which they find images and know what to look
 * for, and opening both. It reads nothing of an image.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "cmd/image.h"
#include "cmd/stop.h"

/* ---- options -------------------------------------------------------------------------------- */

bool image_list_add(const char **list, size_t *n, const char *value, const char *option)
{
	if (*n == IMAGE_LIST_MAX) {
		fprintf(stderr, "koban image: more than %d times %s\n", IMAGE_LIST_MAX, option);
		return false;
	}
	list[(*n)++] = value;
	list[*n] = NULL;
	return true;
}

static int take_in_list(const char **list, size_t *n, const char *arg, const char *option)
{
	return image_list_add(list, n, arg, option) ? 1 : -1;
}

static int take_text(const char **ret, const char *arg)
{
	*ret = arg;
	return 1;
}

static int take_flag(bool *ret)
{
	*ret = true;
	return 1;
}

/* Not as an argument, which every process of the machine could read. */
static int take_password(struct image_place *p, const char *file)
{
	int fd = strcmp(file, "-") == 0 ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ptrdiff_t n = fd < 0 ? -1 : 1;

	while (n > 0 && len < sizeof(p->password) - 1) {
		n = read(fd, p->password + len, sizeof(p->password) - 1 - len);
		len += n > 0 ? (size_t)n : 0;
	}
	if (n < 0)
		fprintf(stderr, "koban image: --password-file %s: %s\n", file, strerror(errno));
	if (fd > STDIN_FILENO)
		close(fd);
	p->password[len] = 0;
	p->password[strcspn(p->password, "\r\n")] = 0;
	if (n >= 0 && !p->password[0])
		fprintf(stderr, "koban image: --password-file %s has nothing in its first line\n",
			file);
	return p->password[0] ? 1 : -1;
}

int image_place_take(struct image_place *p, int opt, const char *arg)
{
	switch (opt) {
	case IMAGE_OPT_PLATFORM:
		return take_text(&p->platform, arg);
	case IMAGE_OPT_LOCAL:
		return take_flag(&p->is_local);
	case IMAGE_OPT_MIRROR:
		return take_in_list(p->mirrors, &p->nmirrors, arg, "--mirror");
	case IMAGE_OPT_INSECURE:
		return take_in_list(p->insecure, &p->ninsecure, arg, "--insecure");
	case IMAGE_OPT_USER:
		return take_text(&p->user, arg);
	case IMAGE_OPT_PASSWORD_FILE:
		return take_password(p, arg);
	case IMAGE_OPT_CA_FILE:
		return take_text(&p->ca_file, arg);
	case IMAGE_OPT_ROOT:
		return take_text(&p->root, arg);
	case 'q':
		return take_flag(&p->is_quiet);
	default:
		return 0;
	}
}

bool image_place_check(const struct image_place *p, bool is_one_image)
{
	const char *user = p->user ? p->user : "";

	if (!p->user && p->password[0])
		fprintf(stderr, "koban image: a password of whom? --user NAME\n");
	else if (p->user && !p->password[0])
		fprintf(stderr, "koban image: --user %s needs --password-file FILE\n", user);
	else if (p->user && !is_one_image && !strchr(user, '='))
		fprintf(stderr,
			"koban image: --user %s: at which registry? Of several images each could "
			"have its own: --user REGISTRY=%s\n",
			user, user);
	else
		return true;
	return false;
}

int image_knowledge_take(struct image_knowledge *k, int opt, const char *arg)
{
	switch (opt) {
	case IMAGE_OPT_ONLY:
		return take_in_list(k->only, &k->nonly, arg, "--only");
	case IMAGE_OPT_YARA:
		return take_in_list(k->yara, &k->nyara, arg, "--yara");
	case IMAGE_OPT_FEED:
		return take_in_list(k->feeds, &k->nfeeds, arg, "--feed");
	case IMAGE_OPT_SECRETS:
		return take_in_list(k->secrets, &k->nsecrets, arg, "--secrets");
	case IMAGE_OPT_CACHE:
		return take_text(&k->cache, arg);
	case IMAGE_OPT_NO_CACHE:
		return take_flag(&k->is_uncached);
	default:
		return 0;
	}
}

/* ---- images --------------------------------------------------------------------------------- */

static void say_waiting(void *arg, const char *registry, unsigned seconds, const char *why)
{
	const struct image_place *p = arg;

	if (!p->is_quiet)
		fprintf(stderr, "koban: %s: %s; trying again in %u s\n", registry, why, seconds);
}

void image_place_fill(const struct image_place *p, struct image_options *o)
{
	*o = (struct image_options){.platform = p->platform,
		.mirrors = p->nmirrors ? p->mirrors : NULL,
		.insecure = p->ninsecure ? p->insecure : NULL,
		.user = p->user,
		.password = p->user ? p->password : NULL,
		.ca_file = p->ca_file,
		.root = p->root,
		.stop = stop_flag(),
		.waiting = say_waiting,
		.arg = (void *)p};
}

/* "podman:debian" and the like have a place; a bare name has none. */
static bool is_bare(const char *ref)
{
	static const char *const places[] = {"docker-archive:", "oci:", "oci-archive:", "dir:",
		"containerd:", "podman:", "docker:", NULL};

	for (size_t i = 0; places[i]; i++)
		if (!strncmp(ref, places[i], strlen(places[i])))
			return false;
	return true;
}

static int open_local(const char *ref, const struct image_options *o, struct image_source **ret)
{
	static const char *const stores[] = {"containerd:", "podman:", "docker:", NULL};
	char name[2048];

	for (size_t i = 0; stores[i]; i++) {
		snprintf(name, sizeof(name), "%s%s", stores[i], ref);
		if (image_open(name, o, ret, NULL) == 0)
			return 0;
	}
	return -ENOENT;
}

int image_place_open(const struct image_place *p, const char *ref, const char *platform,
	struct image_source **ret, struct err *e)
{
	struct image_options o;

	image_place_fill(p, &o);
	if (platform)
		o.platform = platform;
	if (p->is_local && is_bare(ref) && open_local(ref, &o, ret) == 0)
		return 0;
	return image_open(ref, &o, ret, e);
}

/* ---- the scanner ---------------------------------------------------------------------------- */

/* Where layers are remembered unless it is said otherwise; false when there is no such place. */
static bool usual_cache_dir(char *out, size_t size)
{
	const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	int n;

	if (xdg && *xdg == '/')
		n = snprintf(out, size, "%s/koban/layers", xdg);
	else if (geteuid() == 0)
		n = snprintf(out, size, "/var/cache/koban/layers");
	else if (home && *home == '/')
		n = snprintf(out, size, "%s/.cache/koban/layers", home);
	else
		return false;
	return n > 0 && (size_t)n < size;
}

int image_knowledge_open(const struct image_knowledge *k, struct scanner **ret, struct err *e)
{
	char dir[4096];
	struct scan_options o = {.yara_paths = k->nyara ? k->yara : NULL,
		.feeds = k->nfeeds ? k->feeds : NULL,
		.secret_paths = k->nsecrets ? k->secrets : NULL,
		.only = k->nonly ? k->only : NULL,
		.cache_dir = k->cache,
		.scanner = "koban " KOBAN_VERSION,
		.threads = k->threads};

	if (!o.cache_dir && usual_cache_dir(dir, sizeof(dir)))
		o.cache_dir = dir;
	if (k->is_uncached)
		o.cache_dir = NULL;
	int r = scanner_open(&o, ret, e);
	/* a place that nobody asked for may be missing */
	if (r < 0 && o.cache_dir && !k->cache) {
		o.cache_dir = NULL;
		r = scanner_open(&o, ret, e);
	}
	return r;
}

/* ---- the report ----------------------------------------------------------------------------- */

int image_write_out(const char *file, struct str text, struct err *e)
{
	int fd = STDOUT_FILENO;

	if (file && (fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)) < 0)
		return err_set(e, errno, "%s: cannot be written: %s", file, strerror(errno));
	int x = io_write_all(fd, text);

	if (file && close(fd) < 0 && x == 0)
		x = -errno;
	return x < 0 ? err_set(e, -x, "%s: cannot be written: %s", file ? file : "standard output",
			       strerror(-x))
		     : 0;
}
