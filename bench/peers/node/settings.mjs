// The settings of the servers that run on Node.
const { DATABASE, PORT, SECRET } = process.env;

export const database = DATABASE;
export const address = { host: '127.0.0.1', port: Number(PORT) };
export const secret = SECRET;

/** Options of the package argon2: those of Countersign. */
export const ARGON2 = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };
export const ACCESS_TOKEN_TTL_SECONDS = 600;
const MAX_ATTEMPTS = 1_000;

/** Writes each commit to disk before it returns, and lets several processes write. */
export const configure = (sqlite) => {
  sqlite.pragma('busy_timeout = 5000');
  // The busy timeout does not apply to this change, which another worker may be making.
  for (let attempt = 1; sqlite.pragma('journal_mode', { simple: true }) !== 'wal'; attempt += 1) {
    try {
      sqlite.pragma('journal_mode = WAL');
    } catch (error) {
      if (attempt === MAX_ATTEMPTS) throw error;
    }
  }
  sqlite.pragma('synchronous = FULL');
  return sqlite;
};
