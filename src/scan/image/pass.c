/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk through an archive: from libarchive's entries to members as the analyzers know them,
 * under the limits of count, size, ratio and time. Nothing is written anywhere, and no name of a
 * stranger is ever given to the kernel. The content of a member is member.c's work, archives among
 * them nested.c's.
 */
#include "scan/image/pass.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/clock.h"

enum { TIME_EVERY = 64, RETRIES_MAX = 4096 };

int pass_open(struct pass *p, const struct analyzer_set *set, const struct scan_limits *limits,
	struct ledger *ledger, struct pass_note *note, unsigned threads)
{
	*p = (struct pass){.set = set, .limits = *limits, .ledger = ledger};
	p->note = note ? &note->at[0] : NULL;
	int r = crew_open(&p->crew, set, ledger, note, threads);

	if (r < 0)
		return r;
	/* whatever the library needs to look up is looked up now */
	p->md = EVP_MD_fetch(NULL, "SHA256", NULL);
	p->limits.max_depth = limits->max_depth < LEVELS_MAX ? limits->max_depth : LEVELS_MAX;
	for (size_t i = 0; i <= LEVELS_MAX; i++) {
		struct level *l = &p->levels[i];

		l->path = l->target = BUF_INIT(PATH_BYTES);
		l->sha = EVP_MD_CTX_new();
		if (!p->md || !l->sha || EVP_DigestInit_ex(l->sha, p->md, NULL) != 1)
			return -ENOMEM;
	}
	for (size_t i = 0; i < set->n; i++)
		if (set->ops[i]->wants_sha256 && set->ops[i]->wants_sha256(set->self[i]))
			p->hashing |= UINT32_C(1) << i;
	return 0;
}

void pass_start(struct pass *p)
{
	crew_start(&p->crew);
}

void pass_close(struct pass *p)
{
	for (size_t i = 0; i <= LEVELS_MAX; i++) {
		buf_done(&p->levels[i].path);
		buf_done(&p->levels[i].target);
		window_unref(p->levels[i].window);
		EVP_MD_CTX_free(p->levels[i].sha);
	}
	crew_close(&p->crew);
	hostile_reset(p);
	EVP_MD_free(p->md);
}

/* ---- limits --------------------------------------------------------------------------------- */

bool pass_has_time(struct pass *p)
{
	char why[128];

	if (p->is_over)
		return false;
	if (clock_cpu_ns() < p->cpu_end_ns)
		return true;
	p->is_over = true;
	snprintf(why, sizeof(why),
		"more than %u seconds of computing for one layer: the rest of it was not read",
		p->limits.max_layer_s);
	ledger_gap(p->ledger, why, true);
	return false;
}

static void say_bomb(struct pass *p, const char *title)
{
	hostile_say(p, "archive-bomb", ARTIFACT_HIGH, 80, title,
		"Do not unpack this image; find out who built it and why.");
	ledger_gap(p->ledger, "it unpacks to too much: the rest of it was not read", true);
}

void pass_say_ratio(struct pass *p, uint64_t in, uint64_t out)
{
	char title[256];

	snprintf(title, sizeof(title),
		"An archive unpacks to more than %u times its size (%llu MiB from %llu KiB): a "
		"decompression bomb",
		p->limits.max_ratio, (unsigned long long)out >> 20, (unsigned long long)in >> 10);
	say_bomb(p, title);
}

bool pass_account(struct pass *p, struct opened *o, uint64_t bytes)
{
	char title[128];

	p->bytes += bytes;
	o->out += bytes;
	if (o->out > RATIO_GRACE && o->in && o->out / o->in >= p->limits.max_ratio) {
		pass_say_ratio(p, o->in, o->out);
		/* a layer may hold one sparse file and much else */
		if (o->depth)
			o->is_stopped = true;
		else
			o->out -= bytes;
		return false;
	}
	if (p->bytes <= p->limits.max_layer_bytes)
		return true;
	p->is_over = true;
	snprintf(title, sizeof(title), "A layer unpacks to more than %llu MiB",
		(unsigned long long)p->limits.max_layer_bytes >> 20);
	say_bomb(p, title);
	return false;
}

/* One member more. False: there are too many, and that was said. */
static bool count_member(struct pass *p)
{
	char title[128];

	if (++p->members > p->limits.max_members) {
		p->is_over = true;
		snprintf(title, sizeof(title), "A layer has more than %llu members",
			(unsigned long long)p->limits.max_members);
		hostile_say(p, "archive-members", ARTIFACT_HIGH, 70, title,
			"Do not unpack this image; find out who built it and why.");
		ledger_gap(p->ledger, "too many members: the rest of it was not read", true);
		return false;
	}
	return p->members % TIME_EVERY ? true : pass_has_time(p);
}

/* ---- members -------------------------------------------------------------------------------- */

static enum artifact_file_kind kind_of(struct archive_entry *e)
{
	if (archive_entry_hardlink(e))
		return ARTIFACT_HARDLINK;
	switch (archive_entry_filetype(e)) {
	case AE_IFDIR:
		return ARTIFACT_DIR;
	case AE_IFLNK:
		return ARTIFACT_SYMLINK;
	case AE_IFCHR:
	case AE_IFBLK:
	case AE_IFSOCK:
		return ARTIFACT_DEVICE;
	case AE_IFIFO:
		return ARTIFACT_FIFO;
	default:
		return ARTIFACT_FILE;
	}
}

static bool has_capabilities(struct archive_entry *e)
{
	const char *name;
	const void *value;
	size_t size;

	if (archive_entry_xattr_reset(e) == 0)
		return false;
	while (archive_entry_xattr_next(e, &name, &value, &size) == ARCHIVE_OK)
		if (name && strcmp(name, "security.capability") == 0)
			return true;
	return false;
}

/*
 * ".wh.NAME" deletes NAME of the layers below, ".wh..wh..opq" hides all that they have in this
 * folder (image-spec, layer.md). Other names in ".wh..wh." are AUFS's own. False: to be left out.
 */
static bool apply_whiteout(struct artifact_file *f, struct buf *path)
{
	ptrdiff_t slash = str_rfind_char(f->path, '/');
	struct str base = str_skip(f->path, (size_t)slash + 1);

	if (!str_starts(base, STR(".wh.")))
		return true;
	if (str_is(base, ".wh..wh..opq")) {
		f->kind = ARTIFACT_OPAQUE;
		buf_cut(path, slash > 0 ? (size_t)slash : 1);
	} else if (str_starts(base, STR(".wh..wh."))) {
		return false;
	} else {
		size_t at = (size_t)slash + 1, n = base.len - 4;

		f->kind = ARTIFACT_WHITEOUT;
		memmove(path->s + at, path->s + at + 4, n);
		buf_cut(path, at + n);
	}
	f->path = buf_str(path);
	return true;
}

static struct str last_part(struct str path)
{
	ptrdiff_t slash = str_rfind_char(path, '/');

	return slash < 0 ? path : str_skip(path, (size_t)slash + 1);
}

/* The name of what lies in "/x/a.txt.gz". */
static struct str name_inside(struct str outer)
{
	struct str base = last_part(outer);
	ptrdiff_t dot = str_rfind_char(base, '.');

	return dot > 0 ? str_head(base, (size_t)dot) : base.len ? base : STR("data");
}

static struct str raw_name(struct opened *o, struct archive *a, struct archive_entry *e)
{
	const char *name = archive_entry_pathname(e);

	if (archive_format(a) == ARCHIVE_FORMAT_RAW)
		return name_inside(o->name);
	return str_of(name ? name : "");
}

static void describe(struct opened *o, struct archive_entry *e, struct artifact_file *f)
{
	const char *target = archive_entry_symlink(e);
	struct level *level = &o->p->levels[o->depth];

	f->kind = kind_of(e);
	f->mode = (uint32_t)archive_entry_mode(e) & 07777;
	f->uid = (uint32_t)archive_entry_uid(e);
	f->gid = (uint32_t)archive_entry_gid(e);
	f->size = archive_entry_size_is_set(e) && archive_entry_size(e) > 0
			  ? (uint64_t)archive_entry_size(e)
			  : 0;
	f->mtime_s = archive_entry_mtime(e);
	f->depth = o->depth;
	f->path = buf_str(&level->path);
	if (f->kind == ARTIFACT_HARDLINK) {
		target = archive_entry_hardlink(e);
		name_normal(o->prefix, str_of(target), &level->target);
		f->target = buf_str(&level->target);
	} else if (f->kind == ARTIFACT_SYMLINK) {
		/* the kernel's own limit is half of it */
		f->target = str_head(str_of(target ? target : ""), PATH_BYTES);
	}
	f->has_capabilities = has_capabilities(e);
}

static void note(struct pass *p, struct str path)
{
	if (p->note)
		str_copy(path, p->note->path, sizeof(p->note->path));
}

/* Who wants to see its content: a bit each. */
static uint32_t who_wants(struct pass *p, const struct artifact_file *f)
{
	uint32_t want = 0;

	for (size_t i = 0; f->kind == ARTIFACT_FILE && i < p->set->n; i++) {
		const struct analyzer_ops *ops = p->set->ops[i];

		if (ops->file && (!ops->wants || ops->wants(p->set->self[i], f)))
			want |= UINT32_C(1) << i;
	}
	return want;
}

/* False: nothing more of this archive. */
static bool read_entry(struct opened *o, struct archive *a, struct archive_entry *e)
{
	struct pass *p = o->p;
	struct level *level = &p->levels[o->depth];
	struct str raw = raw_name(o, a, e);
	struct artifact_file f = {0};

	name_normal(o->prefix, raw, &level->path);
	describe(o, e, &f);
	uint64_t number = p->members + 1;
	ledger_at_file(p->ledger, &f, number);
	note(p, f.path);
	if (!count_member(p))
		return false;
	if (level->path.cut || f.target.len >= PATH_BYTES)
		ledger_gap(p->ledger, "a name longer than 8 KiB was cut", true);
	if (o->depth == 0 && !apply_whiteout(&f, &level->path))
		return true;
	ledger_at_file(p->ledger, &f, number);
	const char *link = f.kind == ARTIFACT_HARDLINK ? archive_entry_hardlink(e) : NULL;
	hostile_entry(p, &f, raw, link ? str_of(link) : f.target, archive_entry_rdevmajor(e),
		archive_entry_rdevminor(e));
	ledger_tree(p->ledger, &f);
	crew_show(&p->crew, &(struct step){.file = f, .number = number, .has_entry = true}, NULL);
	/* a hard link of cpio may carry the content */
	if (f.kind == ARTIFACT_FILE)
		member_read(o, a, &f, number, who_wants(p, &f));
	ledger_forget(p->ledger);
	return !p->is_over && !o->is_stopped;
}

static void say_damage(struct opened *o, struct archive *a, const char *what)
{
	char why[300];
	const char *text = archive_error_string(a);

	if (o->failed)
		return; /* the source knows better */
	snprintf(why, sizeof(why), "a damaged archive: %s; %s", text ? text : "unreadable", what);
	/* archives inside are often odd on purpose: those of test suites */
	ledger_gap(o->p->ledger, why, o->depth == 0);
}

void pass_members(struct opened *o, struct archive *a)
{
	struct archive_entry *e;
	unsigned retries = 0;

	for (;;) {
		int r = archive_read_next_header(a, &e);

		if (r == ARCHIVE_EOF)
			return;
		/* the reader looks for the next header behind one that is broken */
		if (r == ARCHIVE_RETRY && retries++ == 0)
			say_damage(o, a, "some of it was skipped");
		if (r == ARCHIVE_RETRY && retries < RETRIES_MAX)
			continue;
		if (r != ARCHIVE_OK && r != ARCHIVE_WARN) {
			say_damage(o, a, "the rest of it was not read");
			return;
		}
		o->is_trusted_size =
			(archive_format(a) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_TAR;
		if (!read_entry(o, a, e))
			return;
	}
}

/* ---- a layer -------------------------------------------------------------------------------- */

static la_ssize_t read_block(struct archive *a, void *arg, const void **block)
{
	struct opened *o = arg;
	ptrdiff_t n = o->src.next(o->src.arg, block);

	if (n < 0) {
		o->failed = (int)n;
		archive_set_error(a, (int)-n, "its bytes end in the middle");
		return -1;
	}
	o->in += (uint64_t)n;
	return n;
}

static int open_tar(struct opened *o, struct archive *a)
{
	/* names are taken as they are: no locale decides what a path is */
	if (archive_read_support_format_tar(a) != ARCHIVE_OK ||
		archive_read_support_format_empty(a) != ARCHIVE_OK)
		return -ENOMEM;
	return archive_read_open(a, o, NULL, read_block, NULL) == ARCHIVE_OK ? 0 : -EBADMSG;
}

void pass_layer(struct pass *p, struct byte_source src)
{
	struct opened o = {.p = p, .src = src, .name = STR("layer")};
	struct archive *a = archive_read_new();
	static const struct artifact_file whole = {.path = STR("/")};
	int r = a ? open_tar(&o, a) : -ENOMEM;

	if (p->note)
		*p->note = (struct note){.analyzer = "archive", .is_busy = true};
	p->members = p->bytes = 0;
	p->is_over = false;
	p->cpu_end_ns = clock_cpu_ns() + (uint64_t)p->limits.max_layer_s * 1000000000;
	hostile_reset(p);
	ledger_at_file(p->ledger, &whole, 0);
	if (r == 0)
		pass_members(&o, a);
	else if (r == -EBADMSG)
		say_damage(&o, a, "it was not read");
	if (r == -ENOMEM)
		ledger_gap(p->ledger, "no memory left for it", true);
	archive_read_free(a);
	crew_end(&p->crew);
	ledger_forget(p->ledger);
}

/* ---- the config ----------------------------------------------------------------------------- */

/* An analyzer is at a place of the config, on this thread. */
static void at_place(struct lane *n, enum artifact_place place, unsigned index, uint64_t number)
{
	ledger_at_place(n->ledger, place, index, number);
	if (!n->note)
		return;
	*n->note = (struct note){.path = "the image's config", .is_busy = true};
	str_copy(str_of(n->ops->name), n->note->analyzer, sizeof(n->note->analyzer));
}

static void leave_place(struct lane *n)
{
	ledger_forget(n->ledger);
	if (n->note)
		n->note->is_busy = false;
}

static void show_text(struct pass *p, enum artifact_place place, unsigned index, struct str text)
{
	p->members++;
	for (size_t i = 0; i < p->crew.nlanes; i++) {
		struct lane *n = &p->crew.lanes[i];

		at_place(n, place, index, p->members);
		if (n->ops->text && text.len)
			n->ops->text(n->self, place, index, text, n->ledger);
		leave_place(n);
	}
}

static void show_command(struct pass *p, const struct artifact_config *c)
{
	struct buf b = BUF_INIT(1 << 20);

	for (size_t i = 0; i < c->nentrypoint; i++) {
		buf_add(&b, c->entrypoint[i]);
		buf_add_char(&b, ' ');
	}
	for (size_t i = 0; i < c->ncmd; i++) {
		buf_add(&b, c->cmd[i]);
		buf_add_char(&b, ' ');
	}
	show_text(p, PLACE_ENTRYPOINT, 0, str_trim(buf_str(&b)));
	buf_clear(&b);
	for (size_t i = 0; i < c->nhealthcheck; i++) {
		buf_add(&b, c->healthcheck[i]);
		buf_add_char(&b, ' ');
	}
	show_text(p, PLACE_CONFIG, 0, str_trim(buf_str(&b)));
	buf_done(&b);
}

static void show_pair(struct pass *p, unsigned i, const struct artifact_pair *pair)
{
	struct buf b = BUF_INIT(1 << 20);

	buf_add(&b, pair->key);
	buf_add_char(&b, '=');
	buf_add(&b, pair->value);
	show_text(p, PLACE_LABEL, i, buf_str(&b));
	buf_done(&b);
}

void pass_image(struct pass *p, const struct artifact_image *image)
{
	const struct artifact_config *c = &image->config;

	p->members = 0;
	for (size_t i = 0; i < c->nhistory; i++)
		show_text(p, PLACE_HISTORY, (unsigned)i, c->history[i].created_by);
	for (size_t i = 0; i < c->nenv; i++)
		show_text(p, PLACE_ENV, (unsigned)i, c->env[i]);
	for (size_t i = 0; i < c->nlabels; i++)
		show_pair(p, (unsigned)i, &c->labels[i]);
	show_command(p, c);
	for (size_t i = 0; i < c->nonbuild; i++)
		show_text(p, PLACE_CONFIG, (unsigned)i, c->onbuild[i]);
	p->members++;
	for (size_t i = 0; i < p->crew.nlanes; i++) {
		struct lane *n = &p->crew.lanes[i];

		at_place(n, PLACE_CONFIG, 0, p->members);
		if (n->ops->image)
			n->ops->image(n->self, image, n->ledger);
		leave_place(n);
	}
}
