// A database that can go away and come back, as when the machine it is on is started anew: PostgreSQL, and a door in front of it. The cluster is that
// of script/postgres, beside which everything here runs.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';

/** What a server complains of while its database is away. */
export const AWAY = /database cannot be used|the database is not available|the background work fails|testing the connection on-release|"status":503/;

export class Database {
  #door = null;
  #connections = new Set();
  #there = true;

  static async open() {
    const url = process.env.TEST_POSTGRES_URL;
    if (!url) throw new Error('no PostgreSQL is there: run this by script/postgres');
    const { hostname, port } = new URL(url);
    const database = new Database();
    database.#door = net.createServer((outside) => {
      if (!database.#there) return outside.destroy();
      const inside = net.connect(Number(port), hostname);
      for (const [one, other] of [[outside, inside], [inside, outside]]) {
        database.#connections.add(one);
        one.on('error', () => {}).on('close', () => database.#connections.delete(one) && other.destroy());
        one.pipe(other);
      }
    });
    await once(database.#door.listen(0, '127.0.0.1'), 'listening');
    const through = new URL(url);
    through.port = database.#door.address().port;
    // Servers of several workers are nodes of one installation then, and nodes share their secret.
    database.settings = { DATABASE_URL: through.href, COUNTERSIGN_SECRET: createHash('sha256').update(url).digest('base64url') };
    return database;
  }

  /** Whoever is connected is cut off, and nobody gets in any more. */
  leave() {
    this.#there = false;
    for (const connection of this.#connections) connection.destroy();
  }

  comeBack() {
    this.#there = true;
  }

  async close() {
    this.leave();
    this.#door.close();
  }
}
