# SPDX-License-Identifier: GPL-2.0-only
#
# demo, check	the main job shown; the tests of every commit. Both install what they need, after asking
# check-quick, check-full	fewer tests, all tests
# lint		style that a machine can check
# sim		thousands of devices in worlds of faults: SEEDS or SEED, HOURS, DEVICES, PMAS
# matrix	the module on every kernel it is meant for
# coverage	what the tests reach of module and agent, and what not: build/coverage.txt
# bench		what the module costs beside the kernel's own tunnels; also as JSON into BENCH_JSON
# planted	bugs on purpose, that the tests must find: all, or those of PLANTED
# deps		only that
# build-deps	only what building module and agent takes, besides kernel headers
# kunit-module	the module with its unit tests within, for a kernel with CONFIG_KUNIT
# all		module for KDIR's kernel, mip4d, mipctl, mip4load
# install, uninstall	below PREFIX and into KDIR's kernel's modules; DESTDIR
# clean
#
# Kbuild describes the module; this file is never read by the kernel's build.

KDIR ?= /lib/modules/$(shell uname -r)/build
# Where the module is built: a tree of links to its sources, so that one checkout serves any number of kernels.
MODULE_BUILD ?= $(CURDIR)/build/host
PREFIX ?= /usr/local
# demo: guest, or host for network namespaces of this machine
WHERE ?= guest

ifneq ($(words $(CURDIR)),1)
$(error the path of this tree must not contain spaces: '$(CURDIR)')
endif
ifeq ($(filter guest host,$(WHERE)),)
$(error WHERE is guest or host, not '$(WHERE)')
endif

all: module agent

module:
	@test -e $(KDIR)/Makefile || { echo "no kernel headers at $(KDIR): install linux-headers-$$(uname -r)," \
		"or say KDIR=... for another kernel" >&2; exit 1; }
	@mkdir -p $(MODULE_BUILD)
	@cp -rsfu $(CURDIR)/Kbuild $(CURDIR)/kernel $(CURDIR)/uapi $(MODULE_BUILD)/
	@[ -z "$(MIP4_KUNIT)" ] || { mkdir -p $(MODULE_BUILD)/selftests && \
		cp -rsfu $(CURDIR)/selftests/kunit $(MODULE_BUILD)/selftests/; }
	@find $(MODULE_BUILD) -xtype l -delete
	$(MAKE) -C $(KDIR) M=$(MODULE_BUILD) modules

# bugs on purpose, for debug kernels to find
catch:
	@mkdir -p $(MODULE_BUILD)
	@cp -rsfu $(CURDIR)/selftests/vm/catch/. $(MODULE_BUILD)/
	$(MAKE) -C $(KDIR) M=$(MODULE_BUILD) modules

kunit-module:
	$(MAKE) module MIP4_KUNIT=1 MODULE_BUILD=$(MODULE_BUILD)-kunit

agent:
	$(MAKE) -C agent all

# what the demo's traffic comes from
demo-tools:
	$(MAKE) -C selftests/demo

# what the benches' traffic comes from
bench-tools:
	$(MAKE) -C selftests/bench

# what tshark reads
wire-messages:
	$(MAKE) -C selftests/wire messages

deps:
	@selftests/vm/deps

build-deps:
	@selftests/vm/deps build

check: export CHECK_START := $(shell date +%s)
check: deps
	@selftests/check

check-quick: deps
	@selftests/check quick

check-full:
	@selftests/vm/deps full
	@selftests/check full

lint: deps
	@selftests/lint

sim: deps
	$(MAKE) -C selftests/sim sim

matrix: deps
	@selftests/matrix

coverage: deps
	@selftests/coverage

bench: deps
	@selftests/bench/bench $(BENCH_JSON)

planted: deps
	@selftests/planted/run $(PLANTED)

ifeq ($(WHERE),host)
demo: module agent demo-tools
else
demo: deps
endif
	@selftests/vm/demo $(WHERE)

# Installing builds nothing: that is for whoever isn't root.
install uninstall:
	@KDIR='$(KDIR)' MODULE_BUILD='$(MODULE_BUILD)' PREFIX='$(PREFIX)' DESTDIR='$(DESTDIR)' packaging/install $@

clean:
	rm -rf build
	$(MAKE) -C agent clean
	$(MAKE) -C selftests/demo clean
	$(MAKE) -C selftests/bench clean

.PHONY: all module catch agent demo-tools bench-tools wire-messages kunit-module matrix deps build-deps check \
	check-quick check-full lint sim coverage bench planted demo install uninstall clean
