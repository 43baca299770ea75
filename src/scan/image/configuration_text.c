/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the texts of an image's config: steps of the build, environment, the command that starts.
 * A step is what a builder wrote into the history (BuildKit "RUN /bin/sh -c … # buildkit", Docker
 * and Buildah "/bin/sh -c …" and "/bin/sh -c #(nop) ADD …", "|1 NAME=value /bin/sh -c …").
 */
#include <ctype.h>

#include "scan/image/configuration.h"
#include "scan/image/excerpt.h"
#include "scan/image/script.h"

enum { MAX_STEP = 64 << 10, MAX_TOLD_LINES = 5, MAX_ARGUMENTS = 100 };

static void tell_line(struct ledger *l, const char *check, enum artifact_label label,
	enum artifact_severity severity, unsigned confidence, struct str title, const char *mend,
	struct str line, const char *cis)
{
	config_tell(l, &(struct config_finding){check, label, severity, confidence, title, mend,
			       excerpt_of(ledger_arena(l), line), cis});
}

/* ---- names that look like secrets ---------------------------------------------------------- */

static bool ends_with(struct str name, const char *end)
{
	struct str e = str_of(end);

	if (name.len < e.len || !str_ieq(str_skip(name, name.len - e.len), e))
		return false;
	return name.len == e.len || name.s[name.len - e.len - 1] == '_';
}

/* Whether a variable of that name and value holds a secret, by its name alone. */
static bool is_secret_name(struct str name, struct str value)
{
	static const char *const ends[] = {"PASSWORD", "PASSWD", "PASSPHRASE", "SECRET", "TOKEN",
		"API_KEY", "APIKEY", "ACCESS_KEY", "SECRET_KEY", "PRIVATE_KEY", "CREDENTIALS",
		"ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "AUTH_TOKEN", "ENCRYPTION_KEY", NULL};
	static const char *const never[] = {"GPG", "PUBLIC", "ALLOW_EMPTY", "RANDOM", NULL};

	value = str_trim(value);
	while (value.len && strchr("\"'", value.s[0]))
		value = str_skip(value, 1);
	if (!value.len || value.s[0] == '$' || value.s[0] == '/' || value.s[0] == '"' ||
		str_ieq(value, STR("true")) || str_ieq(value, STR("false")) ||
		str_ieq(value, STR("yes")) || str_ieq(value, STR("no")))
		return false;
	for (size_t i = 0; never[i]; i++)
		if (str_ifind(name, str_of(never[i])) >= 0)
			return false;
	for (size_t i = 0; ends[i]; i++)
		if (ends_with(name, ends[i]))
			return true;
	return false;
}

static void tell_secret_name(struct str name, const char *what, struct ledger *l)
{
	config_tell(l,
		&(struct config_finding){"config-secret-name", LABEL_CONFIGURATION, ARTIFACT_MEDIUM,
			60,
			arena_printf(ledger_arena(l),
				"%s %.*s is set in the image, by its name a secret: whoever has "
				"the "
				"image can read it",
				what, STR_ARG(str_head(name, 64))),
			"Give it when the container starts, or in the build as --mount=type=secret",
			STR_NULL, "4.10"});
}

static bool is_name(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!isalnum((unsigned char)s.s[i]) && s.s[i] != '_')
			return false;
	return s.len > 0 && !isdigit((unsigned char)s.s[0]);
}

/* "|2 NAME=value NAME=value /bin/sh -c …": the arguments that a step was given. */
static struct str read_arguments(struct str step, struct ledger *l)
{
	struct str rest = str_skip(step, 1), word = str_cut(&rest, ' ');
	uint64_t n;

	if (!str_to_u64(word, 10, &n) || n > MAX_ARGUMENTS)
		return step;
	for (uint64_t i = 0; i < n; i++) {
		struct str before = rest, value = str_cut(&rest, ' '), name = str_cut(&value, '=');

		if (!is_name(name) || !value.s)
			return before; /* a value with blanks in it: where it ends is not said */
		if (is_secret_name(name, value))
			tell_secret_name(name, "The build argument", l);
	}
	return rest;
}

/* ---- steps -------------------------------------------------------------------------------- */

static void judge_fetch(struct str line, unsigned deeds, struct ledger *l)
{
	bool is_plain = (deeds & SCRIPT_PLAIN_HTTP) != 0;

	if (deeds & SCRIPT_FETCH_RUNS)
		tell_line(l, "config-fetch-run", LABEL_CONFIGURATION,
			is_plain ? ARTIFACT_MEDIUM : ARTIFACT_LOW, 85,
			is_plain ? STR("A step of the build runs what it downloads, without "
				       "encryption on "
				       "the way")
				 : STR("A step of the build runs what it downloads, unseen"),
			"Download a version, compare its digest, then run it", line, "4.11");
	else if (is_plain && (deeds & SCRIPT_FETCH_STARTS))
		tell_line(l, "config-fetch-plain", LABEL_CONFIGURATION, ARTIFACT_LOW, 80,
			STR("A step of the build installs a program that came without encryption"),
			"Download it by https, and compare its digest", line, "4.11");
}

static void judge_line(struct str line, struct ledger *l, bool is_start)
{
	unsigned deeds = script_deeds(line);

	if (deeds & SCRIPT_CONNECTS)
		tell_line(l, is_start ? "config-start-connects" : "config-step-connects",
			LABEL_BACKDOOR, ARTIFACT_CRITICAL, 88,
			arena_printf(ledger_arena(l), "%s gives a shell to a connection",
				is_start ? "The command that starts" : "A step of the build"),
			"Do not run this image; find out who wrote the line", line, NULL);
	else if (deeds & SCRIPT_DECODE_RUNS)
		tell_line(l, is_start ? "config-start-hidden" : "config-step-hidden", LABEL_MALWARE,
			ARTIFACT_HIGH, 75,
			arena_printf(ledger_arena(l), "%s runs a text that it hides by an encoding",
				is_start ? "The command that starts" : "A step of the build"),
			"Read what it decodes, and write it out in the open", line, NULL);
	else if (is_start && (deeds & (SCRIPT_FETCH_RUNS | SCRIPT_FETCH_STARTS)))
		tell_line(l, "config-start-fetches", LABEL_MALWARE, ARTIFACT_HIGH, 70,
			STR("The command that starts runs what it downloads first: what runs is "
			    "not "
			    "what was scanned"),
			"Download in the build, and keep what was downloaded in the image", line,
			NULL);
	else if (!is_start)
		judge_fetch(line, deeds, l);
	if (deeds & SCRIPT_UNVERIFIED)
		tell_line(l, "config-unverified", LABEL_CONFIGURATION, ARTIFACT_LOW, 80,
			STR("A step of the build does not check certificates or signatures"),
			"Let them be checked; add your own authority's certificate if that is why",
			line, "4.11");
}

/* ADD of an address: fetched anew by who builds, without a digest. */
static void judge_add(struct str step, struct ledger *l)
{
	ptrdiff_t at = str_find(step, STR("ADD http"));
	struct str rest = at < 0 ? STR_NULL : str_skip(step, (size_t)at + 4);

	if (at < 0 || str_find(step, STR("--checksum=")) >= 0)
		return;
	bool is_plain = str_starts(rest, STR("http://"));
	tell_line(l, "config-remote-add", LABEL_CONFIGURATION,
		is_plain ? ARTIFACT_MEDIUM : ARTIFACT_LOW, 90,
		is_plain ? STR("A step of the build adds a file from an address, without "
			       "encryption on "
			       "the way")
			 : STR("A step of the build adds a file from an address, whatever lies "
			       "there "
			       "that day"),
		"Use ADD --checksum, or download and compare in one RUN", step, "4.9");
}

static void judge_whole_step(struct str step, struct ledger *l)
{
	if (str_find(step, STR("chpasswd")) >= 0 || str_find(step, STR("passwd --stdin")) >= 0)
		tell_line(l, "config-password-step", LABEL_CONFIGURATION, ARTIFACT_MEDIUM, 80,
			STR("A step of the build sets a password, which can be read in the "
			    "history"),
			"Lock the account; log in by keys given at start, if at all", step, "4.10");
	if (str_find(step, STR("chmod -R 777 /")) >= 0 || str_find(step, STR("chmod 777 /")) >= 0 ||
		str_find(step, STR("chmod -R a+rwx /")) >= 0)
		tell_line(l, "config-writable-step", LABEL_CONFIGURATION, ARTIFACT_LOW, 75,
			STR("A step of the build lets everybody change files"),
			"Give the files to the user that needs them (chown, COPY --chown)", step,
			NULL);
}

/* Where a step's command begins, whatever builder wrote it down. */
static struct str command_of(struct str step)
{
	static const struct str starts[] = {STR("RUN "), STR("/bin/sh -c "), STR("/bin/bash -c "),
		STR("/bin/ash -c "), STR("#(nop) ")};

	step = str_trim(step);
	for (unsigned again = 0; again < 3; again++)
		for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
			if (str_starts(step, starts[i]))
				step = str_trim(str_skip(step, starts[i].len));
	return step;
}

/* "NAME=value" or "NAME value" of ARG and ENV. */
static bool read_assignment(struct str step, struct ledger *l)
{
	bool is_arg = str_starts(step, STR("ARG ")), is_env = str_starts(step, STR("ENV "));

	if (is_arg) {
		struct str value = str_trim(str_skip(step, 4)), name = str_cut(&value, '=');

		if (is_name(name) && value.s && is_secret_name(name, value))
			tell_secret_name(name, "The build argument", l);
	}
	return is_arg || is_env; /* the environment itself is shown, too */
}

/* Parts of a step that && or ; divide, pipes and quotes whole. */
static struct str cut_command(struct str *rest)
{
	size_t i = 0;
	char quote = 0;

	for (; i < rest->len; i++) {
		char c = rest->s[i];

		if (quote ? c == quote : c == '"' || c == '\'')
			quote = quote ? 0 : c;
		else if (!quote &&
			 (c == ';' || c == '\n' ||
				 (c == '&' && i + 1 < rest->len && rest->s[i + 1] == '&')))
			break;
	}
	struct str part = str_head(*rest, i);
	*rest = str_skip(*rest, i + (i < rest->len && rest->s[i] == '&' ? 2 : 1));
	return part;
}

void config_read_step(struct str step, struct ledger *l)
{
	struct str rest = str_head(step, MAX_STEP);

	rest = str_trim(rest);
	if (str_starts(rest, STR("RUN |")))
		rest = str_skip(rest, 4);
	if (rest.len && rest.s[0] == '|')
		rest = read_arguments(rest, l);
	rest = command_of(rest);
	if (read_assignment(rest, l))
		return;
	judge_add(rest, l);
	judge_whole_step(rest, l);
	/* wget … && chmod +x … is one deed over two commands: the whole is looked at as well */
	unsigned whole = script_deeds(rest), parts = 0;
	struct str all = rest;
	for (unsigned n = 0; rest.len && n < MAX_TOLD_LINES * 20;) {
		struct str part = cut_command(&rest);

		parts |= script_deeds(part);
		judge_line(part, l, false);
		n++;
	}
	if ((whole & SCRIPT_FETCH_STARTS) && !(parts & SCRIPT_FETCH_STARTS))
		judge_fetch(all, (whole & ~(unsigned)SCRIPT_FETCH_RUNS), l);
}

/* ---- environment, the command that starts --------------------------------------------------- */

void config_read_env(struct str pair, struct ledger *l)
{
	struct str value = pair, name = str_cut(&value, '=');

	if (is_secret_name(name, value))
		tell_secret_name(name, "The environment variable", l);
	if (str_is(name, "LD_PRELOAD") && value.len)
		tell_line(l, "config-preload",
			script_deeds(pair) & SCRIPT_PRELOADS ? LABEL_BACKDOOR : LABEL_CONFIGURATION,
			script_deeds(pair) & SCRIPT_PRELOADS ? ARTIFACT_HIGH : ARTIFACT_LOW, 75,
			STR("A library is put into every program of the container (LD_PRELOAD)"),
			"Set it only for the program that needs it", pair, NULL);
	if (str_is(name, "PATH") &&
		(str_starts(value, STR(".")) || str_starts(value, STR(":")) ||
			str_find(value, STR("/tmp")) >= 0 || str_find(value, STR(":.")) >= 0 ||
			str_find(value, STR("::")) >= 0))
		tell_line(l, "config-path", LABEL_CONFIGURATION, ARTIFACT_LOW, 70,
			STR("Programs are looked for in a folder where anybody may put one (PATH)"),
			"Name only folders of the system in PATH", pair, NULL);
	if (script_deeds(pair) & SCRIPT_UNVERIFIED)
		tell_line(l, "config-unverified-env", LABEL_CONFIGURATION, ARTIFACT_MEDIUM, 85,
			STR("A variable of the environment turns the check of certificates off"),
			"Take the variable out; add your own authority's certificate if that is "
			"why",
			pair, NULL);
}

void config_read_entrypoint(struct str command, struct ledger *l)
{
	judge_line(str_head(command, MAX_STEP), l, true);
}
