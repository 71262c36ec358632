#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Real agents hand a device over under a stream of 1,000 packets/s each way (200 where the guest is emulated). With
# both routers in reach nothing is lost; after a break that the old router sees nothing but what it couldn't return yet;
# after one that nobody sees what was sent until the new router had the device.
#
#   cn ── ha ══ pma1 ──┐               the device picks a router by the MAC that it sends to;
#      10 ms each  pma2 ── radio ── dev   it has a fixed address and no DHCP: its packets attach it
# timeout: 600

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/../kernel/streams.sh"

GAP_MS=60
AWAY_S=8
GRACE_S=4
declare -A gw care_of=([pma1]=$PMA1 [pma2]=$PMA2)

configure()
{
	local ns

	new_key key &&
		cat > "$dir/ha.conf" <<- END &&
			home-agent = true
			handover-grace = ${GRACE_S}000
			network red {
				nai = "*@red.example"  realm = 1  device = mip0  home-agent-address = $HA
				gateway = $HOME_GW  prefix-length = 24  pool = "$DEV_IP-$DEV_IP"
			}
			peer $PMA1 { per-node = true  spi 0x100 { key-file = "$dir/key" } }
			peer $PMA2 { per-node = true  spi 0x100 { key-file = "$dir/key" } }
			device mip0 { local = $HA  addresses = {"$HOME_GW/24"} }
		END
		for ns in pma1 pma2; do
			cat > "$dir/$ns.conf" <<- END || return
				proxy-agent = true
				care-of-address = ${care_of[$ns]}
				away-time = $AWAY_S
				handover-grace = ${GRACE_S}000
				identity "$DEV_MAC" { nai = "%m@red.example" }
				network red {
					nai = "*@red.example"  realm = 1  device = mip0  home-agent-address = $HA
					gateway = $HOME_GW  prefix-length = 24
				}
				peer $HA { gre-key = true  spi 0x100 { key-file = "$dir/key" } }
				device mip0 { local = ${care_of[$ns]}  ports = {port} }
			END
		done
}

# What was lost by a queue that was full, by waiting too long, or because nobody sent it. What one router announces by
# ARP also waits at the other, in vain.
queues()
{
	local ns reason

	for ns in ha pma1 pma2; do
		for reason in hold_full no_leg loop inner_address no_binding; do
			printf '%s' "$(drops $ns $reason) "
		done
	done
	drops ha hold_expired
}

# sends_to ROUTER: the device's choice
sends_to()
{
	ip -n dev neighbour replace $HOME_GW lladdr "${gw[$1]}" dev eth0 nud permanent
}

# served NS: by it alone, and nothing of the last move is left anywhere
served()
{
	local legs

	legs=$(for ns in ha pma1 pma2; do
		ctl $ns -j binding show | jq -r '.[] | .legs[].state'
	done)
	[ "$legs" = $'active\nactive' ] && [ "$(ctl "$1" -j binding show | jq -r '.[].legs[].state')" = active ] &&
		[ "$(agent "$1" show | jq -r '.[].state')" = bound ]
}

legs()
{
	ctl "$1" -j binding show | jq -r '[.[].legs[].state] | sort | join(" ")'
}

# the newest timeline of a router: phases in order, in microseconds from when the device was seen
timeline()
{
	agent "$1" timeline | jq -r '.[-1] | .phases_us as $p |
		[.seen_us, $p.identity, $p.rrq, $p.rrp, $p.binding, $p.first_up] | map(. // -1 | tostring) | join(" ")'
}

in_order()
{
	# shellcheck disable=SC2086
	set -- $1
	[ "$2" -ge 0 ] && [ "$3" -ge "$2" ] && [ "$4" -gt "$3" ] && [ "$5" -ge "$4" ] && [ "$6" -ge "$4" ]
}

tap_check "routers and devices" underlay || tap_end
delays ha pma1 pma2
for ns in pma1 pma2; do
	gw[$ns]=$(n $ns cat /sys/class/net/port/address)
	tap_check "the radio knows $ns" bridge -n radio fdb replace "${gw[$ns]}" dev $ns master static
done
tap_check "configurations" configure
start_agents ha pma1 pma2
sends_to pma1
tap_check "a packet attaches the device" tap_wait 20 "an answer" n dev ping -c 1 -W 1 $CN
tap_check "to pma1" tap_wait 20 "bindings" served pma1 || tap_end
# whatever an agent does for the first time waits for its pages to be read
for to in pma2 pma1; do
	sends_to $to
	tap_check "and can move to $to" tap_wait 20 "packets, and bindings of nobody else" eval \
		"n dev ping -c 1 -W 1 $CN && served $to"
done

tap_stage "make before break"
none=$(queues)
start || tap_fail "streams"
sends_to pma2
tap_check "pma2 serves it" tap_wait 20 "an active leg" eval '[ "$(legs pma2)" = active ]'
tap_check "the home agent still takes what comes by pma1" tap_wait $GRACE_S "a receive-only leg" eval \
	'[ "$(legs ha)" = "active receive_only" ]'
tap_check "which returns what comes" tap_wait $GRACE_S "a returning leg" eval '[ "$(legs pma1)" = return ]'
flows_on
stop
tap_is "up: nothing is lost" "lost $(lost up) twice $(twice up)" "lost 0 twice 0"
tap_is "down: nothing is lost" "lost $(lost down) twice $(twice down)" "lost 0 twice 0"
tap_is "no queue ran over" "$(queues)" "$none"
tap_check "the timeline's phases follow each other" in_order "$(timeline pma2)"
tap_diag "$(cat /tmp/up.sent) packets up, $(cat /tmp/down.sent) down; seen, identity, rrq, rrp, binding, first up:" \
	"$(timeline pma2)"
tap_check "nothing of it stays" tap_wait 20 "plain bindings" served pma2

tap_stage "there and back, and again"
none=$(queues)
start || tap_fail "streams"
# A router that asked less than a second ago may not ask yet (RFC 5944, section 3.6.3), and what it holds meanwhile is
# bounded: the device goes back to none so soon.
declare -A served_ns=([pma1]=0 [pma2]=0)
for to in pma1 pma2 pma1; do
	tap_check "$to may ask again" tap_wait 2 "a second" eval \
		"[ \$((\$(now_ns) - ${served_ns[$to]})) -ge 1000000000 ]"
	sends_to $to
	tap_check "$to serves it" tap_wait 20 "an active leg" eval "legs $to | tap_grep active"
	served_ns[$to]=$(now_ns)
	flows_on
done
stop
tap_is "up: nothing is lost" "lost $(lost up) twice $(twice up)" "lost 0 twice 0"
tap_is "down: nothing is lost" "lost $(lost down) twice $(twice down)" "lost 0 twice 0"
tap_is "no queue ran over" "$(queues)" "$none"
tap_check "nothing of it stays" tap_wait 20 "plain bindings" served pma1

tap_stage "a break that is seen"
none=$(queues)
start || tap_fail "streams"
before=$(drops pma1 port_down)
# out of reach it sends nothing either
kill -STOP $up
ip -n radio link set dev pma1 down
sleep "0.$(printf %03d $GAP_MS)" # that is how long it is
sends_to pma2
kill -CONT $up
tap_check "pma2 serves it" tap_wait 20 "an active leg" eval '[ "$(legs pma2)" = active ]'
flows_on
stop
unseen=$(($(drops pma1 port_down) - before))
tap_is "up: nothing is lost" "lost $(lost up) twice $(twice up)" "lost 0 twice 0"
tap_is "down: nothing is lost but what came before the router had heard of it" \
	"lost $(lost down) twice $(twice down)" "lost $unseen twice 0"
tap_check "it has heard of it" grep -q 'the link of port port went down' "$dir/pma1.log"
tap_check "which is soon" test $unseen -le $((RATE / 10))
tap_is "no queue ran over" "$(queues)" "$none"
tap_diag "$(cat /tmp/up.sent) packets up, $(cat /tmp/down.sent) down," \
	"$unseen of them lost before the link was seen down"
ip -n radio link set dev pma1 up
tap_check "nothing of it stays" tap_wait 20 "plain bindings" served pma2

tap_stage "a break that nobody sees"
none=$(queues)
start || tap_fail "streams"
begin=$(now_ns)
ip -n radio link set dev pma2 nomaster
sleep "0.$(printf %03d $GAP_MS)" # that is how long it is out of reach
sends_to pma1
flows_on
stop
# shellcheck disable=SC2046
set -- $(timeline pma1)
whole_us=$(($1 - begin / 1000 + $5))
tap_check "the timeline's phases follow each other" in_order "$*"
tap_is "nothing comes twice" "$(twice up) $(twice down)" "0 0"
# what was under way to the old router when the break began is lost, too
limit=$((RATE * (whole_us / 1000 + RTT_MS / 2 + 1) / 1000 + 1))
tap_check "down: lost is at most what came until it was served again" test "$(lost down)" -le $limit
limit_up=$((RATE * ($1 - begin / 1000) / 1000000 + 2))
tap_check "up: lost is at most what was sent before it was seen" test "$(lost up)" -le $limit_up
tap_is "no queue ran over" "$(queues)" "$none"
tap_diag "seen after $((($1 - begin / 1000) / 1000)) ms, served $(($5 / 1000)) ms later; lost $(lost up) up" \
	"(limit $limit_up), $(lost down) down (limit $limit)"
ip -n radio link set dev pma2 master br
tap_check "nothing of it stays" tap_wait 20 "plain bindings" served pma1

tap_stage "a link that goes and comes"
none=$(queues)
start || tap_fail "streams"
stands=$(agent ha counters | jq -r '.[0].denied // .denied')
kill -STOP $up
ip -n radio link set dev pma1 down
tap_check "it is away" tap_wait 5 "away" eval '[ "$(agent pma1 show | jq -r ".[].state")" = away ]'
ip -n radio link set dev pma1 up
# it says nothing by itself: it is asked
tap_check "and back before it has sent anything" tap_wait 5 "bound" eval \
	'[ "$(agent pma1 show | jq -r ".[].state")" = bound ]'
kill -CONT $up
flows_on
stop
tap_is "up: nothing is lost" "lost $(lost up) twice $(twice up)" "lost 0 twice 0"
tap_diag "down: lost $(lost down)"
tap_is "its home agent has denied nothing" "$(agent ha counters | jq -r '.[0].denied // .denied')" "$stands"
tap_is "nor revoked it" "$(agent pma1 show | jq -r '.[].state')" bound
tap_check "nothing of it stays" tap_wait 20 "plain bindings" served pma1

tap_stage "a link that goes for good"
ip -n radio link set dev pma1 down
tap_check "it is away" tap_wait 5 "away" eval '[ "$(agent pma1 show | jq -r ".[].state")" = away ]'
kill -KILL "${pid[pma1]}"
wait "${pid[pma1]}" 2> /dev/null
start_agent pma1 || tap_fail "agent pma1 again"
tap_is "also for the agent's next life" "$(agent pma1 show | jq -r '.[].state')" away
tap_check "and deregistered when nobody comes" tap_wait $((AWAY_S + 10)) "nothing bound" eval \
	'[ "$(ctl ha -j binding show)$(ctl pma1 -j binding show)" = "[][]" ]'
tap_end
