/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* SIGINT and SIGTERM end a loop after the event at hand; a pipe that nobody reads is an error. */
#include <stdbool.h>

void stop_on_signals(void);
/* Was one of them sent? */
bool stop_asked(void);
/* The same for rooms below that ask for it while they wait. */
const volatile bool *stop_flag(void);
