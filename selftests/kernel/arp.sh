#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What a bound device hears from its router: ARP by the modes of the link, and echo with TTL 1.
#
#   dev (10.0.0.5, gateway 10.0.0.1) ── radio ── port pma1
# timeout: 600

. "$(dirname "$0")/lib.sh"

OLD=02:00:00:00:aa:01	# MAC of a router that the device knew before
GWMAC=02:00:00:00:bb:01

# answer TARGET [SENDER-IP [DESTINATION-MAC]]: MAC that answers the device, "" for none
answer()
{
	py dev "arp_reply('eth0', arp_frame(1, '$DEV_MAC', '${2-$DEV_IP}', '$1', dst='${3-ff:ff:ff:ff:ff:ff}'),
		${WAIT-5})"
}

silent()
{
	WAIT=0.5 answer "$@"
}

tap_check "module, routers, devices" eval "load && topology && bind_ha $PMA1 && bind_pma pma1"
ip -n radio link set dev pma2 down
# a stack that hears an announcement would learn from it
n pma1 sysctl -qw net.ipv4.conf.port.arp_accept=1
# the device's own stack stays out of it
ip -n dev link set dev eth0 arp off
port=$(n pma1 cat /sys/class/net/port/address)

tap_stage "mode all"
tap_is "the gateway has the port's MAC" "$(answer $HOME_GW)" "$port"
tap_is "so has a host on the home link" "$(answer 10.0.0.99)" "$port"
tap_is "and one anywhere else" "$(answer 198.51.100.9)" "$port"
before=$(drops pma1 arp)
tap_is "a probe for its own address (RFC 5227) finds nobody" "$(silent $DEV_IP 0.0.0.0)" ""
tap_is "nor does its announcement" "$(silent $DEV_IP)" ""
tap_is "nor a probe for another address" "$(silent 10.0.0.99 0.0.0.0)" ""
tap_is "the three are counted" $(($(drops pma1 arp) - before)) 3
before=$(drops pma1 spoofed_source)
tap_is "a request from another address gets no answer" "$(silent $HOME_GW 10.0.0.66)" ""
tap_is "it counts as spoofed" $(($(drops pma1 spoofed_source) - before)) 1
for target in 0.0.0.0 127.0.0.1 224.0.0.1 255.255.255.255; do
	tap_is "none for $target" "$(silent $target)" ""
done
tap_is "none to an ARP reply" "$(py dev "arp_reply('eth0', arp_frame(2, '$DEV_MAC', '$DEV_IP', '$HOME_GW'), .5)")" ""
tap_is "none when frame and ARP disagree" \
	"$(py dev "arp_reply('eth0', arp_frame(1, '02:00:00:00:00:06', '$DEV_IP', '$HOME_GW', src='$DEV_MAC'), .5)")" ""
tap_is "none to a truncated one" \
	"$(py dev "arp_reply('eth0', arp_frame(1, '$DEV_MAC', '$DEV_IP', '$HOME_GW')[:30], .5)")" ""
tap_is "the router learned nothing" "$(ip -n pma1 neighbour show dev port)" ""

tap_stage "a device that asks the router it came from (RFC 4436)"
# in a frame of the port's own: a switch must not learn the other router's MAC here
tap_is "is answered with that MAC" "$(py dev "arp_reply('eth0', arp_frame(1, '$DEV_MAC', '$DEV_IP', '$HOME_GW',
	dst='$OLD'), 5, '$port')")" "$OLD"
tap_is "but only for the gateway" "$(answer 10.0.0.99 $DEV_IP $OLD)" "$port"
tap_check "packets to that MAC are forwarded" eval "
	py dev \"icmp_reply('eth0', eth('$DEV_MAC', '$OLD', echo('$DEV_IP', '$CN')), 0, 5) != ''\""

tap_stage "echo to the gateway"
ECHO="echo('$DEV_IP', '$HOME_GW', ttl="
tap_is "with TTL 1 is answered by the first hop" \
	"$(py dev "icmp_reply('eth0', eth('$DEV_MAC', '$port', ${ECHO}1)), 0)")" "$HOME_GW 0 1 64"
tap_is "with TTL 2 it goes home, where nobody has that address" \
	"$(py dev "icmp_reply('eth0', eth('$DEV_MAC', '$port', ${ECHO}2)), 0, .5)")" ""

tap_stage "a gateway MAC"
tap_check "can be set" ctl pma1 link set mip0 gwmac $GWMAC
tap_is "it answers" "$(answer $HOME_GW)" "$GWMAC"
tap_is "and sends" "$(py dev "ask('eth0', eth('$DEV_MAC', '$GWMAC', echo('$DEV_IP', '$CN')),
	lambda f: f[12:14] == b'\x08\0' and f[34] == 0)[6:12].hex(':')")" "$GWMAC"

tap_stage "mode gateway"
tap_check "can be set" ctl pma1 link set mip0 arp gateway
tap_is "the gateway is answered" "$(answer $HOME_GW)" "$GWMAC"
tap_is "another is not" "$(silent 10.0.0.99)" ""
tap_stage "mode off"
tap_check "can be set" ctl pma1 link set mip0 arp off
tap_is "not even the gateway is answered" "$(silent $HOME_GW)" ""
tap_stage "released"
tap_check "the port" ip -n pma1 link set dev port nomaster
tap_is "listens to its own MAC only, again" "$(ip -n pma1 -d -j link show port | jq '.[0].promiscuity')" 0
tap_end
