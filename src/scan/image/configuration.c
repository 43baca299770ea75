/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the image's config and modes of its files say about how it was built and how it will run.
 * Nothing here is malicious by itself; it is what makes an intruder's work easy, or the next
 * build another one. Numbers "cis" are those of the CIS Docker Benchmark 1.6, section 4, where a
 * check is one of its recommendations; they are for looking up, not a promise of conformance.
 * Values of secrets are the secrets analyzer's; here only names are told.
 */
#include "scan/image/configuration.h"

#include <stdlib.h>

#include "scan/image/excerpt.h"
#include "scan/image/script.h"

enum { VERSION = 1 };

void config_tell(struct ledger *l, const struct config_finding *c)
{
	struct artifact_pair fact = {STR("cis"), str_of(c->cis)};
	struct artifact_finding f = {
		.check = str_of(c->check),
		.label = c->label,
		.severity = c->severity,
		.confidence = c->confidence,
		.title = c->title,
		.mend = str_of(c->mend),
		.excerpt = c->excerpt,
		.facts = &fact,
		.nfacts = c->cis ? 1 : 0,
	};

	if (f.title.len)
		ledger_find(l, &f);
}

static void tell(struct ledger *l, const char *check, enum artifact_severity severity,
	struct str title, const char *mend, const char *cis)
{
	config_tell(l, &(struct config_finding){.check = check,
			       .label = LABEL_CONFIGURATION,
			       .severity = severity,
			       .confidence = 90,
			       .title = title,
			       .mend = mend,
			       .cis = cis});
}

/* ---- the config --------------------------------------------------------------------------- */

static bool is_root(struct str user)
{
	struct str name = str_cut(&user, ':');

	return !name.len || str_is(name, "root") || str_is(name, "0");
}

static const struct port {
	unsigned number;
	enum artifact_severity severity;
	const char *what;
} ports[] = {
	{22, ARTIFACT_LOW, "SSH: a way to log in to a running container"},
	{23, ARTIFACT_MEDIUM, "Telnet: logins without encryption"},
	{111, ARTIFACT_LOW, "the port mapper of RPC"},
	{2375, ARTIFACT_HIGH, "Docker's API without encryption: whoever reaches it owns the host"},
	{2376, ARTIFACT_MEDIUM, "Docker's API"},
	{3389, ARTIFACT_LOW, "a remote desktop"},
	{4444, ARTIFACT_MEDIUM, "the port where reverse shells wait by habit"},
	{5900, ARTIFACT_LOW, "a remote desktop (VNC)"},
	{10250, ARTIFACT_MEDIUM, "the kubelet's API"},
};

static void see_ports(const struct artifact_config *c, struct ledger *l)
{
	for (size_t i = 0; i < c->nports; i++) {
		struct str s = c->ports[i], number = str_cut(&s, '/');
		uint64_t n;

		if (!str_to_u64(number, 10, &n))
			continue;
		for (size_t k = 0; k < sizeof(ports) / sizeof(ports[0]); k++)
			if (ports[k].number == n)
				tell(l, "config-port", ports[k].severity,
					arena_printf(ledger_arena(l),
						"The image exposes port %u: %s", ports[k].number,
						ports[k].what),
					"Take the port and its server out, unless they are what "
					"the "
					"image is for",
					NULL);
	}
}

static void see_volumes(const struct artifact_config *c, struct ledger *l)
{
	for (size_t i = 0; i < c->nvolumes; i++)
		if (str_ends(c->volumes[i], STR("docker.sock")) ||
			str_ends(c->volumes[i], STR("containerd.sock")) ||
			str_is(c->volumes[i], "/") || str_is(c->volumes[i], "/host"))
			tell(l, "config-host-volume", ARTIFACT_MEDIUM,
				arena_printf(ledger_arena(l),
					"The image asks for a volume that gives it the host: %.*s",
					STR_ARG(str_head(c->volumes[i], 128))),
				"Do without the volume", NULL);
}

static void see_name(const struct artifact_image *image, struct ledger *l)
{
	bool is_pinned = str_find_char(image->ref, '@') >= 0;

	if (str_is(image->tag, "latest") && !is_pinned && image->registry.len)
		tell(l, "config-latest", ARTIFACT_INFO,
			STR("The image is named by the tag latest, which means another image "
			    "tomorrow"),
			"Name it by a version, and by its digest where it is run", NULL);
}

/* The label by which builders say what an image is made from (OCI image-spec, annotations). */
static void see_base(const struct artifact_config *c, struct ledger *l)
{
	bool has_name = false, has_digest = false;

	for (size_t i = 0; i < c->nlabels; i++) {
		has_name |= str_is(c->labels[i].key, "org.opencontainers.image.base.name");
		has_digest |= str_is(c->labels[i].key, "org.opencontainers.image.base.digest");
	}
	if (has_name && !has_digest)
		tell(l, "config-unpinned-base", ARTIFACT_INFO,
			STR("The image says on what it is built, but not on which digest of it"),
			"Name the base image by its digest (FROM name@sha256:…)", "4.2");
}

static void config_image(void *self, const struct artifact_image *image, struct ledger *l)
{
	const struct artifact_config *c = &image->config;

	if (!image->config_digest.len)
		return; /* a folder has no config */
	if (is_root(c->user))
		tell(l, "config-root", ARTIFACT_LOW,
			STR("Containers of this image run as root, because it names no other user"),
			"Add a user of its own and name it in USER", "4.1");
	if (!c->nhealthcheck)
		tell(l, "config-no-healthcheck", ARTIFACT_INFO,
			STR("Nothing tells whether a container of this image still works: there is "
			    "no "
			    "HEALTHCHECK"),
			"Add a HEALTHCHECK, or have the orchestrator probe it", "4.6");
	see_ports(c, l);
	see_volumes(c, l);
	see_name(image, l);
	see_base(c, l);
	for (size_t i = 0; i < c->nonbuild; i++)
		config_read_step(c->onbuild[i], l);
}

static void config_text(
	void *self, enum artifact_place place, unsigned index, struct str text, struct ledger *l)
{
	if (place == PLACE_HISTORY)
		config_read_step(text, l);
	else if (place == PLACE_ENV)
		config_read_env(text, l);
	else if (place == PLACE_ENTRYPOINT)
		config_read_entrypoint(text, l);
}

/* ---- files -------------------------------------------------------------------------------- */

static bool is_in_path(struct str path, bool is_folder)
{
	static const char *const dirs[] = {
		"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"};

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		struct str d = str_of(dirs[i]);

		if (is_folder ? str_eq(path, d)
			      : str_starts(path, d) && path.len > d.len && path.s[d.len] == '/')
			return true;
	}
	return false;
}

static void config_entry(void *self, const struct artifact_file *f, struct ledger *l)
{
	bool is_folder = f->kind == ARTIFACT_DIR, is_file = f->kind == ARTIFACT_FILE;

	if (f->depth || (!is_folder && !is_file))
		return;
	if ((f->mode & 0002) && is_in_path(f->path, is_folder) && (is_folder || (f->mode & 0111)))
		tell(l, "config-writable-program", ARTIFACT_MEDIUM,
			is_folder ? STR("Everybody may put programs into a folder from which all "
					"are run")
				  : STR("Everybody may change a program that all run"),
			"Take the right to write away (chmod o-w)", NULL);
	else if ((f->mode & 0002) && is_file && str_starts(f->path, STR("/etc/")))
		tell(l, "config-writable-settings", ARTIFACT_MEDIUM,
			STR("Everybody may change a file with settings of the system"),
			"Take the right to write away (chmod o-w)", NULL);
	if (!is_file || !(f->mode & 0111))
		return;
	if (str_is(f->path, "/usr/bin/sudo") || str_is(f->path, "/usr/bin/doas"))
		tell(l, "config-sudo", ARTIFACT_INFO,
			STR("The image has sudo, by which a program can become root"),
			"Do what needs root in the build, and leave sudo out", "4.3");
	if (str_is(f->path, "/usr/sbin/sshd") || str_is(f->path, "/usr/sbin/dropbear"))
		tell(l, "config-sshd", ARTIFACT_INFO,
			STR("The image has an SSH server, a second way into its containers"),
			"Leave the server out, and use the orchestrator's exec", "4.3");
}

/* ---- the analyzer ------------------------------------------------------------------------- */

static uint64_t config_knowledge(void *self)
{
	return hash_u64(VERSION);
}

const struct analyzer_ops analyzer_configuration = {
	.name = "configuration",
	.doc = "settings that make an intruder's work easy: root, ports, downloads that are run, "
	       "sudo",
	.entry = config_entry,
	.text = config_text,
	.image = config_image,
	.knowledge = config_knowledge,
};
