# SPDX-License-Identifier: Apache-2.0
# The front door: a short name for each thing that one does here. Meson and ninja do the work.

SUDO := $(if $(filter 0,$(shell id -u)),,sudo)
T ?= condition
N ?= 60
PREFIX ?= /usr/local

.PHONY: help up build check asan fuzz bench bench-replay bench-store bench-image image-memory image-clean lint demo demo-live install clean

help: ## print this list
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1\t/p' $(firstword $(MAKEFILE_LIST)) | \
		while IFS='	' read -r name text; do printf '  make %-12s %s\n' "$$name" "$$text"; done

up: build-release/build.ninja ## install what is missing, build, and watch this machine
	ninja -C build-release
	$(SUDO) build-release/src/cmd/koban up -r data/rules

build: build/build.ninja ## build into build/
	ninja -C build

check: build/build.ninja ## run every test; ends with "N passed, N failed"
	setup/install.sh build test
	setup/old_kernel.sh || true
	python3 test/run.py

asan: build-asan/build.ninja ## the same under AddressSanitizer and UBSan, in build-asan/
	setup/install.sh build test
	setup/old_kernel.sh || true
	python3 test/run.py --asan

fuzz: build-fuzz/build.ninja ## fuzz one parser: make fuzz T=condition N=60 (seconds)
	ninja -C build-fuzz test/fuzz-$(T)
	mkdir -p build-fuzz/found/$(T) test/fuzz/corpus/$(T)
	cd build-fuzz && test/fuzz-$(T) -max_total_time=$(N) -timeout=10 -rss_limit_mb=2048 \
		-artifact_prefix=found/$(T)/ found/$(T) ../test/fuzz/corpus/$(T)

bench: build-release/build.ninja ## what koban costs: ratios against a bare machine
	ninja -C build-release
	$(SUDO) env KOBAN_BUILD=build-release python3 test/bench/bench.py $(BENCH)

lint: build/build.ninja ## clang-format, clang-tidy, cppcheck, shellcheck, mandoc
	setup/install.sh build lint
	setup/lint.sh build

bench-replay: build-release/build.ninja ## what judging and printing captures costs, beside sysdig
	ninja -C build-release
	KOBAN_BUILD=build-release python3 test/bench/replay.py

bench-store: build/build.ninja ## what storing a million findings costs, beside bare SQLite
	ninja -C build test/bench-store
	build/test/bench-store $(FINDINGS)

bench-image: build-release/build.ninja ## what scanning an image costs, beside inflating and hashing it
	ninja -C build-release
	setup/install.sh test
	KOBAN_BUILD=build-release python3 test/bench/image.py $(MIB)
	KOBAN_BUILD=build-release python3 test/bench/crawl.py $(IMAGES)

image-memory: build-release/build.ninja ## peak memory of scanning an image of 8 GiB
	ninja -C build-release
	KOBAN_BUILD=build-release KOBAN_IMAGE_GIB=8 python3 test/system/test_image_memory.py

image-clean: build-release/build.ninja ## a clean Debian with 1.3 GB of software gives no alarm
	ninja -C build-release
	setup/install.sh test
	KOBAN_BUILD=build-release python3 test/bench/clean_debian.py

demo: build-release/build.ninja ## judge a recorded break-in; needs no root
	ninja -C build-release
	build-release/src/cmd/koban replay data/demo/intruder.scap.gz -r data/rules

demo-live: build-release/build.ninja ## watch for some seconds while a script misbehaves
	ninja -C build-release
	$(SUDO) setup/demo.sh build-release

install: build-release/build.ninja ## install below PREFIX (default /usr/local)
	ninja -C build-release
	$(SUDO) meson install -C build-release --no-rebuild

clean: ## remove every build folder
	rm -rf build build-*

build/build.ninja:
	setup/install.sh build
	meson setup build

build-release/build.ninja:
	setup/install.sh build
	meson setup build-release --buildtype=release --prefix=$(PREFIX) -Dtests=false

build-asan/build.ninja:
	setup/install.sh build test
	meson setup build-asan -Db_sanitize=address,undefined -Db_lundef=false

build-fuzz/build.ninja:
	setup/install.sh build test
	CC=clang-14 meson setup build-fuzz -Dfuzzing=true -Db_sanitize=address,undefined \
		-Db_lundef=false
