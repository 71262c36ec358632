#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What must not go into a tunnel, or come out of it, for it would go in circles: RFC 2003 section 3.2, RFC 2784 section
# 3.1, RFC 5944 section 4.2.3.
#
#   cn ── ha ══ pma1 ── dev
#
# timeout: 600

. "$(dirname "$0")/lib.sh"

# arrives NS FILTER CMD...: one packet there that matches, over CMD; its text
arrives()
{
	local ns=$1 filter=$2 pid

	shift 2
	spawn "$ns" timeout 20 tcpdump -i eth0 -n -l -v -c 1 --direction=in "$filter" > /tmp/arrived 2> /tmp/arrived.err
	pid=$!
	tap_wait 15 "tcpdump" grep -q listening /tmp/arrived.err && "$@" && wait $pid && tr -d '\n' < /tmp/arrived
}

sent()
{
	ctl ha -s -j binding get dev mip0 home $DEV_IP | jq .[0].stats.down_packets
}

# dropped CMD...: CMD's packet ends at the home agent as a loop, before it is sent
dropped()
{
	local before sent

	before=$(drops ha loop) sent=$(sent)
	"$@" && tap_wait 5 "a drop" more ha loop "$before" && [ "$(sent)" = "$sent" ]
}

from_core()	# SOURCE [INNER-SOURCE INNER-DESTINATION]: to the device's home address, on the home agent's underlay
{
	local payload="udp(1, 9)" proto=17

	[ $# -lt 2 ] || { payload="ip('$2', '$3', udp(1, 9))"; proto=4; }
	py pma2 "send('core', eth('$(n pma2 cat /sys/class/net/core/address)',
		'$(n ha cat /sys/class/net/core/address)', ip('$1', '$DEV_IP', $payload, proto=$proto)))"
}

icmp_out()
{
	n ha nstat -az IcmpOutMsgs | awk '/IcmpOutMsgs/ { print $2 }'
}

tap_check "module, routers, devices" eval "load && topology && bind_ha $PMA1 && bind_pma pma1"
ip -n radio link set dev pma2 down
tap_check "packets pass" pings dev $CN

for legs in one two; do
	tap_stage "$legs leg: what comes tunnelled for the device"
	icmp=$(icmp_out)
	# [5944-4.2.3-10] [5944-4.2.3-11] [5944-4.2.3-12]
	tap_check "for it inside and outside, from the care-of address: dropped" \
		dropped from_core $PMA1 198.51.100.1 $DEV_IP
	# RFC 2003 section 3.2 asks the same of all that has the tunnel's exit as its source
	tap_check "for another inside, from there" dropped from_core $PMA1 198.51.100.1 $CN
	tap_check "without any tunnel, from there" dropped from_core $PMA1
	tap_is "without a word" "$(icmp_out)" "$icmp"
	# [5944-4.2.3-13]
	tap_check "from elsewhere: goes to the device" \
		grep -q "$PMA2 > $DEV_IP: .*198.51.100.1.* > $DEV_IP" <<< "$(arrives dev 'ip proto 4' \
		from_core $PMA2 198.51.100.1 $DEV_IP)"
	# [5944-4.2.3-14]
	tap_check "for another inside: goes there in one more tunnel" \
		grep -q "$PMA2 > $DEV_IP: .*198.51.100.1.* > $CN" <<< "$(arrives dev 'ip proto 4' \
		from_core $PMA2 198.51.100.1 $CN)"
	[ $legs = two ] || tap_check "a copy by another leg" ctl ha binding set dev mip0 home $DEV_IP \
		peer $PMA1 key 0x2005 okey 0x1005 leg peer 192.0.2.13 encap ipip state copy
done
tap_check "one leg again" ctl ha binding set dev mip0 home $DEV_IP peer $PMA1 key 0x2005 okey 0x1005

tap_stage "the home agent's own address"
tap_check "as the source of what it sends itself: passes" pings ha $DEV_IP
n ha sysctl -qw net.ipv4.conf.all.accept_local=1 net.ipv4.conf.core.accept_local=1 net.ipv4.conf.core.rp_filter=0 \
	net.ipv4.conf.all.rp_filter=0
tap_check "as that of what it forwards: dropped, even where Linux takes such packets" dropped from_core $HA

tap_stage "GRE for the router that sent it"
tap_check "dropped" dropped py dev "send_ip(ip('$DEV_IP', '$PMA1', udp(1, 9)))"
tap_check "for another router: passes" eval "
	spawn pma2 timeout 20 tcpdump -i core -n -l -c 1 'udp port 9' > /tmp/arrived 2> /tmp/arrived.err
	tap_wait 15 tcpdump grep -q listening /tmp/arrived.err &&
	py dev \"send_ip(ip('$DEV_IP', '$PMA2', udp(1, 9)))\" && tap_wait 10 'it' grep -q '$DEV_IP' /tmp/arrived"

tap_stage "tunnels in tunnels: each peer is a home address of the other link"
tap_check "two links in a circle" eval "
	ctl ha link add mip1 local $HA realm 1 && ctl ha link add mip2 local $HA realm 2 &&
	ip -n ha link set dev mip1 up && ip -n ha link set dev mip2 up &&
	ctl ha binding add dev mip1 home 10.9.1.1 peer 10.9.2.1 encap ipip &&
	ctl ha binding add dev mip2 home 10.9.2.1 peer 10.9.1.1 encap ipip &&
	ip -n ha route add 10.9.1.0/24 dev mip1 && ip -n ha route add 10.9.2.0/24 dev mip2"
loops()
{
	for dev in mip1 mip2; do
		n ha ethtool -S $dev
	done | awk '$1 == "drop_loop:" { sum += $2 } END { print sum }'
}
py ha "send_ip(*[ip('$HA', '10.9.1.1', udp(1, 9))] * 10)"
tap_check "each packet ends, as a loop" tap_wait 5 "ten" eval '[ $(loops) = 10 ]'
tap_is "of how many tunnels" "$(n ha ip -s -j link show mip1 | jq '.[0].stats64.tx.packets <= 50')" true
dmesg > /tmp/dmesg
tap_is "and Linux has nothing to complain about" "$(grep -c 'Dead loop' /tmp/dmesg)" 0
tap_check "a tunnel in a tunnel in a tunnel is none" eval "
	ctl ha binding del dev mip2 home 10.9.2.1 && ctl ha binding add dev mip2 home 10.9.2.1 peer $DEV_IP encap ipip"
tap_check "it arrives" grep -q "$DEV_IP: .*10.9.2.1: .*10.9.1.1" <<< "$(arrives dev 'ip proto 4' \
	py ha "send_ip(ip('$HA', '10.9.1.1', udp(1, 9)))")"
tap_check "packets pass as before" pings dev $CN
tap_end
