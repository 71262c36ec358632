// SPDX-License-Identifier: GPL-2.0-only
#include "host/store.h"
#include "host/log.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SCHEMA	2	/* PRAGMA user_version */
#define STORE_PATH_MAX	4096
#define MEMORY	":memory:"	/* SQLite's word for a database without a file */

/* Columns in the order of the table, of bind_record() and of read_record(). */
#define COLUMNS \
	"cookie, role, nai, network, realm, home, ha, coa, gre, keyed, key_in, key_out, lifetime, " \
	"expires_unix, last_id, peer_revsup, tombstone, port, port_name, mac, dhcp, access"

#define ACCESS	"access INTEGER NOT NULL DEFAULT 0"
static const char create[] =
	"CREATE TABLE registrations (cookie INTEGER PRIMARY KEY, role INTEGER, nai TEXT, network TEXT, "
	"realm INTEGER, home INTEGER, ha INTEGER, coa INTEGER, gre INTEGER, keyed INTEGER, key_in INTEGER, "
	"key_out INTEGER, lifetime INTEGER, expires_unix INTEGER, last_id INTEGER, peer_revsup INTEGER, "
	"tombstone INTEGER, port INTEGER, port_name TEXT, mac BLOB, dhcp INTEGER, " ACCESS ");";

/* From schema 1. */
static const char add_access[] = "ALTER TABLE registrations ADD COLUMN " ACCESS ";";

#define GROUP_MAX	1024	/* as many writes wait for one sync */

struct store {
	sqlite3 *db;
	sqlite3_stmt *put, *del;
	enum store_policy policy;
	store_done_fn done;
	void *arg;
	/* STORE_DISK: a transaction that is open, with the puts to be told of; all of them fail with the first */
	bool grouped;
	uint64_t group[GROUP_MAX];
	unsigned int n_group;
	/* and the deletions, which nobody is told of: they are made without the puts then */
	uint64_t gone[GROUP_MAX];
	unsigned int n_gone;
	int error;
	char text[CORE_TEXT_MAX];
};

static int run(struct store *store, const char *sql)
{
	return sqlite3_exec(store->db, sql, NULL, NULL, NULL);
}

/* The first column of the first row as a number; -1 if there is none. */
static int ask(struct store *store, const char *sql)
{
	sqlite3_stmt *stmt;
	int value = -1;

	if (sqlite3_prepare_v2(store->db, sql, -1, &stmt, NULL) == SQLITE_OK) {
		if (sqlite3_step(stmt) == SQLITE_ROW)
			value = sqlite3_column_int(stmt, 0);
		sqlite3_finalize(stmt);
	}
	return value;
}

static void close_db(struct store *store)
{
	sqlite3_finalize(store->put);
	sqlite3_finalize(store->del);
	sqlite3_close(store->db);
	store->put = store->del = NULL;
	store->db = NULL;
}

static bool is_damaged(struct store *store)
{
	int code = sqlite3_errcode(store->db) & 0xff;

	return code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
}

/* SQLITE_OK if all pages fit together. */
static int check(struct store *store)
{
	const char *answer;
	sqlite3_stmt *stmt;
	int rc;

	rc = sqlite3_prepare_v2(store->db, "PRAGMA quick_check(1)", -1, &stmt, NULL);
	if (rc != SQLITE_OK)
		return rc;
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW) {
		answer = (const char *)sqlite3_column_text(stmt, 0);
		rc = answer && !strcmp(answer, "ok") ? SQLITE_OK : SQLITE_CORRUPT;
	}
	sqlite3_finalize(stmt);
	return rc;
}

static const char *reason(struct store *store)
{
	switch (sqlite3_errcode(store->db) & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return "another mip4d uses it";
	case SQLITE_CANTOPEN:
	case SQLITE_READONLY:
		return "it cannot be written";
	default:
		return sqlite3_errmsg(store->db);
	}
}

enum opened { OPENED, REFUSED, DAMAGED };

static enum opened refuse(struct store *store, const char *path, char *text)
{
	snprintf(text, CORE_TEXT_MAX, "%.120s: %.120s", path, reason(store));
	return is_damaged(store) ? DAMAGED : REFUSED;
}

/*
 * NORMAL: synced at checkpoints only, so that a power cut costs the last writes
 * but not the file. FULL: with each transaction.
 */
static int set_synchronous(struct store *store)
{
	return run(store, store->policy == STORE_DISK ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
}

static enum opened prepare_schema(struct store *store, const char *path, char *text)
{
	char sql[64];
	int version, rc;

	sqlite3_extended_result_codes(store->db, 0);
	/* Exclusive: a second agent on the same directory is refused here. */
	if (run(store, "PRAGMA locking_mode = EXCLUSIVE") || run(store, "PRAGMA journal_mode = WAL") ||
	    set_synchronous(store) || run(store, "BEGIN IMMEDIATE"))
		return refuse(store, path, text);
	version = ask(store, "PRAGMA user_version");
	if (version == 0 || version == 1) {
		snprintf(sql, sizeof(sql), "PRAGMA user_version = %d", SCHEMA);
		if (run(store, version ? add_access : create) || run(store, sql))
			return refuse(store, path, text);
	} else if (version != SCHEMA) {
		snprintf(text, CORE_TEXT_MAX, "%.120s: has schema %d, this mip4d knows %d; "
			 "move it away, devices will register anew", path, version, SCHEMA);
		return REFUSED;
	}
	if (run(store, "COMMIT"))
		return refuse(store, path, text);
	rc = check(store);
	if (rc == SQLITE_CORRUPT)	/* found, or met on the way */
		return DAMAGED;
	return rc ? refuse(store, path, text) : OPENED;
}

static enum opened try_open(struct store *store, const char *path, char *text)
{
	enum opened result;

	if (sqlite3_open_v2(path, &store->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL)) {
		snprintf(text, CORE_TEXT_MAX, "%.160s: %.80s", path, store->db ? reason(store) : "no memory");
		return REFUSED;
	}
	if (strcmp(path, MEMORY))
		chmod(path, 0600);
	result = prepare_schema(store, path, text);
	if (result == OPENED &&
	    (sqlite3_prepare_v2(store->db, "INSERT OR REPLACE INTO registrations (" COLUMNS ") VALUES "
				"(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)", -1, &store->put, NULL) ||
	     sqlite3_prepare_v2(store->db, "DELETE FROM registrations WHERE cookie = ?", -1, &store->del, NULL)))
		result = refuse(store, path, text);
	return result;
}

/* A damaged file is kept for whoever wants to look at it; its log would be taken for the new one's. */
static bool move_away(const char *path, char *text)
{
	static const char *const parts[] = { "", "-wal", "-shm" };
	char from[STORE_PATH_MAX + 16], to[STORE_PATH_MAX + 16];

	for (int i = 0; i < 3; i++) {
		snprintf(from, sizeof(from), "%s%s", path, parts[i]);
		snprintf(to, sizeof(to), "%s.damaged%s", path, parts[i]);
		if (rename(from, to) && (!i || errno != ENOENT)) {
			snprintf(text, CORE_TEXT_MAX, "%.120s: it is damaged and cannot be moved away: %s", path,
				 strerror(errno));
			return false;
		}
	}
	log_warning("%s was damaged and is %s.damaged now; devices register anew", path, path);
	return true;
}

/* What is in a new directory is safe when its name is. */
static bool sync_parent(const char *dir)
{
	char parent[STORE_PATH_MAX];
	bool ok;
	int fd;

	snprintf(parent, sizeof(parent), "%s/..", dir);
	fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ok = fd >= 0 && !fsync(fd);
	if (fd >= 0)
		close(fd);
	return ok;
}

static enum opened open_file(struct store *store, const char *dir, const char *path, char *text)
{
	bool made = !mkdir(dir, 0700);
	enum opened result;

	if ((!made && errno != EEXIST) || (made && store->policy == STORE_DISK && !sync_parent(dir))) {
		snprintf(text, CORE_TEXT_MAX, "cannot create %.160s: %s", dir, strerror(errno));
		return REFUSED;
	}
	result = try_open(store, path, text);
	if (result == DAMAGED) {
		close_db(store);
		if (move_away(path, text))
			result = try_open(store, path, text);
	}
	return result;
}

/* What an earlier life has left would be taken for true by a later one. */
static enum opened open_memory(struct store *store, const char *path, char *text)
{
	enum opened result;
	int rows;

	if (!access(path, F_OK)) {
		result = try_open(store, path, text);
		if (result == REFUSED)
			return REFUSED;
		rows = result == OPENED ? ask(store, "SELECT count(*) FROM registrations") : 0;
		if (rows && run(store, "DELETE FROM registrations"))
			return refuse(store, path, text);
		if (rows)
			log_warning("store = none: %d registrations of an earlier life are gone from %s", rows, path);
		close_db(store);
	}
	return try_open(store, MEMORY, text);
}

struct store *store_open(const char *dir, enum store_policy policy, store_done_fn done, void *arg, char *text)
{
	struct store *store = calloc(1, sizeof(*store));
	char path[STORE_PATH_MAX];
	enum opened result;

	snprintf(path, sizeof(path), "%s/registrations.db", dir);
	if (!store) {
		strcpy(text, "no memory");
		return NULL;
	}
	store->policy = policy;
	store->done = done;
	store->arg = arg;
	result = policy == STORE_NONE ? open_memory(store, path, text) : open_file(store, dir, path, text);
	if (result != OPENED) {
		store_close(store);
		return NULL;
	}
	return store;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	store_sync(store);
	close_db(store);
	free(store);
}

bool store_set_policy(struct store *store, enum store_policy policy, char *text)
{
	if (policy == store->policy)
		return true;
	if (policy == STORE_NONE || store->policy == STORE_NONE) {
		strcpy(text, "store: none comes and goes with a start of the agent only");
		return false;
	}
	store_sync(store);
	store->policy = policy;
	if (!set_synchronous(store))
		return true;
	snprintf(text, CORE_TEXT_MAX, "store: %.200s", sqlite3_errmsg(store->db));
	return false;
}

/* SQLite's integers are signed; 64-bit values pass through bit by bit. */
static void bind_record(sqlite3_stmt *stmt, const struct core_record *r)
{
	int i = 1;

	sqlite3_bind_int64(stmt, i++, (int64_t)r->cookie);
	sqlite3_bind_int(stmt, i++, r->role);
	sqlite3_bind_text(stmt, i++, r->nai, -1, SQLITE_STATIC);
	sqlite3_bind_text(stmt, i++, r->network, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, i++, r->realm);
	sqlite3_bind_int64(stmt, i++, ntohl(r->home.s_addr));
	sqlite3_bind_int64(stmt, i++, ntohl(r->ha.s_addr));
	sqlite3_bind_int64(stmt, i++, ntohl(r->coa.s_addr));
	sqlite3_bind_int(stmt, i++, r->gre);
	sqlite3_bind_int(stmt, i++, r->keyed);
	sqlite3_bind_int64(stmt, i++, r->key_in);
	sqlite3_bind_int64(stmt, i++, r->key_out);
	sqlite3_bind_int(stmt, i++, r->lifetime);
	sqlite3_bind_int64(stmt, i++, (int64_t)r->expires_unix);
	sqlite3_bind_int64(stmt, i++, (int64_t)r->last_id);
	sqlite3_bind_int64(stmt, i++, r->peer_revsup);
	sqlite3_bind_int(stmt, i++, r->tombstone);
	sqlite3_bind_int64(stmt, i++, r->port);
	sqlite3_bind_text(stmt, i++, r->port_name, -1, SQLITE_STATIC);
	sqlite3_bind_blob(stmt, i++, r->mac, sizeof(r->mac), SQLITE_STATIC);
	sqlite3_bind_int(stmt, i++, r->dhcp);
	sqlite3_bind_int(stmt, i++, r->access);
}

static void read_text(sqlite3_stmt *stmt, int column, char *out, size_t size)
{
	const unsigned char *text = sqlite3_column_text(stmt, column);

	snprintf(out, size, "%s", text ? (const char *)text : "");
}

static void read_record(sqlite3_stmt *stmt, struct core_record *r)
{
	int i = 0;

	memset(r, 0, sizeof(*r));
	r->cookie = sqlite3_column_int64(stmt, i++);
	r->role = sqlite3_column_int(stmt, i++);
	read_text(stmt, i++, r->nai, sizeof(r->nai));
	read_text(stmt, i++, r->network, sizeof(r->network));
	r->realm = sqlite3_column_int64(stmt, i++);
	r->home.s_addr = htonl(sqlite3_column_int64(stmt, i++));
	r->ha.s_addr = htonl(sqlite3_column_int64(stmt, i++));
	r->coa.s_addr = htonl(sqlite3_column_int64(stmt, i++));
	r->gre = sqlite3_column_int(stmt, i++);
	r->keyed = sqlite3_column_int(stmt, i++);
	r->key_in = sqlite3_column_int64(stmt, i++);
	r->key_out = sqlite3_column_int64(stmt, i++);
	r->lifetime = sqlite3_column_int(stmt, i++);
	r->expires_unix = sqlite3_column_int64(stmt, i++);
	r->last_id = sqlite3_column_int64(stmt, i++);
	r->peer_revsup = sqlite3_column_int64(stmt, i++);
	r->tombstone = sqlite3_column_int(stmt, i++);
	r->port = sqlite3_column_int64(stmt, i++);
	read_text(stmt, i++, r->port_name, sizeof(r->port_name));
	if (sqlite3_column_bytes(stmt, i) == sizeof(r->mac))
		memcpy(r->mac, sqlite3_column_blob(stmt, i), sizeof(r->mac));
	i++;
	r->dhcp = sqlite3_column_int(stmt, i++);
	r->access = sqlite3_column_int(stmt, i);
}

/* What failed, in a group for all of it. */
static void note_error(struct store *store, int rc)
{
	if (store->error)
		return;
	store->error = rc == SQLITE_FULL ? ENOSPC : EIO;
	snprintf(store->text, sizeof(store->text), "store: %.200s", sqlite3_errmsg(store->db));
	log_error("%s", store->text);
}

static void finish(struct store *store, sqlite3_stmt *stmt)
{
	int rc = sqlite3_step(stmt);

	if (rc != SQLITE_DONE)
		note_error(store, rc);
	sqlite3_reset(stmt);
}

static void begin(struct store *store)
{
	int rc;

	if (store->n_group == GROUP_MAX || store->n_gone == GROUP_MAX)
		store_sync(store);
	if (!store->grouped)
		store->error = 0;
	if (store->policy != STORE_DISK || store->grouped)
		return;
	store->grouped = true;
	rc = run(store, "BEGIN IMMEDIATE");
	if (rc)
		note_error(store, rc);
}

void store_put(struct store *store, const struct core_record *record)
{
	begin(store);
	/* there may be no transaction any more, and what failed must not be kept */
	if (!store->grouped || !store->error) {
		bind_record(store->put, record);
		finish(store, store->put);
	}
	if (store->grouped)
		store->group[store->n_group++] = record->cookie;
	else
		store->done(store->arg, record->cookie, store->error, store->text);
}

static void delete_row(struct store *store, uint64_t cookie)
{
	sqlite3_bind_int64(store->del, 1, (int64_t)cookie);
	finish(store, store->del);
}

void store_del(struct store *store, uint64_t cookie)
{
	begin(store);
	if (store->grouped)
		store->gone[store->n_gone++] = cookie;
	if (!store->grouped || !store->error)
		delete_row(store, cookie);
}

bool store_waits(const struct store *store)
{
	return store->grouped;
}

void store_sync(struct store *store)
{
	int rc;

	if (!store->grouped)
		return;
	rc = store->error ? SQLITE_OK : run(store, "COMMIT");
	if (rc)
		note_error(store, rc);
	if (!sqlite3_get_autocommit(store->db))		/* SQLite may have done it already */
		run(store, "ROLLBACK");
	store->grouped = false;
	for (unsigned int i = 0; store->error && i < store->n_gone; i++)
		delete_row(store, store->gone[i]);
	store->n_gone = 0;
	for (unsigned int i = 0; i < store->n_group; i++)
		store->done(store->arg, store->group[i], store->error, store->text);
	store->n_group = 0;
}

int store_walk(struct store *store, void (*fn)(void *arg, const struct core_record *record), void *arg, char *text)
{
	struct core_record record;
	sqlite3_stmt *stmt;
	int rc;

	rc = sqlite3_prepare_v2(store->db, "SELECT " COLUMNS " FROM registrations", -1, &stmt, NULL);
	while (rc == SQLITE_OK || rc == SQLITE_ROW) {
		rc = sqlite3_step(stmt);
		if (rc == SQLITE_ROW) {
			read_record(stmt, &record);
			fn(arg, &record);
		}
	}
	if (rc != SQLITE_DONE)
		snprintf(text, CORE_TEXT_MAX, "store: %.200s", sqlite3_errmsg(store->db));
	sqlite3_finalize(stmt);
	return rc == SQLITE_DONE ? 0 : EIO;
}
