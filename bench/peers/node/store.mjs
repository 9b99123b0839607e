// The users and sessions of servers that are written by hand.
import { createHash, randomBytes } from 'node:crypto';

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS users (
    id INTEGER PRIMARY KEY,
    email TEXT NOT NULL UNIQUE,
    hash TEXT NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS sessions (
    token_hash BLOB PRIMARY KEY,
    user_id INTEGER NOT NULL REFERENCES users (id)
  ) STRICT, WITHOUT ROWID;
`;

const hashToken = (token) => createHash('sha256').update(token).digest();

/** Returns the store in a database of better-sqlite3. */
export const createStore = (sqlite) => {
  sqlite.exec(SCHEMA);
  const insertUser = sqlite.prepare('INSERT OR IGNORE INTO users (email, hash) VALUES (?, ?)');
  const userByEmail = sqlite.prepare('SELECT id, email, hash FROM users WHERE email = ?');
  const userById = sqlite.prepare('SELECT id, email FROM users WHERE id = ?');
  const insertSession = sqlite.prepare('INSERT INTO sessions (token_hash, user_id) VALUES (?, ?)');
  const deleteSession = sqlite.prepare(
    'DELETE FROM sessions WHERE token_hash = ? RETURNING user_id',
  );

  /** Returns the refresh token of a new session. */
  const addSession = (userId) => {
    const token = randomBytes(32).toString('base64url');
    insertSession.run(hashToken(token), userId);
    return token;
  };
  const rotate = sqlite.transaction((token) => {
    const session = deleteSession.get(hashToken(token));
    if (!session) return undefined;
    return { user: userById.get(session.user_id), token: addSession(session.user_id) };
  });

  return {
    /** Returns whether the address was free. */
    addUser: (email, hash) => insertUser.run(email, hash).changes === 1,
    userByEmail: (email) => userByEmail.get(email),
    userById: (id) => userById.get(id),
    addSession,
    /** Replaces a refresh token. Returns the new one and its user, or undefined. */
    rotate: (token) => rotate.immediate(token),
  };
};
