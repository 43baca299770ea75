/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* koban fields: lists what conditions and outputs can name. Returns the exit code. */
int cmd_fields(int argc, char **argv);
