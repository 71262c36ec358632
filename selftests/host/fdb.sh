#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Stations that a switch has learned by itself attach before any of their frames gets to the router, at the first router
# and after a move. A bridge without such hardware shows the router all frames, and needs none of this.
#
#   cn ── ha ══ pma1: br0 ── port ──┐
#             ══ pma2: br0 ── port ── radio ── dev

. "$(dirname "$0")/lib.sh"

OTHER_MAC=02:00:00:00:00:06

# configure NS CARE-OF [LINE]
configure()
{
	cat > "$dir/$1.conf" <<- END
		proxy-agent = true
		care-of-address = $2
		identity "02:00:00:00:00:00/ff:ff:ff:ff:ff:00" { nai = "%m@red.example" }
		network red {
			nai = "*@red.example"  realm = 1  device = mip0  home-agent-address = $HA
			gateway = $HOME_GW  prefix-length = 24
		}
		peer $HA { gre-key = true  spi 0x100 { key-file = "$dir/key" } }
		device mip0 { local = $2  gateway-mac = "02:00:5e:00:00:01"  ports = {br0}  ${3-} }
	END
}

home_agent()
{
	cat > "$dir/ha.conf" <<- END
		home-agent = true
		network red {
			nai = "*@red.example"  realm = 1  device = mip0  home-agent-address = $HA
			gateway = $HOME_GW  prefix-length = 24  pool = "$DEV_IP-10.0.0.6"
		}
		peer $PMA1 { per-node = true  spi 0x100 { key-file = "$dir/key" } }
		peer $PMA2 { per-node = true  spi 0x100 { key-file = "$dir/key" } }
		device mip0 { local = $HA  addresses = {"$HOME_GW/24"} }
	END
}

bridge_of()
{
	batch "$1" "link add br0 type bridge" "link set dev port master br0" "link set dev br0 up" &&
		bridge -n "$1" link set dev port isolated on &&
		tap_wait 20 "a member that forwards" forwards "$1" port
}

# learns NS MAC: what a driver tells of its switch
learns()
{
	bridge -n "$1" fdb add "$2" dev port master dynamic extern_learn
}

# trigger NS MAC: of its last handover; served NS MAC: its state and home address
served()
{
	agent "$1" show mac "$2" | jq -r '.[] | "\(.state) \(.home)"'
}

trigger()
{
	agent "$1" timeline mac "$2" | jq -r '.[-1].trigger'
}

tap_check "routers and devices" underlay || tap_end
tap_check "bridges" eval "bridge_of pma1 && bridge_of pma2"
tap_check "configurations" eval "new_key key && home_agent && configure pma1 $PMA1 'fdb-trigger = true' &&
	configure pma2 $PMA2 'fdb-trigger = true'"
start_agents ha pma1 pma2

tap_stage "one router"
ip -n radio link set dev pma2 down
tap_check "a station is learned" learns pma1 $DEV_MAC
tap_check "and served" tap_wait 10 "a registration" eval \
	'[ "$(served pma1 $DEV_MAC)" = "bound $DEV_IP" ]'
tap_is "by that trigger" "$(trigger pma1 $DEV_MAC)" fdb
tap_check "it has what to say" tap_wait 10 "a reply" n dev ping -c 1 -W 1 $CN

tap_stage "another router"
ip -n radio link set dev pma1 down
hears pma2
tap_check "the station is learned" learns pma2 $DEV_MAC
tap_check "and served" tap_wait 10 "a registration" eval \
	'[ "$(served pma2 $DEV_MAC)" = "bound $DEV_IP" ]'
tap_is "by that trigger" "$(trigger pma2 $DEV_MAC)" fdb
tap_check "and found" pings cn $DEV_IP

tap_stage "where nobody asked for it"
configure pma2 $PMA2
kill -HUP "${pid[pma2]}"
tap_check "the configuration is read again" tap_wait 10 "a word" grep -q "read again" "$dir/pma2.log"
tap_check "a station is learned" learns pma2 $OTHER_MAC
py dev "send('eth0', arp_frame(1, '$OTHER_MAC', '10.0.0.6', '$HOME_GW', src='$OTHER_MAC'))"
tap_check "and attaches by what it says" tap_wait 10 "a registration" eval \
	'[ "$(served pma2 $OTHER_MAC)" = "bound 10.0.0.6" ]'
tap_is "by that trigger" "$(trigger pma2 $OTHER_MAC)" arp
tap_end
