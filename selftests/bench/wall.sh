#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Nanoseconds per packet by the clock on the wall, bindings per second, bytes per binding: vm/run --kernel uml. The
# picture, what is measured and what is subtracted: selftests/bench/lib.sh. Neighbours on the machine disturb the
# clock: one round measures each path once, what counts is the median of the rounds' ratios. TEST_LOADS: how many
# bindings.
# timeout: 1200

. "$(dirname "$0")/lib.sh"

COUNT=${TEST_COUNT:-50000}
ROUNDS=${TEST_ROUNDS:-7}
COSTS=$MIP4_OUT/costs
# shellcheck disable=SC2034
RESULT=2
read -ra LOADS <<< "${TEST_LOADS:-1 1000 100000 1000000}"

# a peer of which there is but one is measured in each round
round()
{
	local load=$1 round=$2 name of net

	shift 2
	for name in plain "ip_gre encap" "ip_gre decap" "$@"; do
		of=$load
		[[ $name != plain && $name != ip_gre* ]] || of=1
		cost "$name" "$of" "$COUNT" || return
		echo "$load,$name,$round,$net" >> "$COSTS"
	done
}

# rounds LOAD NAME...
rounds()
{
	local load=$1 i

	shift
	# the first warms up
	round "$load" 0 "$@" && sed -i '/,0,-*[0-9]*$/d' "$COSTS" || return
	for ((i = 1; i <= ROUNDS; i++)); do
		round "$load" $i "$@" || return
	done
}

# row WHAT LOAD NAME VALUE: for machines
row()
{
	echo "$1,$2,$3,$4" >> "$MIP4_OUT/rows"
}

# per_second LOAD NAME NS: not of loads that take no time
per_second()
{
	[ "$1" -lt 10000 ] ||
		row "per second" "$1" "$2" "$(awk -v n="$1" -v ns="$3" 'BEGIN { printf "%.0f", n / ns * 1e9 }')"
}

# slabs: cache and bytes in its slabs, or all slabs on a kernel without slabinfo; and what is vmalloc's, which is where
# the buckets of large tables are
slabs()
{
	if [ -e /proc/slabinfo ]; then
		awk 'NR > 2 { print $1, $15 * $6 * 4096 }' /proc/slabinfo
	else
		awk '/^Slab:/ { print "slabs", $2 * 1024 }' /proc/meminfo
	fi
	awk '/^VmallocUsed:/ { print "vmalloc", $2 * 1024 }' /proc/meminfo
}

# settled: slabs once they stay at a Mbyte, for tables grow behind one's back
settled()
{
	local last=none now end=$((SECONDS + 30))

	until now=$(slabs | awk '{ sum += $2 } END { print int(sum / 2^20) }') && [ "$now" = "$last" ]; do
		[ $SECONDS -lt $end ] || { echo "slabs don't settle" >&2; return 1; }
		last=$now
		sleep 1
	done
	slabs
}

gtps()
{
	local ns

	ns=$(gtp "$1") && per_second "$1" gtp "$ns" && rounds "$1" "gtp encap" "gtp decap" && gtp_gone
}

bindings()
{
	local ns

	[ "$2" != 1000000 ] || settled > /tmp/before || return
	ns=$(bind_ha_many "$1" "$2") || return
	per_second "$2" "$1" "$ns"
	if [ "$2" = 1000000 ]; then
		settled > /tmp/after || return
		awk -v n="$2" -v form="$1" 'NR == FNR { before[$1] = $2; next }
			$2 - before[$1] > n { printf "bytes,%d,%s %s,%.1f\n", n, form, $1, ($2 - before[$1]) / n }' \
			/tmp/before /tmp/after >> "$MIP4_OUT/rows"
	fi
	bind_pma_many "$1" "$2" > /dev/null && rounds "$2" "${DIRECTIONS[@]/#/$1 }" && unbind_all
}

tap_check "routers" routers || exit
tap_check "ip_gre" gre
tap_check "mip4" mip4
for load in "${LOADS[@]}"; do
	for form in "${FORMS[@]}"; do
		tap_check "mip4 $form, $load" bindings "$form" "$load"
	done
	tap_check "gtp, $load" gtps "$load"
done

# The median ratio of each path to plain forwarding, by which the median of that is multiplied: so what was slow as a
# whole doesn't count.
tap_diag "$(awk -F, -v count="$COUNT" -v ghz="$("$FLOOD" rate)" '
	function median(list, n,	i, j, t) {
		for (i = 2; i <= n; i++)
			for (j = i; j > 1 && list[j] < list[j - 1]; j--) {
				t = list[j]; list[j] = list[j - 1]; list[j - 1] = t
			}
		return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
	}
	$2 == "plain" { plain = $4; plains[++np] = $4 }
	{
		key = $1 "," $2
		if (!(key in n))
			order[++keys] = key
		ratio[key, ++n[key]] = $4 / plain
	}
	END {
		unit = median(plains, np) / count / ghz
		for (k = 1; k <= keys; k++) {
			delete list
			for (i = 1; i <= n[order[k]]; i++)
				list[i] = ratio[order[k], i]
			m = median(list, n[order[k]])
			printf "cost: ns,%s,%.1f,%.3f\n", order[k], m * unit, m
		}
	}' "$COSTS")"
[ ! -s "$MIP4_OUT/rows" ] || tap_diag "$(sed 's/^/cost: /' "$MIP4_OUT/rows")"
tap_end
