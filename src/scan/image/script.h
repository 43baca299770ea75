/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What a line of shell does that a person should know of, and which programs it names. A reader of
 * words and pipes, not a shell: it does not expand, follow or run anything, is linear in the line,
 * and is used for scripts, cron lines, units, start files and the steps of a build alike.
 */
#include "base/str.h"

enum script_deed {
	SCRIPT_FETCHES = 1 << 0,        /* curl, wget … */
	SCRIPT_FETCH_RUNS = 1 << 1,     /* and what comes is run at once: | sh */
	SCRIPT_FETCH_STARTS = 1 << 2,   /* and what comes is made runnable and started */
	SCRIPT_DECODE_RUNS = 1 << 3,    /* base64 -d | sh, eval of a decoded text */
	SCRIPT_CONNECTS = 1 << 4,       /* /dev/tcp, nc -e: a shell on a connection */
	SCRIPT_RUNS_TEMPORARY = 1 << 5, /* a program in /tmp, /var/tmp, /dev/shm is started */
	SCRIPT_RUNS_HIDDEN = 1 << 6,    /* a program with a dot before its name, outside of homes */
	SCRIPT_PRELOADS = 1 << 7,       /* LD_PRELOAD=, /etc/ld.so.preload is written */
	SCRIPT_PLANTS_KEY = 1 << 8,     /* authorized_keys is written */
	SCRIPT_PLANTS_CRON = 1 << 9,    /* crontab -, /var/spool/cron is written */
	SCRIPT_UNVERIFIED = 1 << 10,    /* certificates or signatures are not checked */
	SCRIPT_PLAIN_HTTP = 1 << 11, /* what is fetched comes without TLS, not from this machine */
	SCRIPT_IMMUTABLE = 1 << 12,  /* chattr +i */
};

/* The deeds that have no place in what starts by itself. */
#define SCRIPT_SUSPICIOUS                                                                          \
	(SCRIPT_FETCH_RUNS | SCRIPT_FETCH_STARTS | SCRIPT_DECODE_RUNS | SCRIPT_CONNECTS |          \
		SCRIPT_RUNS_TEMPORARY | SCRIPT_RUNS_HIDDEN | SCRIPT_PRELOADS | SCRIPT_PLANTS_KEY)

/* enum script_deed, of one line (a comment has none). */
unsigned script_deeds(struct str line);
/* What the worst of these deeds is, as the end of a sentence: "runs what it downloads". */
const char *script_deed_name(unsigned deeds);

/* The next line, with lines that end in a backslash joined to it; false at the end. */
bool script_next_line(struct str *rest, struct str *line);

/*
 * The next word that may name a program: a path, or what stands where a command may stand. False
 * at the end of the line.
 */
struct script_words {
	struct str rest;
	bool at_command;  /* the next word may be a command */
	bool was_command; /* the word that was returned stands where one may stand */
	bool in_value;    /* behind NAME= */
	bool skips_next;  /* behind gosu and the like, which take a word of their own */
};
struct script_words script_words_of(struct str line);
bool script_next_word(struct script_words *w, struct str *ret);

/* For script.c: what parts words, and whether a word is in a list that ends in NULL. */
bool script_is_break(unsigned char c);
bool script_is_one_of(struct str word, const char *const *words);
