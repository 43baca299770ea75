/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may log in and become root: accounts, sudo, PAM, sshd. Each reads one settings file of that
 * program as the program would, line by line; nothing is combined over files, because a layer may
 * bring one and not the other.
 */
#include "scan/image/backdoors.h"

static size_t place_of(struct str text, struct str line)
{
	return (size_t)(line.s - text.s);
}

/* ---- passwd(5), shadow(5) ----------------------------------------------------------------- */

static void tell_account(struct ledger *l, struct str name, struct backdoor b, const char *says)
{
	b.title = arena_printf(
		ledger_arena(l), "The account %.*s %s", STR_ARG(str_head(name, 64)), says);
	b.fact = "account";
	b.value = name;
	backdoor_tell(l, &b);
}

static bool judge_passwd(
	struct str name, struct str password, uint64_t id, struct backdoor b, struct ledger *l)
{
	bool is_second_root = id == 0 && !str_is(name, "root");

	if (is_second_root) {
		b.check = "backdoor-root-account";
		b.label = LABEL_BACKDOOR;
		b.mend = "Take the account out, or give it a user id of its own";
		tell_account(l, name, b, "is root by another name: its user id is 0");
	}
	if (!password.len) {
		b.check = "backdoor-empty-password";
		b.label = LABEL_CONFIGURATION;
		b.mend = "Lock the account (passwd -l), or put an x in its second field";
		tell_account(l, name, b, "has no password: whoever asks is let in");
	}
	return is_second_root || !password.len;
}

void backdoor_read_passwd(
	struct backdoors *b, const struct file_view *v, struct str text, struct ledger *l)
{
	struct str rest = text;
	unsigned ntold = 0;

	while (rest.len && ntold < BACKDOOR_ACCOUNTS) {
		struct str line = str_cut(&rest, '\n'), fields = line;
		struct str name = str_cut(&fields, ':'), password = str_cut(&fields, ':');
		struct str uid = str_cut(&fields, ':');
		uint64_t id;

		if (!name.len || name.s[0] == '#' || !str_to_u64(uid, 10, &id))
			continue;
		ntold += judge_passwd(name, password, id,
			(struct backdoor){.severity = ARTIFACT_HIGH,
				.confidence = 90,
				.content = text,
				.at = place_of(text, line)},
			l);
	}
}

/* A hash, not a lock ("*", "!", "!!", "x") and not nothing. */
static bool is_hash(struct str password)
{
	return password.len >= 13 && password.s[0] != '!' && password.s[0] != '*';
}

void backdoor_read_shadow(
	struct backdoors *b, const struct file_view *v, struct str text, struct ledger *l)
{
	struct str rest = text;
	unsigned ntold = 0;

	while (rest.len && ntold < BACKDOOR_ACCOUNTS) {
		struct str line = str_cut(&rest, '\n'), fields = line;
		struct str name = str_cut(&fields, ':'), password = str_cut(&fields, ':');
		struct backdoor found = {
			.label = LABEL_CONFIGURATION,
			.severity = str_is(name, "root") ? ARTIFACT_MEDIUM : ARTIFACT_LOW,
			.confidence = 60,
		};

		if (!name.len || name.s[0] == '#' || !fields.len)
			continue;
		if (!password.len) {
			found.check = "backdoor-empty-password";
			found.severity = ARTIFACT_HIGH;
			found.confidence = 90;
			found.mend = "Lock the account (passwd -l)";
			tell_account(
				l, name, found, "has an empty password: whoever asks is let in");
		} else if (is_hash(password)) {
			found.check = "backdoor-password";
			found.mend = "Lock the account (passwd -l); log in by keys given at start, "
				     "if at all";
			tell_account(l, name, found,
				"has a password, the same in every container of this image");
		} else {
			continue;
		}
		ntold++;
	}
}

/* ---- sudoers(5) --------------------------------------------------------------------------- */

void backdoor_read_sudoers(
	struct backdoors *b, const struct file_view *v, struct str text, struct ledger *l)
{
	struct arena *a = ledger_arena(l);
	struct str rest = text;

	while (rest.len) {
		struct str line = str_cut(&rest, '\n'), s = str_trim(line);
		ptrdiff_t at = str_find(s, STR("NOPASSWD:"));

		if (!s.len || s.s[0] == '#' || at < 0)
			continue;
		if (!str_starts(str_trim(str_skip(s, (size_t)at + 9)), STR("ALL")))
			continue;
		struct str who = str_cut(&s, ' ');
		who = str_cut(&who, '\t');
		if (str_is(who, "root"))
			continue;
		bool is_all = str_is(who, "ALL");
		backdoor_tell(l,
			&(struct backdoor){"backdoor-sudo-everything", LABEL_CONFIGURATION,
				is_all ? ARTIFACT_HIGH : ARTIFACT_LOW, 80,
				arena_printf(a, "%.*s may become root without a password, by sudo",
					STR_ARG(is_all ? STR("Every account") : str_head(who, 64))),
				"Name the commands that are needed, or take the line out", text,
				place_of(text, line), "account", who});
	}
}

/* ---- pam.d(5) ----------------------------------------------------------------------------- */

struct pam_line {
	struct str kind, control, module, arguments;
};

static struct str next_blank(struct str *rest)
{
	size_t n = 0;

	*rest = str_trim(*rest);
	if (rest->len && rest->s[0] == '[') {
		ptrdiff_t end = str_find_char(*rest, ']');

		n = end < 0 ? rest->len : (size_t)end + 1;
	}
	while (n < rest->len && rest->s[n] != ' ' && rest->s[n] != '\t')
		n++;
	struct str word = str_head(*rest, n);
	*rest = str_skip(*rest, n);
	return word;
}

static bool is_standard_module(struct str path)
{
	return path.len && (path.s[0] != '/' || str_starts(path, STR("/lib")) ||
				   str_starts(path, STR("/usr/lib")));
}

static void judge_pam(const struct pam_line *p, struct str text, struct str line, struct ledger *l)
{
	struct arena *a = ledger_arena(l);
	bool is_auth = str_is(p->kind, "auth") || str_is(p->kind, "-auth");

	if (!is_standard_module(p->module))
		backdoor_tell(l,
			&(struct backdoor){"backdoor-pam-module", LABEL_BACKDOOR, ARTIFACT_HIGH, 85,
				arena_printf(a, "PAM asks a module that lies in an odd place: %.*s",
					STR_ARG(str_head(p->module, 200))),
				"Take the line out, unless you know whose module it is", text,
				place_of(text, line), NULL, STR_NULL});
	else if (is_auth && str_ends(p->module, STR("pam_exec.so")) &&
		 str_find(p->arguments, STR("expose_authtok")) >= 0)
		backdoor_tell(
			l, &(struct backdoor){"backdoor-pam-exec", LABEL_BACKDOOR, ARTIFACT_HIGH,
				   85, STR("PAM gives every password that is typed to a program"),
				   "Take the line out, unless you know what the program does", text,
				   place_of(text, line), NULL, STR_NULL});
	else if (is_auth && str_ends(p->module, STR("pam_permit.so")) &&
		 str_is(p->control, "sufficient"))
		backdoor_tell(l,
			&(struct backdoor){"backdoor-pam-permit", LABEL_BACKDOOR, ARTIFACT_HIGH, 90,
				STR("PAM lets everybody in: pam_permit is sufficient where "
				    "passwords are checked"),
				"Take the line out", text, place_of(text, line), NULL, STR_NULL});
}

void backdoor_read_pam(
	struct backdoors *b, const struct file_view *v, struct str text, struct ledger *l)
{
	struct str rest = text;

	while (rest.len) {
		struct str line = str_cut(&rest, '\n'), s = str_trim(line);
		struct pam_line p;

		if (!s.len || s.s[0] == '#' || s.s[0] == '@')
			continue;
		p.kind = next_blank(&s);
		p.control = next_blank(&s);
		p.module = next_blank(&s);
		p.arguments = s;
		if (!p.module.len || str_is(p.control, "include") || str_is(p.control, "substack"))
			continue;
		judge_pam(&p, text, line, l);
	}
}

/* ---- sshd_config(5) ----------------------------------------------------------------------- */

static bool setting_is(struct str line, const char *name, const char *value)
{
	struct str s = str_trim(line), n = str_of(name);

	if (s.len <= n.len || !str_ieq(str_head(s, n.len), n) || !strchr(" \t=", s.s[n.len]))
		return false;
	s = str_skip(s, n.len);
	while (s.len && strchr(" \t=\"", s.s[0]))
		s = str_skip(s, 1);
	return str_ieq(str_head(s, strlen(value)), str_of(value));
}

void backdoor_read_sshd(
	struct backdoors *b, const struct file_view *v, struct str text, struct ledger *l)
{
	struct str rest = text, root = STR_NULL;
	bool has_passwords = true; /* the default */

	while (rest.len) {
		struct str line = str_cut(&rest, '\n');

		if (setting_is(line, "PermitRootLogin", "yes"))
			root = line;
		if (setting_is(line, "PasswordAuthentication", "no"))
			has_passwords = false;
		if (setting_is(line, "PermitEmptyPasswords", "yes"))
			backdoor_tell(l, &(struct backdoor){"backdoor-sshd-empty-password",
						 LABEL_BACKDOOR, ARTIFACT_HIGH, 90,
						 STR("sshd lets accounts without a password in"),
						 "Take PermitEmptyPasswords out", text,
						 place_of(text, line), NULL, STR_NULL});
	}
	if (root.len)
		backdoor_tell(l, &(struct backdoor){"backdoor-sshd-root", LABEL_CONFIGURATION,
					 has_passwords ? ARTIFACT_MEDIUM : ARTIFACT_LOW, 80,
					 has_passwords ? STR("sshd lets root in by a password")
						       : STR("sshd lets root in by a key"),
					 "Leave sshd out of the image, or set PermitRootLogin no",
					 text, place_of(text, root), NULL, STR_NULL});
}
