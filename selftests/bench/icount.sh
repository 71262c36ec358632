#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Instructions per packet, where one tick of the clock is one: vm/run --kernel icount. selftests/bench/icount runs this
# twice and compares.
#
#   cn ── ha ── core	plain, by a keyed ip_gre tunnel, by a mip4 binding; and back
#   dev ── pma ── core	by a mip4 binding; and back
#
# Everything crosses two wires and ends at a third machine that isn't meant: the router sends it to a MAC that is
# nobody's. What sending to nobody over the first wire costs is subtracted: what remains is the router and one wire.
# IPv4 in frames of 64 bytes, 50 bytes of it the inner packet; one flow; no rules; no checksums in GRE.
# timeout: 600
# icount: selftests/bench/flood selftests/kernel/lib.sh veth.ko ip_gre.ko

. "$(dirname "$0")/../kernel/lib.sh"

COUNT=${TEST_COUNT:-20000}
FLOOD=$(dirname "$0")/flood
NOBODY=02:00:00:00:00:99
CN_NET=198.51.100.0/24
FAR=198.51.100.5
PEER=192.0.2.77
GRE_DEV=10.1.0.5
declare -A ticks

mac()
{
	n "$1" cat "/sys/class/net/$2/address"
}

# received NS DEV: packets and bytes
received()
{
	n "$1" cat "/sys/class/net/$2/statistics/rx_packets" "/sys/class/net/$2/statistics/rx_bytes"
}

# measure NAME FROM DEV TO DEV LENGTH FLOOD-ARG...: all packets must arrive, LENGTH bytes each
measure()
{
	local name=$1 from=$2 dev=$3 to=$4 sink=$5 length=$6 total=$((COUNT + COUNT / 10)) before after

	shift 6
	mapfile -t before < <(received "$to" "$sink")
	ticks[$name]=$(n "$from" "$FLOOD" "$dev" "${@:1:4}" "$COUNT" "${@:5}")
	mapfile -t after < <(received "$to" "$sink")
	tap_is "$name: $total packets of $length bytes arrive" \
		"$((after[0] - before[0])) $((after[1] - before[1]))" "$total $((total * length))"
}

# nowhere NS DEV ADDRESS
nowhere()
{
	ip -n "$1" neighbour replace "$3" lladdr $NOBODY dev "$2" nud permanent
}

routers()
{
	namespace cn ha core pma dev &&
		wire cn eth0 ha cn && wire ha core core ha && wire dev eth0 pma port && wire pma core core pma &&
		ip -n ha address add 203.0.113.1/24 dev cn && ip -n ha address add $HA/24 dev core &&
		ip -n pma address add $PMA1/24 dev core &&
		ip -n ha route add $CN_NET via $PEER && ip -n pma route add 203.0.113.0/24 via $HA &&
		n ha sysctl -qw net.ipv4.ip_forward=1 && n pma sysctl -qw net.ipv4.ip_forward=1 &&
		nowhere ha cn $CN && nowhere ha core $PEER && nowhere ha core $PMA1 && nowhere pma core $HA
}

gre()
{
	modprobe ip_gre && ip -n ha link add gre1 type gre local $HA remote $PEER key 5 && ip -n ha link set gre1 up &&
		ip -n ha route add $GRE_DEV dev gre1
}

bindings()
{
	load && mip4_link ha $HA && ip -n ha route add 10.0.0.0/24 dev mip0 && bind_ha $PMA1 &&
		mip4_link pma $PMA1 && ip -n pma link set dev port master mip0 && bind_pma pma
}

# is the unit what it is said to be? 0.5 % are for the kernel's own work meanwhile
unit()
{
	local loop

	loop=$("$FLOOD" loop) && echo "$loop ticks for 2000000 instructions" &&
		[ "$loop" -ge 2000000 ] && [ "$loop" -le 2010000 ]
}

tap_plan 14
tap_check "a tick is an instruction" unit || exit
tap_check "routers" routers || exit
CN_MAC=$(mac cn eth0) HA_CN=$(mac ha cn) HA_CORE=$(mac ha core) PMA_CORE=$(mac pma core)
CORE_HA=$(mac core ha) CORE_PMA=$(mac core pma)
measure "generator" cn eth0 ha cn 64 "$CN_MAC" $NOBODY $CN $FAR
measure "GRE generator" core ha ha core 92 "$CORE_HA" $NOBODY $FAR $CN 5 $PEER $HA
measure "plain" cn eth0 core ha 64 "$CN_MAC" "$HA_CN" $CN $FAR
tap_check "ip_gre" gre
measure "ip_gre encap" cn eth0 core ha 92 "$CN_MAC" "$HA_CN" $CN $GRE_DEV
measure "ip_gre decap" core ha cn eth0 64 "$CORE_HA" "$HA_CORE" $GRE_DEV $CN 5 $PEER $HA
tap_check "ip_gre goes" eval "ip -n ha link del gre1 && modprobe -r ip_gre"
tap_check "mip4" bindings
measure "mip4 HA encap" cn eth0 core ha 92 "$CN_MAC" "$HA_CN" $CN $DEV_IP
measure "mip4 HA decap" core ha cn eth0 64 "$CORE_HA" "$HA_CORE" $DEV_IP $CN 0x2005 $PMA1 $HA
measure "mip4 PMA uplink" dev eth0 core pma 92 $DEV_MAC "$(mac pma port)" $DEV_IP $CN
measure "mip4 PMA downlink" core pma dev eth0 64 "$CORE_PMA" "$PMA_CORE" $CN $DEV_IP 0x1005 $HA $PMA1

# report: what generator is whose follows from the frame that was sent
report()
{
	local name from

	for name in "generator" "GRE generator" "plain" "ip_gre encap" "ip_gre decap" \
		"mip4 HA encap" "mip4 HA decap" "mip4 PMA uplink" "mip4 PMA downlink"; do
		from=generator
		[[ $name != *decap && $name != *downlink ]] || from="GRE generator"
		echo "$name,${ticks[$name]:-0},${ticks[$from]:-0}"
	done | awk -F, -v count="$COUNT" -v json="$1" '
		$1 == "plain" { plain = $2 - $3 }
		json {
			printf "%s{\"path\":\"%s\",\"instructions\":%.0f}",
				(NR > 1 ? "," : "{\"packets\":" count ",\"paths\":["), $1, $2
		}
		!json && $1 ~ /generator/ { printf "%-18s %8.1f\n", $1, $2 / count }
		!json && $1 !~ /generator/ {
			printf "%-18s %8.1f %8.1f  x %.3f\n",
				$1, $2 / count, ($2 - $3) / count, ($2 - $3) / plain
		}
		END { if (json) printf "],\"boot\":%.0f}\n", json }'
}

tap_diag "instructions per packet, the generator's subtracted, in units of plain forwarding:"
tap_diag "$(report '')"
# the number of instructions since the machine started: whatever differs from another run shows in it
tap_diag "json: $(report "$("$FLOOD" now)")"
tap_end
