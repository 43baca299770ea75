/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a user has logged in with: Docker's config.json (auths, credHelpers, credsStore) and
 * auth.json of podman, skopeo and buildah (containers-auth.json(5)), whose keys may also name a
 * part of a registry. Passwords are never in a message.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/io.h"
#include "source/image/auth.h"

enum { FILE_MAX_BYTES = 1 << 20 };

/* "https://index.docker.io/v1/" is "docker.io": keys of old and new tools made one. */
static struct str plain_key(struct str key)
{
	if (str_starts(key, STR("https://")))
		key = str_skip(key, 8);
	else if (str_starts(key, STR("http://")))
		key = str_skip(key, 7);
	while (str_ends(key, STR("/")))
		key.len--;
	if (str_ends(key, STR("/v1")) || str_ends(key, STR("/v2")))
		key.len -= 3;
	if (str_is(key, "index.docker.io") || str_is(key, "registry-1.docker.io"))
		key = STR("docker.io");
	return key;
}

/* How well a key fits: its length, when it is the registry or a folder above the repository. */
static size_t fits(struct str key, struct str registry, struct str repository)
{
	struct str rest;

	key = plain_key(key);
	if (!str_starts(key, registry))
		return 0;
	rest = str_skip(key, registry.len);
	if (!rest.len)
		return key.len;
	if (rest.s[0] != '/' || !str_starts(repository, str_skip(rest, 1)))
		return 0;
	rest = str_skip(repository, rest.len - 1);
	return !rest.len || rest.s[0] == '/' ? key.len : 0;
}

static const json_t *best_of(
	const json_t *o, struct str registry, struct str repository, const char **ret_key)
{
	const json_t *best = NULL;
	size_t best_fit = 0;
	const char *key;
	json_t *v;

	json_object_foreach((json_t *)o, key, v)
	{
		size_t fit = fits(str_of(key), registry, repository);

		if (fit > best_fit) {
			best = v;
			best_fit = fit;
			*ret_key = key;
		}
	}
	return best;
}

/* base64 of "user:password" */
static bool decode_auth(struct str text, struct arena *a, struct credential *c)
{
	unsigned char *out = text.len < 64 << 10 ? arena_raw(a, text.len + 4) : NULL;
	int n = out ? EVP_DecodeBlock(out, (const unsigned char *)text.s, (int)text.len) : -1;

	if (n < 0)
		return false;
	for (size_t i = text.len; i > 0 && text.s[i - 1] == '='; i--)
		n--;
	struct str rest = str_make((char *)out, n > 0 ? (size_t)n : 0);

	while (str_ends(rest, str_make("", 1)))
		rest.len--;
	c->user = str_cut(&rest, ':');
	c->password = rest;
	return rest.s;
}

static int read_entry(const json_t *entry, const char *path, struct arena *a,
	struct credential *ret, struct err *e)
{
	struct str auth = image_json_str(entry, "auth");

	*ret = (struct credential){
		.user = arena_str(a, image_json_str(entry, "username")),
		.password = arena_str(a, image_json_str(entry, "password")),
		.identity_token = arena_str(a, image_json_str(entry, "identitytoken")),
	};
	if (auth.len && !decode_auth(auth, a, ret))
		return err_set(
			e, EINVAL, "%s: an \"auth\" is not base64 of \"user:password\"", path);
	return 0;
}

static bool is_empty(const struct credential *c)
{
	return !c->user.len && !c->identity_token.len;
}

/* The key under which Docker's helpers keep a registry. */
static struct str server_of(struct str registry)
{
	return str_is(registry, "docker.io") ? STR("https://index.docker.io/v1/") : registry;
}

static int search(const json_t *j, const char *path, struct str registry, struct str repository,
	bool helpers, struct arena *a, struct credential *ret, struct err *e)
{
	const char *key = NULL;
	struct str helper = image_json_text(
		best_of(image_json_get(j, "credHelpers"), registry, STR_NULL, &key));
	struct str server = helper.len ? str_of(key) : server_of(registry);
	int r = 0;

	if (!helper.len)
		helper = image_json_str(j, "credsStore");
	if (helper.len && helpers)
		r = credential_ask_helper(helper, server, a, ret, e);
	if (r < 0 || !is_empty(ret))
		return r;
	const json_t *entry = best_of(image_json_get(j, "auths"), registry, repository, &key);

	return entry ? read_entry(entry, path, a, ret, e) : 0;
}

int credential_in_file(struct str text, const char *path, struct str registry,
	struct str repository, bool helpers, struct arena *a, struct credential *ret, struct err *e)
{
	json_t *j;
	int r = image_json(text, path, &j, e);

	*ret = (struct credential){0};
	if (r < 0)
		return r;
	r = search(j, path, registry, repository, helpers, a, ret, e);
	json_decref(j);
	return r;
}

static int try_file(const char *path, struct str registry, struct str repository, struct arena *a,
	struct credential *ret, struct err *e)
{
	struct str text;
	struct err why = {0};
	int r = io_read_file(a, AT_FDCWD, path, FILE_MAX_BYTES, &text, &why);

	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	if (r < 0)
		return err_set(e, -r, "%s", why.msg);
	return text.len ? credential_in_file(text, path, registry, repository, true, a, ret, e) : 0;
}

/* The login of the options goes to the registry that it is for, and to no mirror by itself. */
static bool is_given(
	const struct image_options *o, struct str registry, bool is_mirror, struct credential *ret)
{
	struct str user = str_of(o->user ? o->user : ""), of = STR_NULL;

	if (str_find_char(user, '=') >= 0)
		of = str_cut(&user, '=');
	if (!user.len || (of.len ? !str_eq(of, registry) : is_mirror))
		return false;
	ret->user = user;
	ret->password = str_of(o->password ? o->password : "");
	return true;
}

int credential_find(const struct image_options *o, struct str registry, struct str repository,
	bool is_mirror, struct arena *a, struct credential *ret, struct err *e)
{
	const struct {
		const char *variable, *file;
	} places[] = {
		{"DOCKER_CONFIG", "config.json"},
		{"HOME", ".docker/config.json"},
		{"REGISTRY_AUTH_FILE", NULL},
		{"XDG_RUNTIME_DIR", "containers/auth.json"},
		{"HOME", ".config/containers/auth.json"},
	};
	char path[4096];
	int r = 0;

	*ret = (struct credential){0};
	if (is_given(o, registry, is_mirror, ret))
		return 0;
	if (o->docker_config) {
		snprintf(path, sizeof(path), "%s/config.json", o->docker_config);
		return try_file(path, registry, repository, a, ret, e);
	}
	for (size_t i = 0; r == 0 && is_empty(ret) && i < sizeof(places) / sizeof(*places); i++) {
		const char *dir = getenv(places[i].variable);

		/* $DOCKER_CONFIG is instead of ~/.docker */
		if (!dir || !*dir || (i == 1 && getenv("DOCKER_CONFIG")))
			continue;
		int n = snprintf(path, sizeof(path), "%s%s%s", dir, places[i].file ? "/" : "",
			places[i].file ? places[i].file : "");

		if (n < (int)sizeof(path))
			r = try_file(path, registry, repository, a, ret, e);
	}
	return r;
}
