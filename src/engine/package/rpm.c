/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rpm: the headers of installed packages, whatever form their database has (rpm_sqlite.c,
 * rpm_ndb.c, rpm_bdb.c), and the list that images without a database carry. A header (rpm's docs,
 * "hregions.md" and "format_header.md") is two numbers, entries and bytes of data, as many entries
 * of tag, type, offset and count, then the data; all numbers are big endian.
 */
#include <sys/stat.h>

#include "engine/package/private.h"

enum rpm_tag {
	RPM_NAME = 1000,
	RPM_VERSION = 1001,
	RPM_RELEASE = 1002,
	RPM_EPOCH = 1003,
	RPM_VENDOR = 1011,
	RPM_LICENSE = 1014,
	RPM_ARCH = 1022,
	RPM_OLD_FILENAMES = 1027,
	RPM_FILEMODES = 1030,
	RPM_SOURCERPM = 1044,
	RPM_DIRINDEXES = 1116,
	RPM_BASENAMES = 1117,
	RPM_DIRNAMES = 1118,
};

enum {
	RPM_TYPE_INT16 = 3,
	RPM_TYPE_INT32 = 4,
	RPM_TYPE_STRING = 6,
	RPM_TYPE_STRINGS = 8,
	RPM_TYPE_I18N = 9,
	RPM_MAX_ENTRIES = 65536,
	RPM_ENTRY = 16,
	RPM_MAX_DIRS = 65536,
};

struct rpm_value {
	uint32_t type, count;
	struct str data; /* from its offset to the end of all data */
};

struct rpm_header {
	struct str data;
	struct window entries;
	uint32_t nentries;
};

static bool header_open(struct str blob, struct rpm_header *h)
{
	struct window w = {.s = blob, .is_big = true};
	uint64_t nentries = window_number(&w, 0, 4), size = window_number(&w, 4, 4);

	if (nentries > RPM_MAX_ENTRIES)
		return false;
	h->nentries = (uint32_t)nentries;
	h->entries = w;
	h->entries.s = window_bytes(&w, 8, nentries * RPM_ENTRY);
	h->data = window_bytes(&w, 8 + nentries * RPM_ENTRY, size);
	return !w.bad;
}

static bool header_get(struct rpm_header *h, enum rpm_tag tag, struct rpm_value *ret)
{
	for (uint32_t i = 0; i < h->nentries; i++) {
		uint64_t at = (uint64_t)i * RPM_ENTRY;

		if (window_number(&h->entries, at, 4) != tag)
			continue;
		uint64_t offset = window_number(&h->entries, at + 8, 4);
		ret->type = (uint32_t)window_number(&h->entries, at + 4, 4);
		ret->count = (uint32_t)window_number(&h->entries, at + 12, 4);
		ret->data = str_skip(h->data, offset);
		return ret->data.len;
	}
	return false;
}

/* A string up to its NUL; *data goes behind it. False when no NUL comes. */
static bool next_string(struct str *data, struct str *ret)
{
	ptrdiff_t end = data->len ? str_find_char(*data, '\0') : -1;

	if (end < 0)
		return false;
	*ret = str_head(*data, (size_t)end);
	*data = str_skip(*data, (size_t)end + 1);
	return true;
}

static struct str header_string(struct rpm_header *h, enum rpm_tag tag)
{
	struct rpm_value v;
	struct str s;

	if (!header_get(h, tag, &v) || (v.type != RPM_TYPE_STRING && v.type != RPM_TYPE_I18N) ||
		!next_string(&v.data, &s))
		return STR_NULL;
	return s;
}

static bool header_number(struct rpm_header *h, enum rpm_tag tag, uint32_t *ret)
{
	struct rpm_value v;

	if (!header_get(h, tag, &v) || v.type != RPM_TYPE_INT32 || v.data.len < 4)
		return false;
	struct window w = {.s = v.data, .is_big = true};
	*ret = (uint32_t)window_number(&w, 0, 4);
	return true;
}

/* ---- files ----------------------------------------------------------------------------------- */

/* Packages of rpm 3 name each file whole. */
static void own_old_files(struct package_job *j, struct rpm_header *h)
{
	struct rpm_value v;
	struct str path;

	if (!header_get(h, RPM_OLD_FILENAMES, &v) || v.type != RPM_TYPE_STRINGS)
		return;
	for (uint32_t i = 0; i < v.count && next_string(&v.data, &path); i++)
		job_own(j, path);
}

static struct str *read_dirs(struct package_job *j, struct rpm_header *h, uint32_t *ret_n)
{
	struct rpm_value v;
	struct str dir;

	*ret_n = 0;
	if (!header_get(h, RPM_DIRNAMES, &v) || v.type != RPM_TYPE_STRINGS ||
		v.count > RPM_MAX_DIRS || v.count > v.data.len)
		return NULL;
	struct str *dirs = arena_array(j->a, struct str, v.count);
	while (dirs && *ret_n < v.count && next_string(&v.data, &dir))
		dirs[(*ret_n)++] = dir;
	return dirs;
}

/* Names, for each the index of its folder, and its mode: folders belong to nobody. */
static void own_files(struct package_job *j, struct rpm_header *h)
{
	struct rpm_value names, indexes, modes = {0};
	struct str name;
	uint32_t ndirs;
	struct str *dirs = read_dirs(j, h, &ndirs);

	if (!dirs || !header_get(h, RPM_BASENAMES, &names) || names.type != RPM_TYPE_STRINGS ||
		!header_get(h, RPM_DIRINDEXES, &indexes) || indexes.type != RPM_TYPE_INT32)
		return;
	if (header_get(h, RPM_FILEMODES, &modes) && modes.type != RPM_TYPE_INT16)
		modes.data = STR_NULL;
	struct window w = {.s = indexes.data, .is_big = true};
	struct window m = {.s = modes.data, .is_big = true};
	for (uint32_t i = 0; i < names.count && next_string(&names.data, &name); i++) {
		uint64_t dir = window_number(&w, 4 * (uint64_t)i, 4);

		if (w.bad || dir >= ndirs)
			return;
		if (!S_ISDIR(window_number(&m, 2 * (uint64_t)i, 2)))
			job_own_in(j, dirs[dir], name);
	}
}

/* ---- one package ----------------------------------------------------------------------------- */

/* "glibc-2.34-60.el9.src.rpm": name, version and release, of which the name may have dashes. */
static void take_source(struct artifact_package *p, struct str file)
{
	ptrdiff_t dash;

	if (str_ends(file, STR(".src.rpm")))
		file.len -= strlen(".src.rpm");
	else if (str_ends(file, STR(".nosrc.rpm")))
		file.len -= strlen(".nosrc.rpm");
	if ((dash = str_rfind_char(file, '-')) <= 0)
		return;
	dash = str_rfind_char(str_head(file, (size_t)dash), '-');
	if (dash <= 0)
		return;
	p->source = str_head(file, (size_t)dash);
	p->source_version = str_skip(file, (size_t)dash + 1);
}

bool rpm_take_header(struct package_job *j, struct str blob)
{
	struct rpm_header h;
	struct artifact_package p = {0};
	uint32_t epoch;

	if (!header_open(blob, &h))
		return true;
	struct str version = header_string(&h, RPM_VERSION),
		   release = header_string(&h, RPM_RELEASE);
	p.name = header_string(&h, RPM_NAME);
	/* a key with which packages are verified is kept as one, and is none */
	if (!p.name.len || !version.len || str_is(p.name, "gpg-pubkey"))
		return true;
	version = str_head(version, PACKAGE_MAX_NAME);
	release = str_head(release, PACKAGE_MAX_NAME);
	/* what the blob is assembled in is used again: copies */
	if (header_number(&h, RPM_EPOCH, &epoch))
		p.version = arena_printf(
			j->a, "%u:%.*s-%.*s", epoch, STR_ARG(version), STR_ARG(release));
	else
		p.version = arena_printf(j->a, "%.*s-%.*s", STR_ARG(version), STR_ARG(release));
	p.arch = header_string(&h, RPM_ARCH);
	p.license = header_string(&h, RPM_LICENSE);
	p.maintainer = header_string(&h, RPM_VENDOR);
	take_source(&p, header_string(&h, RPM_SOURCERPM));
	own_files(j, &h);
	own_old_files(j, &h);
	return job_emit(j, &p);
}

/* ---- the database ---------------------------------------------------------------------------- */

/* Where rpm keeps it: by default, of SUSE and Fedora since 36, of systems from OSTree. */
static bool is_database_dir(struct str dir)
{
	return str_is(dir, "/var/lib/rpm") || str_is(dir, "/usr/lib/sysimage/rpm") ||
	       str_is(dir, "/usr/share/rpm");
}

bool rpm_wants(struct str path)
{
	struct str base = path_base(path);

	return is_database_dir(path_dir(path)) &&
	       (str_is(base, "rpmdb.sqlite") || str_is(base, "Packages.db") ||
		       str_is(base, "Packages"));
}

int rpm_parse(struct package_job *j)
{
	struct window w = {.s = j->content};
	uint64_t magic = window_number(&w, 12, 4);

	if (str_starts(j->content, STR("SQLite format 3\0")))
		return rpm_read_sqlite(j);
	if (str_starts(j->content, STR("RpmP")))
		return rpm_read_ndb(j);
	if (magic == 0x061561 || magic == 0x61150600)
		return rpm_read_bdb(j);
	return job_bad(j, "is no rpm database: neither SQLite nor ndb nor Berkeley DB's hash");
}

bool rpm_wants_log(struct str path)
{
	return is_database_dir(path_dir(path)) && str_is(path_base(path), "rpmdb.sqlite-wal");
}

/* A write-ahead log with more than its head (32 bytes) was not put into the database. */
int rpm_parse_log(struct package_job *j)
{
	if (j->content.len <= 32)
		return 0;
	return job_bad(j, "holds changes of the database that were not read: its packages may be "
			  "older than those that are installed");
}

/* ---- the list of images without rpm (Azure Linux, CBL-Mariner) ------------------------------- */

bool rpm_wants_manifest(struct str path)
{
	return str_is(path, "/var/lib/rpmmanifest/container-manifest-2");
}

/* name, version-release, times, vendor, epoch, size, arch, epoch again, source; tabs between. */
int rpm_parse_manifest(struct package_job *j)
{
	enum {
		NAME,
		VERSION,
		INSTALLED,
		BUILT,
		VENDOR,
		EPOCH,
		SIZE,
		ARCH,
		EPOCHNUM,
		SOURCE,
		NFIELDS
	};
	struct str rest = j->content, line;
	bool bad = false;

	while (text_line(&rest, &line)) {
		struct str fields[NFIELDS] = {0};
		struct artifact_package p = {0};

		for (int i = 0; i < NFIELDS; i++)
			fields[i] = str_cut(&line, '\t');
		if (!fields[NAME].len || !fields[VERSION].len) {
			bad = true;
			continue;
		}
		p.name = fields[NAME];
		p.version = fields[VERSION];
		if (fields[EPOCH].len && !str_is(fields[EPOCH], "(none)") &&
			!str_is(fields[EPOCH], "0"))
			p.version = arena_printf(j->a, "%.*s:%.*s",
				STR_ARG(str_head(fields[EPOCH], 16)), STR_ARG(fields[VERSION]));
		p.arch = fields[ARCH];
		p.maintainer = fields[VENDOR];
		take_source(&p, fields[SOURCE]);
		if (!job_emit(j, &p))
			return job_bad(j, "has more than %d packages", PACKAGE_MAX_OF_FILE);
	}
	return bad ? job_bad(j, "has a line without name and version") : 0;
}
