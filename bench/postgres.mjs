// A temporary PostgreSQL that syncs each commit to disk, by script/with-postgres.

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { createInterface } from 'node:readline';

const SCRIPT = fileURLToPath(new URL('../script/with-postgres', import.meta.url));
// Runs until its standard input is closed, which also happens if the benchmark is killed.
const WAIT = 'echo "ready $TEST_POSTGRES_PID $TEST_POSTGRES_URL"; read -r _ || true';

/** Starts a server. Resolves to its address, and the process id of its parent process. */
export const startPostgres = async () => {
  const child = spawn(SCRIPT, ['--fsync', 'bash', '-c', WAIT], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  for await (const line of createInterface(child.stdout)) {
    const [, pid, url] = /^ready (\d+) (\S+)$/.exec(line) ?? [];
    if (!pid) continue;
    const kill = () => child.stdin.destroy();
    const stop = () => {
      kill();
      return ended;
    };
    return { pid: Number(pid), url, kill, stop };
  }
  throw new Error('PostgreSQL does not start');
};
