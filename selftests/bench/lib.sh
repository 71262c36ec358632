# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the benches share: routers, tunnels and what goes through them.
#
#   cn ── ha ── core	by mip4 bindings; and back
#   dev ── pma ── core	likewise
#   cn ── gw ── core	plain; by a keyed ip_gre tunnel; by gtp; and back. gw is as ha, without mip4
#
# Everything crosses two wires and ends at a third machine that isn't meant: the router sends it to a MAC that is
# nobody's. What sending the same frames to nobody over the first wire costs is subtracted: what remains is the router
# and one wire. IPv4 in frames of 64 bytes, 50 bytes of it the inner packet; no rules; no checksums in GRE. A load is
# how many bindings, or contexts of gtp, there are: each packet is of a random one of them.

. "$(dirname "${BASH_SOURCE[0]}")/../kernel/lib.sh"

BENCH=$(dirname "${BASH_SOURCE[0]}")
FLOOD=$BENCH/flood
CONTEXTS=$BENCH/contexts
NOBODY=02:00:00:00:00:99
CN_NET=198.51.100.0/24
FAR=198.51.100.5
PEER=192.0.2.77
GRE_DEV=11.0.0.5
GTP_DEV=12.0.0.5
# keys that the HA and the PMA expect: of the first binding
HA_KEY=0x20000000 PMA_KEY=0x10000000
# shellcheck disable=SC2034
FORMS=(gre ipip) DIRECTIONS=("HA encap" "HA decap" "PMA uplink" "PMA downlink")

mac()
{
	n "$1" cat "/sys/class/net/$2/address"
}

# nowhere NS DEV ADDRESS
nowhere()
{
	ip -n "$1" neighbour replace "$3" lladdr $NOBODY dev "$2" nud permanent
}

# home_agent NS DEV-OF-CN
home_agent()
{
	wire cn "$2" "$1" cn && wire "$1" core core "$1" &&
		ip -n "$1" address add 203.0.113.1/24 dev cn && ip -n "$1" address add $HA/24 dev core &&
		n "$1" sysctl -qw net.ipv4.ip_forward=1 &&
		nowhere "$1" cn $CN && nowhere "$1" core $PEER && nowhere "$1" core $PMA1
}

routers()
{
	namespace cn ha gw core pma dev && home_agent ha eth0 && home_agent gw eth1 &&
		ip -n gw route add $CN_NET via $PEER &&
		wire dev eth0 pma port && wire pma core core pma && ip -n pma address add $PMA1/24 dev core &&
		ip -n pma route add 203.0.113.0/24 via $HA && n pma sysctl -qw net.ipv4.ip_forward=1 &&
		nowhere pma core $HA
}

gre()
{
	modprobe ip_gre && ip -n gw link add gre1 type gre local $HA remote $PEER key 5 && ip -n gw link set gre1 up &&
		ip -n gw route add 11.0.0.0/8 dev gre1
}

# gtp LOAD: with a bucket for each context, up to what ip takes. Prints ns.
gtp()
{
	local buckets=$(($1 < 1024 ? 1024 : $1 > 65535 ? 65535 : $1))

	modprobe gtp && ip -n gw link add gtp0 type gtp role ggsn hsize $buckets &&
		ip -n gw link set gtp0 up && ip -n gw route add 12.0.0.0/8 dev gtp0 &&
		n gw "$CONTEXTS" gtp gtp0 "$1" $GTP_DEV $PEER 0x100
}

gtp_gone()
{
	ip -n gw link del gtp0 && modprobe -r gtp
}

mip4()
{
	load && mip4_link ha $HA && ip -n ha route add 10.0.0.0/8 dev mip0 &&
		mip4_link pma $PMA1 && ip -n pma link set dev port master mip0
}

# bind_ha_many FORM LOAD, bind_pma_many FORM LOAD: at either end. Print ns.
bind_ha_many()
{
	local keys=("$HA_KEY" "$PMA_KEY")

	[ "$1" != ipip ] || keys=(-)
	n ha "$CONTEXTS" mip4 mip0 "$2" $DEV_IP $PMA1 "${keys[@]}"
}

bind_pma_many()
{
	local keys=("$PMA_KEY" "$HA_KEY")

	[ "$1" != ipip ] || keys=(-)
	n pma "$CONTEXTS" mip4 mip0 "$2" $DEV_IP $HA "${keys[@]}" port $DEV_MAC
}

unbind_all()
{
	ctl ha binding flush dev mip0 all && ctl pma binding flush dev mip0 all
}

# extra NAME: bytes that a tunnel puts in front
extra()
{
	case $1 in
	ipip*) echo 20 ;;
	gtp*) echo 36 ;;
	plain) echo 0 ;;
	*) echo 28 ;;
	esac
}

# path NAME LOAD [tcp]: sets from, dev, to, sink and length, what arrives there; and flood: flood's arguments, all
# packets going to the router. NAME is plain, 'ip_gre encap' or '... decap', likewise gtp, or FORM and one of
# DIRECTIONS.
# shellcheck disable=SC2206
path()
{
	local load=$2 form=${1%% *} ha=ha dev_cn=eth0 tcp=(${3:+"$3"}) router

	[[ $form != @(plain|ip_gre|gtp) ]] || ha=gw dev_cn=eth1
	case $1 in
	*uplink) from=dev dev=eth0 to=core sink=pma router=port ;;
	*downlink) from=core dev=pma to=dev sink=eth0 router=core ;;
	*decap) from=core dev=$ha to=cn sink=$dev_cn router=core ;;
	*) from=cn dev=$dev_cn to=core sink=$ha router=cn ;;
	esac
	length=64
	[ "$to" != core ] || length=$((64 + $(extra "$1")))
	case $1 in
	*link) router=$(mac pma $router) ;;
	*) router=$(mac $ha $router) ;;
	esac
	flood=("$(mac "$from" "$dev")" "$router")
	case $1 in
	plain) flood+=($CN $FAR "${tcp[@]}") ;;
	"ip_gre encap") flood+=($CN $GRE_DEV "${tcp[@]}") ;;
	"ip_gre decap") flood+=($GRE_DEV $CN "${tcp[@]}" gre $PEER $HA 5) ;;
	"gtp encap") flood+=($CN $GTP_DEV "${tcp[@]}" spread "$load" d) ;;
	"gtp decap") flood+=($GTP_DEV $CN "${tcp[@]}" spread "$load" sk gtp $PEER $HA 0x100) ;;
	*" HA encap") flood+=($CN $DEV_IP "${tcp[@]}" spread "$load" d) ;;
	"gre HA decap") flood+=($DEV_IP $CN "${tcp[@]}" spread "$load" sk gre $PMA1 $HA $HA_KEY) ;;
	"ipip HA decap") flood+=($DEV_IP $CN "${tcp[@]}" spread "$load" s ipip $PMA1 $HA) ;;
	*uplink)
		flood[0]=$DEV_MAC
		flood+=($DEV_IP $CN "${tcp[@]}" spread "$load" ms)
		;;
	"gre PMA downlink") flood+=($CN $DEV_IP "${tcp[@]}" spread "$load" dk gre $HA $PMA1 $PMA_KEY) ;;
	"ipip PMA downlink") flood+=($CN $DEV_IP "${tcp[@]}" spread "$load" d ipip $HA $PMA1) ;;
	esac
}

# received NS DEV: packets and bytes
received()
{
	n "$1" cat "/sys/class/net/$2/statistics/rx_packets" "/sys/class/net/$2/statistics/rx_bytes"
}

# Which of flood's two results: the first, exact where instructions are ticks; or the second, by the clock on the wall.
RESULT=1

# run DESC COUNT NS DEV NS DEV LENGTH FLOOD-ARG...: sets ticks; all packets must arrive, LENGTH bytes each
run()
{
	local desc=$1 count=$2 from=$3 dev=$4 to=$5 sink=$6 length=$7 total=$(($2 + $2 / 10)) before after got

	shift 7
	mapfile -t before < <(received "$to" "$sink")
	ticks=$(n "$from" "$FLOOD" "$dev" "${@:1:4}" "$count" "${@:5}" | cut -d' ' -f$RESULT)
	mapfile -t after < <(received "$to" "$sink")
	got="$((after[0] - before[0])) $((after[1] - before[1]))"
	[ "$got" = "$total $((total * length))" ] || {
		echo "$desc: packets and bytes that arrive: $got, not $total $((total * length))"
		return 1
	}
}

# cost NAME LOAD COUNT [tcp]: sets net: ticks of COUNT packets without what sending them costs. What is sent from a
# device to anybody a PMA takes, so that the HA gets the same.
cost()
{
	local from dev to sink length flood gross

	path "$1" "$2" "${4:-}"
	run "$1, $2" "$3" "$from" "$dev" "$to" "$sink" "$length" "${flood[@]}" || return
	gross=$ticks
	flood[1]=$NOBODY
	length=64
	case $from in
	core)
		to=$dev sink=core length=$((64 + $(extra "$1")))
		# a veth that does GRO, which is where TCP comes in, doesn't count Ethernet's header
		[ -z "${4:-}" ] || length=$((length - 14))
		;;
	dev) from=cn to=ha sink=cn ;;
	cn) to=$sink sink=cn ;;
	esac
	run "generator of $1, $2" "$3" "$from" "$dev" "$to" "$sink" "$length" "${flood[@]}" || return
	# shellcheck disable=SC2034
	net=$((gross - ticks))
}
