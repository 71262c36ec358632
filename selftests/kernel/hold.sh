#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Devices without binding: reported, held for a moment, replayed by the binding, and never in the router's own
# stack, though ip_forward is on and there is a default route.
#
#   ha ══ core ── pma1 (default route via core, nft counts what enters its stack) ── radio ── dev
# timeout: 600

. "$(dirname "$0")/lib.sh"

OTHER=02:00:00:00:00:77

# packets that the stack of pma1 took from its port
entered()
{
	n pma1 nft -j list counter ip t port | jq '.nftables[1].counter.packets'
}

# inner packets that pma1 sent beside the tunnel
leaked()
{
	n pma1 nft -j list counter ip t leak | jq '.nftables[1].counter.packets'
}

watch_stack()
{
	n pma1 nft -f - <<- 'END'
		table ip t {
			counter port { }
			counter leak { }
			chain pre { type filter hook prerouting priority -300; iifname "port" counter name port; }
			chain post { type filter hook postrouting priority 300;
				ip saddr 10.0.0.0/24 counter name leak; }
		}
	END
}

held()
{
	ctl pma1 -s -j port show port | jq '.[0].held'
}

# seen FILE MAC: events about a device
seen()
{
	grep -c "\"event\": *\"unknown_device\".*$2" "$1"
}

tap_check "module, routers, devices" eval "load && topology && bind_ha $PMA1 && watch_stack"
ip -n pma1 route add default via 192.0.2.1
ip -n radio link set dev pma2 down
# a switch that passes EAPOL on
ip -n radio link set dev br type bridge group_fwd_mask 8
listen pma1 /tmp/events event

tap_stage "a binding comes while a packet waits"
# a device that asks for its gateway long enough for a slow machine
n dev sysctl -qw net.ipv4.neigh.eth0.mcast_solicit=30
spawn dev ping -q -n -c 1 -W 10 $CN > /tmp/ping
ping=$!
tap_check "the device is reported" tap_wait 10 "an event" grep -q $DEV_MAC /tmp/events
tap_check "its frame waits" eval "[ \$(held) -gt 0 ]"
tap_check "the binding" bind_pma pma1
wait $ping
tap_is "what waited arrives" $? 0
tap_is "nothing waits any longer" "$(held)" 0

tap_stage "order of what waited"
ctl pma1 binding del dev mip0 home $DEV_IP
spawn cn tcpdump -i eth0 -n -l -c 12 udp port 4000 > /tmp/order 2> /tmp/order.err
tap_wait 20 "tcpdump" grep -q listening /tmp/order.err
gw=$(n pma1 cat /sys/class/net/port/address)
# the frames wait 2 s at most: whoever makes the binding has started before they are sent
mkfifo /tmp/later
spawn pma1 "$MIPCTL" -b /tmp/later
later=$!
exec 7> /tmp/later
py dev "send('eth0', *[eth('$DEV_MAC', '$gw', ip('$DEV_IP', '$CN', udp(5000 + i, 4000))) for i in range(12)])"
echo "binding add dev mip0 home $DEV_IP port port mac $DEV_MAC gateway $HOME_GW/24 peer $HA key 0x1005 okey 0x2005" >&7
exec 7>&-
wait $later
tap_is "the binding" $? 0
tap_check "all arrive" tap_wait 20 "12 packets" eval '[ $(grep -c IP /tmp/order) = 12 ]'
tap_is "in order" "$(sed -n 's/.*10.0.0.5.\([0-9]*\) >.*/\1/p' /tmp/order | tr '\n' ' ')" \
	"$(seq -s ' ' 5000 5011) "

tap_stage "no binding comes"
ctl pma1 binding del dev mip0 home $DEV_IP
before=$(drops pma1 hold_expired)
py dev "send('eth0', eth('$DEV_MAC', '$gw', echo('$DEV_IP', '$CN')))"
tap_check "what waits too long is dropped" tap_wait 10 "hold_expired" more pma1 hold_expired "$before"
tap_is "and gone" "$(held)" 0

tap_stage "bounds"
before=$(drops pma1 hold_full)
unknown=$(ctl pma1 -s -j port show port | jq .[0].unknown_frames)
py dev "send('eth0', *[eth('$OTHER', '$gw', echo('10.0.0.77', '$CN'))] * 40)"
tap_check "frames of unknown devices are counted by port" eval \
	"[ \$(ctl pma1 -s -j port show port | jq .[0].unknown_frames) -ge $((unknown + 40)) ]"
tap_is "16 frames of one MAC wait, the others are counted" $(($(drops pma1 hold_full) - before)) 24
tap_check "and they go" tap_wait 20 "an empty hold" eval '[ $(held) = 0 ]'
before=$(drops pma1 hold_full)
py dev "send('eth0', *[eth('02:00:00:00:%02x:%02x' % (i >> 8, i & 255), '$gw', echo('10.0.0.78', '$CN'))
	for i in range(1024, 1024 + 400)])"
tap_is "256 frames of all wait" $(($(drops pma1 hold_full) - before)) 144
tap_check "and they go" tap_wait 20 "an empty hold" eval '[ $(held) = 0 ]'

for link in "dev eth0" "radio dev" "radio pma1" "radio br" "pma1 port"; do
	ip -n ${link% *} link set dev ${link#* } mtu 9000
done
before=$(drops pma1 hold_full)
py dev "send('eth0', *[eth('02:00:00:00:07:%02x' % (i % 20), '$gw', ip('10.0.0.78', '$CN', udp(1, 2, b'x' * 8872)))
	for i in range(200)])"
tap_check "large frames count by their memory, 1 MB" \
	test $(($(drops pma1 hold_full) - before)) -ge $((200 - (1 << 20) / 8900))
tap_check "and they go" tap_wait 20 "an empty hold" eval '[ $(held) = 0 ]'

tap_stage "reports"
py dev "send('eth0', *[eth('02:00:00:00:00:79', '$gw', echo('10.0.0.79', '$CN'))] * 10)"
tap_check "one at once" tap_wait 5 "an event" grep -q 02:00:00:00:00:79 /tmp/events
tap_is "and not one per frame" "$(seen /tmp/events 02:00:00:00:00:79)" 1
tap_check "with the address that it used" grep -q '02:00:00:00:00:79.*10.0.0.79' /tmp/events
tap_check "it is bound, and no longer" ctl pma1 -b - <<- END
	binding add dev mip0 home 10.0.0.79 port port mac 02:00:00:00:00:79 gateway $HOME_GW/24 peer $HA key 79 okey 79
	binding del dev mip0 home 10.0.0.79
END
py dev "send('eth0', eth('02:00:00:00:00:79', '$gw', echo('10.0.0.79', '$CN')))"
tap_check "what it sends then is news within the second" tap_wait 5 "another event" eval \
	'[ $(seen /tmp/events 02:00:00:00:00:79) = 2 ]'

tap_stage "what the agent needs"
# a packet socket on the port, as a DHCP server has, says how many of 4 DISCOVERs and 2 EAPOL frames it got
py pma1 "count('port', lambda f: f[36:38] == b'\\0C' or f[12:14] == b'\\x88\\x8e', 6, 20)" \
	> /tmp/agent 2> /tmp/agent.err &
agent=$!
tap_check "there is a packet socket" tap_wait 30 "it" grep -q ready /tmp/agent.err
py dev "send('eth0', *[eth('$OTHER', BROADCAST, ip('0.0.0.0', '255.255.255.255', udp(68, 67, b'd' * 240)))] * 4)" \
	"send('eth0', *[eth('$OTHER', '01:80:c2:00:00:03', b'eapol' * 10, 0x888e)] * 2)"
wait $agent
tap_is "it got DHCP and EAPOL of an unbound device" "$(cat /tmp/agent)" 6
py dev "send('eth0', *[eth('02:00:00:00:00:7a', BROADCAST,
		ip('0.0.0.0', '255.255.255.255', udp(68, 67, b'd' * 240)))] * 4)" \
	"send('eth0', eth('02:00:00:00:00:7b', BROADCAST, arp(1, '02:00:00:00:00:7b', '10.0.0.80', '$HOME_GW'), 0x806))"
tap_check "a device that asks for its gateway is reported" tap_wait 5 "an event" grep -q 02:00:00:00:00:7b /tmp/events
tap_is "one that asked for a lease before isn't: the server has heard it" "$(seen /tmp/events 02:00:00:00:00:7a)" 0

tap_stage "the stack"
tap_is "nothing of a device entered it" "$(entered)" 0
tap_is "nothing left beside the tunnel" "$(leaked)" 0
bind_pma pma1
py dev "send('eth0', eth('$DEV_MAC', '$gw', echo('$DEV_IP', '192.0.2.11')))"
tap_check "a bound device" pings dev $CN
# [3024-5.1.1-2] [5563-4.2.1-1]
tap_is "nothing of a bound one entered it either, though it asked for the router's own address" "$(entered)" 0
ctl pma1 binding del dev mip0 home $DEV_IP

tap_stage "a device that sends without end"
spawn dev python3 "$PACKETS" "flood('eth0', eth('$DEV_MAC', '$gw', ip('$DEV_IP', '$CN', udp(1, 4001))))"
flood=$!
for ((i = 0; i < 20; i++)); do
	tap_wait 10 "frames that wait" eval '[ $(held) -gt 0 ]' && bind_pma pma1 &&
		ctl pma1 binding del dev mip0 home $DEV_IP || break
done
tap_is "is bound and unbound 20 times" $i 20
kill $flood
tap_check "and leaves nothing behind" tap_wait 20 "an empty hold" eval '[ $(held) = 0 ]'

# lost: events that the others tell of as not sent
lost()
{
	jq -s 'map(.lost // 0) | add' /tmp/events
}

# how many frames of the flood reached the port
reached()
{
	n pma1 nft -j list counter netdev f flood | jq '.nftables[1].counter.packets'
}

# still: has all of the flood that will reach the port done so?
still()
{
	local before=$arrived

	arrived=$(reached)
	[ "$arrived" -ge 1000 ] && [ "$arrived" = "$before" ]
}

# told: is each of them either reported, or told of by a later event as lost?
told()
{
	py dev "send('eth1', arp_frame(1, '02:00:00:00:09:%02x' % random.randrange(256), '10.0.0.82', '$HOME_GW'))"
	[ $(($(seen /tmp/events 02:00:00:01) + $(lost) - before)) = "$(reached)" ]
}

tap_stage "many devices on one port"
before=$(lost)
n pma1 nft 'table netdev f {
	counter flood { }
	chain in { type filter hook ingress device port priority 0; ether type 0x88b5 counter name flood; }
}'
tap_check "another port" eval "wire pma1 port2 dev eth1 && ip -n pma1 link set dev port2 master mip0"
start=$(py dev "(frames := [eth('02:00:00:01:%02x:%02x' % (i >> 8, i & 255), BROADCAST, b'x' * 50, 0x88b5)
	for i in range(6000)]) and time.time_ns() // 1000" "send('eth0', *frames)")
arrived=
tap_check "reach it" tap_wait 10 "a thousand of them" still
arrived=$(reached)
# how slow the machine is decides how many may be reported: 256 at once and 500 per second
may=$((256 + 500 * (${EPOCHREALTIME/.} - start) / 1000000))
[ "$may" -lt "$arrived" ] || tap_diag "too slowly for the check of what is reported to fail: $arrived, $may"
py dev "send('eth1', eth('02:00:00:00:00:7c', BROADCAST, arp(1, '02:00:00:00:00:7c', '10.0.0.81', '$HOME_GW'), 0x806))"
tap_check "one on the other port is" tap_wait 5 "an event" grep -q 02:00:00:00:00:7c /tmp/events
tap_check "and how many were not" tap_wait 20 "all of them" told
tap_check "no more are reported than may be" eval "[ \$(seen /tmp/events 02:00:00:01) -le $may ]" ||
	tap_diag "$arrived reached the port, $may may be told of; $(tail -n 3 /tmp/events)"
n pma1 nft delete table netdev f
# what it holds would be counted whenever its time is over
ip -n pma1 link del dev port2

tap_stage "port policies"
tap_check "drop" ctl pma1 port set port unknown drop
before=$(drops pma1 unknown_device)
py dev "send('eth0', eth('$DEV_MAC', '$gw', echo('$DEV_IP', '$CN')))"
tap_check "counts" more pma1 unknown_device "$before"
tap_is "and holds nothing" "$(held)" 0
tap_is "and lets nothing in" "$(entered)" 0
tap_check "pass" ctl pma1 port set port unknown pass
py dev "send('eth0', eth('$DEV_MAC', '$gw', echo('$DEV_IP', '$CN')))"
tap_check "lets it in" eval '[ $(entered) -gt 0 ]'
before=$(drops pma1 protocol)
py dev "send('eth0', eth('$DEV_MAC', '$gw', b'\\0\\5\\x08\\0' + echo('$DEV_IP', '$CN'), 0x8100))" \
	"send('eth0', eth('$OTHER', '01:80:c2:00:00:03', b'eapol' * 10, 0x888e))"
tap_is "VLANs and EAPOL as well" "$(drops pma1 protocol)" "$before"
tap_check "hold again" ctl pma1 port set port unknown hold
py dev "send('eth0', eth('$DEV_MAC', '$gw', b'\\0\\5\\x08\\0' + echo('$DEV_IP', '$CN'), 0x8100))"
tap_check "a VLAN that isn't there ends" tap_wait 5 "the drop" more pma1 protocol "$before"

tap_stage "a port goes"
# before the time is over that the frame would have waited
spawn pma1 "$MIPCTL" -b /tmp/later
later=$!
exec 7> /tmp/later
py dev "send('eth0', eth('$DEV_MAC', '$gw', echo('$DEV_IP', '$CN')))"
printf '%s\n' "binding add dev mip0 home $DEV_IP port port mac $DEV_MAC peer $HA" "port del port" >&7
exec 7>&-
wait $later
tap_is "just after what waited was taken" $? 0
# the device's own stack is not to ask for its gateway from here on
n dev ip neighbour replace $HOME_GW lladdr "$gw" dev eth0 nud permanent
tap_check "and comes back" ip -n pma1 link set dev port master mip0
before=$(drops pma1 hold_expired)
py dev "send('eth0', *[eth('$DEV_MAC', '$gw', echo('$DEV_IP', '$CN'))] * 3)"
tap_check "while frames wait" eval "[ \$(held) -gt 0 ] && ip -n pma1 link set dev port nomaster"
tap_is "which are counted" $(($(drops pma1 hold_expired) - before)) 3
tap_end
