/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Notices with inotify that a rule file changed, and waits until its writer has come to rest. */
#include <stdbool.h>
#include <stddef.h>

struct reload;
/* NULL when is_on is false or nothing can be watched: then only SIGHUP reloads. */
struct reload *reload_new(bool is_on, const char *const *paths, size_t n);
void reload_free(struct reload *r);
/* True once for each change that is at least half a second old. */
bool reload_is_due(struct reload *r);
