#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Bindings that nobody renews go after lifetime and grace; with "orphan flush" also when their agent has gone.
# timeout: 600

. "$(dirname "$0")/lib.sh"

exists()
{
	ctl ha binding get dev mip0 home "$1" > /dev/null 2>&1
}

lifetime()
{
	ctl ha -j binding get dev mip0 home "$1" | jq '.[0].lifetime'
}

none_left()
{
	[ "$(ctl ha -j binding show dev mip1)" = "[]" ]
}

add()
{
	ctl ha binding add dev mip0 home "$1" peer $PMA1 key "$2" okey "$2" "${@:3}"
}

tap_check "module and a router" eval "load && namespace ha core && switch core && router ha $HA &&
	mip4_link ha $HA grace 1"
listen ha /tmp/log binding

tap_stage "lifetime and grace"
start=$(date +%s%N)
add 10.0.0.1 1 lifetime 2
add 10.0.0.2 2 lifetime 600
add 10.0.0.3 3
tap_check "what is left is shown" eval "[ \$(lifetime 10.0.0.2) -gt 590 ] && [ \$(lifetime 10.0.0.2) -le 600 ]"
tap_check "the first goes" tap_wait 30 "no binding" eval "! exists 10.0.0.1"
took=$((($(date +%s%N) - start) / 1000000))
tap_diag "it took $took ms"
tap_check "not before its time" test $took -ge 2900
tap_check "is told" tap_wait 10 "a notification" grep -q '"reason": *"expired"' /tmp/log
tap_check "the others stay" eval "exists 10.0.0.2 && exists 10.0.0.3"
add 10.0.0.4 4 lifetime 2
tap_check "a renewal" ctl ha binding set dev mip0 home 10.0.0.4 lifetime 600
tap_check "holds, beyond the old end" eval "! tap_wait 5 'no binding' eval '! exists 10.0.0.4'"
tap_check "lifetime 0 is no end" ctl ha binding set dev mip0 home 10.0.0.4 lifetime infinite

tap_stage "a link whose bindings all had an end"
tap_check "the link" ctl ha link add mip1 local $HA realm 1 grace 0
for nth in first second; do
	tap_check "a $nth one goes as well" eval "ctl ha binding add dev mip1 home 10.0.0.1 peer $PMA1 key 11 okey 11 \
		lifetime 1 && tap_wait 10 'no binding' none_left"
done

tap_stage "orphans"
kill_jobs
tap_check "by default they stay" exists 10.0.0.2
tap_check "a link that flushes them" ctl ha link set mip0 orphan flush
add 10.0.0.5 5
tap_check "nobody has listened yet, so nothing goes" eval "exists 10.0.0.5 && exists 10.0.0.2"
listen ha /tmp/log2 binding
add 10.0.0.6 6
tap_check "with a listener they stay" exists 10.0.0.6
kill_jobs
tap_check "with the last listener they go" tap_wait 15 "no bindings" eval "! exists 10.0.0.2 && ! exists 10.0.0.6"

tap_stage "a link goes during a round"
# one of several slices, where so many don't take long
case ${KERNEL-} in
uml) N=30000 ;;
*) N=4000 ;;
esac
ctl ha link set mip1 grace 600
listen ha /tmp/log4 binding
for ((i = 0; i < N; i++)); do
	echo "binding add dev mip1 home 10.1.$((i >> 8)).$((i & 255)) peer $PMA1 key $i okey $i lifetime 1"
done > /tmp/add
tap_check "$N bindings" ctl ha -b /tmp/add
printf '%s\n' "link set mip1 grace 0" "link del mip1" > /tmp/last
tap_check "the link goes" ends ctl ha -b /tmp/last
kill_jobs

tap_stage "the module goes"
listen ha /tmp/log3 binding
add 10.0.0.7 7
tap_check "while somebody listens" rmmod mip4
tap_check "each binding's end is told" tap_wait 10 "a notification" grep -q '10.0.0.7.*"reason": *"link"' /tmp/log3
tap_end
