#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What becomes of multicast and broadcast, by the policy of a link: heard by ordinary sockets of mDNS's and SSDP's kind.
#
#   ha  10.0.0.0/24 ══╦══ pma1 ── radio (isolated) ─┬─ dev   10.0.0.5
#       10.0.1.0/24   ║                             └─ dev3  10.0.1.7
#                     ╚══ pma2 ───────────────────── dev2  10.0.0.6
# timeout: 600

. "$(dirname "$0")/lib.sh"

MAC2=02:00:00:00:00:06 MAC3=02:00:00:00:00:07
MDNS=224.0.0.251 SSDP=239.255.255.250 ALL=255.255.255.255 LINK=10.0.0.255
declare -A address=([dev]=$DEV_IP [dev2]=10.0.0.6 [dev3]=10.0.1.7)

devices()
{
	namespace dev2 dev3 && ip -n radio link del dev pma2 && wire pma2 port dev2 eth0 &&
		device dev2 eth0 $MAC2 10.0.0.6 && ip -n pma2 link set dev port master mip0 &&
		wire dev3 eth0 radio dev3 && ip -n radio link set dev dev3 master br &&
		ip -n dev3 link set dev eth0 down && ip -n dev3 link set dev eth0 address $MAC3 &&
		ip -n dev3 link set dev eth0 up && ip -n dev3 address add 10.0.1.7/24 dev eth0 &&
		ip -n dev3 route add default via 10.0.1.1 &&
		bridge -n radio link set dev dev isolated on && bridge -n radio link set dev dev3 isolated on &&
		ip -n ha route add 10.0.1.0/24 dev mip0
}

# binding N HOME GATEWAY PMA NS MAC: at both ends
binding()
{
	ctl ha binding add dev mip0 home "$2" gateway "$3/24" peer "$4" key 0x200$1 okey 0x100$1 &&
		ctl "$5" binding add dev mip0 home "$2" port port mac "$6" gateway "$3/24" peer $HA \
			key 0x100$1 okey 0x200$1
}

policy()	# POLICY NS...
{
	local ns

	for ns in "${@:2}"; do
		ctl "$ns" link set mip0 multicast "$1" || return
	done
}

# ears NS...: listen there from here on
ears()
{
	local ns dev

	for ns in "$@"; do
		dev=eth0
		[ "$ns" != ha ] || dev=mip0
		spawn "$ns" python3 "$PACKETS" "hear('$dev', 5353, 'last', '$MDNS', '$SSDP')" > "/tmp/$ns.heard" \
			2> "/tmp/$ns.err"
	done
	for ns in "$@"; do
		tap_wait 20 "ears in $ns" grep -q ready "/tmp/$ns.err" || return
	done
}

# says NS DEV: to all kinds of groups
says()
{
	py "$1" "tell('$2', '$MDNS', 5353, 'mdns', ttl=255)" "tell('$2', '$SSDP', 5353, 'ssdp', ttl=1)" \
		"tell('$2', '$ALL', 5353, 'all', ttl=9)" "tell('$2', '$LINK', 5353, 'link', ttl=1)"
}

# heard NS: what, up to now, which a datagram for it alone marks
heard()
{
	if [ "$1" = ha ]; then
		py dev "tell('eth0', '$MDNS', 5353, 'last')"
	else
		py cn "tell('eth0', '${address[$1]}', 5353, 'last')"
	fi
	tap_wait 25 "the last" grep -q '^end$' "/tmp/$1.heard"
	sed '/^end$/d' "/tmp/$1.heard"
}

# from SOURCE: all that says() says, as sent
from()
{
	printf "$1 %s\n" "mdns 255" "ssdp 1" "all 9" "link 1"
}

copies()	# PREFIX: how many packets went down at the home agent, to addresses that begin so
{
	ctl ha -s -j binding show |
		jq "[.[] | select(.addresses[0].address | startswith(\"$1\")).stats.down_packets] | add"
}

tap_check "module, routers, devices" eval "load && topology && devices &&
	binding 5 $DEV_IP $HOME_GW $PMA1 pma1 $DEV_MAC && binding 6 10.0.0.6 $HOME_GW $PMA2 pma2 $MAC2 &&
	binding 7 10.0.1.7 10.0.1.1 $PMA1 pma1 $MAC3"
tap_check "packets pass" eval "pings dev $CN && pings dev2 $CN && pings dev3 $CN"

tap_stage "drop, which nobody asked for"
tap_is "is what a link does" "$(ctl pma1 -d -j link show mip0 | jq -r .[0].multicast)" drop
before=$(drops pma1 multicast)
# [5944-4.3-1]
says dev eth0
tap_check "all are counted" tap_wait 5 "four" more pma1 multicast $((before + 3))

tap_stage "tunnel: up to the home agent's stack"
tap_check "the policy" policy tunnel ha pma1 pma2
ears ha dev2
says dev eth0
tap_is "which hears what it is for, no hop counted" "$(heard ha)" "$(from $DEV_IP | grep -v link)"
tap_is "nobody else does" "$(heard dev2)" ""
spawn ha timeout 20 tcpdump -i mip0 -n -l -c 1 "igmp and src host $DEV_IP" > /tmp/igmp 2> /tmp/igmp.err
tap_wait 15 "tcpdump" grep -q listening /tmp/igmp.err
ears dev
tap_check "a device's IGMP reaches it" tap_wait 10 "a report" grep -q "$DEV_IP > .*igmp" /tmp/igmp
tap_is "it hears nothing then" "$(heard dev)" ""
before=$(drops pma1 multicast)
py dev "send('eth0', eth('$DEV_MAC', BROADCAST, ip('$DEV_IP', '$CN', udp(1, 2))))"
tap_check "a packet for one in a frame for all is dropped" tap_wait 5 "it" more pma1 multicast "$before"

tap_stage "replicate: to the home link besides"
tap_check "the policy, with bindings there" policy replicate ha
spawn dev2 tcpdump -i eth0 -n -l -e --direction=in "dst host $MDNS" > /tmp/frames 2> /tmp/frames.err
tap_wait 15 "tcpdump" grep -q listening /tmp/frames.err
spawn dev tcpdump -i eth0 -n -l --direction=in "src host $DEV_IP" > /tmp/back 2> /tmp/back.err
tap_wait 15 "tcpdump" grep -q listening /tmp/back.err
ears ha dev2 dev3
says dev eth0
tap_is "the home agent hears as before" "$(heard ha)" "$(from $DEV_IP | grep -v link)"
tap_is "so does the other device, all of it" "$(heard dev2)" "$(from $DEV_IP)"
tap_is "nobody of another home prefix" "$(heard dev3)" ""
tap_check "the sender gets answers" pings dev $CN
tap_is "but nothing of its own" "$(cat /tmp/back)" ""
tap_check "in frames for that device alone" grep -q "> $MAC2, .* > $MDNS" /tmp/frames

tap_stage "from beyond, for all of the home link: RFC 2644"
ears dev2
before=$(drops ha no_binding)
py cn "tell('eth0', '$LINK', 5353, 'link')"
tap_check "is for nobody" tap_wait 10 "it" more ha no_binding "$before"
tap_is "nobody hears it" "$(heard dev2)" ""

tap_stage "the home agent's own"
ip -n ha address add $HOME_GW/24 dev mip0
ears dev dev2 dev3
py ha "tell('mip0', '$MDNS', 5353, 'mdns', ttl=255)" "tell('mip0', '$LINK', 5353, 'link', ttl=1)"
want=$(printf "$HOME_GW %s\n" "mdns 255" "link 1")
tap_is "one device hears it" "$(heard dev)" "$want"
tap_is "the other" "$(heard dev2)" "$want"
tap_is "nobody of another prefix" "$(heard dev3)" ""

tap_stage "who comes and goes"
tap_check "a device whose prefix is another now" ctl ha binding set dev mip0 home 10.0.0.6 gateway $HOME_GW/25
ears dev2
says dev eth0
tap_is "hears nothing" "$(heard dev2)" ""
tap_check "and back" ctl ha binding set dev mip0 home 10.0.0.6 gateway $HOME_GW/24
for i in {1..300}; do
	echo "binding add dev mip0 home 10.2.$((i / 256)).$((i % 256)) gateway 10.2.9.9/16 peer $PMA1 key $i okey $i"
done > /tmp/many
tap_check "300 devices of one prefix" ctl ha -batch /tmp/many
before=$(copies 10.2.)
py pma1 "send_ip(ip('$PMA1', '$HA', gre(ip('10.2.0.1', '$MDNS', udp(1, 5353)), key=1), proto=47))"
tap_check "256 get copies, but for the sender" tap_wait 10 "255" eval '[ $(($(copies 10.2.) - before)) = 255 ]'
tap_check "all but two go" ctl ha binding flush dev mip0 peer $PMA1
before=$(copies 10.0.)
py ha "tell('mip0', '$LINK', 5353, 'link')"
tap_check "and one is left" tap_wait 10 "1" eval '[ $(($(copies 10.0.) - before)) = 1 ]'

tap_stage "drop again"
tap_check "the policy" policy drop ha pma1 pma2
before=$(drops ha multicast)
py ha "tell('mip0', '$MDNS', 5353, 'mdns')"
tap_check "counts" tap_wait 5 "it" more ha multicast "$before"
tap_end
