/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs by their mode, name, place and shape: setuid files that nobody expects, names of kernel
 * threads, names that hide, programs where no program belongs, libraries that put themselves before
 * libc, packed code. One file at a time; whether a package owns it is the judge's to know.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/io.h"
#include "base/yaml.h"
#include "scan/image/backdoors.h"
#include "scan/image/elf.h"
#include "scan/image/script.h"

enum { MAX_EXPECTED = 10000, SETUID = 04000, SETGID = 02000, ANY_EXECUTE = 0111 };

/* ---- data/intel/privileged-files.yaml ----------------------------------------------------- */

static const char *const privilege_keys[PRIVILEGE_COUNT] = {"setuid", "setgid", "capabilities"};

static bool same_path(const void *row, const void *key)
{
	return str_eq(((const struct privileged *)row)->path, *(const struct str *)key);
}

/* /bin, /sbin and /lib are links to those of /usr where systems are merged. */
static struct str merged(struct str path, char *out, size_t size)
{
	bool is_old = str_starts(path, STR("/bin/")) || str_starts(path, STR("/sbin/")) ||
		      str_starts(path, STR("/lib/")) || str_starts(path, STR("/lib64/"));

	if (!is_old)
		return path;
	int n = snprintf(out, size, "/usr%.*s", STR_ARG(path));
	return n > 0 && (size_t)n < size ? str_make(out, (size_t)n) : path;
}

static int add_expected(struct backdoors *b, struct str path, enum privilege kind)
{
	char out[4096];
	struct str key = merged(path, out, sizeof(out));
	struct privileged *p = table_find(&b->expected, str_hash(key), &key);

	if (!p) {
		p = arena_new(&b->arena, struct privileged);
		if (!p)
			return -ENOMEM;
		p->path = arena_str(&b->arena, key);
		if (!p->path.s || table_put(&b->expected, str_hash(key), p) < 0)
			return -ENOMEM;
	}
	p->kinds |= 1u << kind;
	return 0;
}

static int add_list(struct backdoors *b, const struct yaml_node *list, enum privilege kind,
	const char *file, struct err *e)
{
	for (size_t i = 0; list && i < list->nitems; i++) {
		const struct yaml_node *item = list->items[i];
		const struct yaml_node *path = yaml_get(item, "path"), *why = yaml_get(item, "why");

		if (!path || !why || path->text.len < 2 || path->text.s[0] != '/')
			return err_set(e, EINVAL,
				"%s:%u:%u: an entry of %s needs an absolute `path` and a `why`",
				file, item->line, item->column, privilege_keys[kind]);
		if (add_expected(b, path->text, kind) < 0)
			return err_set(e, ENOMEM, "no memory for %s", file);
	}
	return 0;
}

int backdoor_load_expected(struct backdoors *b, const char *data_dir, struct err *e)
{
	struct yaml_node **docs;
	struct yaml_error ye;
	char dir[4096], file[4200];
	struct str text;
	size_t n;
	int r = 0;

	if (data_dir)
		snprintf(dir, sizeof(dir), "%s/intel", data_dir);
	else if (!io_data_dir("intel", dir, sizeof(dir)))
		return err_set(e, ENOENT, "koban's lists are not in %s: install koban's data", dir);
	snprintf(file, sizeof(file), "%s/privileged-files.yaml", dir);
	r = io_read_file(&b->arena, AT_FDCWD, file, 1 << 20, &text, e);
	if (r < 0)
		return r;
	if (yaml_parse(&b->arena, text, NULL, &docs, &n, &ye) < 0)
		return err_set(e, EINVAL, "%s:%u:%u: %s", file, ye.line, ye.column, ye.msg);
	table_init(&b->expected, same_path, MAX_EXPECTED);
	b->hash = str_hash(text);
	for (size_t k = 0; r == 0 && n && k < PRIVILEGE_COUNT; k++)
		r = add_list(b, yaml_get(docs[0], privilege_keys[k]), (enum privilege)k, file, e);
	return r;
}

static bool is_expected(const struct backdoors *b, struct str path, enum privilege kind)
{
	char out[4096];
	struct str key = merged(path, out, sizeof(out));
	const struct privileged *p = table_find(&b->expected, str_hash(key), &key);

	return p && (p->kinds & (1u << kind));
}

/* ---- names and places --------------------------------------------------------------------- */

static struct str name_of(struct str path)
{
	ptrdiff_t slash = str_rfind_char(path, '/');

	return slash < 0 ? path : str_skip(path, (size_t)slash + 1);
}

static bool starts_with_any(struct str s, const char *const *prefixes)
{
	for (size_t i = 0; prefixes[i]; i++)
		if (str_starts(s, str_of(prefixes[i])))
			return true;
	return false;
}

static bool is_temporary(struct str path)
{
	static const char *const places[] = {"/tmp/", "/var/tmp/", "/dev/shm/", NULL};

	return starts_with_any(path, places);
}

/* Places of the system in which no program belongs. */
static bool is_odd_place(struct str path)
{
	static const char *const places[] = {"/dev/", "/tmp/", "/var/tmp/", "/run/", "/var/run/",
		"/usr/include/", "/usr/share/man/", "/usr/share/doc/", "/lost+found/", "/var/log/",
		"/var/spool/", "/proc/", "/sys/", "/boot/.", NULL};

	return starts_with_any(path, places);
}

/* A folder or file with a dot before its name where the system's programs lie. */
static bool is_hidden_in_system(struct str path)
{
	static const char *const places[] = {
		"/usr/", "/bin/", "/sbin/", "/lib", "/etc/", "/dev/", "/var/", "/tmp/", NULL};
	ptrdiff_t dot = str_find(path, STR("/."));

	return starts_with_any(path, places) && dot >= 0 &&
	       str_find(path, STR("/.build-id/")) < 0 &&
	       str_find(path, STR("/node_modules/")) < 0 && str_find(path, STR("/.git/")) < 0 &&
	       !str_starts(path, STR("/var/lib/")) && !str_starts(path, STR("/var/www/"));
}

/*
 * What kernel threads are called: kworker, "[kworker/0:1]". A dash or a slash and digits may
 * follow, as ps shows them.
 */
static bool is_kernel_thread_name(struct str name)
{
	static const char *const names[] = {"kworker", "kthreadd", "ksoftirqd", "kswapd",
		"kdevtmpfs", "kdevtmpfsi", "khugepaged", "kauditd", "kblockd", "kintegrityd",
		"kcompactd", "khungtaskd", "oom_reaper", "rcu_sched", "rcu_preempt", "rcu_bh",
		"migration", "watchdogd", "jbd2", "scsi_eh", "writeback", "kthrotld", "ksmd",
		"kpsmoused", "kthreaddi", "kthreaddk", "kerneloops_", "bioset", "netns", "cpuhp",
		NULL};
	bool bracketed = name.len > 2 && name.s[0] == '[' && name.s[name.len - 1] == ']';

	if (bracketed)
		return true;
	for (size_t i = 0; names[i]; i++) {
		struct str n = str_of(names[i]);

		if (!str_starts(name, n))
			continue;
		struct str rest = str_skip(name, n.len);
		while (rest.len && strchr("0123456789-_:/", rest.s[0]))
			rest = str_skip(rest, 1);
		if (!rest.len)
			return true;
	}
	return false;
}

/* Why a name is one to hide behind, or NULL. */
static const char *oddness_of(struct str name, bool is_folder)
{
	static const char *const tricks[] = {"\xe2\x80\xae", "\xe2\x80\xad", "\xe2\x80\x8b",
		"\xe2\x80\x8c", "\xe2\x80\x8d", "\xe2\x80\x8e", "\xe2\x80\x8f", "\xe2\x81\xa0",
		"\xef\xbb\xbf", "\xc2\xa0", "\xe2\x80\xaa", "\xe2\x80\xab", "\xe2\x81\xa6",
		"\xe2\x81\xa7", "\xe2\x81\xa8", "\xc2\xad", NULL};
	bool only_dots = name.len > 2, only_blanks = name.len > 0;

	for (size_t i = 0; i < name.len; i++) {
		unsigned char c = (unsigned char)name.s[i];

		only_dots &= c == '.' || c == ' ';
		only_blanks &= c == ' ';
		if (c < 32 || c == 127)
			return "has control characters in it";
	}
	if (only_blanks)
		return "is made of blanks";
	if (only_dots || str_is(name, ". ") || str_is(name, ".."))
		return "looks like the folder itself or the one above";
	for (size_t i = 0; tricks[i]; i++)
		if (str_find(name, str_of(tricks[i])) >= 0)
			return "has characters in it that nobody can see";
	if (name.s[0] == ' ' || name.s[name.len - 1] == ' ')
		return is_folder ? NULL : "begins or ends with a blank";
	return NULL;
}

/* ---- entries ------------------------------------------------------------------------------ */

/* A program that gives a shell, or reads and writes anything, to whoever may start it. */
static bool gives_all(struct str name)
{
	static const char *const names[] = {"sh", "bash", "dash", "ash", "zsh", "ksh", "fish",
		"env", "find", "awk", "gawk", "mawk", "vi", "vim", "vim.basic", "nano", "ed",
		"less", "more", "perl", "python", "python2", "python3", "ruby", "node", "php",
		"lua", "tclsh", "cp", "mv", "dd", "tar", "cat", "tee", "nmap", "gdb", "strace",
		"busybox", "chmod", "chown", "docker", "socat", "nc", "ncat", "curl", "wget",
		"openssl", "git", "make", "rsync", "xargs", "nice", "timeout", "unshare", "nsenter",
		"setarch", "systemctl", NULL};

	return script_is_one_of(name, names) || str_starts(name, STR("python3."));
}

static void tell_privilege(
	const struct artifact_file *f, const char *check, const char *what, struct ledger *l)
{
	struct str name = name_of(f->path);
	bool is_bad = gives_all(name) || is_temporary(f->path) || is_hidden_in_system(f->path);
	bool is_open = (f->mode & 02) != 0;

	backdoor_tell(
		l, &(struct backdoor){check, LABEL_BACKDOOR,
			   is_bad || is_open ? ARTIFACT_HIGH : ARTIFACT_LOW, is_bad ? 85 : 45,
			   arena_printf(ledger_arena(l), "%.*s %s%s", STR_ARG(str_head(name, 200)),
				   what,
				   is_bad    ? ", and it gives whoever starts it everything"
				   : is_open ? ", and everybody may write to it"
					     : ", and no distribution is known to ship it so"),
			   "Take the bit away (chmod u-s,g-s; setcap -r), or the file", STR_NULL, 0,
			   NULL, STR_NULL});
}

static void see_privileges(struct backdoors *b, const struct artifact_file *f, struct ledger *l)
{
	if ((f->mode & SETUID) && (f->mode & ANY_EXECUTE) && f->uid == 0 &&
		!is_expected(b, f->path, PRIVILEGE_SETUID))
		tell_privilege(f, "backdoor-setuid", "runs as root, whoever starts it (setuid)", l);
	else if ((f->mode & SETGID) && (f->mode & 010) &&
		 !is_expected(b, f->path, PRIVILEGE_SETGID) &&
		 (f->gid == 0 || gives_all(name_of(f->path))))
		tell_privilege(f, "backdoor-setgid", "runs with the group of its file (setgid)", l);
	if (f->has_capabilities && !is_expected(b, f->path, PRIVILEGE_CAPABILITIES))
		tell_privilege(f, "backdoor-capabilities",
			"has capabilities of root, whoever starts it", l);
}

void backdoor_see_entry(struct backdoors *b, const struct artifact_file *f, struct ledger *l)
{
	struct str name = name_of(f->path);
	bool is_folder = f->kind == ARTIFACT_DIR;
	bool is_program = f->kind == ARTIFACT_FILE && (f->mode & ANY_EXECUTE);
	const char *odd;

	if (f->kind == ARTIFACT_FILE && !f->depth)
		see_privileges(b, f, l);
	if (!name.len || (!is_folder && !is_program))
		return;
	odd = oddness_of(name, is_folder);
	if (odd)
		backdoor_tell(l,
			&(struct backdoor){"backdoor-odd-name", LABEL_BACKDOOR, ARTIFACT_MEDIUM, 75,
				arena_printf(ledger_arena(l), "The name of a %s %s",
					is_folder ? "folder" : "program", odd),
				"Find out who made it; take it out when nobody knows", STR_NULL, 0,
				NULL, STR_NULL});
	if (is_program && !f->depth && is_kernel_thread_name(name))
		backdoor_tell(
			l, &(struct backdoor){"backdoor-kernel-name", LABEL_BACKDOOR, ARTIFACT_HIGH,
				   80,
				   arena_printf(ledger_arena(l),
					   "A program is called like a thread of the kernel: %.*s",
					   STR_ARG(str_head(name, 64))),
				   "Find out who made it; take it out when nobody knows", STR_NULL,
				   0, NULL, STR_NULL});
}

/* ---- ELF ---------------------------------------------------------------------------------- */

static struct artifact_pair linkage_of(const struct elf_facts *f)
{
	return (struct artifact_pair){STR("program"),
		f->is_static ? (f->is_stripped ? STR("static, stripped") : STR("static"))
			     : (f->is_stripped ? STR("dynamic, stripped") : STR("dynamic"))};
}

static void tell_shape(const struct elf_facts *f, const char *check,
	enum artifact_severity severity, unsigned confidence, enum artifact_label label,
	struct str title, const char *mend, struct ledger *l)
{
	struct artifact_pair p = linkage_of(f);

	backdoor_tell(l, &(struct backdoor){check, label, severity, confidence, title, mend,
				 STR_NULL, 0, "program", p.value});
}

static void see_hooks(const struct elf_facts *f, struct ledger *l)
{
	uint32_t others = f->hooks & (ELF_HOOK_STAT | ELF_HOOK_OPEN | ELF_HOOK_UNLINK |
					     ELF_HOOK_KILL | ELF_HOOK_ACCEPT | ELF_HOOK_PAM |
					     ELF_HOOK_EXEC | ELF_HOOK_ACCOUNT | ELF_HOOK_READ);
	bool lists = (f->hooks & ELF_HOOK_LISTING) && (f->hooks & ELF_IMPORTS_DLSYM);
	bool listens = (f->hooks & (ELF_HOOK_PAM | ELF_HOOK_ACCEPT)) &&
		       (f->hooks & ELF_IMPORTS_DLSYM) && __builtin_popcount(others) >= 3;

	bool is_strong = __builtin_popcount(others) >= 2 &&
			 (others & (ELF_HOOK_STAT | ELF_HOOK_KILL | ELF_HOOK_ACCEPT | ELF_HOOK_PAM |
					   ELF_HOOK_ACCOUNT | ELF_HOOK_EXEC));
	/* what only counts reads and writes, as profilers do */
	bool is_tracer = !is_strong && (others & ELF_HOOK_READ);

	if (f->type != 3 || f->is_program || (f->hooks & ELF_IS_C_LIBRARY) || (!lists && !listens))
		return;
	if (f->hooks & ELF_IS_SANITIZER)
		tell_shape(f, "backdoor-hooks", ARTIFACT_INFO, 20, LABEL_OTHER,
			STR("A library stands before libc's functions, as a compiler's sanitizers "
			    "do"),
			"Leave sanitizers out of what is shipped", l);
	else
		tell_shape(f, "backdoor-hooks",
			is_strong   ? ARTIFACT_HIGH
			: is_tracer ? ARTIFACT_LOW
				    : ARTIFACT_MEDIUM,
			is_strong   ? 80
			: is_tracer ? 30
				    : 65,
			LABEL_BACKDOOR,
			lists ? STR("A library puts itself between programs and the listing of "
				    "folders, "
				    "as one does that hides files or processes")
			      : STR("A library puts itself between programs and logins or "
				    "connections, "
				    "as one does that listens or lets somebody in"),
			"Take the library out, unless you know what it is for", l);
}

static void see_packing(const struct elf_facts *f, struct ledger *l)
{
	static const double encrypted = 7.3; /* machine code has about 6 */

	if (f->is_upx)
		return; /* a YARA rule tells it */
	if (f->code_entropy >= encrypted)
		tell_shape(f, "backdoor-packed", ARTIFACT_MEDIUM, 70, LABEL_OTHER,
			arena_printf(ledger_arena(l),
				"A program whose code is compressed or encrypted (%.1f bits a "
				"byte): "
				"what it does cannot be read from the file",
				f->code_entropy),
			"Ship the program as it was built", l);
	else if (f->is_program && !f->nsections && f->has_writable_code)
		tell_shape(f, "backdoor-packed", ARTIFACT_MEDIUM, 60, LABEL_OTHER,
			STR("A program without sections that writes its own code"),
			"Ship the program as it was built", l);
}

static void see_place(const struct file_view *v, const struct elf_facts *f, struct ledger *l)
{
	struct str path = v->file->path;
	bool is_hidden = is_hidden_in_system(path);

	if (f->type == 1 || (!is_hidden && !is_odd_place(path)))
		return;
	bool is_lonely = f->is_static && f->is_stripped;
	tell_shape(f, is_hidden ? "backdoor-hidden-program" : "backdoor-odd-place",
		is_hidden && is_lonely ? ARTIFACT_HIGH : ARTIFACT_MEDIUM, is_lonely ? 75 : 60,
		LABEL_BACKDOOR,
		arena_printf(ledger_arena(l), "A program lies %s",
			is_hidden ? "behind a name that begins with a dot"
				  : "where programs do not belong"),
		"Find out who put it there; take it out when nobody knows", l);
}

void backdoor_see_program(const struct file_view *v, struct ledger *l)
{
	struct elf_facts f;

	if (!elf_read(v->content, v->is_last, &f))
		return;
	see_hooks(&f, l);
	see_packing(&f, l);
	if (!v->file->depth)
		see_place(v, &f, l);
}

/* ---- scripts ------------------------------------------------------------------------------ */

void backdoor_see_script(const struct file_view *v, struct ledger *l)
{
	static const char *const tools[] = {"ps", "top", "ls", "netstat", "ss", "lsof", "pstree",
		"who", "w", "last", "lsmod", "crontab", "ld.so", NULL};
	static const char *const dirs[] = {"/bin/", "/usr/bin/", "/sbin/", "/usr/sbin/", NULL};
	struct str path = v->file->path, name = name_of(path);

	if (starts_with_any(path, dirs) && script_is_one_of(name, tools))
		backdoor_tell(l,
			&(struct backdoor){"backdoor-replaced-tool", LABEL_BACKDOOR, ARTIFACT_HIGH,
				75,
				arena_printf(ledger_arena(l),
					"%.*s is a script: what it shows may be what somebody left "
					"over",
					STR_ARG(name)),
				"Install the tool's package again", v->content, 0, NULL, STR_NULL});
	if (is_temporary(path) && (v->file->mode & ANY_EXECUTE) && name.s[0] == '.')
		backdoor_tell(
			l, &(struct backdoor){"backdoor-hidden-program", LABEL_BACKDOOR,
				   ARTIFACT_MEDIUM, 65,
				   STR("A script with a hidden name lies among temporary files"),
				   "Find out who put it there; take it out when nobody knows",
				   v->content, 0, NULL, STR_NULL});
}
