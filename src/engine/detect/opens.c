/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of opens: which rules are left for an open when only its names, its flags and its
 * result are looked at (rule.open_root; engine/rules/project.c). Programs open the same files all
 * day, and for most of them no rule is left, whoever opens. Others open thousands of files once: so
 * a folder has a row too, which says whether a rule is left for any file in it with an ordinary
 * name. The answer follows from the key alone, so that it never grows stale and nothing has to
 * forget it. A row is overwritten by the next that falls on it.
 *
 * The key is all that those fields read, as a polynomial over its words, twice, at two secret
 * points of the field of 2^61 - 1 elements. Two different opens of up to n words have the same key
 * for at most n^2 of some 2^122 choices of the points (Wegman and Carter, "New hash functions and
 * their use in authentication and set equality", 1981): nobody who does not know them can make a
 * file that passes for another.
 *
 * It judges nothing: detect.c asks the rules that are left, and says of a new open which those are.
 * Live, the kernel leaves most such opens out before (bpf/verdict.h); a capture has them all.
 */
#include "engine/detect/private.h"

#include <stdlib.h>
#include <sys/random.h>

struct key {
	uint64_t a, b; /* below 2^61; 0, 0 = free */
};

enum {
	ROWS_MAX = 65536, /* powers of two; fewer rows of thousands of rules */
	ROWS_MIN = 1024,
	TABLE_BYTES = 8 << 20,
	KEY_WORDS = sizeof(struct key) / sizeof(uint64_t),
	FIELD_BITS = 61,
	TEXT_STEP = 7,
	TEXT_MAX = 0xffff,
	ERROR_MAX = 4095, /* of the kernel */
};
#define FIELD     ((1ULL << FIELD_BITS) - 1) /* a prime */
#define TEXT_MASK ((1ULL << 8 * TEXT_STEP) - 1)

/* Where a call's arguments are; -1 = it has none. The result is the descriptor. */
struct args {
	int8_t result, name, flags;
};

/* A row is of one open, or of all opens of ordinary names in a folder (rules.h). */
enum key_kind { KEY_FILE, KEY_FOLDER };

struct opens {
	const struct ruleset *rs;
	uint64_t *rows; /* a key, then `words` of a mask */
	size_t nrows, words;
	struct args args[EVENT_CODE_MAX];
	struct key points, now; /* now: of the open at hand */
};

static const uint16_t open_codes[] = {EV_OPEN, EV_OPENAT, EV_OPENAT2, EV_CREAT};

static void find_args(struct opens *o)
{
	memset(o->args, -1, sizeof(o->args));
	for (size_t i = 0; i < sizeof(open_codes) / sizeof(*open_codes); i++) {
		const struct event_def *def = event_def(open_codes[i]);

		o->args[open_codes[i]] = (struct args){
			.result = (int8_t)event_param_index(def, STR("fd")),
			.name = (int8_t)event_param_index(def, STR("name")),
			.flags = (int8_t)event_param_index(def, STR("flags")),
		};
	}
}

/* Some rule for opens looks at what they open: else there is nothing to remember. */
static uint32_t most_rules(const struct ruleset *rs)
{
	uint32_t most = 0;
	bool tells = false;

	for (size_t i = 0; i < sizeof(open_codes) / sizeof(*open_codes); i++)
		if (rs->nby_code[open_codes[i]] > most)
			most = rs->nby_code[open_codes[i]];
	for (size_t i = 0; i < rs->nrules; i++)
		tells |= rs->rules[i]->has_open_root;
	return tells ? most : 0;
}

static bool draw_points(struct opens *o)
{
	if (getrandom(&o->points, sizeof(o->points), 0) != sizeof(o->points))
		return false;
	o->points.a &= FIELD;
	o->points.b &= FIELD;
	return o->points.a > 1 && o->points.a < FIELD && o->points.b > 1 && o->points.b < FIELD;
}

static size_t row_bytes(const struct opens *o)
{
	return (KEY_WORDS + o->words) * sizeof(*o->rows);
}

struct opens *opens_new(const struct ruleset *rs)
{
	uint32_t most = most_rules(rs);
	struct opens *o = most ? calloc(1, sizeof(*o)) : NULL;

	if (!o)
		return NULL;
	o->rs = rs;
	o->words = most / 64 + 1;
	o->nrows = ROWS_MAX;
	while (o->nrows > ROWS_MIN && o->nrows * row_bytes(o) > TABLE_BYTES)
		o->nrows /= 2;
	o->rows = calloc(o->nrows, row_bytes(o));
	find_args(o);
	/* without secret points nothing may be remembered */
	return o->rows && draw_points(o) ? o : opens_free(o);
}

struct opens *opens_free(struct opens *o)
{
	if (o) {
		free(o->rows);
		free(o);
	}
	return NULL;
}

/* ---- the key -------------------------------------------------------------------------------- */

static uint64_t step(uint64_t h, uint64_t point, uint64_t word)
{
	unsigned __int128 m = (unsigned __int128)h * point + word;
	uint64_t low = ((uint64_t)m & FIELD) + (uint64_t)(m >> FIELD_BITS);

	return low >= FIELD ? low - FIELD : low;
}

/* Words are below 2^61 - 1, so that no two are one element. */
static void add(struct opens *o, uint64_t word)
{
	o->now.a = step(o->now.a, o->points.a, word);
	o->now.b = step(o->now.b, o->points.b, word);
}

/* Seven bytes at a time. */
static void add_text(struct opens *o, struct str s)
{
	uint64_t w;

	for (; s.len >= 8; s = str_skip(s, TEXT_STEP)) {
		memcpy(&w, s.s, 8);
		add(o, w & TEXT_MASK);
	}
	for (unsigned n; s.len; s = str_skip(s, n)) {
		n = s.len < TEXT_STEP ? (unsigned)s.len : TEXT_STEP;
		w = 0;
		for (unsigned i = 0; i < n; i++)
			w |= (uint64_t)(unsigned char)s.s[i] << (8 * i);
		add(o, w);
	}
}

/* What the fields of project.c read besides the texts; false where it is more than usual. */
static bool add_numbers(struct opens *o, const struct event *ev)
{
	struct args at = o->args[ev->code];
	uint64_t flags = 0, bits = 0;
	int64_t res = 0;

	if (at.flags >= 0 && event_param_u64(ev, (unsigned)at.flags, &flags))
		bits |= 1;
	if (event_param_s64(ev, (unsigned)at.result, &res))
		bits |= 2;
	if (ev->has_fd && ev->fd.num >= 0)
		bits |= 4;
	if (event_param(ev, (unsigned)at.name).len)
		bits |= 8;
	if (flags > UINT32_MAX || res < -ERROR_MAX)
		return false;
	add(o, flags << 16 | ev->code);
	add(o, (uint64_t)(res < 0 ? -res : 0) << 16 | (uint64_t)ev->fd.type << 8 | bits);
	return true;
}

/* The texts of an open that its key holds. */
struct texts {
	struct str arg, raw, name, real, known;
};

static bool is_same(struct str a, struct str b)
{
	return a.s == b.s && a.len == b.len;
}

/* All lengths first: so no text can pass for the end of the one before. */
static bool add_texts(struct opens *o, const struct texts *t, enum key_kind kind)
{
	/* mostly all are the argument itself, and lie where it lies */
	bool raw_is_arg = is_same(t->raw, t->arg), name_is_raw = is_same(t->name, t->raw);

	if (t->arg.len > TEXT_MAX || t->raw.len > TEXT_MAX || t->name.len > TEXT_MAX ||
		t->real.len > TEXT_MAX || t->known.len > TEXT_MAX)
		return false;
	add(o, (uint64_t)kind | (uint64_t)raw_is_arg << 2 | (uint64_t)name_is_raw << 3 |
			t->arg.len << 4 | t->raw.len << 20 | t->name.len << 36);
	add(o, t->real.len | t->known.len << 16);
	add_text(o, t->arg);
	if (!raw_is_arg)
		add_text(o, t->raw);
	if (!name_is_raw)
		add_text(o, t->name);
	add_text(o, t->real);
	add_text(o, t->known);
	return true;
}

static bool make_key(
	struct opens *o, const struct event *ev, const struct texts *t, enum key_kind kind)
{
	o->now = (struct key){1, 1};
	return add_numbers(o, ev) && add_texts(o, t, kind);
}

/* ---- rows ----------------------------------------------------------------------------------- */

static uint64_t *row_of(const struct opens *o)
{
	return o->rows + (o->now.a & (o->nrows - 1)) * (KEY_WORDS + o->words);
}

static enum open_known find(const struct opens *o, uint64_t **ret_mask)
{
	uint64_t *row = row_of(o);

	*ret_mask = row + KEY_WORDS;
	if (row[0] != o->now.a || row[1] != o->now.b)
		return OPEN_NEW;
	for (size_t i = 0; i < o->words; i++)
		if ((*ret_mask)[i])
			return OPEN_KNOWN;
	return OPEN_DULL;
}

void opens_begin(struct opens *o)
{
	memset(row_of(o), 0, row_bytes(o));
}

void opens_keep(struct opens *o)
{
	uint64_t *row = row_of(o);

	row[0] = o->now.a;
	row[1] = o->now.b;
}

/* ---- asking --------------------------------------------------------------------------------- */

/* Without a name the fields look at more than the event, and of a socket at its ends. */
bool opens_is_about(const struct opens *o, const struct event *ev)
{
	return ev->code < EVENT_CODE_MAX && o->args[ev->code].name >= 0 && ev->path.name.len &&
	       !ev->target.name.len && !ev->fd.sock.family &&
	       (ev->fd.type == FD_UNKNOWN || ev->fd.type == FD_FILE || ev->fd.type == FD_DIRECTORY);
}

static struct texts texts_of(const struct opens *o, const struct event *ev)
{
	const struct event_path *p = &ev->path;
	struct str arg = event_param(ev, (unsigned)o->args[ev->code].name);

	/* its NUL is no part of what the fields see */
	if (arg.len && !arg.s[arg.len - 1])
		arg.len--;
	return (struct texts){arg, p->raw, p->name, p->real, p->known};
}

enum open_known opens_ask(struct opens *o, const struct event *ev, uint64_t **ret_mask)
{
	struct texts t = texts_of(o, ev);

	return make_key(o, ev, &t, KEY_FILE) ? find(o, ret_mask) : OPEN_UNKNOWABLE;
}

/* Takes the last name off a path, which must end in it; an empty one stays. */
static bool cut(struct str *path, struct str name)
{
	if (!path->len)
		return true;
	if (!str_ends(*path, name))
		return false;
	path->len -= name.len;
	return !path->len || path->s[path->len - 1] == '/';
}

enum open_known opens_ask_folder(struct opens *o, const struct event *ev)
{
	struct texts t = texts_of(o, ev);
	struct str name = str_skip(t.raw, (size_t)(str_rfind_char(t.raw, '/') + 1));
	uint64_t *mask;

	/* a folder is its own fd.directory */
	if (!o->rs->can_push_folders || ev->fd.type == FD_DIRECTORY || t.known.len || !name.len ||
		!is_same(t.arg, t.raw) || !ruleset_is_ordinary(o->rs, name) || !cut(&t.raw, name) ||
		!cut(&t.name, name) || !cut(&t.real, name))
		return OPEN_UNKNOWABLE;
	t.arg = t.raw;
	return make_key(o, ev, &t, KEY_FOLDER) ? find(o, &mask) : OPEN_UNKNOWABLE;
}

void opens_keep_folder(struct opens *o, bool is_dull)
{
	opens_begin(o);
	row_of(o)[KEY_WORDS] = !is_dull;
	opens_keep(o);
}
