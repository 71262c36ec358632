#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Requests that fuzz.py makes of the netlink ABI: it says what is looked at. Nothing may remain that can't be deleted.
#
#   fuzz: p0 ── q0 … p3 ── q3 and the tun device t0, which become ports; under ── core, where the peers would be
#   other: mip4 devices of its own and such as have their underlay in fuzz; one more of a user namespace
#
# TEST_SEED and TEST_REQUESTS: another seed, or more; the first half is sent one after the other, and the same seed
# repeats it. TEST_REPLAY=N ends with request N, after having looked at each that came before.
# timeout: 900

. "$(dirname "$0")/../kernel/lib.sh"

SEED=${TEST_SEED:-1}
[ "${ACCEL-}" = tcg ] && few=1000 || few=4000
REQUESTS=${TEST_REQUESTS:-$few}

# fuzz DESC OPTION...
fuzz()
{
	local desc=$1 log=$MIP4_OUT/${1// /-} status=0

	shift
	tap_stage "$desc"
	n fuzz python3 "$(dirname "$0")/fuzz.py" --seed "$SEED" "$@" > "$log" 2>&1 || status=$?
	# the many reasons of refusals are for whoever looks into the file
	tap_diag "$(grep -v $'^\t' "$log")"
	tap_is "$desc" $status 0
}

underlay()
{
	ip -n fuzz tuntap add mode tun name t0 &&
		ip -n fuzz link add name under type veth peer name core && ip -n fuzz link set dev under up &&
		ip -n fuzz link set dev core up && ip -n fuzz address add 198.51.100.1/24 dev under &&
		ip -n fuzz address add 198.51.100.2/24 dev under && ip -n fuzz route add 192.0.2.0/24 dev under
}

all_go()
{
	local ns dev

	for ns in fuzz other; do
		for dev in $(ip -n $ns -o link show type mip4 | sed 's/^[0-9]*: \([^:@]*\).*/\1/'); do
			goes $ns "$dev" || return
		done
	done
}

tap_check "module, namespaces, an underlay" eval "load && namespace fuzz other && underlay"
if [ -n "${TEST_REPLAY-}" ]; then
	fuzz "request $TEST_REPLAY" --requests $((TEST_REPLAY + 1)) --every 1
	tap_end
fi
fuzz "one after the other" --requests $((REQUESTS / 2))
fuzz "at the same time" --requests $((REQUESTS / 2)) --jobs 4 --under core
tap_check "all devices go" all_go
tap_check "so do namespaces with all that is in them" end_namespaces
tap_check "and the module" tap_wait 20 "rmmod" rmmod mip4
tap_end
