#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Two devices with one home address, in two realms, on one port of one access router, at the same time. Both run the
# same 5-tuple; nobody sees a byte of the other.
#
#   cn  ── ha  ══ 192.0.2.1 (realm 0) ══════════════════╗
#                                                      pma1 ── radio ─┬─ dev  10.0.0.5
#   cn2 ── ha2 ══ the same address by GRE key alone, ═══╝             └─ dev2 10.0.0.5
#                 its mip0 above ha's underlay; or its own, 192.0.2.2
# timeout: 600

. "$(dirname "$0")/lib.sh"

MAC2=02:00:00:00:00:52
HA2=192.0.2.2
SWAP=$MIP4_TOP/selftests/kernel/swap.py

second_home()
{
	namespace ha2 cn2 dev2 && wire cn2 eth0 ha2 cn && ip -n ha2 address add 203.0.113.1/24 dev cn &&
		ip -n cn2 address add $CN/24 dev eth0 && ip -n cn2 route add default via 203.0.113.1 &&
		n ha2 sysctl -qw net.ipv4.ip_forward=1 &&
		wire dev2 eth0 radio dev2 && ip -n radio link set dev dev2 master br &&
		device dev2 eth0 $MAC2 $DEV_IP
}

# both: the same 5-tuple at once, TCP from each device to each cn, 2 MB each way
both()
{
	local i d pid pids=()

	for i in "" 2; do
		spawn "cn$i" python3 "$SWAP" listen 7000 /tmp/down$i /tmp/got-up$i
		pids+=($!)
	done
	for i in "" 2; do
		tap_wait 15 "a listener" listening "cn$i" 7000 || return
	done
	for i in "" 2; do
		spawn "dev$i" python3 "$SWAP" connect $CN 7000 7001 /tmp/up$i /tmp/got-down$i
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid" || return
	done
	for d in up down; do
		cmp /tmp/$d /tmp/got-$d && cmp /tmp/${d}2 /tmp/got-${d}2 || return
	done
}

# foreign NS MARK: frames on a device's wire for it that hold the other's payload
foreign()
{
	tcpdump -r "$MIP4_OUT/$1.pcap" -A "$3" 2> /dev/null | grep -c "$2"
}

for i in "" 2; do
	for d in up down; do
		yes "payload-of-device${i:-1}-$d" | head -c 2000000 > "/tmp/$d$i"
	done
done

tap_check "module, routers, devices" eval "load && topology && second_home"
ip -n radio link set dev pma2 down
for ns in dev dev2; do
	spawn $ns tcpdump -i eth0 -Z root -w "$MIP4_OUT/$ns.pcap" -U tcp 2> /tmp/$ns.err
done
tap_wait 15 "tcpdump" eval "grep -q listening /tmp/dev.err && grep -q listening /tmp/dev2.err"
captures=$(jobs -p)

bind_ha $PMA1
tap_check "the first device" bind_pma pma1
# the kernel makes it in ha first (rtnl_newlink()), where a mip0 exists
tap_check "a link in ha2 above ha's underlay" eval "
	ctl ha2 link add mip52 local $HA realm 52 link-netns ha &&
	ip -n ha2 link set dev mip52 name mip0 && ip -n ha2 link set dev mip0 up &&
	ip -n ha2 route add 10.0.0.0/24 dev mip0"
tap_check "the second, same HA address, another key" eval "
	ctl ha2 binding add dev mip0 home $DEV_IP peer $PMA1 key 0x2052 okey 0x1052 &&
	ctl pma1 binding add dev mip0 realm 52 home $DEV_IP port port mac $MAC2 gateway $HOME_GW/24 peer $HA \
		key 0x1052 okey 0x2052"
refused "a third with the second's realm and address" "home address already used" \
	ctl pma1 binding add dev mip0 realm 52 home $DEV_IP port port mac 02:00:00:00:00:53 peer $HA key 1 okey 1
refused "a third with the second's tunnel" "already used by binding" \
	ctl pma1 binding add dev mip0 realm 53 home $DEV_IP port port mac 02:00:00:00:00:53 peer $HA \
	key 0x1052 okey 0x2052
tap_check "ping, first" pings dev $CN
tap_check "ping, second" pings dev2 $CN
# by link-layer address, for nothing else tells them apart: [5944-1.7-4]
sum="both at once with one 5-tuple"
tap_stage "$sum"
if output=$(both 2>&1); then tap_ok "$sum"; else tap_fail "$sum" "$output"; fi

tap_stage "ICMP from inside the tunnels, whose keys tell whom it is for"
n ha sysctl -qw net.ipv4.icmp_ratelimit=0
n ha2 sysctl -qw net.ipv4.icmp_ratelimit=0
# of NS TARGET QUOTE-OF-ONE QUOTE-OF-THE-OTHER: all that can be said about packets of both
of()
{
	py pma2 "send_ip(*errors('$PMA2', '$1', lambda m: ($2 if m != LAST else $3)[:128]))"
}
# tunnel FROM TO KEY SOURCE DESTINATION
tunnel()
{
	echo "ip('$1', '$2', gre(ip('$4', '$5', udp(m, 7, b'x' * 1400), df=1), key=$3), proto=47)"
}
up() { tunnel $PMA1 $HA "$1" $DEV_IP $CN; }
down() { tunnel $HA $PMA1 "$1" $CN $DEV_IP; }
# each side hears LAST alone, if it is its own
tap_is "the first's isn't told of the second's" "$(told dev of $PMA1 "$(up 0x2052)" "$(up 0x2005)")" ""
tap_is "the second's isn't told of the first's" "$(told dev2 of $PMA1 "$(up 0x2005)" "$(up 0x2052)")" ""
tap_is "nor cn" "$(told cn of $HA "$(down 0x1052)" "$(down 0x1005)")" ""
tap_is "nor cn2" "$(told cn2 of $HA "$(down 0x1005)" "$(down 0x1052)")" ""
hears() { told "$1" of "$2" "$3" "$3" | grep -c ' 3/4 1372$'; }
tap_is "but the first" "$(hears dev $PMA1 "$(up 0x2005)")" 1
tap_is "and the second" "$(hears dev2 $PMA1 "$(up 0x2052)")" 1
tap_is "and cn" "$(hears cn $HA "$(down 0x1005)")" 1
tap_is "and cn2" "$(hears cn2 $HA "$(down 0x1052)")" 1
# learned from that: the path is one for both
for pair in "dev $CN" "dev2 $CN" "cn $DEV_IP" "cn2 $DEV_IP"; do
	tap_check "a large packet from ${pair% *} is too big by now" \
		grep -q 'mtu *= *1372' <<< "$(n "${pair% *}" ping -c 1 -W 5 -M "do" -s 1400 "${pair#* }" 2>&1)"
done

# pma1 takes only what has the right outer source: [5944-4.2.3-4]
tap_stage "the second's own HA address"
ip -n ha address add $HA2/24 dev core
# [3024-A.4-7]
tap_check "the leg moves there" eval "
	ctl ha2 binding set dev mip0 realm 52 home $DEV_IP peer $PMA1 local $HA2 key 0x2052 okey 0x1052 &&
	ctl pma1 binding set dev mip0 realm 52 home $DEV_IP peer $HA2 key 0x1005 okey 0x2052 &&
	ctl ha2 binding set dev mip0 realm 52 home $DEV_IP peer $PMA1 local $HA2 key 0x2052 okey 0x1005"
tap_check "ping, second, now with the first's key" pings dev2 $CN
sum="both at once, two HA addresses, one key"
tap_stage "$sum"
if output=$(both 2>&1); then tap_ok "$sum"; else tap_fail "$sum" "$output"; fi

kill $captures
tap_wait 10 "the captures" eval "! ip netns pids dev | xargs -r ps -o comm= -p | tap_grep tcpdump"
tap_check "the captures hold payload" eval "[ \$(foreign dev payload-of-device1 'ether dst $DEV_MAC') -gt 0 ] &&
	[ \$(foreign dev2 payload-of-device2 'ether dst $MAC2') -gt 0 ]"
# [3024-A.4-6]
tap_is "nothing of the second went to the first" "$(foreign dev payload-of-device2 "ether dst $DEV_MAC")" 0
tap_is "nothing of the first went to the second" "$(foreign dev2 payload-of-device1 "ether dst $MAC2")" 0
tap_check "ha's underlay goes, and ha2's link with it" eval "
	ip netns del ha && tap_wait 20 'no mip0' eval '! ip -n ha2 link show mip0'"
tap_end
