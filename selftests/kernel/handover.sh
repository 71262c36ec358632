#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A device goes from one access router to another under a stream of 1,000 packets/s each way (200 where the guest is
# emulated): with both in reach, and out of reach of both for a while, as the first router sees. In both cases no packet
# is lost, and what waits or comes back keeps its order.
#
#   cn ── ha ══ pma1 ──┐               the device picks a router by the MAC that it sends to
#            ══ pma2 ── radio ── dev
# timeout: 600

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/streams.sh"

HOME5="home $DEV_IP"
SERVED="port port mac $DEV_MAC"
KEY1=21 KEY2=22

# none is lost here, and the last one that was sent may not be the last one to come
all_came()
{
	[ "$(lines "$1")" -ge "$(cat "/tmp/$1.sent")" ]
}

told()
{
	echo "lost $(lost "$1") twice $(twice "$1")"
}

# Two streams merged, those before some packet and those from it on: is each of them in order?
two_orders()
{
	awk '{ seq[NR] = $1 } END {
		cut = -1
		least = seq[NR]
		for (i = NR; i > 0; i--) {
			if (seq[i] > least && (cut < 0 || seq[i] < cut))
				cut = seq[i]
			least = seq[i] < least ? seq[i] : least
		}
		for (i = 1; i <= NR; i++) {
			which = cut >= 0 && seq[i] >= cut
			if (seen[which] && seq[i] <= last[which])
				exit 1
			last[which] = seq[i]
			seen[which] = 1
		}
	}' "/tmp/$1"
}

in_order()
{
	awk 'NR > 1 && $1 <= last { exit 1 } { last = $1 }' "/tmp/$1"
}

# nobody lost anything by a queue that was full, or by waiting too long
queues()
{
	local ns reason

	for ns in ha pma1 pma2; do
		for reason in hold_full hold_expired no_leg loop inner_address port_down; do
			printf '%s' "$(drops $ns $reason) "
		done
	done
}

# sends_to ROUTER: the device's choice
sends_to()
{
	ip -n dev neighbour replace $HOME_GW lladdr "${gw[$1]}" dev eth0 nud permanent
}

returned()
{
	n pma2 cat /sys/class/net/mip0/statistics/tx_packets
}

# switch_over HOW FROM TO [PID]
switch_over()
{
	python3 "$(dirname "$0")/handover.py" "$1" ha,$HA,0 "${@:2}"
}

tap_check "module, routers, devices" eval "load && topology"
declare -A gw
for ns in pma1 pma2; do
	gw[$ns]=$(n $ns cat /sys/class/net/port/address)
	tap_check "the radio knows $ns" bridge -n radio fdb replace "${gw[$ns]}" dev $ns master static
done
sends_to pma1
# what passed before there were bindings has nothing to do with it
tap_check "bindings" eval "ctl ha binding add dev mip0 $HOME5 peer $PMA1 key $KEY1 okey $KEY1 && ctl pma1 binding add \
	dev mip0 $HOME5 $SERVED gateway $HOME_GW/24 peer $HA key $KEY1 okey $KEY1 &&
	pings dev $CN 1 && pings cn $DEV_IP 1"
none=$(queues)

tap_stage "make before break"
start || tap_fail "streams"
switch_over make pma1,$PMA1,$KEY1 pma2,$PMA2,$KEY2 > /tmp/switch &
switch=$!
tap_check "the new router has a pending leg" tap_wait 20 "pending" grep -q pending /tmp/switch
sends_to pma2
wait $switch
tap_is "what waited there goes when home agent and router have switched" $? 0
stop
tap_is "up: nothing is lost" "$(told up)" "lost 0 twice 0"
tap_is "down: nothing is lost" "$(told down)" "lost 0 twice 0"
tap_check "up: in order" in_order up
tap_check "down: in order, but where the way changed" two_orders down
tap_is "no queue ran over" "$(queues)" "$none"
tap_diag "$(cat /tmp/up.sent) packets up, $(cat /tmp/down.sent) down, $(tail -n 1 /tmp/switch)"
tap_check "the old leg goes by itself" tap_wait 20 "one leg" eval \
	'[ $(ctl ha -j binding show | jq ".[0].legs | length") = 1 ]'
tap_check "and the old binding" tap_wait 20 "no binding" eval '[ "$(ctl pma1 -j binding show)" = "[]" ]'

tap_stage "a break that is seen"
start || tap_fail "streams"
# out of reach it sends nothing either
kill -STOP $up
sends_to pma1
before=$(returned)
switch_over break pma2,$PMA2,$KEY2 pma1,$PMA1,$KEY1 $up > /tmp/switch
tap_is "what came back and what waited goes when home agent and router have switched" $? 0
after=$(returned)
tap_check "it did come back" test $after -gt $before
stop
tap_is "up: nothing is lost" "$(told up)" "lost 0 twice 0"
tap_is "down: nothing is lost" "$(told down)" "lost 0 twice 0"
tap_check "up: in order" in_order up
tap_check "down: what came back is in order, and what didn't" two_orders down
tap_is "no queue ran over" "$(queues)" "$none"
tap_diag "$(cat /tmp/up.sent) packets up, $(cat /tmp/down.sent) down, $((after - before)) of them returned," \
	"$(cat /tmp/switch)"

tap_stage "a break that nobody mends"
start || tap_fail "streams"
kill -STOP $up
before=$(drops ha hold_full)
tap_check "the router returns what comes" ctl pma1 binding set dev mip0 $HOME5 peer $HA key $KEY1 okey $KEY1 \
	state return
tap_check "what waits is bounded in number" tap_wait 20 "hold_full" more ha hold_full "$before"
before=$(drops ha hold_expired)
tap_check "and in time" tap_wait 20 "hold_expired" more ha hold_expired "$before"
kill -CONT $up
tap_end
