/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads lines of shell: deeds by words and what stands behind a pipe, and the words that name
 * programs. Quotes are looked through, because `sh -c "curl … | sh"` does what it says inside them;
 * so a line that only prints such a command is taken for one that runs it. What is told of a line
 * is therefore a sign, and says how sure it is where it becomes a finding.
 */
#include "scan/image/script.h"

#include <ctype.h>

static bool is_word_byte(unsigned char c)
{
	return isalnum(c) || c == '_' || c == '-' || c == '.';
}

/* `word` as a whole word at or behind `from`; where it begins, or -1. */
static ptrdiff_t find_word(struct str line, size_t from, const char *word)
{
	struct str w = str_of(word);

	while (from < line.len) {
		ptrdiff_t i = str_find(str_skip(line, from), w);

		if (i < 0)
			return -1;
		size_t at = from + (size_t)i, end = at + w.len;
		bool begins = at == 0 || !is_word_byte((unsigned char)line.s[at - 1]);
		bool ends = end == line.len || !is_word_byte((unsigned char)line.s[end]);

		if (begins && ends)
			return (ptrdiff_t)at;
		from = at + 1;
	}
	return -1;
}

static bool has(struct str line, const char *text)
{
	return str_find(line, str_of(text)) >= 0;
}

static ptrdiff_t find_any_word(struct str line, const char *const *words)
{
	ptrdiff_t best = -1;

	for (size_t i = 0; words[i]; i++) {
		ptrdiff_t at = find_word(line, 0, words[i]);

		if (at >= 0 && (best < 0 || at < best))
			best = at;
	}
	return best;
}

static const char *const fetchers[] = {"curl", "wget", "wget2", "fetch", "aria2c", "lwp-download",
	"http_get", "ftpget", "tftp", "axel", NULL};
static const char *const shells[] = {"sh", "bash", "dash", "ash", "zsh", "ksh", "python", "python2",
	"python3", "perl", "ruby", "node", "php", "lua", NULL};

static struct str base_name(struct str path)
{
	ptrdiff_t slash = str_rfind_char(path, '/');

	return slash < 0 ? path : str_skip(path, (size_t)slash + 1);
}

/* The first word of what stands behind a pipe, past sudo, env and options. */
static struct str command_after(struct str s)
{
	static const char *const passed[] = {
		"sudo", "env", "exec", "nohup", "command", "time", NULL};

	for (;;) {
		size_t n = 0;

		while (s.len && (s.s[0] == ' ' || s.s[0] == '\t' || s.s[0] == '&'))
			s = str_skip(s, 1);
		while (n < s.len && !script_is_break((unsigned char)s.s[n]))
			n++;
		struct str word = base_name(str_head(s, n));
		if (!n || !(script_is_one_of(word, passed) || word.s[0] == '-'))
			return word;
		s = str_skip(s, n);
	}
}

/* Whether a pipe at or behind `from` leads into an interpreter. */
static bool pipes_into_shell(struct str line, size_t from)
{
	for (size_t i = from; i + 1 < line.len; i++) {
		if (line.s[i] != '|')
			continue;
		if (line.s[i + 1] == '|') {
			i++;
			continue;
		}
		if (script_is_one_of(command_after(str_skip(line, i + 1)), shells))
			return true;
	}
	return false;
}

/* sh -c "$(curl …)", bash <(curl …), . <(curl …), eval "$(wget …)", python -c "$(…)" */
static bool is_given_to_shell(struct str line, size_t fetch)
{
	struct str before = str_head(line, fetch);
	size_t n = before.len;

	while (n && (before.s[n - 1] == ' ' || before.s[n - 1] == '"' || before.s[n - 1] == '\''))
		n--;
	before = str_head(before, n);
	if (!str_ends(before, STR("$(")) && !str_ends(before, STR("<(")) &&
		!str_ends(before, STR("`")))
		return false;
	struct str words = before;
	ptrdiff_t cut = -1;
	for (size_t i = 0; i < words.len; i++)
		if (words.s[i] == ';' || words.s[i] == '\n' ||
			(words.s[i] == '&' && i + 1 < words.len && words.s[i + 1] == '&'))
			cut = (ptrdiff_t)i;
	words = str_skip(words, (size_t)(cut + 1));
	if (find_word(words, 0, "eval") >= 0 || find_word(words, 0, "source") >= 0 ||
		str_starts(str_trim(words), STR(". ")))
		return true;
	ptrdiff_t shell = find_any_word(words, shells);
	return shell >= 0 && (str_ends(before, STR("<(")) || has(words, "-c"));
}

/* chmod +x, 7xx */
static bool makes_runnable(struct str line)
{
	ptrdiff_t at = find_word(line, 0, "chmod");

	if (at < 0)
		return find_word(line, 0, "install") >= 0 && has(line, "-m");
	struct str rest = str_skip(line, (size_t)at + 5);
	return has(str_head(rest, 24), "+x") || has(str_head(rest, 24), "a+rx") ||
	       has(str_head(rest, 10), " 7") || has(str_head(rest, 10), " 07");
}

static bool is_temporary(struct str path)
{
	return str_starts(path, STR("/tmp/")) || str_starts(path, STR("/var/tmp/")) ||
	       str_starts(path, STR("/dev/shm/"));
}

/* "/usr/lib/.x/y": a part that begins with a dot, where programs of the system lie. */
static bool is_hidden_program(struct str path)
{
	static const struct str roots[] = {STR("/usr/"), STR("/lib"), STR("/bin/"), STR("/sbin/"),
		STR("/etc/"), STR("/var/"), STR("/dev/"), STR("/tmp/"), STR("/opt/.")};
	bool in_root = false;

	for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++)
		in_root |= str_starts(path, roots[i]);
	if (!in_root)
		return false;
	ptrdiff_t dot = str_find(path, STR("/."));
	return dot >= 0 && (size_t)dot + 2 < path.len && path.s[dot + 2] != '/' &&
	       path.s[dot + 2] != '.';
}

static unsigned deeds_of_places(struct str line)
{
	struct script_words w = script_words_of(line);
	struct str word;
	unsigned deeds = 0;

	while (script_next_word(&w, &word)) {
		if (word.s[0] != '/' || !w.was_command)
			continue;
		if (is_temporary(word))
			deeds |= SCRIPT_RUNS_TEMPORARY;
		if (is_hidden_program(word))
			deeds |= SCRIPT_RUNS_HIDDEN;
	}
	return deeds;
}

static bool is_from_here(struct str line)
{
	return has(line, "://localhost") || has(line, "://127.") || has(line, "://[::1]") ||
	       has(line, "://0.0.0.0");
}

static bool is_unverified(struct str line)
{
	static const char *const signs[] = {"--insecure", "--no-check-certificate",
		"--allow-unauthenticated", "--force-yes", "--trusted-host", "--nogpgcheck",
		"--no-gpg-checks", "--no-gpg-check", "strict-ssl false", "strict-ssl=false",
		"GIT_SSL_NO_VERIFY", "http.sslVerify false", "http.sslVerify=false",
		"NODE_TLS_REJECT_UNAUTHORIZED=0", "--allow-untrusted", "AllowInsecureRepositories",
		"sslverify=0", "sslverify=false", "PYTHONHTTPSVERIFY=0",
		"GOINSECURE=", "GONOSUMDB=*", "GOFLAGS=-insecure", "--skip-verify",
		"--disable-content-trust", NULL};

	for (size_t i = 0; signs[i]; i++)
		if (has(line, signs[i]))
			return true;
	ptrdiff_t curl = find_word(line, 0, "curl");
	if (curl < 0)
		return false;
	/* -k among curl's short options, before the next command */
	for (size_t i = (size_t)curl + 4; i + 1 < line.len && !strchr("|;&", line.s[i]); i++) {
		if (line.s[i] != ' ' || line.s[i + 1] != '-' || i + 2 >= line.len ||
			line.s[i + 2] == '-')
			continue;
		for (i += 2; i < line.len && isalpha((unsigned char)line.s[i]); i++)
			if (line.s[i] == 'k')
				return true;
		i--;
	}
	return false;
}

static unsigned deeds_of_fetching(struct str line)
{
	ptrdiff_t fetch = find_any_word(line, fetchers);
	unsigned deeds = SCRIPT_FETCHES;

	if (fetch < 0)
		return 0;
	if (has(line, "http://") && !is_from_here(line))
		deeds |= SCRIPT_PLAIN_HTTP;
	if (pipes_into_shell(line, (size_t)fetch) || is_given_to_shell(line, (size_t)fetch))
		deeds |= SCRIPT_FETCH_RUNS;
	else if (makes_runnable(str_skip(line, (size_t)fetch)))
		deeds |= SCRIPT_FETCH_STARTS;
	return deeds;
}

static bool decodes_and_runs(struct str line)
{
	static const char *const decoders[] = {
		"base64", "base32", "xxd", "openssl", "uudecode", "rev", NULL};
	ptrdiff_t at = find_any_word(line, decoders);

	if (at < 0)
		return false;
	struct str rest = str_skip(line, (size_t)at);
	if (!has(rest, "-d") && !has(rest, "-D") && !has(rest, "--decode") && !has(rest, "-r") &&
		!has(rest, "rev"))
		return false;
	if (pipes_into_shell(line, (size_t)at))
		return true;
	struct str before = str_head(line, (size_t)at);
	return (find_word(before, 0, "eval") >= 0 || has(before, "sh -c")) &&
	       (has(before, "$(") || has(before, "`"));
}

static bool connects_shell(struct str line)
{
	if ((has(line, "/dev/tcp/") || has(line, "/dev/udp/")) &&
		(has(line, ">&") || has(line, "<>")))
		return true;
	static const char *const cats[] = {"nc", "ncat", "netcat", NULL};
	ptrdiff_t cat = find_any_word(line, cats);
	if (cat >= 0) {
		struct str rest = str_skip(line, (size_t)cat);

		if (has(rest, "-e /bin/") || has(rest, "-e sh") || has(rest, "-e bash") ||
			has(rest, "-c /bin/") || has(rest, "--sh-exec"))
			return true;
		if (has(line, "mkfifo") && has(line, "sh -i"))
			return true;
	}
	ptrdiff_t socat = find_word(line, 0, "socat");
	return socat >= 0 && str_ifind(line, STR("exec:")) >= 0 && has(line, "sh") &&
	       (str_ifind(line, STR("tcp")) >= 0 || str_ifind(line, STR("openssl")) >= 0);
}

/* "> PATH", ">> PATH", "tee PATH" with that path in it. */
static bool writes_to(struct str line, const char *path)
{
	ptrdiff_t at = str_find(line, str_of(path));

	if (at <= 0)
		return false;
	struct str before = str_head(line, (size_t)at);
	return str_rfind_char(before, '>') >= 0 || find_word(before, 0, "tee") >= 0;
}

static bool preloads(struct str line)
{
	ptrdiff_t at = str_find(line, STR("LD_PRELOAD="));

	if (writes_to(line, "/etc/ld.so.preload"))
		return true;
	if (at < 0)
		return false;
	struct str value = str_trim(str_skip(line, (size_t)at + 11));
	if (value.len && (value.s[0] == '"' || value.s[0] == '\''))
		value = str_skip(value, 1);
	return is_temporary(value) || is_hidden_program(str_head(value, 200));
}

unsigned script_deeds(struct str line)
{
	unsigned deeds = 0;

	line = str_trim(line);
	if (!line.len || line.s[0] == '#')
		return 0;
	deeds |= deeds_of_fetching(line);
	deeds |= deeds_of_places(line);
	if (decodes_and_runs(line))
		deeds |= SCRIPT_DECODE_RUNS;
	if (connects_shell(line))
		deeds |= SCRIPT_CONNECTS;
	if (preloads(line))
		deeds |= SCRIPT_PRELOADS;
	if (writes_to(line, "authorized_keys"))
		deeds |= SCRIPT_PLANTS_KEY;
	if (writes_to(line, "/var/spool/cron") || writes_to(line, "/etc/cron") ||
		has(line, "crontab -"))
		deeds |= SCRIPT_PLANTS_CRON;
	if (is_unverified(line))
		deeds |= SCRIPT_UNVERIFIED;
	if (find_word(line, 0, "chattr") >= 0 && has(line, "+i"))
		deeds |= SCRIPT_IMMUTABLE;
	return deeds;
}

const char *script_deed_name(unsigned deeds)
{
	static const struct {
		unsigned deed;
		const char *name;
	} names[] = {
		{SCRIPT_CONNECTS, "gives a shell to a connection"},
		{SCRIPT_DECODE_RUNS, "runs a text that it hides by an encoding"},
		{SCRIPT_FETCH_RUNS, "runs what it downloads"},
		{SCRIPT_FETCH_STARTS, "downloads a program and makes it runnable"},
		{SCRIPT_PRELOADS, "puts a library into other programs"},
		{SCRIPT_PLANTS_KEY, "writes a key into authorized_keys"},
		{SCRIPT_RUNS_HIDDEN, "starts a program with a hidden name"},
		{SCRIPT_RUNS_TEMPORARY, "starts a program from a folder for temporary files"},
		{SCRIPT_PLANTS_CRON, "plants a cron job"},
		{SCRIPT_IMMUTABLE, "makes files unchangeable"},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (deeds & names[i].deed)
			return names[i].name;
	return "does nothing of note";
}

bool script_next_line(struct str *rest, struct str *line)
{
	size_t n = 0;

	if (!rest->len)
		return false;
	for (;;) {
		ptrdiff_t end = str_find_char(str_skip(*rest, n), '\n');

		if (end < 0) {
			n = rest->len;
			break;
		}
		n += (size_t)end + 1;
		if (n < 2 || rest->s[n - 2] != '\\')
			break;
	}
	*line = str_head(*rest, n);
	*rest = str_skip(*rest, n);
	return true;
}
