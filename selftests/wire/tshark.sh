#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# tshark.sh [DIR]: stock tshark reads what emit wrote to DIR (default: out beside
# this script, made by "make -C selftests/wire messages"), field by field. One TAP leaf
# per message. Runs wherever tshark is: the guest's root, not the host's.

dir=${1:-$(dirname "$0")/out}
pcap=$dir/messages.pcap
table=$dir/messages.tsv

bail()
{
	echo "TAP version 13"
	echo "not ok 1 - tshark reads our messages: $1"
	echo "1..1"
	exit 1
}

[ -s "$pcap" ] && [ -s "$table" ] || bail "nothing in $dir; run make -C selftests/wire messages"
command -v tshark >/dev/null || bail "no tshark here"
got=$(mktemp) || bail "no room for a file"
trap 'rm -f "$got" "$got.err"' EXIT

# The header row tells awk which column is which.
# shellcheck disable=SC2046 # one word per field is what is wanted
TZ=UTC tshark -n -r "$pcap" -T fields -E header=y -E separator=/t -E occurrence=a -E aggregator=, \
	-e frame.number $(cut -f2 "$table" | grep -vx name | sort -u | sed 's/^/-e /') \
	>"$got" 2>"$got.err" || bail "tshark failed: $(tail -n 1 "$got.err")"

echo "TAP version 13"
awk -F '\t' '
	# What depends on the version: words for booleans and for values of no length.
	function plain(value)
	{
		gsub(/True/, "1", value)
		gsub(/False/, "0", value)
		gsub(/<MISSING>,|,<MISSING>/, "", value)
		return value
	}
	function same(value, want)
	{
		return want ~ /^~/ ? value ~ substr(want, 2) : value == want
	}
	NR == FNR && FNR == 1 { for (i = 1; i <= NF; i++) column[$i] = i; next }
	NR == FNR { for (i = 1; i <= NF; i++) got[$1, i] = plain($i); frames++; next }
	$2 == "name" { name[++n] = $3; next }
	{
		fields[$1]++
		if (!($2 in column))
			bad[$1] = bad[$1] "# " $2 " is not a field of this tshark\n"
		else if (!same(got[$1, column[$2]], $3))
			bad[$1] = bad[$1] "# " $2 ": \"" got[$1, column[$2]] "\" for \"" $3 "\"\n"
	}
	END {
		for (i = 1; i <= n; i++) {
			printf "%sok %d - tshark reads %s: %d fields\n", i in bad ? "not " : "",
				i, name[i], fields[i]
			failed += i in bad	# before bad[i] is read, which makes it
			printf "%s", bad[i]
		}
		printf "%sok %d - as many messages read as sent: %d\n", frames == n && n ? "" : "not ",
			n + 1, frames
		printf "1..%d\n", n + 1
		exit failed || frames != n || !n
	}' "$got" "$table"
