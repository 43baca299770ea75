/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What a function writes to standard output and standard error, as texts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct said {
	char out[1 << 16], err[1 << 16];
	int code; /* of said_run() */
};

static inline void said_read(FILE *f, char *text, size_t size)
{
	fflush(f);
	rewind(f);
	text[fread(text, 1, size - 1, f)] = 0;
	fclose(f);
}

/* A verb in a process of its own: it may enter a cell, from which there is no way back. */
static inline void said_run(struct said *s, int (*verb)(int, char **), const char *const *args)
{
	FILE *out = tmpfile(), *err = tmpfile();
	char *argv[32];
	int argc = 0, status;

	while (args[argc]) {
		argv[argc] = (char *)(uintptr_t)args[argc];
		argc++;
	}
	argv[argc] = NULL;
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		dup2(fileno(out), STDOUT_FILENO);
		dup2(fileno(err), STDERR_FILENO);
		int code = verb(argc, argv);
		fflush(NULL);
		_exit(code);
	}
	waitpid(pid, &status, 0);
	s->code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	said_read(out, s->out, sizeof(s->out));
	said_read(err, s->err, sizeof(s->err));
}
