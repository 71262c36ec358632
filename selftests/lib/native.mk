# SPDX-License-Identifier: GPL-2.0-only
# Included first by Makefiles of native tests, which may have set RUN_ENV, variables for their programs.

AGENT := ../../agent
OUT := out

SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all
override CFLAGS += -std=gnu11 -g -O1 -Wall -Wextra -Werror -Wshadow -Wmissing-prototypes \
	-Wstrict-prototypes -Wpointer-arith -D_GNU_SOURCE -I$(AGENT)

# A program that fails behind its TAP's back, or ends early, gets a leaf that says so; failed is set then.
run = echo "TAP version 13"; $(RUN_ENV) CMOCKA_MESSAGE_OUTPUT=TAP $(1) >$(OUT)/tap; status=$$?; cat $(OUT)/tap; \
	if [ $$status -ne 0 ]; then failed=1; \
		grep -q '^not ok' $(OUT)/tap || echo "not ok - $(1) ended with status $$status"; fi

$(OUT):
	mkdir -p $@

clean:
	rm -rf $(OUT)

.PHONY: check clean
.DEFAULT_GOAL := check
