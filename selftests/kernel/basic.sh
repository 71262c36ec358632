#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Bindings made by hand carry ping and TCP, beside ip_gre and ipip tunnels between the same routers, whichever
# module came first.
#
#   cn ── ha ══ mip4, GRE key or IP-in-IP ══ pma1 ── dev
#         ha ── gre1, key 5 ──────────────── pma1
#         ha ── ipip1 ────────────────────── pma1
# timeout: 600

. "$(dirname "$0")/lib.sh"

neighbours()
{
	ip -n ha link add gre1 type gre local $HA remote $PMA1 key 5 &&
		ip -n pma1 link add gre1 type gre local $PMA1 remote $HA key 5 &&
		ip -n ha link add ipip1 type ipip local $HA remote $PMA1 &&
		ip -n pma1 link add ipip1 type ipip local $PMA1 remote $HA &&
		ip -n ha address add 172.16.1.1/30 dev gre1 && ip -n pma1 address add 172.16.1.2/30 dev gre1 &&
		ip -n ha address add 172.16.2.1/30 dev ipip1 && ip -n pma1 address add 172.16.2.2/30 dev ipip1 &&
		ip -n ha link set gre1 up && ip -n pma1 link set gre1 up &&
		ip -n ha link set ipip1 up && ip -n pma1 link set ipip1 up
}

# [5944-1.7-3] [5944-2.1-5] [5944-2.3.1-2] [5944-4.2.3-1] [5944-4.2.3-6]
carries()
{
	tap_check "$1: cn pings dev" pings cn $DEV_IP
	# [3024-3.2-2] [3024-4.2.2-3] [3024-4.3.2-6] [3024-5.1.1-2] [3024-A.4-4] [5563-4.2.1-1] [5944-4.2.2-9]
	tap_check "$1: dev pings cn" pings dev $CN
	tap_check "$1: TCP from dev to cn" tcp dev cn $CN
	tap_check "$1: TCP from cn to dev" tcp cn dev $DEV_IP
	tap_check "$1: ip_gre beside" pings pma1 172.16.1.1
	tap_check "$1: ipip beside" pings pma1 172.16.2.1
}

head -c 5000000 /dev/urandom > /tmp/payload
for order in "mip4 first" "ip_gre and ipip first"; do
	tap_stage "$order"
	if [ "$order" = "mip4 first" ]; then
		load && topology && modprobe ip_gre && modprobe ipip && neighbours
	else
		modprobe ip_gre && modprobe ipip && load && topology && neighbours
	fi || { tap_fail "$order: set up"; continue; }
	tap_check "$order: bindings at HA and PMA" eval "bind_ha $PMA1 && bind_pma pma1"
	carries "$order, keyed GRE"

	# [5944-4.1-1]
	tap_check "$order: the same by IP-in-IP" eval "
		ctl ha binding set dev mip0 home $DEV_IP peer $PMA1 encap ipip &&
		ctl pma1 binding set dev mip0 home $DEV_IP peer $HA encap ipip"
	# [6245-4.1-1]
	carries "$order, IP-in-IP"

	tap_check "$order: the same by GRE without key" eval "
		ctl ha binding set dev mip0 home $DEV_IP peer $PMA1 encap gre &&
		ctl pma1 binding set dev mip0 home $DEV_IP peer $HA encap gre"
	carries "$order, GRE without key"

	tap_cleanup
	tap_check "$order: the module goes" eval "tap_wait 15 'unused module' rmmod mip4"
	modprobe -r ip_gre ipip
done
tap_end
