/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The module information of a Go program (Go's debug/buildinfo, runtime/debug.BuildInfo.String):
 * lines of "path", "mod", "dep", "=>" and "build", fields between tabs. Each module that was linked
 * in is a package, and so is the standard library, by the version of the compiler.
 */
#include "engine/package/private.h"

/* "golang.org/x/net" is net of golang.org/x only in a purl: the module's name is all of it. */
static bool emit_module(struct package_job *j, struct str name, struct str version)
{
	struct artifact_package p = {.name = name, .version = version};

	/* a program built from its own tree: nobody can name a version */
	if (str_is(version, "(devel)"))
		p.version = STR_NULL;
	return !name.len || job_emit(j, &p);
}

/* "go1.22.4", "go1.22.4 X:boringcrypto", "devel go1.23-abc" */
static void emit_standard_library(struct package_job *j, struct str version)
{
	struct str word = str_cut(&version, ' ');

	if (str_starts(word, STR("go")))
		emit_module(j, STR("stdlib"), str_skip(word, 2));
}

void go_parse_modules(struct package_job *j, struct str version, struct str modules)
{
	struct str line, name = STR_NULL, number = STR_NULL;

	emit_standard_library(j, version);
	/* a module waits for its replacement, which stands on the next line */
	while (text_line(&modules, &line)) {
		struct str kind = str_cut(&line, '\t');
		bool is_replaced = str_is(kind, "=>");

		if (!is_replaced && !str_is(kind, "mod") && !str_is(kind, "dep"))
			continue;
		if (!is_replaced && !emit_module(j, name, number))
			return;
		struct str path = str_cut(&line, '\t'), v = str_cut(&line, '\t');
		/* a folder of the builder in place of a module: its name says more */
		if (is_replaced && (str_starts(path, STR(".")) || str_starts(path, STR("/"))))
			continue;
		name = path;
		number = v;
	}
	emit_module(j, name, number);
}
