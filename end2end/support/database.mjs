// A database with simulated outages: a TCP proxy in front of the server of script/with-postgres.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';

/** Log messages of a server during a database outage. */
export const OUTAGE_LOG = new RegExp(
  [
    'database cannot be used',
    'database is unavailable',
    'background task failing',
    'testing the connection on-release',
    '"status":503',
  ].join('|'),
);

export class Database {
  #proxy = null;
  #connections = new Set();
  #isConnected = true;

  static async open() {
    const url = process.env.TEST_POSTGRES_URL;
    if (!url) throw new Error('TEST_POSTGRES_URL is not set: run this with script/with-postgres');
    const { hostname, port } = new URL(url);
    const database = new Database();
    database.#proxy = net.createServer((client) => {
      if (!database.#isConnected) return client.destroy();
      const server = net.connect(Number(port), hostname);
      for (const [from, to] of [
        [client, server],
        [server, client],
      ]) {
        database.#connections.add(from);
        from
          .on('error', () => {})
          .on('close', () => database.#connections.delete(from) && to.destroy());
        from.pipe(to);
      }
    });
    await once(database.#proxy.listen(0, '127.0.0.1'), 'listening');
    const proxied = new URL(url);
    proxied.port = database.#proxy.address().port;
    // The servers of all workers share the database, so they are nodes of one installation and must
    // share its secret.
    database.settings = {
      DATABASE_URL: proxied.href,
      COUNTERSIGN_SECRET: createHash('sha256').update(url).digest('base64url'),
    };
    return database;
  }

  /** Closes all connections and refuses new ones. */
  disconnect() {
    this.#isConnected = false;
    for (const connection of this.#connections) connection.destroy();
  }

  reconnect() {
    this.#isConnected = true;
  }

  async close() {
    this.disconnect();
    this.#proxy.close();
  }
}
