/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which programs a script, a unit of systemd or a table of cron names: the words of it that look
 * like paths, and those that stand where a command stands. It is no shell: it finds too many words
 * rather than too few, and whoever follows them (reach.c) asks whether such a file is there.
 */
#include "scan/image/pass.h"

enum { TEXT_MAX = 256 << 10 };

static const struct {
	const char *prefix;
	enum layer_starter by;
} places[] = {
	{"/etc/cron", STARTER_CRON},
	{"/var/spool/cron/", STARTER_CRON},
	{"/etc/periodic/", STARTER_CRON},
	{"/etc/anacrontab", STARTER_CRON},
	{"/etc/systemd/", STARTER_SERVICE},
	{"/lib/systemd/", STARTER_SERVICE},
	{"/usr/lib/systemd/", STARTER_SERVICE},
	{"/etc/init.d/", STARTER_SERVICE},
	{"/etc/inittab", STARTER_SERVICE},
	{"/etc/rc.local", STARTER_SERVICE},
	{"/etc/service/", STARTER_SERVICE},
	{"/etc/services.d/", STARTER_SERVICE},
	{"/etc/s6-overlay/", STARTER_SERVICE},
	{"/etc/cont-init.d/", STARTER_SERVICE},
	{"/etc/supervisor", STARTER_SERVICE},
	{"/etc/xdg/autostart/", STARTER_LOGIN},
	{"/etc/profile", STARTER_LOGIN},
	{"/etc/bash.bashrc", STARTER_LOGIN},
	{"/etc/bashrc", STARTER_LOGIN},
	{"/etc/zsh/", STARTER_LOGIN},
	{"/etc/update-motd.d/", STARTER_LOGIN},
	{"/etc/ld.so.preload", STARTER_PRELOAD},
};

static const char *const login_names[] = {"/.profile", "/.bashrc", "/.bash_profile", "/.bash_login",
	"/.zshrc", "/.zprofile", "/.zshenv", "/.ssh/rc", NULL};

static bool starter_of(struct str path, enum layer_starter *ret)
{
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		if (!str_starts(path, str_of(places[i].prefix)))
			continue;
		*ret = places[i].by;
		return true;
	}
	for (size_t i = 0; login_names[i]; i++) {
		if (!str_ends(path, str_of(login_names[i])))
			continue;
		*ret = STARTER_LOGIN;
		return true;
	}
	return false;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* What ends a word of a shell, a unit or a line of Python alike. */
static bool ends_word(char c)
{
	return is_blank(c) || c == '\n' || strchr(";|&()<>\"'`{},=", c) != NULL;
}

static bool begins_command(char c)
{
	return c == '\n' || strchr(";|&(`{", c) != NULL;
}

/* Words in front of a command that are not the command. */
static bool is_prefix_word(struct str w)
{
	static const char *const words[] = {"exec", "sudo", "nohup", "env", "command", "then", "do",
		"else", "if", "while", "until", "eval", "time", "nice", "setsid", "source", ".",
		"gosu", "su-exec", "tini", "--", "!", "sh", "bash", "-c", "dumb-init", NULL};

	for (size_t i = 0; words[i]; i++)
		if (str_is(w, words[i]))
			return true;
	/* NAME=value ends at the "=" */
	return w.len && w.s[0] == '-';
}

static bool is_program_word(struct str w)
{
	if (w.len < 2 || w.len > 200 || w.s[0] == '$' || w.s[0] == '-' || w.s[0] == '#')
		return false;
	for (size_t i = 0; i < w.len; i++) {
		unsigned char c = (unsigned char)w.s[i];

		if (c < 0x21 || c == '*' || c == '?' || c == '[' || c == '\\' || c == '%')
			return false;
	}
	return true;
}

static void read_line(struct pass *p, struct str line)
{
	bool at_command = true;

	for (size_t i = 0; i < line.len;) {
		char c = line.s[i];

		if (ends_word(c)) {
			at_command = at_command || begins_command(c);
			/* after "=" stands the value of a variable, or the command of a unit */
			at_command = at_command || c == '=';
			i++;
			continue;
		}
		size_t from = i;

		while (i < line.len && !ends_word(line.s[i]))
			i++;
		struct str w = str_make(line.s + from, i - from);

		if (w.s[0] == '#' && from && is_blank(line.s[from - 1]))
			return;
		bool is_path = str_find_char(w, '/') >= 0 && str_find(w, STR("://")) < 0;
		if (is_program_word(w) && (is_path || at_command))
			ledger_runs(p->ledger, w);
		at_command = at_command && is_prefix_word(w);
	}
}

/* A table of cron: five fields of time, perhaps a user, then the command. */
static struct str cron_command(struct str line)
{
	if (line.len && line.s[0] == '@') {
		str_cut(&line, ' ');
		return line;
	}
	for (int i = 0; i < 5; i++) {
		line = str_trim(line);
		if (!line.s || !line.len || !strchr("0123456789*/,-", line.s[0]))
			return line;
		str_cut(&line, ' ');
	}
	return line;
}

static bool is_script(struct str text)
{
	return str_starts(text, STR("#!"));
}

enum layer_starter words_read(
	struct pass *p, const struct artifact_file *f, struct str text, bool is_text)
{
	enum layer_starter by = STARTER_SCRIPT;

	if (f->depth || !is_text || !text.len)
		return by;
	if (!starter_of(f->path, &by) && !is_script(text))
		return by;
	ledger_starter(p->ledger, by);
	text = str_head(text, TEXT_MAX);
	for (bool first = is_script(text); text.s; first = false) {
		struct str line = str_cut(&text, '\n');

		/* the interpreter of the first line runs as well */
		if (first)
			line = str_skip(line, 2);
		else if (str_starts(str_trim(line), STR("#")))
			continue;
		read_line(p, by == STARTER_CRON ? cron_command(line) : line);
	}
	return by;
}
