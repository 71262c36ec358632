#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A real home link: a device that is away and hosts that aren't are on one link, as far as they can see.
#
#   cn ── ha 10.0.0.1 ══ core ══ pma1 ── radio ── dev        10.0.0.5, away
#          └ eth1 ── lan ─┬─ host  10.0.0.77
#          (mode home)    └─ host2 10.0.0.78
# timeout: 600

. "$(dirname "$0")/lib.sh"

HOST=10.0.0.77 HOST2=10.0.0.78
HOST_MAC=02:00:00:00:00:77 HOST2_MAC=02:00:00:00:00:78

mac_of()
{
	n "$1" cat "/sys/class/net/$2/address"
}

# sees FROM TO [OPTION...]: TTL with which answers arrive
sees()
{
	n "$1" ping -n -c 1 -W 3 "${@:3}" "$2" | sed -n 's/.* ttl=\([0-9]*\) .*/\1/p'
}

# answered SENDER TARGET [DST-MAC]: the MAC that an ARP request of host's gets
answered()
{
	py host "arp_reply('eth0', arp_frame(1, '$HOST_MAC', '$1', '$2', dst='${3:-ff:ff:ff:ff:ff:ff}'), 1.0)"
}

on_lan()
{
	namespace "$1" && wire "$1" eth0 lan "$1" && ip -n lan link set dev "$1" master br && device "$1" eth0 "$2" "$3"
}

tap_check "module, routers, a home link" eval "load && topology && namespace lan && switch lan && wire ha eth1 lan ha &&
	ip -n lan link set dev ha master br && on_lan host $HOST_MAC $HOST && on_lan host2 $HOST2_MAC $HOST2 &&
	ip -n ha address add $HOME_GW/32 dev eth1 && ip -n ha route replace 10.0.0.0/24 dev mip0 src $HOME_GW &&
	ctl ha binding add dev mip0 home $DEV_IP gateway $HOME_GW/24 peer $PMA1 key 0x2005 okey 0x1005 && bind_pma pma1"
ip -n radio link set dev pma2 down
for ns in ha pma1; do
	n $ns sysctl -qw net.ipv4.conf.all.send_redirects=1
done

tap_stage "mode"
refused "where devices are served" 'served here.*argument "home" of "mode"' ctl pma1 port set port mode home
tap_check "a port" ip -n ha link set dev eth1 master mip0
tap_is "by default leads to devices" "$(ports_of ha | jq -r '.[0].mode')" access
tap_check "listens to all" eval "ip -n ha -d link show dev eth1 | tap_grep 'promiscuity [1-9]'"
tap_check "or is the home link" ctl ha port set eth1 mode home
tap_is "which shows" "$(ports_of ha | jq -r '.[0].mode')" home
tap_check "and listens to itself" eval "ip -n ha -d link show dev eth1 | tap_grep 'promiscuity 0'"
refused "it serves nobody" 'mode home serves no devices' \
	ctl ha binding add dev mip0 home 10.0.0.9 port eth1 mac $DEV_MAC peer $PMA1
tap_check "another port" eval "
	ip -n ha link add name eth2 type veth peer name far && ip -n ha link set dev eth2 master mip0"
refused "there is one" 'eth1 is the home link already' ctl ha port set eth2 mode home
modprobe tun
tap_check "a point-to-point port" eval "
	ip -n ha tuntap add mode tun name point && ip -n ha link set dev point master mip0"
refused "is none" 'no home link' ctl ha port set point mode home
ip -n ha link del dev eth2
ip -n ha link del dev point

tap_stage "who is away and who is not"
for ns in lan core; do
	spawn $ns tcpdump -n -l -i br icmp > /tmp/$ns 2> /tmp/$ns.err
	tap_wait 20 "tcpdump" grep -q listening /tmp/$ns.err
done
tap_check "host to device" pings host $DEV_IP
tap_check "device to host" pings dev $HOST
tap_is "the host knows it by the home agent's MAC" "$(knows host $DEV_IP)" "$(mac_of ha eth1)"
tap_is "its TTL is none the less" "$(sees host $DEV_IP)" 64
tap_is "nor is the host's" "$(sees dev $HOST)" 64
tap_is "TTL 1 arrives there" "$(sees host $DEV_IP -t 1)" 64
tap_is "and here" "$(sees dev $HOST -t 1)" 64
# [5944-4.2.3-2] [5944-4.2.3-3]
tap_check "device to host that nobody has asked for" pings dev $HOST2
ip -n ha neigh flush dev eth1
tap_is "the first packet waits until its MAC is known" "$(sees dev $HOST)" 64
ip -n ha neigh flush dev eth1
tap_is "so does one from far away" "$(sees cn $HOST)" 63
ip -n ha route add default via $HOST2 dev eth1 onlink metric 9999
ip -n ha neigh flush dev eth1
tap_is "for it, not for a gateway there" "$(sees dev $HOST)" 64
ip -n ha route del default metric 9999
tap_check "host to host" pings host $HOST2
tap_is "is none of our business" "$(knows host $HOST2)" $HOST2_MAC
tap_check "home agent to host" pings ha $HOST
tap_check "home agent to device" pings ha $DEV_IP
tap_check "host to home agent" pings host $HOME_GW
tap_check "far away to host" pings cn $HOST
tap_check "host to far away" pings host $CN
tap_is "that is a hop" "$(sees host $CN)" 63
tap_check "far away to device" pings cn $DEV_IP
tap_check "device to far away" pings dev $CN
head -c 300000 /dev/urandom > /tmp/payload
tap_check "TCP from host to device" tcp host dev $DEV_IP
tap_check "TCP from device to host" tcp dev host $HOST
tap_check "who forbade fragments is told the tunnel's MTU" \
	grep -q 'mtu *= *1472' <<< "$(n host ping -n -c 1 -W 5 -s 1472 -M 'do' $DEV_IP 2>&1)"
tap_check "who didn't gets through" n host ping -q -n -c 1 -W 5 -s 1472 -M dont $DEV_IP
for end in "host eth0" "ha eth1"; do
	ip -n ${end% *} link set dev ${end#* } mtu 1000
done
tap_check "a narrow link: who forbade fragments is told" \
	grep -q 'mtu *= *1000' <<< "$(n dev ping -n -c 1 -W 5 -s 1200 -M 'do' $HOST 2>&1)"
tap_check "who didn't gets through" n cn ping -q -n -c 1 -W 5 -s 1200 -M dont $HOST
ip -n host neigh flush dev eth0
ip -n ha neigh flush dev eth1
tap_check "even before the MAC is known" n cn ping -q -n -c 1 -W 5 -s 1200 -M dont $HOST
for end in "host eth0" "ha eth1"; do
	ip -n ${end% *} link set dev ${end#* } mtu 1500
done
n dev ping -n -c 1 -W 10 10.0.0.99 > /tmp/ping
tap_check "who isn't there is said not to be" grep -q 'Host Unreachable' /tmp/ping
tap_is "nothing counts as without binding" "$(drops ha no_binding)" 0
tap_check "what was seen until here" eval "pings pma1 $HA && pings host2 $HOST &&
	tap_wait 10 'its echo' grep -q '$PMA1 > $HA: ICMP echo' /tmp/core &&
	tap_wait 10 'its echo' grep -q '$HOST2 > $HOST: ICMP echo' /tmp/lan"
tap_is "nobody redirects" "$(grep -i redirect /tmp/lan /tmp/core)" ""

tap_stage "proxy ARP, RFC 5944 section 4.6 and RFC 5227"
# [5944-4.6-3] [5944-4.6-4] [5944-4.6-5]
ha_mac=$(mac_of ha eth1)
tap_is "a request" "$(answered $HOST $DEV_IP)" "$ha_mac"
tap_is "to the home agent alone" "$(answered $HOST $DEV_IP "$ha_mac")" "$ha_mac"
tap_is "a probe: defended" "$(answered 0.0.0.0 $DEV_IP)" "$ha_mac"
tap_is "an announcement: defended" "$(answered $DEV_IP $DEV_IP)" "$ha_mac"
tap_is "the home agent's own address" "$(answered $HOST $HOME_GW)" "$ha_mac"
tap_is "one without binding" "$(answered $HOST 10.0.0.9)" ""
tap_is "to another host's MAC" "$(answered $HOST $DEV_IP $HOST2_MAC)" ""
tap_is "a host's" "$(answered $HOST $HOST2)" $HOST2_MAC
tap_check "the home agent's own probe" n ha arping -q -D -c 1 -w 1 -I eth1 $DEV_IP
tap_is "no device of the link is in the home agent's table" "$(ip -n ha neigh show $DEV_IP)" ""
ctl ha binding del dev mip0 home $DEV_IP
tap_is "no longer away" "$(answered $HOST $DEV_IP)" ""

tap_stage "the link is none any more"
ctl ha binding add dev mip0 home $DEV_IP gateway $HOME_GW/24 peer $PMA1 key 0x2005 okey 0x1005
spawn host ping -q -n -f -W 1 $DEV_IP > /dev/null 2>&1
spawn dev ping -q -n -f -W 1 $HOST > /dev/null 2>&1
tap_check "mode access" ctl ha port set eth1 mode access
tap_is "no answer" "$(answered $HOST $DEV_IP)" ""
for ((i = 0; i < 10; i++)); do
	ctl ha port set eth1 mode home && ip -n ha link set dev eth1 nomaster &&
		ip -n ha link set dev eth1 master mip0 ||
		break
done
tap_is "comes and goes under traffic" $i 10
ctl ha port set eth1 mode home
tap_check "and forwards" pings host $DEV_IP
tap_check "goes with its device" goes ha eth1
# the route's source went, too
tap_check "a route without it" ip -n ha route add 10.0.0.0/24 dev mip0
before=$(drops ha no_binding)
n dev ping -q -n -c 1 -W 1 $HOST > /dev/null
tap_check "and what went there has no binding" more ha no_binding "$before"
tap_end
