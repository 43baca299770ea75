/* SPDX-License-Identifier: Apache-2.0 */
/* What a registry says of logging in, of waiting, of where to go; what a user's file says of
 * logins. */
#include <stdlib.h>

#include "source/image/registry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = str_make((const char *)data, size);
	struct credential cred;
	struct challenge c;
	struct arena a;

	arena_init(&a, SOURCE_MEMORY);
	if (challenge_parse(text, &a, &c) && c.is_bearer && !c.realm.len)
		abort();
	credential_in_file(text, "it", STR("quay.io"), STR("a/b"), false, &a, &cred, NULL);
	retry_after_s(text, 1767225600);
	struct str to = url_resolve(STR("https://registry.example/v2/"), text, &a);

	if (to.len && !str_starts(to, STR("http://")) && !str_starts(to, STR("https://")))
		abort();
	arena_done(&a);
	return 0;
}
