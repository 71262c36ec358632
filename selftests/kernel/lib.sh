# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the kernel's tests share: routers and devices in namespaces.
#
#   cn ──203.0.113.0/24── ha ──192.0.2.0/24── core ──── pma1 ──┐
#   .2                 .1    .1                 │   .11   port  radio ── dev
#                                               └─── pma2 ──┘  (switch)  10.0.0.5
#                                                   .12   port           02:00:00:00:00:05
#
# Home network 10.0.0.0/24, which exists nowhere; its gateway is 10.0.0.1. One namespace each; core and radio are
# bridges, and the wires of radio to pma1 and pma2 are called pma1 and pma2 there.

# as kselftest's own runner starts it, without a world yet
[ -n "${MIP4_TOP-}" ] || exec "$(dirname "${BASH_SOURCE[0]}")/../lib/runner" alone "$0"

. "$(dirname "${BASH_SOURCE[0]}")/../lib/tap.sh"

MIPCTL=${MIPCTL:-mipctl}
DEV_MAC=02:00:00:00:00:05
DEV_IP=10.0.0.5
HOME_GW=10.0.0.1
HA=192.0.2.1 PMA1=192.0.2.11 PMA2=192.0.2.12 CN=203.0.113.2

n()
{
	local ns=$1

	shift
	ip netns exec "$ns" "$@"
}

# spawn NS CMD...: in the background; $! is the command itself, so that killing it kills it
spawn()
{
	local ns=$1

	shift
	ip netns exec "$ns" "$@" &
}

ctl()
{
	"$MIPCTL" -n "$@"
}

# hold NS [PORT]: mipctl has the socket; release NS ends whoever has
hold()
{
	spawn "$1" "$MIPCTL" socket hold dev mip0 ${2+port "$2"} > /tmp/held-"$1" 2>&1
	echo $! > /tmp/holder-"$1"
	tap_wait 10 "a socket" has_socket "$1" "${2-434}"
}

has_socket()
{
	[ "$(udp_port "$1")" = "$2" ]
}

udp_port()
{
	ctl "$1" -d -j link show mip0 | jq '.[0].udp_port'
}

release()
{
	kill "$(< /tmp/holder-"$1")" && tap_wait 10 "its end" eval "! kill -0 $(< /tmp/holder-"$1")"
}

load()
{
	"$MIP4_TOP/selftests/lib/load" "$MIP4_KO"
}

# batch NS COMMAND...: each by ip, which starts once: under User Mode Linux that is what takes time
batch()
{
	local IFS=$'\n'

	ip -n "$1" -batch - <<< "${*:2}"
}

# wire_of NS1 DEV1 NS2 DEV2: ip's command, in NS1. No two ends with one number: Linux would tell of a carrier up to a
# second later (linkwatch_urgent_event()).
wire_of()
{
	echo "link add name $2 index $((SRANDOM >> 2 | 1 << 16)) type veth peer name $4 netns $3"
}

# wire NS1 DEV1 NS2 DEV2
wire()
{
	batch "$1" "$(wire_of "$@")" "link set dev $2 up" && ip -n "$3" link set dev "$4" up
}

namespace()
{
	local ns commands

	printf -v commands 'netns add %s\n' "$@"
	ip -batch - <<< "$commands" || return
	for ns in "$@"; do
		ip -n "$ns" link set lo up || return
		# unless there is none: ipv6.disable=1
		[ ! -d /proc/sys/net/ipv6/conf ] ||
			n "$ns" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
	done
}

switch()
{
	batch "$1" "link add name br type bridge" "link set dev br up"
}

# switch_of NS PORT...: which are there
switch_of()
{
	local ns=$1

	shift
	switch "$ns" && batch "$ns" "${@/#/link set master br up dev }"
}

# forwards SWITCH PORT...: do they? The kernel tells of a new carrier when it gets to it.
forwards()
{
	local switch=$1

	shift
	set -- "${@/#//sys/class/net/}"
	[ "$(n "$switch" cat "${@/%//brport/state}" | sort -u)" = 3 ]
}

# router NS ADDRESS: on the core
router()
{
	wire "$1" core core "$1" && ip -n core link set dev "$1" master br && router_at "$@"
}

# router_at NS ADDRESS: whose wire is there
router_at()
{
	batch "$1" "link set dev core up" "address add $2/24 dev core" && n "$1" sysctl -qw net.ipv4.ip_forward=1
}

# The whole picture, links and ports included, without bindings.
topology()
{
	underlay && overlay
}

# What is there without us; overlay adds mip0 and its ports.
underlay()
{
	namespace cn ha core pma1 pma2 radio dev &&
		batch core "$(wire_of core ha ha core)" "$(wire_of core pma1 pma1 core)" \
			"$(wire_of core pma2 pma2 core)" &&
		batch radio "$(wire_of radio pma1 pma1 port)" "$(wire_of radio pma2 pma2 port)" \
			"$(wire_of radio dev dev eth0)" &&
		switch_of core ha pma1 pma2 && switch_of radio pma1 pma2 dev && capture core br &&
		router_at ha $HA && router_at pma1 $PMA1 && router_at pma2 $PMA2 &&
		wire cn eth0 ha cn && ip -n ha address add 203.0.113.1/24 dev cn &&
		batch cn "address add $CN/24 dev eth0" "route add default via 203.0.113.1" &&
		ip -n pma1 link set dev port up && ip -n pma2 link set dev port up &&
		device dev eth0 $DEV_MAC $DEV_IP && tap_wait 10 "the core" forwards core ha pma1 pma2 &&
		tap_wait 10 "the radio" forwards radio pma1 pma2 dev
}

# hears PMA: the radio has it again
hears()
{
	ip -n radio link set dev "$1" up && tap_wait 10 "$1 on air" forwards radio "$1"
}

overlay()
{
	mip4_link ha $HA && ip -n ha route add 10.0.0.0/24 dev mip0 &&
		mip4_link pma1 $PMA1 && mip4_link pma2 $PMA2 &&
		ip -n pma1 link set dev port master mip0 && ip -n pma2 link set dev port master mip0
}

# listening NS PORT: does anybody?
listening()
{
	n "$1" ss -Hltn "sport = :$2" | tap_grep .
}

# tcp FROM TO ADDRESS: /tmp/payload, the same at the other end
tcp()
{
	local listener

	spawn "$2" socat -u TCP-LISTEN:5001,reuseaddr CREATE:/tmp/received
	listener=$!
	tap_wait 10 "a listener" listening "$2" 5001 && n "$1" socat -u OPEN:/tmp/payload "TCP:$3:5001" &&
		wait "$listener" && cmp /tmp/payload /tmp/received
}

# capture NS INTERFACE: the beginning of what passes there, for whoever looks at a failed test
capture()
{
	spawn "$1" tcpdump -Z root -U -s 192 -c 10000 -i "$2" -w "$MIP4_OUT/$1-$2.pcap" > /dev/null 2>&1
}

# device NS INTERFACE MAC ADDRESS
device()
{
	batch "$1" "link set dev $2 down" "link set dev $2 address $3" "link set dev $2 up" "address add $4/24 dev $2" \
		"route add default via $HOME_GW"
}

# mip4_link NS LOCAL [ATTR VALUE]...
mip4_link()
{
	local ns=$1 address=$2

	shift 2
	ctl "$ns" link add mip0 local "$address" "$@" && ip -n "$ns" link set dev mip0 up
}

# bind_ha PMA-ADDRESS: at the HA, by GRE key; bind_pma NS: the other end. Keys differ by direction.
bind_ha()
{
	ctl ha binding add dev mip0 home $DEV_IP peer "$1" key 0x2005 okey 0x1005
}

bind_pma()
{
	ctl "$1" binding add dev mip0 home $DEV_IP port port mac $DEV_MAC gateway $HOME_GW/24 peer $HA \
		key 0x1005 okey 0x2005
}

# drops NS REASON: how often mip0 dropped for it
drops()
{
	n "$1" ethtool -S mip0 | awk -v name="drop_$2:" '$1 == name { print $2 }'
}

pings()
{
	n "$1" ping -q -n -c "${3:-3}" -i 0.05 -W 2 "$2"
}

# watch_lines NS DEV FILTER: tcpdump's into /tmp/watch until unwatch
watch_lines()
{
	spawn "$1" tcpdump -Z root -i "$2" -n -l -v "$3" > /tmp/watch 2> /tmp/watch.err
	watcher=$!
	tap_wait 20 "tcpdump" grep -q listening /tmp/watch.err
}

seen()
{
	tap_wait 10 "$1" grep -q -- "$1" /tmp/watch
}

unwatch()
{
	kill "$watcher"
	wait "$watcher" 2> /dev/null
}

# fragments_before_marker PROTOCOL: what watch_lines, that watches the core for fragments, has seen when this one comes
fragments_before_marker()
{
	py pma2 "send_ip(ip('$PMA2', '$PMA1', b'marker!!', proto=$1, frag=1))"
	seen "$PMA2 > $PMA1: " || echo "it didn't see the marker"
	unwatch
	grep '^ ' /tmp/watch | grep -v "$PMA2 > $PMA1: "
}

# ping_size NS SIZE TARGET [PING ARGUMENTS]: what a ping of that size is told
ping_size()
{
	n "$1" ping -n -c 1 -W 5 -s "$2" "${@:4}" "$3" 2>&1
}

# told_mtu MTU PING_SIZE'S ARGUMENTS
told_mtu()
{
	grep -q "mtu *= *$1" <<< "$(ping_size "${@:2}")"
}

# Two devices more beside a first one, of the same two routers: dev2 by IP-in-IP, dev3 by GRE with keys.
more_devices()
{
	local i

	namespace dev2 dev3 &&
		for i in 2 3; do
			wire dev$i eth0 radio dev$i && ip -n radio link set dev dev$i master br &&
				device dev$i eth0 02:00:00:00:00:0$((i + 4)) 10.0.0.$((i + 4)) || return
		done &&
		ctl ha binding add dev mip0 home 10.0.0.6 peer $PMA1 encap ipip &&
		ctl pma1 binding add dev mip0 home 10.0.0.6 port port mac 02:00:00:00:00:06 gateway $HOME_GW/24 \
			peer $HA encap ipip &&
		ctl ha binding add dev mip0 home 10.0.0.7 peer $PMA1 encap gre key 0x2007 okey 0x1007 &&
		ctl pma1 binding add dev mip0 home 10.0.0.7 port port mac 02:00:00:00:00:07 gateway $HOME_GW/24 \
			peer $HA encap gre key 0x1007 okey 0x2007
}

ports_of()
{
	ctl "$1" -j port show
}

PACKETS=$(dirname "${BASH_SOURCE[0]}")/packets.py

# py NS EXPRESSION...: packets.py there
py()
{
	n "$1" python3 "$PACKETS" "${@:2}"
}

# told NS CMD...: what NS hears while CMD goes on
told()
{
	local ns=$1

	shift
	spawn "$ns" python3 "$PACKETS" "told('eth0')" > /tmp/told 2> /tmp/told.err
	tap_wait 20 "a listener" grep -q ready /tmp/told.err && "$@" && wait $! || return
	cat /tmp/told
}

# listen NS FILE OBJECT...: mipctl monitor into FILE until the test ends, subscribed when this returns. Its buffer
# holds what a bulk of thousands raises at once, which an emulated reader is too slow for.
listen()
{
	local ns=$1 file=$2 before

	before=$(subscribers "$1")
	shift 2
	spawn "$ns" stdbuf -oL "$MIPCTL" -rc 33554432 -j monitor "$@" > "$file" 2>&1
	tap_wait 10 "a subscription" eval "[ \$(subscribers $ns) -gt $before ]"
}

# to generic netlink
subscribers()
{
	n "$1" awk '$2 == 16 && $4 != "00000000" { count++ } END { print count + 0 }' /proc/net/netlink
}

# more NS REASON COUNT: did mip0 drop more than that for it?
more()
{
	[ "$(drops "$1" "$2")" -gt "$3" ]
}

# ends CMD...: does it within 20 s? Who deletes a device that somebody still holds hangs for ever, so nobody waits.
ends()
{
	rm -f /tmp/ended
	{ "$@" && touch /tmp/ended; } > /dev/null 2>&1 &
	disown
	tap_wait 20 "the end of $*" test -e /tmp/ended
}

# goes NS DEV: is a device that is deleted soon gone?
goes()
{
	ends ip -n "$1" link del dev "$2"
}

# refused "DESC" REGEX CMD...: fails with a message that matches
refused()
{
	local desc=$1 regex=$2 output

	shift 2
	tap_stage "$desc"
	if output=$("$@" 2>&1); then
		tap_fail "$desc" "was accepted: $*"$'\n'"$output"
	elif [[ $output =~ $regex ]]; then
		tap_ok "$desc"
	else
		tap_fail "$desc" " got: $output"$'\n'"want: $regex"
	fi
}

# knows NS ADDRESS: by which MAC
knows()
{
	ip -n "$1" -j neigh show "$2" | jq -r '.[0].lladdr'
}

kill_jobs()
{
	local job

	for job in $(jobs -p); do
		kill "$job" 2> /dev/null
	done
	wait 2> /dev/null
}

# What a guest's namespaces hold ends with the test; the module must go while they do. Who has more to clean up defines
# tap_cleanup anew and calls this from it.
end_namespaces()
{
	local ns

	kill_jobs
	ip netns list | while read -r ns _; do
		echo "netns del $ns"
	done | ip -force -batch -
}

tap_cleanup()
{
	end_namespaces
}
