# SPDX-License-Identifier: GPL-2.0-only
# Included by Makefiles of native tests that have set OUT, AGENT, CFLAGS, SANITIZE and
#   FUZZ		NAME for each NAME.c with LLVMFuzzerTestOneInput() and NAME.hex with its seeds
#   FUZZ_LENGTH		most bytes of an input
#   fuzz_src_NAME	sources beside NAME.c
#   fuzz_obj_NAME	objects of them, where there are
#   fuzz_libs
# Adds fuzz: libFuzzer for SECONDS each, and $(OUT)/NAME-replay NAME.hex for check, without libFuzzer.

SECONDS ?= 60

.SECONDEXPANSION:
$(FUZZ:%=$(OUT)/%-replay): $(OUT)/%-replay: %.c ../lib/fuzz_main.c $$(fuzz_obj_$$*) $$(fuzz_src_$$*) $(headers) | $(OUT)
	$(CC) $(CFLAGS) $(SANITIZE) -o $@ $< ../lib/fuzz_main.c $(or $(fuzz_obj_$*),$(fuzz_src_$*)) $(fuzz_libs)

$(FUZZ:%=$(OUT)/%): $(OUT)/%: %.c $$(fuzz_src_$$*) $(headers) | $(OUT)
	@command -v clang > /dev/null || { echo "needs clang: apt install clang" >&2; exit 1; }
	clang $(CFLAGS) -fsanitize=fuzzer $(SANITIZE) -o $@ $< $(fuzz_src_$*) $(fuzz_libs)

fuzz: $(FUZZ:%=$(OUT)/%) $(FUZZ:%=$(OUT)/%-replay)
	@../lib/fuzz $(OUT) $(SECONDS) $(FUZZ_LENGTH) $(FUZZ)

.PHONY: fuzz
