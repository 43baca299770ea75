/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Java archives, whose members are shown as "/app/a.jar!/META-INF/…". Maven writes pom.properties
 * into what it builds, once for each artifact that is packed in: that is sure. Without it, the
 * manifest and the name of the file are hints, which who calls puts together.
 */
#include "engine/package/private.h"

static bool is_archive(struct str path)
{
	static const char *const ends[] = {".jar", ".war", ".ear", ".hpi", ".jpi"};

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (path.len > strlen(ends[i]) &&
			str_ieq(str_skip(path, path.len - strlen(ends[i])), str_of(ends[i])))
			return true;
	return false;
}

/* Splits at the last "!/"; false when the member is not in a Java archive. */
static bool split_member(struct str path, struct str *archive, struct str *member)
{
	ptrdiff_t mark = str_rfind_char(path, '!');

	if (mark < 0)
		return false;
	*archive = str_head(path, (size_t)mark);
	*member = str_skip(path, (size_t)mark + 1);
	return is_archive(*archive);
}

/* One in a tarball is not installed; one in a Java archive, however deep, is part of a program. */
static bool is_part_of_program(struct str path)
{
	for (size_t i = 0; i < path.len; i++)
		if (path.s[i] == '!' && !is_archive(str_head(path, i)))
			return false;
	return true;
}

bool jar_wants(struct str path)
{
	return is_archive(path) && is_part_of_program(path);
}

bool jar_wants_manifest(struct str path)
{
	struct str archive, member;

	return split_member(path, &archive, &member) && str_is(member, "/META-INF/MANIFEST.MF") &&
	       is_part_of_program(path);
}

bool jar_wants_properties(struct str path)
{
	struct str archive, member;

	return split_member(path, &archive, &member) &&
	       str_starts(member, STR("/META-INF/maven/")) &&
	       str_is(path_base(member), "pom.properties") && is_part_of_program(path);
}

/* What is found is the archive, not the file in it that says so. */
static void set_path(struct package_job *j)
{
	struct str archive, member;

	if (split_member(j->path, &archive, &member))
		j->path = archive;
}

int jar_parse_properties(struct package_job *j)
{
	struct artifact_package p = {0};
	struct str rest = j->content, line;

	while (text_line(&rest, &line)) {
		struct str key = str_trim(str_cut(&line, '='));

		if (str_is(key, "groupId"))
			p.group = str_trim(line);
		else if (str_is(key, "artifactId"))
			p.name = str_trim(line);
		else if (str_is(key, "version"))
			p.version = str_trim(line);
	}
	/* a template that was packed as it is: "${project.version}" */
	if (!p.name.len || !p.version.len || str_find(p.version, STR("${")) >= 0)
		return job_bad(j, "has no artifactId or no version");
	set_path(j);
	job_emit(j, &p);
	return 0;
}

/* "jackson-core-2.14.0": the version begins at the first digit behind a dash. */
static void take_file_name(struct str path, struct artifact_package *p)
{
	struct str base = path_base(path);

	base = str_head(base, (size_t)str_rfind_char(base, '.'));
	p->name = base;
	for (size_t i = 1; i + 1 < base.len; i++)
		if (base.s[i] == '-' && base.s[i + 1] >= '0' && base.s[i + 1] <= '9') {
			p->name = str_head(base, i);
			p->version = str_skip(base, i + 1);
			return;
		}
}

int jar_parse(struct package_job *j)
{
	struct artifact_package p = {0};

	take_file_name(j->path, &p);
	job_emit(j, &p);
	return 0;
}

/* "com.fasterxml.jackson.core.jackson-core;singleton:=true" of jackson-core: the group before it.
 */
static struct str group_of(struct str symbolic, struct str name)
{
	struct str s = str_trim(str_cut(&symbolic, ';'));

	if (s.len > name.len + 1 && str_ends(s, name) && s.s[s.len - name.len - 1] == '.')
		return str_head(s, s.len - name.len - 1);
	return STR_NULL;
}

/* The main section of a manifest (JAR File Specification), up to its first empty line. */
int jar_parse_manifest(struct package_job *j)
{
	struct artifact_package p = {0};
	struct str rest = j->content, key, value, symbolic = STR_NULL, vendor = STR_NULL;
	struct str of_bundle = STR_NULL, of_specification = STR_NULL;

	while (text_field(&rest, &key, &value)) {
		if (str_ieq(key, STR("Implementation-Version")))
			p.version = value;
		else if (str_ieq(key, STR("Bundle-Version")))
			of_bundle = value;
		else if (str_ieq(key, STR("Specification-Version")))
			of_specification = value;
		else if (str_ieq(key, STR("Bundle-SymbolicName")))
			symbolic = value;
		else if (str_ieq(key, STR("Implementation-Vendor-Id")))
			vendor = value;
		else if (str_ieq(key, STR("Implementation-Vendor")))
			p.maintainer = value;
	}
	set_path(j);
	struct artifact_package named = {0};
	take_file_name(j->path, &named);
	p.name = named.name;
	p.group = symbolic.len ? group_of(symbolic, p.name) : STR_NULL;
	if (!p.group.len)
		p.group = vendor;
	/* Maven's version is in the name of the file; OSGi and others write it in forms of their
	 * own */
	if (named.version.len)
		p.version = named.version;
	else if (!p.version.len)
		p.version = of_bundle.len ? of_bundle : of_specification;
	job_emit(j, &p);
	return 0;
}
