// Fills the database of a running Countersign, so that it can be measured with many accounts.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const TRANSACTION_TIMEOUT_MS = 15 * 60_000;
/** SQLite's write-ahead log grows with a transaction. */
const ACCOUNTS_PER_TRANSACTION = 50_000;
const EVENTS_PER_ACCOUNT = 3;
const DAY_MS = 86_400_000;
/**
 * The password of all accounts, and a hash of it. The hash is not bound to an account, so the
 * server replaces it at the first log-in, which takes a second hash.
 */
export const PASSWORD = 'three grey herons at noon';
const HASH =
  '$argon2id$v=19$m=19456,t=2,p=1$yY963bwq5t/rqpm5PMLgYg$' +
  'gak7h2KaeQktkaA/d+/m6uanjn0vb6tiSFOBM+Zd3bM';

/** The email address of an account, from 1. */
export const emailOf = (number) => `user${number}@example.com`;

/**
 * What differs between the databases. `id` returns an ID that sorts before new ones. On SQLite it
 * is not a UUID of version 7, because `unhex` needs SQLite 3.41.
 */
const SQLITE = {
  numbers: (first, last) =>
    `(WITH RECURSIVE n(i) AS (VALUES (${first}) UNION ALL SELECT i + 1 FROM n WHERE i < ${last})` +
    ' SELECT i FROM n)',
  id: (time, number) => `CAST(char(1) || printf('%015d', ${number}) AS BLOB)`,
  run: (database, sql) => [
    'sqlite3', '-cmd', '.timeout 10000', database,
    `BEGIN IMMEDIATE; ${sql} COMMIT; PRAGMA wal_checkpoint(TRUNCATE);`,
  ],
};
const POSTGRES = {
  numbers: (first, last) => `generate_series(${first}::bigint, ${last}) AS n(i)`,
  id: (time, number) => {
    const hex = (value, digits) => `lpad(to_hex(${value}), ${digits}, '0')`;
    const parts = [hex(time, 12), "'7'", hex(`(${number}) % 4096`, 3), "'8'", hex(number, 15)];
    return `(${parts.join(' || ')})::uuid`;
  },
  run: (database, sql) =>
    ['psql', '--quiet', '--set=ON_ERROR_STOP=1', database, '--command', `BEGIN; ${sql} COMMIT;`],
};

/** The statements that insert the accounts `first` to `last`, the newest of them an hour old. */
const statements = ({ numbers, id }, first, last, total) => {
  const start = Date.now() - DAY_MS;
  const time = `(${start} + i * ${DAY_MS - 3_600_000} / ${total})`;
  const from = `FROM ${numbers(first, last)}`;
  const user = id(time, 'i');
  const event = id(time, `i * ${EVENTS_PER_ACCOUNT} + events.column1`);
  const events = Array.from({ length: EVENTS_PER_ACCOUNT }, (_, event) => `(${event})`);
  return `
    INSERT INTO csgn_users (id, email, email_key, email_verified_at, password_hash, epoch,
        last_login_at, created_at)
      SELECT ${user}, 'user' || i || '@example.com', 'user' || i || '@example.com', ${time},
        '${HASH}', 0, ${time}, ${time}
      ${from};
    INSERT INTO csgn_sessions (id, user_id, generation, rotated_at, previous_rotated_at,
        confirmed_generation, persistent, amr, auth_time, device, address, created_at,
        last_seen_at, idle_limit, expires_at)
      SELECT ${user}, ${user}, 1, ${time}, ${time}, 1, TRUE, 'pwd', ${time}, 'Firefox on Linux',
        '192.0.2.1', ${time}, ${time}, ${30 * DAY_MS}, ${time} + ${90 * DAY_MS}
      ${from};
    INSERT INTO csgn_audit_events (id, at, kind, outcome, actor_id, target_id, address, device)
      SELECT ${event}, ${time}, 'logged_in', 'done', ${user}, ${user}, '192.0.2.1',
        'Firefox on Linux'
      ${from}, (VALUES ${events}) events;
  `;
};

/** Adds accounts, each with a session and three events. */
export const fill = async ({ database, isPostgres }, accounts, report) => {
  const dialect = isPostgres ? POSTGRES : SQLITE;
  const run = async (sql) => {
    const [program, ...args] = dialect.run(database, sql);
    await promisify(execFile)(program, args, { timeout: TRANSACTION_TIMEOUT_MS });
  };
  for (let first = 1; first <= accounts; first += ACCOUNTS_PER_TRANSACTION) {
    const last = Math.min(first + ACCOUNTS_PER_TRANSACTION - 1, accounts);
    await run(statements(dialect, first, last, accounts));
    report(last);
  }
  if (isPostgres) await run('ANALYZE;');
};
