#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Every other tunnel between the same two addresses, up before ours or after: each carries its own, none takes from
# another. GRE with one key and IP-in-IP beside ours: basic.sh.
#
#   cn ── ha 192.0.2.1 ══ mip4: GRE key, GRE, IP-in-IP ════════ 192.0.2.11 pma1 ── dev
#         172.16.N.1 ──── N: tunnel N of the table below ────── 172.16.N.2
#   first world: 1 gre key 5   2 gre   5 ipip   sit, 6in4   8 PPTP   9 WireGuard   gre external, gretap external:
#                these take what nobody took
#   second world: 7 vti, ESP   5 sit any: IP-in-IP and 6in4   gre0: takes what nobody took
# timeout: 900

. "$(dirname "$0")/lib.sh"

PPTP=$MIP4_TOP/selftests/kernel/pptp.py
MODULES="ip_gre ipip sit ip_vti pptp wireguard"

# both_ends FUNCTION: at ha and at pma1, with NS LOCAL REMOTE HOST, where 172.16.N.HOST is this end
both_ends()
{
	"$@" ha $HA $PMA1 1 && "$@" pma1 $PMA1 $HA 2
}

# has NS DEV N HOST
has()
{
	ip -n "$1" link set dev "$2" up && ip -n "$1" address add "172.16.$3.$4/30" dev "$2"
}

# has6 NS DEV HOST
has6()
{
	[ ! -d /proc/sys/net/ipv6 ] || { n "$1" sysctl -qw "net.ipv6.conf.$2.disable_ipv6=0" &&
		ip -n "$1" address add "fd00::$3/64" dev "$2" nodad; }
}

add_gre()
{
	ip -n "$1" link add gre1 type gre local "$2" remote "$3" key 5 && has "$1" gre1 1 "$4"
}

add_gre_keyless()
{
	ip -n "$1" link add gre2 type gre local "$2" remote "$3" && has "$1" gre2 2 "$4"
}

add_gre_external()
{
	ip -n "$1" link add gre3 type gre external && ip -n "$1" link set dev gre3 up
}

add_gretap_external()
{
	ip -n "$1" link add tap4 type gretap external && ip -n "$1" link set dev tap4 up
}

add_ipip()
{
	ip -n "$1" link add ipip5 type ipip local "$2" remote "$3" && has "$1" ipip5 5 "$4"
}

add_sit()
{
	ip -n "$1" link add sit6 type sit local "$2" remote "$3" && ip -n "$1" link set dev sit6 up &&
		has6 "$1" sit6 "$4"
}

add_sit_any()
{
	ip -n "$1" link add sit5 type sit mode any local "$2" remote "$3" && has "$1" sit5 5 "$4" && has6 "$1" sit5 "$4"
}

add_vti()
{
	local spi=$((0x700 + $4)) other=$((0x703 - $4))
	local alg=(auth 'hmac(sha256)' "0x$(printf '%064x' 7)" enc 'cbc(aes)' "0x$(printf '%032x' 7)")

	ip -n "$1" link add vti7 type vti local "$2" remote "$3" key 7 && has "$1" vti7 7 "$4" &&
		ip -n "$1" xfrm state add src "$2" dst "$3" proto esp spi $spi mode tunnel "${alg[@]}" &&
		ip -n "$1" xfrm state add src "$3" dst "$2" proto esp spi $other mode tunnel "${alg[@]}" &&
		ip -n "$1" xfrm policy add dir out mark 7 tmpl src "$2" dst "$3" proto esp mode tunnel &&
		ip -n "$1" xfrm policy add dir in mark 7 tmpl src "$3" dst "$2" proto esp mode tunnel
}

# vti STATE NS: where Linux has IPComp, a vti that is up takes all IP-in-IP and 6in4 between its ends from Linux's
# tunnels
vti()
{
	ip -n "$2" link set dev vti7 "$1"
}

# a fallback with an address of its own, which all unknown GRE reaches as long as it is up
add_gre0()
{
	ip -n "$1" link set dev gre0 up
}

add_pptp()
{
	spawn "$1" "$PPTP" "$2" "$4" "$3" $((3 - $4)) && tap_wait 10 "ppp0 of $1" ip -n "$1" link show dev ppp0 &&
		has "$1" ppp0 8 "$4"
}

add_wireguard()
{
	[ -e /tmp/wg1 ] || { wg genkey > /tmp/wg1 && wg genkey > /tmp/wg2; }
	ip -n "$1" link add wg9 type wireguard && n "$1" wg set wg9 private-key "/tmp/wg$4" listen-port 51820 \
		peer "$(wg pubkey < "/tmp/wg$((3 - $4))")" endpoint "$3:51820" allowed-ips 172.16.9.0/24 &&
		has "$1" wg9 9 "$4"
}

first_world()
{
	both_ends add_gre && both_ends add_gre_keyless && both_ends add_gre_external && both_ends add_gretap_external &&
		both_ends add_ipip && both_ends add_sit && both_ends add_pptp && both_ends add_wireguard
}

second_world()
{
	both_ends add_vti && both_ends add_sit_any && both_ends add_gre0
}

# rx NS DEV: how many packets a tunnel's device got
rx()
{
	n "$1" cat "/sys/class/net/$2/statistics/rx_packets"
}

# gets DEV TUNNEL-PACKET: what ha sends reaches that device of pma1. What sends by it takes more than every kernel has.
gets()
{
	local before

	before=$(rx pma1 "$1")
	py ha "send_ip(ip('$HA', '$PMA1', $2, proto=47))"
	tap_wait 5 "a packet of $1" eval "[ \$(rx pma1 $1) -gt $before ]"
}

# six DESC: ping of the tunnel's other end by IPv6, unless the kernel was told to have none
six()
{
	if [ -d /proc/sys/net/ipv6 ]; then
		tap_check "$1" pings pma1 fd00::1
	elif [[ ${APPEND-} != *ipv6.disable=1* ]]; then
		tap_skip "$1" "this kernel has no IPv6"
	fi
}

carries()
{
	tap_check "$1: ours, up" pings dev $CN
	tap_check "$1: ours, down" pings cn $DEV_IP
	if [[ $1 == first* ]]; then
		tap_check "$1: gre with a key" pings pma1 172.16.1.1
		tap_check "$1: gre without" pings pma1 172.16.2.1
		tap_check "$1: gre external" gets gre3 "gre(echo('$CN', '$DEV_IP'), key=8)"
		tap_check "$1: gretap external" gets tap4 \
			"gre(eth('$DEV_MAC', BROADCAST, echo('$CN', '$DEV_IP')), key=0x1005, proto=0x6558)"
		tap_check "$1: ipip" pings pma1 172.16.5.1
		six "$1: sit"
		tap_check "$1: PPTP" pings pma1 172.16.8.1
		tap_check "$1: WireGuard" pings pma1 172.16.9.1
	else
		tap_check "$1: vti" pings pma1 172.16.7.1
		both_ends vti down
		tap_check "$1: sit mode any, IPv4" pings pma1 172.16.5.1
		six "$1: sit mode any, IPv6"
		both_ends vti up
	fi
}

unloaded()
{
	# shellcheck disable=SC2086
	{ [ ! -d /sys/module/mip4 ] || rmmod mip4; } && modprobe -r -a $MODULES
}

# the world's end, and that of its modules, so that the next order is one
end_world()
{
	end_namespaces
	tap_check "$1: all modules go" tap_wait 20 "unused modules" unloaded
}

theirs()
{
	# shellcheck disable=SC2086
	modprobe -a $MODULES && "${1}_world"
}

for world in first second; do
	for order in "ours first" "theirs first"; do
		what="$world world, $order"
		tap_stage "$what"
		if [ "$order" = "ours first" ]; then
			load && underlay && overlay && bind_ha $PMA1 && bind_pma pma1 && theirs $world
		else
			underlay && theirs $world && load && overlay && bind_ha $PMA1 && bind_pma pma1
		fi || { tap_fail "$what: set up"; end_world "$what"; continue; }
		carries "$what, GRE key"
		for encap in gre ipip; do
			tap_check "$what: now by $encap" eval "
				ctl ha binding set dev mip0 home $DEV_IP peer $PMA1 encap $encap &&
				ctl pma1 binding set dev mip0 home $DEV_IP peer $HA encap $encap"
			carries "$what, $encap"
		done
		if [ $world = first ]; then
			# a ping arrives either way
			before=$(rx pma1 gre3)
			pings cn $DEV_IP > /dev/null
			tap_is "$what: nothing of ours goes through gre external" "$(rx pma1 gre3)" "$before"
			before=$(rx ha mip0)
			pings pma1 172.16.5.1 > /dev/null
			tap_is "$what: nothing of ipip goes through ours" "$(rx ha mip0)" "$before"
		fi
		ctl ha binding flush dev mip0 all
		ctl pma1 binding flush dev mip0 all
		[ $world = first ] && fallback=gre3 || fallback=gre0
		tap_check "$what: what was ours is $fallback's without our binding" gets $fallback \
			"gre(echo('$CN', '$DEV_IP'), key=0x1005)"
		end_world "$what"
	done
done
tap_end
