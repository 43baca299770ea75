/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The schema, as steps: a database's version is the number of steps that it has taken (SQLite's
 * user_version; a row of `setting` in PostgreSQL). A step is never edited after a release: a new
 * one is added behind it. Each step and its version number are one transaction.
 *
 * The central table is `finding`: short rows of what lists, filters and groups need. What is read
 * for one finding at a time (the record, its search text) is in `evidence`, so that walking over
 * findings does not drag it along. Its key `n` is the finding's time in microseconds,
 * moved up to the next free number: rows lie in order of time, a page is a range of keys, and the
 * full-text index, which yields its rows by this key, yields them by time.
 *
 * Which findings speak of an entity follows from their columns (a host, an image, a process have
 * one) and costs no row a finding; `finding_entity` is for kinds that have none. `mention` holds
 * the ids of each finding's entities, `underived` the findings whose entities are not counted yet.
 *
 * `tally` counts findings by state and priority, so that counts need no walk. `rule` holds a row
 * for each (rule, source, tags) seen: tags are a rule's, not a finding's.
 */
#include <errno.h>

#include "sink/store/private.h"

static const char schema_1[] =
	"CREATE TABLE rule ("
	" id {serial},"
	" name {text} NOT NULL,"
	" source {text} NOT NULL,"
	" tags {text} NOT NULL," /* a JSON array */
	" UNIQUE (name, source, tags));"
	"CREATE TABLE rule_tag ("
	" tag {text} NOT NULL,"
	" rule {int} NOT NULL,"
	" PRIMARY KEY (tag, rule)) {rowless};"

	"CREATE TABLE finding ("
	" n {pk},"
	" id {text} NOT NULL,"
	" time_ns {int} NOT NULL,"
	" last_ns {int} NOT NULL,"
	" count {int} NOT NULL,"
	" rule {int} NOT NULL,"
	" priority {int} NOT NULL,"
	" state {int} NOT NULL,"
	" mute {int},"
	" fingerprint {int} NOT NULL,"
	" assignee {text},"
	" hostname {text},"
	" container {text},"
	" container_name {text},"
	" image {text},"
	" repository {text},"
	" pod {text},"
	" namespace {text},"
	" pid {int},"
	" start_ns {int},"
	" process {text},"
	" exe {text},"
	" cmdline {text},"
	" parent {text},"
	" username {text},"
	" uid {int},"
	" event {text},"
	" file {text},"
	" local {text},"
	" local_ip {text},"
	" local_port {int},"
	" remote {text},"
	" remote_ip {text},"
	" remote_port {int},"
	" proto {text},"
	" output {text} NOT NULL);"
	"CREATE UNIQUE INDEX finding_id ON finding (id);"
	"CREATE INDEX finding_rule ON finding (rule, n);"
	"CREATE INDEX finding_priority ON finding (priority, n DESC);"
	"CREATE INDEX finding_state ON finding (state, n);"

	"CREATE TABLE evidence ("
	" n {pk},"
	" record {text} NOT NULL,"
	" entities {text} NOT NULL," /* "12:0 15:3": entity, number of its role */
	" search {text} NOT NULL"    /* words as the full-text index has them */
	" {tsv});"
	"{fts}"

	"CREATE TABLE around ("
	" finding {text} NOT NULL," /* finding.id */
	" hash {int} NOT NULL,"     /* of events: redelivery */
	" time_ns {int} NOT NULL,"
	" events {text} NOT NULL," /* a JSON array */
	" PRIMARY KEY (finding, hash)) {rowless};"
	"CREATE INDEX around_time ON around (time_ns);"

	"CREATE TABLE tally ("
	" state {int} NOT NULL,"
	" priority {int} NOT NULL,"
	" findings {int} NOT NULL,"
	" PRIMARY KEY (state, priority)) {rowless};"

	"CREATE TABLE history ("
	" id {serial},"
	" n {int} NOT NULL,"
	" time_ns {int} NOT NULL,"
	" who {text} NOT NULL,"
	" action {int} NOT NULL,"
	" content {text} NOT NULL);"
	"CREATE INDEX history_n ON history (n);"
	"CREATE TABLE mute ("
	" id {serial},"
	" filter {text} NOT NULL,"
	" fingerprint {text} NOT NULL,"
	" rule {text} NOT NULL,"
	" reason {text} NOT NULL,"
	" created_by {text} NOT NULL,"
	" created_ns {int} NOT NULL,"
	" until_ns {int} NOT NULL,"
	" muted {int} NOT NULL,"
	" last_ns {int} NOT NULL);"

	"CREATE TABLE entity ("
	" id {serial},"
	" kind {int} NOT NULL,"
	" key {text} NOT NULL,"
	" name {text} NOT NULL,"
	" attrs {text} NOT NULL,"
	" findings {int} NOT NULL,"
	" open {int} NOT NULL,"
	" worst {int} NOT NULL,"
	" first_ns {int} NOT NULL,"
	" last_ns {int} NOT NULL,"
	" UNIQUE (kind, key));"
	"CREATE INDEX entity_idle ON entity (last_ns) WHERE findings = 0;"
	"CREATE TABLE relation ("
	" source {int} NOT NULL,"
	" kind {int} NOT NULL,"
	" target {int} NOT NULL,"
	" count {int} NOT NULL,"
	" first_ns {int} NOT NULL,"
	" last_ns {int} NOT NULL,"
	" PRIMARY KEY (source, target, kind)) {rowless};"
	"CREATE INDEX relation_target ON relation (target, source);"
	"CREATE TABLE finding_entity ("
	" entity {int} NOT NULL,"
	" n {int} NOT NULL,"
	" role {int} NOT NULL,"
	" PRIMARY KEY (entity, n)) {rowless};"

	"CREATE TABLE host ("
	" hostname {text} PRIMARY KEY,"
	" last_ns {int} NOT NULL,"
	" inventory {text} NOT NULL) {rowless};"
	"CREATE TABLE container ("
	" full_id {text} PRIMARY KEY,"
	" id {text} NOT NULL,"
	" name {text} NOT NULL,"
	" image {text} NOT NULL,"
	" hostname {text} NOT NULL,"
	" pod {text} NOT NULL,"
	" namespace {text} NOT NULL,"
	" is_running {int} NOT NULL,"
	" is_privileged {int} NOT NULL,"
	" first_ns {int} NOT NULL,"
	" last_ns {int} NOT NULL,"
	" record {text} NOT NULL) {rowless};"
	"CREATE INDEX container_id ON container (id);"
	"CREATE INDEX container_host ON container (hostname, is_running);"
	"CREATE INDEX container_last ON container (is_running, last_ns);"
	"CREATE TABLE run ("
	" type {int} NOT NULL,"
	" id {text} NOT NULL,"
	" kind {text} NOT NULL,"
	" target {text} NOT NULL,"
	" state {text} NOT NULL,"
	" start_ns {int} NOT NULL,"
	" end_ns {int} NOT NULL,"
	" record {text} NOT NULL,"
	" PRIMARY KEY (type, id)) {rowless};"
	"CREATE INDEX run_start ON run (type, start_ns, id);"

	"CREATE TABLE series ("
	" id {serial},"
	" hostname {text} NOT NULL,"
	" name {text} NOT NULL,"
	" UNIQUE (name, hostname));"
	"CREATE TABLE sample ("
	" series {int} NOT NULL,"
	" step {int} NOT NULL," /* seconds */
	" time_s {int} NOT NULL,"
	" n {int} NOT NULL,"
	" total {real} NOT NULL,"
	" low {real} NOT NULL,"
	" high {real} NOT NULL,"
	" PRIMARY KEY (step, series, time_s)) {rowless};"

	"CREATE TABLE account ("
	" name {text} PRIMARY KEY,"
	" role {int} NOT NULL,"
	" password_hash {text} NOT NULL,"
	" must_change {int} NOT NULL,"
	" is_disabled {int} NOT NULL,"
	" created_ns {int} NOT NULL,"
	" last_login_ns {int} NOT NULL) {rowless};"
	"CREATE TABLE token ("
	" id {serial},"
	" hash {text} NOT NULL UNIQUE,"
	" kind {int} NOT NULL,"
	" username {text} NOT NULL,"
	" role {int} NOT NULL,"
	" name {text} NOT NULL,"
	" data {text} NOT NULL,"
	" created_ns {int} NOT NULL,"
	" expires_ns {int} NOT NULL,"
	" last_ns {int} NOT NULL);"
	"CREATE INDEX token_username ON token (username, kind);"
	"CREATE TABLE audit ("
	" id {serial},"
	" time_ns {int} NOT NULL,"
	" who {text} NOT NULL,"
	" action {text} NOT NULL,"
	" object {text} NOT NULL,"
	" detail {text} NOT NULL,"
	" address {text} NOT NULL);"
	"CREATE INDEX audit_who ON audit (who, id);"
	"CREATE TABLE setting ("
	" name {text} PRIMARY KEY,"
	" value {text} NOT NULL) {rowless};";

/* What is derived from findings may be written later than they are (derived.c). */
static const char schema_2[] =
	"CREATE TABLE mention ("
	" n {pk},"
	" entities {text} NOT NULL);" /* "12:0 15:3": entity, number of its role */
	"INSERT INTO mention (n, entities) SELECT n, entities FROM evidence;"
	"ALTER TABLE evidence DROP COLUMN entities;"
	"CREATE TABLE underived ("
	" n {pk});"
	/* files of containers: the short id in place of the full one */
	"UPDATE entity SET key = substr(key, 1, 12) || substr(key, 65) WHERE kind = 7 AND "
	"substr(key, 65, 1) = '|' AND ltrim(substr(key, 1, 64), '0123456789abcdef') = '';";

/* Step i makes version i + 1. */
static const char *const steps[] = {schema_1, schema_2};

enum { VERSION = sizeof(steps) / sizeof(*steps) };

static int read_version(struct db *db, unsigned *ret, struct err *e)
{
	struct stmt *st = NULL;
	int rc = db_statement(db, "{get_version}", &st, e);

	if (rc < 0)
		return rc;
	rc = stmt_row(st, e);
	if (rc == 0)
		*ret = (unsigned)stmt_get_u64(st, 0);
	stmt_done(st);
	return rc;
}

static int take_step(struct db *db, unsigned step, struct err *e)
{
	struct buf sql = BUF_INIT(1000);
	int rc = db_begin(db, e);

	if (rc < 0)
		return rc;
	rc = db_script(db, steps[step], e);
	if (rc == 0) {
		dialect_set_version(db->ops->engine, step + 1, &sql);
		rc = db->ops->exec(db, sql.s, e);
	}
	if (rc == 0)
		rc = db_commit(db, e);
	else
		db_rollback(db);
	buf_done(&sql);
	if (rc < 0)
		err_context(e, "the database was left at version %u", step);
	return rc;
}

int migrate(struct db *db, bool read_only, unsigned *ret_version, struct err *e)
{
	unsigned version = 0;
	int rc = dialect_prepare_version(db, read_only, e);

	if (rc == 0)
		rc = read_version(db, &version, e);
	if (rc < 0)
		return rc;
	if (version > VERSION)
		return err_set(e, EPROTO,
			"the database was made by a newer koban (its version is %u, this koban "
			"knows %u); install that koban again, or restore an older backup",
			version, VERSION);
	if (read_only && version < VERSION)
		return err_set(e, EROFS,
			"the database is of version %u and must be brought to %u first; "
			"start koban serve once",
			version, VERSION);
	while (version < VERSION) {
		rc = take_step(db, version, e);
		if (rc < 0)
			return rc;
		version++;
	}
	*ret_version = version;
	return 0;
}
