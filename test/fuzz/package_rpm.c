/* SPDX-License-Identifier: Apache-2.0 */
/* A database of rpm, in any of its forms: SQLite's file, ndb, Berkeley DB's hash, and the headers.
 */
#include "package_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str path = STR("/var/lib/rpm/Packages");

	check_parse(package_parser_for(path), path, str_make((const char *)data, size));
	return 0;
}
