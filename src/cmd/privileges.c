/* SPDX-License-Identifier: Apache-2.0 */
/* Giving up capabilities (capabilities(7)) once the sensor is attached and the ports are open. */
#include "cmd/privileges.h"

#include <sys/capability.h>

#include "base/cell.h"

int privileges_drop(struct err *e)
{
	static const int kept[] = {
		CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_SYS_PTRACE, CAP_BPF, CAP_PERFMON};

	return cell_keep_capabilities(kept, sizeof(kept) / sizeof(kept[0]), e);
}
