/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a file is for. Decided by where distributions and people put things (hier(7), the Filesystem
 * Hierarchy Standard, the folders of language packages), not by content beyond "#!" and ELF's
 * magic.
 */
#include "scan/image/role.h"

/* The name behind the last "/", also of a member of an archive. */
static struct str name_of(struct str path)
{
	ptrdiff_t slash = str_rfind_char(path, '/');

	return slash < 0 ? path : str_skip(path, (size_t)slash + 1);
}

static bool has_part(struct str path, const char *const *parts)
{
	for (; *parts; parts++)
		if (str_find(path, str_of(*parts)) >= 0)
			return true;
	return false;
}

static bool has_end(struct str name, const char *const *ends)
{
	for (; *ends; ends++) {
		struct str end = str_of(*ends);

		if (name.len >= end.len && str_ieq(str_skip(name, name.len - end.len), end))
			return true;
	}
	return false;
}

static bool has_begin(struct str name, const char *const *begins)
{
	for (; *begins; begins++)
		if (name.len >= strlen(*begins) &&
			str_ieq(str_head(name, strlen(*begins)), str_of(*begins)))
			return true;
	return false;
}

static bool is_doc(struct str path)
{
	static const char *const parts[] = {"/usr/share/doc/", "/usr/share/man/",
		"/usr/share/info/", "/usr/share/locale/", "/usr/share/i18n/", "/usr/share/help/",
		"/usr/share/gtk-doc/", "/usr/share/licenses/", "/usr/share/common-licenses/",
		"/usr/share/lintian/", "/usr/share/publicsuffix/", "/usr/share/mime/",
		"/usr/share/zoneinfo/", "/usr/share/ca-certificates/", "/usr/share/bug/",
		"/usr/share/vim/", "/usr/share/perl5/pod/", "/usr/local/share/man/",
		"/usr/local/share/doc/", "/var/lib/dpkg/", "/var/lib/apt/", "/var/lib/rpm/",
		"/var/cache/", "/lib/apk/db/", "/usr/lib/sysimage/rpm/", "/etc/ssl/certs/",
		"/LICENSES/", ".dist-info/", ".egg-info/", "/share/doc/", "/site-packages/certifi/",
		"/usr/lib/udev/hwdb", "/usr/share/misc/", "/usr/share/hwdata/", NULL};
	static const char *const ends[] = {".md", ".markdown", ".rst", ".adoc", ".asciidoc", ".pod",
		".tex", ".pdf", ".po", ".pot", ".mo", ".gmo", ".1", ".2", ".3", ".5", ".7", ".8",
		".map", ".css", ".scss", ".svg", ".d.ts", ".flow", ".pem", ".crt", ".list",
		".md5sums", ".log", ".csv", ".tsv", ".yar", ".yara", ".rules", NULL};
	static const char *const begins[] = {"license", "licence", "copying", "copyright", "notice",
		"authors", "contributors", "changelog", "changes", "news", "readme", "history",
		"thanks", "credits", "maintainers", NULL};
	struct str name = name_of(path);

	return has_part(path, parts) || has_end(name, ends) || has_begin(name, begins);
}

bool file_is_doc(const struct artifact_file *f)
{
	return is_doc(f->path);
}

static bool is_script(struct str path, struct str name, struct str content)
{
	static const char *const parts[] = {"/cron", "/systemd/system/", "/systemd/user/",
		"/init.d/", "/rc.local", "/rc.d/", "/profile.d/", "/entrypoint",
		"/docker-entrypoint", "/etc/supervisor", "/services.d/", "/s6-rc.d/",
		"/.config/autostart/", NULL};
	static const char *const ends[] = {".sh", ".bash", ".zsh", ".ksh", ".service", ".timer",
		".command", "profile", ".bashrc", ".zshrc", "dockerfile", "crontab", "makefile",
		".bat", ".ps1", ".cmd", NULL};

	return str_starts(content, STR("#!")) || has_part(path, parts) || has_end(name, ends);
}

static bool is_config(struct str path, struct str name)
{
	static const char *const ends[] = {".conf", ".cfg", ".config", ".ini", ".json", ".jsonc",
		".yaml", ".yml", ".toml", ".env", ".properties", ".xml", ".cnf", ".ovpn", "torrc",
		".settings", ".rc", NULL};

	return has_end(name, ends) || str_starts(path, STR("/etc/")) ||
	       str_starts(name, STR(".env"));
}

static bool is_library(struct str path)
{
	static const char *const parts[] = {"/dist-packages/", "/site-packages/", "/node_modules/",
		"/usr/share/", "/usr/lib/", "/usr/include/", "/usr/src/", "/usr/local/go/",
		"/usr/local/lib/", "/go/pkg/mod/", "/gems/", "/vendor/", "/.cargo/registry/",
		"/perl5/", "/usr/libexec/", "/jvm/", "/.m2/", "/.npm/", "/usr/lib64/", NULL};

	return has_part(path, parts);
}

enum file_role file_role_of(const struct artifact_file *f, struct str content, bool is_text)
{
	struct str name = name_of(f->path);
	bool is_library_file = is_library(f->path);

	if (is_doc(f->path))
		return ROLE_DOC;
	if (!is_text)
		return ROLE_BINARY;
	/* systemd's own units lie below /usr/lib, and are run all the same */
	if (is_script(f->path, name, content) &&
		(!is_library_file || str_find(f->path, STR("/systemd/")) >= 0))
		return ROLE_SCRIPT;
	if (is_library_file)
		return ROLE_LIBRARY;
	return is_config(f->path, name) ? ROLE_CONFIG : ROLE_OTHER;
}

const char *file_role_name(enum file_role r)
{
	static const char *const names[] = {
		[ROLE_DOC] = "documentation",
		[ROLE_LIBRARY] = "library",
		[ROLE_BINARY] = "program",
		[ROLE_OTHER] = "file",
		[ROLE_CONFIG] = "configuration",
		[ROLE_SCRIPT] = "script",
	};

	return names[r];
}
