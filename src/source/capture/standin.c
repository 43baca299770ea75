/* SPDX-License-Identifier: Apache-2.0 */
/* What the reader calls and other rooms do not have yet. Weak: theirs wins. */
#include <stdlib.h>

#include "source/capture/capture.h"

#define STAND_IN __attribute__((weak))

STAND_IN struct event_upgrader *event_upgrader_new(void)
{
	return calloc(1, 1);
}

STAND_IN void event_upgrader_free(struct event_upgrader *u)
{
	free(u);
}

STAND_IN bool event_upgrade(const struct event_upgrader *u, struct event *ev,
	const struct event *enter, struct arena *a)
{
	return false;
}

STAND_IN bool event_upgrade_wants_enter(
	const struct event_upgrader *u, uint16_t code, unsigned nparams)
{
	return true;
}

STAND_IN int state_add_thread(struct state *s, uint32_t tid, uint32_t vtid, const struct process *p)
{
	return 0;
}

STAND_IN int state_add_descriptor(
	struct state *s, uint32_t tid, const struct event_fd *fd, struct str name)
{
	return 0;
}

STAND_IN int state_add_user(struct state *s, struct str container_id, const struct user *u)
{
	return 0;
}

STAND_IN int state_add_group(struct state *s, struct str container_id, const struct group *g)
{
	return 0;
}

STAND_IN int state_add_address(struct state *s, const uint8_t *ip, bool is_v6)
{
	return 0;
}
