# SPDX-License-Identifier: GPL-2.0-only
#
# make demo | check | deps | all | install | uninstall | clean: see README.md.
# Kbuild describes the module; this file is never read by the kernel's build.

KDIR ?= /lib/modules/$(shell uname -r)/build
# Where the module is built: a tree of links to its sources, so that one checkout serves any number of kernels.
MODULE_BUILD ?= $(CURDIR)/build/host

.PHONY: all module agent demo-tools

all: module agent

module:
	@test -e $(KDIR)/Makefile || { echo "no kernel headers at $(KDIR); they are in the package" \
		"linux-headers-$$(uname -r), or say KDIR=..." >&2; exit 1; }
	@mkdir -p $(MODULE_BUILD)
	@cp -rsfu $(CURDIR)/Kbuild $(CURDIR)/kernel $(CURDIR)/uapi $(MODULE_BUILD)/
	@find $(MODULE_BUILD) -xtype l -delete
	$(MAKE) -C $(KDIR) M=$(MODULE_BUILD) modules

agent:
	$(MAKE) -C agent all

# what the demo's traffic comes from
demo-tools:
	@test ! -e selftests/demo/Makefile || $(MAKE) -C selftests/demo
