/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Platforms: "linux/arm64/v8". The same machine goes by several names (image-spec, image-index.md,
 * and what container engines accept), and a machine runs what its predecessors ran.
 */
#include <errno.h>
#include <sys/utsname.h>

#include "source/image/private.h"

static const struct {
	struct str alias, arch, variant;
} aliases[] = {
	{STR("x86_64"), STR("amd64"), STR("")},
	{STR("x86-64"), STR("amd64"), STR("")},
	{STR("aarch64"), STR("arm64"), STR("")},
	{STR("i386"), STR("386"), STR("")},
	{STR("i486"), STR("386"), STR("")},
	{STR("i586"), STR("386"), STR("")},
	{STR("i686"), STR("386"), STR("")},
	{STR("x86"), STR("386"), STR("")},
	{STR("armhf"), STR("arm"), STR("v7")},
	{STR("armv7l"), STR("arm"), STR("v7")},
	{STR("armel"), STR("arm"), STR("v6")},
	{STR("armv6l"), STR("arm"), STR("v6")},
	{STR("armv5tel"), STR("arm"), STR("v5")},
	{STR("mips64el"), STR("mips64le"), STR("")},
	{STR("ppc64el"), STR("ppc64le"), STR("")},
	{STR("loongarch64"), STR("loong64"), STR("")},
};

void image_platform_normalize(struct platform *p)
{
	for (size_t i = 0; i < sizeof(aliases) / sizeof(*aliases); i++)
		if (str_ieq(p->arch, aliases[i].alias)) {
			p->arch = aliases[i].arch;
			if (!p->variant.len)
				p->variant = aliases[i].variant;
		}
	/* what everybody means who says nothing */
	if (str_is(p->arch, "arm") && !p->variant.len)
		p->variant = STR("v7");
	if (str_is(p->arch, "arm64") && (str_is(p->variant, "v8") || str_is(p->variant, "8")))
		p->variant = STR("");
	if (str_is(p->arch, "amd64") && str_is(p->variant, "v1"))
		p->variant = STR("");
}

void image_platform_here(struct platform *ret)
{
	static struct utsname u; /* only ever filled with the same */

	*ret = (struct platform){.os = STR("linux"), .arch = STR("amd64")};
	if (uname(&u) == 0)
		ret->arch = str_of(u.machine);
	image_platform_normalize(ret);
}

static bool is_word(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!(s.s[i] >= 'a' && s.s[i] <= 'z') && !(s.s[i] >= '0' && s.s[i] <= '9') &&
			!(s.s[i] >= 'A' && s.s[i] <= 'Z') && s.s[i] != '_' && s.s[i] != '-' &&
			s.s[i] != '.')
			return false;
	return s.len > 0 && s.len <= 32;
}

int image_platform_parse(struct str text, struct arena *a, struct platform *ret, struct err *e)
{
	struct str rest = text, part[4] = {STR_NULL};
	size_t n = 0;

	while (rest.s && n < 4)
		part[n++] = str_cut(&rest, '/');
	for (size_t i = 0; i < n; i++)
		if (!is_word(part[i]))
			n = 4;
	if (n == 0 || n > 3)
		return err_set(e, EINVAL,
			"\"%.*s\" is no platform: write it as OS/ARCHITECTURE, such as linux/arm64",
			STR_ARG(str_head(text, 80)));
	*ret = n == 1 ? (struct platform){.os = STR("linux"), .arch = arena_str(a, part[0])}
		      : (struct platform){arena_str(a, part[0]), arena_str(a, part[1]),
				arena_str(a, part[2])};
	image_platform_normalize(ret);
	return 0;
}

/* 'v7' → 7; 0 = none that can be compared */
static unsigned number_of(struct str variant)
{
	return variant.len == 2 && variant.s[0] == 'v' && variant.s[1] >= '1' && variant.s[1] <= '9'
		       ? (unsigned)(variant.s[1] - '0')
		       : 0;
}

unsigned image_platform_match(const struct platform *want, const struct platform *have)
{
	struct platform w = *want, h = *have;

	image_platform_normalize(&w);
	image_platform_normalize(&h);
	if (!str_eq(w.os, h.os) || !str_eq(w.arch, h.arch))
		return 0;
	if (str_eq(w.variant, h.variant))
		return 100;
	unsigned wanted = number_of(w.variant), offered = number_of(h.variant);

	if (!h.variant.len)
		return 50;
	/* amd64/v3 runs v2; nobody who asked for amd64 has v3 for sure */
	return offered && offered < wanted ? 50 + offered : 0;
}

struct str image_platform_text(const struct platform *p, struct arena *a)
{
	if (!p->os.len && !p->arch.len)
		return STR_NULL;
	return arena_printf(a, "%.*s/%.*s%s%.*s", STR_ARG(p->os), STR_ARG(p->arch),
		p->variant.len ? "/" : "", STR_ARG(p->variant));
}
