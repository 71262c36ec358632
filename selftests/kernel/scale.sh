#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Many: TEST_BINDINGS bindings, 20000 by default, with a peer for each hundred and a port for each thousand; at 1000000
# the budgets of memory hold. They come and go in bulk, dumps of them miss and repeat nothing while others come and go,
# all end at once; what passes meanwhile, packets and commands, doesn't wait for that.
#
#   cn ── ha ══ pma1 ── port: dev
#         ║       └──── p0, p1, …: the many
#         ╚═ 198.18.0.0 and so on: their peers, which don't exist
# timeout: 1800

. "$(dirname "$0")/lib.sh"

N=${TEST_BINDINGS:-20000}
PEERS=$((N / 100))
PORTS=$((N / 1000))
CONTEXTS=$MIP4_TOP/selftests/bench/contexts
FIRST=10.1.0.0
# the last of them
LAST=$(python3 -c "import ipaddress; print(ipaddress.ip_address('$FIRST') + $N - 1)")

many()
{
	n "$1" "$CONTEXTS" "$2" mip0 "${@:3}"
}

# add COUNT HOME KEY [OPTION VALUE]...: to ha
add()
{
	many ha mip4 "$1" "$2" 198.18.0.0 "$3" "$3" peers "$PEERS" "${@:4}"
}

# speed WHAT COUNT NS
speed()
{
	tap_diag "$1: $(($2 * 1000000000 / $3)) a second"
}

memory()
{
	awk '/^(Slab|VmallocUsed|Percpu):/ { sum += $2 * 1024 } END { print sum }' /proc/meminfo
}

looked=0 since=0
# has it stayed as it is for a second, to a page for every ten bindings? Tables grow behind one's back.
settled()
{
	local now=$(($(date +%s%N) / 1000000)) change

	change=$(($(memory) - looked))
	if [ "${change#-}" -ge $((N * 4)) ]; then
		looked=$((looked + change))
		since=$now
	fi
	[ $((now - since)) -ge 1000 ]
}

# What KASAN keeps though it is freed and kmemleak notes never rests, nor does it say how much a binding takes.
rests()
{
	[[ ${KERNEL-} == *debug ]] || tap_wait 60 "memory at rest" settled
}

each()
{
	echo $((($1 - empty) / N))
}

exists()
{
	ctl ha binding get dev mip0 home "$1" > /dev/null 2>&1
}

kernel_log()
{
	dmesg | grep -cE 'soft lockup|stall|hung|blocked for'
}

# others NS: how many bindings there are
others()
{
	many "$1" dump 0 $FIRST | cut -d' ' -f2
}

# dumps COUNT: of all that stay
dumps()
{
	local i

	for ((i = 0; i < $1; i++)); do
		many ha dump "$N" $FIRST || return
	done
}

# While all end: how long the slowest of these commands takes, in ms.
until_gone()
{
	local start took slowest=0 end=$((SECONDS + 300)) gone=

	while [ -z "$gone" ] && [ $SECONDS -lt $end ]; do
		start=$(date +%s%N)
		exists "$LAST" || gone=1
		took=$((($(date +%s%N) - start) / 1000000))
		[ $took -le $slowest ] || slowest=$took
	done
	echo $slowest
	[ -n "$gone" ]
}

# one address more than a message may add, at the end of it
beyond_limit()
{
	! add 100 10.200.0.0 0x50000000 2> /tmp/refusal && grep -q 'No space left' /tmp/refusal
}

add_ports()
{
	local i

	for ((i = 0; i < PORTS; i++)); do
		echo "link add name p$i type dummy"
	done > /tmp/ports
	for ((i = 0; i < PORTS; i++)); do
		echo "link set dev p$i up master mip0"
	done >> /tmp/ports
	ip -n pma1 -batch /tmp/ports
}

tap_check "module, routers, devices" eval "load && topology && bind_ha $PMA1 && bind_pma pma1"
ip -n radio link set dev pma2 down
tap_check "packets pass" pings dev $CN
bad=$(kernel_log)

tap_stage "they come"
rests
empty=$(memory)
while :; do memory; done > /tmp/samples &
sampler=$!
ns=$(add "$N" $FIRST 0x10000000)
tap_is "$N bindings of $PEERS peers" $? 0
kill $sampler
speed "added" "$N" "$ns"
tap_is "peers" "$(ctl ha -j peer show | jq length)" $((PEERS + 1))
most=$(each "$(sort -n /tmp/samples | tail -n 1)")
tap_check "memory comes to rest" rests
least=$(each "$(memory)")
tap_diag "bytes for each: $least settled, $most at most while they came"
[ "$N" -lt 1000000 ] || tap_check "within the budgets of 320 and 420" eval '[ "$least" -le 320 ] && [ "$most" -le 420 ]'
tap_check "packets pass" pings dev $CN

tap_stage "dumps"
tap_check "one has each of them once" dumps 1
while [ ! -e /tmp/enough ]; do
	add $((N / 10)) 10.64.0.0 0x40000000 > /dev/null && many ha del $((N / 10)) 10.64.0.0 > /dev/null && echo >&7
done > /tmp/churn 2>&1 7> /tmp/rounds &
churn=$!
tap_check "the churn goes on" tap_wait 60 "a round" test -s /tmp/rounds
tap_check "so have some while others come and go" dumps 5
touch /tmp/enough
wait $churn
tap_is "the churn met no error" "$(cat /tmp/churn)" ""
tap_is "and left nothing" "$(others ha)" $((N + 1))

tap_stage "no more than the limit"
tap_check "of the link" ctl ha link set mip0 limit $((N + 51))
tap_check "half of a message would fit" beyond_limit
tap_is "none of it is done" "$(others ha)" $((N + 1))
tap_check "without it" eval "ctl ha link set mip0 limit none && add 100 10.200.0.0 0x50000000 > /dev/null"

tap_stage "they go"
ns=$(many ha del "$N" $FIRST)
tap_is "in bulk" $? 0
speed "deleted" "$N" "$ns"
tap_is "the others stay" "$(others ha)" 101

tap_stage "all end at once"
tap_check "$N with an end" eval "ctl ha link set mip0 grace 3600 && add $N $FIRST 0x10000000 lifetime 1 > /dev/null"
tap_check "whose time is over" tap_wait 60 "the last second" \
	eval "[ \$(ctl ha -j binding get dev mip0 home $LAST | jq '.[0].lifetime') -le 1 ]"
spawn dev ping -q -n -i 0.005 $CN > /tmp/ping
ping=$!
tap_check "without grace" ctl ha link set mip0 grace 0
start=$(date +%s%N)
slowest=$(until_gone)
tap_is "they are gone" $? 0
ns=$(($(date +%s%N) - start))
kill -INT $ping
wait $ping
tap_diag "all $N within $((ns / 1000000)) ms; the slowest command took $slowest ms; round trips: $(grep ^rtt /tmp/ping)"
tap_check "no packet was lost" grep -q ' 0% packet loss' /tmp/ping
tap_check "none waited for a second" awk -F/ '/^rtt/ { exit !($6 < 1000) }' /tmp/ping
tap_check "no command for five" test "$slowest" -lt 5000
# it goes on where it was, so the last one isn't the last to go
tap_check "the others stay" tap_wait 60 "101" eval '[ "$(others ha)" = 101 ]'

tap_stage "ports"
tap_check "$PORTS" add_ports
ns=$(many pma1 mip4 "$N" $FIRST $HA 0x10000000 0x20000000 p0 02:00:00:10:00:00 ports $PORTS)
tap_is "$N bindings on them" $? 0
speed "added" "$N" "$ns"
tap_is "each has as many" \
	"$(ctl pma1 -j port show | jq -c 'map(select(.port != "port").bindings) | [length, min, max]')" \
	"[$PORTS,1000,1000]"
start=$(date +%s%N)
tap_check "one port goes" ip -n pma1 link del dev p0
tap_diag "within $((($(date +%s%N) - start) / 1000000)) ms"
tap_is "its bindings with it" "$(others pma1)" $((N - 1000 + 1))
start=$(date +%s%N)
tap_check "all go" eval "sed -n '/^link add/s/add name \(.*\) type.*/del dev \1/p' /tmp/ports | sed 1d > /tmp/del &&
	ip -n pma1 -batch /tmp/del"
tap_diag "within $((($(date +%s%N) - start) / 1000000)) ms"
tap_is "one binding is left" "$(others pma1)" 1
tap_check "packets pass" pings dev $CN
tap_is "the kernel complained of nothing that took too long" "$(kernel_log)" "$bad"
tap_check "the link goes" goes ha mip0
tap_end
