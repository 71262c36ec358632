#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What arrives by GRE and IP-in-IP: ours, somebody else's, or wrong.
#
#   ha ══ key 0x1005 to pma1, which has the device 10.0.0.5 ══ pma1
#   ha and pma2 as second HA: the same key to pma1 for 10.0.0.6
# timeout: 600

. "$(dirname "$0")/lib.sh"

HOME_MARK=02:00:00:00:00:f0
IN="udp(1000, 2000, b'inner')"

# from NS PACKET: send and count what the device's wire shows of it within a moment
arrives()
{
	spawn dev timeout 20 tcpdump -i eth0 -n -l -c 1 udp port 2000 > /tmp/seen 2> /tmp/seen.err
	local pid=$!

	tap_wait 10 "tcpdump" grep -q listening /tmp/seen.err || return
	py "$1" "send_ip($2)" || return
	tap_wait "${WAIT:-8}" "the inner packet" grep -q UDP /tmp/seen
	local status=$?

	kill $pid 2> /dev/null
	wait $pid 2> /dev/null
	return $status
}

# The device's wire from here on; what the test sends goes to port 2000.
watch()
{
	spawn dev tcpdump -i eth0 -n -l udp portrange 2000-2001 > /tmp/watch 2> /tmp/watch.err
	watcher=$!
	tap_wait 10 "tcpdump" grep -q listening /tmp/watch.err
}

# unseen: nothing came since watch, by the time that a marker did
unseen()
{
	py radio "send('dev', eth('$HOME_MARK', '$DEV_MAC', ip('$CN', '$DEV_IP', udp(1000, 2001))))"
	tap_wait 10 "the marker" grep -q 2001 /tmp/watch || return
	kill $watcher
	! grep '\.2000: UDP' /tmp/watch
}

# counted REASON NS PACKET: dropped at pma1 for it, exactly once
counted()
{
	local before

	before=$(drops pma1 "$1")
	py "$2" "send_ip($3)" && tap_wait 5 "$1" more pma1 "$1" "$before" && [ "$(drops pma1 "$1")" = $((before + 1)) ]
}

# unreachable NS PACKET: pma1 answers as a router that doesn't know the tunnel
unreachable()
{
	spawn "$1" timeout 20 tcpdump -i core -n -l -c 1 'icmp[0] == 3' > /tmp/icmp 2> /tmp/icmp.err
	local pid=$!

	tap_wait 10 "tcpdump" grep -q listening /tmp/icmp.err || return
	py "$1" "send_ip($2)" && tap_wait 8 "ICMP" grep -q unreachable /tmp/icmp
	local status=$?

	kill $pid 2> /dev/null
	wait $pid 2> /dev/null
	return $status
}

to_pma()	# FROM TUNNEL-HEADER-AND-PAYLOAD
{
	echo "ip('$1', '$PMA1', $2, proto=47)"
}

INNER="ip('$CN', '$DEV_IP', $IN)"

tap_check "module, routers, devices" eval "load && topology && bind_ha $PMA1 && bind_pma pma1"
ip -n radio link set dev pma2 down
# many answers to one sender
n pma1 sysctl -qw net.ipv4.icmp_ratelimit=0
sum_before=$(n pma1 ethtool -S mip0)

tap_stage "right ones"
tap_check "keyed" arrives ha "$(to_pma $HA "gre($INNER, key=0x1005)")"
tap_check "with a right checksum" arrives ha "$(to_pma $HA "gre($INNER, key=0x1005, csum=True)")"
tap_check "with a sequence number" arrives ha "$(to_pma $HA "gre($INNER, key=0x1005, seq=7)")"
tap_check "with reserved bits that are to be ignored" arrives ha "$(to_pma $HA "gre($INNER, key=0x1005, flags=0x0080)")"
tap_check "in fragments" arrives ha "ip('$HA', '$PMA1', gre($INNER, key=0x1005)[:24], proto=47, frag=0x2000)[:4] +
	b'\x12\x34' + ip('$HA', '$PMA1', gre($INNER, key=0x1005)[:24], proto=47, frag=0x2000)[6:],
	ip('$HA', '$PMA1', gre($INNER, key=0x1005)[24:], proto=47, frag=3)[:4] +
	b'\x12\x34' + ip('$HA', '$PMA1', gre($INNER, key=0x1005)[24:], proto=47, frag=3)[6:]"
tap_is "nothing was dropped" "$(n pma1 ethtool -S mip0)" "$sum_before"

tap_stage "not ours: ICMP as without us, and no drop counted"
tap_check "an unknown key" unreachable ha "$(to_pma $HA "gre($INNER, key=0x9999)")"
# [3024-4.3.2-2]
tap_check "the right key from a wrong source" unreachable pma2 "$(to_pma $PMA2 "gre($INNER, key=0x1005)")"
tap_check "no key" unreachable ha "$(to_pma $HA "gre($INNER)")"
tap_check "routing bit" unreachable ha "$(to_pma $HA "gre($INNER, key=0x1005, flags=0x4000)")"
tap_check "strict source route bit" unreachable ha "$(to_pma $HA "gre($INNER, key=0x1005, flags=0x0800)")"
tap_check "recursion bit 5" unreachable ha "$(to_pma $HA "gre($INNER, key=0x1005, flags=0x0400)")"
tap_check "version 1" unreachable ha "$(to_pma $HA "gre($INNER, key=0x1005, flags=1)")"
tap_check "version 7" unreachable ha "$(to_pma $HA "gre($INNER, key=0x1005, flags=7)")"
tap_check "Ethernet inside" unreachable ha "$(to_pma $HA "gre($INNER, key=0x1005, proto=0x6558)")"
tap_check "half a GRE header" unreachable ha "$(to_pma $HA "b'\x20\0\x08\0\0'")"
tap_check "IP-in-IP from that peer" unreachable ha "ip('$HA', '$PMA1', $INNER, proto=4)"
tap_is "nothing was dropped" "$(n pma1 ethtool -S mip0)" "$sum_before"

tap_stage "ours, but wrong"
watch
# [5944-4.2.2-1] [5944-4.2.2-2]
tap_check "another inner destination" counted inner_address ha \
	"$(to_pma $HA "gre(ip('$CN', '10.0.0.66', $IN), key=0x1005)")"
tap_check "IPv6 for who has none" counted inner_address ha \
	"$(to_pma $HA "gre(ip6('2001:db8::1', '2001:db8:1::5', b'x'), key=0x1005, proto=0x86dd)")"
tap_check "a wrong GRE checksum" counted bad_checksum ha "$(to_pma $HA "gre($INNER, key=0x1005, csum=False)")"
tap_check "half an inner header" counted bad_inner ha "$(to_pma $HA "gre(${INNER}[:12], key=0x1005)")"
tap_check "a wrong inner header checksum" counted bad_inner ha \
	"$(to_pma $HA "gre(ip('$CN', '$DEV_IP', $IN, bad=True), key=0x1005)")"
tap_check "an inner length beyond the packet" counted bad_inner ha \
	"$(to_pma $HA "gre(ip('$CN', '$DEV_IP', $IN, total=900), key=0x1005)")"
tap_check "version 5 inside" counted bad_inner ha \
	"$(to_pma $HA "gre(ip('$CN', '$DEV_IP', $IN, version=5), key=0x1005)")"
tap_check "CE outside, not ECT inside (RFC 6040)" counted ecn ha \
	"ip('$HA', '$PMA1', gre($INNER, key=0x1005), proto=47, tos=3)"
tap_check "none of them arrived" unseen

tap_stage "a home agent hears from a device that isn't there"
before=$(drops ha inner_address)
py pma1 "send_ip(ip('$PMA1', '$HA', gre(ip('10.0.0.66', '$CN', $IN), key=0x2005), proto=47))"
# [3024-4.3.2-2] [3024-4.3.2-3]
tap_check "another inner source is dropped" tap_wait 5 "inner_address" more ha inner_address "$before"

tap_stage "two home agents that give the same key"
tap_check "a second binding with the key, from another HA" ctl pma1 binding add dev mip0 home 10.0.0.6 port port \
	mac 02:00:00:00:00:06 peer $PMA2 key 0x1005 okey 0x2006
tap_check "the first HA reaches its device" arrives ha "$(to_pma $HA "gre($INNER, key=0x1005)")"
ip -n dev link set dev eth0 promisc on
tap_check "the second its own" arrives pma2 "$(to_pma $PMA2 "gre(ip('$CN', '10.0.0.6', $IN), key=0x1005)")"
tap_check "and none the other's" counted inner_address pma2 "$(to_pma $PMA2 "gre($INNER, key=0x1005)")"

tap_stage "a device that lies about its source"
before=$(drops pma1 spoofed_source)
py dev "send('eth0', eth('$DEV_MAC', '$(n pma1 cat /sys/class/net/port/address)', echo('10.0.0.6', '$CN')))"
tap_check "is stopped at the access router" tap_wait 5 "spoofed_source" more pma1 spoofed_source "$before"

tap_stage "an INPUT rule holds for us too"
n pma1 nft 'table ip f {
	counter c { };
	chain in { type filter hook input priority 0; ip protocol 47 counter name c drop; };
}'
watch
py ha "send_ip($(to_pma $HA "gre($INNER, key=0x1005)"))"
tap_check "it counts the packet" tap_wait 5 "it" eval "n pma1 nft list counter ip f c | tap_grep 'packets 1 '"
tap_check "which doesn't arrive" unseen
n pma1 nft flush ruleset
tap_check "without it, it does" arrives ha "$(to_pma $HA "gre($INNER, key=0x1005)")"

tap_stage "IP-in-IP"
tap_check "a binding without key" eval "ctl pma1 binding set dev mip0 home $DEV_IP peer $HA encap ipip"
tap_check "arrives" arrives ha "ip('$HA', '$PMA1', $INNER, proto=4)"
tap_check "another inner destination is somebody else's" unreachable ha \
	"ip('$HA', '$PMA1', ip('$CN', '10.0.0.66', $IN), proto=4)"
tap_end
