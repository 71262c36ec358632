#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Bad input is refused with the reason, names what is wrong, and changes nothing.
# timeout: 600

. "$(dirname "$0")/lib.sh"

LEG="peer $PMA1 key 0x2005 okey 0x1005"
HOME5="home $DEV_IP"

state()
{
	ctl ha -j binding show
	ctl pma1 -j binding show
	ip -n ha -d -j link show mip0
	ip -n pma1 -d -j link show mip0
	ctl pma1 -j port show
}

bad_ha()
{
	local desc=$1 regex=$2

	shift 2
	refused "$desc" "$regex" ctl ha binding add dev mip0 "$@"
}

bad_pma()
{
	local desc=$1 regex=$2

	shift 2
	refused "$desc" "$regex" ctl pma1 binding add dev mip0 "$@"
}

tap_check "module, routers, devices" eval "load && topology && bind_ha $PMA1 && bind_pma pma1"
ip -n pma1 link add name macv0 type veth peer name macv1
ip -n pma1 link add name sub link macv0 type macvlan
ip -n pma1 link add name sw type bridge
ip -n pma1 link add name p2 type veth peer name p3
ip -n pma1 link set dev p2 master sw
before=$(state)

tap_stage "links"
refused "no local address" "local" ip -n ha link add mip9 type mip4
refused "local is multicast" "unicast" ctl ha link add mip9 local 224.0.0.1
refused "local is zero" "unicast" ctl ha link add mip9 local 0.0.0.0
refused "an unknown encapsulation" "encap" ctl ha link add mip9 local $HA encap sit
refused "a multicast gateway MAC" "gwmac must" ctl ha link add mip9 local $HA gwmac 01:00:00:00:00:01
refused "a zero gateway MAC" "gwmac must" ctl ha link add mip9 local $HA gwmac 00:00:00:00:00:00
refused "an underlay that isn't there" "nothere|no such" ctl ha link add mip9 local $HA link nothere
refused "TOS with ECN bits" "ECN" ctl ha link add mip9 local $HA tos 3
refused "another local address under bindings" "local can't change" ctl ha link set mip0 local 192.0.2.77
refused "another realm under bindings" "realm can't change" ctl ha link set mip0 realm 7

tap_stage "ports"
refused "loopback" "Ethernet" ip -n pma1 link set dev lo master mip0
refused "another mip4 device" "mip4 device" eval "
	ctl pma1 link add mip1 local $PMA1 && ip -n pma1 link set dev mip1 master mip0"
ip -n pma1 link del dev mip1
refused "a port of a bridge" "already enslaved to sw|busy|master" ctl pma1 port add p2 dev mip0
refused "the lower device of a macvlan" "already taken" ip -n pma1 link set dev macv0 master mip0
refused "a binding at a port of nobody" "not a port" ctl pma1 binding add dev mip0 home 10.0.0.6 port p3 \
	mac 02:00:00:00:00:06 peer $HA key 1 okey 1
refused "a port policy that isn't" "unknown" ctl pma1 port set port unknown perhaps
refused "the policy of a device that is no port" "not a port" ctl pma1 port set p3 unknown drop

tap_stage "bindings"
bad_ha "the same address" "home address already used by binding [0-9]+ of mip0" $HOME5 $LEG
bad_ha "a tunnel in use, as a second address asks for the same key: fine, the inner address differs" \
	"home address already" $HOME5 peer $PMA1 key 9 okey 9
bad_pma "the same MAC" "MAC already used by binding [0-9]+ of mip0" home 10.0.0.6 port port mac $DEV_MAC \
	peer $HA key 1 okey 1
refused "a demux tuple in use, from another link" "already used by binding [0-9]+ of mip0" eval "
	ctl ha link add mip1 local $HA realm 1 && ctl ha binding add dev mip1 $HOME5 $LEG"
tap_check "leaves the address free" ctl ha binding add dev mip1 $HOME5 peer $PMA1 key 9 okey 9
ip -n ha link del dev mip1
bad_ha "a second active leg" "only one leg can be active.*$PMA2" home 10.0.0.6 $LEG leg peer $PMA2 key 1 okey 1
bad_ha "the same tunnel twice" "same tunnel" home 10.0.0.6 $LEG leg $LEG state copy
bad_ha "a prefix without a home address" "needs an IPv4 host address" home 10.0.8.0/24 $LEG
bad_ha "a prefix with host bits" "host bits" home 10.0.8.1/24 $LEG
bad_ha "an IPv6 address alone" "home" prefix 2001:db8::1 $LEG
bad_ha "an IPv6 home address" "IPv4" home 2001:db8::1 $LEG
bad_ha "an IPv6 prefix with host bits" "host bits" home 10.0.0.6 prefix 2001:db8::1/64 $LEG
bad_ha "a link-local address" "unicast" home 10.0.0.6 prefix fe80::1 $LEG
bad_ha "an IPv6 multicast address" "unicast" home 10.0.0.6 prefix ff0e::1 $LEG
bad_ha "a leg that only copies" "needs an active one" home 10.0.0.6 $LEG state copy
bad_ha "a leg that returns where no device was" "on a port" home 10.0.0.6 $LEG state return
bad_ha "an end of the active leg" "give the binding one" home 10.0.0.6 $LEG for 2s
bad_ha "no address" "home|ADDRS|address" $LEG
bad_ha "no peer" "peer|PEER|leg|LEGS" home 10.0.0.6
bad_ha "a multicast home address" "unicast" home 224.0.0.5 $LEG
bad_ha "home address 0.0.0.0" "unicast" home 0.0.0.0 $LEG
bad_ha "a multicast peer" "unicast" home 10.0.0.6 peer 224.0.0.5
bad_ha "a peer that is this end" "same address" home 10.0.0.6 peer $HA
bad_ha "a home address at the tunnel's own end" "end of its own tunnel" home $PMA1 $LEG
bad_ha "one key without the other" "both keys|okey|key" home 10.0.0.6 peer $PMA1 key 1
bad_ha "keys without GRE" "GRE" home 10.0.0.6 peer $PMA1 encap ipip key 1 okey 1
bad_ha "a routed binding in another realm" "realm" home 10.0.0.6 realm 9 $LEG
bad_pma "a multicast MAC" "mac must" home 10.0.0.6 port port mac 01:00:00:00:00:06 peer $HA
bad_pma "a zero MAC" "mac must" home 10.0.0.6 port port mac 00:00:00:00:00:00 peer $HA
bad_pma "a MAC without port" "PORT|port" home 10.0.0.6 mac 02:00:00:00:00:06 peer $HA
bad_pma "a port without MAC" "MAC|mac" home 10.0.0.6 port port peer $HA
bad_pma "a gateway that is the device" "gateway" home 10.0.0.6 port port mac 02:00:00:00:00:06 \
	gateway 10.0.0.6 peer $HA
bad_pma "a home prefix of 33 bits" "33|LENGTH|length" home 10.0.0.6 port port mac 02:00:00:00:00:06 \
	gateway 10.0.0.1/33 peer $HA

tap_stage "what isn't there"
refused "deleting no binding" "no such binding" ctl ha binding del dev mip0 home 10.0.0.99
refused "getting no binding" "no such binding" ctl ha binding get dev mip0 id 4711
refused "changing no binding" "no such binding" ctl ha binding set dev mip0 home 10.0.0.99 lifetime 5
refused "no such device" "mip77" ctl ha binding show dev mip77
refused "not a mip4 device" "not a mip4 device|mip4" ctl ha binding add dev core home 10.0.0.6 $LEG
refused "a flush of nothing in particular" "all|REALM|what" ctl ha binding flush dev mip0
refused "a routed binding to a port" "routed|port" ctl ha binding set dev mip0 $HOME5 port core mac 02:00:00:00:00:06

tap_stage "what mipctl would not even send"
# nl WANT-REGEX COMMAND ATTRIBUTE...: to the family itself; see genl.py
nl()
{
	refused "$1" "$2" n "$3" python3 "$(dirname "$0")/genl.py" "${@:4}"
}
ha=$(n ha cat /sys/class/net/mip0/ifindex)
pma=$(n pma1 cat /sys/class/net/mip0/ifindex)
port=$(n pma1 cat /sys/class/net/port/ifindex)
H6="addrs(addr('10.0.0.6'))"
L6="legs(leg(peer='$HA', ikey=6, okey=6))"
nl "a multicast MAC" "MAC must be unicast" pma1 "new($pma, binding($H6, $L6, port($port), mac('01:00:00:00:00:06')))"
nl "a zero MAC" "MAC must be unicast" pma1 "new($pma, binding($H6, $L6, port($port), mac('00:00:00:00:00:00')))"
nl "a MAC of 5 bytes" "size out of range" pma1 "new($pma, binding($H6, $L6, port($port), a(B_MAC, b'12345')))"
nl "an address of 16 bytes" "4 bytes" ha "new($ha, binding(addrs(nest(B_ADDR, a(ADDR_ADDRESS, b'0' * 16))), $L6))"
nl "an IPv6 address of 4 bytes" "16 bytes" ha "new($ha, binding(addrs(nest(B_ADDR, u8(ADDR_FAMILY, 10),
	a(ADDR_ADDRESS, b'0' * 4))), $L6))"
nl "an address of no family" "AF_INET6" ha "new($ha, binding(addrs(nest(B_ADDR, u8(ADDR_FAMILY, 7),
	a(ADDR_ADDRESS, b'0' * 4))), $L6))"
nl "prefix length 129" "between 1 and 128" ha "new($ha, binding(addrs(addr('10.0.0.6'),
	nest(B_ADDR, u8(ADDR_FAMILY, 10), u8(ADDR_PLEN, 129), a(ADDR_ADDRESS, b'0' * 16))), $L6))"
nl "prefix length 40" "between 1 and 32" ha "new($ha, binding(addrs(nest(B_ADDR, u8(ADDR_PLEN, 40),
	a(ADDR_ADDRESS, b'1234'))), $L6))"
nl "a home prefix of 0 bits" "integer out of range" pma1 "new($pma, binding($H6, $L6, u8(B_HOME_PLEN, 0)))"
nl "an empty list of legs" "empty" ha "new($ha, binding($H6, legs()))"
nl "no addresses" "ADDRS is missing" ha "new($ha, binding($L6))"
nl "no legs" "LEGS is missing" ha "new($ha, binding($H6))"
nl "no peer" "PEER is missing" ha "new($ha, binding($H6, legs(leg())))"
nl "an ID for a new binding" "not yours" ha "new($ha, binding(u32(B_ID, 5), $H6, $L6))"
nl "statistics in a request" "nsupported|policy|Unknown|nvalid" ha "new($ha, binding($H6, $L6, nest(B_STATS)))"
nl "an unknown attribute" "nsupported|policy|Unknown|nvalid" ha "new($ha, binding($H6, $L6, u32(200, 1)))"
nl "no device" "IFINDEX" ha "send(BINDING_NEW, binding($H6, $L6))"
nl "no binding" "BINDING is missing" ha "send(BINDING_NEW, u32(A_IFINDEX, $ha))"
nl "two bindings to change" "one BINDING" ha "send(BINDING_SET, u32(A_IFINDEX, $ha), binding(u32(B_ID, 1)),
	binding(u32(B_ID, 1)))"
nl "the same binding twice" "twice" ha "send(BINDING_DEL, u32(A_IFINDEX, $ha), binding(addrs(addr('$DEV_IP'))),
	binding(addrs(addr('$DEV_IP'))))"
nl "a binding by nothing" "which binding" ha "send(BINDING_DEL, u32(A_IFINDEX, $ha), binding(u32(B_REALM, 0)))"
nl "another address for a binding" "no such binding|can't change" ha "send(BINDING_SET, u32(A_IFINDEX, $ha),
	binding(u32(B_ID, 1), addrs(addr('10.0.0.9'))))"
nl "a filter by cookie" "filtered" ha "dump(BINDING_GET, u32(A_IFINDEX, $ha), binding(u64(B_COOKIE, 1)))"
nl "two filters" "one BINDING" ha "dump(BINDING_GET, binding(u32(B_REALM, 0)), binding(u32(B_REALM, 1)))"
nl "a flush of all and some" "contradict" ha \
	"send(BINDING_FLUSH, u32(A_IFINDEX, $ha), a(A_ALL), binding(u32(B_REALM, 1)))"

tap_stage "a limit"
tap_check "can be set" ctl ha link set mip0 limit 1
bad_ha "one more than the limit" "limit of 1" home 10.0.0.6 peer $PMA1 key 6 okey 6
tap_check "and lifted" ctl ha link set mip0 limit none

tap_stage "all or none"
nl "three bindings, the last bad" "home address already used" ha "new($ha, *[binding(addrs(addr('10.0.1.%d' % i)),
	legs(leg('$PMA1', 100 + i, 100 + i))) for i in (1, 2, 1)])"
nl "two deletions, the last bad" "no such binding" ha "send(BINDING_DEL, u32(A_IFINDEX, $ha),
	binding(addrs(addr('$DEV_IP'))), binding(addrs(addr('10.0.1.1'))))"

tap_stage "afterwards"
tap_is "nothing changed" "$(state | jq -S .)" \
	"$(jq -S . <<< "$before")"
tap_check "and packets still pass" pings dev $CN

tap_stage "IPv6 of a packet socket, which needs no IPv6"
dropped=$(drops ha no_binding)
py ha "send('mip0', ip6('2001:db8::1', '2001:db8::2', udp(1, 2)))"
tap_check "for nobody is dropped" tap_wait 10 "a drop" more ha no_binding "$dropped"

tap_stage "without privilege"
refused "making a binding" "permitted" n ha setpriv --reuid 65534 --clear-groups --bounding-set -all \
	"$MIPCTL" binding add dev mip0 home 10.0.0.6 $LEG
tap_check "reading is free" n ha setpriv --reuid 65534 --clear-groups --bounding-set -all "$MIPCTL" binding show

tap_stage "mangled messages"
tap_check "2000 for the home agent do no harm" n ha python3 "$(dirname "$0")/genl.py" "mangle($ha,
	binding(addrs(addr('10.9.9.9')), legs(leg(peer='192.0.2.99', ikey=6, okey=6))), 2000)"
tap_check "nor 2000 for the access router" n pma1 python3 "$(dirname "$0")/genl.py" "mangle($pma,
	binding(addrs(addr('10.9.9.9')), legs(leg(peer='192.0.2.99', ikey=6, okey=6)), port($port),
	mac('02:00:00:00:09:09'), u32(B_LIFETIME, 9)), 2000)"
tap_check "bindings are as before, for packets" pings dev $CN
tap_end
