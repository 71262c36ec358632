#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What routers keep to themselves: an access router asks nobody for a device that it serves and tells nobody of it,
# and broadcasts reach no device that hasn't asked for them, nor its link.
#
#   cn ── ha ══ pma1 ── dev (10.0.0.5)
# timeout: 600

. "$(dirname "$0")/lib.sh"

# The device's wire from here on.
watch()
{
	spawn dev tcpdump -i eth0 -n -e -l arp or udp portrange 2000-2001 or ip proto 4 > /tmp/watch 2> /tmp/watch.err
	watcher=$!
	tap_wait 10 "tcpdump" grep -q listening /tmp/watch.err
}

# seen: what the wire showed until a packet to port 2001 had come the whole way behind all before
seen()
{
	py cn "send_ip(ip('$CN', '$DEV_IP', udp(1000, 2001)))"
	tap_wait 10 "the marker" grep -q '\.2001: UDP' /tmp/watch || return
	kill $watcher
	wait $watcher 2> /dev/null
	cat /tmp/watch
}

tap_check "module, routers, devices" eval "load && topology && bind_ha $PMA1 && bind_pma pma1"
# what nobody listens for would be answered, and for that the device would ask for its gateway
n dev nft -f - <<< 'table ip t { chain c { type filter hook input priority 0; udp dport 2000-2001 drop; }; }'

tap_stage "no word about a device"
ip -n pma1 neighbour flush all
watch
py cn "send_ip(*[ip('$CN', '$DEV_IP', udp(1000, 2000))] * 3)"
wire=$(seen)
# [5944-4.2.2-8]
tap_is "packets reach a device that has said nothing" "$(grep -c "> $DEV_IP.2000: UDP" <<< "$wire")" 3
# [5944-4.2.2-7]
tap_is "nobody asked for it" "$(grep 'ARP' <<< "$wire")" ""
tap_is "it is in no neighbour table" "$(ip -n pma1 neighbour show to $DEV_IP)" ""
# [5944-4.2.2-5]
tap_is "nor in a routing table, from where others would hear" \
	"$(ip -n pma1 route show table all | grep "${DEV_IP%.*}")" ""

tap_stage "broadcasts of the home network"
watch
py cn "send_ip(*[ip('$CN', addr, udp(1000, 2000)) for addr in ('10.0.0.255', '10.0.0.0')])"
# [5944-4.3-1]
tap_is "don't reach a device that hasn't asked" "$(seen | grep '\.2000: UDP')" ""

tap_stage "a broadcast in a packet to the home address"
watch
py ha "send_ip(ip('$HA', '$PMA1', gre(ip('$HA', '$DEV_IP', ip('$CN', '10.0.0.255', udp(1000, 2000)), proto=4),
	key=0x1005), proto=47))"
wire=$(seen)
# [5944-3.6.1.2-6]
tap_is "comes as it was sent" "$(grep -oE "$HA > $DEV_IP: (IP )?$CN.*: UDP" <<< "$wire" | sed 's/: IP /: /')" \
	"$HA > $DEV_IP: $CN.1000 > 10.0.0.255.2000: UDP"
# [5944-3.6.1.2-7]
tap_is "to the device alone" "$(grep '\.2000: UDP' <<< "$wire" | grep -vc "> $DEV_MAC,")" 0
tap_end
