// SPDX-License-Identifier: GPL-2.0-only
/* Bad configurations: each complaint has its line, its option and its words. */
#include "common.h"

#include "host/config.h"

#include <arpa/inet.h>
#include <linux/mip4.h>

/* Lines 1 to 10 of a home agent, 1 to 12 of a proxy agent. */
#define HA_NET_HEAD	"home-agent = true\n" "network red {\n" "nai = \"*@red.example\"\n" "realm = 1\n"
#define HA_NET_TAIL	"home-agent-address = 192.0.2.1\n" "gateway = 10.0.0.1\n" "prefix-length = 24\n" \
			"pool = \"10.0.0.10-10.0.0.250\"\n"
#define HA_NET	HA_NET_HEAD "device = mip0\n" HA_NET_TAIL "}\n"
#define PEER	"peer 198.51.100.1 { per-node = true spi 0x100 { key-file = \"${K}/good\" } }\n"
#define HA	HA_NET PEER
#define PMA_HEAD "proxy-agent = true\n" "care-of-address = 198.51.100.1\n"
#define PMA_NET	"network red {\n" "nai = \"*@red.example\"\n" "device = mip0\n" \
		"home-agent-address = 192.0.2.1\n" "gateway = 10.0.0.1\n" "prefix-length = 24\n" "}\n"
#define PMA	PMA_HEAD PMA_NET "peer 192.0.2.1 { gre-key = true spi 256 { key-file = \"${K}/good\" } }\n"
/* A peer behind a whole network, so in line 11. */
#define GOOD_SPI	"spi 0x100 { key-file = \"${K}/good\" }"
/* Three lines. */
#define MN(nai, body)	"mobile-node \"" nai "\" {\n" body "\n}\n"
#define WITH_PEER(body)	HA_NET "peer 198.51.100.1 {\n" body "\n}\n"
#define WITH_KEY(file)	WITH_PEER("spi 0x100 { key-file = \"${K}/" file "\" }")

static const struct bad {
	const char *name, *text, *want;
} bad[] = {
	{ "unknown option, near one", HA "relam = 1\n", ":12: unknown option \"relam\"" },
	{ "unknown option in a section", HA_NET_HEAD "gatway = 10.0.0.1\n", ":2: network: the section that begins here is never closed" },
	{ "unknown option names the closest", "network red {\ngatway = 10.0.0.1\n}\n",
	  ":2: network red: unknown option \"gatway\" (did you mean \"gateway\"?)" },
	{ "unclosed section, line of its opening", PMA_HEAD "network red {\nnai = \"*@a\"\npeer 192.0.2.1 {\n}\n",
	  ":3: network: the section that begins here is never closed" },
	{ "unclosed inner section", HA_NET "peer 198.51.100.1 {\n spi 0x100 {\n }\n", ":11: peer: the section that begins here" },
	{ "a brace in a comment or string closes nothing", "network red { # }\n nai = \"}\"\n", ":1: network: the section" },
	{ "one brace too many", HA "}\n", ":12: \"}\" closes no section" },
	{ "unterminated string", "home-agent = true\nnetwork \"red {\n}\n", ":2: the string that begins here never ends" },
	/* Line 4 of these, whatever was said in between. */
	{ "line behind comments", "# one\n// two\n/* three */ home-agent = true # trailing\nrelam = 1\n", ":4: unknown option \"relam\"" },
	{ "line behind a long comment", "/* one\n ** two # \" \n // three */ \nlifetime = 1\n", ":4: unknown option \"lifetime\"" },
	{ "line of a value behind comments", "network red { # \"\n/* ' */ realm = 1 // two\n//\nlifetime = 29\n}\n",
	  ":4: network red lifetime: out of range: 29" },
	{ "line of a brace behind comments", "#}\n//}\n/*}*/\n}\n", ":4: \"}\" closes no section" },
	{ "comment marks in strings", "network '#' {\nnai = \"/*\"\n}\nnetwork \"//\" { realm = x }\n", ":4: network // realm: not a number" },
	{ "a comment ends a word", HA "max-registrations = many/* or few */\n", ":12: max-registrations: not a number: \"many\"" },
	{ "unterminated comment", HA "/* device mip0 {\n}\n", ":12: the comment that begins here never ends (add \"*/\")" },
	{ "comment that overlaps its own end", "\n/*/\n", ":2: the comment that begins here never ends" },
	{ "byte order mark", "\xef\xbb\xbfhome-agent = maybe\n", ":1: home-agent: \"maybe\" is neither" },
	{ "variable that isn't set", WITH_PEER("spi 0x100 { key-file = \"/${NO_SUCH}/good\" }"),
	  ":12: the environment variable \"NO_SUCH\" isn't set" },
	{ "variable that isn't set, without quotes", HA "max-registrations = ${NO_SUCH}\n", ":12: the environment variable \"NO_SUCH\"" },
	{ "variable without end", "nai = \"${K\"\n", ":1: \"${\" without \"}\"" },
	{ "variable with a default", "home-agent = ${NO_SUCH:-maybe#1}\n", ":1: home-agent: \"maybe#1\" is neither" },
	{ "no variable in single quotes", "home-agent = '${NO_SUCH}'\n", ":1: home-agent: \"${NO_SUCH}\" is neither" },
	{ "no variable behind a backslash", "home-agent = \"\\${NO_SUCH}\"\n", ":1: home-agent: \"${NO_SUCH}\" is neither" },
	{ "section without title", "network {\n}\n", ":1: missing title" },
	{ "duplicate scalar", HA "home-agent = false\n", ":12: home-agent: given twice" },
	{ "duplicate scalar in a section", HA_NET_HEAD "realm = 1\ndevice = mip0\n" HA_NET_TAIL "}\n" PEER, ":5: realm: given twice" },
	{ "duplicate list", PMA "network blue {\ndns = {10.0.0.1, 10.0.0.2}\ndns = {10.0.0.3}\n}\n", ":13: dns: given twice" },
	{ "duplicate titled section", HA PEER, ":12: a second section titled \"198.51.100.1\"" },
	{ "the same peer in other words", HA "peer 198.51.100.1 {}\n", "a second section titled" },
	{ "negative number", HA_NET_HEAD "lifetime = -1\ndevice = mip0\n" HA_NET_TAIL "}\n" PEER,
	  ":5: network red lifetime: must not be negative: -1 (30 to 65535)" },
	{ "octal number", HA_NET_HEAD "lifetime = 0600\ndevice = mip0\n" HA_NET_TAIL "}\n" PEER,
	  ":5: network red lifetime: octal numbers aren't taken: 0600" },
	{ "number out of range", HA_NET_HEAD "lifetime = 65536\ndevice = mip0\n" HA_NET_TAIL "}\n" PEER,
	  ":5: network red lifetime: out of range: 65536 (30 to 65535)" },
	{ "lifetime too short", "network red {\nlifetime = 29\n}\n", ":2: network red lifetime: out of range: 29 (30 to 65535)" },
	{ "overflowing number", HA "max-registrations = 18446744073709551617\n", ":12: max-registrations: out of range" },
	{ "overflowing hexadecimal", HA "max-registrations = 0x10000000000000001\n", ":12: max-registrations: out of range" },
	{ "no number", HA "max-registrations = many\n", ":12: max-registrations: not a number: \"many\"" },
	{ "number with a tail", HA "max-registrations = 10k\n", ":12: max-registrations: not a number: \"10k\"" },
	{ "semicolon", HA "max-registrations = 10;\n", "no semicolons" },
	{ "empty hexadecimal", HA "max-registrations = 0x\n", ":12: max-registrations: not a number" },
	{ "neither true nor false", "home-agent = maybe\n", ":1: home-agent: \"maybe\" is neither true nor false (true or false)" },
	{ "bad address", PMA_HEAD "network red {\nhome-agent-address = 192.0.2.256\n}\n",
	  ":4: network red home-agent-address: not an IPv4 address: \"192.0.2.256\"" },
	{ "IPv6 address", "proxy-agent = true\ncare-of-address = 2001:db8::1\n", ":2: care-of-address: not an IPv4 address" },
	{ "multicast address", "proxy-agent = true\ncare-of-address = 224.0.0.1\n", ":2: care-of-address: not a unicast address" },
	{ "zero address", "proxy-agent = true\ncare-of-address = 0.0.0.0\n", ":2: care-of-address: not a unicast address" },
	{ "loopback address", "proxy-agent = true\ncare-of-address = 127.0.0.1\n", ":2: care-of-address: not a unicast address" },
	{ "bad peer address", "peer pma1 {\n}\n", ":1: peer pma1: not an IPv4 address: \"pma1\"" },
	{ "bad MAC", "identity \"02:00:00:00:01\" { nai = \"%m@red.example\" }\n", ":1: identity 02:00:00:00:01: not a MAC address" },
	{ "MAC with a tail", "identity \"02:00:00:00:01:00:07\" { nai = \"%m@a\" }\n", "not a MAC address with mask" },
	{ "bad mask", "identity \"02:00:00:00:01:00/24\" { nai = \"%m@red.example\" }\n", "not a MAC address with mask" },
	{ "MAC outside its mask", "identity \"02:00:00:00:01:05/ff:ff:ff:ff:ff:00\" { nai = \"%m@a\" }\n",
	  ":1: identity 02:00:00:00:01:05/ff:ff:ff:ff:ff:00: the MAC address has bits outside its mask" },
	{ "identity without NAI", "identity \"02:00:00:00:01:00\" {\n}\n", ":1: identity 02:00:00:00:01:00 nai: missing" },
	{ "unknown placeholder", "identity \"02:00:00:00:01:00\" {\n nai = \"%x@red.example\"\n}\n", "nai: unknown % in" },
	{ "control characters stay in the file", "peer \"a\nb\033[2J\" {\n}\n", "peer a?b?[2J: not an IPv4 address: \"a?b?[2J\"" },
	{ "NAI without realm", "identity \"02:00:00:00:01:00\" {\n nai = \"%m\"\n}\n", ":2: identity 02:00:00:00:01:00 nai: not an NAI" },
	{ "star in the middle of an NAI", "network red {\nnai = \"a*@red.example\"\n}\n", ":2: network red nai: \"*\" can only be" },
	{ "prefix length 33", "network red {\nprefix-length = 33\n}\n", ":2: network red prefix-length: out of range: 33 (1 to 32)" },
	{ "gateway is the network's address", "network red {\ngateway = 10.0.0.0\nprefix-length = 24\n}\n", ":2: network red gateway: not a host address in its /24" },
	{ "gateway is the broadcast address", "network red {\ngateway = 10.0.0.255\nprefix-length = 24\n}\n", ":2: network red gateway: not a host" },
	{ "pool outside the prefix", "home-agent = true\nnetwork red {\ngateway = 10.0.0.1\nprefix-length = 24\npool = \"10.0.0.10-10.0.1.20\"\n}\n",
	  ":5: network red pool: lies outside the home prefix of 10.0.0.1/24" },
	{ "gateway inside the pool", "home-agent = true\nnetwork red {\ngateway = 10.0.0.15\nprefix-length = 24\npool = \"10.0.0.10-10.0.0.20\"\n}\n",
	  ":5: network red pool: holds the gateway 10.0.0.15 (leave the gateway out of it)" },
	{ "pool with the broadcast address", "home-agent = true\nnetwork red {\ngateway = 10.0.0.1\nprefix-length = 24\npool = \"10.0.0.10-10.0.0.255\"\n}\n",
	  ":5: network red pool: holds the network's own or its broadcast address" },
	{ "pool that ends before it begins", "home-agent = true\nnetwork red {\ngateway = 10.0.0.1\nprefix-length = 24\npool = \"10.0.0.20-10.0.0.10\"\n}\n",
	  ":5: network red pool: ends before it begins" },
	{ "two ranges in one another", "home-agent = true\nnetwork red {\ngateway = 10.0.0.1\nprefix-length = 24\n"
	  "pool = {\"10.0.0.10-10.0.0.20\", \"10.0.0.20-10.0.0.30\"}\n}\n", ":5: network red pool: two of its ranges overlap" },
	{ "a range without dash", "home-agent = true\nnetwork red {\ngateway = 10.0.0.1\nprefix-length = 24\n"
	  "pool = {\"10.0.0.10-10.0.0.20\", 10.0.0.22}\n}\n", ":5: network red pool: not a range: \"10.0.0.22\"" },
	{ "reverse tunnel", "home-agent = true\nnetwork red {\nreverse-tunnel = true\n}\n", ":3: network red reverse-tunnel: unknown: \"true\" (optional or required)" },
	{ "reverse tunnel at a proxy agent", "proxy-agent = true\nnetwork red {\nreverse-tunnel = optional\n}\n", ":3: network red reverse-tunnel: a proxy agent always asks for one" },
	{ "a year's hold", "home-agent = true\nnetwork red {\naddress-hold = 31536000\n}\n", ":3: network red address-hold: out of range" },
	{ "hold at a proxy agent", "proxy-agent = true\nnetwork red {\naddress-hold = 60\n}\n", ":3: network red address-hold: only a home agent has a pool" },
	{ "pool without dash", "home-agent = true\nnetwork red {\npool = 10.0.0.0/24\n}\n", ":3: network red pool: not a range" },
	{ "pool at a proxy agent", "proxy-agent = true\nnetwork red {\npool = \"10.0.0.5-10.0.0.6\"\n}\n", ":3: network red pool: only a home agent has a pool" },
	{ "pool missing at a home agent", "home-agent = true\nnetwork red {\n}\n", ":2: network red pool: missing" },
	{ "mandatory options of a network", "proxy-agent = true\ncare-of-address = 198.51.100.1\nnetwork red {\n}\n", ":3: network red gateway: missing" },
	{ "prefix length missing at a proxy agent", "proxy-agent = true\ncare-of-address = 198.51.100.1\nnetwork red {\n}\n", ":3: network red prefix-length: missing" },
	{ "prefix length missing at a home agent", "home-agent = true\nnetwork red {\n}\n", ":2: network red prefix-length: missing" },
	{ "home agent's own address missing", "home-agent = true\nnetwork red {\n}\n", ":2: network red home-agent-address: missing" },
	{ "care-of address missing", "proxy-agent = true\n", "care-of-address: missing" },
	{ "no role", "max-registrations = 3\n", "no role (home-agent = true, proxy-agent = true, or both)" },
	{ "nothing", "", "no role" },
	{ "no network", "home-agent = true\n" PEER, "network: missing: at least one is needed" },
	{ "no peer", HA_NET, "peer: missing: at least one is needed (one for each proxy agent)" },
	{ "home agent without peer section", PMA_HEAD PMA_NET PEER, ":6: network red home-agent-address: no peer 192.0.2.1" },
	{ "care-of address at a home agent", HA "care-of-address = 192.0.2.7\n", ":12: care-of-address: only a proxy agent has one" },
	{ "two networks, one realm, two devices", HA "network blue {\nnai = \"*@blue\"\nrealm = 1\ndevice = mip1\nhome-agent-address = 192.0.2.1\n"
	  "gateway = 10.0.1.1\nprefix-length = 24\npool = \"10.0.1.10-10.0.1.20\"\n}\n", ":15: network blue device: realm 1 is on mip0 in network red" },
	{ "two realms on one device", HA "network blue {\nnai = \"*@blue\"\nrealm = 2\ndevice = mip0\nhome-agent-address = 192.0.2.1\n"
	  "gateway = 10.0.1.1\nprefix-length = 24\npool = \"10.0.1.10-10.0.1.20\"\n}\n", ":15: network blue device: mip0 already carries realm 1" },
	{ "overlapping pools in one realm", HA "network blue {\nnai = \"*@blue\"\nrealm = 1\ndevice = mip0\nhome-agent-address = 192.0.2.1\n"
	  "gateway = 10.0.0.2\nprefix-length = 24\npool = \"10.0.0.250-10.0.0.251\"\n}\n", ":19: network blue pool: overlaps the pool of network red in realm 1" },
	{ "two networks with one NAI", PMA "network blue {\nnai = \"*@RED.example\"\n}\n", ":12: network blue nai: the same as of network red" },
	{ "identity without network", PMA "identity \"02:00:00:00:01:00\" {\n nai = \"%m@blue.example\"\n}\n",
	  ":12: identity 02:00:00:00:01:00 nai: no network takes \"*@blue.example\"" },
	{ "home agent that nobody may use", HA_NET "peer 198.51.100.1 { spi 0x100 { key-file = \"${K}/good\" } }\n",
	  "peer: none of the peers may register devices at this home agent (per-node = true" },
	{ "care-of address as peer", PMA "peer 198.51.100.1 { spi 0x100 { key-file = \"${K}/good\" } }\n",
	  ":11: peer 198.51.100.1: this agent's own address" },
	{ "home agent as its own peer", HA "peer 192.0.2.1 { spi 0x100 { key-file = \"${K}/good\" } }\n",
	  ":12: peer 192.0.2.1: this agent's own address" },
	{ "MAC with one digit", "identity \"2:0:0:0:1:0\" { nai = \"%m@a\" }\n", "not a MAC address with mask" },
	{ "MAC with a sign", "identity \"+2:00:00:00:01:00\" { nai = \"%m@a\" }\n", "not a MAC address with mask" },
	{ "MAC with a space", "identity \" 2:00:00:00:01:00\" { nai = \"%m@a\" }\n", "not a MAC address with mask" },
	{ "device name too long", "network red {\ndevice = mip0123456789abcdef\n}\n", ":2: network red device: must have 1 to 15 characters" },
	{ "device name with a slash", "network red {\ndevice = \"a/b\"\n}\n", ":2: network red device: not a name of a network device" },
	{ "lease too short", "network red {\nlease = 1\n}\n", ":2: network red lease: out of range: 1" },
	{ "five DNS servers", "network red {\ndns = {10.0.0.1, 10.0.0.2, 10.0.0.3, 10.0.0.4, 10.0.0.5}\n}\n", ":2: network red dns: more than 4 servers" },
	{ "five time servers", "network red {\nntp = {10.0.0.1, 10.0.0.2, 10.0.0.3, 10.0.0.4, 10.0.0.5}\n}\n", ":2: network red ntp: more than 4 servers" },
	{ "bad domain", "network red {\ndomain = \"a_b\"\n}\n", ":2: network red domain: not a domain: \"a_b\" (letters, digits, hyphens and dots)" },
	{ "route without length", "network red {\nroutes = {\"172.16.0.0\"}\n}\n", ":2: network red routes: no \"/\" in \"172.16.0.0\" (PREFIX/LENGTH, or PREFIX/LENGTH via ADDRESS)" },
	{ "route to a host in a network", "network red {\nroutes = {\"172.16.0.1/12\"}\n}\n", ":2: network red routes: 172.16.0.1/12 has bits set beyond its length" },
	{ "route with a long length", "network red {\nroutes = {\"172.16.0.0/33\"}\n}\n", ":2: network red routes: out of range: 33" },
	{ "route by no address", "network red {\nroutes = {\"172.16.0.0/12 via here\"}\n}\n", ":2: network red routes: not an IPv4 address: \"here\"" },
	{ "route by a router elsewhere", "network red {\ngateway = 10.0.0.1\nprefix-length = 24\nroutes = {\"172.16.0.0/12 via 10.0.1.1\"}\n}\n",
	  ":4: network red routes: 10.0.1.1 lies outside 10.0.0.1/24 (a device reaches routers of its home prefix only)" },
	{ "bad DNS server", "network red {\ndns = {10.0.0.1,\n one}\n}\n", ":3: network red dns: not an IPv4 address: \"one\"" },
	{ "replay window too small", HA "replay-window = 3\n", ":12: replay-window: out of range: 3 (4 to 3600)" },
	{ "handover grace too long", HA "handover-grace = 60001\n", ":12: handover-grace: out of range: 60001 (0 to 60000)" },
	{ "total rate too high", HA "total-rate = 1000001\n", ":12: total-rate: out of range: 1000001 (0 to 1000000)" },
	{ "registration rate of none", HA "registration-rate = -1\n", ":12: registration-rate: must not be negative: -1 (0 to 1000000)" },
	{ "no binding at all", HA "access-bindings = 0\n", ":12: access-bindings: out of range: 0 (1 to 16)" },
	{ "unknown access", PMA "access-technology = wifi\n",
	  ":11: access-technology: unknown: \"wifi\" (none, 802.3, 802.11, 802.16e, 802.16m, e-utran, utran, hrpd or umb)" },
	{ "access of a home agent", HA "access-technology = 802.3\n",
	  ":12: access-technology: only a proxy agent tells it (set proxy-agent = true, or remove it)" },
	{ "tentative too long", HA_NET_HEAD "tentative = 60001\ndevice = mip0\n" HA_NET_TAIL "}\n" PEER,
	  ":5: network red tentative: out of range: 60001 (0 to 60000)" },
	{ "tentative and simultaneous", HA_NET_HEAD "tentative = 100\nsimultaneous-bindings = 2\ndevice = mip0\n"
	  HA_NET_TAIL "}\n" PEER, "network red simultaneous-bindings: not with tentative handovers" },
	{ "tentative without an end", HA_NET_HEAD "tentative-end = maybe\ndevice = mip0\n" HA_NET_TAIL "}\n" PEER,
	  ":5: network red tentative-end: unknown: \"maybe\" (commit or rollback)" },
	{ "tentative at a proxy agent", PMA "network blue {\ntentative = 100\n}\n",
	  ":12: network blue tentative: only a home agent decides on handovers (remove it, or set home-agent = true)" },
	{ "source rate too high", HA "source-rate = 1000001\n", ":12: source-rate: out of range: 1000001 (0 to 1000000)" },
	{ "unknown store", HA "store = tape\n", ":12: store: unknown: \"tape\" (none, process or disk)" },
	{ "revocations for ever", HA "revocation-rate = 0\n", ":12: revocation-rate: out of range: 0 (1 to 100000)" },
	{ "drain rate of nobody", HA "drain-rate = 0\n", ":12: drain-rate: out of range: 0 (1 to 100000)" },
	{ "away time too long", HA "away-time = 3601\n", ":12: away-time: out of range: 3601 (0 to 3600)" },
	{ "other home agent twice", PMA "network blue {\nother-home-agents = {192.0.2.2,\n192.0.2.2}\n}\n",
	  ":12: network blue other-home-agents: 192.0.2.2 is given twice (leave one out)" },
	{ "other home agent that is none", PMA "network blue {\nother-home-agents = {ha2}\n}\n", ":12: network blue other-home-agents: not an IPv4 address" },
	{ "other home agent is the first", PMA "network blue {\nhome-agent-address = 192.0.2.1 other-home-agents = {192.0.2.1}\n}\n",
	  ":12: network blue other-home-agents: 192.0.2.1 is its home-agent-address" },
	{ "four other home agents", PMA "network blue {\nother-home-agents = {192.0.2.2, 192.0.2.3, 192.0.2.4, 192.0.2.5}\n}\n",
	  ":12: network blue other-home-agents: more than 3 home agents" },
	{ "other home agent without peer section", PMA "network blue {\nother-home-agents = {192.0.2.2}\n}\n",
	  ":12: network blue other-home-agents: no peer 192.0.2.2 (add a peer section" },
	{ "a service at a home agent", HA "network blue {\nservice = ims\n}\n", ":13: network blue service: only a proxy agent asks for one (remove it, or set proxy-agent = true)" },
	{ "host-config at a home agent", HA "network blue {\nhost-config = true\n}\n", ":13: network blue host-config: only a proxy agent asks for it (remove it, or set proxy-agent = true)" },
	{ "gre at a proxy agent", PMA "network blue {\ngre = false\n}\n", ":12: network blue gre: a proxy agent asks for what its peer has (remove it, and set gre-key in the peer's section)" },
	{ "services at a proxy agent", PMA "network blue {\nservices = { ims }\n}\n", ":12: network blue services: only a home agent has services (remove it, or set home-agent = true)" },
	{ "too many services", HA "network blue {\nservices = { a, b, c, d, e, f, g, h, i }\n}\n", ":13: network blue services: more than 8 services" },
	{ "a service without a name", HA "network blue {\nservices = { a, \"\" }\n}\n", ":13: network blue services: a name has 1 to 255 characters" },
	{ "another home agent field", PMA "network blue {\nhome-agent-field = any\n}\n", ":12: network blue home-agent-field: unknown: \"any\" (named, zeros or ones)" },
	{ "home agent field of a home agent", HA "network blue {\nhome-agent-field = zeros\n}\n", ":13: network blue home-agent-field: only a proxy agent sends requests" },
	{ "redirect at a proxy agent", PMA "network blue {\nredirect = 192.0.2.2\n}\n", ":12: network blue redirect: only a home agent sends devices elsewhere" },
	{ "redirect to nobody", HA "network blue {\nredirect = 192.0.2.2\n}\n", ":13: network blue redirect: it isn't among the other-home-agents (add it there)" },
	{ "other pool at a proxy agent", PMA "network blue {\nother-pool = \"10.0.0.5-10.0.0.6\"\n}\n", ":12: network blue other-pool: only a home agent has a pool" },
	{ "other pool that is the own one", HA "network blue {\ngateway = 10.0.1.1 prefix-length = 24\npool = \"10.0.1.5-10.0.1.9\"\n"
	  "other-pool = \"10.0.1.9-10.0.1.12\"\n}\n", ":15: network blue other-pool: overlaps the pool (each home agent gives out its own)" },
	{ "other pool outside the prefix", HA "network blue {\ngateway = 10.0.1.1 prefix-length = 24\nother-pool = \"10.0.0.5-10.0.0.6\"\n}\n",
	  ":14: network blue other-pool: lies outside the home prefix of 10.0.1.1/24" },
	{ "more addresses than legs", HA_NET_HEAD "simultaneous-bindings = 5\ndevice = mip0\n" HA_NET_TAIL "}\n" PEER,
	  "network red simultaneous-bindings: out of range: 5 (1 to 4)" },
	{ "addresses of a proxy agent's nodes", PMA "network blue {\nsimultaneous-bindings = 2\n}\n",
	  "network blue simultaneous-bindings: only a home agent has bindings" },
	{ "hostapd of a home agent", HA "device mip1 {\nlocal = 192.0.2.3\nhostapd = {/run/hostapd/wlan0}\n}\n",
	  "device mip1 hostapd: only a proxy agent attaches devices" },
	{ "hostapd without an interface", PMA "device mip1 {\nlocal = 198.51.100.1\nhostapd = {/run/hostapd/}\n}\n",
	  "device mip1 hostapd: not the path of a control socket, which ends with an interface: \"/run/hostapd/\"" },
	{ "trigger of a home agent", HA "device mip1 {\nlocal = 192.0.2.3\nfdb-trigger = true\n}\n",
	  "device mip1 fdb-trigger: only a proxy agent attaches devices" },
	{ "copies from a proxy agent", PMA "network blue {\nbicast = true\n}\n", "network blue bicast: only a home agent sends copies" },
	{ "SPI below 256", WITH_PEER("spi 0xff { key-file = \"${K}/good\" }"), ":12: peer 198.51.100.1 spi 0xff: out of range: 0xff (256 to 4294967295)" },
	{ "SPI no number", WITH_PEER("spi key1 { key-file = \"${K}/good\" }"), ":12: peer 198.51.100.1 spi key1: not a number" },
	{ "one SPI in two spellings", WITH_PEER("spi 256 { key-file = \"${K}/good\" }\nspi 0x100 { key-file = \"${K}/good\" }"),
	  ":13: peer 198.51.100.1 spi 0x100: the same SPI twice" },
	{ "unknown algorithm", WITH_PEER("spi 0x100 {\n algorithm = md5\nkey-file = \"${K}/good\" }"), ":13: peer 198.51.100.1 spi 0x100 algorithm: unknown: \"md5\" (hmac-sha-256, hmac-sha-1, hmac-md5, keyed-md5 or keyed-md5-rfc2002)" },
	{ "CHAP is no choice", WITH_PEER("spi 0x100 {\n algorithm = chap\nkey-file = \"${K}/good\" }"), ":13: peer 198.51.100.1 spi 0x100 algorithm: unknown: \"chap\"" },
	{ "no security association", WITH_PEER(""), ":11: peer 198.51.100.1 spi: no security association" },
	{ "more than one error of a peer", WITH_PEER("per-node = maybe"), ":11: peer 198.51.100.1 spi: no security association" },
	{ "withdrawn otherwise", WITH_PEER("withdraw = forget"), ":12: peer 198.51.100.1 withdraw: unknown: \"forget\" (revoke or deregister)" },
	{ "unknown format of keys", WITH_PEER("gre-key-format = 48"), ":12: peer 198.51.100.1 gre-key-format: unknown: \"48\" (rfc6245 or 3gpp2)" },
	{ "unknown method", WITH_PEER("method = esp"), ":12: peer 198.51.100.1 method: unknown: \"esp\" (fa-ha or ipsec)" },
	{ "network that isn't there", WITH_PEER("per-node = true networks = {red, pink} " GOOD_SPI), ":12: peer 198.51.100.1 networks: no network \"pink\"" },
	{ "networks of a home agent", PMA_HEAD PMA_NET "peer 192.0.2.1 { networks = {red} " GOOD_SPI " }\n", "networks: only a home agent asks for it" },
	{ "keys of nobody", WITH_PEER("per-mn = true"), ":12: peer 198.51.100.1 per-mn: no mobile node has a key here" },
	{ "word of an agent without a key", HA "peer \"0.0.0.0/0\" { per-mn = true per-node = true }\n" MN("a@red.example", GOOD_SPI),
	  ":12: peer 0.0.0.0/0 per-node: nothing authenticates the peer's word for its devices" },
	{ "range with host bits", HA "peer \"198.51.100.1/24\" { spi 0x100 { key-file = \"${K}/good\" } }\n",
	  ":12: peer 198.51.100.1/24: bits are set that the prefix length leaves open (clear them)" },
	{ "range too long", HA "peer \"198.51.100.1/33\" { }\n", ":12: peer 198.51.100.1/33: out of range: 33 (0 to 32)" },
	{ "no range", HA "peer \"pma/24\" { }\n", ":12: peer pma/24: not a range of IPv4 addresses" },
	{ "range twice", HA "peer \"198.51.100.0/24\" { method = ipsec }\npeer \"198.51.100.00/24\" { method = ipsec }\n", ":13: peer 198.51.100.00/24: not a range" },
	{ "the same range in other words", HA "peer \"198.51.100.0/24\" { method = ipsec }\npeer \"198.51.100.0/0x18\" { method = ipsec }\n",
	  ":13: peer 198.51.100.0/0x18: the same peer twice" },
	{ "range of home agents", PMA "peer \"192.0.2.0/24\" { spi 0x100 { key-file = \"${K}/good\" } }\n",
	  ":11: peer 192.0.2.0/24: a home agent is no range of addresses" },
	{ "mobile node without keys", HA MN("a@red.example", ""), ":12: mobile-node a@red.example spi: no security association with the home agent" },
	{ "keys that nobody takes, behind an address", HA MN("a@red.example", "home-address = 10.0.0.50") MN("b@red.example", GOOD_SPI), ":15: mobile-node b@red.example: no peer has to do with its keys" },
	{ "nonces without keys", HA MN("a@red.example", "home-address = 10.0.0.50 replay = nonce"), ":12: mobile-node a@red.example spi: no security association" },
	{ "address that isn't in the pool", HA MN("a@red.example", "home-address = 10.0.9.5"), ":13: mobile-node a@red.example home-address: not in the pool of network red (an address of it)" },
	{ "mobile node that is none", HA MN("a", GOOD_SPI), ":12: mobile-node a: not an NAI" },
	{ "star in a mobile node's NAI", HA MN("a*@red.example", GOOD_SPI), ":12: mobile-node a*@red.example: \"*\" can only be" },
	{ "mobile node twice", HA MN("a@red.example", GOOD_SPI) MN("a@RED.example", GOOD_SPI), ":15: mobile-node a@RED.example: the same mobile node twice" },
	{ "mobile node that nobody takes", HA MN("a@red.example", GOOD_SPI), ":12: mobile-node a@red.example: no peer has to do with its keys" },
	{ "line of an spi within a mobile node", HA "peer \"0.0.0.0/0\" { per-mn = true }\n" MN("a@red.example", "spi 0x99 { key-file = x }"),
	  ":14: mobile-node a@red.example spi 0x99: out of range: 0x99" },
	{ "address of a realm", HA MN("*@red.example", "home-address = 10.0.0.5 " GOOD_SPI), ":13: mobile-node *@red.example home-address: all of a realm can't have one" },
	{ "nonces of a realm", HA MN("*@red.example", "replay = nonce " GOOD_SPI), ":13: mobile-node *@red.example replay: all of a realm can't share a nonce" },
	{ "nonces of a proxy agent", PMA MN("a@red.example", "replay = nonce " GOOD_SPI), "mobile-node a@red.example replay: proxy agents use timestamps" },
	{ "another style", HA MN("a@red.example", "replay = none " GOOD_SPI), ":13: mobile-node a@red.example replay: unknown: \"none\" (timestamp or nonce)" },
	{ "one address for two", HA MN("a@red.example", "home-address = 10.0.0.5 " GOOD_SPI) MN("b@red.example", "home-address = 10.0.0.5 " GOOD_SPI),
	  ":16: mobile-node b@red.example home-address: a@red.example has it already" },
	{ "AAA at a proxy agent", PMA MN("a@red.example", GOOD_SPI " aaa 2 { key-file = \"${K}/good\" }"), "mobile-node a@red.example aaa: only a home agent uses it" },
	{ "algorithm beside CHAP", HA MN("a@red.example", GOOD_SPI " aaa 2 { algorithm = hmac-md5 key-file = \"${K}/good\" }"),
	  ":13: mobile-node a@red.example aaa 2 algorithm: SPI 2 says which it is" },
	{ "CHAP's SPI elsewhere", HA MN("a@red.example", "spi 2 { key-file = \"${K}/good\" }"), ":13: mobile-node a@red.example spi 2: out of range" },
	{ "clock probe at a home agent", HA "clock-probe = true\n", ":12: clock-probe: only a proxy agent asks for the time" },
	{ "fha-on-dereg", HA "fha-on-dereg = sometimes\n", ":12: fha-on-dereg: unknown: \"sometimes\" (pmip, always or never)" },
	{ "key file missing", WITH_PEER("spi 0x100 {\n}"), ":12: peer 198.51.100.1 spi 0x100 key-file: missing" },
	{ "key file that isn't there", WITH_KEY("none"), "none: No such file or directory" },
	{ "relative key file", WITH_PEER("spi 0x100 { key-file = ha.key }"), ":12: peer 198.51.100.1 spi 0x100 key-file: not an absolute path: ha.key" },
	{ "key file is a directory", WITH_KEY("dir"), "is not a regular file" },
	{ "short key", WITH_KEY("short"), ":12: peer 198.51.100.1 spi 0x100 key-file: the key has 15 bytes, 16 are the least" },
	{ "empty key", WITH_KEY("empty"), "the key has 0 bytes" },
	{ "long key", WITH_KEY("long"), "the key is longer than 64 bytes" },
	{ "huge key file", WITH_KEY("huge"), "is too large for a key" },
	{ "odd number of digits", WITH_KEY("odd"), "an odd number of hexadecimal digits" },
	{ "key not hexadecimal", WITH_KEY("text"), "holds something else (hexadecimal digits only)" },
	{ "world-readable key", WITH_KEY("open"), "(mode 0604) (chmod o= " },
	{ "device without local", HA "device mip0 {\n}\n", ":12: device mip0 local: missing" },
	{ "gateway MAC multicast", HA "device mip0 {\nlocal = 192.0.2.1\ngateway-mac = \"01:00:5e:00:00:01\"\n}\n",
	  ":14: device mip0 gateway-mac: not a unicast MAC address" },
	{ "port twice", HA "device mip0 {\nlocal = 192.0.2.1\nports = {eth1, eth1}\n}\n",
	  ":14: device mip0 ports: eth1 is a port of device mip0 already" },
	{ "port of two", HA "device mip0 {\nlocal = 192.0.2.1\nports = {eth1}\n}\n"
	  "device mip1 {\nlocal = 192.0.2.1\nports = {eth2, eth1}\n}\n", ":18: device mip1 ports: eth1 is a port of device mip0 already" },
	{ "a mip4 device as its own port", HA "device mip0 {\nlocal = 192.0.2.1\nports = {eth1, mip0}\n}\n",
	  ":14: device mip0 ports: mip0 is a mip4 device itself" },
	{ "another mip4 device as port", HA "device mip0 {\nlocal = 192.0.2.1\nports = {mip1}\n}\ndevice mip1 { local = 192.0.2.1 }\n",
	  ":14: device mip0 ports: mip1 is a mip4 device itself" },
	{ "a network's device as port", HA "device mip1 {\nlocal = 192.0.2.1\nports = {mip0}\n}\n",
	  ":14: device mip1 ports: mip0 is a mip4 device itself" },
	{ "home link of a proxy agent", PMA "device mip0 {\nlocal = 198.51.100.1\nhome-link = eth1\n}\n",
	  ":13: device mip0 home-link: only a home agent is on a home link" },
	{ "home link that is a port", HA "device mip0 {\nlocal = 192.0.2.1\nports = {eth1}\nhome-link = eth1\n}\n",
	  ":15: device mip0 home-link: eth1 is a port of device mip0 already" },
	{ "home link of two", HA "device mip0 {\nlocal = 192.0.2.1\nhome-link = eth1\n}\ndevice mip1 {\nlocal = 192.0.2.1\nhome-link = eth1\n}\n",
	  ":18: device mip1 home-link: eth1 is a port of device mip0 already" },
	{ "a mip4 device as home link", HA "device mip0 {\nlocal = 192.0.2.1\nhome-link = mip0\n}\n",
	  ":14: device mip0 home-link: mip0 is a mip4 device itself" },
	{ "no name of a home link", HA "device mip0 {\nlocal = 192.0.2.1\nhome-link = \"a/b\"\n}\n",
	  ":14: device mip0 home-link: not a name of a network device" },
	{ "what ARP is for", HA "device mip0 {\nlocal = 192.0.2.1\narp = some\n}\n",
	  ":14: device mip0 arp: unknown: \"some\" (off, gateway or all)" },
	{ "what becomes of multicast", HA "device mip0 {\nlocal = 192.0.2.1\nmulticast = flood\n}\n",
	  ":14: device mip0 multicast: unknown: \"flood\" (drop, tunnel or replicate)" },
	{ "a TTL of 256", HA "device mip0 {\nlocal = 192.0.2.1\nttl = 256\n}\n", ":14: device mip0 ttl: out of range: 256" },
	{ "address without length", HA "device mip0 {\nlocal = 192.0.2.1\naddresses = {10.0.0.1}\n}\n", "addresses: no prefix length" },
	{ "list where one value belongs", "home-agent = {true}\n", ":1: unexpected token" },
	{ "no equal sign", "home-agent true\n", ":1: missing equal sign" },
};

static char *dir;

static char *load(const char *text, size_t len, struct config **config)
{
	char *complaints = NULL, path[256];
	size_t size;
	FILE *f = open_memstream(&complaints, &size);

	write_file(dir, "conf", text, len, 0644);
	snprintf(path, sizeof(path), "%s/conf", dir);
	*config = config_load(path, f);
	fclose(f);
	return complaints;
}

static void test_bad(void **state)
{
	const struct bad *row = *state;
	struct config *config;
	char *complaints = load(row->text, strlen(row->text), &config);

	if (config)
		fail_msg("accepted");
	/* Prefix lengths and home agents [5944-3.6-1] [5944-3.8.1-1], "no security association" [5944-3.6-1] */
	/* Among them "SPI below 256" [5944-1.6-9], "care-of address missing" [5944-3.7.1-1], window [5944-5.7.1-1] [6098-7.1.1-1] */
	if (!strstr(complaints, row->want))
		fail_msg("wanted \"%s\", got:\n%s", row->want, complaints);
	/* Each line names the file, and nothing names a key. */
	for (char *line = complaints, *end; *line; line = end + 1) {
		end = strchr(line, '\n');
		assert_non_null(end);
		assert_memory_equal(line, dir, strlen(dir));
	}
	assert_null(strstr(complaints, "000102"));
	free(complaints);
}

static void test_several(void **state)
{
	static const char text[] = "home-agent = true\nnetwork red {\nrealm = -1\nlifetime = 7\ngateway = here\n}\n";
	struct config *config;
	char *complaints = load(text, sizeof(text) - 1, &config);

	(void)state;
	assert_null(config);
	assert_non_null(strstr(complaints, ":3: network red realm"));
	assert_non_null(strstr(complaints, ":4: network red lifetime"));
	assert_non_null(strstr(complaints, ":5: network red gateway"));
	free(complaints);
}

static void test_nul(void **state)
{
	static const char text[] = "home-agent = true\n\0network";
	struct config *config;
	char *complaints = load(text, sizeof(text) - 1, &config);

	(void)state;
	assert_null(config);
	assert_non_null(strstr(complaints, "NUL"));
	free(complaints);
}

static void test_good_ha(void **state)
{
	struct config *config;
	char *complaints = load(HA, strlen(HA), &config);
	const struct core_network *net;
	const struct core_peer *peer;

	(void)state;
	if (!config)
		fail_msg("%s", complaints);
	assert_string_equal(complaints, "");
	assert_true(config->core.ha);
	assert_false(config->core.pma);
	assert_int_equal(config->core.replay_window, 7);
	assert_false(config->core.clock_probe);
	assert_int_equal(config->core.max_registrations, 65536);
	assert_int_equal(config->core.handover_grace_ms, 2000);
	assert_int_equal(config->core.away_ms, 10000);
	assert_int_equal(config->core.drain_rate, 100);
	assert_int_equal(config->core.revocation_rate, 200);
	assert_int_equal(config->core.total_rate, 100000);
	assert_int_equal(config->core.registration_rate, 5000);
	assert_int_equal(config->core.access_bindings, 1);
	assert_int_equal(config->core.access, 0);
	net = config_network(config, "red", NULL);
	assert_non_null(net);
	assert_int_equal(net->realm, 1);
	assert_int_equal(net->plen, 24);
	assert_int_equal(net->lifetime, 600);
	assert_int_equal(ntohl(net->pool[0].first.s_addr), 0x0a00000a);
	assert_int_equal(ntohl(net->pool[0].last.s_addr), 0x0a0000fa);
	assert_string_equal(net->device, "mip0");
	assert_false(net->bicast);
	assert_int_equal(net->simultaneous, 1);
	assert_int_equal(config->store, STORE_PROCESS);
	peer = &config->core.peers[0];
	assert_int_equal(peer->n_sa, 1);
	assert_int_equal(peer->sa[0].spi, 0x100);
	assert_int_equal(peer->sa[0].alg, WIRE_ALG_HMAC_SHA256);
	assert_int_equal(peer->sa[0].key_len, 16);
	/* [5944-5.1-3] */
	for (int i = 0; i < 16; i++)
		assert_int_equal(peer->sa[0].key[i], i);
	assert_true(peer->revocation);
	assert_false(peer->deregister);
	assert_null(config_doubt(config));
	assert_true(config_uses_device(config, "mip0"));
	assert_false(config_uses_device(config, "mip1"));
	config_free(config);
	free(complaints);
}

static void test_good_mobile_nodes(void **state)
{
	static const char text[] = HA
		"fha-on-dereg = never\n"
		"peer \"0.0.0.0/0\" { per-mn = true }\n"
		"peer \"203.0.113.0/24\" { method = ipsec per-node = true gre-key-format = 3gpp2 withdraw = deregister }\n"
		"peer 203.0.113.1 { method = ipsec gre-key-format = rfc6245 withdraw = revoke }\n"
		MN("a@red.example", "home-address = 10.0.0.50 replay = nonce " GOOD_SPI
		   " spi 0x101 { algorithm = keyed-md5-rfc2002 key-file = \"${K}/good\" }"
		   " aaa 2 { key-file = \"${K}/good\" } aaa 0x300 { algorithm = hmac-md5 key-file = \"${K}/good\" }")
		MN("*@red.example", GOOD_SPI)
		MN("b@red.example", "home-address = 10.0.0.51")
		MN("A@red.example", GOOD_SPI);	/* another user: RFC 4282 s2.4 */
	struct config *config;
	char *complaints = load(text, sizeof(text) - 1, &config);
	const struct core_mn *mn;

	(void)state;
	if (!config)
		fail_msg("%s", complaints);
	assert_int_equal(config->core.fha_on_dereg, CORE_FHA_NEVER);
	assert_non_null(strstr(config_doubt(config), "never"));
	assert_int_equal(config->core.n_peers, 4);
	assert_int_equal(config->peers[1].host_bits, 32);
	assert_true(config->peers[1].per_mn);
	assert_int_equal(config->peers[1].n_sa, 0);
	assert_int_equal(config->peers[2].host_bits, 8);
	assert_true(config->peers[2].ipsec && config->peers[2].proxy);
	assert_false(config->peers[1].gre_key_3gpp2);
	assert_true(config->peers[2].gre_key_3gpp2);
	assert_false(config->peers[3].gre_key_3gpp2);
	assert_true(config->peers[2].deregister);
	assert_false(config->peers[3].deregister);
	assert_int_equal(config->core.n_mns, 4);
	assert_int_equal(config->mns[2].n_sa, 0);
	mn = &config->mns[0];
	assert_string_equal(mn->nai, "a@red.example");
	assert_int_equal(ntohl(mn->home.s_addr), 0x0a000032);
	assert_true(mn->nonce);
	assert_false(config->mns[1].nonce);
	assert_int_equal(mn->n_sa, 2);
	assert_int_equal(mn->sa[1].spi, 0x101);
	assert_int_equal(mn->sa[1].alg, WIRE_ALG_MD5_2002);
	assert_int_equal(mn->n_aaa, 2);
	assert_int_equal(mn->aaa[0].spi, WIRE_SPI_CHAP);
	assert_int_equal(mn->aaa[0].alg, WIRE_ALG_CHAP);
	assert_int_equal(mn->aaa[1].alg, WIRE_ALG_HMAC_MD5);
	assert_int_equal(mn->aaa[1].key_len, 16);
	assert_string_equal(config->mns[1].nai, "*@red.example");
	config_free(config);
	free(complaints);
}

static void test_handover(void **state)
{
	static const char more[] = HA "handover-grace = 0\naway-time = 0\nrevocation-rate = 1\n"
		"network blue { nai = \"*@blue.example\" realm = 2 device = mip1 home-agent-address = 192.0.2.2\n"
		"gateway = 10.0.0.1 prefix-length = 24 pool = \"10.0.0.10-10.0.0.20\" bicast = true\n"
		"simultaneous-bindings = 4\n"
		"services = { ims, \"voip.example.com\" } gre = false dns = { 10.0.0.53 } domain = \"blue.example\"\n"
		"other-home-agents = { 192.0.2.4, 192.0.2.3 } redirect = 192.0.2.3 other-pool = \"10.0.0.21-10.0.0.30\"\n"
		"address-hold = 3600 reverse-tunnel = required }\n"
		"network green { nai = \"*@green.example\" realm = 3 device = mip2 home-agent-address = 192.0.2.2\n"
		"gateway = 10.0.0.1 prefix-length = 24 pool = { \"10.0.0.30-10.0.0.39\", \"10.0.0.10-10.0.0.19\" } }\n";
	struct config *config;
	char *complaints = load(more, sizeof(more) - 1, &config);

	(void)state;
	if (!config)
		fail_msg("%s", complaints);
	assert_int_equal(config->core.handover_grace_ms, 0);
	assert_int_equal(config->core.away_ms, 0);
	assert_int_equal(config->core.revocation_rate, 1);
	assert_true(config_network(config, "blue", NULL)->bicast);
	assert_int_equal(config_network(config, "blue", NULL)->simultaneous, 4);
	assert_int_equal(config_network(config, "blue", NULL)->n_other_ha, 2);
	assert_int_equal(config_network(config, "blue", NULL)->address_hold_s, 3600);
	assert_int_equal(ntohl(config_network(config, "green", NULL)->pool[0].last.s_addr), 0x0a000027);
	assert_int_equal(ntohl(config_network(config, "green", NULL)->pool[1].first.s_addr), 0x0a00000a);
	assert_int_equal(config_network(config, "green", NULL)->pool[2].first.s_addr, 0);
	assert_int_equal(ntohl(config_network(config, "blue", NULL)->redirect.s_addr), 0xc0000203);
	assert_int_equal(ntohl(config_network(config, "blue", NULL)->other_pool[0].first.s_addr), 0x0a000015);
	assert_int_equal(ntohl(config_network(config, "blue", NULL)->other_pool[0].last.s_addr), 0x0a00001e);
	assert_false(config->networks[0].wants_reverse);
	assert_true(config->networks[1].wants_reverse);
	assert_false(config->networks[0].no_gre);
	assert_true(config->networks[1].no_gre);
	assert_int_equal(config->networks[1].host.plen, 24);
	assert_int_equal(ntohl(config->networks[1].host.gateway.s_addr), 0x0a000001);
	assert_int_equal(ntohl(config->networks[1].host.dns[0].s_addr), 0x0a000035);
	assert_string_equal(config->networks[1].host.suffix, "blue.example");
	assert_int_equal(config->networks[0].n_services, 0);
	assert_int_equal(config->networks[1].n_services, 2);
	assert_string_equal(config->networks[1].services[0], "ims");
	assert_string_equal(config->networks[1].services[1], "voip.example.com");
	config_free(config);
	free(complaints);
}

static void test_home_link(void **state)
{
	static const char more[] = HA "device mip0 { local = 192.0.2.1 ports = {eth2} home-link = eth1 }\n"
		"network blue { nai = \"*@blue.example\" realm = 2 device = mip1 home-agent-address = 192.0.2.2\n"
		"gateway = 10.0.0.1 prefix-length = 24 pool = \"10.0.0.10-10.0.0.20\" }\n";
	struct config *config;
	char *complaints = load(more, sizeof(more) - 1, &config);

	(void)state;
	if (!config)
		fail_msg("%s", complaints);
	assert_string_equal(config->devices[0].home_link, "eth1");
	assert_string_equal(config_home_link(config, "eth1"), "mip0");
	assert_null(config_home_link(config, "eth2"));
	assert_string_equal(config_port(&config->devices[0], 1), "eth1");
	assert_null(config_port(&config->devices[0], 2));
	assert_true(config_network(config, "red", NULL)->home_link);
	assert_false(config_network(config, "blue", NULL)->home_link);
	config_free(config);
	free(complaints);
}

static void test_good_pma(void **state)
{
	static const char more[] = PMA
		"identity \"02:00:00:00:01:00/ff:ff:ff:ff:ff:00\" { nai = \"%m@red.example\" }\n"
		"device mip0 { local = 198.51.100.1 gateway-mac = \"02:00:5e:00:00:01\" ports = {eth1, eth2}\n"
		"  addresses = {\"10.9.9.1/24\"} arp = off multicast = replicate mss = false ttl = 0 tos = 184 }\n";
	static const struct { uint16_t attr; uint8_t value; } settings[] = {
		{ IFLA_MIP4_ARP, MIP4_ARP_OFF }, { IFLA_MIP4_MULTICAST, MIP4_MULTICAST_REPLICATE },
		{ IFLA_MIP4_MSS, 0 }, { IFLA_MIP4_TTL, 0 }, { IFLA_MIP4_TOS, 184 },
	};
	const struct config_device *dev;
	struct config *config;
	char *complaints = load(more, sizeof(more) - 1, &config);

	(void)state;
	if (!config)
		fail_msg("%s", complaints);
	assert_true(config->core.pma);
	assert_true(config->core.clock_probe);
	assert_true(config->core.peers[0].gre_key);
	assert_string_equal(config->networks[0].service, "");
	assert_null(config_doubt(config));
	config->networks[0].bicast = true;
	assert_null(config_doubt(config));
	config->core.handover_grace_ms = 0;
	assert_non_null(strstr(config_doubt(config), "no copies"));
	config->store = STORE_NONE;
	assert_non_null(strstr(config_doubt(config), "store = none"));
	config->core.n_identities = 0;
	assert_non_null(strstr(config_doubt(config), "no identity section"));
	config->core.fha_on_dereg = CORE_FHA_NEVER;	/* the greater of the two */
	assert_non_null(strstr(config_doubt(config), "never"));
	config->core.fha_on_dereg = CORE_FHA_PMIP;
	config->core.n_identities = 1;
	assert_int_equal(config->core.n_identities, 1);
	assert_int_equal(config->core.identities[0].mask[4], 0xff);
	assert_int_equal(config->core.identities[0].mask[5], 0);
	dev = &config->devices[0];
	assert_int_equal(config->n_devices, 1);
	assert_int_equal(dev->n_ports, 2);
	assert_string_equal(dev->ports[1], "eth2");
	assert_true(dev->has_gwmac);
	assert_int_equal(dev->gwmac[2], 0x5e);
	assert_int_equal(dev->addrs[0].plen, 24);
	assert_int_equal(dev->n_settings, CONFIG_SETTINGS_MAX);
	for (unsigned int i = 0; i < dev->n_settings; i++) {
		assert_int_equal(dev->settings[i].attr, settings[i].attr);
		assert_int_equal(dev->settings[i].value, settings[i].value);
	}
	config_free(config);
	free(complaints);
}

/* Every prefix of a good file: accepted whole, never a crash, always a reason. */
static void test_truncated(void **state)
{
	struct config *config;

	(void)state;
	for (size_t len = 0; len < strlen(PMA) - 1; len++) {
		char *complaints = load(PMA, len, &config);

		assert_null(config);
		assert_true(*complaints);
		free(complaints);
	}
}

/* The examples that users start from; their keys aren't here, and that is all. */
static void test_examples(void **state)
{
	static const char *const files[] = { "ha.conf", "pma.conf" };
	struct config *config;

	(void)state;
	for (int i = 0; i < 2; i++) {
		char path[128], *complaints = NULL, *line;
		size_t size;
		FILE *f = open_memstream(&complaints, &size);

		snprintf(path, sizeof(path), "../../Documentation/examples/%s", files[i]);
		config = config_load(path, f);
		fclose(f);
		assert_null(config);
		for (line = strtok(complaints, "\n"); line; line = strtok(NULL, "\n"))
			if (!strstr(line, "key-file: cannot open"))
				fail_msg("%s", line);
		free(complaints);
	}
}

static void make_keys(void)
{
	char huge[2048], path[256];
	static const char good[] = "000102030405060708090a0b0c0d0e0f\n";

	memset(huge, 'a', sizeof(huge));
	write_file(dir, "good", good, sizeof(good) - 1, 0640);
	write_file(dir, "open", good, sizeof(good) - 1, 0604);
	write_file(dir, "short", good, 30, 0600);
	write_file(dir, "odd", good, 31, 0600);
	write_file(dir, "empty", "", 0, 0600);
	write_file(dir, "long", huge, 130, 0600);
	write_file(dir, "huge", huge, sizeof(huge), 0600);
	write_file(dir, "text", "correct horse battery staple", 28, 0600);
	snprintf(path, sizeof(path), "%s/dir", dir);
	assert_int_equal(mkdir(path, 0700), 0);
}

int main(void)
{
	enum { ROWS = sizeof(bad) / sizeof(bad[0]) };
	static const struct CMUnitTest others[] = {
		cmocka_unit_test(test_several), cmocka_unit_test(test_nul), cmocka_unit_test(test_good_ha),
		cmocka_unit_test(test_good_mobile_nodes), cmocka_unit_test(test_handover),
		cmocka_unit_test(test_home_link),
		cmocka_unit_test(test_good_pma), cmocka_unit_test(test_truncated), cmocka_unit_test(test_examples),
	};
	static struct CMUnitTest tests[ROWS + 9];
	static const char *const names[] = { "good", "open", "short", "odd", "empty", "long", "huge", "text", "conf" };
	int failed;

	for (int i = 0; i < ROWS; i++)
		tests[i] = (struct CMUnitTest){ bad[i].name, test_bad, NULL, NULL, (void *)&bad[i] };
	memcpy(tests + ROWS, others, sizeof(others));
	dir = make_dir();
	setenv("K", dir, 1);
	make_keys();
	failed = _cmocka_run_group_tests("config", tests, ROWS + 9, NULL, NULL);
	assert_int_equal(chdir(dir), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(names[i]);
	rmdir("dir");
	rmdir(dir);
	free(dir);
	return failed;
}
