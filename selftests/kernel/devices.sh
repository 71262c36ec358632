#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Device to device: always by way of the home agent, which sees it; nobody redirects, nothing is switched on the way.
#
#   ha  10.0.0.0/24  ══╦══ pma1 ── radio (isolated) ─┬─ dev   10.0.0.5
#                      ║                             └─ dev2  10.0.0.6, then at pma2, then of ha2
#   ha2 10.1.0.0/24  ══╩══ pma2 ── radio2 ───────────── dev2
#   192.0.2.2
# timeout: 1200

. "$(dirname "$0")/lib.sh"

MAC2=02:00:00:00:00:06
HA2=192.0.2.2

isolate()
{
	local dev

	for dev in "$@"; do
		bridge -n radio link set dev "$dev" isolated on || return
	done
}

# watch NS DEV NAME FILTER: from here on, until reads NAME
watch()
{
	spawn "$1" tcpdump -i "$2" -n -l -e "$4" > "/tmp/$3" 2> "/tmp/$3.err"
	pids[$3]=$!
	tap_wait 15 "tcpdump" grep -q listening "/tmp/$3.err"
}

# lines NAME REGEX: how many by now
lines()
{
	grep -cE "$2" "/tmp/$1"
}

end_watch()
{
	local name

	for name in "${!pids[@]}"; do
		kill "${pids[$name]}"
		wait "${pids[$name]}" 2> /dev/null
	done
	pids=()
}

# at_least NAME REGEX COUNT
at_least()
{
	[ "$(lines "$1" "$2")" -ge "$3" ]
}

declare -A pids=()

# between DESC PEER HOME-AGENT...: two devices ping each other. One home agent sees each packet come up and go down; of
# two the first sees it come up, the second go down.
between()
{
	local what=$1 peer=$2 ha times

	shift 2
	times=$((10 / $#))
	end_watch
	# conf/all would have redirects sent for all interfaces
	for ha in ha pma1 pma2 "$@"; do
		n "$ha" sysctl -qw net.ipv4.conf.all.send_redirects=1
	done
	watch dev eth0 dev icmp
	watch dev2 eth0 dev2 "icmp or arp"
	for ha in "$@"; do
		watch "$ha" mip0 "$ha" icmp
	done
	watch core br core "proto 47 or icmp"
	n dev ip neigh flush dev eth0
	n dev2 ip neigh flush dev eth0
	n dev timeout 20 ping -n -c 5 -i 0.1 -W 3 "$peer" > /tmp/ping
	tap_is "$what: all come back, and none twice" "$(grep -cE 'bytes from' /tmp/ping)" 5
	for ha in "$@"; do
		tap_wait 10 "$ha" at_least "$ha" "> $DEV_IP: ICMP echo reply" $times
		tap_is "$what: $ha sees each request" "$(lines "$ha" "> $peer: ICMP echo request")" $times
		tap_is "$what: and each answer" "$(lines "$ha" "> $DEV_IP: ICMP echo reply")" $times
	done
	tap_is "$what: each device gets one of each" \
		"$(lines dev2 "$MAC2.*request") $(lines dev2 "$MAC2.*reply") $(lines dev "$DEV_MAC.*request") $(
		lines dev "$DEV_MAC.*reply")" "5 5 5 5"
	tap_is "$what: no frame of the first reaches the second" "$(lines dev2 "^[^ ]* $DEV_MAC >")" 0
	tap_is "$what: nobody redirects" "$(cat /tmp/dev /tmp/dev2 /tmp/core | grep -i redirect)" ""
	tap_is "$what: each packet is in two tunnels" "$(lines core GREv0)" 20
	end_watch
}

tap_check "module, routers, two devices at one access router" eval "
	load && topology && bind_ha $PMA1 && bind_pma pma1 && namespace dev2 && wire dev2 eth0 radio dev2 &&
	ip -n radio link set dev dev2 master br &&
	device dev2 eth0 $MAC2 10.0.0.6 && isolate dev dev2 &&
	ctl ha binding add dev mip0 home 10.0.0.6 gateway $HOME_GW/24 peer $PMA1 key 0x2006 okey 0x1006 &&
	ctl pma1 binding add dev mip0 home 10.0.0.6 port port mac $MAC2 gateway $HOME_GW/24 peer $HA \
		key 0x1006 okey 0x2006"
ip -n radio link set dev pma2 down
between "one access router" 10.0.0.6 ha

tap_check "the second at another" eval "ip -n radio link set dev pma2 up && ip -n radio link del dev pma2 &&
	namespace radio2 && switch radio2 && wire pma2 port radio2 pma2 && ip -n radio2 link set dev pma2 master br &&
	ip -n pma2 link set dev port master mip0 &&
	ip -n radio link set dev dev2 nomaster && ip -n radio link set dev dev2 netns radio2 &&
	ip -n radio2 link set dev dev2 master br && ip -n radio2 link set dev dev2 up &&
	ctl pma1 binding del dev mip0 home 10.0.0.6 &&
	ctl ha binding set dev mip0 home 10.0.0.6 peer $PMA2 key 0x2006 okey 0x1006 &&
	ctl pma2 binding add dev mip0 home 10.0.0.6 port port mac $MAC2 gateway $HOME_GW/24 peer $HA \
		key 0x1006 okey 0x2006"
between "two access routers" 10.0.0.6 ha

tap_check "the second of another home agent, at the first's access router" eval "
	ctl ha binding del dev mip0 home 10.0.0.6 && ctl pma2 binding del dev mip0 home 10.0.0.6 &&
	namespace ha2 && router ha2 $HA2 && mip4_link ha2 $HA2 && ip -n ha2 route add 10.1.0.0/24 dev mip0 &&
	ip -n ha2 route add 10.0.0.0/24 via $HA && ip -n ha route add 10.1.0.0/24 via $HA2 &&
	ip -n radio2 link set dev dev2 nomaster && ip -n radio2 link set dev dev2 netns radio &&
	ip -n radio link set dev dev2 master br && ip -n radio link set dev dev2 up && isolate dev2 &&
	ip -n dev2 address flush dev eth0 && ip -n dev2 address add 10.1.0.6/24 dev eth0 &&
	ip -n dev2 route add default via 10.1.0.1 &&
	ctl ha2 binding add dev mip0 home 10.1.0.6 peer $PMA1 key 0x2006 okey 0x1006 &&
	ctl pma1 binding add dev mip0 realm 2 home 10.1.0.6 port port mac $MAC2 gateway 10.1.0.1/24 peer $HA2 \
		key 0x1006 okey 0x2006"
between "two home agents" 10.1.0.6 ha ha2
tap_end
