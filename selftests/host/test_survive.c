// SPDX-License-Identifier: GPL-2.0-only
/*
 * What survives an agent that is killed, by the policy of its store: home
 * agent and proxy agent as they ship, each life a process, in host_world.h's
 * world. And what a power cut leaves: of the files no more than was synced.
 */
#include "host_world.h"

#include "host/clock.h"
#include "host/store.h"

#include <arpa/inet.h>

#define HA_ADDR	"192.0.2.1"
#define PMA	"198.51.100.1"
#define NAI	"020000000105@red.example"
#define HOME	"10.0.0.10"

static const char *const policies[] = { [STORE_PROCESS] = "process", [STORE_DISK] = "disk", [STORE_NONE] = "none" };
static const uint8_t mac[6] = { 2, 0, 0, 0, 1, 5 };

static char *dir, state_dir[64], cut[64], conf[64];
static uint64_t id;		/* of the request */

/* ---- the agents' configurations ---- */

static void configure(const char *text, enum store_policy policy)
{
	char buf[1024];

	snprintf(buf, sizeof(buf), "store = %s\nnetwork red { nai = \"*@red.example\" device = lo realm = 1 "
		 "home-agent-address = " HA_ADDR " gateway = 10.0.0.1 prefix-length = 24\n%s", policies[policy], text);
	write_file(dir, "conf", buf, strlen(buf), 0600);
}

static void configure_ha(enum store_policy policy)
{
	configure("pool = \"" HOME "-10.0.0.20\" }\nhome-agent = true\n"
		  "peer " PMA " { per-node = true spi 256 { key-file = \"${K}/key\" } }\n", policy);
}

static void configure_pma(enum store_policy policy)
{
	configure("}\nproxy-agent = true\nclock-probe = false\ncare-of-address = " PMA "\n"
		  "peer " HA_ADDR " { gre-key = true spi 256 { key-file = \"${K}/key\" } }\n"
		  "identity \"02:00:00:00:01:00/ff:ff:ff:ff:ff:00\" { nai = \"%m@red.example\" }\n", policy);
}

/* ---- messages ---- */

static struct in_addr ip(const char *text)
{
	struct in_addr addr;

	assert_int_equal(inet_pton(AF_INET, text, &addr), 1);
	return addr;
}

static void sign(struct wire_out *out)
{
	struct wire_sa sa = { .spi = 256, .alg = WIRE_ALG_HMAC_SHA256, .key_len = 16 };

	for (int i = 0; i < 16; i++)
		sa.key[i] = i;
	wire_put_auth(out, WIRE_EXT_FHAE, &sa);
}

static void request_of(struct host *host, const char *nai, uint64_t identification)
{
	struct wire_rrq rrq = { .flags = WIRE_RRQ_T | WIRE_RRQ_G, .lifetime = 600, .ha = ip(HA_ADDR), .coa = ip(PMA),
				.id = identification };
	struct wire_out out;

	wire_put_rrq(&out, &rrq);
	wire_put_nai(&out, nai);
	wire_put_pmip_method(&out, WIRE_PMIP_FHA);
	wire_put_gre_key(&out, 0x77);
	sign(&out);
	arrive(host, PMA, HA_ADDR, &out);
}

static void request(struct host *host)
{
	request_of(host, NAI, id);
}

/* The code of what was sent last. */
static uint8_t code(void)
{
	struct wire_msg msg;

	assert_int_equal(wire_parse(world->sent.data, world->sent.len, &msg), WIRE_OK);
	assert_int_equal(msg.type, WIRE_RRP);
	return msg.rrp.code;
}

/* The home agent's answer to the proxy agent's request. */
static void accept_request(struct host *host)
{
	struct wire_out out;
	struct wire_msg msg;
	struct wire_rrp rrp = { .lifetime = 600, .home = ip(HOME), .ha = ip(HA_ADDR) };

	assert_int_equal(wire_parse(world->sent.data, world->sent.len, &msg), WIRE_OK);
	assert_int_equal(msg.type, WIRE_RRQ);
	rrp.id = msg.rrq.id;
	wire_put_rrp(&out, &rrp);
	wire_put_nai(&out, NAI);
	wire_put_pmip_method(&out, WIRE_PMIP_FHA);
	wire_put_gre_key(&out, 0x88);
	sign(&out);
	arrive(host, HA_ADDR, PMA, &out);
}

/* ---- lives ---- */

static void ha_registers(struct host *host)
{
	request(host);
	until(host, 'R', 1);
}

static void ha_is_asked_again(struct host *host)
{
	unsigned int before = count('R');

	request_of(host, NAI, id - 1);
	until(host, 'R', before + 1);
	assert_int_equal(code(), WIRE_CODE_HA_ID_MISMATCH);
	request(host);
	until(host, 'R', before + 2);
	assert_int_equal(code(), WIRE_CODE_ACCEPTED);
	assert_int_equal(count('S'), 0);	/* said again, not decided again */
}

static void ha_has_forgotten(struct host *host)
{
	unsigned int before = count('R');

	request_of(host, NAI, id - 1);		/* who remembers takes it for a replay */
	until(host, 'R', before + 1);
	assert_int_equal(code(), WIRE_CODE_ACCEPTED);
	assert_int_equal(count('S'), 1);
}

static void pma_attaches(struct host *host)
{
	host_attach(host, if_nametoindex("lo"), "lo", mac, CORE_TRIGGER_DHCP, true, (struct in_addr){ 0 }, NULL,
		    clock_mono_us());
	until(host, 'R', 1);
	accept_request(host);
	until(host, 'A', 1);
}

static void pma_serves(struct host *host)
{
	const struct core_reg *reg = core_find_device(host->core, if_nametoindex("lo"), mac);

	assert_non_null(reg);
	assert_int_equal(reg->state, CORE_BOUND);
	assert_int_equal(reg->rec.home.s_addr, ip(HOME).s_addr);
	assert_string_equal(reg->rec.nai, NAI);
	assert_int_equal(reg->rec.key_out, 0x88);
}

static void pma_knows_nobody(struct host *host)
{
	assert_null(core_find_device(host->core, 0, mac));
}

/* The kernel outlives both; @kept: the agent goes on with its binding. */
static void next_life(const char *state, void (*live)(struct host *host), bool kept)
{
	uint64_t cookie = world->kernel[0].cookie;

	assert_int_equal(world->n_kernel, 1);
	world->n_trace = 0;
	assert_false(life(conf, state, live));
	assert_int_equal(count('U'), kept ? 0 : 1);
	if (kept) {
		assert_int_equal(count('B'), 0);
		assert_int_equal(world->n_kernel, 1);
		assert_int_equal(world->kernel[0].cookie, cookie);
	}
}

/* From the last row on, is all of it on the disk before the answer leaves? */
static bool synced_first(char answer)
{
	const char *row = strchr(world->trace, 'S'), *reply;

	world->trace[world->n_trace] = '\0';
	assert_non_null(row);
	reply = strchr(row, answer);
	assert_non_null(reply);
	return memchr(row, 'f', reply - row);
}

static int setup(void **state)
{
	(void)state;
	dir = make_dir();
	setenv("K", dir, 1);
	snprintf(state_dir, sizeof(state_dir), "%s/state", dir);
	snprintf(cut, sizeof(cut), "%s/cut", dir);
	snprintf(conf, sizeof(conf), "%s/conf", dir);
	assert_int_equal(mkdir(cut, 0700), 0);
	write_file(dir, "key", "000102030405060708090a0b0c0d0e0f\n", 33, 0600);
	world_new(state_dir, cut);
	id = clock_ntp(clock_mono_us() + clock_wall_ahead_us());
	return 0;
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	world_free();
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	assert_int_equal(system(command), 0);
	free(dir);
	return 0;
}

/* ---- tests ---- */

static void ha_by(enum store_policy policy)
{
	configure_ha(policy);
	world->die_at = 'R';
	assert_true(life(conf, state_dir, ha_registers));
	assert_int_equal(code(), WIRE_CODE_ACCEPTED);
	assert_int_equal(synced_first('R'), policy == STORE_DISK);
}

static void pma_by(enum store_policy policy)
{
	configure_pma(policy);
	world->die_at = 'A';
	assert_true(life(conf, state_dir, pma_attaches));
	assert_int_equal(world->attached.s_addr, ip(HOME).s_addr);
	assert_int_equal(synced_first('A'), policy == STORE_DISK);
}

static void test_ha_process(void **state)
{
	(void)state;
	ha_by(STORE_PROCESS);
	next_life(state_dir, ha_is_asked_again, true);
}

static void test_ha_disk(void **state)
{
	(void)state;
	ha_by(STORE_DISK);
	next_life(state_dir, ha_is_asked_again, true);
}

static void test_ha_none(void **state)
{
	(void)state;
	ha_by(STORE_NONE);
	assert_int_not_equal(access(state_dir, F_OK), 0);
	next_life(state_dir, ha_has_forgotten, false);
}

static void test_pma_process(void **state)
{
	(void)state;
	pma_by(STORE_PROCESS);
	next_life(state_dir, pma_serves, true);
}

static void test_pma_disk(void **state)
{
	(void)state;
	pma_by(STORE_DISK);
	next_life(state_dir, pma_serves, true);
}

static void test_pma_none(void **state)
{
	(void)state;
	pma_by(STORE_NONE);
	next_life(state_dir, pma_knows_nobody, false);
}

/* The machine goes with the agent's life, but its kernel is played on: what counts is what the files say. */
static void test_power_cut(void **state)
{
	(void)state;
	ha_by(STORE_DISK);
	next_life(cut, ha_is_asked_again, true);
}

static void test_power_cut_pma(void **state)
{
	(void)state;
	pma_by(STORE_DISK);
	next_life(cut, pma_serves, true);
}

/* The file is sound, what came last is not in it: that is what "process" saves. */
static void test_power_cut_process(void **state)
{
	(void)state;
	ha_by(STORE_PROCESS);
	next_life(cut, ha_has_forgotten, false);
}

/* Killed when the kernel has the binding and the disk has no row: nothing was promised, and the request comes again. */
static void test_killed_before_the_disk(void **state)
{
	(void)state;
	configure_ha(STORE_DISK);
	world->die_at = 'B';
	assert_true(life(conf, state_dir, ha_registers));
	assert_int_equal(count('R'), 0);
	next_life(state_dir, ha_has_forgotten, false);
}

/* The same with a row that is there before the binding. */
static void test_killed_before_the_kernel(void **state)
{
	(void)state;
	configure_ha(STORE_PROCESS);
	world->die_at = 'B';
	assert_true(life(conf, state_dir, ha_registers));
	assert_int_equal(count('R'), 0);
	next_life(state_dir, ha_is_asked_again, true);
}

static void ha_is_busy(struct host *host)
{
	char nai[64];

	world->n_trace = 0;
	for (int i = 0; i < 10; i++) {
		snprintf(nai, sizeof(nai), "d%d@red.example", i);
		request_of(host, nai, id);
	}
	assert_int_equal(count('S'), 10);
	assert_int_equal(count('f') + count('R'), 0);
	until(host, 'R', 10);
	assert_int_equal(count('f'), 1);
	assert_true(synced_first('R'));
}

/* What has come at once goes to the disk at once. */
static void test_group(void **state)
{
	(void)state;
	configure_ha(STORE_DISK);
	assert_false(life(conf, state_dir, ha_is_busy));
}

static void ha_has_a_bad_disk(struct host *host)
{
	world->sync_fails = true;
	request(host);
	until(host, 'R', 1);
	assert_int_equal(code(), WIRE_CODE_HA_UNSPECIFIED);
	assert_int_equal(world->n_kernel, 0);
	world->sync_fails = false;
	request_of(host, NAI, id + (1ULL << 32));
	until(host, 'R', 2);
	assert_int_equal(code(), WIRE_CODE_ACCEPTED);
}

static void test_sync_fails(void **state)
{
	(void)state;
	configure_ha(STORE_DISK);
	assert_false(life(conf, state_dir, ha_has_a_bad_disk));
}

static void ha_reloads(struct host *host)
{
	/* The answer of the old core doesn't get lost, and its row isn't asked for twice. */
	request(host);
	assert_int_equal(count('R'), 0);
	assert_true(host_reload(host));
	assert_int_equal(count('R'), 1);
	assert_int_equal(code(), WIRE_CODE_ACCEPTED);
	/* From disk to process and back. */
	world->n_trace = 0;
	configure_ha(STORE_PROCESS);
	assert_true(host_reload(host));
	request_of(host, NAI, id + (1ULL << 32));
	until(host, 'R', 1);
	assert_false(synced_first('R'));
	world->n_trace = 0;
	configure_ha(STORE_DISK);
	assert_true(host_reload(host));
	request_of(host, NAI, id + (2ULL << 32));
	until(host, 'R', 1);
	assert_true(synced_first('R'));
	/* None has nothing that the new core could start from. */
	configure_ha(STORE_NONE);
	assert_false(host_reload(host));
	assert_int_equal(count('U'), 0);
	assert_int_equal(world->n_kernel, 1);
}

static void test_reload(void **state)
{
	(void)state;
	configure_ha(STORE_DISK);
	assert_false(life(conf, state_dir, ha_reloads));
}

static void ha_reloads_without_store(struct host *host)
{
	ha_registers(host);
	world->n_trace = 0;
	assert_true(host_reload(host));
	ha_is_asked_again(host);
	assert_int_equal(count('U'), 0);
	configure_ha(STORE_PROCESS);
	assert_false(host_reload(host));
}

static void test_reload_none(void **state)
{
	(void)state;
	configure_ha(STORE_NONE);
	assert_false(life(conf, state_dir, ha_reloads_without_store));
}

/* Rows of an earlier life would be believed by a later one. */
static void test_none_after_process(void **state)
{
	(void)state;
	ha_by(STORE_PROCESS);
	configure_ha(STORE_NONE);
	next_life(state_dir, ha_has_forgotten, false);
	configure_ha(STORE_PROCESS);
	next_life(state_dir, ha_has_forgotten, false);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_ha_process), TEST(test_ha_disk), TEST(test_ha_none),
		TEST(test_pma_process), TEST(test_pma_disk), TEST(test_pma_none),
		TEST(test_power_cut), TEST(test_power_cut_pma), TEST(test_power_cut_process),
		TEST(test_killed_before_the_disk), TEST(test_killed_before_the_kernel), TEST(test_group),
		TEST(test_sync_fails), TEST(test_reload), TEST(test_reload_none), TEST(test_none_after_process),
	};

	return cmocka_run_group_tests_name("what survives", tests, NULL, NULL);
}
