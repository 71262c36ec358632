#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The guest itself, and that the module goes in and out.
# timeout: 120

. "$(dirname "$0")/../lib/tap.sh"

tap_stage "looking around"
tap_check "the kernel is the one asked for" test -e "/lib/modules/$(uname -r)/modules.dep"
for argument in ${APPEND:-}; do
	tap_check "its command line has $argument" grep -qwF -- "$argument" /proc/cmdline
done
tap_is "an oops is its end" "$(< /proc/sys/kernel/panic_on_oops)" 1
tap_check "the tree can't be written" bash -c "! touch '$MIP4_TOP/README.md'"
tap_check "the root can be written" touch /usr/bin/written /written
tap_check "results can be left" touch "$MIP4_OUT/left"
tap_check "a namespace with a link" bash -c 'ip netns add a && ip -n a link add v type veth && ip netns del a'
for tool in mip4d mipctl udhcpc dhclient tshark tcpdump jq socat iperf3 nft ethtool python3; do
	tap_check "there is $tool" command -v $tool
done

tap_stage "the module"
if [ -e "$MIP4_KO" ]; then
	tap_check "loads" selftests/lib/load "$MIP4_KO"
	tap_check "is listed" grep -q '^mip4 ' /proc/modules
	tap_check "unloads" rmmod mip4
else
	tap_fail "the module was built"
fi
tap_end
