/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/filter/program.h"
int program_share_matchers(struct filter_program *p)
{
	return 0;
}
