#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: selftests/load/cli.sh MIP4LOAD
# Its command line: what is wrong is named, with what to do about it, and nothing is sent.

# shellcheck source=selftests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"

load=$1
dir=$(mktemp -d)
umask 077
echo 000102030405060708090a0b0c0d0e0f > "$dir/key.203.0.113.1"
echo 000102030405060708090a0b0c0d0e0f > "$dir/key"
cp "$dir/key" "$dir/open"
chmod 644 "$dir/open"

tap_cleanup()
{
	rm -rf "$dir"
}

# says STATUS TEXT ARGUMENT...: on standard error, and nothing else
says()
{
	local status=0

	"$load" "${@:3}" > "$dir/out" 2> "$dir/err" || status=$?
	tap_is "${*:3}" "$status $(< "$dir/err")" "$1 $2"
	tap_is "and no output" "$(< "$dir/out")" ""
}

# incomplete TEXT ARGUMENT...; wrong ARGUMENT-IN-QUESTION TEXT ARGUMENT...
incomplete()
{
	says 1 "Error: command line is not complete: $1 (try \"mip4load $2 help\")" "${@:2}"
}

wrong()
{
	says 1 "Error: argument \"$1\" is wrong: $2" "${@:3}"
}

ends=(ha 192.0.2.1 pma 203.0.113.1)
all=("${ends[@]}" nai d%d@red.example key "$dir/key")

tap_plan 60
says 1 "Error: command \"go\" is unknown: there are run, malformed, list, help" go
says 1 "Error: option \"-x\" is unknown (try \"mip4load -help\")" -x run
incomplete "\"ha\" is missing" run
incomplete "\"pma\" is missing" run ha 192.0.2.1
incomplete "\"nai\" is missing" run "${ends[@]}"
incomplete "\"key FILE\" (of the PMAs) or \"mn-key FILE\" (of the devices) is missing" \
	run "${ends[@]}" nai d%d@red.example
wrong "stranger" "unknown keyword (try \"mip4load run help\")" run "${all[@]}" stranger 192.0.2.9
wrong "d@red.example" "nai must be as load%d@red.example, where %d becomes the number of the device" \
	run "${ends[@]}" nai d@red.example key "$dir/key"
wrong "d%d" "nai must be as load%d@red.example, where %d becomes the number of the device" \
	run "${ends[@]}" nai d%d key "$dir/key"
wrong "192.0.2.9-192.0.2.1" "pma must be addresses or ranges of them, as 192.0.2.10-192.0.2.13,192.0.2.20" \
	run ha 192.0.2.1 pma 192.0.2.9-192.0.2.1 nai d%d@red.example key "$dir/key"
wrong "10.0.0.0-10.255.0.0" "pma must be 1024 addresses at most" \
	run ha 192.0.2.1 pma 10.0.0.0-10.255.0.0 nai d%d@red.example key "$dir/key"
wrong "$dir/open" "others may use $dir/open (mode 0644) (chmod o= $dir/open)" \
	run "${ends[@]}" nai d%d@red.example key "$dir/open"
wrong "$dir/none.203.0.113.1" "cannot open $dir/none.203.0.113.1: No such file or directory" \
	run "${ends[@]}" nai d%d@red.example key "$dir/none.%a"
wrong "md5" "algorithm must be one of: hmac-sha-256, hmac-sha-1, hmac-md5, keyed-md5, keyed-md5-rfc2002" \
	run "${all[@]}" algorithm md5
wrong "255" "spi must be 256..4294967295" run "${all[@]}" spi 255
wrong "1001" "rate: 1000 devices make one request a second each: say devices 1001, or more" \
	run "${all[@]}" rate 1001
wrong "100" "rate: 50 devices make one request a second each: say devices 100, or more" \
	run "${all[@]}" devices 50
wrong "5000000" "devices must be 1..4000000" run "${all[@]}" devices 5000000
wrong "1" "handover: there is one pma only, and nowhere to go" \
	run "${all[@]}" attach 1 handover 1
wrong "0" "attach must be 1..1000: the others happen to devices that have attached" \
	run "${all[@]}" renew 1
incomplete "\"key FILE\", which the home agent shares with the PMA, is missing" \
	malformed "${ends[@]}" nai d%d@red.example
wrong "203.0.113.1" "stranger must be none of the PMAs" malformed "${all[@]}" stranger 203.0.113.1
wrong "nonsense" "only: there is no such case (try \"mip4load list\")" \
	malformed "${all[@]}" only nonsense
nowhere="Cannot assign requested address (no interface here has it: ip address add)"
says 2 "Error: cannot use 203.0.113.1, UDP port 434: $nowhere" \
	run "${ends[@]}" nai d%d@red.example key "$dir/key.%a"
says 2 "Error: cannot use 203.0.113.1, UDP port 434: $nowhere" \
	malformed "${all[@]}"

tap_is "list has all as an array" "$("$load" -j list | python3 -c 'import json, sys
rows = json.load(sys.stdin)
print(len({r["name"] for r in rows}) == len(rows) > 80, {tuple(sorted(r)) for r in rows})')" \
	"True {('expected', 'name', 'reference', 'what')}"
tap_is "and as lines" "$("$load" list | wc -l)" "$("$load" -j list | grep -o '"name"' | wc -l)"
tap_is "-V" "$("$load" -V)" "mip4load utility, mip4-$(< "$(dirname "$0")/../../VERSION")"
for what in "-help" "help" "run help" "malformed help" "list help"; do
	# shellcheck disable=SC2086
	tap_check "$what" grep -q '^Usage: mip4load' <("$load" $what)
done
tap_is "no full disk goes unnoticed" "$("$load" list 2>&1 > /dev/full; echo $?)" \
	"Error: cannot write to standard output: No space left on device
2"
tap_is "nothing at all is a wrong command line" "$("$load" 2>&1 > /dev/null; echo $?)" "$("$load" help; echo 1)"
tap_end
