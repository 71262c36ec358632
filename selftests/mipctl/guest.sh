#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# mipctl against the module: what is set is what is shown, refusals name the word, batches, monitor.
#
#   a ──198.51.100.0/24── b
#   mip0                  link-netns of mip1
# timeout: 400

MIPCTL=$MIP4_TOP/agent/mipctl/mipctl
. "$(dirname "$0")/../kernel/lib.sh"

ADD="binding add dev mip0 home 10.0.0.5 port eth1 mac $DEV_MAC"
OUT=/tmp/mipctl-test
mkdir -p $OUT
[ ! -d /sys/module/mip4 ] || rmmod mip4

# field NS JQ-FILTER WORDS...: of the JSON that mipctl prints
field()
{
	local ns=$1 filter=$2

	shift 2
	ctl "$ns" -j "$@" | jq -c "$filter"
}

# says "DESC" STATUS REGEX WORDS...: mipctl's exit status, and what it prints on standard error
says()
{
	local desc=$1 want=$2 regex=$3 output status=0

	shift 3
	tap_stage "$desc"
	output=$(ctl a "$@" 2>&1 > /dev/null) || status=$?
	if [ $status = "$want" ] && [[ $output =~ $regex ]]; then
		tap_ok "$desc"
	else
		tap_fail "$desc" " got: $status: $output"$'\n'"want: $want: $regex"
	fi
}

# Does the monitor that writes FILE listen? Made seen by a binding that comes and goes.
heard()
{
	ctl a binding add dev mip0 home 10.99.99.99 peer 198.51.100.99 &&
		ctl a binding del dev mip0 home 10.99.99.99 && grep -q 10.99.99.99 "$1"
}

namespace a b
wire a eth0 b eth0
ip -n a link add eth1 type veth peer name dev1
ip -n a link add eth2 type veth peer name dev2
ip -n a link add br0 type bridge
ip -n a address add 198.51.100.1/24 dev eth0

tap_stage "without the module"
tap_check "version works" eval 'ctl a version 2>&1 | tap_grep "modprobe mip4"'
says "other commands say what is missing" 2 'mip4 module not loaded \(modprobe mip4\)' binding
says "so does adding a link" 2 'mip4 module not loaded \(modprobe mip4\)' link add mip0 local 198.51.100.1

tap_check "the module loads" "$MIP4_TOP/selftests/lib/load" "$MIP4_KO"
tap_is "version knows it" "$(field a '.[0].module == .[0].mipctl' version)" true
tap_is "nothing is there" "$(field a . link)$(field a . binding)$(field a . port)$(field a . peer)" '[][][][]'

tap_stage "links"
tap_check "a link with every attribute" ctl a link add mip0 local 198.51.100.1 encap ipip ttl 9 tos 16 link eth0 \
	realm 3 limit 100000 arp gateway mss off gwmac 02:00:5e:00:00:01 grace 1m orphan flush multicast tunnel
tap_is "is as it was made" "$(field a 'del(.[0].ifindex, .[0].mtu)' -d link show mip0)" "$(jq -nc '[{dev: "mip0",
	state: "down", local: "198.51.100.1", encap: "ipip", realm: 3, link: "eth0", ttl: 9, tos: 16, limit: 100000,
	arp: "gateway", mss: false, gwmac: "02:00:5e:00:00:01", grace: 60, orphan: "flush", multicast: "tunnel"}]')"
tap_check "set changes" ctl a link set mip0 encap gre ttl inherit orphan keep
tap_is "what it was told" "$(field a '.[0] | [.encap, .ttl, .orphan, .grace]' -d link)" '["gre",0,"keep",60]'
says "a second link of this name" 2 '^Error: .{4}' link add mip0 local 198.51.100.1
says "a local address that is none" 2 'argument "224.0.0.1" of "local"' link add mip9 local 224.0.0.1
says "del takes no bridge" 2 'br0 is not a mip4 device, it is of kind bridge' link del br0
says "nor does set" 2 'br0 is not a mip4 device' link set br0 ttl 5
tap_check "an underlay elsewhere" ctl a link add mip1 local 198.51.100.2 link eth0 link-netns b
tap_is "is called by number" "$(field a '.[0] | [.link, .link_netnsid]' -d link show mip1)" \
	"[\"if$(ip -n b -j link show eth0 | jq '.[0].ifindex')\",0]"
says "and by name with link-netns only" 1 'link-netns' link set mip1 link eth0
tap_check "which works" ctl a link set mip1 link eth0 link-netns b
tap_check "or to none" ctl a link set mip1 link none
tap_is "which is any" "$(field a '.[0].link' -d link show mip1)" null
tap_check "a link goes" ctl a link del mip1
tap_is "counters have names" "$(field a '.[0].drops | has("no_binding") and has("hold_full")' -s -s link)" true

tap_stage "ports"
ip -n a link set mip0 up
tap_check "a port is added" ctl a port add eth1 dev mip0
says "one that is in a bridge isn't" 2 'enslaved already, to br0' \
	port add "$(ip -n a link set eth2 master br0 && echo eth2)" dev mip0
says "nor is one of a bridge removed" 2 'eth2 is not a port of a mip4 device' port del eth2
says "a bridge is no mip4 device" 1 'must be a mip4 device' port add eth1 dev br0
tap_check "a port is set" ctl a port set eth1 unknown drop
tap_is "and shown" "$(field a . port show eth1)" \
	'[{"port":"eth1","dev":"mip0","mode":"access","unknown":"drop","bindings":0}]'
says "one that isn't there isn't" 2 'argument "eth0"' port show eth0

tap_stage "bindings"
ctl a -j monitor initial > $OUT/monitor &
monitor=$!
tap_check "monitor listens" tap_wait 10 notifications heard $OUT/monitor
tap_check "a binding is added" eval "ctl a $ADD realm 7 gateway 10.0.0.1/24 peer 198.51.100.7 key 0x1001 \
	okey 0x2001 lifetime 10m cookie feed"
line="10.0.0.5 realm 7 dev mip0 port eth1 mac $DEV_MAC gateway 10.0.0.1/24 peer 198.51.100.7 local 198.51.100.1"
tap_is "is shown as it was made" "$(ctl a binding | sed 's/ lifetime 5..sec/ lifetime 600sec/')" \
	"$line encap gre key 0x1001 okey 0x2001 lifetime 600sec"
id=$(field a '.[0].id' binding)
tap_is "is found by id" "$(field a '.[0].cookie' binding get dev mip0 id "$id")" '"000000000000feed"'
tap_is "by port and MAC" "$(field a '.[0].id' binding get dev mip0 port eth1 mac $DEV_MAC)" "$id"
tap_is "by address" "$(field a '.[0].id' binding get dev mip0 home 10.0.0.5 realm 7)" "$id"
tap_is "by filters" "$(for f in "dev mip0" "realm 7" "port eth1" "peer 198.51.100.7"; do
	# shellcheck disable=SC2086
	field a '.[].id' binding show $f
done | sort -u)" "$id"
tap_is "and not by others" "$(field a . binding show realm 8)$(field a . binding show peer 198.51.100.8)" '[][]'
tap_is "its peer is there" "$(field a 'map([.peer, .legs, .encap])' peer)" '[["198.51.100.7",1,"gre"]]'
says "its key is taken" 2 "binding $id.*argument \"(0x1001|198.51.100.7)\" of \"(key|peer)\"" binding add dev mip0 \
	home 10.0.0.5 realm 8 port eth1 mac 02:00:00:00:00:06 peer 198.51.100.7 key 0x1001 okey 0x2001
says "a second leg" 2 '^Error: mip4: .*argument' binding set dev mip0 id "$id" \
	peer 198.51.100.7 encap gre leg peer 198.51.100.8 encap gre
says "a prefix twice" 2 '^Error: mip4: .*argument "10.8.0.0/16" of "prefix"' \
	binding add dev mip0 home 10.0.0.7 prefix 10.8.0.0/16 prefix 10.8.0.0/16 peer 198.51.100.7
says "one key without the other" 2 'argument "5" of "key"' binding set dev mip0 id "$id" peer 198.51.100.7 key 5
says "a port that is none" 2 'argument "eth0" of "port"' binding add dev mip0 home 10.0.0.7 port eth0 \
	mac 02:00:00:00:00:07 peer 198.51.100.7
says "a binding that isn't" 2 'argument "10.0.0.9" of "home"' binding get dev mip0 home 10.0.0.9
says "a device of another kind" 2 'argument "br0" of "dev"' binding del dev br0 id 1
tap_is "after all this it is the same" "$(field a '.[].id' binding)" "$id"
tap_check "it can be changed" ctl a binding set dev mip0 id "$id" peer 198.51.100.9 encap ipip lifetime infinite
tap_is "leg and lifetime are" "$(field a '.[0] | [.legs[0].peer, .legs[0].encap, .legs[0].key, .lifetime]' binding)" \
	'["198.51.100.9","ipip",null,null]'
tap_check "it can be deleted" ctl a binding del dev mip0 port eth1 mac $DEV_MAC
tap_check "monitor saw it all" tap_wait 10 'a line "del"' grep -q '"event":"del"' $OUT/monitor
tap_is "in order" "$(jq -sc 'map(select(.id == '"$id"') | [.event, .reason])' $OUT/monitor)" \
	'[["new",null],["set",null],["del","request"]]'

tap_is "who may not is told what is missing" "$(n a setpriv --reuid 65534 --regid 65534 --clear-groups \
	"$MIPCTL" binding flush dev mip0 all 2>&1)" \
	"Error: binding flush: Operation not permitted (CAP_NET_ADMIN in the device's netns)"
kill $monitor

tap_stage "many"
awk 'BEGIN { for (i = 0; i < 10000; i++) printf "binding add dev mip0 realm 3 home 10.0.%d.%d peer 198.51.100.7 " \
	"key %d okey %d\n", i / 256, i % 256, i, i }' > $OUT/batch
start=$(date +%s%N)
tap_check "10,000 bindings by batch" ctl a -b $OUT/batch
tap_diag "in $((($(date +%s%N) - start) / 1000000)) ms"
tap_is "are all there" "$(field a '[length, (map(.addresses[0].address) | unique | length)]' binding)" '[10000,10000]'
tap_is "also by a small buffer" "$(field a length -rc 32768 binding)" 10000
awk 'BEGIN { for (i = 1; i <= 700; i++) {
	if (i == 601)
		print "binding add dev mip0 realm 3 home 10.0.0.1 peer 198.51.100.9"
	printf "binding add dev mip0 realm 3 home 10.9.%d.%d peer 198.51.100.8\n", i / 250, i % 250 + 1
} }' > $OUT/clash
sed -n '601,$p' $OUT/clash > $OUT/rest
says "a clash stops a batch at its line" 2 "10.0.0.1.*Command failed $OUT/clash:601" -b $OUT/clash
tap_is "with what was before it" "$(field a length binding show peer 198.51.100.8)" 600
says "-force goes on" 2 "Command failed $OUT/rest:1$" -force -b $OUT/rest
tap_is "flush counts" "$(ctl a -s binding flush dev mip0 peer 198.51.100.8)" "flushed 700"
ctl a -rc 4096 -j monitor binding > $OUT/overrun &
monitor=$!
tap_check "monitor with a small buffer listens" tap_wait 10 notifications heard $OUT/overrun
kill -STOP $monitor
tap_is "flush counts 10,000" "$(field a . binding flush dev mip0 all)" '[{"flushed":10000}]'
kill -CONT $monitor
tap_check "monitor says that it lost some" tap_wait 20 overrun grep -q '"event":"overrun"' $OUT/overrun
kill $monitor
tap_check "-n finds the namespace" eval '[ "$($MIPCTL -n a -j link | jq length)" = 1 ]'
tap_check "port goes" ctl a port del eth1
tap_check "link goes" ctl a link del mip0
tap_is "nothing is left" "$(field a . link)$(field a . binding)$(field a . port)$(field a . peer)" '[][][][]'
tap_check "the module goes" eval 'tap_cleanup; tap_wait 15 "unused module" rmmod mip4'
tap_end
