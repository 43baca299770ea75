/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first steps of every verb that judges events: read the configuration, load the rules, make
 * the detector. Where the events come from, and where findings go, is the verb's own.
 */
#include "cmd/setup.h"

#include <errno.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"

enum { TEXT_BYTES = 1 << 20 };

int setup_config(const char *path, const char *const *overrides, size_t noverrides, bool is_quiet,
	struct config **ret, struct err *e)
{
	struct buf errors = BUF_INIT(TEXT_BYTES);
	struct config *c = NULL;
	int r = config_load_report(path, overrides, noverrides, &c, &errors);

	if (r < 0)
		io_write_all(STDERR_FILENO, buf_str(&errors));
	buf_done(&errors);
	if (r < 0)
		return err_set(e, EINVAL, "the configuration has errors");
	log_set_level(is_quiet ? LOG_LEVEL_ERROR : c->log_level);
	for (size_t i = 0; i < c->nwarnings; i++)
		log_warn("%s", c->warnings[i]);
	*ret = c;
	return 0;
}

/* Warnings of rules that somebody else wrote would be noise here: `koban rules check` has them. */
static int say_errors(const struct load_report *report, struct err *e)
{
	struct buf text = BUF_INIT(TEXT_BYTES);

	load_report_format_text(report, log_is_colour(), false, &text);
	io_write_all(STDERR_FILENO, buf_str(&text));
	buf_done(&text);
	return err_set(e, EINVAL, "the rules have %zu error%s: nothing was changed",
		report->nerrors, report->nerrors == 1 ? "" : "s");
}

int setup_rules(const struct config *c, const char *const *paths, size_t npaths, bool suggested,
	struct ruleset **ret, struct err *e)
{
	struct ruleset_options o = {
		.paths = npaths ? paths : c->rules_files,
		.npaths = npaths ? npaths : c->nrules_files,
		.selections = c->selections,
		.nselections = c->nselections,
		.min_priority = c->priority,
		.extra_output = c->extra_output,
		.suggested_output = suggested,
	};
	struct load_report *report = NULL;

	if (!o.npaths)
		return err_set(e, ENOENT,
			"no rules: give a file or a folder with -r, or set rules_files in the "
			"configuration");
	int r = ruleset_load(&o, ret, &report);
	if (r < 0)
		r = say_errors(report, e);
	load_report_free(report);
	return r;
}

int setup_detect(const struct config *c, struct ruleset *rs, const char *hostname,
	struct detect **ret, struct err *e)
{
	struct detect_options o = {
		.first_match_only = c->first_match_only,
		.iso_time = c->iso_time,
		.hostname = hostname,
		.resolve_names = c->resolve_names,
		.want_context = c->store.enabled,
	};

	*ret = detect_new(rs, &o, e);
	return *ret ? 0 : -ENOMEM;
}

size_t setup_count_rules(const struct ruleset *rs)
{
	size_t n = 0;

	for (size_t i = 0; i < rs->nrules; i++)
		n += rs->rules[i]->enabled;
	return n;
}

size_t setup_count_codes(const struct ruleset *rs)
{
	size_t n = 0;

	for (size_t i = 0; i < sizeof(rs->codes) / sizeof(*rs->codes); i++)
		n += (size_t)__builtin_popcountll(rs->codes[i]);
	return n;
}
