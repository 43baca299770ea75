/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What starts by itself: cron, units, init scripts, shell start files, libraries that are
 * preloaded, hooks of Python, npm and git. A line is judged by its deeds (script.h); the words in
 * it that name programs are told for the judge, who follows them.
 */
#include "scan/image/backdoors.h"

#include "scan/image/script.h"

/* ---- lines -------------------------------------------------------------------------------- */

static void tell_words(struct str line, struct ledger *l, unsigned *ntold)
{
	struct script_words w = script_words_of(line);
	struct str word;

	while (*ntold < BACKDOOR_WORDS && script_next_word(&w, &word)) {
		ledger_runs(l, word);
		(*ntold)++;
	}
}

void backdoor_tell_words(struct str text, struct ledger *l)
{
	unsigned ntold = 0;
	struct str line;

	while (ntold < BACKDOOR_WORDS && script_next_line(&text, &line))
		tell_words(line, l, &ntold);
}

struct weight {
	enum artifact_severity severity;
	unsigned confidence;
};

static struct weight weight_of(unsigned deeds)
{
	if (deeds & SCRIPT_CONNECTS)
		return (struct weight){ARTIFACT_CRITICAL, 90};
	if (deeds & (SCRIPT_DECODE_RUNS | SCRIPT_FETCH_RUNS | SCRIPT_PRELOADS))
		return (struct weight){ARTIFACT_HIGH, 85};
	if (deeds & (SCRIPT_FETCH_STARTS | SCRIPT_PLANTS_KEY | SCRIPT_RUNS_HIDDEN))
		return (struct weight){ARTIFACT_HIGH, 70};
	return (struct weight){ARTIFACT_MEDIUM, 60};
}

/* Tells a line that does what does not belong there; `what` begins the sentence. */
static bool judge_line(const char *check, const char *what, struct str text, struct str line,
	struct str command, struct ledger *l)
{
	unsigned deeds = script_deeds(command) & SCRIPT_SUSPICIOUS;

	if (!deeds)
		return false;
	struct weight w = weight_of(deeds);
	backdoor_tell(
		l, &(struct backdoor){check, LABEL_BACKDOOR, w.severity, w.confidence,
			   arena_printf(ledger_arena(l), "%s %s", what, script_deed_name(deeds)),
			   "Find out who put it there; take it out when nobody knows", text,
			   (size_t)(line.s - text.s), NULL, STR_NULL});
	return true;
}

/* ---- ld.so(8) ----------------------------------------------------------------------------- */

/* Libraries that are preloaded for what they are. */
static bool is_known_preload(struct str path)
{
	static const char *const names[] = {"libjemalloc", "libtcmalloc", "libmimalloc",
		"libeatmydata", "libsnoopy", "libnss_wrapper", "libfaketime", "libgomp",
		"libsystemtap", "libprotobuf", NULL};
	ptrdiff_t slash = str_rfind_char(path, '/');
	struct str name = slash < 0 ? path : str_skip(path, (size_t)slash + 1);

	for (size_t i = 0; names[i]; i++)
		if (str_starts(name, str_of(names[i])) && str_starts(path, STR("/usr/")))
			return true;
	return false;
}

void backdoor_read_preload(
	struct backdoors *b, const struct file_view *v, struct str text, struct ledger *l)
{
	struct str rest = text;
	unsigned n = 0;

	while (rest.len && n < BACKDOOR_LINES) {
		struct str line = str_cut(&rest, '\n'), s = str_trim(line);
		struct str path = str_cut(&s, ' ');
		bool is_known = is_known_preload(path);

		if (!path.len || path.s[0] == '#')
			continue;
		n++;
		ledger_runs(l, str_head(path, 255));
		backdoor_tell(
			l, &(struct backdoor){"backdoor-preload", LABEL_BACKDOOR,
				   is_known ? ARTIFACT_LOW : ARTIFACT_HIGH, is_known ? 40 : 88,
				   arena_printf(ledger_arena(l),
					   "The library %.*s is put into every program that starts",
					   STR_ARG(str_head(path, 200))),
				   "Take the line out, unless you know what the library does", text,
				   (size_t)(line.s - text.s), NULL, STR_NULL});
	}
}

/* ---- crontab(5) --------------------------------------------------------------------------- */

static struct str skip_field(struct str s)
{
	while (s.len && s.s[0] != ' ' && s.s[0] != '\t')
		s = str_skip(s, 1);
	return str_trim(s);
}

/* The command of a line; empty when it has none. has_user: the system's tables name one. */
static struct str command_of(struct str line, bool has_user)
{
	struct str s = str_trim(line);
	ptrdiff_t eq;

	if (!s.len || s.s[0] == '#')
		return STR_NULL;
	eq = str_find_char(s, '=');
	if (eq > 0 && str_find_char(str_head(s, (size_t)eq), ' ') < 0 && s.s[0] != '@')
		return STR_NULL; /* NAME=value */
	/* "@daily" is one field of time, else there are five */
	for (unsigned n = s.s[0] == '@' ? 1 : 5; n > 0; n--)
		s = skip_field(s);
	return has_user ? skip_field(s) : s;
}

void backdoor_read_crontab(
	struct backdoors *b, const struct file_view *v, struct str text, struct ledger *l)
{
	bool has_user = str_starts(v->file->path, STR("/etc/cron.d/")) ||
			str_is(v->file->path, "/etc/crontab");
	unsigned nlines = 0, nwords = 0;
	struct str rest = text, line;

	while (script_next_line(&rest, &line) && nlines < BACKDOOR_LINES) {
		struct str command = command_of(line, has_user);

		if (!command.len)
			continue;
		tell_words(command, l, &nwords);
		if (judge_line("backdoor-cron", "A cron job", text, line, command, l)) {
			nlines++;
			continue;
		}
		if (has_user || str_find(command, STR("run-parts")) >= 0)
			continue;
		nlines++;
		backdoor_tell(
			l, &(struct backdoor){"backdoor-cron-user", LABEL_BACKDOOR, ARTIFACT_LOW,
				   35, STR("A user's cron table has a job of its own"),
				   "Find out whether the job belongs to the image", text,
				   (size_t)(line.s - text.s), NULL, STR_NULL});
	}
}

/* ---- systemd.service(5) ------------------------------------------------------------------- */

void backdoor_read_unit(
	struct backdoors *b, const struct file_view *v, struct str text, struct ledger *l)
{
	unsigned nlines = 0, nwords = 0;
	struct str rest = text, line;

	while (script_next_line(&rest, &line) && nlines < BACKDOOR_LINES) {
		struct str s = str_trim(line), key = str_cut(&s, '=');

		if (str_starts(str_trim(key), STR("Environment")) &&
			str_find(s, STR("LD_PRELOAD=")) >= 0)
			nlines += judge_line("backdoor-unit", "A service", text, line, s, l);
		if (!str_starts(key, STR("Exec")))
			continue;
		s = str_trim(s);
		while (s.len && strchr("@-+!:", s.s[0]))
			s = str_skip(s, 1);
		tell_words(s, l, &nwords);
		nlines += judge_line("backdoor-unit", "A service", text, line, s, l);
	}
}

/* ---- scripts that are run at boot, at login, by tools -------------------------------------- */

static const char *check_of_start(struct str path, const char **what)
{
	if (str_find(path, STR("/.git/hooks/")) >= 0) {
		*what = "A hook of git";
		return "backdoor-git-hook";
	}
	if (str_starts(path, STR("/etc/init.d/")) || str_starts(path, STR("/etc/rc")) ||
		str_is(path, "/etc/inittab") || str_starts(path, STR("/etc/local.d/"))) {
		*what = "A script that is run at boot";
		return "backdoor-init";
	}
	if (str_starts(path, STR("/etc/cron")) || str_starts(path, STR("/etc/periodic/"))) {
		*what = "A script that cron runs";
		return "backdoor-cron";
	}
	if (str_starts(path, STR("/etc/apt/")) || str_starts(path, STR("/etc/udev/"))) {
		*what = "A hook of the system";
		return "backdoor-hook";
	}
	*what = "A file that shells read at login";
	return "backdoor-login";
}

void backdoor_read_start(
	struct backdoors *b, const struct file_view *v, struct str text, struct ledger *l)
{
	unsigned nlines = 0, nwords = 0;
	struct str rest = text, line;
	const char *what, *check = check_of_start(v->file->path, &what);

	while (script_next_line(&rest, &line) && nlines < BACKDOOR_LINES) {
		tell_words(line, l, &nwords);
		nlines += judge_line(check, what, text, line, line, l);
	}
}

/* ---- Python: site(3), *.pth, sitecustomize ------------------------------------------------ */

/* A line of a .pth file that begins with "import" is run by every Python that starts. */
void backdoor_read_python(
	struct backdoors *b, const struct file_view *v, struct str text, struct ledger *l)
{
	static const char *const signs[] = {"exec(", "eval(", "b64decode", "subprocess",
		"os.system", "os.popen", "urlopen", "requests.", "socket.", "marshal", NULL};
	struct str rest = text;

	while (rest.len) {
		struct str line = str_cut(&rest, '\n');

		if (str_ends(v->file->path, STR(".pth")) && !str_starts(line, STR("import")))
			continue;
		for (size_t i = 0; signs[i]; i++) {
			if (str_find(line, str_of(signs[i])) < 0)
				continue;
			backdoor_tell(
				l, &(struct backdoor){"backdoor-python-start", LABEL_BACKDOOR,
					   i < 3 ? ARTIFACT_HIGH : ARTIFACT_MEDIUM, i < 3 ? 75 : 55,
					   STR("Every Python program that starts runs this code "
					       "first"),
					   "Find out which package brought it; take it out when it "
					   "hides what it does",
					   text, (size_t)(line.s - text.s), NULL, STR_NULL});
			return;
		}
	}
}

/* ---- npm ---------------------------------------------------------------------------------- */

static void read_install_script(struct str text, size_t key, struct ledger *l)
{
	struct str rest = str_skip(text, key);
	ptrdiff_t colon = str_find_char(rest, ':');

	if (colon < 0 || colon > 20)
		return;
	rest = str_trim(str_skip(rest, (size_t)colon + 1));
	if (!rest.len || rest.s[0] != '"')
		return;
	rest = str_skip(rest, 1);
	size_t n = 0;
	while (n < rest.len && rest.s[n] != '"' && rest.s[n] != '\n')
		n += rest.s[n] == '\\' && n + 1 < rest.len ? 2 : 1;
	judge_line("backdoor-npm-script", "A script that npm runs when the package is installed",
		text, str_head(rest, n), str_head(rest, n), l);
}

void backdoor_read_package(
	struct backdoors *b, const struct file_view *v, struct str text, struct ledger *l)
{
	static const char *const keys[] = {"\"preinstall\"", "\"install\"", "\"postinstall\""};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		ptrdiff_t at = str_find(text, str_of(keys[i]));

		if (at >= 0)
			read_install_script(text, (size_t)at, l);
	}
}
