/* SPDX-License-Identifier: Apache-2.0 */
/* The names of what an artifact can be, and what identifies a finding. */
#include "model/artifact/artifact.h"

static const char *const severities[ARTIFACT_SEVERITY_COUNT] = {
	"critical", "high", "medium", "low", "info"};

const char *artifact_severity_name(enum artifact_severity s)
{
	return s < ARTIFACT_SEVERITY_COUNT ? severities[s] : "unknown";
}

bool artifact_severity_parse(struct str s, enum artifact_severity *ret)
{
	for (size_t i = 0; i < ARTIFACT_SEVERITY_COUNT; i++) {
		if (!str_ieq(s, str_of(severities[i])))
			continue;
		*ret = (enum artifact_severity)i;
		return true;
	}
	return false;
}

static const struct {
	const char *name, *title;
} labels[LABEL_COUNT] = {
	[LABEL_CRYPTOMINING] = {"cryptomining", "Cryptomining"},
	[LABEL_SECRETS] = {"embedded-secrets", "Embedded secrets"},
	[LABEL_PROXY_AVOIDANCE] = {"proxy-avoidance", "Proxy avoidance"},
	[LABEL_NEW_DOMAIN] = {"new-domain", "Newly registered domains"},
	[LABEL_MALICIOUS_SITE] = {"malicious-site", "Malicious websites"},
	[LABEL_HACKING] = {"hacking", "Hacking"},
	[LABEL_DYNAMIC_DNS] = {"dynamic-dns", "Dynamic DNS"},
	[LABEL_MALWARE] = {"malware", "Malware"},
	[LABEL_BACKDOOR] = {"backdoor", "Backdoor"},
	[LABEL_MASQUERADE] = {"masquerade", "Masquerade"},
	[LABEL_MINER_CAPABLE] = {"miner-capable", "Miner-capable"},
	[LABEL_CONFIGURATION] = {"configuration", "Configuration"},
	[LABEL_OUTDATED] = {"outdated", "Outdated distribution"},
	[LABEL_HOSTILE] = {"hostile-archive", "Hostile archive"},
	[LABEL_OTHER] = {"other", "Other"},
};

const char *artifact_label_name(enum artifact_label l)
{
	return l < LABEL_COUNT ? labels[l].name : "other";
}

const char *artifact_label_title(enum artifact_label l)
{
	return l < LABEL_COUNT ? labels[l].title : "Other";
}

bool artifact_label_parse(struct str s, enum artifact_label *ret)
{
	for (size_t i = 0; i < LABEL_COUNT; i++) {
		if (!str_ieq(s, str_of(labels[i].name)))
			continue;
		*ret = (enum artifact_label)i;
		return true;
	}
	return false;
}

const char *artifact_reach_name(enum artifact_reach r)
{
	static const char *const names[] = {[REACH_UNKNOWN] = "unknown",
		[REACH_NONE] = "none",
		[REACH_ENTRYPOINT] = "entrypoint",
		[REACH_CRON] = "cron",
		[REACH_SERVICE] = "service",
		[REACH_LOGIN] = "login",
		[REACH_PRELOAD] = "preload"};

	return (size_t)r < sizeof(names) / sizeof(*names) ? names[r] : "unknown";
}

const char *artifact_place_name(enum artifact_place p)
{
	static const char *const names[] = {[PLACE_FILE] = "file",
		[PLACE_HISTORY] = "history",
		[PLACE_ENV] = "env",
		[PLACE_LABEL] = "label",
		[PLACE_ENTRYPOINT] = "entrypoint",
		[PLACE_CONFIG] = "config",
		[PLACE_NAME] = "name",
		[PLACE_RUN] = "run"};

	return (size_t)p < sizeof(names) / sizeof(*names) ? names[p] : "unknown";
}

const char *artifact_verdict_name(enum artifact_verdict v)
{
	static const char *const names[VERDICT_COUNT] = {[VERDICT_MALICIOUS] = "malicious",
		[VERDICT_SUSPICIOUS] = "suspicious",
		[VERDICT_RISKY] = "risky",
		[VERDICT_UNKNOWN] = "unknown",
		[VERDICT_CLEAN] = "clean"};

	return v < VERDICT_COUNT ? names[v] : "unknown";
}

const char *artifact_package_type_name(enum package_type t)
{
	static const char *const names[PACKAGE_TYPE_COUNT] = {[PACKAGE_DPKG] = "deb",
		[PACKAGE_APK] = "apk",
		[PACKAGE_RPM] = "rpm",
		[PACKAGE_NPM] = "npm",
		[PACKAGE_PYPI] = "pypi",
		[PACKAGE_GEM] = "gem",
		[PACKAGE_JAR] = "maven",
		[PACKAGE_GO] = "golang",
		[PACKAGE_CARGO] = "cargo",
		[PACKAGE_COMPOSER] = "composer",
		[PACKAGE_NUGET] = "nuget"};

	return t < PACKAGE_TYPE_COUNT ? names[t] : "generic";
}

static uint64_t mix(uint64_t h, struct str s)
{
	return hash_u64(h ^ str_hash(s)) + s.len;
}

uint64_t artifact_finding_fingerprint(const struct artifact_finding *f)
{
	uint64_t h = mix(mix(0, f->check), f->path);

	h = hash_u64(h ^ (uint64_t)f->place);
	for (size_t i = 0; i < f->nfacts; i++)
		h = mix(mix(h, f->facts[i].key), f->facts[i].value);
	return f->nfacts ? h : mix(h, f->excerpt);
}

struct str artifact_finding_fact(const struct artifact_finding *f, const char *key)
{
	for (size_t i = 0; i < f->nfacts; i++)
		if (str_is(f->facts[i].key, key))
			return f->facts[i].value;
	return STR_NULL;
}
