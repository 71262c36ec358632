// SPDX-License-Identifier: GPL-2.0-only
/* The store: what goes in comes out, also after kill -9; damaged files give way, others are refused with a reason. */
#include "common.h"

#include "host/store.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static char *dir;
static char text[CORE_TEXT_MAX];

static unsigned int syncs_fail;		/* the next so many */

/* libsqlite3 finds these first. */
int fdatasync(int fd)
{
	if (!syncs_fail)
		return syscall(SYS_fdatasync, fd);
	syncs_fail--;
	errno = EIO;
	return -1;
}

static struct core_record sample(uint64_t cookie)
{
	struct core_record r;

	memset(&r, 0, sizeof(r));
	r.cookie = cookie;
	r.role = CORE_PMA;
	strcpy(r.nai, "02'00\"@red.example");
	strcpy(r.network, "red");
	r.realm = UINT32_MAX;
	r.home.s_addr = htonl(0x0a000005);
	r.ha.s_addr = htonl(0xc0000201);
	r.coa.s_addr = htonl(0xfffffffe);
	r.gre = r.keyed = true;
	r.key_in = 0xffffffff;
	r.key_out = 1;
	r.lifetime = 65535;
	r.expires_unix = UINT64_MAX;
	r.last_id = 0xfedcba9876543210;
	r.peer_revsup = 0xf0000000;
	r.port = 3;
	strcpy(r.port_name, "eth1");
	memcpy(r.mac, "\x02\0\0\0\x01\x05", 6);
	r.dhcp = true;
	r.access = 255;
	return r;
}

struct rows {
	struct core_record r[8];
	unsigned int n;
};

static void take(void *arg, const struct core_record *record)
{
	struct rows *rows = arg;

	assert_in_range(rows->n, 0, 7);
	rows->r[rows->n++] = *record;
}

static struct rows all(struct store *store)
{
	struct rows rows;

	memset(&rows, 0, sizeof(rows));
	assert_int_equal(store_walk(store, take, &rows, text), 0);
	return rows;
}

static struct { uint64_t cookie; int error; } done[8];
static unsigned int n_done;

static void on_done(void *arg, uint64_t cookie, int error, const char *why)
{
	assert_ptr_equal(arg, &dir);
	assert_true(!error == !*why || !error);
	assert_in_range(n_done, 0, 7);
	done[n_done].cookie = cookie;
	done[n_done++].error = error;
}

static struct store *try_store(enum store_policy policy)
{
	return store_open(dir, policy, on_done, &dir, text);
}

/* Done, and well, when the call returns. */
static void put(struct store *store, const struct core_record *r)
{
	n_done = 0;
	store_put(store, r);
	assert_int_equal(n_done, 1);
	assert_int_equal(done[0].cookie, r->cookie);
	assert_int_equal(done[0].error, 0);
}

static struct store *open_store(void)
{
	struct store *store = try_store(STORE_PROCESS);

	if (!store)
		fail_msg("%s", text);
	return store;
}

static void test_round_trip(void **state)
{
	struct core_record a = sample(0xffffffffffffffff), b = sample(1);
	struct store *store = open_store();
	struct rows rows;

	(void)state;
	b.role = CORE_HA;
	b.tombstone = true;
	memset(b.mac, 0, 6);
	put(store, &a);
	put(store, &b);
	a.lifetime = 7;
	put(store, &a);
	store_close(store);

	store = open_store();
	rows = all(store);
	assert_int_equal(rows.n, 2);
	assert_memory_equal(&rows.r[0], &a, sizeof(a));
	assert_memory_equal(&rows.r[1], &b, sizeof(b));
	store_del(store, a.cookie);
	store_del(store, a.cookie);
	assert_int_equal(all(store).n, 1);
	store_del(store, b.cookie);
	store_close(store);
}

static void test_killed(void **state)
{
	struct core_record r = sample(5);
	struct store *store;
	struct rows rows;
	int status;
	pid_t pid;

	(void)state;
	pid = fork();
	if (!pid) {
		put(open_store(), &r);
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	store = open_store();
	rows = all(store);
	assert_int_equal(rows.n, 1);
	assert_memory_equal(&rows.r[0], &r, sizeof(r));
	store_del(store, 5);
	store_close(store);
}

static void test_second_agent(void **state)
{
	struct store *store = open_store();

	(void)state;
	assert_null(try_store(STORE_PROCESS));
	assert_non_null(strstr(text, "another mip4d uses it"));
	store_close(store);
}

static void test_newer_schema(void **state)
{
	char path[256];
	sqlite3 *db;

	(void)state;
	store_close(open_store());
	snprintf(path, sizeof(path), "%s/registrations.db", dir);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 99", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	assert_null(try_store(STORE_PROCESS));
	assert_non_null(strstr(text, "schema 99"));
	assert_int_equal(unlink(path), 0);
}

/* One that an agent left which knew no accesses: its rows are of any, and the next ones have theirs. */
static void test_older_schema(void **state)
{
	struct core_record r = sample(7);
	struct store *store = open_store();
	struct rows rows;
	char path[256];
	sqlite3 *db;

	(void)state;
	put(store, &r);
	store_close(store);
	snprintf(path, sizeof(path), "%s/registrations.db", dir);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "ALTER TABLE registrations DROP COLUMN access; PRAGMA user_version = 1",
				      NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	store = open_store();
	rows = all(store);
	assert_int_equal(rows.n, 1);
	r.access = 0;
	assert_memory_equal(&rows.r[0], &r, sizeof(r));
	r.access = 2;
	put(store, &r);
	store_close(store);
	store = open_store();
	assert_int_equal(all(store).r[0].access, 2);
	store_del(store, 7);
	store_close(store);
}

/* What was found damaged lies beside the new, empty file, which works. */
static void expect_new_start(const void *old, size_t len)
{
	struct core_record r = sample(9);
	struct store *store = open_store();
	char path[256], *kept = calloc(1, len);
	FILE *f;

	assert_int_equal(all(store).n, 0);
	put(store, &r);
	store_close(store);
	store = open_store();
	assert_int_equal(all(store).n, 1);
	store_del(store, 9);
	store_close(store);
	snprintf(path, sizeof(path), "%s/registrations.db.damaged", dir);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_int_equal(fread(kept, 1, len, f), len);
	assert_memory_equal(kept, old, len);
	fclose(f);
	free(kept);
	assert_int_equal(unlink(path), 0);
}

static void test_damaged(void **state)
{
	char junk[8192];

	(void)state;
	memset(junk, 'x', sizeof(junk));
	write_file(dir, "registrations.db", junk, sizeof(junk), 0600);
	expect_new_start(junk, sizeof(junk));
}

/* A sound header and schema over a page of rows that isn't. */
static void test_damaged_inside(void **state)
{
	struct core_record r = sample(1);
	struct store *store = open_store();
	char file[2 * 4096], path[256];
	int fd;

	(void)state;
	put(store, &r);
	store_close(store);
	snprintf(path, sizeof(path), "%s/registrations.db", dir);
	fd = open(path, O_RDWR);
	assert_int_equal(read(fd, file, 4096), 4096);
	memset(file + 4096, 'x', 4096);
	assert_int_equal(pwrite(fd, file + 4096, 4096, 4096), 4096);
	close(fd);
	expect_new_start(file, sizeof(file));
}

/* A file that can't be moved away is the administrator's. */
static void test_damaged_stays(void **state)
{
	char junk[4096], path[256];

	(void)state;
	memset(junk, 'x', sizeof(junk));
	write_file(dir, "registrations.db", junk, sizeof(junk), 0600);
	snprintf(path, sizeof(path), "%s/registrations.db.damaged", dir);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_null(try_store(STORE_PROCESS));
	assert_non_null(strstr(text, "it is damaged and cannot be moved away"));
	assert_int_equal(rmdir(path), 0);
	snprintf(path, sizeof(path), "%s/registrations.db", dir);
	assert_int_equal(unlink(path), 0);
}

static void test_no_directory(void **state)
{
	(void)state;
	assert_null(store_open("/proc/none/such", STORE_DISK, on_done, &dir, text));
	assert_non_null(strstr(text, "cannot create /proc/none/such"));
	assert_null(store_open("/dev/null", STORE_PROCESS, on_done, &dir, text));
	assert_true(*text);
}

/* Writes wait for the sync, and are told of in their order; what was taken back meanwhile is gone. */
static void test_group(void **state)
{
	struct core_record a = sample(1), b = sample(2);
	struct store *store = try_store(STORE_DISK);
	struct rows rows;

	(void)state;
	n_done = 0;
	assert_false(store_waits(store));
	store_sync(store);
	store_put(store, &a);
	store_put(store, &b);
	store_del(store, a.cookie);
	store_put(store, &b);
	assert_true(store_waits(store));
	assert_int_equal(n_done, 0);
	store_sync(store);
	assert_false(store_waits(store));
	assert_int_equal(n_done, 3);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(done[i].cookie, i ? 2 : 1);
		assert_int_equal(done[i].error, 0);
	}
	rows = all(store);
	assert_int_equal(rows.n, 1);
	assert_memory_equal(&rows.r[0], &b, sizeof(b));
	/* What waits at the end isn't lost. */
	store_del(store, b.cookie);
	store_close(store);
	store = open_store();
	assert_int_equal(all(store).n, 0);
	store_close(store);
}

/* Nobody is told of a deletion, so none comes back; and what is said to have failed isn't kept. */
static void test_group_fails(void **state)
{
	struct core_record a = sample(1), b = sample(2);
	struct store *store = try_store(STORE_DISK);

	(void)state;
	n_done = 0;
	store_put(store, &a);
	store_sync(store);
	assert_int_equal(done[0].error, 0);
	store_del(store, a.cookie);
	store_put(store, &b);
	syncs_fail = 1;
	store_sync(store);
	assert_int_equal(syncs_fail, 0);
	assert_int_equal(n_done, 2);
	assert_int_equal(done[1].cookie, 2);
	assert_int_not_equal(done[1].error, 0);
	assert_int_equal(all(store).n, 0);
	store_close(store);
}

static void test_none(void **state)
{
	struct core_record r = sample(3);
	struct store *store = open_store(), *none;

	(void)state;
	put(store, &r);
	assert_null(try_store(STORE_NONE));	/* another agent's rows stay */
	assert_non_null(strstr(text, "another mip4d uses it"));
	store_close(store);
	none = try_store(STORE_NONE);
	assert_int_equal(all(none).n, 0);
	put(none, &r);
	assert_int_equal(all(none).n, 1);
	assert_false(store_set_policy(none, STORE_PROCESS, text));
	store_close(none);
	store = open_store();
	assert_int_equal(all(store).n, 0);
	assert_false(store_set_policy(store, STORE_NONE, text));
	assert_true(store_set_policy(store, STORE_DISK, text));
	store_close(store);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip), cmocka_unit_test(test_killed),
		cmocka_unit_test(test_second_agent), cmocka_unit_test(test_newer_schema),
		cmocka_unit_test(test_older_schema),
		cmocka_unit_test(test_damaged), cmocka_unit_test(test_damaged_inside),
		cmocka_unit_test(test_damaged_stays), cmocka_unit_test(test_no_directory),
		cmocka_unit_test(test_group), cmocka_unit_test(test_group_fails),
		cmocka_unit_test(test_none),
	};
	static const char *const files[] = { "registrations.db", "registrations.db-wal", "registrations.db-shm" };
	int failed;

	dir = make_dir();
	failed = cmocka_run_group_tests_name("store", tests, NULL, NULL);
	assert_int_equal(chdir(dir), 0);
	for (int i = 0; i < 3; i++)
		unlink(files[i]);
	rmdir(dir);
	free(dir);
	return failed;
}
