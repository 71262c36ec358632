#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Kinds of ports and of underlays: a VLAN, a bridge, a narrow port; an underlay in a VRF, IPsec policies around it.
# timeout: 300

. "$(dirname "$0")/lib.sh"

GWMAC=02:00:00:00:bb:01

# watched_lengths LAST: of all that watch_lines has seen, once it has seen the last one
watched_lengths()
{
	seen "length $1)" && sed -n 's/.* IP (.* length \([0-9]*\))$/\1/p' /tmp/watch | paste -sd ' '
}

# rebind PORT: the device is there now
rebind()
{
	ctl pma1 binding set dev mip0 home $DEV_IP port "$1" mac $DEV_MAC
}

tap_check "module, routers, devices" eval "load && topology && bind_ha $PMA1 && bind_pma pma1"
ip -n radio link set dev pma2 down
tap_check "an Ethernet port" pings dev $CN

tap_stage "a bridge as port, its gateway MAC not its own"
tap_check "a link with a gateway MAC" ctl pma1 link set mip0 gwmac $GWMAC
tap_check "the bridge" eval "ip -n pma1 link add name sw type bridge && ip -n pma1 link set dev sw up &&
	ip -n pma1 link set dev sw master mip0 && rebind sw && ip -n pma1 link set dev port nomaster &&
	ip -n pma1 link set dev port master sw"
n dev ip neigh flush dev eth0
tap_check "forwards" pings dev $CN
tap_is "the device knows the gateway MAC" "$(ip -n dev -j neigh show $HOME_GW | jq -r '.[0].lladdr')" $GWMAC
tap_check "in both directions" pings cn $DEV_IP

tap_stage "a VLAN as port"
tap_check "the VLAN" eval "ip -n pma1 link set dev port nomaster &&
	ip -n pma1 link add link port name port.7 type vlan id 7 && ip -n pma1 link set dev port.7 up &&
	ip -n pma1 link set dev port.7 master mip0 && rebind port.7 &&
	ip -n dev link add link eth0 name eth0.7 type vlan id 7 && ip -n dev address del $DEV_IP/24 dev eth0 &&
	device dev eth0.7 $DEV_MAC $DEV_IP"
tap_check "forwards" pings dev $CN
tap_check "in both directions" pings cn $DEV_IP

tap_stage "a narrow port"
ip -n pma1 link set dev port.7 mtu 1000
watch_lines dev eth0.7 "dst $DEV_IP"
tap_check "cuts what may be cut" n cn ping -q -n -c 1 -W 5 -s 1200 -M dont $DEV_IP
tap_is "at its MTU" "$(watched_lengths 252)" "996 252"
unwatch
watch_lines dev eth0.7 "dst $DEV_IP"
tap_check "segments of a large packet" py cn "send_gso('eth0', eth('$(n cn cat /sys/class/net/eth0/address)',
	'$(n ha cat /sys/class/net/cn/address)', ip('$CN', '$DEV_IP', tcp(1, 2, b'x' * 2500), proto=6)), 1000)"
tap_is "as well" "$(watched_lengths 540)" "996 64 996 64 540"
unwatch
before=$(drops pma1 too_big)
n cn ping -n -c 1 -W 2 -s 1200 -M 'do' $DEV_IP > /dev/null
tap_is "drops what may not" $(($(drops pma1 too_big) - before)) 1
ip -n cn route flush cache
tap_check "tells who forbade fragments" \
	grep -q 'mtu *= *1000' <<< "$(n cn ping -n -c 1 -W 5 -s 1200 -M 'do' $DEV_IP 2>&1)"
tap_check "and lets the rest through" n cn ping -q -n -c 1 -W 5 -s 900 $DEV_IP
ip -n pma1 route add unreachable $HA/32
before=$(drops pma1 too_big)
ip -n cn route flush cache
n cn ping -n -c 20 -i 0.02 -W 1 -s 1200 -M 'do' $DEV_IP > /dev/null
tap_is "drops also what it can't tell anybody" $(($(drops pma1 too_big) - before)) 20
ip -n pma1 route del unreachable $HA/32

tap_stage "an underlay that must be used"
before=$(drops pma1 policy)
tap_check "an IPsec policy on what comes from the home agent" n pma1 ip xfrm policy add dir in src $HA/32 dst $PMA1/32 \
	proto 47 tmpl src $HA dst $PMA1 proto esp mode transport
n cn ping -n -c 1 -W 2 $DEV_IP > /dev/null
tap_check "holds for the tunnel" more pma1 policy "$before"
n pma1 ip xfrm policy flush
tap_check "without it packets pass" pings cn $DEV_IP

tap_check "the underlay in a VRF" eval "ip -n ha link add name under type vrf table 50 &&
	ip -n ha link set dev under up && ip -n ha link set dev core master under"
tap_check "a link that names it" eval "ctl ha binding flush dev mip0 all && ip -n ha link del dev mip0 &&
	mip4_link ha $HA link under && ip -n ha route add 10.0.0.0/24 dev mip0 && bind_ha $PMA1"
tap_check "forwards" pings dev $CN
tap_check "in both directions" pings cn $DEV_IP
tap_check "one that names another takes nothing" eval "ctl ha binding flush dev mip0 all &&
	ctl ha link set mip0 link cn &&
	bind_ha $PMA1 && ! pings dev $CN 1"
tap_end
