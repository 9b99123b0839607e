// Measures the systems in turn and reports the results: see script/bench --help.
//
// It takes the options of script/bench, which sets SERVER_BINARY, LEPTOS_SITE_ROOT and BENCH_TOOLS,
// the folder that the other systems are installed into.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { drawFlameGraph, recordStacks } from './flame.mjs';
import {
  CONNECTIONS,
  FLOOD_CONNECTIONS,
  HASHING_CONNECTIONS,
  measureRound,
  OPERATIONS,
} from './measure.mjs';
import { plot, THEMES } from './plot.mjs';
import { markdown, progressLine, replaceResults } from './report.mjs';
import { summarize } from './summary.mjs';
import { SYSTEMS } from './systems.mjs';
import { version as wrkVersion } from './wrk.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const OUTPUT = path.join(ROOT, 'target/bench');
const IMAGES = path.join(ROOT, 'docs/images');
const PAGE = path.join(ROOT, 'docs/PERFORMANCE.md');
const MAX_ACCOUNTS = 10_000_000;

class InvalidArgument extends Error {}
const isInvalidArgument = (error) =>
  error instanceof InvalidArgument || error.code?.startsWith('ERR_PARSE_ARGS');

/** Returns the names of a list, such as "verify,fetch", or all known names. */
const selectNames = (option, known) => {
  if (option === undefined) return known;
  const names = option.split(',');
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new InvalidArgument(`unknown name ${unknown}: expected ${known.join(', ')}`);
  }
  return known.filter((name) => names.includes(name));
};

const readOptions = () => {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean' },
      only: { type: 'string' },
      systems: { type: 'string' },
      json: { type: 'boolean' },
      docs: { type: 'boolean' },
      from: { type: 'string' },
      accounts: { type: 'string' },
      flame: { type: 'boolean' },
    },
  });
  const operations = selectNames(values.only, Object.keys(OPERATIONS));
  const names = selectNames(values.systems, SYSTEMS.map(({ name }) => name));
  const chosen = SYSTEMS.filter(({ name }) => names.includes(name));
  const systems = values.accounts ? withAccounts(chosen, values.accounts) : chosen;
  const durations = values.quick
    ? { rounds: 1, seconds: 2, warmUpSeconds: 1 }
    : { rounds: 3, seconds: 5, warmUpSeconds: 2 };
  if (values.docs && (values.accounts || values.flame)) {
    throw new InvalidArgument('--docs writes the comparison: omit --accounts and --flame');
  }
  return { ...values, ...durations, operations, systems };
};

/** Returns each system of Countersign once for each number in a list with commas. */
const withAccounts = (systems, numbers) => {
  const counts = numbers.split(',').map(Number);
  if (counts.some((count) => !Number.isInteger(count) || count < 1 || count > MAX_ACCOUNTS)) {
    throw new InvalidArgument(`--accounts needs numbers from 1 to ${MAX_ACCOUNTS}`);
  }
  const products = systems.filter(({ product }) => product);
  if (products.length === 0) throw new InvalidArgument('--accounts measures Countersign only');
  return products.flatMap((system) =>
    counts.map((accounts) => {
      const title = `${system.title}, ${accounts.toLocaleString('en')} accounts`;
      return { ...system, name: `${system.name}-${accounts}`, title, accounts };
    }));
};

/** Returns a function that runs the load of an operation, and draws a flame graph of the server. */
const drawLoad = (system) => async (operation, { pid }, run) => {
  mkdirSync(OUTPUT, { recursive: true });
  const file = path.join(OUTPUT, `flame-${system.name}-${operation}`);
  const stop = recordStacks(pid, `${file}.data`);
  const result = await run().finally(stop);
  await drawFlameGraph(`${file}.data`, `${file}.svg`, `${system.title}: ${operation}`);
  return result;
};

const isInstalled = ({ installed }) => installed.every((file) => existsSync(file));

/** Measures the systems. Each round starts all of them, so that changes of the machine hit all. */
const measure = async (options) => {
  const { systems, rounds } = options;
  const measurements = systems.filter(isInstalled).map((system) => ({ system, rounds: [] }));
  const leftOut = systems.filter((system) => !isInstalled(system)).map(({ name }) => name);
  if (leftOut.length > 0) console.error(`not installed, and left out: ${leftOut.join(', ')}`);
  const began = performance.now();
  const elapsed = () => Math.round((performance.now() - began) / 1000);
  for (let round = 1; round <= rounds; round += 1) {
    for (const [index, { system, rounds: results }] of measurements.entries()) {
      const position = `${index + 1} of ${measurements.length}, ${system.title}`;
      console.error(`${elapsed()} s: round ${round} of ${rounds}, ${position}`);
      const onFilled = (count) => console.error(`    ${elapsed()} s: ${count} accounts`);
      const aroundLoad = options.flame ? drawLoad(system) : (_name, _server, run) => run();
      const result = await measureRound(system, { ...options, onFilled, aroundLoad })
        .catch((error) => ({ error: error.message }));
      results.push(result);
      console.error(`    ${progressLine(result)}`);
    }
  }
  const parameters = {
    date: new Date().toISOString().slice(0, 10),
    host: `${cpus().length} cores of ${cpus()[0].model}`,
    generator: `wrk ${wrkVersion()}`,
    connections: CONNECTIONS,
    hashing_connections: HASHING_CONNECTIONS,
    flood_connections: FLOOD_CONNECTIONS,
    rounds,
    seconds: options.seconds,
    duration_s: elapsed(),
    left_out: leftOut,
  };
  return summarize(parameters, measurements);
};

const writePlots = (folder, summary) => {
  mkdirSync(folder, { recursive: true });
  for (const [theme, colors] of Object.entries(THEMES)) {
    writeFileSync(path.join(folder, `bench-${theme}.svg`), plot(summary, colors));
  }
};

const run = async () => {
  const options = readOptions();
  const json = (summary) => `${JSON.stringify(summary, null, 2)}\n`;
  let summary;
  if (options.from) {
    summary = JSON.parse(readFileSync(options.from, 'utf8'));
  } else {
    summary = await measure(options);
    writePlots(OUTPUT, summary);
    writeFileSync(path.join(OUTPUT, 'results.json'), json(summary));
  }
  process.stdout.write(options.json ? json(summary) : `\n${markdown(summary)}\n`);
  if (options.docs) {
    writePlots(IMAGES, summary);
    writeFileSync(PAGE, replaceResults(readFileSync(PAGE, 'utf8'), markdown(summary)));
  }
  const failed = summary.systems.some(({ product, failures }) => product && failures.length > 0);
  if (failed) console.error('error: requests to Countersign have failed: see "Failures"');
  return failed ? 1 : 0;
};

for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));
try {
  process.exitCode = await run();
} catch (error) {
  console.error(`error: ${error.message}`);
  process.exitCode = isInvalidArgument(error) ? 2 : 1;
}
