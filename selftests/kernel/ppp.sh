#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Ports that are one device's: PPP sessions, by pppd where the kernel has its line discipline, else as PPTP's daemons
# leave them, and a tun device.
#
#   cn ── ha ══ pma1 ── ppp0 ── PPP ── ppp0 caller          10.0.0.5
#                └──── point (tun) ── packets.py
# timeout: 600

. "$(dirname "$0")/lib.sh"

PPTP=$MIP4_TOP/selftests/kernel/pptp.py
KEYS="peer $HA key 0x1005 okey 0x2005"

# bind PORT
bind()
{
	# shellcheck disable=SC2086
	ctl pma1 binding add dev mip0 home $DEV_IP port "$1" gateway $HOME_GW/24 $KEYS
}

# pppd NS LOCAL:REMOTE SOCAT-ADDRESS
pppd_end()
{
	spawn "$1" pppd nodetach local noauth nolock noccp novj noipv6 nodefaultroute nocrtscts lcp-echo-interval 0 \
		"$2" pty "socat - $3" > "/tmp/pppd.$1" 2>&1
	ends_of_session+=($!)
}

# Both ends, up and with addresses. The router's end of a PPTP session has none, as nobody needs it.
session()
{
	ends_of_session=()
	if [ "$by" = pppd ]; then
		rm -f /tmp/ppp
		pppd_end pma1 $HOME_GW:$DEV_IP UNIX-LISTEN:/tmp/ppp
		tap_wait 20 "a listener" test -S /tmp/ppp || return
		pppd_end caller $DEV_IP:$HOME_GW UNIX-CONNECT:/tmp/ppp
	else
		spawn pma1 "$PPTP" 198.51.100.1 1 198.51.100.2 2
		ends_of_session+=($!)
		spawn caller "$PPTP" 198.51.100.2 2 198.51.100.1 1
		ends_of_session+=($!)
	fi
	tap_wait 30 "two ends" eval "ip -n pma1 link show dev ppp0 && ip -n caller link show dev ppp0" || return
	if [ "$by" = pppd ]; then
		tap_wait 30 "IPCP" eval "ip -n caller -4 -o address show dev ppp0 | tap_grep 'inet $DEV_IP ' &&
			ip -n pma1 -4 -o address show dev ppp0 | tap_grep 'inet $HOME_GW '" || return
	else
		ip -n pma1 link set dev ppp0 up && ip -n caller link set dev ppp0 up &&
			ip -n caller address add $DEV_IP/32 dev ppp0 || return
	fi
	ip -n caller route replace default dev ppp0
}

end_session()
{
	kill "${ends_of_session[@]}"
	wait "${ends_of_session[@]}" 2> /dev/null
	tap_wait 20 "the end of the session" eval "! ip -n pma1 link show dev ppp0"
}

entered()
{
	n pma1 nft -j list counter ip t port | jq '.nftables[1].counter.packets'
}

by=PPTP
! modprobe -q ppp_async || by=pppd
modprobe -q -a pptp tun
tap_check "module, routers" eval "load && topology && bind_ha $PMA1 && namespace caller &&
	wire pma1 road caller road && ip -n pma1 address add 198.51.100.1/30 dev road &&
	ip -n caller address add 198.51.100.2/30 dev road"
# not by tap_check, which would wait for the end of both ends
session
tap_is "a session by $by" $? 0 || tap_diag "$(cat /tmp/pppd.*)"
n pma1 nft -f - <<- 'END'
	table ip t {
		counter port { }
		chain pre { type filter hook prerouting priority -300; iifname "ppp0" counter name port; }
	}
END
tap_check "a port" ip -n pma1 link set dev ppp0 master mip0

tap_stage "the port is the key"
refused "a MAC" 'no MACs.*argument.*"mac"' ctl pma1 binding add dev mip0 home $DEV_IP port ppp0 mac $DEV_MAC peer $HA
refused "none on Ethernet" 'many devices.*argument.*"port"' \
	ctl pma1 binding add dev mip0 home $DEV_IP port port peer $HA
tap_check "a binding" bind ppp0
refused "a second one" 'port already used by binding.*argument.*"port"' \
	ctl pma1 binding add dev mip0 home 10.0.0.6 port ppp0 peer $HA
tap_is "has no MAC" "$(ctl pma1 -j binding get dev mip0 port ppp0 |
	jq -r '.[] | "\(.addresses[0].address) \(.port) \(.mac)"')" "$DEV_IP ppp0 null"
refused "what doesn't exist" "no such binding: on an Ethernet port" ctl pma1 binding get dev mip0 port port

tap_check "up" pings caller $CN
tap_check "down" pings cn $DEV_IP
head -c 300000 /dev/urandom > /tmp/payload
tap_check "TCP up" tcp caller cn $CN
tap_check "TCP down" tcp cn caller $DEV_IP
tap_check "the gateway answers, TTL 1" n caller ping -q -n -c 1 -W 2 -t 1 $HOME_GW
tap_check "the hop is counted" grep -q 'From 10.0.0.1 icmp_seq=1 Time to live exceeded' <<< \
	"$(n caller ping -n -c 1 -W 2 -t 1 $CN)"
before=$(drops pma1 spoofed_source)
ip -n caller address add 10.0.0.9/32 dev ppp0
n caller ping -q -n -c 2 -i 0.1 -W 1 -I 10.0.0.9 $CN > /dev/null
tap_is "another source is dropped" $(($(drops pma1 spoofed_source) - before)) 2
n caller ping -q -n -c 1 -W 1 $PMA1 > /dev/null
tap_is "nothing enters the router's own stack" "$(entered)" 0

tap_stage "a narrow session"
ip -n pma1 link set dev ppp0 mtu 1000
tap_check "tells who forbade fragments" \
	grep -q 'mtu *= *1000' <<< "$(n cn ping -n -c 1 -W 5 -s 1200 -M 'do' $DEV_IP 2>&1)"
ip -n cn route flush cache
ip -n pma1 link set dev ppp0 mtu 1400

tap_stage "no binding yet"
ctl pma1 binding del dev mip0 port ppp0
listen pma1 /tmp/events event
spawn caller ping -q -n -c 60 -i 0.2 -W 2 $CN > /tmp/ping
ping=$!
tap_check "the session is reported" tap_wait 10 "an event" grep -q unknown_device /tmp/events
tap_is "by its port" "$(jq -r 'select(.event == "unknown_device") | "\(.port) \(.mac) \(.address)"' /tmp/events |
	head -n 1)" "ppp0 null $DEV_IP"
tap_check "its packets wait" tap_wait 10 "a packet" eval "[ \$(ctl pma1 -s -j port show ppp0 | jq '.[0].held') -gt 0 ]"
tap_check "the binding" bind ppp0
wait $ping
tap_is "packets arrive" $? 0

tap_stage "moves"
tap_check "to an Ethernet port" ctl pma1 binding set dev mip0 home $DEV_IP port port mac $DEV_MAC
ip -n radio link set dev pma2 down
tap_check "and is served there" pings dev $CN
tap_check "back" ctl pma1 binding set dev mip0 home $DEV_IP port ppp0
tap_check "and is served here" pings caller $CN
tap_check "a gateway MAC is none of its business" eval "
	ctl pma1 link set mip0 gwmac 02:00:00:00:bb:01 && pings caller $CN"

tap_stage "the session ends"
listen pma1 /tmp/log binding
spawn cn ping -q -n -f -W 1 $DEV_IP > /dev/null 2>&1
down=$!
spawn caller ping -q -n -f -W 1 $CN > /dev/null 2>&1
up=$!
end_session
tap_is "under traffic" $? 0
kill $up $down
tap_check "its device is unbound, with that reason" tap_wait 10 "a notification" grep -q '"reason": *"port"' /tmp/log
tap_is "no binding" "$(ctl pma1 -j binding show)" '[]'
for ((i = 0; i < 5; i++)); do
	session && ip -n pma1 link set dev ppp0 master mip0 && bind ppp0 && pings caller $CN 20 || break
	spawn caller ping -q -n -f -W 1 $CN
	end_session || break
done > /tmp/loop 2>&1
tap_is "five times more, and comes again" $i 5 || tap_diag "$(tail -n 5 /tmp/loop)"

tap_stage "a tun device"
tap_check "a port" eval "ip -n pma1 tuntap add mode tun name point && ip -n pma1 link set dev point up &&
	ip -n pma1 link set dev point master mip0 && bind point"
fields="socket.inet_ntoa(got[12:16]), socket.inet_ntoa(got[16:20]), got[8], got[20], got[24:].hex(), len(got)"
tap_is "an echo comes back as it went, without any header in front" \
	"$(py pma1 "(lambda got: ($fields))(tun_ask('point', echo('$DEV_IP', '$CN')))")" \
	"('$CN', '$DEV_IP', 63, 0, '123400016d697034', 32)"
ip -n pma1 link set dev point down
refused "it stays what it is" "Error|error" n pma1 python3 -c "
import fcntl, struct
f = open('/dev/net/tun', 'r+b', buffering=0)
fcntl.ioctl(f, 0x400454ca, struct.pack('16sH22x', b'point', 0x1001))
fcntl.ioctl(f, 0x400454cd, 1)"
tap_check "goes" goes pma1 point
tap_is "with its binding" "$(ctl pma1 -j binding show)" '[]'
tap_end
