// SPDX-License-Identifier: GPL-2.0-only
#include "host/store.h"
#include "host/log.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SCHEMA	1	/* PRAGMA user_version */

/* Columns in the order of the table, of bind_record() and of read_record(). */
#define COLUMNS \
	"cookie, role, nai, network, realm, home, ha, coa, gre, keyed, key_in, key_out, lifetime, " \
	"expires_unix, last_id, peer_revsup, tombstone, port, port_name, mac, dhcp"

static const char create[] =
	"CREATE TABLE registrations (cookie INTEGER PRIMARY KEY, role INTEGER, nai TEXT, network TEXT, "
	"realm INTEGER, home INTEGER, ha INTEGER, coa INTEGER, gre INTEGER, keyed INTEGER, key_in INTEGER, "
	"key_out INTEGER, lifetime INTEGER, expires_unix INTEGER, last_id INTEGER, peer_revsup INTEGER, "
	"tombstone INTEGER, port INTEGER, port_name TEXT, mac BLOB, dhcp INTEGER);";

struct store {
	sqlite3 *db;
	sqlite3_stmt *put, *del;
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

static bool is_sound(struct store *store)
{
	const char *answer = NULL;
	sqlite3_stmt *stmt;
	bool ok = false;

	if (sqlite3_prepare_v2(store->db, "PRAGMA quick_check(1)", -1, &stmt, NULL) == SQLITE_OK) {
		if (sqlite3_step(stmt) == SQLITE_ROW)
			answer = (const char *)sqlite3_column_text(stmt, 0);
		ok = answer && !strcmp(answer, "ok");
		sqlite3_finalize(stmt);
	}
	return ok;
}

static const char *reason(struct store *store)
{
	switch (sqlite3_errcode(store->db) & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return "another mip4d uses it";
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return "it is damaged; move it away, devices will register anew";
	case SQLITE_CANTOPEN:
	case SQLITE_READONLY:
		return "it cannot be written";
	default:
		return sqlite3_errmsg(store->db);
	}
}

static bool prepare_schema(struct store *store, const char *path, char *text)
{
	char sql[64];
	int version;

	sqlite3_extended_result_codes(store->db, 0);
	/* Exclusive: a second agent on the same directory is refused here. */
	if (run(store, "PRAGMA locking_mode = EXCLUSIVE") || run(store, "PRAGMA journal_mode = WAL") ||
	    run(store, "PRAGMA synchronous = OFF") || run(store, "BEGIN IMMEDIATE")) {
		snprintf(text, CORE_TEXT_MAX, "%.120s: %.120s", path, reason(store));
		return false;
	}
	version = ask(store, "PRAGMA user_version");
	if (!version) {
		snprintf(sql, sizeof(sql), "PRAGMA user_version = %d", SCHEMA);
		if (run(store, create) || run(store, sql)) {
			snprintf(text, CORE_TEXT_MAX, "%.120s: %.120s", path, reason(store));
			return false;
		}
	} else if (version != SCHEMA) {
		snprintf(text, CORE_TEXT_MAX, "%.120s: has schema %d, this mip4d knows %d; "
			 "move it away, devices will register anew", path, version, SCHEMA);
		return false;
	}
	if (run(store, "COMMIT") || !is_sound(store)) {
		snprintf(text, CORE_TEXT_MAX, "%.120s: it is damaged; move it away, devices will register anew", path);
		return false;
	}
	return true;
}

struct store *store_open(const char *dir, char *text)
{
	struct store *store = calloc(1, sizeof(*store));
	char path[4096];

	snprintf(path, sizeof(path), "%s/registrations.db", dir);
	if (!store) {
		strcpy(text, "no memory");
		return NULL;
	}
	if (mkdir(dir, 0700) && errno != EEXIST) {
		snprintf(text, CORE_TEXT_MAX, "cannot create %.160s: %s", dir, strerror(errno));
		goto err;
	}
	if (sqlite3_open_v2(path, &store->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL)) {
		snprintf(text, CORE_TEXT_MAX, "%.160s: %.80s", path, store->db ? reason(store) : "no memory");
		goto err;
	}
	chmod(path, 0600);
	if (!prepare_schema(store, path, text))
		goto err;
	if (sqlite3_prepare_v2(store->db, "INSERT OR REPLACE INTO registrations (" COLUMNS ") VALUES "
			       "(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)", -1, &store->put, NULL) ||
	    sqlite3_prepare_v2(store->db, "DELETE FROM registrations WHERE cookie = ?", -1, &store->del, NULL)) {
		snprintf(text, CORE_TEXT_MAX, "%.120s: %.120s", path, sqlite3_errmsg(store->db));
		goto err;
	}
	return store;
err:
	store_close(store);
	return NULL;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	sqlite3_finalize(store->put);
	sqlite3_finalize(store->del);
	sqlite3_close(store->db);
	free(store);
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
	r->dhcp = sqlite3_column_int(stmt, i);
}

static int finish(struct store *store, sqlite3_stmt *stmt, char *text)
{
	int rc = sqlite3_step(stmt);

	if (rc != SQLITE_DONE)
		snprintf(text, CORE_TEXT_MAX, "store: %.200s", sqlite3_errmsg(store->db));
	sqlite3_reset(stmt);
	return rc == SQLITE_DONE ? 0 : rc == SQLITE_FULL ? ENOSPC : EIO;
}

int store_put(struct store *store, const struct core_record *record, char *text)
{
	bind_record(store->put, record);
	return finish(store, store->put, text);
}

int store_del(struct store *store, uint64_t cookie, char *text)
{
	sqlite3_bind_int64(store->del, 1, (int64_t)cookie);
	return finish(store, store->del, text);
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
