/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What a file is for, as far as its path, mode and first bytes tell: a domain in a start script is
 * an act, in a manual page it is a word.
 */
#include "scan/image/analyzer.h"

enum file_role {
	ROLE_DOC, /* documentation, licences, translations, databases of packages: no evidence */
	ROLE_LIBRARY, /* code and data of installed software, tests and examples in it */
	ROLE_BINARY,  /* programs and shared objects */
	ROLE_OTHER,   /* anything else */
	ROLE_CONFIG,  /* settings */
	ROLE_SCRIPT,  /* what a shell, an interpreter, cron, systemd or an init runs */
};
enum file_role file_role_of(const struct artifact_file *f, struct str content, bool is_text);
/* By path alone, when there is no content yet. */
bool file_is_doc(const struct artifact_file *f);
const char *file_role_name(enum file_role r); /* "script", "configuration" … for titles */
