# SPDX-License-Identifier: BSD-3-Clause
# A thin front for meson. `make check` and `make demo` do everything, dependencies included.
BUILD ?= build
SHELL := /bin/bash

.PHONY: all deps deps-vm build check check-long demo bench lint format clean

all: build

deps:
	@scripts/deps.sh

deps-vm:
	@scripts/deps.sh --vm

$(BUILD)/build.ninja:
	@meson setup $(BUILD) -Dwerror=true >/dev/null

build: deps $(BUILD)/build.ninja
	@ninja -C $(BUILD) --quiet

check: deps-vm
	@tests/check.sh

check-long: deps-vm
	@tests/check.sh --long

demo: build
	@demo/run.sh $(BUILD)

bench: deps
	@perf/run.sh

lint: deps
	@tests/lint/lint.sh

format:
	@git ls-files '*.c' '*.h' | xargs clang-format -i

clean:
	@rm -rf build build-*
