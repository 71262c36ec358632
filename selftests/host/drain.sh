#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Real agents: one home agent takes over from the other, and gives back, under a stream of 1,000 packets/s each way (200
# where the guest is emulated), of which none may be lost. The home prefix is on a real link, where each home agent
# answers for the devices that it has.
#
#   cn 10.0.0.77 ──┐     ┌── ha  ══╗
#                  ├─ lan ┤        ╠══ core ══ pma1 ── radio ── dev 10.0.0.5
#                  │     └── ha2 ══╝  10 ms each
# timeout: 600

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/../kernel/streams.sh"

CN=10.0.0.77
HA2=192.0.2.2
CN_MAC=02:00:00:00:00:77
declare -A address=([ha]=$HA [ha2]=$HA2) home=([ha]=$HOME_GW [ha2]=10.0.0.3) other=([ha]=ha2 [ha2]=ha)

world()
{
	namespace core ha ha2 pma1 radio dev lan cn && switch core && switch radio && switch lan && capture core br &&
		router ha $HA && router ha2 $HA2 && router pma1 $PMA1 &&
		wire pma1 port radio pma1 && wire dev eth0 radio dev && wire ha eth1 lan ha && wire ha2 eth1 lan ha2 &&
		wire cn eth0 lan cn &&
		ip -n radio link set dev pma1 master br && ip -n radio link set dev dev master br &&
		ip -n lan link set dev ha master br && ip -n lan link set dev ha2 master br &&
		ip -n lan link set dev cn master br &&
		device dev eth0 $DEV_MAC $DEV_IP && device cn eth0 $CN_MAC $CN
}

configure()
{
	local ns

	new_key key || return
	for ns in ha ha2; do
		cat > "$dir/$ns.conf" <<- END || return
			home-agent = true
			network red {
				nai = "*@red.example"  realm = 1  device = mip0  gateway = $HOME_GW  prefix-length = 24
				home-agent-address = ${address[$ns]}  other-home-agents = {${address[${other[$ns]}]}}
				pool = "10.0.0.${pool[$ns]}"  other-pool = "10.0.0.${pool[${other[$ns]}]}"
			}
			peer $PMA1 { per-node = true  spi 0x100 { key-file = "$dir/key" } }
			device mip0 { local = ${address[$ns]}  addresses = {"${home[$ns]}/24"}  home-link = eth1 }
		END
	done
	cat > "$dir/pma1.conf" <<- END
		proxy-agent = true
		care-of-address = $PMA1
		identity "$DEV_MAC" { nai = "%m@red.example" }
		network red {
			nai = "*@red.example"  realm = 1  device = mip0  gateway = $HOME_GW  prefix-length = 24
			home-agent-address = $HA  other-home-agents = {$HA2}
		}
		peer $HA { gre-key = true  spi 0x100 { key-file = "$dir/key" } }
		peer $HA2 { gre-key = true  spi 0x100 { key-file = "$dir/key" } }
		device mip0 { local = $PMA1  ports = {port} }
	END
}

# served NS: by that home agent, and by no other
served()
{
	[ "$(ctl "$1" -j binding show | jq -r '.[].addresses[0].address')" = $DEV_IP ] &&
		[ "$(ctl "${other[$1]}" -j binding show)" = "[]" ] &&
		[ "$(agent pma1 show | jq -r '.[] | [.ha, .home, .state] | join(" ")')" = \
			"${address[$1]} $DEV_IP bound" ]
}

# answers_for_it: the MAC of who does on the home link
answers_for_it()
{
	ip -n cn neigh flush dev eth0
	pings cn $DEV_IP > /dev/null
	ip -n cn -j neigh show $DEV_IP | jq -r '.[0].lladdr'
}

moves()
{
	local from=$1 to=${other[$1]}

	tap_stage "from $from to $to"
	start || tap_fail "streams"
	tap_check "$from is drained" agent "$from" drain
	tap_check "$to serves it, with the same address" tap_wait 20 "its binding there, and there alone" served "$to"
	flows_on
	stop
	tap_is "up: nothing is lost" "lost $(lost up) twice $(twice up)" "lost 0 twice 0"
	tap_is "down: nothing is lost" "lost $(lost down) twice $(twice down)" "lost 0 twice 0"
	tap_diag "$(cat /tmp/up.sent) packets up, $(cat /tmp/down.sent) down"
	tap_is "$to answers for it" "$(answers_for_it)" "$(n "$to" cat /sys/class/net/eth1/address)"
	tap_is "$from has nobody left" "$(agent "$from" drains | jq -r '.[0] | [.to, .registrations] | join(" ")')" \
		"${address[$to]} 0"
	tap_check "which is in its log" tap_wait 10 "a line" \
		grep -q 'network red: nobody is registered here any more' "$dir/$from.log"
	tap_check "and is the end of it" agent "$from" drain stop
}

declare -A pool=([ha]=5-10.0.0.9 [ha2]=10-10.0.0.19)
tap_check "routers, a home link" world
delays ha ha2 pma1
tap_check "configurations" configure
start_agents ha ha2 pma1
tap_check "a packet attaches the device" tap_wait 20 "an answer" n dev ping -c 1 -W 1 $CN
tap_check "to the home agent that is configured" tap_wait 20 "bindings" served ha || tap_end
moves ha
moves ha2

tap_stage "who is new while it is drained"
tap_check "ha is drained" agent ha drain to $HA2
tap_check "of all" tap_wait 20 "its binding at ha2" served ha2
tap_check "the device goes" agent pma1 detach mac $DEV_MAC
stop_agent pma1 KILL
start_agent pma1 || tap_fail "agent pma1 again"
tap_check "and comes" tap_wait 20 "an answer" n dev ping -c 1 -W 1 $CN
tap_check "to ha2" served ha2
tap_is "where it was sent" "$(agent ha counters | jq -r '.[0].denied_143')" 3
tap_end
