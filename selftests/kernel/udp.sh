#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Tunnels through UDP (the data part of RFC 3519), beside GRE and IP-in-IP between the same two routers; through a NAT;
# and the socket, which is a process's.
#
#   cn ── ha ══ UDP 434 ═══════════════ pma1 ── dev  10.0.0.5
#            ══ IP-in-IP ══════════════         dev2 10.0.0.6
#            ══ GRE, key ══════════════         dev3 10.0.0.7
#         ══ UDP 434:20434 ══ nat ══ 434 behind ── dev4 10.0.0.8
#         later through narrow, a router with an MTU of 1400
# timeout: 600

. "$(dirname "$0")/lib.sh"

NAT=192.0.2.20 BEHIND=172.16.0.2
IN="udp(1000, 2000, b'inner')"
UDP=$MIP4_TOP/selftests/kernel/udp.py

bindings()
{
	ctl ha binding add dev mip0 home $DEV_IP peer $PMA1 encap udp &&
		ctl pma1 binding add dev mip0 home $DEV_IP port port mac $DEV_MAC gateway $HOME_GW/24 peer $HA encap udp
}

# up NS [LINKS]: udp.py has it, and writes what it gets to /tmp/up
up()
{
	spawn "$1" python3 -u "$UDP" "hold('${2-mip0}')" > /tmp/up 2>&1
	echo $! > /tmp/holder-"$1"
	tap_wait 10 "a socket" grep -q ready /tmp/up
}

# passed_up DATA [FROM [PORT]]: sent so to pma1's port 434, does the process get it from there as it is?
passed_up()
{
	local from=${2-$HA} port=${3-434}

	py ha "globals().update(data=$1)" "send_ip(ip('$from', '$PMA1', udp($port, 434, data)))" \
		"print('$from:$port', data.hex())" > /tmp/sent &&
		tap_wait 5 "it at the process" grep -qxFf /tmp/sent /tmp/up
}

# arrives NS PACKETS: does the device see it?
arrives()
{
	watch_lines dev eth0 "udp port 2000" && py "$1" "send_ip($2)" && seen "$CN.1000 > $DEV_IP.2000"
	local status=$?

	unwatch
	return $status
}

# leg_of HOME: encapsulation and port, at the home agent
leg_of()
{
	ctl ha -j binding get dev mip0 home "$1" | jq -c '.[0].legs[0] | [.encap, .peer_port]'
}

peer()
{
	ctl "$1" -j peer show | jq ".[] | select(.encap == \"udp\").$2"
}

head -c 3000000 /dev/urandom > /tmp/payload
tap_check "module, routers, three devices, three encapsulations" eval "load && topology && bindings && more_devices"
ip -n radio link set dev pma2 down
gw=$(n pma1 cat /sys/class/net/port/address)
# what the stack may give mip0: its default is for GRE
ip -n ha link set dev mip0 mtu 1500
INNER="ip('$CN', '$DEV_IP', $IN, ttl=33, df=1)"

tap_stage "without a socket"
before=$(drops pma1 no_socket)
tap_check "nothing passes" eval '! pings dev $CN 1'
tap_check "and is counted" more pma1 no_socket "$before"
tap_is "no port is shown" "$(udp_port pma1)" null

tap_stage "both ways"
tap_check "the home agent gets one" hold ha
tap_check "and the access router" hold pma1
tap_is "its port is shown" "$(udp_port ha) $(udp_port pma1)" "434 434"
tap_check "cn pings dev" pings cn $DEV_IP
tap_check "dev pings cn" pings dev $CN
tap_check "TCP from dev to cn" tcp dev cn $CN
tap_check "TCP from cn to dev" tcp cn dev $DEV_IP
for i in 2 3; do
	tap_check "dev$i beside, up" pings dev$i $CN
	tap_check "dev$i beside, down" pings cn 10.0.0.$((i + 4))
done
tap_check "dev pings dev2, from one encapsulation to another" pings dev 10.0.0.6
tap_is "the leg is shown" "$(leg_of $DEV_IP)" '["udp",434]'
tap_is "so is the peer" "$(peer ha peer) $(peer ha peer_port) $(peer ha legs)" "\"$PMA1\" 434 1"

tap_stage "the headers, as tshark reads them"
n pma1 ethtool -K core tx off > /dev/null
spawn core tcpdump -Z root -U -i br -w "$MIP4_OUT/udp.pcap" "udp port 434 and src $PMA1" 2> /tmp/watch.err
watcher=$!
tap_wait 20 "tcpdump" grep -q listening /tmp/watch.err
py dev "send('eth0', eth('$DEV_MAC', '$gw', ip('$DEV_IP', '$CN', $IN, ttl=33, tos=0xb8, df=1)))"
tap_check "a packet in the tunnel" tap_wait 10 "it" eval 'tcpdump -r "$MIP4_OUT/udp.pcap" 2> /dev/null | tap_grep .'
unwatch
fields="-e ip.src -e ip.dst -e ip.ttl -e ip.dsfield.dscp -e ip.flags.df -e udp.srcport -e udp.dstport"
# shellcheck disable=SC2086
tap_is "addresses, TTL, DSCP, DF, ports, outside and inside" \
	"$(n core tshark -r "$MIP4_OUT/udp.pcap" -T fields $fields 2> /dev/null | tr '\t' ' ' | sed 's/True/1/g')" \
	"$PMA1,$DEV_IP $HA,$CN 64,32 46,46 1,1 434,1000 434,2000"
tap_is "a message of type 4, next header 4" \
	"$(n core tshark -r "$MIP4_OUT/udp.pcap" -T fields -e mip.type -e mip.nattt.nexthdr 2> /dev/null)" "4	4"
tap_is "and a checksum" "$(n core tshark -r "$MIP4_OUT/udp.pcap" -o udp.check_checksum:TRUE \
	-T fields -e udp.checksum.status 2> /dev/null | cut -d , -f 1)" 1
n pma1 ethtool -K core tx on > /dev/null

tap_stage "MTU"
for ns in dev cn; do
	target=$([ $ns = dev ] && echo $CN || echo $DEV_IP)
	watch_lines core br "udp port 434 and ip[2:2] == 1500"
	tap_check "$ns: one less than the largest passes" ping_size $ns 1439 "$target" -M 'do'
	tap_check "$ns: the largest passes" ping_size $ns 1440 "$target" -M 'do'
	tap_check "$ns: and fills the path" seen "length 1500"
	tap_check "$ns: one more is told 1468" told_mtu 1468 $ns 1441 "$target" -M 'do'
	unwatch
	watch_lines core br "udp and ip[6:2] & 0x3fff != 0 or ip proto 17 and ip[6:2] & 0x1fff != 0"
	for size in 1439 1440 1441 1472 5000; do
		tap_check "$ns: $size without DF" ping_size $ns $size "$target" -M dont
	done
	tap_check "$ns: options, cut" ping_size $ns 3000 "$target" -M dont -R
	tap_is "$ns: no datagram was cut: RFC 3519 section 4.8" "$(fragments_before_marker 17)" ""
done
watch_lines cn eth0 tcp
py dev "send_gso('eth0', eth('$DEV_MAC', '$gw', ip('$DEV_IP', '$CN', tcp(1, 2, b'x' * 5000), proto=6)), 1448)"
tap_check "segments of a large packet that may be cut are" tap_wait 5 "3 in two pieces" eval \
	'[ $(grep -c "offset 0, flags \[+\]" /tmp/watch) = 3 ] &&
	[ $(grep -c "offset [1-9].*flags \[none\]" /tmp/watch) = 3 ]'
unwatch

tap_stage "offloads, pairwise with the underlay's"
for offload in "tx off" "tx on" "tso off gso off" "tso on gso on" "tx-udp_tnl-segmentation off" \
	"tx-udp_tnl-csum-segmentation off" "tx-udp_tnl-segmentation on tx-udp_tnl-csum-segmentation on"; do
	# shellcheck disable=SC2086
	n pma1 ethtool -K core $offload > /dev/null 2>&1
	# shellcheck disable=SC2086
	n ha ethtool -K core $offload > /dev/null 2>&1
	tap_check "$offload: TCP up" tcp dev cn $CN
	tap_check "$offload: TCP down" tcp cn dev $DEV_IP
done
for offload in rx-gro-list rx-udp-gro-forwarding; do
	n ha ethtool -K core $offload on
	n pma1 ethtool -K core $offload on
	tap_check "$offload, of datagrams at the underlay: TCP up" tcp dev cn $CN
	tap_check "$offload: TCP down" tcp cn dev $DEV_IP
	n ha ethtool -K core $offload off
	n pma1 ethtool -K core $offload off
done

tap_stage "received"
sum_before=$(n pma1 ethtool -S mip0)
tap_check "no checksum" arrives ha "ip('$HA', '$PMA1', udp(434, 434, tunnel_data($INNER)))"
tap_check "in fragments" arrives ha "*fragments(ip('$HA', '$PMA1', udp(434, 434, tunnel_data($INNER))), 16, 49)"
tap_is "nothing was dropped" "$(n pma1 ethtool -S mip0)" "$sum_before"
release pma1
tap_check "a process that listens" up pma1
tap_check "the tunnel is as before" arrives ha "ip('$HA', '$PMA1', udp(434, 434, tunnel_data($INNER)))"
for message in "b'\\1\\2\\3\\4'" "b'\\3' + b'x' * 30" "b'\\7'" "b'\\4\\4\\0\\0'" "b'\\4'" "b''" \
	"tunnel_data($INNER, next=47)" "tunnel_data($INNER, next=55)" "tunnel_data($INNER, type=5)" \
	"tunnel_data(ip('$CN', '10.0.0.66', $IN))" "tunnel_data(ip('$CN', '10.0.0.6', $IN))"; do
	tap_check "passed up as it came: $message" passed_up "$message"
done
TAKEN="tunnel_data(b'\x45' + b'\0' * 15 + addr('$DEV_IP'))"
tap_check "of another port of the same peer" passed_up "$TAKEN" $HA 435
tap_check "of another peer" passed_up "$TAKEN" $PMA2
tap_is "none of these was dropped" "$(n pma1 ethtool -S mip0)" "$sum_before"
tap_check "what a leg takes isn't" eval '! passed_up "$TAKEN"'
n pma1 nft 'table ip f { chain in { type filter hook input priority 0; udp dport 434 drop; }; }'
tap_check "an INPUT rule holds" eval '! pings cn $DEV_IP 1'
n pma1 nft flush ruleset
n pma1 ip xfrm policy add dir in src $HA/32 dst $PMA1/32 proto 17 action block
tap_check "so does an XFRM policy" eval '! pings cn $DEV_IP 1'
n pma1 ip xfrm policy flush
tap_check "without them, all is well" pings cn $DEV_IP

tap_stage "netlink"
refused "a key" "only GRE carries keys" ctl ha binding add dev mip0 home 10.0.0.9 peer $PMA1 encap udp key 1 okey 1
refused "a port of another encapsulation" "only UDP has ports" ctl ha binding add dev mip0 home 10.0.0.9 peer $PMA1 \
	encap gre peer-port 434
refused "the same tunnel and address" "already used by binding" ctl pma1 binding add dev mip0 realm 7 home $DEV_IP \
	port port mac 02:00:00:00:00:09 peer $HA encap udp
tap_check "by another port is another tunnel" eval "ctl pma1 binding add dev mip0 realm 7 home $DEV_IP port port \
	mac 02:00:00:00:00:09 peer $HA encap udp peer-port 435 && ctl pma1 binding del dev mip0 realm 7 home $DEV_IP"
tap_check "as a link's default" eval "ctl ha link set mip0 encap udp &&
	ctl ha binding add dev mip0 home 10.0.0.9 peer $PMA2"
tap_is "a binding that names none has it" \
	"$(leg_of 10.0.0.9)" '["udp",434]'
ctl ha binding del dev mip0 home 10.0.0.9

tap_stage "sockets that are refused"
release pma1
# says "DESC" WHAT SOCKET
says()
{
	tap_is "$1" "$(n pma1 python3 "$UDP" "says('mip0', $3)" | sed 's/.*mip4: //')" "$2"
}
says "TCP" "not a UDP socket of AF_INET" "udp(type=socket.SOCK_STREAM)"
[[ ${APPEND-} == *ipv6.disable=1* ]] || says "IPv6's" "not a UDP socket of AF_INET" "udp('::', 434, socket.AF_INET6)"
says "a packet socket" "not a UDP socket of AF_INET" "udp(port=None, family=socket.AF_PACKET)"
says "a file" "not an open socket" "open('/dev/null')"
says "none at all" "not an open socket" 999
says "an unbound one" "the socket isn't bound to a port" "udp(port=None)"
says "a connected one" "the socket is connected, so it hears of one peer only" "connected('0.0.0.0', '$HA')"
says "IPsec's" "the socket has another use" "esp('0.0.0.0')"
says "another address's" "the socket is bound to another address than the link's local one" "udp('127.0.0.1')"
says "another namespace's" \
	"the socket must be of the link's underlay, this is of another netns" "elsewhere('ha', port=4434)"
tap_is "there is none, then" "$(udp_port pma1)" null
says "any address's" accepted "udp()"
says "another port's" accepted "udp('$PMA1', 4434)"
says "none is taken away" accepted None

tap_stage "the socket's life"
ctl pma1 link add mip1 local $PMA1
listen pma1 /tmp/events event
tap_check "two links share one" up pma1 'mip0 mip1'
tap_check "and dev pings cn" pings dev $CN
tap_is "both say so" "$(ctl pma1 -d -j link | jq -c '[.[].udp_port]')" '[434,434]'
tap_check "one of them goes" goes pma1 mip1
tap_check "the other works" pings dev $CN
before=$(drops pma1 no_socket)
release pma1
tap_check "the process dies: that is told" tap_wait 10 "an event" \
	grep -q '"event":"socket_lost".*"dev":"mip0"' /tmp/events
tap_check "nothing passes" eval '! pings dev $CN 1'
tap_check "and is counted" more pma1 no_socket "$before"
tap_check "another takes its place" hold pma1
cp /tmp/holder-pma1 /tmp/holder-first
tap_check "and dev pings cn" pings dev $CN
refused "the address is in use" "Address already in use" ctl pma1 socket hold dev mip0
tap_check "another port in its place" hold pma1 4434
tap_is "its port is shown" "$(udp_port pma1)" 4434
tap_check "the home agent is told" \
	ctl ha binding set dev mip0 home $DEV_IP peer $PMA1 encap udp peer-port 4434
tap_check "and dev pings cn" pings dev $CN
tap_check "and cn dev" pings cn $DEV_IP
release first
tap_check "the first, which it no longer uses, goes" pings dev $CN
release pma1
tap_check "back" eval "hold pma1 && ctl ha binding set dev mip0 home $DEV_IP peer $PMA1 encap udp"
tap_check "and dev pings cn" pings dev $CN
tap_check "taken away by hand" eval "ctl pma1 socket drop dev mip0 && ! pings dev $CN 1"
release pma1
spawn pma1 python3 -u "$UDP" "shared('mip0')" > /tmp/shared 2>&1
holder=$!
tap_check "two processes have one" tap_wait 10 "a child" grep -q '^[0-9]' /tmp/shared
lost=$(grep -c socket_lost /tmp/events)
kill -9 $holder
wait $holder 2> /dev/null
tap_check "one of them is killed: dev pings cn" pings dev $CN
tap_is "nothing was lost" "$(grep -c socket_lost /tmp/events)" "$lost"
tap_check "the other is: that is told" eval 'kill -9 $(< /tmp/shared) &&
	tap_wait 10 "an event" eval "[ \$(grep -c socket_lost /tmp/events) -gt $lost ]"'
tap_check "a new one" hold pma1

tap_stage "errors"
release ha
py dev "send('eth0', eth('$DEV_MAC', '$gw', ip('$DEV_IP', '$CN', $IN)))"
tap_check "a port where nobody is" tap_wait 10 "an event" \
	grep -q '"event":"peer_unreachable".*"peer":"192.0.2.1".*"peer_port":434' /tmp/events
tap_check "is counted" test "$(peer pma1 errors)" -gt 0
tap_check "the home agent's is back" hold ha
namespace narrow
tap_check "a router with an MTU of 1400 between" eval "
	wire narrow a core nar1 && ip -n core link set dev nar1 master br &&
	ip -n narrow address add 192.0.2.254/24 dev a && n narrow sysctl -qw net.ipv4.ip_forward=1 \
		net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.a.send_redirects=0 \
		net.ipv4.icmp_ratelimit=0 net.ipv4.icmp_msgs_per_sec=10000 &&
	ip -n narrow route add $HA/32 dev a mtu 1400 && ip -n narrow route add $PMA1/32 dev a mtu 1400 &&
	ip -n pma1 route add $HA/32 via 192.0.2.254 && ip -n ha route add $PMA1/32 via 192.0.2.254"
tap_check "a large packet teaches the access router, and it the device" \
	tap_wait 20 "1368" told_mtu 1368 dev 1440 $CN -M 'do'
tap_is "the peer's MTU is shown" "$(peer pma1 mtu)" 1400
tap_check "and the home agent likewise cn" tap_wait 20 "1368" told_mtu 1368 cn 1440 $DEV_IP -M 'do'
tap_check "the largest passes" eval "ping_size dev 1340 $CN -M 'do' && ping_size cn 1340 $DEV_IP -M 'do'"
tap_check "larger ones without DF, too" eval "ping_size dev 5000 $CN -M dont && ping_size cn 5000 $DEV_IP -M dont"
tap_check "TCP from dev to cn" tcp dev cn $CN
tap_check "TCP from cn to dev" tcp cn dev $DEV_IP
before=$(peer pma1 errors)
py ha "send_ip(ip('$HA', '$PMA1', icmp(3, 4, 600, ip('$PMA1', '$HA', udp(4434, 434), total=1400)[:28]), proto=1))"
py ha "send_ip(ip('$HA', '$PMA1', icmp(3, 4, 600, ip('$PMA1', '$HA', udp(434, 435), total=1400)[:28]), proto=1))"
pings dev $CN 1 > /dev/null
tap_is "an error about other ports isn't ours" "$(peer pma1 errors)" "$before"

tap_stage "through a NAT"
nat_to()	# PORT
{
	n nat nft "table ip n { chain p { type nat hook postrouting priority 100; udp dport 434 masquerade to :$1; }; }"
}
namespace nat pma3 dev4
tap_check "an access router behind it" eval "
	wire nat core core nat && ip -n core link set dev nat master br && ip -n nat address add $NAT/24 dev core &&
	n nat sysctl -qw net.ipv4.ip_forward=1 && wire nat in pma3 core && ip -n nat address add 172.16.0.1/24 dev in &&
	ip -n pma3 address add $BEHIND/24 dev core && ip -n pma3 route add default via 172.16.0.1 &&
	wire pma3 port dev4 eth0 && device dev4 eth0 02:00:00:00:00:08 10.0.0.8 && mip4_link pma3 $BEHIND &&
	ip -n pma3 link set dev port master mip0 &&
	nat_to 20434 &&
	ctl ha binding add dev mip0 home 10.0.0.8 peer $NAT encap udp peer-port 20434 &&
	ctl pma3 binding add dev mip0 home 10.0.0.8 port port mac 02:00:00:00:00:08 gateway $HOME_GW/24 peer $HA \
		encap udp &&
	hold pma3"
tap_check "dev4 pings cn" pings dev4 $CN
tap_check "cn pings dev4" pings cn 10.0.0.8
tap_check "TCP from dev4 to cn" tcp dev4 cn $CN
tap_check "TCP from cn to dev4" tcp cn dev4 10.0.0.8
tap_check "large ones without DF" eval "ping_size dev4 5000 $CN -M dont && ping_size cn 5000 10.0.0.8 -M dont"
tap_check "dev4 pings dev" pings dev4 $DEV_IP
release ha
tap_check "an agent listens" up ha
n nat nft flush ruleset
nat_to 20435
tap_check "the NAT forgets: nothing passes" eval "n nat conntrack -F && ! pings dev4 $CN 1"
tap_check "the agent hears of it" tap_wait 5 "a message" grep -q "^$NAT:20435 0404000045" /tmp/up
tap_check "and moves the leg" ctl ha binding set dev mip0 home 10.0.0.8 peer $NAT encap udp peer-port 20435
tap_check "cn pings dev4" pings cn 10.0.0.8
tap_check "dev4 pings cn" pings dev4 $CN

tap_stage "the end"
spawn dev python3 "$PACKETS" "flood('eth0', eth('$DEV_MAC', '$gw', ip('$DEV_IP', '$CN', $IN)), .0002)"
spawn cn ping -q -n -i 0.002 $DEV_IP > /dev/null
listen pma1 /tmp/events binding
tap_check "the access router's link goes under traffic" goes pma1 mip0
tap_is "its process goes on" "$(kill -0 "$(< /tmp/holder-pma1)" && echo yes)" yes
spawn dev ping -q -n -i 0.002 $HOME_GW > /dev/null
tap_check "the module goes under traffic, with sockets open" eval "tap_wait 15 'unused module' rmmod mip4"
tap_check "what was a leg's is passed up now, like all" eval "
	py pma1 \"send_ip(ip('$PMA1', '$HA', udp(434, 434, tunnel_data($INNER))))\" &&
	tap_wait 5 'it at the process' grep -q '^$PMA1:434 04040000' /tmp/up"
tap_check "the module comes back" load
tap_end
