# SPDX-License-Identifier: GPL-2.0-only
#
# From rows "unit,load,path,value" to JSON in the file that variable json names, a table, and results in TAP.

function say(ok, text)
{
	bad += !ok
	printf "%s %d - %s\n", ok ? "ok" : "not ok", ++results, text
}

function row(load, path, peer, unit, ours, theirs)
{
	printf "%s\n{\"bench\": \"%s\", \"load\": %d, \"ours\": \"mip4\", \"peer\": %s, " \
		"\"unit\": \"%s\", \"value\": %s, " \
		"\"peer_value\": %s, \"ratio\": %s}", rows++ ? "," : "[", path, load, peer ? "\"" peer "\"" : "null", \
		unit, ours, peer ? theirs : "null", peer ? sprintf("%.3f", ours / theirs) : "null" > json
	if (peer)
		printf "# %-22s %8d %14s %-12s %14s %-13s x %.3f\n", path, load, ours, unit, theirs, peer, ours / theirs
	else
		printf "# %-36s %8d %14s %s\n", path, load, ours, unit
}

BEGIN {
	budget["HA encap"] = 2.2
	budget["HA decap"] = 1.9
	budget["PMA uplink"] = 1.9
	budget["PMA downlink"] = 1.7
}

{
	value[$1, $2, $3] = $4
	order[++count] = $0
	# what sending costs has been subtracted: what is left of less than nothing would be within any budget
	if ($4 <= 0)
		say(0, sprintf("%s, %d: %s %s is no result", $3, $2, $4, $1))
}

# what a packet costs
function packet(unit, load, path,	v, form, way, encap, plain, peer)
{
	v = value[unit, load, path]
	form = path
	sub(/ .*/, "", form)
	way = substr(path, length(form) + 2)
	encap = (way ~ /encap|uplink/ ? "encap" : "decap") (way ~ /TCP/ ? " TCP" : "")
	plain = value[unit, 1, "plain"]
	if ((unit, load, "plain") in value)
		plain = value[unit, load, "plain"]
	row(load, path, "plain", unit, v, plain)
	if (unit == "instructions" && way in budget)
		say(v / plain <= budget[way],
		    sprintf("%s, %d: %.2f times plain forwarding, budget %.1f", path, load, v / plain, budget[way]))
	peer = value[unit, (unit, load, "ip_gre " encap) in value ? load : 1, "ip_gre " encap]
	row(load, path, "ip_gre " encap, unit, v, peer)
	# of ip_gre there is but one, which is always in the cache
	if (unit == "instructions" || load == 1)
		say(v <= 1.1 * peer,
		    sprintf("%s, %d: %.2f times ip_gre in %s, at most 1.1", path, load, v / peer, unit))
	if ((unit, load, "gtp " encap) in value)
		row(load, path, "gtp " encap, unit, v, value[unit, load, "gtp " encap])
	# caches that miss are no longer chains: 1.5 is the budget for a million random bindings
	if (load > 1) {
		peer = value[unit, 1, path]
		if (unit == "ns")
			peer *= plain / value[unit, 1, "plain"]
		say(v <= (unit == "ns" ? 1.5 : 1.1) * peer,
		    sprintf("%s: at %d bindings %.2f times that at 1 in %s, at most %.1f", path, load, v / peer,
			    unit, unit == "ns" ? 1.5 : 1.1))
	}
}

END {
	if (!count) {
		say(0, "there are results")
		exit 1
	}
	for (i = 1; i <= count; i++) {
		split(order[i], f, ",")
		if (f[3] ~ /^(plain|ip_gre|gtp)/)
			continue
		if (f[1] == "instructions" || f[1] == "ns") {
			packet(f[1], f[2], f[3])
		} else if (f[1] == "Mbit/s") {
			way = f[3]
			sub(/^gre /, "", way)
			row(f[2], "TCP " way, "ip_gre " way, f[1], f[4], value[f[1], f[2], "ip_gre " way])
			row(f[2], "TCP " way, "plain " way, f[1], f[4], value[f[1], f[2], "plain " way])
			say(f[4] * 1.1 >= value[f[1], f[2], "ip_gre " way],
			    "TCP " way " is no slower than by ip_gre, up to 10 %")
			say(f[4] >= 0.9 * value[f[1], f[2], "plain " way],
			    "TCP " way " is within 10 % of that without a tunnel")
		} else if (f[1] == "per second") {
			peer = value[f[1], f[2], "gtp"]
			row(f[2], "install " f[3], "gtp", f[1], f[4], peer)
			say(f[4] >= peer,
			    sprintf("install %s, %d: %.2f times gtp, at least 1", f[3], f[2], f[4] / peer))
		} else {
			row(f[2], f[3], "", f[1] " each", f[4])
			form = f[3]
			sub(/ .*/, "", form)
			bytes[form] += f[4]
		}
	}
	for (form in bytes) {
		row(1000000, form " in all", "", "bytes each", sprintf("%.1f", bytes[form]))
		say(bytes[form] <= 320,
		    sprintf("%s: %.0f bytes for each of 1000000 bindings, budget 320", form, bytes[form]))
	}
	print "\n]" > json
	printf "1..%d\n", results
	exit bad > 0
}
