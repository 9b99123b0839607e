// The results of all rounds as one value, which is what --json prints.

import { OPERATIONS } from './measure.mjs';

const median = (values) => {
  const sorted = values.filter((value) => value !== undefined).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
};

/** Rounds to three digits, or to an integer. */
const round = (value) => {
  if (value === undefined) return undefined;
  return value < 100 ? Number(value.toPrecision(3)) : Math.round(value);
};

const roundedMedian = (values) => round(median(values));

const percentages = (shares) => {
  const values = shares.filter((share) => share !== undefined).map((share) => share * 100);
  return { median_percent: roundedMedian(values), max_percent: round(Math.max(...values, 0)) };
};

/** The failures of an operation in all rounds, or undefined. */
const failuresOf = (name, results) => {
  const sum = (key) => results.reduce((total, result) => total + (result[key] ?? 0), 0);
  const errors = [...new Set(results.map(({ error }) => error).filter(Boolean))];
  if (errors.length === 0 && sum('failed') === 0) return undefined;
  return { name, failed: sum('failed'), requests: sum('requests'), errors };
};

const summarizeSystem = ({ system, rounds }) => {
  const { name, title, product = false, version, description, durability, notes = {} } = system;
  const completed = rounds.filter((result) => !result.error);
  const resultsOf = (operation) =>
    completed.map(({ results }) => results[operation]).filter(Boolean);
  const measured = (operation) => resultsOf(operation).filter(({ error }) => !error);

  const results = Object.keys(OPERATIONS)
    .filter((operation) => operation !== 'flood' && measured(operation).length > 0)
    .map((operation) => {
      const of = (key) => roundedMedian(measured(operation).map((result) => result[key]));
      return {
        name: operation,
        per_second: of('perSecond'),
        processor_micros: of('processorMicros'),
        p50_ms: of('p50'),
        p99_ms: of('p99'),
        note: notes[operation],
      };
    });
  const floods = measured('flood');
  const flood = floods.length > 0
    ? {
        calm_p99_ms: roundedMedian(floods.map(({ calm }) => calm.p99)),
        flood_p99_ms: roundedMedian(floods.map(({ busy }) => busy.p99)),
        flood_mib: roundedMedian(floods.map(({ memory }) => memory)),
      }
    : undefined;
  const failures = [
    failuresOf('start', rounds.filter(({ error }) => error)),
    ...Object.keys(OPERATIONS).map((operation) => failuresOf(operation, resultsOf(operation))),
  ].filter(Boolean);
  return {
    name,
    title,
    product,
    version: version(),
    description,
    durability,
    start_ms: roundedMedian(completed.map(({ startMs }) => startMs)),
    idle_mib: roundedMedian(completed.map(({ idleMib }) => idleMib)),
    loaded_mib: roundedMedian(completed.map(({ loadedMib }) => loadedMib)),
    results,
    flood,
    failures,
  };
};

/**
 * Summarizes the rounds of each system. Other programs changed the results if they used much of the
 * processors meanwhile.
 */
export const summarize = (parameters, measurements) => {
  const loads = measurements
    .flatMap(({ rounds }) => rounds)
    .flatMap(({ results = {} }) => Object.values(results));
  return {
    ...parameters,
    other_programs: percentages(loads.map(({ others }) => others)),
    stolen_by_host: percentages(loads.map(({ stolen }) => stolen)),
    systems: measurements.map(summarizeSystem),
  };
};
