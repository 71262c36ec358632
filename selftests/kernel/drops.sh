#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Each drop reason of uapi/linux/mip4.h: packets that are made for it move its counter and no other, and
# Documentation/drops.md explains it.
#
#   cn ── ha ══ pma1 ── dev
#
# A new reason needs a reach_REASON here and a row there.
# timeout: 600

. "$(dirname "$0")/lib.sh"

FAIL=/sys/kernel/debug/failslab
OTHER=02:00:00:00:00:77
# what a drop leaks shows among so many: of a single packet a stack may still have the address when leaks are looked for
MANY=20
# where it is dropped, if not at pma1
declare -A at=([no_binding]=ha [inner_address]=ha [bad_inner]=ha [bad_checksum]=ha [ecn]=ha [policy]=ha)
# what has to follow from it
declare -A also=([hold_full]=hold_expired)

tap_cleanup()
{
	[ ! -d $FAIL ] || echo 0 > $FAIL/probability
	end_namespaces
}

# from_dev PACKET [ETHERTYPE]: IPv4 unless said otherwise
from_dev()
{
	py dev "send('eth0', *[eth('$DEV_MAC', '$gw', $1, ${2:-0x0800})] * $MANY)"
}

from_other()
{
	py dev "send('eth0', *[eth('$OTHER', '$gw', $1)] * ${2:-$MANY})"
}

GOOD="ip('$DEV_IP', '$CN', udp(1, 2))"

# to_ha GRE-PACKET [FIELD OF THE OUTER HEADER]
to_ha()
{
	py pma1 "send_ip(*[ip('$PMA1', '$HA', $1, proto=47${2:+, $2})] * $MANY)"
}

# route ROUTE...: a packet while pma1's route to the home agent is that
route()
{
	ip -n pma1 route add "$@" && from_dev "$GOOD" && ip -n pma1 route del "$@"
}

none_held()
{
	[ "$(ctl pma1 -s -j port show port | jq '.[0].held')" = 0 ]
}

reach_no_binding() { py cn "send_ip(*[ip('$CN', '10.0.0.66', udp(1, 2))] * $MANY)"; }
reach_spoofed_source() { from_dev "ip('0.0.0.0', '$CN', udp(1, 2))"; }
reach_inner_address() { to_ha "gre(ip('10.0.0.66', '$CN', udp(1, 2)), key=0x2005)"; }
reach_bad_inner() { to_ha "gre(ip('$DEV_IP', '$CN', udp(1, 2), total=999), key=0x2005)"; }
reach_bad_checksum() { to_ha "gre($GOOD, key=0x2005, csum=False)"; }
reach_ecn() { to_ha "gre($GOOD, key=0x2005)" tos=3; }
reach_policy()
{
	n ha ip xfrm policy add dir in src $PMA1/32 dst $HA/32 proto 47 action block &&
		to_ha "gre($GOOD, key=0x2005)" && n ha ip xfrm policy flush
}
reach_ttl() { from_dev "ip('$DEV_IP', '$CN', udp(1, 2), ttl=1)"; }
reach_too_big() { from_dev "ip('$DEV_IP', '$CN', udp(1, 2, b'x' * 1460), df=1)"; }
reach_no_route() { route unreachable $HA/32; }
reach_loop() { route $HA/32 dev mip0; }
reach_no_memory()
{
	# what can't wait for memory gets none; an answer to ARP is all that this needs
	echo 0 > $FAIL/verbose
	echo N > $FAIL/task-filter
	echo -1 > $FAIL/times
	echo Y > $FAIL/ignore-gfp-wait
	echo 100 > $FAIL/probability
	py dev "send('eth0', *[arp_frame(1, '$DEV_MAC', '$DEV_IP', '$HOME_GW', dst='$gw')] * $MANY)"
	local status=$?
	echo 0 > $FAIL/probability
	return $status
}
reach_port_down()
{
	ip -n pma1 link set dev mip0 down && from_dev "$GOOD" && ip -n pma1 link set dev mip0 up
}
reach_multicast()
{
	py dev "send('eth0', *[eth('$DEV_MAC', '01:00:5e:00:00:fb', ip('$DEV_IP', '224.0.0.251', udp(5353, 5353))),
		eth('$DEV_MAC', BROADCAST, ip('$DEV_IP', '255.255.255.255', udp(9, 9)))] * $MANY)"
}
reach_protocol() { from_dev "b'\\x60' + b'\\0' * 60" 0x86dd; }
# an announcement
reach_arp() { py dev "send('eth0', *[arp_frame(1, '$DEV_MAC', '$DEV_IP', '$DEV_IP')] * $MANY)"; }
reach_unknown_device()
{
	ctl pma1 port set port unknown drop && from_other "ip('10.0.0.77', '$CN', udp(1, 2))" &&
		ctl pma1 port set port unknown hold
}
reach_hold_full() { from_other "ip('10.0.0.77', '$CN', udp(1, 2))" 40 && tap_wait 20 "an empty hold" none_held; }
reach_hold_expired() { from_other "ip('10.0.0.77', '$CN', udp(1, 2))" 10; }
reach_bad_frame() { from_other "ip('10.0.0.77', '$CN', udp(1, 2), total=999)"; }

# leg STATE: pma1's only one
leg()
{
	ctl pma1 binding set dev mip0 home $DEV_IP peer $HA key 0x1005 okey 0x2005 state "$1"
}

# neighbour discovery of a device with an IPv6 address, to all routers
reach_nd()
{
	ctl pma1 binding set dev mip0 home $DEV_IP prefix 2001:db8:1::5 &&
		from_dev "ip6('fe80::5', 'ff02::2', b'\x85' + b'\0' * 7, proto=58, hops=255)" 0x86dd &&
		ctl pma1 binding set dev mip0 id "$(ctl pma1 -j binding get dev mip0 home $DEV_IP | jq '.[0].id')" \
			home $DEV_IP
}

# no process has one
reach_no_socket()
{
	ctl pma1 binding set dev mip0 home $DEV_IP peer $HA encap udp && from_dev "$GOOD" && leg active
}

reach_no_leg() { leg receive_only && from_dev "$GOOD" && leg active; }

counters()
{
	n "$1" ethtool -S mip0
}

# moved NS FILE: the counters that are others than in FILE
moved()
{
	counters "$1" | diff "$2" - | sed -n 's/^> *drop_\([a-z_]*\): .*/\1/p' | sort
}

reach()	# REASON
{
	local ns=${at[$1]-pma1} want

	counters "$ns" > /tmp/before
	"reach_$1" && tap_wait 10 "a packet dropped for it" more "$ns" "$1" \
		"$(awk -v name="drop_$1:" '$1 == name { print $2 }' /tmp/before)" || return
	want=$(printf '%s\n' "$1" ${also[$1]-} | sort)
	tap_wait 10 "nothing else" eval "[ \"\$(moved $ns /tmp/before)\" = '$want' ]" && return
	echo "moved: $(moved "$ns" /tmp/before)"
	return 1
}

# elsewhere REASON: tests that go into its details, by the manual; do they name it?
elsewhere()
{
	local test

	for test in $(awk -F ' *[|] *' -v name="\`$1\`" '$2 == name { gsub(/[`,]/, ""); print $5 }' "$manual"); do
		grep -qwE "$1|MIP4_DROP_${1^^}" "$MIP4_TOP/selftests/$test" || { echo "$test doesn't"; return 1; }
	done
}

manual=$MIP4_TOP/Documentation/drops.md
names=$(sed -n 's/^\tx([A-Z_]*, "\([a-z_]*\)").*/\1/p' "$MIP4_TOP/uapi/linux/mip4.h")
tap_check "there are reasons" test "$(wc -w <<< "$names")" -gt 10
tap_check "module, routers, devices" eval "load && topology && bind_ha $PMA1 && bind_pma pma1"
ip -n radio link set dev pma2 down
gw=$(n pma1 cat /sys/class/net/port/address)
# the device's own stack shall not ask for it
n dev ip neighbour replace $HOME_GW lladdr "$gw" dev eth0 nud permanent
tap_is "ethtool shows them in the header's order" "$(counters pma1 | sed -n 's/^ *drop_\([a-z_]*\): .*/\1/p')" "$names"
tap_is "the manual explains them in the same" "$(sed -n 's/^| `\([a-z_]*\)` |.*/\1/p' "$manual")" "$names"
tap_check "packets pass" pings dev $CN

tap_stage "each"
for reason in $names; do
	if ! declare -F "reach_$reason" > /dev/null; then
		tap_fail "$reason" "no packet is made for it: add reach_$reason to $0"
	elif [ $reason = no_memory ] && [ ! -d $FAIL ] && [[ ${KERNEL-} != *debug ]]; then
		tap_skip "$reason" "no fault injection in this kernel"
	else
		tap_check "$reason" reach $reason
	fi
	tap_check "$reason: what the manual says of other tests" elsewhere $reason
done

tap_stage "the sums"
for ns in ha pma1; do
	tap_is "$ns: the link has them all, too" \
		"$(ip -n $ns -s -j link show mip0 | jq '.[0].stats64 | .rx.dropped + .tx.dropped')" \
		"$(counters $ns | awk '/drop_/ { sum += $2 } END { print sum }')"
done
tap_check "those of a binding are its own, too" eval \
	"[ \"\$(ctl pma1 -s -j binding get dev mip0 home $DEV_IP | jq '.[0].stats.drops')\" -ge 9 ]"
tap_check "packets pass as before" pings dev $CN
tap_end
