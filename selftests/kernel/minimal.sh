#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Minimal encapsulation (RFC 2004), beside GRE and IP-in-IP between the same two routers; tcpdump reads its headers.
#
#   cn ── ha ══ protocol 55 ═══════════ pma1 ── dev  10.0.0.5
#            ══ IP-in-IP ══════════════         dev2 10.0.0.6
#            ══ GRE, key ══════════════         dev3 10.0.0.7
#         later through narrow, a router with an MTU of 1400
# timeout: 600

. "$(dirname "$0")/lib.sh"

IN="udp(1000, 2000, b'inner')"

bindings()
{
	ctl ha binding add dev mip0 home $DEV_IP peer $PMA1 encap minimal &&
		ctl pma1 binding add dev mip0 home $DEV_IP port port mac $DEV_MAC gateway $HOME_GW/24 peer $HA \
			encap minimal
}

# peer NS FIELD: of its one peer with minimal encapsulation
peer()
{
	ctl "$1" -j peer show | jq ".[] | select(.encap == \"minimal\").$2"
}

# fell NS BEFORE: has anything gone by IP-in-IP since?
fell()
{
	[ "$(peer "$1" fallbacks)" -gt "$2" ]
}

# counted REASON NS PACKET...: dropped at pma1 for it, exactly once
counted()
{
	local before

	before=$(drops pma1 "$1")
	py "$2" "send_ip($3)" && tap_wait 5 "$1" more pma1 "$1" "$before" && [ "$(drops pma1 "$1")" = $((before + 1)) ]
}

# arrives NS PACKETS: does the device see it?
arrives()
{
	watch_lines dev eth0 "udp port 2000" && py "$1" "send_ip($2)" && seen "$CN.1000 > $DEV_IP.2000"
	local status=$?

	unwatch
	return $status
}

# unreachable NS PACKET: pma1 answers as a router that doesn't know the protocol
unreachable()
{
	watch_lines "$1" core 'icmp[0] == 3' && py "$1" "send_ip($2)" && seen "protocol 55 unreachable"
	local status=$?

	unwatch
	return $status
}

head -c 3000000 /dev/urandom > /tmp/payload
tap_check "module, routers, three devices, three encapsulations" eval "load && topology && bindings && more_devices"
ip -n radio link set dev pma2 down
gw=$(n pma1 cat /sys/class/net/port/address)
# what the stack may give mip0: its default is for any leg
ip -n ha link set dev mip0 mtu 1500
INNER="ip('$CN', '$DEV_IP', $IN, ttl=33, df=1)"

tap_stage "both ways"
tap_check "cn pings dev" pings cn $DEV_IP
tap_check "dev pings cn" pings dev $CN
tap_check "TCP from dev to cn" tcp dev cn $CN
tap_check "TCP from cn to dev" tcp cn dev $DEV_IP
for i in 2 3; do
	tap_check "dev$i beside, up" pings dev$i $CN
	tap_check "dev$i beside, down" pings cn 10.0.0.$((i + 4))
done
tap_check "dev pings dev2, from one encapsulation to another" pings dev 10.0.0.6
tap_is "nothing fell back" "$(peer ha fallbacks) $(peer pma1 fallbacks)" "0 0"

tap_stage "the header, as tcpdump reads it"
watch_lines core br "ip proto 55"
py dev "send('eth0', eth('$DEV_MAC', '$gw', ip('$DEV_IP', '$CN', $IN, ttl=33, tos=0xb8, df=1)))"
tap_check "up" seen "$PMA1 > $HA: mobile: \[S\] $DEV_IP > $CN (oproto=17)"
fields='s/.*(\(tos [^,]*, ttl [0-9]*\), .*\(flags [^,]*\), .*\(length [0-9]*\))$/\1 \2 \3/p;T;q'
tap_is "TOS, TTL, flags and length are the packet's" \
	"$(sed -n "$fields" /tmp/watch)" \
	"tos 0xb8, ttl 32 flags [DF] length 45"
py cn "send_ip($INNER)"
tap_check "down" seen "$HA > $PMA1: mobile: \[S\] $CN > $DEV_IP (oproto=17)"
n ha ping -q -n -c 1 -W 2 -I $HA $DEV_IP > /tmp/ping
tap_check "of the home agent's own: no second source" seen "$HA > $PMA1: mobile: \[\] [> ]*$DEV_IP (oproto=1)"
tap_check "which arrives" grep -q ' 1 received' /tmp/ping
py ha "send_ip(minimal('$HA', '$PMA1', $INNER, bad=True))"
tap_check "a wrong checksum would show" seen "bad checksum"
tap_is "and is there but once" "$(grep -c 'bad checksum' /tmp/watch)" 1
unwatch

tap_stage "MTU"
for ns in dev cn; do
	target=$([ $ns = dev ] && echo $CN || echo $DEV_IP)
	watch_lines core br "ip proto 55 and ip[2:2] == 1500"
	tap_check "$ns: one less than the largest passes" ping_size $ns 1459 "$target" -M 'do'
	tap_check "$ns: the largest passes" ping_size $ns 1460 "$target" -M 'do'
	tap_check "$ns: and fills the path" seen "length 1500"
	tap_check "$ns: one more is told 1488" told_mtu 1488 $ns 1461 "$target" -M 'do'
	unwatch
	for size in 1459 1460 1461 1472 5000; do
		tap_check "$ns: $size without DF" ping_size $ns $size "$target" -M dont
	done
done

tap_stage "what has no room in the header goes by IP-in-IP"
watch_lines core br "ip proto 55 and ip[6:2] & 0x3fff != 0"
for ns in dev cn; do
	end=$([ $ns = dev ] && echo pma1 || echo ha)
	target=$([ $ns = dev ] && echo $CN || echo $DEV_IP)
	before=$(peer $end fallbacks)
	tap_check "$ns: fragments" ping_size $ns 5000 "$target" -M dont
	tap_check "$ns: are counted" fell $end "$before"
	before=$(peer $end fallbacks)
	tap_check "$ns: what has to be cut in the tunnel" ping_size $ns 1461 "$target" -M dont
	tap_check "$ns: is counted" fell $end "$before"
	before=$(peer $end fallbacks)
	tap_check "$ns: options" ping_size $ns 100 "$target" -R
	tap_check "$ns: are counted" fell $end "$before"
	tap_check "$ns: the largest with options and DF" ping_size $ns 1412 "$target" -R -M 'do'
	tap_check "$ns: one more is told 1480" told_mtu 1480 $ns 1413 "$target" -R -M 'do'
	before=$(peer $end fallbacks)
	tap_check "$ns: others don't" ping_size $ns 100 "$target"
	tap_is "$ns: and aren't counted" "$(peer $end fallbacks)" "$before"
done
tap_is "no fragment of protocol 55 was sent" "$(fragments_before_marker 55)" ""

tap_stage "an underlay that would segment"
n ha nft -f - <<- 'END'
	table netdev s {
		counter segments { }
		chain s {
			type filter hook ingress device core priority 0
			ip protocol 55 ip length 1000-1200 counter name segments
		}
	}
END
py dev "send_gso('eth0', eth('$DEV_MAC', '$gw', ip('$DEV_IP', '$CN', tcp(1, 2, b'x' * 5000), proto=6)), 1000)"
tap_check "a large packet leaves in segments" tap_wait 5 "5 segments" \
	eval 'n ha nft -j list counter netdev s segments | jq -e ".nftables[1].counter.packets == 5"'
n ha nft flush ruleset

tap_stage "received"
sum_before=$(n pma1 ethtool -S mip0)
tap_check "with a source" arrives ha "minimal('$HA', '$PMA1', $INNER)"
tap_check "reserved bits are ignored" arrives ha "minimal('$HA', '$PMA1', $INNER, bits=0x7f)"
tap_check "in fragments" arrives ha "*fragments(minimal('$HA', '$PMA1', $INNER), 8, 17)"
tap_check "by IP-in-IP" arrives ha "ip('$HA', '$PMA1', $INNER, proto=4)"
tap_is "nothing was dropped" "$(n pma1 ethtool -S mip0)" "$sum_before"
tap_check "another's protocol 55" unreachable pma2 "minimal('$PMA2', '$PMA1', $INNER)"
tap_is "isn't counted" "$(n pma1 ethtool -S mip0)" "$sum_before"
tap_check "a wrong checksum" counted bad_checksum ha "minimal('$HA', '$PMA1', $INNER, bad=True)"
tap_check "half a header" counted bad_inner ha "ip('$HA', '$PMA1', b'\x11\x80\0\0\0\0\0\0\0\0\0', proto=55)"
tap_check "nothing" counted bad_inner ha "ip('$HA', '$PMA1', b'', proto=55)"
tap_check "another destination" counted inner_address ha "minimal('$HA', '$PMA1', ip('$CN', '10.0.0.66', $IN))"
tap_check "dev2's, whose encapsulation is another" counted inner_address ha \
	"minimal('$HA', '$PMA1', ip('$CN', '10.0.0.6', $IN))"
n pma1 nft 'table ip f { chain in { type filter hook input priority 0; ip protocol 55 drop; }; }'
tap_check "an INPUT rule holds" eval '! pings cn $DEV_IP 1'
n pma1 nft flush ruleset
tap_check "without it, all is well" pings cn $DEV_IP

tap_stage "netlink"
refused "a key" "only GRE carries keys" ctl ha binding add dev mip0 home 10.0.0.9 peer $PMA1 encap minimal key 1 okey 1
refused "the same address by IP-in-IP, in another realm" "already used by binding" ctl pma1 binding add dev mip0 \
	realm 7 home $DEV_IP port port mac 02:00:00:00:00:09 peer $HA encap ipip
tap_check "as a link's default" ctl ha link set mip0 encap minimal
tap_check "a binding that names none" ctl ha binding add dev mip0 home 10.0.0.9 peer $PMA2
tap_is "has it" "$(ctl ha -j binding get dev mip0 home 10.0.0.9 | jq -c '[.[0].legs[0].encap, .[0].legs[0].key]')" \
	'["minimal",null]'

tap_stage "a router on the way, with an MTU of 1400"
namespace narrow
tap_check "HA and PMA reach each other through it" eval "
	wire narrow a core nar1 && ip -n core link set dev nar1 master br &&
	ip -n narrow address add 192.0.2.254/24 dev a && n narrow sysctl -qw net.ipv4.ip_forward=1 \
		net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.a.send_redirects=0 \
		net.ipv4.icmp_ratelimit=0 net.ipv4.icmp_msgs_per_sec=10000 &&
	ip -n narrow route add $HA/32 dev a mtu 1400 && ip -n narrow route add $PMA1/32 dev a mtu 1400 &&
	ip -n pma1 route add $HA/32 via 192.0.2.254 && ip -n ha route add $PMA1/32 via 192.0.2.254"
watch_lines dev eth0 "udp port 2000"
py cn "send_ip($INNER)"
tap_check "its hop shows inside" seen "ttl 31"
unwatch
tap_check "a large packet teaches the access router, and it the device" \
	tap_wait 20 "1388" told_mtu 1388 dev 1440 $CN -M 'do'
tap_is "the peer's MTU is shown" "$(peer pma1 mtu)" 1400
tap_check "and the home agent likewise cn" tap_wait 20 "1388" told_mtu 1388 cn 1440 $DEV_IP -M 'do'
tap_check "the largest passes" eval "ping_size dev 1360 $CN -M 'do' && ping_size cn 1360 $DEV_IP -M 'do'"
tap_check "TCP from dev to cn" tcp dev cn $CN
tap_check "TCP from cn to dev" tcp cn dev $DEV_IP

tap_stage "errors from inside the tunnel"
listen pma1 /tmp/events event
before=$(peer pma1 errors)
py dev "send('eth0', eth('$DEV_MAC', '$gw', ip('$DEV_IP', '$CN', $IN, ttl=2)))"
tap_check "a TTL that ends there is counted" tap_wait 10 "an error" eval '[ "$(peer pma1 errors)" -gt "$before" ]'
ip -n narrow route replace unreachable $HA/32
py dev "send('eth0', eth('$DEV_MAC', '$gw', ip('$DEV_IP', '$CN', $IN)))"
tap_check "a peer out of reach is reported" tap_wait 10 "an event" grep -q peer_unreachable /tmp/events
tap_is "for that alone: the other was the device's doing" "$(grep -c peer_unreachable /tmp/events)" 1

tap_stage "the end"
kill_jobs
tap_check "the module goes" eval "tap_wait 15 'unused module' rmmod mip4"
ip -n pma1 route del $HA/32
tap_check "and leaves the protocol" unreachable ha "minimal('$HA', '$PMA1', $INNER)"
tap_end
