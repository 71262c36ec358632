#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Hops: one at the access router going up, one at the home agent each way, none between addresses of one home prefix.
#
#   cn ── ha ══ pma1 ── dev 10.0.0.5, home prefix /24
#            ══ pma2 ── dev2 10.0.0.6
# timeout: 600

. "$(dirname "$0")/lib.sh"

MAC2=02:00:00:00:00:06

# ttl FROM TO EXPRESSION: TTL at TO's wire of what FROM's device sends
ttl()
{
	spawn "$2" timeout 20 tcpdump -i eth0 -n -l -v -c 1 --direction=in udp port 2000 > /tmp/ttl 2> /tmp/ttl.err
	local pid=$!

	tap_wait 15 "tcpdump" grep -q listening /tmp/ttl.err || return
	py "$1" "$3" || return
	tap_wait 10 "the packet" grep -q 'ttl' /tmp/ttl
	kill $pid 2> /dev/null
	wait $pid 2> /dev/null
	sed -n 's/.*ttl \([0-9]*\).*/\1/p' /tmp/ttl
}

from_dev()
{
	echo "send('eth0', eth('$DEV_MAC', '$gw', ip('$DEV_IP', '$1', udp(1000, 2000), ttl=${2:-64})))"
}

tap_check "module, routers, devices" eval "load && topology && bind_ha $PMA1 && bind_pma pma1 && namespace dev2 &&
	ip -n radio link del dev pma2 && wire pma2 port dev2 eth0 && device dev2 eth0 $MAC2 10.0.0.6 &&
	ip -n pma2 link set dev port master mip0 &&
	ctl ha binding add dev mip0 home 10.0.0.6 peer $PMA2 key 0x2006 okey 0x1006 &&
	ctl pma2 binding add dev mip0 home 10.0.0.6 port port mac $MAC2 gateway $HOME_GW/24 peer $HA \
		key 0x1006 okey 0x2006"
gw=$(n pma1 cat /sys/class/net/port/address)

# [5944-4.2.2-6]
tap_is "up: access router and home agent" "$(ttl dev cn "$(from_dev $CN)")" 62
tap_is "down: home agent" "$(ttl cn dev "send_ip(ip('$CN', '$DEV_IP', udp(1000, 2000)))")" 63

# before any packet between devices: over the redirect that it makes up then, the home agent's stack owes its sender
# other errors for a second
tap_stage "TTL 1"
before=$(drops pma1 ttl)
tap_is "ends at the access router, which says so as the gateway" \
	"$(py dev "icmp_reply('eth0', eth('$DEV_MAC', '$gw',
		ip('$DEV_IP', '$CN', udp(1, 2), ttl=1)), 11)" | cut -d' ' -f1,2)" \
	"$HOME_GW 0"
tap_check "it is counted" more pma1 ttl "$before"
tap_is "TTL 2 ends at the home agent" \
	"$(py dev "icmp_reply('eth0', eth('$DEV_MAC', '$gw',
		ip('$DEV_IP', '$CN', udp(1, 2), ttl=2)), 11)" | cut -d' ' -f2)" 0
tap_is "no error about an error" "$(py dev "icmp_reply('eth0', eth('$DEV_MAC', '$gw',
	ip('$DEV_IP', '$CN', icmp(3, 1, data=b'x' * 28), proto=1, ttl=1)), 11, 1)")" ""

tap_stage "device to device"
tap_is "with home prefix /32 at the HA, device to device: access router and home agent" \
	"$(ttl dev dev2 "send('eth0', eth('$DEV_MAC', '$gw', ip('$DEV_IP', '10.0.0.6', udp(1000, 2000))))")" 63
ctl ha binding set dev mip0 home 10.0.0.6 gateway $HOME_GW/24
tap_is "with /24 everywhere: none" "$(ttl dev dev2 "$(from_dev 10.0.0.6)")" 64
tap_is "nor for 255" "$(ttl dev dev2 "$(from_dev 10.0.0.6 255)")" 255
tap_is "TTL 2 stays" "$(ttl dev dev2 "$(from_dev 10.0.0.6 2)")" 2
tap_is "TTL 1 gets through, with 2" "$(ttl dev dev2 "$(from_dev 10.0.0.6 1)")" 2
n dev timeout 5 ping -n -c 2 -i 0.3 10.0.0.6 > /tmp/ping
tap_is "the home agent sends no redirect" "$(grep -i redirect /tmp/ping)" ""
tap_check "but the answers" grep -q ' 2 received' /tmp/ping

tap_stage "TTL 1, packets of all sizes"
before=$(drops pma1 ttl)
# no faster than errors may be sent
py dev "send('eth0', *[eth('$DEV_MAC', '$gw', ip('$DEV_IP', '$CN', udp(1, 2, b'x' * n), ttl=1))
	for n in range(560)], gap=.002)"
tap_is "all end, and the router holds" $(($(drops pma1 ttl) - before)) 560

tap_stage "home agent without a binding"
ctl ha binding del dev mip0 home $DEV_IP
tap_check "says host unreachable" grep -q 'Host Unreachable' <<< "$(n cn ping -n -c 1 -W 5 $DEV_IP)"
tap_check "and counts" more ha no_binding 0
tap_end
