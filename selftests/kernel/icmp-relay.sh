#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# ICMP from inside the tunnel, as a router there would send it: what it tells whom, at once where it quotes enough, and
# what is kept of it for who sends next. RFC 2003 sections 4 and 5.
#
#   cn ── ha ══ pma1 ── dev
#           ╲ pma2: the router that complains
# timeout: 600

. "$(dirname "$0")/lib.sh"

# quote ENCAP FROM TO KEY INNER: a tunnel packet, as an expression
quote()
{
	case $1 in
	gre) echo "ip('$2', '$3', gre($5, key=$4), proto=47)" ;;
	ipip) echo "ip('$2', '$3', $5, proto=4)" ;;
	minimal) echo "minimal('$2', '$3', $5)" ;;
	esac
}

# inner FROM TO [MARK]: what was in it, 1428 bytes that mustn't be cut
inner()
{
	echo "ip('$1', '$2', udp(${3-mark}, 7, b'x' * 1400), df=1)"
}

# about TARGET QUOTE: all errors there are, about that
about()
{
	py pma2 "send_ip(*errors('$PMA2', '$1', lambda mark: $2))"
}

# say TARGET TYPE CODE QUOTE
say()
{
	py pma2 "send_ip(ip('$PMA2', '$1', icmp($2, $3, 0, $4), proto=1))"
}

unreachable()	# NS
{
	ctl "$1" -j peer show | jq -r '.[0].unreachable // "no"'
}

errors()
{
	ctl "$1" -j peer show | jq '.[0].errors'
}

has()	# NS STATE
{
	[ "$(unreachable "$1")" = "$2" ]
}

# The golden pairs. To a correspondent node, which is on another network than the home agent: [5944-4.2.3-5]
to_cn()	# MTU TTL-EXCEEDED
{
	cat <<- END
		3/0: 203.0.113.1 3/0
		3/1: 203.0.113.1 3/1
		3/2: 203.0.113.1 3/0
		3/4: 203.0.113.1 3/4 $1
		3/6: 203.0.113.1 3/0
		3/7: 203.0.113.1 3/1
		3/8: 203.0.113.1 3/1
		3/9: 203.0.113.1 3/0
		3/10: 203.0.113.1 3/1
		3/11: 203.0.113.1 3/0
		3/12: 203.0.113.1 3/1
		3/13: 203.0.113.1 3/1
		3/14: 203.0.113.1 3/1
		3/15: 203.0.113.1 3/1
		11/0: 203.0.113.1 $2
	END
}

# and to a device, which is on the network of its router
to_dev()
{
	to_cn "$@" | sed "s/203.0.113.1/$HOME_GW/; s,3/0\$,3/1,"
}

tap_check "module, routers, devices" eval "load && topology"
ip -n radio link set dev pma2 down
n ha sysctl -qw net.ipv4.icmp_ratelimit=0

for encap in gre ipip minimal; do
	tap_stage "$encap"
	keys=([1]="" [2]="") mtu=1380 ttl=3/1
	case $encap in
	gre) keys=([1]="key 0x2005 okey 0x1005" [2]="key 0x1005 okey 0x2005") mtu=1372 ;;
	minimal) mtu=1388 ttl=11/0 ;;
	esac
	tap_check "a binding" eval "
		ctl ha binding add dev mip0 home $DEV_IP peer $PMA1 encap $encap ${keys[1]} &&
		ctl pma1 binding add dev mip0 home $DEV_IP port port mac $DEV_MAC gateway $HOME_GW/24 peer $HA \
			encap $encap ${keys[2]}"
	down=$(quote $encap $HA $PMA1 0x1005 "$(inner $CN $DEV_IP)")
	up=$(quote $encap $PMA1 $HA 0x2005 "$(inner $DEV_IP $CN)")
	tap_is "to cn, at once" \
		"$(told cn about $HA "${down}[:128]")" "$(to_cn $mtu $ttl)"
	tap_is "to dev, at once" \
		"$(told dev about $PMA1 "${up}[:128]")" "$(to_dev $mtu $ttl)"
	n ha sysctl -qw net.ipv4.ip_no_pmtu_disc=2
	tap_is "to cn, but no path MTU, where the administrator believes none" \
		"$(told cn about $HA "${down}[:128]")" "$(to_cn $mtu $ttl | sed '/^3.4:/d')"
	n ha sysctl -qw net.ipv4.ip_no_pmtu_disc=0
	tap_check "all gone" eval "ctl ha binding del dev mip0 home $DEV_IP &&
		ctl pma1 binding del dev mip0 home $DEV_IP"
done

tap_stage "what isn't ours"
tap_check "a binding" eval "bind_ha $PMA1 && bind_pma pma1"
gre()	# [KEY [FROM [TO]]]: with the rest as it should be
{
	quote gre $HA $PMA1 "${1:-0x1005}" "$(inner "${2:-$CN}" "${3:-$DEV_IP}" 1)"
}
wrong=(
	"$(gre 0x1006)[:128]"
	"$(gre 0x1005 $CN 10.0.0.6)[:128]"
	"ip('$PMA2', '$PMA1', $(inner $CN $DEV_IP 1), proto=47)[:128]"
	"$(gre | sed "s/'$PMA1'/'$PMA2'/")[:128]"
	"$(gre | sed "s/key=/csum=True, key=/")[:128]"
	"$(gre | sed "s/key=0x1005/proto=0x6558, key=0x1005/")[:128]"
	"$(gre | sed 's/, key=0x1005//')[:128]"
	"$(gre | sed 's/proto=47/proto=47, frag=1/')[:128]"
	"$(gre)[:27]"
)
none()
{
	local q

	for q in "${wrong[@]}" "$(quote gre $HA $PMA1 0x1005 "$(inner $CN $DEV_IP LAST)")[:128]"; do
		say $HA 3 1 "$q" || return
	done
}
before=$(errors ha)
tap_is "nobody hears of other keys, addresses and kinds of GRE, of later fragments, or of too little" \
	"$(told cn none)" ""
tap_is "and but one counts, which was right" "$(errors ha)" $((before + 1))

tap_stage "8 bytes are too little to know the sender: it is told when it sends next"
down="$(gre)[:28]"
sent()
{
	ctl ha -s -j binding get dev mip0 home $DEV_IP | jq .[0].stats.down_packets
}
tap_check "wait until it is forgotten" tap_wait 15 "no" has ha no
# [5944-4.2.3-5]
for error in 3/3 3/5 4/0 5/1 11/1 12/0 3/4; do
	say $HA ${error%/*} ${error#*/} "$down"
	tap_is "$error says nothing of the peer" "$(unreachable ha)" no
done
for error in 3/0=net 3/2=protocol 11/0=ttl 3/13=host 3/1=host; do
	code=${error#*/}
	say $HA "${error%%/*}" "${code%=*}" "$down"
	tap_is "${error%=*}: ${error#*=}" "$(unreachable ha)" "${error#*=}"
done
ip -n radio link set dev dev down
before=$(sent)
tap_check "cn is told" grep -q 'From 203.0.113.1.*Host Unreachable' <<< "$(n cn ping -n -c 1 -W 5 $DEV_IP)"
tap_is "but its packet is sent" "$(sent)" $((before + 1))
ip -n radio link set dev dev up
say $HA 3 1 "$down"
tap_is "again" "$(unreachable ha)" host
tap_check "which is over when something comes from the peer" eval "
	py dev \"send_ip(ip('$DEV_IP', '$CN', udp(1, 2)))\" && tap_wait 2 'no' has ha no"
say $HA 3 1 "$down"
tap_is "again" "$(unreachable ha)" host
tap_check "or after a while" tap_wait 15 "no" has ha no
say $PMA1 3 1 "$(quote gre $PMA1 $HA 0x2005 "$(inner $DEV_IP $CN 1)")[:28]"
tap_is "at the access router likewise" "$(unreachable pma1)" host
output=$(n dev ping -n -c 3 -i 0.2 -W 5 $CN)
tap_check "dev is told" grep -q "From $HOME_GW.*Host Unreachable" <<< "$output"
tap_check "and gets its answers" grep -q ' [23] received' <<< "$output"
tap_is "by which the peer is reachable" "$(unreachable pma1)" no

tap_stage "poison"
tap_check "what came out of a tunnel of ours is not believed" eval "
	py dev \"send_ip(ip('$DEV_IP', '$HA', icmp(3, 1, 0, $down), proto=1))\" && pings dev $CN"
tap_is "so nothing is unreachable" "$(unreachable ha)" no
tap_end
