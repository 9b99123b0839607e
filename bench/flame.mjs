// Flame graphs: which functions of a server use its processor time during an operation.
//
// The program has no frame pointers and no debug information. perf copies a part of the stack with
// each sample and unwinds it later, so that the outermost callers of some samples are missing.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, rmSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';

const SAMPLES_PER_SECOND = 499; // a prime, so that samples don't coincide with periodic timers
const STACK_BYTES = 16_384;
const MIN_WIDTH_PERCENT = 0.3; // narrower functions are left out

const start = (command, args, stdio) => {
  const child = spawn(command, args, { stdio });
  const ended = once(child, 'exit').then(([status]) => {
    // perf is stopped by a signal, and then has no status.
    if (status) throw new Error(`${command} has ended with ${status}`);
  });
  ended.catch(() => {}); // it is awaited later
  return { child, ended };
};

/** Starts to record the stacks of a process. Returns a function that stops it. */
export const recordStacks = (pid, file) => {
  const sampling = ['-F', SAMPLES_PER_SECOND, '--call-graph', `dwarf,${STACK_BYTES}`];
  const args = ['record', '--quiet', ...sampling, '-p', pid, '-o', file].map(String);
  const { child, ended } = start('perf', args, ['ignore', 'ignore', 'inherit']);
  return async () => {
    child.kill('SIGINT');
    await ended;
  };
};

/** Draws the recorded stacks as SVG, and deletes the record. */
export const drawFlameGraph = async (file, svg, title) => {
  const pipe = ['pipe', 'pipe', 'inherit'];
  const script = start('perf', ['script', '--no-inline', '-i', file], ['ignore', 'pipe', 'ignore']);
  const collapse = start('inferno-collapse-perf', ['--quiet'], pipe);
  const output = openSync(svg, 'w');
  const options = ['--quiet', '--title', title, '--minwidth', String(MIN_WIDTH_PERCENT)];
  const draw = start('inferno-flamegraph', options, ['pipe', output, 'inherit']);
  await Promise.all([
    pipeline(script.child.stdout, collapse.child.stdin),
    pipeline(collapse.child.stdout, draw.child.stdin),
    script.ended,
    collapse.ended,
    draw.ended,
  ]);
  closeSync(output);
  rmSync(file);
};
