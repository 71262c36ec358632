# SPDX-License-Identifier: GPL-2.0-only
# Included by the Makefiles beside the tests, which have set
#   TEST_PROGS	tests for the kernel that runs: in a guest by vm/run, or by kselftest's own target
# and have a target check if there are native tests.

TARGET := $(notdir $(CURDIR))

run_tests:
	@../lib/runner $(TARGET) $(TEST_PROGS)

list:
	@printf 'selftests/$(TARGET)/%s\n' $(TEST_PROGS)

.PHONY: run_tests list
