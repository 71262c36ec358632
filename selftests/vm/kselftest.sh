#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kselftest's manners: what 'make -C selftests run_tests' says of tests with known ends.
# timeout: 120

. "$(dirname "$0")/../lib/tap.sh"

# this tree's build/ can't be written here; a world covers /tmp, where this tree may be, but for that one
tree=/tmp/tree
mkdir -p $tree/selftests/some
cp "$MIP4_KO" $tree/
export MIP4_KO=$tree/mip4.ko
cp -r selftests/{Makefile,lib.mk,lib} $tree/selftests/
mkdir $tree/selftests/kernel
cp selftests/kernel/lib.sh $tree/selftests/kernel/
cd $tree/selftests || exit
printf '%s\n' 'TEST_PROGS := passes skips fails' 'include ../lib.mk' > some/Makefile
printf '#!/bin/sh\n%s\n' 'cat /sys/module/mip4/refcnt; [ "$PWD" = "$MIP4_TOP" ]' > some/passes
printf '#!/bin/sh\n# timeout: 9\n%s\n' 'echo "1..0 # SKIP lazy"; exit 4' > some/skips
printf '#!/bin/sh\n%s\n' 'echo "not ok 1 - one"; exit 3' > some/fails
printf '#!/bin/bash\n%s\n' '. "$(dirname "$0")/../kernel/lib.sh"' 'tap_check "a world" test -f "$MIP4_KO"' tap_end \
	> some/bare
chmod +x some/*

# run_tests [VARIABLE=VALUE]: KTAP, and the exit status
run_tests()
{
	make -s run_tests TARGETS=some "$@" 2> /dev/null
	echo "status $?"
}

tap_is "results as kselftest has them" "$(run_tests THIS_MACHINE=yes)" "TAP version 13
1..3
# timeout set to 600
# selftests: some: passes
# 0
ok 1 selftests: some: passes
# timeout set to 9
# selftests: some: skips
# 1..0 # SKIP lazy
ok 2 selftests: some: skips # SKIP
# timeout set to 600
# selftests: some: fails
# not ok 1 - one
not ok 3 selftests: some: fails # exit=3
status 2"
tap_is "a test that is started by itself, in its directory" \
	"$(cd some && env -u MIP4_TOP THIS_MACHINE=yes ./bare; echo "status $?")" "ok 1 - a world
1..1
status 0"
tap_is "which nobody allowed" "$(cd some && env -u MIP4_TOP ./bare | sed 's/\(# SKIP\) .*/\1/'
	echo "status ${PIPESTATUS[0]}")" "1..0 # SKIP
status 4"
tap_check "what a test loaded is gone" test ! -d /sys/module/mip4
rm -r $tree/build
tap_is "all are skipped where nobody said that they may" "$(run_tests | sed 's/\(# SKIP\) .*/\1/')" "TAP version 13
1..3
# timeout set to 600
# selftests: some: passes
ok 1 selftests: some: passes # SKIP
# timeout set to 9
# selftests: some: skips
ok 2 selftests: some: skips # SKIP
# timeout set to 600
# selftests: some: fails
ok 3 selftests: some: fails # SKIP
status 0"
tap_check "and nothing ran" test ! -e $tree/build
tap_end
