#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Several legs of one binding: their list as netlink and mipctl have it, copies, ends, flushes, what is refused.
#
#   cn ── ha ══ pma1 ──┐
#            ══ pma2 ── radio ── dev
# timeout: 600

. "$(dirname "$0")/lib.sh"

LEG1="peer $PMA1 key 0x2005 okey 0x1005"
LEG2="peer $PMA2 key 0x2105 okey 0x1105"
HOME5="home $DEV_IP"

# set_ha LEG...: each one word
set_ha()
{
	local list

	printf -v list ' leg %s' "$@"
	# shellcheck disable=SC2086
	ctl ha binding set dev mip0 $HOME5 ${list# leg}
}

# the legs as "peer state" each
legs()
{
	ctl "${1-ha}" -j binding get dev mip0 $HOME5 | jq -r '.[0].legs | map(.peer + " " + .state) | join(", ")'
}

peers()
{
	ctl ha -j peer show | jq -c 'map({(.peer): .legs}) | add'
}

# packets to the device that a router delivered
delivered()
{
	ctl "$1" -s -j binding get dev mip0 $HOME5 | jq '.[0].stats.down_packets'
}

# what a router sends back of what comes by the tunnel
returned()
{
	n pma1 cat /sys/class/net/mip0/statistics/tx_packets
}

# from_home_agent SOURCE: twenty packets to the device
from_home_agent()
{
	n ha python3 "$PACKETS" "send('mip0', *[ip('$1', '$DEV_IP', udp(1, 2))] * 20)"
}

tap_check "module, routers, devices" eval "load && topology && bind_ha $PMA1 && bind_pma pma1"
gw=$(n pma1 cat /sys/class/net/port/address)
ip -n dev neighbour replace $HOME_GW lladdr "$gw" dev eth0 nud permanent
listen ha /tmp/log binding

tap_stage "lists"
tap_check "two legs" set_ha "$LEG2 state receive_only for 10m" "$LEG1"
tap_is "the active one is first" "$(legs)" "$PMA1 active, $PMA2 receive_only"
tap_check "what is left of a lifetime is shown" eval "[ \$(ctl ha -j binding get dev mip0 $HOME5 |
	jq '.[0].legs[1].lifetime_ms | . > 500000 and . <= 600000') = true ]"
tap_is "an active one has none" "$(ctl ha -j binding get dev mip0 $HOME5 | jq '.[0].legs[0].lifetime_ms')" null
tap_is "a dump has both" "$(ctl ha -j binding show | jq -c '[.[].legs | length]')" '[2]'
tap_is "any of them is what a filter finds" "$(ctl ha -j binding show peer $PMA2 | jq length)" 1
tap_is "peers count" "$(peers)" "{\"$PMA1\":1,\"$PMA2\":1}"
tap_check "listeners are told" tap_wait 10 "a notification" grep -q '"set".*receive_only' /tmp/log
tap_check "packets pass" pings dev $CN

tap_stage "what is named again goes on"
spawn dev ping -q -n -c 200 -i 0.01 -W 5 $CN > /tmp/ping
ping=$!
ok=0
for ((i = 0; i < 10; i++)); do
	set_ha "$LEG1" "$LEG2 state receive_only" && set_ha "$LEG2 state pending" "$LEG1" && ok=$((ok + 1))
done
tap_is "20 changes" $ok 10
wait $ping
tap_is "no packet is lost" "$(sed -n 's/.* \([0-9]*\) received.*/\1/p' /tmp/ping)" 200
tap_check "one leg again" set_ha "$LEG1"
tap_is "and one peer" "$(peers)" "{\"$PMA1\":1}"

tap_stage "copies"
tap_check "the second router serves the device too" ctl pma2 binding add dev mip0 $HOME5 port port mac $DEV_MAC \
	peer $HA key 0x1105 okey 0x2105
tap_check "and gets copies" set_ha "$LEG1" "$LEG2 state copy"
before=$(delivered pma1)
tap_check "5 packets to the device" pings cn $DEV_IP 5
tap_is "by the first router" $(($(delivered pma1) - before)) 5
tap_is "and by the second" "$(delivered pma2)" 5
tap_check "replaced" set_ha "$LEG1 state receive_only" "$LEG2"
tap_check "5 more" pings cn $DEV_IP 5
tap_is "not by the first" $(($(delivered pma1) - before)) 5
tap_is "but by the second" "$(delivered pma2)" 10

tap_stage "ends"
tap_check "a leg for half a second" set_ha "$LEG1 state receive_only for 500ms" "$LEG2"
tap_check "goes by itself" tap_wait 20 "one leg" eval '[ "$(legs)" = "'$PMA2' active" ]'
tap_is "with its peer" "$(peers)" "{\"$PMA2\":1}"
tap_check "listeners are told" tap_wait 10 "a notification" eval \
	'tail -n 1 /tmp/log | grep "\"set\"" | tap_grep -v $PMA1'
tap_check "a binding with legs that all end" ctl ha binding add dev mip0 home 10.0.0.6 $LEG1 state receive_only \
	for 200ms leg $LEG2 state pending for 400ms
tap_check "goes with the last" tap_wait 20 "no binding" eval '! ctl ha binding get dev mip0 home 10.0.0.6'
tap_check "as expired" tap_wait 10 "a notification" grep -q '10.0.0.6.*"reason": *"expired"' /tmp/log

tap_stage "many ends"
for ((i = 0; i < 2000; i++)); do
	echo "binding add dev mip0 home 10.1.$((i >> 8)).$((i & 255)) peer $PMA1 key $i okey $i" \
		"leg peer $PMA2 key $i okey $i state receive_only for 1s"
done > /tmp/many
tap_check "2000 bindings with a leg for a second" ctl ha -b /tmp/many
tap_check "keep one each" tap_wait 60 "one leg of $PMA2" eval "[ '$(peers)' != x ] &&
	[ \"\$(peers)\" = '{\"$PMA1\":2000,\"$PMA2\":1}' ]"

tap_stage "flush by peer"
set_ha "$LEG1 state receive_only" "$LEG2"
tap_is "takes legs, or bindings without others" "$(ctl ha -s binding flush dev mip0 peer $PMA1)" "flushed 2001"
tap_is "so that this one stays" "$(legs)" "$PMA2 active"
tap_is "alone" "$(ctl ha -j binding show | jq length)" 1
set_ha "$LEG2" "$LEG1 state copy"
ctl ha binding flush dev mip0 peer $PMA2
tap_is "a copy becomes active" "$(legs)" "$PMA1 active"
tap_check "packets pass" pings dev $CN

tap_stage "what is refused"
ctl ha link add mip1 local $HA realm 1
ctl ha binding add dev mip1 $HOME5 peer $PMA2 key 0x9 okey 0x9
set_ha "$LEG1" "$LEG2 state receive_only"
ha=$(n ha cat /sys/class/net/mip0/ifindex)
before=$(ctl ha -j binding show; ctl ha -j peer show)
refused "two active ones" "only one leg can be active" set_ha "$LEG1" "$LEG2"
refused "a copy of nothing" "needs an active one" set_ha "$LEG1 state copy"
refused "an end of the active one" "give the binding one" set_ha "$LEG1 for 1s"
refused "one tunnel twice" "the same tunnel" set_ha "$LEG1" "peer $PMA1 key 0x2005 okey 7 state copy"
refused "a return where no device was" "on a port" set_ha "$LEG1 state return"
refused "a tunnel that belongs to another, the last of three" "already used by binding [0-9]+ of mip1.*0x9|argument" \
	set_ha "peer $PMA2 key 0x77 okey 0x77" "$LEG1 state copy" "peer $PMA2 key 0x9 okey 0x9 state copy"
refused "nine legs" "at most 8" n ha python3 "$(dirname "$0")/genl.py" "send(BINDING_SET, u32(A_IFINDEX, $ha),
	binding(addrs(addr('$DEV_IP')), legs(*[leg('$PMA2', i, i) for i in range(9)])))"
tap_is "and nothing changed" "$(ctl ha -j binding show; ctl ha -j peer show)" "$before"
ip -n ha link del dev mip1

tap_stage "a device that has left its port"
R1="peer $HA key 0x1005 okey 0x2005 state return"
A1="peer $HA key 0x1005 okey 0x2005"
tap_check "returns" ctl pma1 binding set dev mip0 $HOME5 $R1
tap_is "is on no port" "$(ctl pma1 -j binding show | jq -c '.[0] | [.port, .mac]')" "[null,\"$DEV_MAC\"]"
tap_is "the port knows" "$(ctl pma1 -j port show | jq '.[0].bindings')$(ctl pma1 -j binding show port port)" '0[]'
tap_check "a device that stayed, by the same keys" ctl pma1 binding add dev mip0 home 10.0.0.6 port port \
	mac 02:00:00:00:01:06 $A1
before=$(returned) loop=$(drops pma1 loop)
tap_check "what others sent comes back" eval \
	"from_home_agent $CN && tap_wait 10 returned eval '[ \$(returned) -ge $((before + 20)) ]'"
tap_is "which is no loop" "$(drops pma1 loop)" "$loop"
before=$(returned)
tap_check "what it sent would be taken for new at the other end" eval \
	"from_home_agent 10.0.0.6 && tap_wait 10 drops more pma1 loop $((loop + 19))"
tap_is "and doesn't come back" "$(returned)" "$before"
ctl pma1 binding del dev mip0 home 10.0.0.6
refused "by port and MAC it isn't there" "no such binding" ctl pma1 binding get dev mip0 port port mac $DEV_MAC
refused "a port without legs" "give LEGS" ctl pma1 binding set dev mip0 $HOME5 port port mac $DEV_MAC
refused "legs without a port" "give PORT and MAC" ctl pma1 binding set dev mip0 $HOME5 $A1
refused "return and a port" "on no PORT" ctl pma1 binding set dev mip0 $HOME5 port port mac $DEV_MAC $R1
refused "return by one leg of two" "all legs or by none" ctl pma1 binding set dev mip0 $HOME5 $R1 \
	leg peer $PMA2 encap ipip state receive_only
tap_is "and it returns still" "$(legs pma1)" "$HA return"
tap_check "it comes back" ctl pma1 binding set dev mip0 $HOME5 port port mac $DEV_MAC $A1
ctl pma2 binding flush dev mip0 all
tap_check "and goes on" pings dev $CN

tap_stage "everything goes while legs wait for their end"
for ((i = 0; i < 200; i++)); do
	echo "binding add dev mip0 home 10.2.0.$i peer $PMA1 key $i okey $i state pending" \
		"leg peer $PMA2 key $i okey $i state receive_only for 1h"
done > /tmp/many
tap_check "200 bindings" ctl ha -b /tmp/many
n ha python3 "$PACKETS" "send('mip0', *[ip('$CN', '10.2.0.%d' % i, udp(1, 2)) for i in range(200)])"
tap_check "the link goes, packets waiting" goes ha mip0
tap_end
