#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Wi-Fi as it is: hostapd's access points on two access routers, WPA2, and a station that wpa_supplicant moves from one
# to the other, with udhcpc. Association attaches it, and its TCP connection lives on.
#
#   cn ── ha ══ pma1: wlan0 (AP)
#             ══ pma2: wlan1 (AP)   ))) dev: wlan2
# timeout: 600

. "$(dirname "$0")/lib.sh"

modprobe mac80211_hwsim radios=0 2> /dev/null || tap_skip_all "needs mac80211_hwsim"

configure()
{
	local ns

	new_key key || return
	cat > "$dir/ha.conf" <<- END
		home-agent = true
		network red {
			nai = "*@red.example"  realm = 1  device = mip0  home-agent-address = $HA
			gateway = $HOME_GW  prefix-length = 24  pool = "10.0.0.100-10.0.0.200"
		}
		peer $PMA1 { per-node = true  spi 0x100 { key-file = "$dir/key" } }
		peer $PMA2 { per-node = true  spi 0x100 { key-file = "$dir/key" } }
		device mip0 { local = $HA  addresses = {"$HOME_GW/24"} }
	END
	for ns in pma1 pma2; do
		cat > "$dir/$ns.conf" <<- END
			proxy-agent = true
			care-of-address = ${care_of[$ns]}
			identity "02:00:00:00:00:00/ff:ff:00:00:00:00" { nai = "%m@red.example" }
			network red {
				nai = "*@red.example"  realm = 1  device = mip0  home-agent-address = $HA
				gateway = $HOME_GW  prefix-length = 24
			}
			peer $HA { gre-key = true  spi 0x100 { key-file = "$dir/key" } }
			device mip0 {
				local = ${care_of[$ns]}  gateway-mac = "02:00:5e:00:00:01"
				ports = {${ap[$ns]}}  hostapd = {"$dir/$ns/${ap[$ns]}"}
			}
		END
		cat > "$dir/$ns.hostapd" <<- END
			interface=${ap[$ns]}
			ctrl_interface=$dir/$ns
			ssid=mip4
			hw_mode=g
			channel=1
			wpa=2
			wpa_key_mgmt=WPA-PSK
			rsn_pairwise=CCMP
			wpa_passphrase=looks like home
		END
	done
	cat > "$dir/supplicant" <<- END
		ctrl_interface=$dir/dev
		network={
			ssid="mip4"
			psk="looks like home"
			scan_freq=2412
		}
	END
}

# Radios of one namespace hear each other, wherever they are moved to.
radios()
{
	local phy i=0 to=(pma1 pma2 dev)

	python3 "$MIP4_TOP/selftests/host/hwsim.py" 3 || return
	for phy in /sys/class/ieee80211/*; do
		iw phy "${phy##*/}" set netns name "${to[i++]}" || return
	done
	for ns in "${to[@]}"; do
		ap[$ns]=$(n "$ns" ls /sys/class/net | grep wlan)
		[ -n "${ap[$ns]}" ] || return
		mac[$ns]=$(n "$ns" cat "/sys/class/net/${ap[$ns]}/address")
	done
}

# on_air PMA: its access point; the process is in hostapd[PMA]
on_air()
{
	spawn "$1" hostapd "$dir/$1.hostapd" > "$dir/$1.hostapd.log" 2>&1
	hostapd[$1]=$!
}

wpa()
{
	n dev wpa_cli -p "$dir/dev" -i "${ap[dev]}" "$@"
}

# associated PMA: with its access point, keys and all
associated()
{
	wpa status | tap_grep -z "bssid=${mac[$1]}.*wpa_state=COMPLETED"
}

# hears_again PMA: its access point, since another scan
hears_again()
{
	wpa bss_flush 0 > /dev/null && wpa scan > /dev/null && tap_wait 10 "a scan" eval \
		"wpa scan_results | tap_grep '${mac[$1]}'"
}

served()
{
	agent "$1" show mac "${mac[dev]}" | jq -r '.[] | "\(.state) \(.home)"'
}

last()
{
	agent "$1" timeline mac "${mac[dev]}" | jq -r '.[-1].trigger'
}

address()
{
	ip -n dev -j address show dev "${ap[dev]}" | jq -r '.[].addr_info[] | select(.family == "inet") | .local'
}

declare -A ap mac hostapd care_of=([pma1]=$PMA1 [pma2]=$PMA2)
tap_check "routers" underlay || tap_end
ip -n dev link del eth0
radios || { tap_fail "radios"; tap_end; }
tap_check "configurations" configure
for ns in pma1 pma2; do
	on_air $ns
	tap_check "$ns is on air" tap_wait 30 "it" grep -q AP-ENABLED "$dir/$ns.hostapd.log"
done
start_agents ha pma1 pma2

tap_stage "one access point"
spawn dev wpa_supplicant -i "${ap[dev]}" -c "$dir/supplicant" > "$dir/supplicant.log" 2>&1
tap_check "the station associates" tap_wait 60 "keys" eval "associated pma1 || associated pma2" || tap_end
at=pma1 other=pma2
associated pma1 || at=pma2 other=pma1
tap_check "and is served" tap_wait 20 "a registration" eval '[[ $(served $at) == "bound 10.0.0."* ]]'
tap_is "by that trigger" "$(last $at)" hostapd
printf '#!/bin/sh\n%s\n' '[ "$1" = bound ] || [ "$1" = renew ] || exit 0' \
	'ip address replace "$ip/$mask" dev "$interface" && ip route replace default via "$router"' > "$dir/lease"
chmod +x "$dir/lease"
spawn dev udhcpc -f -t 10 -i "${ap[dev]}" -s "$dir/lease" > "$dir/udhcpc.log" 2>&1
tap_check "it has an address" tap_wait 30 "a lease" eval '[ -n "$(address)" ]'
home=$(address)
tap_is "which is its home address" "bound $home" "$(served $at)"
tap_check "it pings cn" tap_wait 20 "a reply" n dev ping -c 1 -W 2 $CN

tap_stage "another one"
spawn cn socat -u TCP-LISTEN:5001,reuseaddr CREATE:/tmp/received
listener=$!
tap_wait 10 "a listener" listening cn 5001
mkfifo /tmp/words
spawn dev socat -u OPEN:/tmp/words TCP:$CN:5001
exec 6> /tmp/words
echo "from the first" >&6
tap_check "a connection" tap_wait 20 "the first word" grep -q first /tmp/received
tap_check "it roams" wpa roam "${mac[$other]}"
tap_check "and is with the other access point" tap_wait 30 "keys" associated $other
tap_check "where it is served" tap_wait 20 "a registration" eval '[ "$(served $other)" = "bound $home" ]'
tap_is "by that trigger" "$(last $other)" hostapd
tap_is "its address is as it was" "$(address)" "$home"
tap_diag "microseconds from its association: $(agent $other timeline mac "${mac[dev]}" | jq -c '.[-1].phases_us')"
echo "from the second" >&6
tap_check "the connection lives" tap_wait 30 "the second word" grep -q second /tmp/received
tap_check "and is heard" pings cn "$home" 2
exec 6>&-
tap_check "to its end" tap_wait 20 "it" eval "! kill -0 $listener 2> /dev/null"
tap_check "the first router serves it no longer" tap_wait 20 "the end" eval '[[ $(served $at) != bound* ]]'

tap_stage "it leaves"
wpa disconnect > /dev/null
tap_check "its router knows" tap_wait 20 "away" eval '[[ $(served $other) != bound* ]]'
tap_check "it comes back" wpa reconnect
tap_check "and is served" tap_wait 60 "a registration" eval \
	'[ "$(served $at)" = "bound $home" ] || [ "$(served $other)" = "bound $home" ]'
tap_check "and heard" tap_wait 30 "a reply" n cn ping -c 1 -W 2 "$home"

tap_stage "an access point is started anew"
kill "${hostapd[$at]}"
wait "${hostapd[$at]}" 2> /dev/null
tap_check "its router says that it isn't there" tap_wait 30 "a word" grep -q "trying again" "$dir/$at.log"
on_air $at
tap_check "and listens again" tap_wait 30 "the second time" eval '[ "$(grep -c ": listening" "$dir/$at.log")" = 2 ]'
tap_check "the station is at the other one" tap_wait 60 "keys" associated $other
tap_check "and hears this one" tap_wait 60 "a beacon" hears_again $at
tap_check "it roams there" wpa roam "${mac[$at]}"
tap_check "with new keys" tap_wait 30 "them" associated $at
tap_check "and is served" tap_wait 30 "a registration" eval '[ "$(served $at)" = "bound $home" ]'
tap_end
