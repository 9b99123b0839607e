// A Countersign server process with its own port and data folder. It can be killed and restarted
// with the same data.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { build } from './builds.mjs';
import { mailSettings } from './mail-server.mjs';

export class Server {
  #process = null;
  /** All log lines. */
  log = [];

  /** Starts a server. `settings` are added to its environment. */
  static async start(buildName, settings = {}) {
    const server = new Server();
    Object.assign(server, build(buildName), { settings });
    server.folder = await mkdtemp(path.join(tmpdir(), 'countersign-'));
    server.port = await freePort();
    server.origin = `http://localhost:${server.port}`;
    await server.run();
    return server;
  }

  /** Starts the process, which must not be running, and waits until it responds. */
  async run() {
    // The environment is not inherited, so that local settings do not affect the tests.
    const env = {
      PATH: process.env.PATH,
      DATABASE_URL: 'sqlite:countersign.db',
      LEPTOS_SITE_ADDR: `127.0.0.1:${this.port}`,
      LEPTOS_SITE_ROOT: this.site,
      COUNTERSIGN_PUBLIC_URL: this.origin,
      COUNTERSIGN_ARGON2: 'm=64,t=1,p=1',
      // All clients of the tests share one IP address. Tests of rate limits enable them.
      COUNTERSIGN_RATE_LIMITS: 'off',
      ...mailSettings(),
      ...this.settings,
    };
    this.#process = spawn(this.binary, {
      cwd: this.folder,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const running = this.#process;
    running.once(
      'exit',
      (code, signal) =>
        running === this.#process &&
        this.log.push(`ERROR server exited unexpectedly: ${signal ?? code}`),
    );
    for (const stream of [running.stdout, running.stderr]) {
      // A chunk may end in the middle of a line.
      let rest = '';
      stream.setEncoding('utf8').on('data', (text) => {
        const lines = (rest + text).split('\n');
        rest = lines.pop();
        this.log.push(...lines.filter(Boolean));
      });
    }
    await this.#waitUntilHealthy();
  }

  async #waitUntilHealthy() {
    const deadline = Date.now() + 20_000;
    while (this.#process.exitCode === null && Date.now() < deadline) {
      if (
        await fetch(`${this.origin}/healthz`).then(
          (response) => response.ok,
          () => false,
        )
      )
        return;
      await new Promise((done) => setTimeout(done, 20));
    }
    throw new Error(`the server does not respond:\n${this.log.slice(-20).join('\n')}`);
  }

  /** Kills the process, by default without a graceful shutdown. */
  async kill(signal = 'SIGKILL') {
    const process = this.#process;
    this.#process = null;
    if (!process || process.exitCode !== null) return;
    const ended = once(process, 'exit');
    process.kill(signal);
    await ended;
  }

  /** Kills the process and removes its data. */
  async stop() {
    await this.kill();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Calls the JSON API. */
  async api(method, path, body, token) {
    const headers = {
      ...(body && { 'content-type': 'application/json' }),
      ...(token && { authorization: `Bearer ${token}` }),
    };
    const response = await fetch(`${this.origin}/api/v1${path}`, {
      method,
      headers,
      body: body && JSON.stringify(body),
    });
    return { status: response.status, body: await response.json().catch(() => null) };
  }
}

/**
 * Returns a free port outside the ephemeral range, so that no outgoing connection takes it during a
 * restart.
 */
async function freePort() {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    const probe = createServer();
    const free = await new Promise((done) => {
      probe.once('error', () => done(false)).listen(port, '127.0.0.1', () => done(true));
    });
    if (free) {
      await new Promise((done) => probe.close(done));
      return port;
    }
  }
}
