# SPDX-License-Identifier: GPL-2.0-only
# Included first by Makefiles of native tests, which may have set RUN_ENV, variables for their programs.

AGENT := ../../agent
OUT := out

SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all
override CFLAGS += -std=gnu11 -g -O1 -Wall -Wextra -Werror -Wshadow -Wmissing-prototypes \
	-Wstrict-prototypes -Wpointer-arith -D_GNU_SOURCE -I$(AGENT)

# Link both with what parses messages: they are then in MESSAGES after a check, for wire/tshark.sh.
RECORD := ../lib/record.c
record_flags := -Wl,--wrap=wire_parse
MESSAGES := $(OUT)/messages.hex

# A program that fails behind its TAP's back, or ends early, gets a leaf that says so; failed is set then.
# selftests/check looks for how long each took.
run = echo "TAP version 13"; start=$$(date +%s); \
	MESSAGES=$(MESSAGES) $(RUN_ENV) CMOCKA_MESSAGE_OUTPUT=TAP $(1) >$(OUT)/tap; status=$$?; cat $(OUT)/tap; \
	if [ $$status -ne 0 ]; then failed=1; \
		grep -q '^not ok' $(OUT)/tap || echo "not ok - $(1) ended with status $$status"; fi; \
	echo "\# $$(($$(date +%s) - start)) s: selftests/$(notdir $(CURDIR))/$(notdir $(firstword $(1)))"

$(OUT):
	mkdir -p $@

# by whoever needs them and doesn't care for more
$(MESSAGES): | $(OUT)
	@$(MAKE) -s check SEEDS=2 > $(OUT)/check.tap || { cat $(OUT)/check.tap; exit 1; }

forget = rm -f $(MESSAGES)

clean:
	rm -rf $(OUT)

.PHONY: check clean
.DEFAULT_GOAL := check
