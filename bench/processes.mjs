// Processor time and memory of processes, from /proc. Linux only.

import { readdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';

const TICKS_PER_SECOND = 100; // of /proc, on all Linux systems

/** Reads a file of /proc, or returns undefined if its process has ended. */
const read = (file) => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
};

/** Processor time in seconds, with that of children that have ended. */
const readProcess = (pid) => {
  // The name, in parentheses, may contain spaces.
  const fields = read(`/proc/${pid}/stat`)?.split(') ').at(-1).split(' ');
  if (!fields) return undefined;
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  return { pid: Number(pid), parent: Number(fields[1]), seconds: ticks / TICKS_PER_SECOND };
};

/** Returns the processes and their descendants. */
const withDescendants = (roots) => {
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(readProcess);
  const found = all.filter((process) => roots.includes(process?.pid));
  for (const { pid } of found) found.push(...all.filter((process) => process?.parent === pid));
  return found;
};

/** Processor time of the processes and their descendants, in seconds. */
export const processorTime = (roots) =>
  withDescendants(roots).reduce((sum, { seconds }) => sum + seconds, 0);

/** Memory of the processes and their descendants in MiB. Shared memory counts once. */
export const memory = (roots) => {
  const kibibytes = withDescendants(roots).map(({ pid }) => {
    const rollup = read(`/proc/${pid}/smaps_rollup`) ?? '';
    return Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1] ?? 0);
  });
  return kibibytes.reduce((sum, size) => sum + size, 0) / 1024;
};

/** Processor time of this process and of its children that have ended, in seconds. */
export const ownProcessorTime = () => readProcess(process.pid).seconds;

/** Processor time of the machine in seconds: of its processes, and what its host took from it. */
export const machineProcessorTime = () => {
  const [user, nice, system, , , interrupts, softInterrupts, stolen] = read('/proc/stat')
    .split('\n')[0]
    .split(/\s+/)
    .slice(1)
    .map((ticks) => Number(ticks) / TICKS_PER_SECOND);
  return { used: user + nice + system + interrupts + softInterrupts, stolen };
};

export const CORES = cpus().length;
