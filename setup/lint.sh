#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Usage: setup/lint.sh [BUILD]. Every linter over every file; goes on after complaints, and ends
# with status 1 when there were any.
set -u
cd "$(dirname "$0")/.." || exit 2
build=${1:-build}
failed=''

step() { # step NAME COMMAND…
	name=$1
	shift
	printf 'lint: %s … ' "$name"
	if output=$("$@" 2>&1); then
		echo ok
	else
		echo FAILED
		printf '%s\n' "$output"
		failed="$failed $name"
	fi
}

# files PATTERN…: what git knows, and what is new and not ignored
files() {
	git ls-files --cached --others --exclude-standard -- "$@" | while read -r f; do
		[ -e "$f" ] && printf '%s\n' "$f"
	done
}

format() {
	files '*.c' '*.h' | {
		status=0
		while read -r f; do
			clang-format --dry-run -Werror "$f" 2>/dev/null ||
				{ status=1 && echo "  run: clang-format -i $f"; }
		done
		return $status
	}
}

# Only what the build folder compiles is known to clang-tidy (bpf/ goes another way).
tidy() {
	files 'src/*.c' | xargs -r -n 4 -P 2 clang-tidy --quiet -p "$build" 2>/dev/null
}

check_c() {
	# one configuration is enough; it mistakes an address taken in an initialiser for a use
	files 'src/*.c' 'test/*.c' | xargs -r cppcheck --quiet --std=c11 --language=c -j 2 \
		--max-configs=1 --error-exitcode=1 --inline-suppr --enable=warning,portability \
		--suppress=missingInclude --suppress=missingIncludeSystem \
		--suppress=uninitvar:src/base/yaml.c \
		--suppress=nullPointerRedundantCheck:src/base/arena.c \
		--suppress=unknownMacro:test/unit/engine/state/test_bundle.c -I src -I .
}

check_shell() {
	{
		files '*.sh' '.ci/run'
	} | xargs -r shellcheck -x
}

check_man() {
	files 'man/*.[1-9]' | xargs -r mandoc -Tlint -Wwarning
}

check_bash() {
	files 'data/completion/*.bash' | xargs -r -n 1 bash -n
}

# Types only: the bundler looks at none.
check_web() {
	[ -x web/node_modules/.bin/tsc ] || npm --prefix web ci --no-audit --no-fund --ignore-scripts || return 1
	npm --prefix web run check
}

step clang-format format
step shellcheck check_shell
step mandoc check_man
step completion check_bash
! command -v npm >/dev/null || step typescript check_web
step cppcheck check_c
step clang-tidy tidy
[ -z "$failed" ] || {
	echo "lint: complaints of:$failed"
	exit 1
}
