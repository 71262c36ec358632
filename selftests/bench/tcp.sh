#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# One TCP connection with all offloads, Mbit/s by the clock on the wall: vm/run --kernel uml. The median of rounds that
# take each path in turn.
#
#   cn ── ha ── pma ── dev	by a mip4 binding with a GRE key
#               pma ── dev1	by ip_gre with a key
#               pma ── dev2	without a tunnel
# timeout: 600

. "$(dirname "$0")/../kernel/lib.sh"

ROUNDS=${TEST_ROUNDS:-5}
SECONDS_EACH=${TEST_SECONDS:-1}
SPEEDS=$MIP4_OUT/speeds

# lan NS DEV NET: a device of NET behind PMA's DEV
lan()
{
	wire "$1" eth0 pma "$2" && ip -n pma address add "$3.1/24" dev "$2" &&
		ip -n "$1" address add "$3.5/24" dev eth0 &&
		ip -n "$1" route add default via "$3.1"
}

world()
{
	namespace cn ha pma dev dev1 dev2 && wire cn eth0 ha cn && wire ha core pma core && wire dev eth0 pma port &&
		ip -n cn address add $CN/24 dev eth0 && ip -n cn route add default via 203.0.113.1 &&
		ip -n ha address add 203.0.113.1/24 dev cn && ip -n ha address add $HA/24 dev core &&
		ip -n pma address add $PMA1/24 dev core && ip -n pma route add 203.0.113.0/24 via $HA &&
		n ha sysctl -qw net.ipv4.ip_forward=1 && n pma sysctl -qw net.ipv4.ip_forward=1
}

bound()
{
	load && device dev eth0 $DEV_MAC $DEV_IP && mip4_link ha $HA && ip -n ha route add 10.0.0.0/24 dev mip0 &&
		mip4_link pma $PMA1 && ip -n pma link set dev port master mip0 && bind_ha $PMA1 && bind_pma pma
}

gre()
{
	lan dev1 lan1 11.0.0 && modprobe ip_gre &&
		ip -n ha link add gre1 type gre local $HA remote $PMA1 key 5 && ip -n ha link set gre1 up &&
		ip -n pma link add gre1 type gre local $PMA1 remote $HA key 5 && ip -n pma link set gre1 up &&
		ip -n ha route add 11.0.0.0/24 dev gre1 &&
		ip -n pma route add 203.0.113.0/24 dev gre1 table 100 && ip -n pma rule add iif lan1 table 100
}

plain()
{
	lan dev2 lan2 12.0.0 && ip -n ha route add 12.0.0.0/24 via $PMA1
}

server()
{
	spawn cn iperf3 -s > /dev/null 2>&1
	tap_wait 10 "a server" listening cn 5201
}

# speed NS NAME [-R]
speed()
{
	local bits

	bits=$(n "$1" iperf3 -c $CN -t "$SECONDS_EACH" -J ${3:-} | jq .end.sum_received.bits_per_second) &&
		[[ $bits =~ ^[0-9] ]] && echo "$2,$bits" >> "$SPEEDS"
}

# measured NS NAME [-R]: once the server has done with what came before
measured()
{
	tap_wait 30 "the speed of $2" speed "$@"
}

rounds()
{
	local i

	for ((i = 0; i < ROUNDS; i++)); do
		measured dev "gre uplink" && measured dev1 "ip_gre uplink" && measured dev2 "plain uplink" &&
			measured dev "gre downlink" -R && measured dev1 "ip_gre downlink" -R &&
			measured dev2 "plain downlink" -R || return
	done
}

# average NS DEV: bytes of a packet that came in there; what many segments share is one
average()
{
	n "$1" awk '{ n[NR] = $1 } END { printf "%d", n[1] / n[2] }' "/sys/class/net/$2/statistics/rx_bytes" \
		"/sys/class/net/$2/statistics/rx_packets"
}

# whole WHAT OURS IP-GRE'S: whatever else runs on the machine
whole()
{
	tap_diag "bytes of a packet $1: $2, of ip_gre $3"
	# answers to what went the other way count as well; what is cut is twenty times smaller
	tap_check "what was sent whole stays so: $1" test $(($2 * 4)) -ge "$3"
}

tap_check "routers" world || exit
tap_check "mip4" bound
tap_check "ip_gre" gre
tap_check "without a tunnel" plain
server
tap_check "all paths, in turn" rounds
whole "at the home agent" "$(average ha mip0)" "$(average ha gre1)"
whole "at the device" "$(average dev eth0)" "$(average dev1 eth0)"
tap_diag "$(sort -t, -k1,1 -k2,2g "$SPEEDS" | awk -F, '
	{ list[$1, ++n[$1]] = $2 }
	END {
			for (name in n)
				printf "cost: Mbit/s,1,%s,%.0f\n", name, list[name, int((n[name] + 1) / 2)] / 1e6
		}' | sort)"
tap_end
