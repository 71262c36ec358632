#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A device with more than its home address: a second address, and as a mobile router a LAN behind it. Longest match,
# two realms, legs without keys, changes of the list, and what is refused.
#
#   cn ── ha ══ pma1 ──┐                 10.1.0.1
#            ══ pma2 ── radio ─┬─ dev ──────lan──── host 10.1.0.7
#                              └─ dev2 10.1.0.9
# timeout: 600

. "$(dirname "$0")/lib.sh"

LAN=10.1.0.0/24 HOST=10.1.0.7
MAC2=02:00:00:00:00:09
IP2=10.1.0.9
HA_DEV="home $DEV_IP prefix $LAN"
LEG1="peer $PMA1 key 0x2005 okey 0x1005"

lan()
{
	namespace host dev2 && wire dev lan host eth0 && ip -n dev address add 10.1.0.1/24 dev lan &&
		n dev sysctl -qw net.ipv4.ip_forward=1 && ip -n host address add $HOST/24 dev eth0 &&
		ip -n host route add default via 10.1.0.1 &&
		wire dev2 eth0 radio dev2 && ip -n radio link set dev dev2 master br &&
		ip -n dev2 link set dev eth0 down && ip -n dev2 link set dev eth0 address $MAC2 up &&
		ip -n dev2 address add $IP2/32 dev eth0 && ip -n dev2 route add $HOME_GW dev eth0 &&
		ip -n dev2 route add default via $HOME_GW && ip -n ha route add $LAN dev mip0
}

# served NS ARG...: the mobile router at a PMA
served()
{
	ctl "$1" binding add dev mip0 $HA_DEV port port mac $DEV_MAC gateway $HOME_GW/24 peer $HA "${@:2}"
}

# packets NS SELECTOR up|down: of a binding
packets()
{
	# shellcheck disable=SC2086
	ctl "$1" -s -j binding get dev mip0 $2 | jq ".[0].stats.${3}_packets"
}

addresses()
{
	ctl "${1-ha}" -j binding get dev mip0 home $DEV_IP |
		jq -r '.[0].addresses | map("\(.address)/\(.prefixlen)") | join(" ")'
}

# all_state: what a refusal must not change
all_state()
{
	ctl ha -j binding show
	ctl pma1 -j binding show
}

tap_check "module, routers, devices" eval "load && topology && lan"
ip -n radio link set dev pma2 down

tap_stage "a LAN behind a device"
tap_check "home agent" ctl ha binding add dev mip0 $HA_DEV $LEG1
tap_check "access router" served pma1 key 0x1005 okey 0x2005
tap_check "the device" pings dev $CN
tap_check "from the LAN" pings host $CN
tap_check "to the LAN" pings cn $HOST
tap_check "TTL: both routers and the device count" n host ping -q -n -c 1 -W 2 -t 4 $CN
tap_check "no hop more" eval "! n host ping -q -n -c 1 -W 1 -t 3 $CN"
before=$(drops pma1 spoofed_source)
py dev "send_ip(ip('10.2.0.7', '$CN'))"
tap_check "another LAN isn't its own" tap_wait 10 "a drop" more pma1 spoofed_source "$before"
before=$(drops ha inner_address)
py pma1 "send_ip(ip('$PMA1', '$HA', gre(ip('10.2.0.7', '$CN'), key=0x2005), proto=47))"
tap_check "nor at the home agent" tap_wait 10 "a drop" more ha inner_address "$before"
before=$(drops ha no_binding)
ip -n ha route add 10.2.0.0/24 dev mip0
n cn ping -q -n -c 1 -W 1 10.2.0.7 > /dev/null
tap_check "and nothing goes there" tap_wait 10 "a drop" more ha no_binding "$before"

tap_stage "it moves"
ip -n radio link set dev pma1 down
hears pma2
tap_check "new access router" served pma2 key 0x1105 okey 0x2105
ip -n dev neighbour flush dev eth0
tap_check "home agent" ctl ha binding set dev mip0 home $DEV_IP peer $PMA2 key 0x2105 okey 0x1105
tap_check "from the LAN" pings host $CN
tap_check "to the LAN" pings cn $HOST
tap_is "nobody forgot an address" "$(addresses) $(addresses pma2)" "$DEV_IP/32 $LAN $DEV_IP/32 $LAN"

tap_stage "longest match"
tap_check "another device has an address of the LAN" eval "
	ctl ha binding add dev mip0 home $IP2 peer $PMA2 key 0x2109 okey 0x1109 &&
	ctl pma2 binding add dev mip0 home $IP2 port port mac $MAC2 gateway $HOME_GW peer $HA key 0x1109 okey 0x2109"
before=$(packets ha "home $DEV_IP" down)
tap_check "and its packets" pings cn $IP2
tap_is "none of them went to the LAN" "$(packets ha "home $DEV_IP" down)" "$before"
tap_check "the rest of the LAN still has its own" pings cn $HOST
before=$(drops pma2 spoofed_source)
py dev "send_ip(ip('$IP2', '$CN'))"
tap_check "from the LAN that address is wrong" tap_wait 10 "a drop" more pma2 spoofed_source "$before"
before=$(drops ha inner_address)
py pma2 "send_ip(ip('$PMA2', '$HA', gre(ip('$IP2', '$CN'), key=0x2105), proto=47))"
tap_check "at the home agent too" tap_wait 10 "a drop" more ha inner_address "$before"
tap_is "what has an address" "$(ctl ha -j binding show match $IP2 |
	jq -r '[.[].addresses[0].address] | sort | join(" ")')" "$DEV_IP $IP2"
tap_is "what has a prefix" "$(ctl ha -j binding show match $LAN | jq -r '.[].addresses[0].address')" $DEV_IP
tap_check "it goes" eval "ctl ha binding del dev mip0 home $IP2 && ctl pma2 binding del dev mip0 home $IP2"
before=$(packets pma2 "home $DEV_IP" down)
n cn ping -q -n -c 1 -W 1 $IP2 > /dev/null
tap_check "then the LAN has that address again" tap_wait 10 "a packet" eval \
	"[ \$(packets pma2 'home $DEV_IP' down) -gt $before ]"

tap_stage "a second address"
ip -n dev address add 10.0.0.77/32 dev eth0
tap_check "at both ends, the list as a whole" eval "
	ctl ha binding set dev mip0 $HA_DEV prefix 10.0.0.77 && ctl pma2 binding set dev mip0 $HA_DEV prefix 10.0.0.77"
tap_is "is shown" "$(addresses)" "$DEV_IP/32 $LAN 10.0.0.77/32"
tap_check "finds its binding" eval "ctl ha binding get dev mip0 prefix 10.0.0.77 |
	grep -q '^$DEV_IP prefix $LAN prefix 10.0.0.77 '"
tap_check "from it" n dev ping -q -n -c 3 -i 0.05 -W 2 -I 10.0.0.77 $CN
tap_check "to it" pings cn 10.0.0.77
before=$(drops pma2 arp)
py dev "send('eth0', arp_frame(1, '$DEV_MAC', '0.0.0.0', '10.0.0.77'))"
tap_check "a probe for it gets no answer" tap_wait 10 "a drop" more pma2 arp "$before"
tap_check "the list changes" ctl ha binding set dev mip0 home $DEV_IP prefix 10.0.0.77 prefix 10.3.0.0/16
tap_is "to what was named" "$(addresses)" "$DEV_IP/32 10.0.0.77/32 10.3.0.0/16"
tap_check "what wasn't named is gone" eval "! pings cn $HOST 1"
id=$(ctl ha -j binding get dev mip0 home $DEV_IP | jq '.[0].id')
tap_check "by id" ctl ha binding set dev mip0 id "$id" home $DEV_IP
tap_is "and home alone: all go" "$(addresses)" "$DEV_IP/32"
tap_check "the device has its home address" pings dev $CN
tap_check "all at once" ctl ha binding set dev mip0 $HA_DEV peer $PMA2 key 0x2106 okey 0x1106
tap_check "and back" ctl ha binding set dev mip0 $HA_DEV peer $PMA2 key 0x2105 okey 0x1105
tap_check "to the LAN" pings cn $HOST

tap_stage "without keys"
for encap in gre ipip minimal; do
	tap_check "$encap" eval "ctl ha binding set dev mip0 home $DEV_IP peer $PMA2 encap $encap &&
		ctl pma2 binding set dev mip0 home $DEV_IP peer $HA encap $encap"
	tap_check "$encap: from the LAN" pings host $CN
	tap_check "$encap: to the LAN" pings cn $HOST
done
tap_check "a tunnel of the kernel's between the same routers" eval "
	ip -n ha link add t1 type ipip local $HA remote $PMA2 && ip -n ha address add 10.9.0.1/30 dev t1 &&
	ip -n pma2 link add t1 type ipip local $PMA2 remote $HA && ip -n pma2 address add 10.9.0.2/30 dev t1 &&
	ip -n ha link set dev t1 up && ip -n pma2 link set dev t1 up"
tap_check "goes on beside ours" eval "pings ha 10.9.0.2 && pings cn $HOST"

tap_stage "two realms"
tap_check "the same LAN, with keys" eval "ctl pma2 binding set dev mip0 home $DEV_IP peer $HA key 0x1105 okey 0x2105 &&
	ctl ha binding set dev mip0 home $DEV_IP peer $PMA2 key 0x2105 okey 0x1105"
REALM2="realm 2 home 10.0.0.6 prefix $LAN port port mac $MAC2"
tap_check "in another realm" ctl pma2 binding add dev mip0 $REALM2 peer $HA key 0x1109 okey 0x2109
spawn dev2 python3 "$PACKETS" "count('eth0', lambda f: f[30:34] == addr('$HOST'), 1, 5)" > /tmp/count 2> /tmp/ready
counter=$!
tap_wait 10 "a listener" grep -q ready /tmp/ready
before=$(packets pma2 "home $DEV_IP" down)
py ha "send_ip(ip('$HA', '$PMA2', gre(ip('$CN', '$HOST'), key=0x1109), proto=47))"
wait $counter
tap_is "has its own packets" "$(cat /tmp/count)" 1
tap_is "which aren't the other's" "$(packets pma2 "home $DEV_IP" down)" "$before"
tap_check "and the other's arrive" pings cn $HOST

tap_stage "what is refused"
before=$(all_state)
add="ctl ha binding add dev mip0 home 10.0.0.8"
K="peer $PMA1 key 8 okey 8"
refused "a prefix that another has" "address already used by binding [0-9]+ of mip0.*\"prefix\"" $add prefix $LAN $K
refused "another's home address" "address already used by binding" $add prefix $DEV_IP $K
refused "a home address that is another's second" "already used" eval "
	ctl ha binding set dev mip0 $HA_DEV prefix 10.0.0.77
	ctl ha binding add dev mip0 home 10.0.0.77 $K"
ctl ha binding set dev mip0 $HA_DEV
refused "an address twice" "twice" $add prefix 10.5.0.0/16 prefix 10.5.0.0/16 $K
refused "the home address again" "twice" $add prefix 10.0.0.8 $K
refused "host bits" "host bits" $add prefix 10.5.0.1/16 $K
refused "no bits" "between 1 and 32" $add prefix 0.0.0.0/0 $K
refused "multicast" "unicast" $add prefix 224.1.0.0/16 $K
refused "the other end of its tunnel" "end of its own tunnel" $add prefix 192.0.2.0/24 $K
mapfile -t many < <(seq 16 | sed 's/.*/prefix\n10.6.&.0\/24/')
refused "17 addresses" "more than 16" $add "${many[@]}" $K
refused "prefixes alone" "home" ctl ha binding add dev mip0 prefix 10.5.0.0/16 $K
refused "a network for a home address" "IPv4 host address" ctl ha binding add dev mip0 home 10.5.0.0/16 $K
refused "two addresses to find one" "one address" ctl ha binding get dev mip0 $HA_DEV
refused "another home address" "can't change" ctl ha binding set dev mip0 id "$id" home 10.0.0.9 prefix $LAN
refused "a list with another's address" "already used" ctl pma2 binding set dev mip0 realm 2 home 10.0.0.6 \
	prefix 10.7.0.0/16 prefix $LAN peer $HA key 0x1105 okey 0x2105
refused "a tunnel and prefix that another realm has, by key" "tunnel and address already used by binding" \
	ctl pma2 binding add dev mip0 realm 3 home 10.0.0.6 prefix $LAN port port mac 02:00:00:00:00:33 peer $HA \
	key 0x1109 okey 1
ctl pma2 binding set dev mip0 realm 2 home 10.0.0.6 peer $HA encap ipip
refused "the same without" "tunnel and address already used by binding" \
	ctl pma2 binding add dev mip0 realm 3 home 10.0.0.66 prefix $LAN port port mac 02:00:00:00:00:33 peer $HA \
	encap minimal
ctl pma2 binding add dev mip0 realm 3 home 10.0.0.66 port port mac 02:00:00:00:00:33 peer $HA encap ipip
refused "or later" "tunnel and address already used by binding" ctl pma2 binding set dev mip0 realm 3 home 10.0.0.66 \
	prefix $LAN
refused "or one around it" "tunnel and address already used by binding" ctl pma2 binding set dev mip0 realm 3 \
	home 10.0.0.66 prefix 10.0.0.0/8
ctl pma2 binding set dev mip0 realm 3 home 10.0.0.66 prefix $LAN peer $HA key 77 okey 77
refused "or when the leg changes" "tunnel and address already used by binding" ctl pma2 binding set dev mip0 realm 3 \
	home 10.0.0.66 peer $HA encap ipip
tap_is "and nothing changed" "$(all_state)" "$before"
tap_is "flushed by address" "$(ctl pma2 -s binding flush dev mip0 match $HOST)" "flushed 3"
tap_is "nothing is left" "$(ctl pma2 -j binding show)" "[]"
tap_check "nor in a table" served pma2 key 0x1105 okey 0x2105
tap_check "to the LAN" pings cn $HOST
tap_end
