/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cuts a line of shell into words and knows which of them stand where a command may stand. Quotes
 * are breaks like blanks: what is in them may be given to a shell.
 */
#include <ctype.h>

#include "scan/image/script.h"

/* Between words: blanks, quotes and everything by which a shell parts commands. */
bool script_is_break(unsigned char c)
{
	return c <= 32 || strchr("|&;()<>{}\"'`=,[]", c) != NULL;
}

bool script_is_one_of(struct str word, const char *const *words)
{
	for (size_t i = 0; words[i]; i++)
		if (str_is(word, words[i]))
			return true;
	return false;
}

struct script_words script_words_of(struct str line)
{
	return (struct script_words){.rest = line, .at_command = true};
}

/* What may stand before a command. */
static bool keeps_command(struct str word)
{
	static const char *const words[] = {"do", "then", "else", "elif", "if", "while", "until",
		"exec", "sudo", "env", "nohup", "setsid", "command", "time", "nice", "ionice",
		"tini", "dumb-init", "xargs", "--", "!", "sh", "bash", "dash", "-c", "-lc", "-ec",
		NULL};

	return script_is_one_of(word, words) || (word.len > 1 && word.s[0] == '-');
}

/* And these, with a word of their own before the command: a user, a root, a time. */
static bool takes_word(struct str word)
{
	static const char *const words[] = {
		"gosu", "su-exec", "chroot", "timeout", "setpriv", NULL};

	return script_is_one_of(word, words);
}

static bool looks_like_program(struct str w)
{
	bool has_letter = false;

	if (w.len < 2 || w.len > 255 || w.s[0] == '-' || w.s[0] == '$')
		return false;
	for (size_t i = 0; i < w.len; i++) {
		unsigned char c = (unsigned char)w.s[i];

		has_letter |= isalpha(c) != 0;
		if (!isalnum(c) && !strchr("._/+-@:~%", c) && c < 128)
			return false;
	}
	return has_letter;
}

static bool is_keyword(struct str w)
{
	static const char *const words[] = {"do", "done", "then", "else", "elif", "fi", "if",
		"while", "until", "for", "in", "case", "esac", "function", "return", "exit", "set",
		"unset", "export", "local", "readonly", "shift", "echo", "printf", "test", "true",
		"false", "cd", "exec", "break", "continue", "trap", "wait", "eval", "read", "umask",
		NULL};

	return script_is_one_of(w, words);
}

/* Past breaks; what they do to where a command may stand. */
static void skip_breaks(struct script_words *w)
{
	while (w->rest.len && script_is_break((unsigned char)w->rest.s[0])) {
		unsigned char c = (unsigned char)w->rest.s[0];

		if (strchr("|&;({`\n", c)) {
			w->at_command = true;
			w->in_value = false;
		} else if (c == '<' || c == '>') {
			w->at_command = false;
		} else if (c <= 32 && w->in_value) { /* NAME= or NAME=VALUE is over */
			w->in_value = false;
			w->at_command = true;
		}
		w->rest = str_skip(w->rest, 1);
	}
}

bool script_next_word(struct script_words *w, struct str *ret)
{
	for (;;) {
		size_t n = 0;
		bool is_value;

		skip_breaks(w);
		while (n < w->rest.len && !script_is_break((unsigned char)w->rest.s[n]))
			n++;
		if (!n)
			return false;
		struct str word = str_head(w->rest, n);
		w->rest = str_skip(w->rest, n);
		is_value = w->in_value;
		w->was_command = w->at_command && !is_value;
		if (word.s[0] == '#') {
			w->rest = STR_NULL;
			return false;
		}
		if (w->was_command && w->rest.len && w->rest.s[0] == '=') {
			w->in_value = true; /* the value follows, and then perhaps a command */
			continue;
		}
		/* a number, as of nice -n 5, is no command either */
		w->at_command = w->skips_next ||
				(w->was_command && (keeps_command(word) || takes_word(word) ||
							   !looks_like_program(word)));
		w->was_command &= !w->skips_next;
		w->skips_next = w->was_command && takes_word(word);
		if (!looks_like_program(word) || is_keyword(word))
			continue;
		if (!w->was_command && !memchr(word.s, '/', word.len))
			continue;
		*ret = word;
		return true;
	}
}
