/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known, loaded once and then only read: koban's own lists, then the user's feeds; and the
 * questions to it. The first list that names a thing has it, but the user's word counts more than
 * koban's, so feeds are read first.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "base/io.h"
#include "engine/indicator/private.h"

enum { MAX_FILES = 1000 };

const char *net_category_name(enum net_category c)
{
	static const char *const names[NET_CATEGORY_COUNT] = {
		[NET_NONE] = "none",
		[NET_MINING_POOL] = "mining-pool",
		[NET_PROXY_AVOIDANCE] = "proxy-avoidance",
		[NET_DYNAMIC_DNS] = "dynamic-dns",
		[NET_MALICIOUS] = "malicious",
		[NET_NEW] = "new-domain",
		[NET_PASTE] = "paste",
	};

	return (unsigned)c < NET_CATEGORY_COUNT ? names[c] : "none";
}

/* ---- loading ------------------------------------------------------------------------------- */

static int load_folder(
	struct indicators *i, const char *dir, const char *const *suffixes, struct err *e)
{
	struct arena a;
	struct str *names;
	size_t n = 0;

	arena_init(&a, 1 << 20);
	int code = io_list_dir(&a, dir, suffixes, MAX_FILES, &names, &n, e);
	for (size_t k = 0; code == 0 && k < n; k++) {
		struct str path = arena_printf(&a, "%s/%.*s", dir, STR_ARG(names[k]));

		code = path.s ? list_load(i, path.s, e) : err_set(e, ENOMEM, "out of memory");
	}
	arena_done(&a);
	return code;
}

static int load_feed(struct indicators *i, const char *path, struct err *e)
{
	static const char *const suffixes[] = {".txt", ".csv", ".list", ".hosts", NULL};
	struct stat st;

	if (stat(path, &st) < 0)
		return err_set(e, errno, "%s: %s", path, strerror(errno));
	return S_ISDIR(st.st_mode) ? load_folder(i, path, suffixes, e) : list_load(i, path, e);
}

static int load_own(struct indicators *i, const char *data_dir, struct err *e)
{
	static const char *const suffixes[] = {".txt", NULL};
	char dir[4096];

	if (data_dir) {
		if (snprintf(dir, sizeof(dir), "%s/intel", data_dir) >= (int)sizeof(dir))
			return err_set(e, ENAMETOOLONG, "%s: the path is too long", data_dir);
	} else if (!io_data_dir("intel", dir, sizeof(dir))) {
		return err_set(
			e, ENOENT, "%s: koban's own lists are not there; install koban again", dir);
	}
	return load_folder(i, dir, suffixes, e);
}

static struct names *set_at(struct indicators *i, size_t n)
{
	struct names *sets[] = {&i->domains, &i->addresses, &i->hashes, &i->suffixes,
		&i->algorithms, &i->miners, &i->officials, &i->publishers, &i->layers, &i->signs,
		&i->proxy_forms, &i->proxy_programs, &i->marks};

	return n < sizeof(sets) / sizeof(sets[0]) ? sets[n] : NULL;
}

static uint64_t hash_more(uint64_t hash, struct str s)
{
	return hash_u64(hash * 31 + str_hash(s));
}

/* Over what was taken in, not over the files: an entry that became too old changes it. */
static uint64_t hash_all(struct indicators *i)
{
	uint64_t hash = hash_more(1, str_make((char *)i->ports, sizeof(i->ports)));
	struct names *s;

	for (size_t n = 0; (s = set_at(i, n)); n++)
		hash = hash_more(hash, str_make((char *)s->blob, s->used));
	for (size_t n = 0; n < i->nlists; n++)
		hash = hash_more(hash ^ (uint64_t)i->lists[n].category, i->lists[n].name);
	return hash;
}

int indicators_load(
	const char *data_dir, const char *const *feeds, struct indicators **ret, struct err *e)
{
	struct indicators *i = calloc(1, sizeof(*i));
	struct names *s;
	int code = 0;

	if (!i)
		return err_set(e, ENOMEM, "out of memory");
	arena_init(&i->arena, 1 << 20);
	i->today = time(NULL) / 86400;
	for (; code == 0 && feeds && *feeds; feeds++)
		code = load_feed(i, *feeds, e);
	if (code == 0)
		code = load_own(i, data_dir, e);
	if (code < 0) {
		indicators_free(i);
		return code;
	}
	for (size_t n = 0; (s = set_at(i, n)); n++)
		names_trim(s);
	i->hash = hash_all(i);
	*ret = i;
	return 0;
}

void indicators_free(struct indicators *i)
{
	struct names *s;

	if (!i)
		return;
	for (size_t n = 0; (s = set_at(i, n)); n++)
		names_done(s);
	arena_done(&i->arena);
	free(i);
}

uint64_t indicators_hash(const struct indicators *i)
{
	return i->hash;
}

/* ---- domains and addresses ----------------------------------------------------------------- */

/* The longest end of whole labels (two or more) that the set has. */
static bool find_suffix(const struct names *s, struct str domain, struct name_entry *ret)
{
	while (str_find_char(domain, '.') >= 0) {
		if (names_find(s, domain, ret))
			return true;
		str_cut(&domain, '.');
	}
	return false;
}

static bool find_domain(const struct indicators *i, struct str domain, struct name_entry *ret)
{
	char tmp[DOMAIN_MAX + 1];
	struct str clean;

	return domain_clean(domain, tmp, &clean) && find_suffix(&i->domains, clean, ret);
}

static enum net_category category_of(
	const struct indicators *i, const struct name_entry *e, struct str *list)
{
	if (list)
		*list = i->lists[e->value].name;
	return i->lists[e->value].category;
}

enum net_category indicators_domain(const struct indicators *i, struct str domain, struct str *list)
{
	struct name_entry e;

	return find_domain(i, domain, &e) ? category_of(i, &e, list) : NET_NONE;
}

struct str indicators_domain_note(const struct indicators *i, struct str domain)
{
	struct name_entry e;

	return find_domain(i, domain, &e) ? e.note : STR_NULL;
}

enum net_category indicators_address(const struct indicators *i, struct str ip, struct str *list)
{
	uint8_t whole[ADDRESS_KEY], key[ADDRESS_KEY];
	struct name_entry e;

	if (i->addresses.count == 0 || !address_key(ip, whole) || whole[16] != 128)
		return NET_NONE;
	for (unsigned prefix = 129; prefix-- > 0;) {
		if (!i->has_prefix[prefix])
			continue;
		address_mask(whole, prefix, key);
		if (names_find(&i->addresses, str_make((char *)key, sizeof(key)), &e))
			return category_of(i, &e, list);
	}
	return NET_NONE;
}

bool indicators_sha256(const struct indicators *i, const uint8_t sha[32], struct str *note)
{
	struct name_entry e;

	if (!names_find(&i->hashes, str_make((const char *)sha, 32), &e))
		return false;
	if (note)
		*note = e.note.len ? e.note : i->lists[e.value].name;
	return true;
}

/* ---- registrable names --------------------------------------------------------------------- */

bool indicators_is_suffix(const struct indicators *i, struct str domain)
{
	return names_has(&i->suffixes, domain);
}

struct str indicators_registrable(const struct indicators *i, struct str domain)
{
	char tmp[DOMAIN_MAX + 1];
	struct str clean, rest, name = STR_NULL;

	if (!domain_clean(domain, tmp, &clean))
		return domain;
	/* the first end that is a suffix is the longest; one label more is the name */
	for (rest = clean; rest.s; str_cut(&rest, '.')) {
		if (names_has(&i->suffixes, rest))
			break;
		name = rest;
	}
	if (!rest.s || !name.s)
		return domain;
	/* the same bytes in what was given; a dot at its end stays off */
	size_t skip = (size_t)(name.s - clean.s);
	size_t front = (size_t)(str_starts(domain, STR("*.")) ? 2 : str_starts(domain, STR(".")));
	return str_make(domain.s + front + skip, name.len);
}

/* ---- mining -------------------------------------------------------------------------------- */

static bool find_lower(const struct names *s, struct str name, struct name_entry *ret)
{
	char tmp[DOMAIN_MAX];

	if (name.len > sizeof(tmp))
		return false;
	for (size_t k = 0; k < name.len; k++)
		tmp[k] = (char)(name.s[k] >= 'A' && name.s[k] <= 'Z' ? name.s[k] + 32 : name.s[k]);
	return names_find(s, str_make(tmp, name.len), ret);
}

bool indicators_is_mining_algorithm(const struct indicators *i, struct str name)
{
	struct name_entry e;

	return find_lower(&i->algorithms, name, &e);
}

struct str indicators_algorithm_coin(const struct indicators *i, struct str name)
{
	struct name_entry e;

	return find_lower(&i->algorithms, name, &e) ? e.note : STR_NULL;
}

bool indicators_is_mining_port(const struct indicators *i, unsigned port)
{
	return port < 65536 && i->ports[port / 8] >> port % 8 & 1;
}

bool indicators_is_miner_name(const struct indicators *i, struct str program)
{
	struct name_entry e;

	return find_lower(&i->miners, program, &e) && e.value != MINER_IS_NODE;
}

bool indicators_is_mining_node(const struct indicators *i, struct str program)
{
	struct name_entry e;

	return find_lower(&i->miners, program, &e) && e.value == MINER_IS_NODE;
}

/* Hosts of pools are named by habit: "xmr-eu1.…", "pool.…", "stratum.…", "rx.…", "mine.…". */
bool indicators_suggests_pool(struct str host)
{
	static const char *const words[] = {"pool", "pools", "stratum", "xmr", "monero", "mine",
		"mining", "miner", "miners", "randomx", "rx", "hashrate", "hashvault", "etc", "rvn",
		"kawpow", "zeph", "xmrpool", "minepool", NULL};
	size_t begin = 0;

	for (size_t k = 0; k <= host.len; k++) {
		if (k < host.len && host.s[k] != '.' && host.s[k] != '-' &&
			!(host.s[k] >= '0' && host.s[k] <= '9'))
			continue;
		struct str word = str_make(host.s + begin, k - begin);
		for (size_t w = 0; words[w]; w++)
			if (str_ieq(word, str_of(words[w])))
				return true;
		begin = k + 1;
	}
	return false;
}

bool indicators_sign(
	const struct indicators *i, size_t *pos, enum mining_sign *group, struct str *text)
{
	struct name_entry e;

	if (!names_next(&i->signs, pos, &e))
		return false;
	*group = e.value;
	*text = e.name;
	return true;
}

bool indicators_domains(
	const struct indicators *i, size_t *pos, enum net_category category, struct str *domain)
{
	struct name_entry e;

	while (names_next(&i->domains, pos, &e)) {
		if (i->lists[e.value].category != category)
			continue;
		*domain = e.name;
		return true;
	}
	return false;
}

bool indicators_proxy_form(
	const struct indicators *i, size_t *pos, struct str *form, struct str *text)
{
	struct name_entry e;

	if (!names_next(&i->proxy_forms, pos, &e))
		return false;
	*text = e.name;
	*form = str_cut(text, '\n');
	return true;
}

bool indicators_is_proxy_program(const struct indicators *i, struct str program, struct str *group)
{
	struct name_entry e;

	if (!find_lower(&i->proxy_programs, program, &e))
		return false;
	*group = e.note;
	return true;
}

const char *mining_sign_name(enum mining_sign g)
{
	static const char *const names[SIGN_COUNT] = {
		[SIGN_SCHEME] = "scheme",
		[SIGN_METHOD] = "method",
		[SIGN_ALGORITHM] = "algorithm",
		[SIGN_OPTION] = "option",
		[SIGN_NODE] = "node",
		[SIGN_PROGRAM] = "program",
		[SIGN_ENCODED] = "encoded",
	};

	return (unsigned)g < SIGN_COUNT ? names[g] : "none";
}

/* ---- official images ----------------------------------------------------------------------- */

bool indicators_knows_layers_of(const struct indicators *i, struct str official)
{
	return names_has(&i->layers, official);
}

bool indicators_is_official_layer(
	const struct indicators *i, struct str official, struct str diff_id)
{
	char key[256];

	if (!str_starts(diff_id, STR("sha256:")) || diff_id.len != 7 + 64 ||
		official.len + 33 > sizeof(key))
		return false;
	memcpy(key, official.s, official.len);
	key[official.len] = 0;
	for (size_t k = 0; k < 32; k++) {
		uint64_t byte;

		if (!str_to_u64(str_make(diff_id.s + 7 + 2 * k, 2), 16, &byte))
			return false;
		key[official.len + 1 + k] = (char)byte;
	}
	return names_has(&i->layers, str_make(key, official.len + 33));
}

struct str indicators_official_mark(const struct indicators *i, struct str official)
{
	struct name_entry e;

	return names_find(&i->marks, official, &e) ? e.note : STR_NULL;
}
