#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What is too big for the tunnel: ICMP to both sides, fragments where allowed, MSS clamped, path MTU learned.
#
#   cn (1500) ── ha ══ 1500, later 1400 ══ pma1 ── dev (1500)
# timeout: 600

. "$(dirname "$0")/lib.sh"

# icmp NS SIZE TARGET: what a ping of that size with DF is told
icmp()
{
	n "$1" ping -n -c 1 -W 5 -M "${4:-do}" -s "$2" "$3" 2>&1
}

# mss NS: of the SYN that arrives there
mss()
{
	sed -n 's/.*\[S\.\{0,1\}\],.*mss \([0-9]*\).*/\1/p' "/tmp/$1.syn" | head -n 1
}

# connect FROM TO ADDRESS: and show both SYNs as they arrive
connect()
{
	local ns

	for ns in "$1" "$2"; do
		spawn "$ns" tcpdump -i eth0 -n -l --direction=in 'tcp[tcpflags] & tcp-syn != 0' \
			> "/tmp/$ns.syn" 2> "/tmp/$ns.err"
	done
	tap_wait 20 "tcpdump" eval "grep -q listening /tmp/$1.err && grep -q listening /tmp/$2.err" || return
	tcp "$1" "$2" "$3" || return
	tap_wait 10 "both SYNs" eval '[ -n "$(mss '"$1"')" ] && [ -n "$(mss '"$2"')" ]'
}

# segments: how many of about 1,000 bytes came to the home agent in tunnels, as they were on the wire
segments()
{
	n ha nft -j list counter netdev s segments | jq '.nftables[1].counter.packets'
}

in_order()
{
	connect "$@" > /tmp/connect 2>&1
}

head -c 1000000 /dev/urandom > /tmp/payload
tap_check "module, routers, devices" eval "load && topology && bind_ha $PMA1 && bind_pma pma1"
ip -n radio link set dev pma2 down

tap_stage "DF"
tap_check "1472 bytes pass up" pings dev $CN
tap_check "the largest passes" eval "icmp dev 1444 $CN"
output=$(icmp dev 1445 $CN)
tap_check "one more is too big for the device, which learns 1472" grep -q 'mtu *= *1472' <<< "$output"
tap_check "the gateway says so" grep -q "From $HOME_GW" <<< "$output"
before=$(drops pma1 too_big)
py dev "send('eth0', eth('$DEV_MAC', '$(n pma1 cat /sys/class/net/port/address)',
	ip('$DEV_IP', '$CN', udp(1, 2, b'x' * 1460), df=1)))"
tap_check "it is counted" tap_wait 5 "too_big" more pma1 too_big "$before"
tap_check "and for cn" grep -q 'mtu *= *1472' <<< "$(icmp cn 1445 $DEV_IP)"

tap_stage "no DF"
tap_check "1500 bytes pass up" eval "icmp dev 1472 $CN dont"
tap_check "and down" eval "icmp cn 1472 $DEV_IP dont"
tap_check "and 5000, in fragments" eval "icmp dev 5000 $CN dont && icmp cn 5000 $DEV_IP dont"

tap_stage "MSS"
in_order dev cn $CN
tap_is "TCP from dev" $? 0
tap_is "clamped up" "$(mss cn)" 1432
tap_is "clamped down" "$(mss dev)" 1432
kill_jobs
tap_check "can be switched off" eval "ctl pma1 link set mip0 mss off && ctl ha link set mip0 mss off"
# what both have learned by now shows in the MSS they offer
ip -n cn route flush cache
ip -n dev route flush cache
in_order cn dev $DEV_IP
tap_is "TCP from cn, by path MTU discovery alone" $? 0
tap_is "nothing is clamped" "$(mss dev)" 1460
kill_jobs
ctl pma1 link set mip0 mss on
in_order dev cn $CN
tap_is "TCP from dev" $? 0
tap_is "clamped where it leaves the tunnel" "$(mss dev)" 1432
kill_jobs
ctl ha link set mip0 mss on

tap_stage "an underlay that segments no tunnels"
n pma1 ethtool -K core tx-gre-segmentation off tx-gre-csum-segmentation off
n ha nft -f - <<- 'END'
	table netdev s {
		counter segments { }
		chain s {
			type filter hook ingress device core priority 0
			ip protocol 47 ip length 1000-1200 counter name segments
		}
	}
END
py dev "send_gso('eth0', eth('$DEV_MAC', '$(n pma1 cat /sys/class/net/port/address)',
	ip('$DEV_IP', '$CN', tcp(1, 2, b'x' * 5000), proto=6)), 1000)"
tap_check "a large packet leaves pma1, its segments arrive" \
	tap_wait 5 "5 segments" eval '[ "$(segments)" = 5 ]'
n ha nft flush ruleset

tap_stage "a narrow place on the way: a router between, with an MTU of 1400 on its routes"
namespace narrow
tap_check "HA and PMA reach each other through it" eval "
	wire narrow a core nar1 && ip -n core link set dev nar1 master br &&
	ip -n narrow address add 192.0.2.254/24 dev a && n narrow sysctl -qw net.ipv4.ip_forward=1 \
		net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.a.send_redirects=0 &&
	ip -n narrow route add $HA/32 dev a mtu 1400 && ip -n narrow route add $PMA1/32 dev a mtu 1400 &&
	ip -n pma1 route add $HA/32 via 192.0.2.254 && ip -n ha route add $PMA1/32 via 192.0.2.254"
tap_check "small ones pass" pings dev $CN
learned()	# NS MTU TARGET: does a large packet there hear of that MTU by now?
{
	grep -q "mtu *= *$2" <<< "$(icmp "$1" 1440 "$3")"
}
tap_check "a large packet teaches the access router, and it the device" tap_wait 20 "1372" learned dev 1372 $CN
tap_is "the peer's MTU is shown" "$(ctl pma1 -j peer show | jq .[0].mtu)" 1400
tap_check "errors are counted" eval "[ \$(ctl pma1 -j peer show | jq .[0].errors) -gt 0 ]"
tap_check "and the home agent likewise cn" tap_wait 20 "1372" learned cn 1372 $DEV_IP
before=$(drops ha too_big)
# of whom no route has learned
py ha "send('mip0', *[ip('$CN', '$DEV_IP', udp(1, 2, b'x' * 1400), df=1)] * 20)"
tap_is "from who doesn't ask a route it takes none" $(($(drops ha too_big) - before)) 20
in_order dev cn $CN
tap_is "TCP from dev" $? 0
tap_is "clamped to the path" "$(mss cn)" 1332
tap_end
