/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The folder of remembered layers. A file is a head line with the SHA-256 of what follows, and the
 * report's two lines. It is written beside its place and renamed into it. When the folder grows
 * over its bound, those that were not used for longest go. It is a help, never a condition:
 * whatever fails here, layers are read again.
 */
#include "scan/image/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"

enum { HEAD = 80, NAME_BYTES = 128, FILES_MAX = 200000, SWEEP_EVERY = 64 };

struct layer_cache {
	int dir;
	unsigned kept; /* since the folder was swept */
};

int layer_cache_open(const char *dir, struct layer_cache **ret, struct err *e)
{
	struct layer_cache *c = calloc(1, sizeof(*c));
	char *at = c ? strdup(dir) : NULL;

	*ret = NULL;
	for (char *p = at ? at + 1 : NULL; p && *p; p++) {
		if (*p != '/')
			continue;
		*p = 0;
		mkdir(at, 0755);
		*p = '/';
	}
	free(at);
	if (!c)
		return err_set(e, ENOMEM, "no memory left for the cache of layers");
	mkdir(dir, 0700);
	c->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (c->dir < 0) {
		int r = err_set(
			e, errno, "%s: cannot be the cache of layers: %s", dir, strerror(errno));

		free(c);
		return r;
	}
	*ret = c;
	return 0;
}

void layer_cache_close(struct layer_cache *c)
{
	if (!c)
		return;
	close(c->dir);
	free(c);
}

/* "sha256-HEX-KNOWLEDGE"; false when the digest is none. */
static bool name_of(struct str digest, uint64_t knowledge, char out[NAME_BYTES])
{
	ptrdiff_t colon = str_find_char(digest, ':');

	if (colon <= 0 || digest.len > 90)
		return false;
	for (size_t i = 0; i < digest.len; i++) {
		char c = digest.s[i];

		if ((c < '0' || c > '9') && (c < 'a' || c > 'z') && c != ':')
			return false;
	}
	snprintf(out, NAME_BYTES, "%.*s-%.*s-%016llx", (int)colon, digest.s,
		STR_ARG(str_skip(digest, (size_t)colon + 1)), (unsigned long long)knowledge);
	return true;
}

static void make_head(struct str text, char out[HEAD + 1])
{
	uint8_t sha[32] = {0};
	int at = snprintf(out, HEAD + 1, "koban-lay1 ");

	EVP_Digest(text.s, text.len, sha, NULL, EVP_sha256(), NULL);
	for (size_t i = 0; i < sizeof(sha); i++)
		at += snprintf(out + at, HEAD + 1 - (size_t)at, "%02x", sha[i]);
	while (at < HEAD - 1)
		out[at++] = ' ';
	out[HEAD - 1] = '\n';
	out[HEAD] = 0;
}

/*
 * A byte of one file stands for a layer: locks of open files (fcntl(2), F_OFD_SETLKW) go with
 * whoever holds them, and leave nothing behind.
 */
int layer_cache_begin(struct layer_cache *c, struct str digest)
{
	struct flock lock = {.l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = (off_t)(str_hash(digest) >> 2),
		.l_len = 1};
	int fd = openat(c->dir, ".lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	/* interrupted, or on a file system without locks: at worst it is read twice */
	if (fd >= 0)
		fcntl(fd, F_OFD_SETLKW, &lock);
	return fd;
}

void layer_cache_end(int begun)
{
	if (begun >= 0)
		close(begun);
}

bool layer_cache_find(struct layer_cache *c, struct str digest, uint64_t knowledge, struct arena *a,
	struct layer_report *ret)
{
	char name[NAME_BYTES], head[HEAD + 1];
	struct arena scratch;
	struct str text;
	bool is_there = false;

	if (!name_of(digest, knowledge, name))
		return false;
	arena_init(&scratch, 2 * (size_t)LAYER_REPORT_MAX);
	if (io_read_file(&scratch, c->dir, name, LAYER_REPORT_MAX + HEAD, &text, NULL) == 0 &&
		text.len > HEAD) {
		struct str body = str_skip(text, HEAD);

		make_head(body, head);
		is_there = memcmp(head, text.s, HEAD) == 0 &&
			   layer_report_from_json(body, a, ret, NULL) == 0;
	}
	arena_done(&scratch);
	/* used now: it stays longest */
	if (is_there)
		utimensat(c->dir, name, NULL, 0);
	return is_there;
}

/* ---- keeping it small ----------------------------------------------------------------------- */

struct kept {
	char name[NAME_BYTES];
	int64_t used_s;
	uint64_t size;
};

static int by_age(const void *a, const void *b)
{
	int64_t x = ((const struct kept *)a)->used_s, y = ((const struct kept *)b)->used_s;

	return x < y ? -1 : x > y;
}

static size_t list_kept(struct layer_cache *c, DIR *d, struct kept *v, size_t max, uint64_t *sum)
{
	struct dirent *e;
	size_t n = 0;

	while (n < max && (e = readdir(d))) {
		struct stat st;

		if (strncmp(e->d_name, "sha", 3) != 0 || strlen(e->d_name) >= NAME_BYTES ||
			fstatat(c->dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
			!S_ISREG(st.st_mode))
			continue;
		strcpy(v[n].name, e->d_name);
		v[n].used_s = st.st_mtim.tv_sec;
		v[n].size = (uint64_t)st.st_size;
		*sum += v[n++].size;
	}
	return n;
}

static void sweep(struct layer_cache *c)
{
	const uint64_t max = (uint64_t)CACHE_MAX_MB << 20;
	int fd = openat(c->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	struct kept *v = d ? malloc(FILES_MAX * sizeof(*v)) : NULL;
	uint64_t sum = 0;

	if (v) {
		size_t n = list_kept(c, d, v, FILES_MAX, &sum);

		if (sum > max)
			qsort(v, n, sizeof(*v), by_age);
		/* a tenth more than it must be, so that not every layer sweeps */
		for (size_t i = 0; i < n && sum > max - max / 10; i++) {
			if (sum > max || i)
				unlinkat(c->dir, v[i].name, 0);
			sum -= v[i].size;
		}
	}
	free(v);
	if (d)
		closedir(d);
	else if (fd >= 0)
		close(fd);
}

void layer_cache_keep(
	struct layer_cache *c, struct str digest, uint64_t knowledge, const struct layer_report *l)
{
	char name[NAME_BYTES], beside[NAME_BYTES + 32], head[HEAD + 1];
	struct buf b = BUF_INIT(LAYER_REPORT_MAX);

	if (l->is_partial || !name_of(digest, knowledge, name))
		return;
	layer_report_to_json(l, &b);
	snprintf(beside, sizeof(beside), ".new-%d-%p-%s", (int)getpid(), (void *)c, name);
	int fd =
		b.cut ? -1 : openat(c->dir, beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd >= 0) {
		make_head(buf_str(&b), head);
		bool is_kept = io_write_all(fd, str_make(head, HEAD)) == 0 &&
			       io_write_all(fd, buf_str(&b)) == 0;

		/* not synced: what a power cut damages is not there */
		close(fd);
		if (!is_kept || renameat(c->dir, beside, c->dir, name) < 0)
			unlinkat(c->dir, beside, 0);
	}
	buf_done(&b);
	if (c->kept++ % SWEEP_EVERY == 0)
		sweep(c);
}
