/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which distribution it is: os-release(5), and for those from before 2012 the files that each
 * distribution had of its own. When several lie in an image, os-release is the one to believe.
 */
#include "engine/package/private.h"

static bool is_os_release(struct str path)
{
	return str_is(path, "/etc/os-release") || str_is(path, "/usr/lib/os-release");
}

/* A value of a shell assignment: quotes off; the few escapes of os-release(5) are kept as written.
 */
static struct str unquote(struct str s)
{
	s = str_trim(s);
	if (s.len > 1 && (s.s[0] == '"' || s.s[0] == '\'') && s.s[s.len - 1] == s.s[0])
		return str_make(s.s + 1, s.len - 2);
	return s;
}

static bool assignment(struct str line, const char *key, struct str *ret)
{
	ptrdiff_t equals = str_find_char(line, '=');

	if (equals < 0 || !str_is(str_trim(str_head(line, (size_t)equals)), key))
		return false;
	*ret = unquote(str_skip(line, (size_t)equals + 1));
	return true;
}

/* "12 (bookworm)" of VERSION, for those without VERSION_CODENAME. */
static struct str codename_of(struct str version)
{
	ptrdiff_t open = str_find_char(version, '('), close = str_rfind_char(version, ')');

	if (open < 0 || close < open)
		return STR_NULL;
	return str_make(version.s + open + 1, (size_t)(close - open - 1));
}

static bool parse_os_release(struct str content, struct artifact_distro *d)
{
	struct str rest = content, line, version = STR_NULL;

	while (text_line(&rest, &line))
		(void)(assignment(line, "ID", &d->id) ||
			assignment(line, "VERSION_ID", &d->version) ||
			assignment(line, "VERSION_CODENAME", &d->codename) ||
			assignment(line, "PRETTY_NAME", &d->pretty_name) ||
			assignment(line, "VERSION", &version));
	if (!d->codename.len)
		d->codename = codename_of(version);
	return d->id.len;
}

/* /etc/lsb-release of Ubuntu and what comes from it. */
static bool parse_lsb_release(struct str content, struct artifact_distro *d)
{
	struct str rest = content, line;

	while (text_line(&rest, &line))
		(void)(assignment(line, "DISTRIB_ID", &d->id) ||
			assignment(line, "DISTRIB_RELEASE", &d->version) ||
			assignment(line, "DISTRIB_CODENAME", &d->codename) ||
			assignment(line, "DISTRIB_DESCRIPTION", &d->pretty_name));
	return d->id.len;
}

/* "7.11", "3.4.6", or "bookworm/sid" */
static bool parse_version_only(struct str content, struct artifact_distro *d, const char *id)
{
	struct str line = str_trim(str_cut(&content, '\n'));
	bool is_number = line.len && line.s[0] >= '0' && line.s[0] <= '9';

	if (!line.len)
		return false;
	d->id = str_of(id);
	*(is_number ? &d->version : &d->codename) = line;
	return true;
}

/* The first word that is a number: "6.10" of "CentOS release 6.10 (Final)". */
static struct str number_in(struct str line)
{
	while (line.len) {
		struct str word = str_cut(&line, ' ');

		if (word.len && word.s[0] >= '0' && word.s[0] <= '9')
			return word;
	}
	return STR_NULL;
}

/* A line of words: the distribution is known by how it begins. */
static bool parse_sentence(struct str content, struct artifact_distro *d)
{
	static const struct {
		const char *words, *id;
	} rows[] = {
		{"CentOS", "centos"},
		{"Red Hat Enterprise Linux", "rhel"},
		{"Oracle Linux", "ol"},
		{"Enterprise Linux Enterprise Linux", "ol"}, /* Oracle's own, until 5 */
		{"Fedora", "fedora"},
		{"Amazon Linux", "amzn"},
		{"AlmaLinux", "almalinux"},
		{"Rocky Linux", "rocky"},
		{"Scientific Linux", "scientific"},
		{"SUSE Linux Enterprise", "sles"},
		{"openSUSE", "opensuse"},
		{"VMware Photon", "photon"},
	};
	struct str line = str_trim(str_cut(&content, '\n'));

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (str_starts(line, str_of(rows[i].words))) {
			d->id = str_of(rows[i].id);
			d->version = number_in(line);
			d->codename = codename_of(line);
			d->pretty_name = line;
			return true;
		}
	return false;
}

static bool is_sentence_file(struct str path)
{
	static const char *const paths[] = {"/etc/redhat-release", "/etc/centos-release",
		"/etc/oracle-release", "/etc/fedora-release", "/etc/system-release",
		"/etc/SuSE-release", "/etc/photon-release"};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (str_is(path, paths[i]))
			return true;
	return false;
}

bool package_is_distro_file(struct str path)
{
	return is_os_release(path) || is_sentence_file(path) || str_is(path, "/etc/lsb-release") ||
	       str_is(path, "/etc/debian_version") || str_is(path, "/etc/alpine-release") ||
	       str_is(path, "/etc/arch-release");
}

static bool parse_file(struct str path, struct str content, struct artifact_distro *d)
{
	if (is_os_release(path))
		return parse_os_release(content, d);
	if (str_is(path, "/etc/lsb-release"))
		return parse_lsb_release(content, d);
	if (str_is(path, "/etc/debian_version"))
		return parse_version_only(content, d, "debian");
	if (str_is(path, "/etc/alpine-release"))
		return parse_version_only(content, d, "alpine");
	if (str_is(path, "/etc/arch-release")) {
		d->id = STR("arch"); /* the file is empty */
		return true;
	}
	return is_sentence_file(path) && parse_sentence(content, d);
}

/* Ids are lower case (os-release(5)), whatever a stranger wrote: they become part of names. */
static struct str clean_id(struct arena *a, struct str id)
{
	struct str copy = arena_str(a, str_head(id, 64));
	size_t n = 0;

	for (size_t i = 0; i < copy.len; i++) {
		char c = copy.s[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c + ('a' - 'A'));
		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c && strchr("._-", c)))
			((char *)copy.s)[n++] = c;
	}
	return str_head(copy, n);
}

bool package_parse_distro(
	struct str path, struct str content, struct arena *a, struct artifact_distro *ret)
{
	struct artifact_distro d = {0};

	if (!parse_file(path, str_head(content, PACKAGE_METADATA_BYTES), &d))
		return false;
	*ret = (struct artifact_distro){
		.id = clean_id(a, d.id),
		.version = arena_str(a, str_head(d.version, 64)),
		.codename = arena_str(a, str_head(d.codename, 64)),
		.pretty_name = arena_str(a, str_head(d.pretty_name, 200)),
		.path = arena_str(a, path),
	};
	return ret->id.len;
}
