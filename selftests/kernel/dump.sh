#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Many bindings: bulk, dumps that miss and repeat nothing while others come and go, filters, notifications.
# timeout: 600

. "$(dirname "$0")/lib.sh"

N=4000

# commands VERB FROM TO: binding commands for 10.1.0.0 + i, by PMA in turn
commands()
{
	local verb=$1 i home

	for ((i = $2; i < $3; i++)); do
		home=10.1.$((i >> 8)).$((i & 255))
		if [ "$verb" = add ]; then
			echo "binding add dev mip0 home $home peer 192.0.2.$((11 + i % 2)) key $i okey $i cookie $i"
		else
			echo "binding del dev mip0 home $home"
		fi
	done
}

homes()
{
	ctl ha -j binding show "$@" | jq -r '.[] | .addresses[0].address'
}

tap_check "module and a router" eval "load && namespace ha core && switch core && router ha $HA && mip4_link ha $HA"
ctl ha -j binding show > /tmp/empty
tap_is "nothing at first" "$(cat /tmp/empty)" "[]"
listen ha /tmp/log binding

commands add 0 $N > /tmp/add
start=$(date +%s%N)
tap_check "$N bindings" ctl ha -b /tmp/add
tap_diag "$(((N * 1000000000) / ($(date +%s%N) - start))) bindings a second, mipctl included"
homes > /tmp/homes
tap_is "a dump has them all" "$(wc -l < /tmp/homes)" $N
tap_is "each once" "$(sort -u /tmp/homes | wc -l)" $N
tap_is "each was told" "$(tap_wait 20 "$N notifications" eval "[ \$(grep -c '\"event\": *\"new\"' /tmp/log) = $N ]"
	grep -c '"event": *"new"' /tmp/log)" $N
tap_is "by peer" "$(homes peer 192.0.2.11 | wc -l)" $((N / 2))
tap_is "by a peer that has none" "$(homes peer 192.0.2.99 | wc -l)" 0
tap_is "by realm" "$(homes realm 0 | wc -l)" $N
tap_is "by another realm" "$(homes realm 1 | wc -l)" 0
tap_is "peers count their legs" "$(ctl ha -j peer show | jq -c '[.[].legs]')" "[$((N / 2)),$((N / 2))]"

tap_stage "dumps while bindings come and go"
commands add $N $((N + 500)) > /tmp/more
commands del $N $((N + 500)) > /tmp/less
while [ ! -e /tmp/enough ]; do
	ctl ha -b /tmp/more && ctl ha -b /tmp/less && echo >&7
done > /tmp/churn 2>&1 7> /tmp/rounds &
churn=$!
missing=0
for i in 1 2 3 4 5; do
	homes > /tmp/again
	[ "$(sort /tmp/again | uniq -d | wc -l)" = 0 ] || missing=$((missing + 1))
	[ "$(sort /tmp/again | comm -13 - <(sort /tmp/homes) | wc -l)" = 0 ] || missing=$((missing + 1))
done
tap_is "5 dumps miss and repeat nothing that stays" $missing 0
touch /tmp/enough
wait $churn
tap_is "the churn met no error" "$(cat /tmp/churn)" ""
tap_check "and was one" test -s /tmp/rounds

tap_stage "flush"
tap_check "by peer" ctl ha binding flush dev mip0 peer 192.0.2.11
tap_is "leaves the other's" "$(homes peer 192.0.2.12 | wc -l) of $(homes | wc -l)" "$((N / 2)) of $((N / 2))"
tap_check "all" ctl ha binding flush dev mip0 all
tap_is "leaves none" "$(ctl ha -j binding show)" "[]"
tap_is "nor peers" "$(ctl ha -j peer show)" "[]"
tap_check "the link goes: no dump holds it" goes ha mip0
tap_end
