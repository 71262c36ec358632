#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Ports that are bridges or bonds, and ports to which things happen while a device uses them.
#
#   cn ── ha ══ pma1 ── sw (bridge, members isolated) ─┬─ port ── radio ── dev   10.0.0.5
#                                                      └─ port2 ───────── dev2  10.0.0.6
#               pma1 ── road (bond of port and port2) ── radio ── dev
# timeout: 1200

. "$(dirname "$0")/lib.sh"

MAC2=02:00:00:00:00:06
IP2=10.0.0.6
OLD_ROUTER=02:00:00:00:aa:01
GWMAC=02:00:00:00:bb:01

port_mac()
{
	n pma1 cat "/sys/class/net/$1/address"
}

# rebind PORT
rebind()
{
	ctl pma1 binding set dev mip0 home $DEV_IP port "$1" mac $DEV_MAC
}

# watch NS DEV FILTER: from here on in /tmp/watch; end_watch when /tmp/watch has a line like REGEX
watch()
{
	spawn "$1" tcpdump -i "$2" -n -l -e "$3" > /tmp/watch 2> /tmp/watch.err
	watcher=$!
	tap_wait 15 "tcpdump" grep -q listening /tmp/watch.err
}

end_watch()
{
	[ $# = 0 ] || tap_wait 10 "$1" grep -qE "$1" /tmp/watch
	kill $watcher
	wait $watcher 2> /dev/null
}

# frame DST-MAC DST-IP PORT: a packet of the first device, to port 2000 or so
frame()
{
	py dev "send('eth0', eth('$DEV_MAC', '$1', ip('$DEV_IP', '$2', udp(1000, $3))))"
}

# taken DST-MAC: does a frame to that MAC reach cn, and once?
taken()
{
	watch cn eth0 "udp portrange 2000-2001"
	frame "$1" $CN 2000 && frame "$(port_mac "$now")" $CN 2001
	end_watch "2001: UDP"
	[ "$(grep -c '2000: UDP' /tmp/watch)" = 1 ]
}

# left_alone DST-MAC: does it not?
left_alone()
{
	! taken "$1" && grep -q '2001: UDP' /tmp/watch
}

tap_check "module, routers, devices" eval "load && topology && bind_ha $PMA1 && bind_pma pma1 && namespace dev2 &&
	wire pma1 port2 dev2 eth0 && device dev2 eth0 $MAC2 $IP2"
ip -n radio link set dev pma2 down
now=port

tap_stage "frames to another router's MAC"
tap_check "a device that comes from elsewhere: taken" taken $OLD_ROUTER
tap_check "its own router's: taken" taken "$(port_mac port)"
tap_check "a broadcast: not" left_alone ff:ff:ff:ff:ff:ff

tap_stage "a port that changes its MAC"
old=$(port_mac port)
ip -n pma1 link set dev port down
ip -n pma1 link set dev port address 02:00:00:00:cc:02
ip -n pma1 link set dev port up
tap_is "keeps its device" "$(ports_of pma1 | jq -r '.[] | "\(.port) \(.bindings)"')" "port 1"
tap_check "to the old MAC: taken" taken "$old"
tap_check "to the new one: taken" taken 02:00:00:00:cc:02
n dev ip neigh flush dev eth0
tap_check "forwards" pings dev $CN
tap_is "and says the new MAC" "$(ip -n dev -j neigh show $HOME_GW | jq -r '.[0].lladdr')" 02:00:00:00:cc:02
watch dev eth0 "icmp and src $CN"
tap_check "down" pings cn $DEV_IP
end_watch "ICMP echo request"
tap_check "what goes down comes from it" grep -q ' 02:00:00:00:cc:02 > ' /tmp/watch

tap_stage "a port that changes its MTU"
ip -n pma1 link set dev port mtu 1300
tap_check "down: who forbids fragments is told" \
	grep -q 'mtu *= *1300' <<< "$(n cn ping -n -c 1 -W 5 -s 1372 -M 'do' $DEV_IP 2>&1)"
ip -n cn route flush cache
ip -n pma1 link set dev port mtu 1500
tap_check "and passes when it is wide again" n cn ping -q -n -c 1 -W 5 -s 1372 -M 'do' $DEV_IP

tap_stage "a port that changes its namespace"
namespace far
listen pma1 /tmp/log binding
spawn dev ping -q -n -f -W 1 $CN > /dev/null 2>&1
tap_check "under traffic" ip -n pma1 link set dev port netns far
kill $!
tap_is "is none any more" "$(ports_of pma1)" '[]'
tap_check "its devices are unbound, with that reason" tap_wait 10 "a notification" grep -q '"reason": *"port"' /tmp/log
tap_is "it belongs to nobody" "$(ip -n far -j link show dev port | jq -r '.[0].master')" null
tap_check "comes back and is a port again" eval "ip -n far link set dev port netns pma1 &&
	ip -n pma1 link set dev port up && ip -n pma1 link set dev port master mip0 && bind_pma pma1"
tap_check "forwards" pings dev $CN

tap_stage "a bridge as port, its members isolated"
tap_check "the bridge" eval "ip -n pma1 link add name sw type bridge && ip -n pma1 link set dev sw up &&
	ip -n pma1 link set dev port nomaster && ip -n pma1 link set dev port master sw &&
	ip -n pma1 link set dev port2 master sw && bridge -n pma1 link set dev port isolated on &&
	bridge -n pma1 link set dev port2 isolated on && ip -n pma1 link set dev sw master mip0 &&
	ctl pma1 binding add dev mip0 home $DEV_IP port sw mac $DEV_MAC gateway $HOME_GW/24 peer $HA \
		key 0x1005 okey 0x2005 &&
	ctl ha binding add dev mip0 home $IP2 gateway $HOME_GW/24 peer $PMA1 key 0x2006 okey 0x1006 &&
	ctl ha binding set dev mip0 home $DEV_IP gateway $HOME_GW/24 &&
	ctl pma1 binding add dev mip0 home $IP2 port sw mac $MAC2 gateway $HOME_GW/24 peer $HA key 0x1006 okey 0x2006"
now=sw
n dev ip neigh flush dev eth0
for gwmac in "" $GWMAC; do
	what=${gwmac:+with a gateway MAC, }
	[ -z "$gwmac" ] || ctl pma1 link set mip0 gwmac $gwmac
	n dev ip neigh flush dev eth0
	n dev2 ip neigh flush dev eth0
	tap_check "${what}forwards for both" eval "pings dev $CN && pings dev2 $CN && pings cn $DEV_IP && pings cn $IP2"
	watch cn eth0 "icmp[0] == 8"
	pings dev $CN 5 > /dev/null
	end_watch "seq 5,"
	tap_is "${what}five requests are five at the other end" "$(grep -c 'echo request' /tmp/watch)" 5
	watch dev2 eth0 "ether src $DEV_MAC or udp port 2001"
	pings dev $IP2 > /dev/null
	frame $MAC2 $IP2 2000
	frame ff:ff:ff:ff:ff:ff 10.0.0.255 2000
	py dev "send('eth0', arp_frame(1, '$DEV_MAC', '$DEV_IP', '$IP2'))"
	py cn "send_ip(ip('$CN', '$IP2', udp(1000, 2001)))"
	end_watch "2001: UDP"
	tap_is "${what}nothing of one device reaches the other" "$(grep -c "$DEV_MAC >" /tmp/watch)" 0
	tap_check "${what}but by way of the home agent" pings dev $IP2
	watch ha mip0 "udp port 2000"
	frame $MAC2 $IP2 2000
	frame "${gwmac:-$(port_mac sw)}" $CN 2000
	end_watch "$CN.2000: UDP"
	tap_is "${what}a frame to the other's MAC goes up, once, and comes down" \
		"$(grep -c "$IP2.2000: UDP" /tmp/watch)" 2
done
ip -n pma1 link del dev sw
tap_is "the bridge goes, its devices are unbound" "$(ctl pma1 -j binding show)" '[]'
ip -n pma1 link set dev port2 down
ip -n pma1 link del dev mip0

tap_stage "a bond as port"
modprobe bonding max_bonds=0
tap_check "the bond" eval "ip -n pma1 link del dev port2 && wire pma1 port2 radio pma1b &&
	ip -n radio link set dev pma1b master br &&
	ip -n pma1 link add name road type bond mode active-backup miimon 10 &&
	ip -n pma1 link set dev port down && ip -n pma1 link set dev port2 down && mip4_link pma1 $PMA1 &&
	ip -n pma1 link set dev road master mip0 && ip -n pma1 link set dev port master road &&
	ip -n pma1 link set dev port2 master road && ip -n pma1 link set dev road up &&
	ctl pma1 binding add dev mip0 home $DEV_IP port road mac $DEV_MAC gateway $HOME_GW/24 peer $HA \
		key 0x1005 okey 0x2005"
now=road
tap_wait 10 "its carrier" eval "ip -n pma1 link show dev road | tap_grep LOWER_UP"
n dev ip neigh flush dev eth0
tap_check "forwards" eval "pings dev $CN && pings cn $DEV_IP"
tap_check "a frame to another router's MAC: taken, once" taken $OLD_ROUTER
active=$(n pma1 cat /sys/class/net/road/bonding/active_slave)
case $active in port) other=port2 end=pma1 ;; *) other=port end=pma1b ;; esac
ip -n radio link set dev $end down
tap_check "one wire breaks" tap_wait 10 "the other wire" \
	eval "[ \$(n pma1 cat /sys/class/net/road/bonding/active_slave) = $other ]"
tap_check "forwards by the other" eval "pings dev $CN && pings cn $DEV_IP"
tap_check "a frame to another router's MAC: taken there as well" taken $OLD_ROUTER
ip -n radio link set dev $end up

tap_stage "a port that goes under traffic"
spawn dev ping -q -n -f -W 1 $CN > /dev/null 2>&1
spawn cn ping -q -n -f -W 1 $DEV_IP > /dev/null 2>&1
spawn dev python3 "$PACKETS" "flood('eth0', eth('02:00:00:00:00:66', BROADCAST, echo('10.0.0.66', '$CN')), .001)"
for ((i = 0; i < 20; i++)); do
	goes pma1 road && ip -n pma1 link add name road type bond mode active-backup &&
		ip -n pma1 link set dev port down && ip -n pma1 link set dev port master road &&
		ip -n pma1 link set dev road up && ip -n pma1 link set dev road master mip0 &&
		ctl pma1 binding add dev mip0 home $DEV_IP port road mac $DEV_MAC gateway $HOME_GW/24 peer $HA \
			key 0x1005 okey 0x2005 || break
done > /tmp/loop 2>&1
tap_is "20 times, and comes again" $i 20 || tap_diag "$(tail -n 5 /tmp/loop)"
tap_check "forwards" pings dev $CN

refused "a port that is neither Ethernet nor point-to-point" "must be Ethernet-like or point-to-point" \
	ip -n pma1 link set dev lo master mip0
tap_end
