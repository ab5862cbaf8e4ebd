# SPDX-License-Identifier: Apache-2.0
# The front door. CMakePresets.json says how each directory below build/ is built.

PREFIX ?= /usr/local
SECONDS ?= 60
PACKAGES = tools/install-packages

# $(call configure,preset): quiet unless it fails.
configure = mkdir -p build && cmake --preset $(1) >build/configure-$(1).log 2>&1 || \
  { cat build/configure-$(1).log; exit 1; }

.NOTPARALLEL:
.PHONY: all demo test asan lint format fuzz bench install uninstall clean help

all: ## build/skep and build/skep-conformance
	@$(PACKAGES) --check build
	@$(call configure,release)
	@cmake --build build

demo: packages-build all ## install what is missing, build, show the main job
	@examples/demo.sh

test: packages-build packages-test all ## install what is missing, build, run all tests
	@cmake --build build --target tests
	@tools/run-tests build

asan: packages-build packages-test packages-fuzz ## the tests under AddressSanitizer and UBSan
	@$(call configure,asan)
	@cmake --build build/asan --target all tests
	@tools/run-tests build/asan

lint: packages-build packages-lint ## layers, format, tidy, shell scripts, spelling
	@tools/lint

format: packages-lint ## rewrite the sources in the house format
	@tools/lint --fix-format

fuzz: packages-build packages-fuzz ## every fuzz target for SECONDS=60
	@$(call configure,fuzz)
	@cmake --build build/fuzz --target fuzz-targets
	@tools/run-fuzz $(SECONDS)

bench: packages-build packages-bench all ## the figures of docs/
	@cmake --build build --target skep-bench
	@bench/run build
	@bench/run build --machine

install: all ## program, man page, completions, below PREFIX=/usr/local
	@cmake --install build --strip --prefix $(PREFIX)
	@mv build/install_manifest.txt build/installed

uninstall: ## remove what install put there
	@xargs -I{} rm -fv "$(DESTDIR){}" <build/installed

clean: ## remove build/
	rm -rf build

help: ## this list
	@sed -n 's/^\([a-z]*\):[^#]*## /\1\t/p' Makefile | expand -t 12

packages-%:
	@$(PACKAGES) $*
