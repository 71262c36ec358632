#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Instructions per packet, where one tick of the clock is one: vm/run --kernel icount. selftests/bench/icount runs this
# twice and compares. The picture, what is measured and what is subtracted: selftests/bench/lib.sh. TEST_LOADS: how
# many bindings.
# timeout: 1500
# icount: selftests/bench/lib.sh selftests/bench/flood selftests/bench/contexts selftests/kernel/lib.sh
# icount: veth.ko ip_gre.ko gtp.ko ethtool

. "$(dirname "$0")/lib.sh"

COUNT=${TEST_COUNT:-5000}
read -ra LOADS <<< "${TEST_LOADS:-1}"
COSTS=$MIP4_OUT/costs

# measure LOAD NAME...: into COSTS
measure()
{
	local load=$1 name protocol net

	shift
	for name in "$@"; do
		protocol=
		[[ $name != *" TCP" ]] || protocol=tcp
		cost "${name% TCP}" "$load" "$COUNT" "$protocol" || return
		echo "instructions,$load,$name,$net" >> "$COSTS"
	done
}

# is the unit what it is said to be? The kernel's own work may come in between, so the least of some counts
unit()
{
	local loop

	loop=$(for _ in 1 2 3 4 5; do "$FLOOD" loop || break; done | sort -n | head -n 1) &&
		echo "$loop ticks for 2000000 instructions" && [ "$loop" -ge 2000000 ] && [ "$loop" -le 2010000 ]
}

# tcp LOAD NAME: where a device does GRO, as hardware's do and a veth if it is told so
tcp()
{
	local ha=ha

	[[ $2 != ip_gre* ]] || ha=gw
	n $ha ethtool -K core gro on && n core ethtool -K $ha tso off && measure "$1" "$2 TCP" &&
		n $ha ethtool -K core gro off && n core ethtool -K $ha tso on
}

# gtps LOAD
gtps()
{
	gtp "$1" && measure "$1" "gtp encap" "gtp decap" && gtp_gone
}

# bindings FORM LOAD
bindings()
{
	bind_ha_many "$1" "$2" && bind_pma_many "$1" "$2" && measure "$2" "${DIRECTIONS[@]/#/$1 }" &&
		tcp "$2" "$1 HA decap" && unbind_all
}

tap_check "a tick is an instruction" unit || exit
tap_check "routers" routers || exit
tap_check "plain" measure 1 plain
tap_check "ip_gre" gre
tap_check "ip_gre encap, decap" measure 1 "ip_gre encap" "ip_gre decap"
tap_check "ip_gre decap of TCP" tcp 1 "ip_gre decap"
for load in "${LOADS[@]}"; do
	tap_check "gtp, $load" gtps "$load"
done
tap_check "mip4" mip4
for form in "${FORMS[@]}"; do
	for load in "${LOADS[@]}"; do
		tap_check "mip4 $form, $load" bindings "$form" "$load"
	done
done

tap_diag "instructions per packet, what sending it costs subtracted; and in units of plain forwarding:"
tap_diag "$(awk -F, -v count="$COUNT" '
	$3 == "plain" { plain = $4 }
	{ printf "%-20s %7d  %8.1f  x %.3f\n", $3, $2, $4 / count, $4 / plain }' "$COSTS")"
# for machines: unit, load, path, per packet. And the number of instructions since the machine started: whatever
# differs from another run shows in it
tap_diag "$(awk -F, -v count="$COUNT" '{ printf "cost: %s,%d,%s,%.1f\n", $1, $2, $3, $4 / count }' "$COSTS")"
tap_diag "boot: $("$FLOOD" now)"
tap_end
