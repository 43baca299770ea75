/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opens an image and says in JSON what it is and what each layer's stream hashes to; what
 * test_image_sources.py asks about every kind of source.
 *
 *   image-reader [OPTION]… open REF        description, layers with the SHA-256 of their streams
 *   image-reader [OPTION]… platforms REF | catalog REGISTRY | tags REPOSITORY
 *
 * Options: --platform P, --insecure HOST, --mirror M, --docker-config DIR, --user U, --password P,
 * --ca-file F, --root DIR, --blobs DIR, --retries N, --stall S, --to DIR (writes layers there)
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/json.h"
#include "source/image/image.h"

enum { LIST = 16 };

static const char *insecure[LIST], *mirrors[LIST], *blobs[LIST], *to_dir;
static size_t ninsecure, nmirrors, nblobs;

static void add_text(struct buf *b, bool *first, const char *key, struct str s)
{
	json_add_key(b, first, key);
	json_add_str(b, s);
}

static void add_list(struct buf *b, bool *first, const char *key, const struct str *list, size_t n)
{
	json_add_key(b, first, key);
	buf_add_char(b, '[');
	for (size_t i = 0; i < n; i++) {
		buf_add_cstr(b, i ? "," : "");
		json_add_str(b, list[i]);
	}
	buf_add_char(b, ']');
}

static void waiting(void *arg, const char *registry, unsigned seconds, const char *why)
{
	(void)arg;
	fprintf(stderr, "waiting %u s for %s: %s\n", seconds, registry, why);
}

static int hash_layer(struct image_source *s, size_t i, struct buf *b, struct err *e)
{
	static uint8_t chunk[1 << 16];
	unsigned char md[EVP_MAX_MD_SIZE];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	struct image_stream *st;
	uint64_t bytes = 0;
	char path[4096];
	ptrdiff_t n = image_layer_open(s, i, &st, e);
	int fd = -1;

	if (n < 0) {
		EVP_MD_CTX_free(ctx);
		return (int)n;
	}
	if (to_dir) {
		snprintf(path, sizeof(path), "%s/%zu", to_dir, i);
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	}
	EVP_DigestInit_ex(ctx, EVP_sha256(), NULL);
	while ((n = image_stream_read(st, chunk, sizeof(chunk), e)) > 0) {
		EVP_DigestUpdate(ctx, chunk, (size_t)n);
		bytes += (uint64_t)n;
		if (fd >= 0 && io_write_all(fd, str_make((char *)chunk, (size_t)n)) < 0)
			abort();
	}
	EVP_DigestFinal_ex(ctx, md, NULL);
	EVP_MD_CTX_free(ctx);
	if (fd >= 0)
		close(fd);
	image_stream_close(st);
	buf_printf(b, ",\"bytes\":%llu,\"sha256\":\"", (unsigned long long)bytes);
	for (int k = 0; k < 32; k++)
		buf_printf(b, "%02x", md[k]);
	buf_add_cstr(b, "\"");
	return (int)n;
}

static int add_layers(struct image_source *s, struct buf *b, struct err *e)
{
	const struct artifact_image *im = image_describe(s);

	buf_add_cstr(b, ",\"layers\":[");
	for (size_t i = 0; i < im->nlayers; i++) {
		const struct artifact_layer *l = &im->layers[i];
		bool first = true;

		buf_add_cstr(b, i ? ",{" : "{");
		add_text(b, &first, "digest", l->digest);
		add_text(b, &first, "diff_id", l->diff_id);
		add_text(b, &first, "media_type", l->media_type);
		add_text(b, &first, "created_by", l->created_by);
		buf_printf(b, ",\"size\":%llu", (unsigned long long)l->size);
		int r = hash_layer(s, i, b, e);

		if (r < 0)
			return r;
		buf_add_char(b, '}');
	}
	buf_add_char(b, ']');
	return 0;
}

static void add_image(struct buf *b, const struct artifact_image *im)
{
	const struct artifact_config *c = &im->config;
	bool first = true;

	add_text(b, &first, "ref", im->ref);
	add_text(b, &first, "registry", im->registry);
	add_text(b, &first, "repository", im->repository);
	add_text(b, &first, "tag", im->tag);
	add_text(b, &first, "digest", im->digest);
	add_text(b, &first, "config_digest", im->config_digest);
	add_text(b, &first, "platform", im->platform);
	add_text(b, &first, "user", c->user);
	add_list(b, &first, "entrypoint", c->entrypoint, c->nentrypoint);
	add_list(b, &first, "cmd", c->cmd, c->ncmd);
	add_list(b, &first, "env", c->env, c->nenv);
	add_list(b, &first, "ports", c->ports, c->nports);
	buf_printf(b, ",\"labels\":%zu,\"history\":%zu", c->nlabels, c->nhistory);
}

static int open_image(const char *ref, const struct image_options *o, struct buf *b, struct err *e)
{
	struct image_source *s;
	int r = image_open(ref, o, &s, e);

	if (r < 0)
		return r;
	buf_add_char(b, '{');
	add_image(b, image_describe(s));
	r = add_layers(s, b, e);
	size_t n;
	const struct artifact_gap *gaps = image_gaps(s, &n);

	buf_add_cstr(b, ",\"gaps\":[");
	for (size_t i = 0; i < n; i++) {
		bool first = true;

		buf_add_cstr(b, i ? ",{" : "{");
		add_text(b, &first, "what", gaps[i].what);
		add_text(b, &first, "why", gaps[i].why);
		buf_printf(b, ",\"is_serious\":%s", gaps[i].is_serious ? "true" : "false");
		buf_printf(b, ",\"count\":%llu}", (unsigned long long)gaps[i].count);
	}
	buf_add_cstr(b, "]}");
	image_close(s);
	return r;
}

static int list(const char *verb, const char *name, const struct image_options *o, struct buf *b,
	struct err *e)
{
	struct str *names = NULL;
	bool first = true;
	struct arena a;
	size_t n = 0;

	arena_init(&a, 0);
	int r = strcmp(verb, "platforms") == 0 ? image_platforms(name, o, &a, &names, &n, e)
		: strcmp(verb, "tags") == 0    ? image_tags(name, o, &a, &names, &n, e)
					       : image_catalog(name, o, &a, &names, &n, e);
	buf_add_char(b, '{');
	add_list(b, &first, "names", names, n);
	buf_add_char(b, '}');
	arena_done(&a);
	return r;
}

static bool set(struct image_options *o, const char *option, const char *value)
{
	const struct {
		const char *option, **to;
	} texts[] = {
		{"--platform", &o->platform},
		{"--docker-config", &o->docker_config},
		{"--user", &o->user},
		{"--password", &o->password},
		{"--ca-file", &o->ca_file},
		{"--root", &o->root},
		{"--to", &to_dir},
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (strcmp(option, texts[i].option) == 0)
			return *texts[i].to = value, true;
	if (strcmp(option, "--insecure") == 0 && ninsecure < LIST - 1)
		insecure[ninsecure++] = value;
	else if (strcmp(option, "--mirror") == 0 && nmirrors < LIST - 1)
		mirrors[nmirrors++] = value;
	else if (strcmp(option, "--blobs") == 0 && nblobs < LIST - 1)
		blobs[nblobs++] = value;
	else if (strcmp(option, "--retries") == 0)
		o->retries = (unsigned)atoi(value);
	else if (strcmp(option, "--stall") == 0)
		o->stall_s = (unsigned)atoi(value);
	else
		return false;
	return true;
}

int main(int argc, char **argv)
{
	struct image_options o = {
		.insecure = insecure, .mirrors = mirrors, .blob_dirs = blobs, .waiting = waiting};
	struct buf b = BUF_INIT(64 << 20);
	struct err e = {0};
	int i = 1;

	for (; i + 1 < argc && argv[i][0] == '-'; i += 2)
		if (!set(&o, argv[i], argv[i + 1]))
			return 2;
	if (i + 2 != argc)
		return 2;
	int r = strcmp(argv[i], "open") == 0 ? open_image(argv[i + 1], &o, &b, &e)
					     : list(argv[i], argv[i + 1], &o, &b, &e);
	if (r < 0)
		printf("{\"error\":\"%s\",\"message\":", strerrorname_np(-r));
	if (r < 0) {
		buf_clear(&b);
		json_add_str(&b, str_of(e.msg));
		buf_add_char(&b, '}');
	}
	printf("%.*s\n", STR_ARG(buf_str(&b)));
	buf_done(&b);
	return r < 0;
}
