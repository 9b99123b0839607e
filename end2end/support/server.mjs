// One Countersign server as a process of its own, on its own port, with its own data. It can be killed and started again on the same data.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { build } from './builds.mjs';

export class Server {
  #process = null;
  /** Every line that it has logged. */
  log = [];

  /** `settings` are added to its environment. */
  static async start(buildName, settings = {}) {
    const server = new Server();
    Object.assign(server, build(buildName), { settings });
    server.folder = await mkdtemp(path.join(tmpdir(), 'countersign-'));
    server.port = await freePort();
    server.origin = `http://localhost:${server.port}`;
    await server.run();
    return server;
  }

  /** Starts the process, which must not be running, and waits until it answers. */
  async run() {
    // Nothing of our own environment but this: a setting of whoever runs the tests must not change them.
    const env = {
      PATH: process.env.PATH,
      DATABASE_URL: 'sqlite:countersign.db',
      LEPTOS_SITE_ADDR: `127.0.0.1:${this.port}`,
      LEPTOS_SITE_ROOT: this.site,
      COUNTERSIGN_PUBLIC_URL: this.origin,
      COUNTERSIGN_ARGON2: 'm=64,t=1,p=1',
      // Everybody is at one address here. Journeys about limits switch them on.
      COUNTERSIGN_RATE_LIMITS: 'off',
      ...this.settings,
    };
    this.#process = spawn(this.binary, { cwd: this.folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
    const running = this.#process;
    running.once('exit', (code, signal) => running === this.#process && this.log.push(`ERROR the server ended by itself: ${signal ?? code}`));
    for (const stream of [running.stdout, running.stderr]) {
      // What comes may end in the middle of a line.
      let rest = '';
      stream.setEncoding('utf8').on('data', (text) => {
        const lines = (rest + text).split('\n');
        rest = lines.pop();
        this.log.push(...lines.filter(Boolean));
      });
    }
    await this.#answers();
  }

  async #answers() {
    const deadline = Date.now() + 20_000;
    while (this.#process.exitCode === null && Date.now() < deadline) {
      if (await fetch(`${this.origin}/healthz`).then((answer) => answer.ok, () => false)) return;
      await new Promise((done) => setTimeout(done, 20));
    }
    throw new Error(`the server does not answer:\n${this.log.slice(-20).join('\n')}`);
  }

  /** As a power cut would. */
  async kill(signal = 'SIGKILL') {
    const process = this.#process;
    this.#process = null;
    if (!process || process.exitCode !== null) return;
    const ended = once(process, 'exit');
    process.kill(signal);
    await ended;
  }

  /** Ends it for good and removes its data. */
  async end() {
    await this.kill();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Calls the JSON API, as a program would. */
  async api(method, address, body, token) {
    const headers = { ...(body && { 'content-type': 'application/json' }), ...(token && { authorization: `Bearer ${token}` }) };
    const answer = await fetch(`${this.origin}/api/v1${address}`, { method, headers, body: body && JSON.stringify(body) });
    return { status: answer.status, body: await answer.json().catch(() => null) };
  }
}

/** Not from the range that the system takes ports of outgoing connections from: ours must still be free after a restart. */
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
