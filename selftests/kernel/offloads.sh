#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What offloads do to packets of all kinds: for each pair of offloads on or off in two of four places, and of an offload
# and an encapsulation, there is a row in which packets of sizes around each limit go both ways, with DF and without, by
# TCP, UDP, UDP of several datagrams in one piece, and ICMP. Which rows and cases: offloads.py.
#
#   cn ── ha ════════════ pma1 ── dev
#   device port underlay  port device
# timeout: 900

. "$(dirname "$0")/lib.sh"

# The stack at the home agent leaves it to mip0 to say what is too big; and no MSS is clamped, so that segments may be.
prepare()
{
	ip -n radio link set dev pma2 down && ip -n ha link set dev mip0 mtu 1500 && hold ha && hold pma1 &&
		ctl ha link set mip0 mss off && ctl pma1 link set mip0 mss off
}

# each: what offloads.py says of a row
each()
{
	local what text bad=''

	while read -r what text; do
		case $what in
		bad) bad+=$text$'\n' ;;
		row)
			if [ -z "$bad" ]; then tap_ok "$text"; else tap_fail "$text" "$bad"; fi
			bad=
			;;
		outcome) outcomes[${text% *}]=${text#* } ;;
		*) tap_diag "$what $text" ;;
		esac
	done
	[ -z "$bad" ] || tap_fail "in no row" "$bad"
}

declare -A outcomes=([cases]=0)
tap_check "module, routers, devices" eval "load && topology && prepare"
start=$SECONDS
each < <(python3 "$MIP4_TOP/selftests/kernel/offloads.py" 2>&1)
tap_check "all rows ran" test "${outcomes[cases]}" -gt 2000
for outcome in delivered told dropped "local"; do
	tap_check "cases that end as: $outcome" test "${outcomes[$outcome]-0}" -gt 20
done
tap_diag "$(for name in "${!outcomes[@]}"; do
	printf '%s %s  ' "$name" "${outcomes[$name]}"
done)in $((SECONDS - start)) s"
tap_end
