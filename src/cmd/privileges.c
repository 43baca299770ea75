/* SPDX-License-Identifier: Apache-2.0 */
/* Giving up capabilities (capabilities(7)) once the sensor is attached and the ports are open. */
#include "cmd/privileges.h"

#include <errno.h>
#include <sys/capability.h>
#include <unistd.h>

static const cap_value_t kept[] = {
	CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_SYS_PTRACE, CAP_BPF, CAP_PERFMON};

int privileges_drop(struct err *e)
{
	cap_t now = cap_get_proc(), want = cap_init();
	int r = now && want ? 0 : -errno;

	for (size_t i = 0; r == 0 && i < sizeof(kept) / sizeof(*kept); i++) {
		cap_flag_value_t has = CAP_CLEAR;

		/* what was never given (a container's koban) cannot be kept */
		if (cap_get_flag(now, kept[i], CAP_PERMITTED, &has) == 0 && has == CAP_SET &&
			(cap_set_flag(want, CAP_PERMITTED, 1, &kept[i], CAP_SET) < 0 ||
				cap_set_flag(want, CAP_EFFECTIVE, 1, &kept[i], CAP_SET) < 0))
			r = -errno;
	}
	if (r == 0 && cap_set_proc(want) < 0)
		r = -errno;
	cap_free(now);
	cap_free(want);
	return r < 0 ? err_set(e, -r, "cannot give up capabilities: %s", strerror(-r)) : 0;
}
