#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What the tunnel runs over at the access router, there before ours or put below it while it runs; and rules that
# choose the way, of the tunnel and of what is in it.
#
#   cn ── ha ── core ══ KIND ══ pma1 ── radio ── dev        KIND: VLAN, bridge, bond of two wires, VRF
#          └── way2 198.51.100.0/30 ──┘                     way2: ip_gre and WireGuard as underlay, policy routing
#   cn2 ── ha: 203.0.113.2 again, in a table of its own     far: mip0 and its port above pma1's underlay
# timeout: 1200

. "$(dirname "$0")/lib.sh"

# carries DESC: packets both ways, and both ends by their own counters
carries()
{
	tap_check "$1: up" pings dev $CN
	tap_check "$1: down" pings cn $DEV_IP
}

refuses()
{
	! pings "$@"
}

move_address()
{
	ip -n pma1 address del $PMA1/24 dev "$1" && ip -n pma1 address add $PMA1/24 dev "$2"
}

on_vlan()
{
	ip -n core link set dev pma1 nomaster && ip -n core link add link pma1 name pma1.9 type vlan id 9 &&
		ip -n core link set dev pma1.9 up master br &&
		ip -n pma1 link add link core name road type vlan id 9 && ip -n pma1 link set dev road up &&
		move_address core road
}

off_vlan()
{
	move_address road core && ip -n pma1 link del dev road && ip -n core link del dev pma1.9 &&
		ip -n core link set dev pma1 master br
}

on_bridge()
{
	ip -n pma1 link add name road type bridge && ip -n pma1 link set dev road up &&
		ip -n pma1 link set dev core master road && move_address core road
}

off_bridge()
{
	move_address road core && ip -n pma1 link del dev road
}

on_bond()
{
	wire pma1 core2 core pma1b && ip -n core link set dev pma1b master br &&
		ip -n pma1 link add name road type bond mode active-backup miimon 10 &&
		ip -n pma1 address del $PMA1/24 dev core &&
		ip -n pma1 link set dev core down && ip -n pma1 link set dev core2 down &&
		ip -n pma1 link set dev core master road && ip -n pma1 link set dev core2 master road &&
		ip -n pma1 link set dev road up && ip -n pma1 address add $PMA1/24 dev road &&
		tap_wait 10 "the bond's carrier" eval "ip -n pma1 link show dev road | tap_grep LOWER_UP"
}

off_bond()
{
	ip -n pma1 link del dev road && ip -n pma1 link del dev core2 && ip -n pma1 link set dev core up &&
		ip -n pma1 address add $PMA1/24 dev core
}

in_bond_active()
{
	[ "$(n pma1 cat /sys/class/net/road/bonding/active_slave)" = "$1" ]
}

modprobe bonding max_bonds=0
tap_check "module, routers, devices" eval "load && topology && bind_ha $PMA1 && bind_pma pma1"
ip -n radio link set dev pma2 down
carries "Ethernet"

for kind in vlan bridge bond; do
	tap_stage "$kind"
	tap_check "$kind: put below a tunnel that runs" on_$kind
	carries "$kind: ours first"
	tap_check "$kind: a link of ours above it" eval "ip -n pma1 link del dev mip0 && mip4_link pma1 $PMA1 &&
		ip -n pma1 link set dev port master mip0 && bind_pma pma1"
	carries "$kind: theirs first"
	if [ $kind = bond ]; then
		active=$(n pma1 cat /sys/class/net/road/bonding/active_slave)
		case $active in core) other=core2 end=pma1 ;; *) other=core end=pma1b ;; esac
		ip -n core link set dev $end down
		tap_check "bond: one wire breaks" tap_wait 10 "the other wire" in_bond_active $other
		carries "bond: the other wire"
		ip -n core link set dev $end up
	fi
	tap_check "$kind: taken away again" off_$kind
	carries "$kind: gone"
done

tap_stage "VRF at the access router"
ip -n pma1 link add name red type vrf table 50
ip -n pma1 link set dev red up
ip -n pma1 link set dev core master red
tap_check "a link that doesn't name it finds no way" refuses dev $CN 1
for link in red core; do
	tap_check "one that names $link" eval "
		ctl pma1 binding flush dev mip0 all && ctl pma1 link set mip0 link $link && bind_pma pma1"
	carries "VRF, by $link"
done
ip -n pma1 link del dev red
tap_check "one above no VRF" eval "ctl pma1 binding flush dev mip0 all && ctl pma1 link set mip0 link core &&
	bind_pma pma1"
carries "no VRF, by core"
tap_check "ours first: that link goes into a VRF" eval "ip -n pma1 link add name red type vrf table 50 &&
	ip -n pma1 link set dev red up && ip -n pma1 link set dev core master red"
carries "VRF below a tunnel that runs"
ip -n pma1 link del dev red

tap_stage "mip0 and its port in a namespace above"
ip -n pma1 link del dev mip0
tap_check "a link with its underlay elsewhere" eval "namespace far && ip -n pma1 link set dev port netns far &&
	ctl far link add mip0 local $PMA1 link-netns pma1 && ip -n far link set dev mip0 up &&
	ip -n far link set dev port up && ip -n far link set dev port master mip0 && bind_pma far"
carries "across namespaces"
tap_check "there is no way between the two but the tunnel" refuses far $HA 1
ip -n far link set dev port nomaster
ip -n far link set dev port netns pma1
ip netns del far
tap_check "back in one" eval "ip -n pma1 link set dev port up && mip4_link pma1 $PMA1 &&
	ip -n pma1 link set dev port master mip0 && bind_pma pma1"

tap_stage "a second wire"
tap_check "way2" eval "wire ha way2 pma1 way2 && ip -n ha address add 198.51.100.1/30 dev way2 &&
	ip -n pma1 address add 198.51.100.2/30 dev way2"

# leg HA-ADDRESS PMA-ADDRESS
leg()
{
	ctl ha binding set dev mip0 home $DEV_IP peer "$2" local "$1" key 0x2005 okey 0x1005 &&
		ctl pma1 binding set dev mip0 home $DEV_IP peer "$1" local "$2" key 0x1005 okey 0x2005
}

add_gre()
{
	ip -n ha link add low type gre local 198.51.100.1 remote 198.51.100.2 key 9 &&
		ip -n pma1 link add low type gre local 198.51.100.2 remote 198.51.100.1 key 9 && low_up
}

add_wireguard()
{
	wg genkey > /tmp/wg1
	wg genkey > /tmp/wg2
	ip -n ha link add low type wireguard && ip -n pma1 link add low type wireguard &&
		n ha wg set low private-key /tmp/wg1 listen-port 51820 peer "$(wg pubkey < /tmp/wg2)" \
			endpoint 198.51.100.2:51820 allowed-ips 0.0.0.0/0 &&
		n pma1 wg set low private-key /tmp/wg2 listen-port 51820 peer "$(wg pubkey < /tmp/wg1)" \
			endpoint 198.51.100.1:51820 allowed-ips 0.0.0.0/0 && low_up
}

low_up()
{
	ip -n ha link set dev low up && ip -n pma1 link set dev low up &&
		ip -n ha address add 172.16.1.1/30 dev low && ip -n pma1 address add 172.16.1.2/30 dev low
}

for kind in gre wireguard; do
	tap_stage "$kind as underlay"
	tap_check "$kind: a leg to where no way is yet" leg 172.16.1.1 172.16.1.2
	before=$(drops pma1 no_route)
	pings dev $CN 1 > /dev/null
	tap_check "$kind: drops that by name" more pma1 no_route "$before"
	tap_check "$kind: then the way comes" add_$kind
	carries "$kind: ours first"
	tap_check "$kind: a long packet goes in fragments" n cn ping -q -n -c 1 -W 5 -s 1472 -M dont $DEV_IP
	tap_check "$kind: the leg leaves and comes back" eval "
		leg $HA $PMA1 && pings dev $CN && leg 172.16.1.1 172.16.1.2"
	carries "$kind: theirs first"
	tap_check "$kind: it goes, the leg as well" eval "ip -n ha link del dev low && ip -n pma1 link del dev low &&
		leg $HA $PMA1"
	carries "$kind: gone"
done

# crossed DEV: how many packets pma1 sent there
crossed()
{
	n pma1 cat "/sys/class/net/$1/statistics/tx_packets"
}

# by DEV DESC: five pings of dev go out of DEV of pma1, and only there
by()
{
	local one=$1 other=core a b

	[ "$one" != core ] || other=way2
	a=$(crossed "$one") b=$(crossed $other)
	tap_check "$2: forwards" pings dev $CN 5
	a=$(($(crossed "$one") - a)) b=$(($(crossed $other) - b))
	tap_check "$2: by $one" test "$a" -ge 5 -a "$b" -lt 5 || tap_diag "$one: $a, $other: $b"
}

tap_stage "rules that route the tunnel"
ip -n pma1 route add $HA/32 via 198.51.100.1 dev way2 table 77
ip -n ha route add $PMA1/32 via 198.51.100.2 dev way2
by core "no rule"
for rule in "from $PMA1 to $HA" "ipproto 47" "fwmark 7"; do
	if [ "$rule" = "fwmark 7" ]; then
		n pma1 nft 'table ip m {
			chain out { type route hook output priority mangle; ip protocol 47 mark set 7; };
		}'
	fi
	# shellcheck disable=SC2086
	tap_check "$rule: beneath a cached route" ip -n pma1 rule add $rule lookup 77
	by way2 "$rule, ours first"
	tap_check "$rule: a new leg" eval "ctl pma1 binding del dev mip0 home $DEV_IP && bind_pma pma1"
	by way2 "$rule, theirs first"
	# shellcheck disable=SC2086
	ip -n pma1 rule del $rule lookup 77
	by core "$rule: without it"
done
n pma1 nft flush ruleset

tap_stage "rules that route what was in it"
tap_check "a second correspondent with the first's address" eval "namespace cn2 && wire cn2 eth0 ha cn2 &&
	ip -n cn2 address add $CN/24 dev eth0 && ip -n cn2 route add default dev eth0 &&
	ip -n ha route add $CN/32 dev cn2 table 88 && n cn2 sysctl -qw net.ipv4.conf.eth0.proxy_arp=0"
for rule in "dev mip0" "from $DEV_IP"; do
	n cn2 tcpdump -i eth0 -n -l -c 1 icmp > /tmp/seen 2> /tmp/seen.err &
	tap_wait 10 "tcpdump" grep -q listening /tmp/seen.err
	# shellcheck disable=SC2086
	ip -n ha rule add $rule lookup 88
	tap_check "$rule: forwards to the second" eval "
		pings dev $CN; tap_wait 5 'a packet' grep -q 'ICMP echo' /tmp/seen"
	# shellcheck disable=SC2086
	ip -n ha rule del $rule lookup 88
	wait $!
	tap_check "$rule: without it to the first" pings dev $CN
done
tap_end
