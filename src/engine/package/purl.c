/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Package URLs (ECMA-427, github.com/package-url/purl-spec: PURL-SPECIFICATION and the definitions
 * of the types): type, namespace, name, version, qualifiers, each with its own rules of case and
 * percent encoding. Parsing them is nobody's need here.
 */
#include <ctype.h>
#include <stdio.h>

#include "engine/package/private.h"

enum { PURL_MAX = 4096 };

static bool is_of_distro(enum package_type t)
{
	return t == PACKAGE_DPKG || t == PACKAGE_APK || t == PACKAGE_RPM;
}

/* Types whose names are lower case by their definition. */
static bool is_lower(enum package_type t)
{
	return t == PACKAGE_DPKG || t == PACKAGE_APK || t == PACKAGE_NPM || t == PACKAGE_PYPI ||
	       t == PACKAGE_GO || t == PACKAGE_COMPOSER;
}

/* "." "-" "_" "~", letters and digits stay, and so does ":"; all else is encoded, bytewise. */
static void add_encoded(struct buf *b, struct str s, bool lower, const char *also)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.s[i];

		if (lower && c >= 'A' && c <= 'Z')
			c = (unsigned char)(c + ('a' - 'A'));
		if (c < 0x80 && (isalnum(c) || (c && strchr(".-_~:", c)) || (c && strchr(also, c))))
			buf_add_char(b, (char)c);
		else
			buf_printf(b, "%%%02X", c);
	}
}

/* PEP 503 as far as the definition of the type goes: "_" is "-". */
static struct str pypi_name(struct arena *a, struct str name)
{
	struct str copy = arena_str(a, name);

	for (size_t i = 0; i < copy.len; i++)
		if (copy.s[i] == '_')
			((char *)copy.s)[i] = '-';
	return copy;
}

static struct str namespace_of(const struct artifact_package *p, const struct artifact_distro *d)
{
	if (is_of_distro(p->type))
		return d ? d->id : STR_NULL;
	if (p->type == PACKAGE_GO)
		return path_dir(p->name);
	/* the type wants one; what is old enough to say nothing is mostly in a group of its name */
	if (p->type == PACKAGE_JAR && !p->group.len)
		return p->name;
	return p->group;
}

/* rpm's "1:2.0-3" has its epoch as a qualifier. */
static struct str split_epoch(const struct artifact_package *p, struct str *epoch)
{
	ptrdiff_t colon = p->type == PACKAGE_RPM ? str_find_char(p->version, ':') : -1;

	*epoch = colon < 0 ? STR_NULL : str_head(p->version, (size_t)colon);
	return colon < 0 ? p->version : str_skip(p->version, (size_t)colon + 1);
}

static void add_qualifier(struct buf *b, char *separator, const char *key, struct str value)
{
	if (!value.len)
		return;
	buf_add_char(b, *separator);
	*separator = '&';
	buf_add_cstr(b, key);
	buf_add_char(b, '=');
	add_encoded(b, value, false, "");
}

/* In the order of their names, as the specification wants it. */
static void add_qualifiers(struct buf *b, const struct artifact_package *p,
	const struct artifact_distro *d, struct str epoch)
{
	char separator = '?', distro[200] = "";

	if (!is_of_distro(p->type)) {
		if (p->type == PACKAGE_GEM)
			add_qualifier(b, &separator, "platform", p->arch);
		return;
	}
	if (d && d->id.len && d->version.len)
		snprintf(distro, sizeof(distro), "%.*s-%.*s", STR_ARG(str_head(d->id, 90)),
			STR_ARG(str_head(d->version, 90)));
	else if (d && d->codename.len)
		snprintf(distro, sizeof(distro), "%.*s-%.*s", STR_ARG(str_head(d->id, 90)),
			STR_ARG(str_head(d->codename, 90)));
	add_qualifier(b, &separator, "arch", p->arch);
	add_qualifier(b, &separator, "distro", str_of(distro));
	add_qualifier(b, &separator, "epoch", epoch);
}

struct str package_purl(
	const struct artifact_package *p, const struct artifact_distro *d, struct arena *a)
{
	struct buf b = BUF_INIT(PURL_MAX);
	struct str name = p->name, epoch, version = split_epoch(p, &epoch);
	struct str space = namespace_of(p, d);
	bool lower = is_lower(p->type);

	if (p->type == PACKAGE_GO)
		name = path_base(name);
	else if (p->type == PACKAGE_PYPI)
		name = pypi_name(a, name);
	buf_printf(&b, "pkg:%s/", artifact_package_type_name(p->type));
	if (space.len) {
		add_encoded(&b, space, lower || is_of_distro(p->type),
			p->type == PACKAGE_GO ? "/" : "");
		buf_add_char(&b, '/');
	}
	add_encoded(&b, name, lower, "");
	if (version.len) {
		buf_add_char(&b, '@');
		add_encoded(&b, version, false, "");
	}
	add_qualifiers(&b, p, d, epoch);
	struct str ret = b.cut ? STR_NULL : arena_str(a, buf_str(&b));
	buf_done(&b);
	return ret;
}

/* Type "oci": the last part of the repository, the manifest's digest, where it is. */
struct str package_purl_image(const struct artifact_image *image, struct arena *a)
{
	struct buf b = BUF_INIT(PURL_MAX);
	struct str platform = image->platform, digest = image->digest;
	ptrdiff_t colon = str_find_char(digest, ':');

	if (!image->repository.len || colon < 0)
		return STR_NULL;
	str_cut(&platform, '/');
	buf_add_cstr(&b, "pkg:oci/");
	add_encoded(&b, path_base(image->repository), true, "");
	buf_add_char(&b, '@');
	/* the definition of the type encodes this colon, and so do all who write it */
	add_encoded(&b, str_head(digest, (size_t)colon), false, "");
	buf_add_cstr(&b, "%3A");
	add_encoded(&b, str_skip(digest, (size_t)colon + 1), false, "");
	char separator = '?';
	add_qualifier(&b, &separator, "arch", str_cut(&platform, '/'));
	buf_add_char(&b, separator);
	buf_add_cstr(&b, "repository_url=");
	add_encoded(&b, image->registry, false, "/");
	buf_add_cstr(&b, image->registry.len ? "/" : "");
	add_encoded(&b, image->repository, true, "/");
	separator = '&';
	add_qualifier(&b, &separator, "tag", image->tag);
	struct str ret = b.cut ? STR_NULL : arena_str(a, buf_str(&b));
	buf_done(&b);
	return ret;
}
