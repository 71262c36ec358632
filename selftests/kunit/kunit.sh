#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 1200
#
# The suites here run while MIP4_KUNIT_KO is loaded: the module by 'make kunit-module', on a kernel with CONFIG_KUNIT
# and 'kunit.enable=1 kunit.autorun=1'. Their KTAP is what KUnit keeps in debugfs.

. "$(dirname "$0")/../lib/tap.sh"

[ -n "${MIP4_KUNIT_KO-}" ] || tap_skip_all "no module with unit tests for this kernel"

debugfs=/sys/kernel/debug/kunit
# each that the sources have, whether or not Kbuild knows of it
mapfile -t suites < <(sed -nE 's/.*\.name[ \t]*=[ \t]*"(mip4-[^"]*)".*/\1/p' selftests/kunit/*_test.c | sort)

# loaded BUILTIN: the suites that the kernel has besides those, whatever they are called
loaded()
{
	find "$debugfs" -mindepth 1 -maxdepth 1 -type d -printf '%f\n' 2> /dev/null | sort | comm -23 - <(echo "$1")
}

builtin=$(loaded "")

# each case has devices of its own, whose end waits for grace periods
tap_cleanup()
{
	echo 0 > /sys/kernel/rcu_expedited
}
echo 1 > /sys/kernel/rcu_expedited

tap_plan $((2 + ${#suites[@]}))
tap_check "the module loads" selftests/lib/load "$MIP4_KUNIT_KO"
tap_is "the kernel has the suites that the sources have" "$(loaded "$builtin")" "$(printf '%s\n' "${suites[@]}")"
for suite in "${suites[@]}"; do
	results=$debugfs/$suite/results
	# a plan of one, the cases further in, comments, and last the suite's own result
	sed '1,2d; /^\(not \)\?ok /d' "$results"
	if grep -qx "ok 1 $suite" "$results"; then
		tap_ok "$suite"
	else
		tap_fail "$suite"
	fi
done
tap_end
