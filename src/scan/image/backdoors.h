/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Shared by the files of the analyzer "backdoors". */
#include "base/table.h"
#include "scan/image/analyzer.h"

enum {
	BACKDOOR_TEXT = 1 << 20, /* of a settings file that are read */
	BACKDOOR_LINES = 5,      /* suspicious lines of one file that are told */
	BACKDOOR_ACCOUNTS = 50,  /* odd accounts of one file */
	BACKDOOR_KEYS = 100,     /* public keys of one file */
	BACKDOOR_WORDS = 64,     /* names of programs of one file */
};

struct privileged { /* data/intel/privileged-files.yaml */
	struct str path;
	unsigned kinds; /* 1 << enum privilege */
};
enum privilege { PRIVILEGE_SETUID, PRIVILEGE_SETGID, PRIVILEGE_CAPABILITIES, PRIVILEGE_COUNT };

struct backdoors {
	struct arena arena;
	struct table expected; /* struct privileged by path */
	uint64_t hash;
};

/* A finding in the making. */
struct backdoor {
	const char *check;
	enum artifact_label label; /* 0 is LABEL_CRYPTOMINING: always name it */
	enum artifact_severity severity;
	unsigned confidence;
	struct str title;
	const char *mend;
	struct str content; /* the text in which `at` lies; empty = no excerpt */
	size_t at;
	const char *fact; /* NULL = none */
	struct str value;
};
void backdoor_tell(struct ledger *l, const struct backdoor *b);

/* The text of a settings file, at most BACKDOOR_TEXT of it. */
typedef void (*backdoor_reader)(
	struct backdoors *b, const struct file_view *v, struct str text, struct ledger *l);

/* backdoors_accounts.c */
void backdoor_read_passwd(
	struct backdoors *b, const struct file_view *v, struct str t, struct ledger *l);
void backdoor_read_shadow(
	struct backdoors *b, const struct file_view *v, struct str t, struct ledger *l);
void backdoor_read_sudoers(
	struct backdoors *b, const struct file_view *v, struct str t, struct ledger *l);
void backdoor_read_pam(
	struct backdoors *b, const struct file_view *v, struct str t, struct ledger *l);
void backdoor_read_sshd(
	struct backdoors *b, const struct file_view *v, struct str t, struct ledger *l);
/* backdoors_keys.c */
void backdoor_read_authorized(
	struct backdoors *b, const struct file_view *v, struct str t, struct ledger *l);
void backdoor_read_public_key(
	struct backdoors *b, const struct file_view *v, struct str t, struct ledger *l);
/* backdoors_start.c */
void backdoor_read_preload(
	struct backdoors *b, const struct file_view *v, struct str t, struct ledger *l);
void backdoor_read_crontab(
	struct backdoors *b, const struct file_view *v, struct str t, struct ledger *l);
void backdoor_read_unit(
	struct backdoors *b, const struct file_view *v, struct str t, struct ledger *l);
void backdoor_read_start(
	struct backdoors *b, const struct file_view *v, struct str t, struct ledger *l);
void backdoor_read_python(
	struct backdoors *b, const struct file_view *v, struct str t, struct ledger *l);
void backdoor_read_package(
	struct backdoors *b, const struct file_view *v, struct str t, struct ledger *l);
/* Words of a script, for the judge. */
void backdoor_tell_words(struct str text, struct ledger *l);
/* backdoors_programs.c */
void backdoor_see_entry(struct backdoors *b, const struct artifact_file *f, struct ledger *l);
void backdoor_see_program(const struct file_view *v, struct ledger *l);
void backdoor_see_script(const struct file_view *v, struct ledger *l);
int backdoor_load_expected(struct backdoors *b, const char *data_dir, struct err *e);
