/* SPDX-License-Identifier: Apache-2.0 */
/* Rule files as text. What rules mean is engine/rules' work; here they are lines and bytes. */
#include "face/console/rulefile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/json.h"
#include "base/yaml.h"

enum { FILE_MODE = 0644 };

/* ---- writing -------------------------------------------------------------------------------- */

static int sync_dir(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = fd < 0 || fsync(fd) < 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return r;
}

static int write_synced(const char *path, struct str text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
	int r;

	if (fd < 0)
		return -errno;
	r = io_write_all(fd, text);
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	if (close(fd) < 0 && r == 0)
		r = -errno;
	return r;
}

int rulefile_write(const char *dir, struct str name, struct str text, struct err *e)
{
	char path[4200], temp[4200];
	int r;

	/* hidden, and no .yaml: nobody takes it for a rule file */
	snprintf(path, sizeof(path), "%s/%.*s", dir, STR_ARG(name));
	snprintf(temp, sizeof(temp), "%s/.%.*s.new", dir, STR_ARG(name));
	unlink(temp);
	r = write_synced(temp, text);
	if (r == 0 && rename(temp, path) < 0)
		r = -errno;
	if (r < 0)
		unlink(temp);
	else
		r = sync_dir(dir);
	return r < 0 ? err_set(e, -r, "%s: cannot be written: %s", path, strerror(-r)) : 0;
}

int rulefile_remove(const char *dir, struct str name, struct err *e)
{
	char path[4200];

	snprintf(path, sizeof(path), "%s/%.*s", dir, STR_ARG(name));
	if (unlink(path) < 0)
		return err_set(e, errno, "%.*s: %s", STR_ARG(name), strerror(errno));
	int r = sync_dir(dir);
	return r < 0 ? err_set(e, -r, "%s: %s", dir, strerror(-r)) : 0;
}

/* ---- items ---------------------------------------------------------------------------------- */

static size_t indent_of(struct str line)
{
	size_t n = 0;

	while (n < line.len && line.s[n] == ' ')
		n++;
	return n;
}

struct str rulefile_item_at(struct str text, unsigned line)
{
	struct str rest = text;
	const char *begin = NULL, *end = NULL;
	size_t indent = 0;

	for (unsigned n = 1; rest.s; n++) {
		const char *start = rest.s;
		struct str l = str_cut(&rest, '\n');
		struct str words = str_trim(l);

		if (n < line)
			continue;
		if (n == line) {
			begin = start;
			indent = indent_of(l);
		} else if (words.len && indent_of(l) <= indent && words.s[0] != '#') {
			break;
		}
		/* blank lines and comments at the end are the next item's */
		if (words.len && words.s[0] != '#')
			end = l.s + l.len;
	}
	return begin && end ? str_make(begin, (size_t)(end - begin)) : STR("");
}

static const struct yaml_node *items_of(struct arena *a, struct str text)
{
	struct yaml_node **docs;
	struct yaml_error ye;
	size_t n = 0;

	if (yaml_parse(a, text, NULL, &docs, &n, &ye) < 0 || n == 0 || !docs[0])
		return NULL;
	return docs[0]->kind == YAML_SEQ ? docs[0] : NULL;
}

static struct str rule_of(const struct yaml_node *item)
{
	const struct yaml_node *name = item->kind == YAML_MAP ? yaml_get(item, "rule") : NULL;

	return name && name->kind == YAML_SCALAR ? name->text : STR_NULL;
}

size_t rulefile_rule_names(struct arena *a, struct str text, struct str *ret, size_t limit)
{
	const struct yaml_node *list = items_of(a, text);
	size_t n = 0;

	for (size_t i = 0; list && i < list->nitems && n < limit; i++) {
		struct str name = rule_of(list->items[i]);

		if (name.len)
			ret[n++] = name;
	}
	return n;
}

/* ---- switches ------------------------------------------------------------------------------- */

static const char toggles_head[] =
	"# SPDX-License-Identifier: Apache-2.0\n"
	"# Rules that were switched on or off in the console, which writes this file anew.\n";

/* A JSON string is a YAML scalar in double quotes. */
static void add_toggle(struct buf *out, struct str rule, bool enabled)
{
	buf_add_cstr(out, "- rule: ");
	json_add_str(out, rule);
	buf_printf(out, "\n  enabled: %s\n  override:\n    enabled: replace\n",
		enabled ? "true" : "false");
}

int rulefile_toggle(struct arena *a, struct str old, struct str rule, bool enabled,
	bool (*is_there)(void *arg, struct str rule), void *arg, struct buf *out, struct err *e)
{
	const struct yaml_node *list = items_of(a, old);

	buf_add_cstr(out, toggles_head);
	for (size_t i = 0; list && i < list->nitems; i++) {
		struct str name = rule_of(list->items[i]);
		bool on = true;

		if (!name.len || str_eq(name, rule) || !is_there(arg, name))
			continue;
		if (yaml_to_bool(yaml_get(list->items[i], "enabled"), &on))
			add_toggle(out, name, on);
	}
	if (rule.s)
		add_toggle(out, rule, enabled);
	return out->cut ? err_set(e, E2BIG, "too many rules are switched") : 0;
}
