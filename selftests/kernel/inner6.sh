#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# IPv6 inside: a device with an IPv6 address and a LAN behind it, through each encapsulation. The access routers have no
# IPv6 of their own; neighbour discovery, hop limits, packet too big; sit and ip_gre as neighbours and as the other end.
#
#   2001:db8:ff::2                                          fe80::… of the port's MAC
#   cn ── ha ══ pma1 ──┐
#            ══ pma2 ── radio ── dev ──lan── host
#         2001:db8:1::/48        2001:db8:1::5  2001:db8:1:2::7
# timeout: 600

. "$(dirname "$0")/lib.sh"

[ -d /proc/sys/net/ipv6/conf ] || {
	echo "1..0 # SKIP the kernel runs without IPv6"
	exit 4
}

CN6=2001:db8:ff::2 DEV6=2001:db8:1::5 LAN6=2001:db8:1:2::/64 HOST6=2001:db8:1:2::7
PREFIXES="prefix $DEV6 prefix $LAN6"
DEV_CFG="home $DEV_IP $PREFIXES"

six()
{
	local ns

	for ns in "$@"; do
		n "$ns" sysctl -qw net.ipv6.conf.default.disable_ipv6=0 net.ipv6.conf.all.disable_ipv6=0 \
			net.ipv6.conf.all.accept_ra=0 net.ipv6.conf.default.accept_ra=0
	done
}

forwards()
{
	n "$1" sysctl -qw net.ipv6.conf.all.forwarding=1
}

# link_local NS DEV: of its MAC
link_local()
{
	local m

	IFS=: read -r -a m < <(n "$1" cat "/sys/class/net/$2/address")
	printf 'fe80::%x%s:%sff:fe%s:%s%s\n' $((0x${m[0]} ^ 2)) "${m[@]:1}"
}

# tentative NS DEV: does it still ask whether an address is free?
tentative()
{
	ip -n "$1" -6 address show dev "$2" tentative | tap_grep inet6
}

topology6()
{
	namespace host && six cn ha dev host && wire dev lan host eth0 && forwards dev && forwards ha &&
		ip -n cn address add $CN6/64 dev eth0 nodad && ip -n ha address add 2001:db8:ff::1/64 dev cn nodad &&
		ip -n cn route add default via 2001:db8:ff::1 &&
		ip -n dev address add 2001:db8:1:2::1/64 dev lan nodad &&
		ip -n host address add $HOST6/64 dev eth0 nodad &&
		ip -n host route add default via 2001:db8:1:2::1 && ip -n ha route add 2001:db8:1::/48 dev mip0
}

# route6 NS: the device's default route, by the address that its access router should have
route6()
{
	ip -n dev route replace default via "$(link_local "$1" port)" dev eth0
}

pings6()
{
	n "$1" ping -6 -q -n -c "${3:-3}" -i 0.05 -W 2 "$2"
}

# tcp6 FROM TO ADDRESS: /tmp/payload
tcp6()
{
	local listener

	spawn "$2" socat -u TCP6-LISTEN:5001,reuseaddr CREATE:/tmp/received
	listener=$!
	tap_wait 10 "a listener" listening "$2" 5001 && n "$1" socat -u OPEN:/tmp/payload "TCP6:[$3]:5001" &&
		wait "$listener" && cmp /tmp/payload /tmp/received
}

# large ROUTER FROM TO ADDRESS: TCP, that leaves the router in packets larger than a wire carries
large()
{
	local -A source=([ha]=$HA [pma1]=$PMA1)
	local dump status

	spawn "$1" tcpdump -n -i core -c 5 "src host ${source[$1]} and greater 3000" > /tmp/large 2> /tmp/large.err
	dump=$!
	tap_wait 10 tcpdump grep -q listening /tmp/large.err
	tcp6 "${@:2}"
	status=$?
	tap_wait 10 "5 large packets" eval "! kill -0 $dump" && return $status
}

# tunnels SENDER on|off: does its underlay cut what is in a tunnel?
tunnels()
{
	n "$1" ethtool -K core tx-gre-segmentation "$2" tx-gre-csum-segmentation "$2" tx-ipxip4-segmentation "$2" \
		tx-udp_tnl-segmentation "$2" tx-udp_tnl-csum-segmentation "$2"
}

# cut SENDER FROM TO ADDRESS: by Linux, then; what it can't cut it drops as the underlay's, and TCP sends it in pieces
cut()
{
	local dropped=/sys/class/net/core/statistics/tx_dropped before status

	before=$(n "$1" cat $dropped)
	tunnels "$1" off && tcp6 "${@:2}"
	status=$?
	tunnels "$1" on && [ $status = 0 ] && [ "$(n "$1" cat $dropped)" = "$before" ]
}

# packets down to the device at pma2
down()
{
	ctl pma2 -s -j binding get dev mip0 home $DEV_IP | jq '.[0].stats.down_packets'
}

# what anybody has learnt about the size of packets
forget()
{
	local ns

	for ns in dev host cn ha pma1; do
		ip -n $ns route flush cache
		ip -n $ns -6 route flush cache
	done
}

# error6 DESC REGEX NS ARG...: ping's words about an ICMPv6 error
error6()
{
	local output desc=$1 regex=$2 ns=$3

	shift 3
	tap_stage "$desc"
	output=$(n "$ns" ping -6 -n -c 1 -W 2 "$@" 2>&1)
	if [[ $output =~ $regex ]]; then tap_ok "$desc"; else tap_fail "$desc" "$output"; fi
}

head -c 3000000 /dev/urandom > /tmp/payload
tap_check "module, routers, devices" eval "load && topology && topology6"
ip -n radio link set dev pma2 down

tap_stage "neighbour discovery"
tap_check "bindings" eval "ctl ha binding add dev mip0 $DEV_CFG peer $PMA1 key 0x2005 okey 0x1005 &&
	ctl pma1 binding add dev mip0 $DEV_CFG port port mac $DEV_MAC gateway $HOME_GW/24 peer $HA \
		key 0x1005 okey 0x2005"
before=$(drops pma1 nd)
tap_check "the device takes its address" ip -n dev address add $DEV6/128 dev eth0
tap_check "and asks whether it is free" tap_wait 10 "a drop" more pma1 nd "$before"
tap_wait 10 "an address" eval '! tentative dev eth0'
tap_is "nobody has it" "$(ip -n dev -6 address show dev eth0 dadfailed)" ""
route6 pma1
tap_check "finds its gateway" pings6 dev $CN6
tap_is "by the port's MAC, which is a router's" "$(ip -n dev -6 neighbour show dev eth0 |
	sed -n 's/^fe80.* lladdr \([^ ]*\) router .*/\1/p')" "$(n pma1 cat /sys/class/net/port/address)"
tap_is "pma1 has no IPv6 itself" "$(ip -n pma1 -6 address show)" ""
ctl pma1 link set mip0 arp off
ip -n dev neighbour flush all
tap_check "not where that is off" eval "! pings6 dev $CN6 1"
ctl pma1 link set mip0 arp gateway
ip -n dev neighbour flush all
tap_check "again" pings6 dev $CN6
ip -n dev route add 2001:db8:1:9::9 dev eth0
before=$(drops pma1 nd)
n dev ping -6 -q -c 1 -W 1 2001:db8:1:9::9 > /dev/null
tap_check "a neighbour that isn't the gateway" tap_wait 10 "a drop" more pma1 nd "$before"
ctl pma1 link set mip0 arp all
tap_check "is answered for by arp all" eval "
	pings6 dev 2001:db8:1:9::9 1
	ip -n dev neighbour show 2001:db8:1:9::9 dev eth0 | tap_grep $(n pma1 cat /sys/class/net/port/address)"

tap_check "sockets for UDP" eval "hold ha && hold pma1"
for leg in "gre 0x1005 0x2005" gre ipip minimal udp; do
	read -r encap k1 k2 <<< "$leg"
	tap_stage "$leg"
	tap_check "$encap${k1:+ with keys}" eval "
		ctl ha binding set dev mip0 home $DEV_IP peer $PMA1 encap $encap ${k1:+key $k2 okey $k1} &&
		ctl pma1 binding set dev mip0 home $DEV_IP peer $HA encap $encap ${k1:+key $k1 okey $k2}"
	tap_check "from the device" pings6 dev $CN6
	tap_check "to the device" pings6 cn $DEV6
	tap_check "from the LAN" pings6 host $CN6
	tap_check "to the LAN" pings6 cn $HOST6
	tap_check "IPv4 still" pings dev $CN
	if [ $encap = minimal ]; then
		tap_check "TCP up" tcp6 dev cn $CN6
		tap_check "TCP down" tcp6 cn dev $DEV6
		continue
	fi
	tap_check "TCP up, cut only by the wire" large pma1 dev cn $CN6
	tap_check "TCP down, cut only by the wire" large ha cn dev $DEV6
	tap_check "TCP up, cut by the access router" cut pma1 dev cn $CN6
	tap_check "TCP down, cut by the home agent" cut ha cn dev $DEV6
	tap_check "TCP, LAN" tcp6 host cn $CN6
done

tap_stage "hop limits"
ctl ha binding set dev mip0 home $DEV_IP peer $PMA1 encap ipip
ctl pma1 binding set dev mip0 home $DEV_IP peer $HA encap ipip
error6 "the access router counts" "From fe80::.* [Tt]ime exceeded" dev -t 1 $CN6
error6 "so does the home agent" "From 2001:db8:.* [Tt]ime exceeded" dev -t 2 $CN6
tap_check "nobody else" n dev ping -6 -q -c 1 -W 2 -t 3 $CN6
tap_check "down, the home agent alone" n cn ping -6 -q -c 1 -W 2 -t 2 $DEV6

tap_stage "packet too big"
ip -n ha link set dev mip0 mtu 1500
forget
error6 "up" "mtu=1480" dev -M "do" -s 1452 $CN6
error6 "up, from the LAN" "mtu=1480" host -M "do" -s 1452 $CN6
error6 "down, into the tunnel" "mtu=1480" cn -M "do" -s 1452 $DEV6
forget
ip -n pma1 link set dev port mtu 1400
error6 "down, out of the port" "From $DEV6.* mtu=1400" cn -M "do" -s 1400 $DEV6
ip -n pma1 link set dev port mtu 1500
forget
ip -n ha link set dev core mtu 1290
ip -n pma1 link set dev core mtu 1290
ip -n core link set dev br mtu 1290
error6 "1280 bytes pass a path that is narrower" " 0% packet loss" cn -M "do" -s 1232 $DEV6
error6 "up too" " 0% packet loss" dev -M "do" -s 1232 $CN6
ip -n ha link set dev core mtu 1500
ip -n pma1 link set dev core mtu 1500
ip -n core link set dev br mtu 1500
forget

tap_stage "what isn't its own"
listen pma1 /tmp/events event
ip -n dev address add 2001:db8:7::7/128 dev eth0 nodad
before=$(drops pma1 spoofed_source)
n dev ping -6 -q -c 1 -W 1 -I 2001:db8:7::7 $CN6 > /dev/null
tap_check "another source is dropped" tap_wait 10 "a drop" more pma1 spoofed_source "$before"
tap_check "and reported" tap_wait 10 "an event" grep -q '"spoof".*"2001:db8:7::7"' /tmp/events
before=$(drops ha no_binding)
tap_check "no binding for it: unreachable" eval "! pings6 cn 2001:db8:1:7::7 1"
tap_check "counted" tap_wait 10 "a drop" more ha no_binding "$before"
tap_is "longest match" "$(ctl ha -j binding show match $HOST6 | jq -r '.[].addresses[0].address')" $DEV_IP
tap_check "another device within the LAN's prefix" ctl ha binding add dev mip0 home 10.0.0.6 prefix 2001:db8:1:2::66 \
	peer $PMA2 key 6 okey 6
before=$(ctl ha -s -j binding get dev mip0 home 10.0.0.6 | jq '.[0].stats.down_packets')
n cn ping -6 -q -c 1 -W 1 2001:db8:1:2::66 > /dev/null
tap_is "has its own packets" "$(ctl ha -s -j binding get dev mip0 home 10.0.0.6 |
	jq '.[0].stats.down_packets')" $((before + 1))
refused "a prefix twice" "already used by binding" ctl ha binding add dev mip0 home 10.0.0.7 prefix $LAN6 peer $PMA2 \
	key 7 okey 7
ctl ha binding del dev mip0 prefix 2001:db8:1:2::66

tap_stage "it moves"
ip -n radio link set dev pma1 down
hears pma2
tap_check "there" eval "
	ctl pma2 binding add dev mip0 $DEV_CFG port port mac $DEV_MAC gateway $HOME_GW/24 peer $HA encap ipip &&
	ctl ha binding set dev mip0 home $DEV_IP peer $PMA2 encap ipip leg peer $PMA1 encap ipip state receive_only"
route6 pma2
tap_check "from the LAN" pings6 host $CN6
tap_check "to the LAN" pings6 cn $HOST6
before=$(down)
tap_check "the old router returns what still comes" ctl pma1 binding set dev mip0 home $DEV_IP peer $HA encap ipip \
	state return
py ha "send_ip(ip('$HA', '$PMA1', ip6('$CN6', '$DEV6', b'x'), proto=41))"
tap_check "and it arrives" tap_wait 10 "a packet down" eval '[ "$(down)" -gt "$before" ]'

tap_stage "the kernel's own tunnels"
six pma1
for kind in sit gre; do
	tap_check "$kind beside ours" eval "
		ip -n ha link add t1 type $kind local $HA remote $PMA2 ttl 64 && ip -n ha link set dev t1 up &&
		ip -n ha address add 2001:db8:9::1/64 dev t1 nodad &&
		six pma2 && ip -n pma2 link add t1 type $kind local $PMA2 remote $HA ttl 64 &&
		ip -n pma2 link set dev t1 up &&
		ip -n pma2 address add 2001:db8:9::2/64 dev t1 nodad"
	tap_check "$kind goes on" pings6 ha 2001:db8:9::2
	tap_check "so do we" pings6 cn $DEV6
	ip -n ha link del dev t1
	ip -n pma2 link del dev t1
done
ctl pma1 binding flush dev mip0 all
for kind in "sit ipip" "gre gre" "gre gre key 0x77 okey 0x77"; do
	read -r type encap keys <<< "$kind"
	tap_check "$type${keys:+ with key} as the other end" eval "
		ctl ha binding add dev mip0 home 10.0.0.99 prefix 2001:db8:1:3::/64 peer $PMA1 encap $encap $keys &&
		ip -n pma1 link add t2 type $type local $PMA1 remote $HA ttl 64 ${keys:+key 0x77} &&
		ip -n pma1 link set dev t2 up &&
		ip -n pma1 address add 2001:db8:1:3::3/64 dev t2 nodad && ip -n pma1 -6 route add default dev t2"
	tap_check "pings" eval "pings6 cn 2001:db8:1:3::3 && pings6 pma1 $CN6"
	tap_check "TCP" eval "tcp6 cn pma1 2001:db8:1:3::3 && tcp6 pma1 cn $CN6"
	ip -n pma1 link del dev t2
	ctl ha binding del dev mip0 home 10.0.0.99
done
tap_end
