/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One entry of a list into the set that keeps its kind: checked, in the form in which it will be
 * asked for. Where a line ends and what its parts are is decided in list.c.
 */
#include <errno.h>

#include "engine/indicator/list.h"

static int add_to(struct reading *r, struct names *s, struct str name, struct str note)
{
	int code = names_add(s, name, (uint16_t)(r->list - r->i->lists), note);

	return code < 0 ? err_set(r->e, -code, "%s:%u: too many names for memory", r->path, r->line)
			: 0;
}

static bool sha256_parse(struct str s, uint8_t ret[32])
{
	if (s.len != 64)
		return false;
	for (size_t i = 0; i < 32; i++) {
		uint64_t byte;

		if (!str_to_u64(str_make(s.s + 2 * i, 2), 16, &byte))
			return false;
		ret[i] = (uint8_t)byte;
	}
	return true;
}

/* A hosts file's own names, and what blocks nothing. */
bool list_is_local_name(struct str s)
{
	return str_is(s, "localhost") || str_is(s, "localhost.localdomain") || str_is(s, "local") ||
	       str_is(s, "broadcasthost") || str_is(s, "0.0.0.0") || str_starts(s, STR("ip6-"));
}

static int add_net(struct reading *r, struct str name, struct str note)
{
	char tmp[DOMAIN_MAX + 1];
	uint8_t key[ADDRESS_KEY], sha[32];
	struct str domain;

	if (sha256_parse(name, sha))
		return add_to(r, &r->i->hashes, str_make((char *)sha, sizeof(sha)), note);
	if (address_key(name, key)) {
		r->i->has_prefix[key[16]] = true;
		return add_to(r, &r->i->addresses, str_make((char *)key, sizeof(key)), note);
	}
	if (str_find(name, STR("/")) >= 0)
		return list_mistake(r,
			"\"%.*s\" is a URL; lists hold domains, addresses and SHA-256",
			STR_ARG(str_head(name, 80)));
	if (!domain_clean(name, tmp, &domain))
		return list_mistake(r,
			"\"%.*s\" is no domain, address or SHA-256 (write international names in "
			"their xn-- form)",
			STR_ARG(str_head(name, 80)));
	if (str_find_char(domain, '.') < 0)
		return list_mistake(
			r, "\"%.*s\" has one label only: it would match too much", STR_ARG(domain));
	return add_to(r, &r->i->domains, domain, note);
}

static int add_port(struct reading *r, struct str name)
{
	uint64_t port;

	if (!str_to_u64(name, 10, &port) || port == 0 || port > 65535)
		return list_mistake(
			r, "\"%.*s\" is no port (1 to 65535)", STR_ARG(str_head(name, 40)));
	r->i->ports[port / 8] |= (uint8_t)(1 << port % 8);
	return 0;
}

static int add_layer(struct reading *r, struct str name, struct str note)
{
	char tmp[256];
	uint8_t sha[32];

	if (!str_starts(note, STR("sha256:")) || !sha256_parse(str_skip(note, 7), sha))
		return list_mistake(r, "expected: NAME sha256:DIFFID");
	/* known at all, and known with this layer */
	int code = add_to(r, &r->i->layers, name, STR_NULL);
	if (code < 0)
		return code;
	if (name.len + 33 > sizeof(tmp))
		return list_mistake(r, "the name is too long");
	memcpy(tmp, name.s, name.len);
	tmp[name.len] = 0;
	memcpy(tmp + name.len + 1, sha, sizeof(sha));
	return add_to(r, &r->i->layers, str_make(tmp, name.len + 33), STR_NULL);
}

static int add_miner(struct reading *r, struct str name, struct str note)
{
	bool is_node = str_is(note, "capable");

	if (note.len && !is_node)
		return list_mistake(r, "behind a miner's name only \"capable\" may stand");
	if (names_add(&r->i->miners, name, is_node ? MINER_IS_NODE : 0, STR_NULL) < 0)
		return err_set(r->e, ENOMEM, "%s:%u: out of memory", r->path, r->line);
	return 0;
}

/* Without its escapes: \\xNN a byte, \\s a blank. */
static struct str unescape(struct str s, char out[UINT8_MAX])
{
	size_t n = 0;
	uint64_t byte;

	while (s.len && n < UINT8_MAX) {
		size_t used = 1;

		out[n] = s.s[0];
		if (str_starts(s, STR("\\s"))) {
			out[n] = ' ';
			used = 2;
		} else if (str_starts(s, STR("\\x")) && s.len >= 4 &&
			   str_to_u64(str_make(s.s + 2, 2), 16, &byte)) {
			out[n] = (char)byte;
			used = 4;
		}
		n++;
		s = str_skip(s, used);
	}
	return str_make(out, n);
}

static int add_sign(struct reading *r, struct str group, struct str text)
{
	char tmp[UINT8_MAX];

	for (unsigned g = 0; g < SIGN_COUNT; g++) {
		if (!str_is(group, mining_sign_name(g)))
			continue;
		if (text.len < 4)
			return list_mistake(r, "a sign has four bytes or more");
		/* Vectorscan takes a NUL in front for the end */
		if (unescape(text, tmp).s[0] == 0)
			return list_mistake(r, "a sign cannot begin with \\x00");
		if (names_add(&r->i->signs, unescape(text, tmp), (uint16_t)g, STR_NULL) < 0)
			return err_set(r->e, ENOMEM, "%s:%u: out of memory", r->path, r->line);
		return 0;
	}
	return list_mistake(r, "no group \"%.*s\" of signs", STR_ARG(str_head(group, 40)));
}

/* The same text may belong to several forms: the form is part of the key. */
static int add_form(struct reading *r, struct str form, struct str text)
{
	char key[UINT8_MAX * 2], tmp[UINT8_MAX];
	struct str plain = unescape(text, tmp);

	if (plain.len < 4 || str_find_char(form, '/') <= 0 || form.len > 60)
		return list_mistake(r, "expected: GROUP/FORM TEXT, the text of four bytes or more");
	memcpy(key, form.s, form.len);
	key[form.len] = '\n';
	memcpy(key + form.len + 1, plain.s, plain.len);
	struct str whole = str_make(key, form.len + 1 + plain.len);
	if (whole.len > UINT8_MAX)
		return list_mistake(r, "the text is too long");
	return add_to(r, &r->i->proxy_forms, whole, STR_NULL);
}

int list_add_entry(struct reading *r, struct str name, struct str note)
{
	char tmp[DOMAIN_MAX + 1];
	struct str clean;

	r->has_entries = true;
	if (r->list->kind == LIST_NET)
		return add_net(r, name, note);
	if (r->list->kind == LIST_PORT)
		return add_port(r, name);
	if (r->list->kind == LIST_SIGN)
		return add_sign(r, name, note);
	if (r->list->kind == LIST_PROXY_FORM)
		return add_form(r, name, note);
	/* names in small letters, whatever they name */
	if (name.len > DOMAIN_MAX)
		return list_mistake(r, "the name is longer than %d bytes", DOMAIN_MAX);
	for (size_t i = 0; i < name.len; i++)
		tmp[i] = (char)(name.s[i] >= 'A' && name.s[i] <= 'Z' ? name.s[i] + 32 : name.s[i]);
	clean = str_make(tmp, name.len);
	switch (r->list->kind) {
	case LIST_ALGORITHM:
		return add_to(r, &r->i->algorithms, clean, note);
	case LIST_MINER:
		return add_miner(r, clean, note);
	case LIST_OFFICIAL:
		return add_to(r, &r->i->officials, clean, note);
	case LIST_PUBLISHER:
		return add_to(r, &r->i->publishers, clean, note);
	case LIST_LAYER:
		return add_layer(r, clean, note);
	case LIST_MARK:
		return add_to(r, &r->i->marks, clean, note);
	case LIST_PROXY_PROGRAM:
		return add_to(r, &r->i->proxy_programs, clean, note);
	default:
		return add_to(r, &r->i->suffixes, clean, note);
	}
}
