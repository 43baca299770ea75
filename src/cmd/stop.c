/* SPDX-License-Identifier: Apache-2.0 */
/* The flag that ends the loops of verbs over events. */
#include "cmd/stop.h"

#include <signal.h>

static volatile bool asked; /* a byte: written whole, in a handler too */

static void on_signal(int sig)
{
	asked = true;
}

void stop_on_signals(void)
{
	struct sigaction act = {.sa_handler = on_signal};

	sigemptyset(&act.sa_mask);
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	signal(SIGPIPE, SIG_IGN);
}

bool stop_asked(void)
{
	return asked;
}

const volatile bool *stop_flag(void)
{
	return &asked;
}
