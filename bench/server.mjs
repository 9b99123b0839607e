// Starts the server of a system in a folder of its own, and stops it.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { memory, processorTime } from './processes.mjs';
import { startPostgres } from './postgres.mjs';
import { send } from './requests.mjs';

const PREPARATION_TIMEOUT_MS = 60_000;
const START_TIMEOUT_MS = 30_000;
const SETTLE_TIMEOUT_MS = 3_000;
const SECRET = 'a secret that only a benchmark uses';

const freePort = () =>
  new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });

const running = new Set();
process.on('exit', () => running.forEach((server) => server.kill()));

/** The server of a system, with an empty database. */
export class Server {
  #folder = mkdtempSync(path.join(tmpdir(), 'countersign-bench-'));
  #log = path.join(this.#folder, 'log');
  #process;
  #postgres;

  /** Starts the server. Resolves when it responds. */
  static async start(system) {
    const server = new Server();
    running.add(server);
    try {
      await server.#start(system);
      return server;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  async #start(system) {
    const port = await freePort();
    this.origin = `http://127.0.0.1:${port}`;
    if (system.postgres) this.#postgres = await startPostgres();
    this.isPostgres = this.#postgres !== undefined;
    this.database = this.#postgres?.url ?? path.join(this.#folder, 'database');
    const context = { port, origin: this.origin, database: this.database, secret: SECRET };
    const { command, prepare } = system.programs(context);
    const log = openSync(this.#log, 'a');
    const options = {
      cwd: system.folder ?? this.#folder,
      env: { PATH: process.env.PATH, TMPDIR: this.#folder, ...system.environment?.(context) },
      stdio: ['ignore', log, log],
    };
    if (prepare) this.#prepare(prepare, options);

    const began = performance.now();
    // In a process group of its own, to stop its workers too. The kernel ends the server if the
    // benchmark is killed.
    const args = ['--pdeathsig', 'KILL', '--', ...command];
    this.#process = spawn('setpriv', args, { ...options, detached: true });
    closeSync(log);
    await this.#waitUntilReady(system.ready, began);
    this.startMs = performance.now() - began;
  }

  #prepare([program, ...args], options) {
    const { status } = spawnSync(program, args, { ...options, timeout: PREPARATION_TIMEOUT_MS });
    if (status !== 0) throw new Error(`the preparation has ended with ${status}: ${this.#tail()}`);
  }

  async #waitUntilReady(request, began) {
    while (performance.now() - began < START_TIMEOUT_MS) {
      if (this.failure) throw new Error(this.failure);
      const response = await send(this.origin, request).catch(() => undefined);
      if (response?.status < 400) return;
      await sleep(2);
    }
    throw new Error(`the server is not ready after ${START_TIMEOUT_MS} ms: ${this.#tail()}`);
  }

  /** Why the server has ended, or undefined while it runs. */
  get failure() {
    const status = this.#process?.exitCode ?? this.#process?.signalCode;
    return status == null ? undefined : `the server has ended with ${status}: ${this.#tail()}`;
  }

  #tail() {
    return readFileSync(this.#log, 'utf8').trim().split('\n').slice(-3).join(' | ').slice(-500);
  }

  /** The process id of the server. */
  get pid() {
    return this.#process.pid;
  }

  get #roots() {
    return [this.#process.pid, this.#postgres?.pid].filter(Boolean);
  }

  /** Processor time of all its processes, in seconds. */
  processorTime() {
    return processorTime(this.#roots);
  }

  /** Memory of all its processes, in MiB. */
  memory() {
    return memory(this.#roots);
  }

  /** Waits until it has finished the work of earlier requests, but at most for some seconds. */
  async settle() {
    const began = performance.now();
    let last = this.processorTime();
    while (performance.now() - began < SETTLE_TIMEOUT_MS) {
      await sleep(100);
      const now = this.processorTime();
      if (now - last <= 0.02) return;
      last = now;
    }
  }

  async stop() {
    const ended = this.#process && !this.failure ? once(this.#process, 'exit') : undefined;
    this.kill(); // its data is deleted, so it need not end cleanly
    await ended;
    await this.#postgres?.stop();
  }

  /** Ends all its processes at once. */
  kill() {
    try {
      if (this.#process) process.kill(-this.#process.pid, 'SIGKILL');
    } catch (error) {
      if (error.code !== 'ESRCH') throw error; // all of them have ended
    }
    this.#postgres?.kill();
    rmSync(this.#folder, { recursive: true, force: true });
    running.delete(this);
  }
}
