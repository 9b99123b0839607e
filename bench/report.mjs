// The results as Markdown.

const NONE = '–';
const MAX_COLUMNS = 100;
export const RATES = ['verify', 'fetch', 'refresh', 'page', 'account', 'log-in', 'sign-up'];

const number = (value) => value?.toLocaleString('en', { maximumFractionDigits: 3 });

const table = (heads, rows) => {
  const line = (cells) => `| ${cells.map((cell) => cell ?? NONE).join(' | ')} |`;
  return [line(heads), `|${'---|'.repeat(heads.length)}`, ...rows.map(line)].join('\n');
};

/** Numbers the notes of all systems, so that several cells can refer to the same one. */
const numberNotes = (systems) => {
  const notes = systems.flatMap(({ results }) => results.map(({ note }) => note)).filter(Boolean);
  return [...new Set(notes)];
};

/** A table with a row for each system and a column for each operation. */
const operationsTable = (systems, key, notes = []) => {
  const names = RATES.filter((name) =>
    systems.some(({ results }) => results.some((result) => result.name === name)));
  const rows = systems.map(({ title, results }) => {
    const cells = names.map((name) => {
      const result = results.find((found) => found.name === name);
      if (!result) return undefined;
      const index = notes.indexOf(result.note);
      return `${number(result[key])}${index < 0 ? '' : ` (${index + 1})`}`;
    });
    return [title, ...cells];
  });
  return table(['', ...names], rows);
};

const serverTable = (systems) =>
  table(
    [
      '', 'ready after', 'memory at rest', 'in the flood', 'afterwards', 'p99 of a fetch',
      'in the flood',
    ],
    systems.map(({ title, start_ms, idle_mib, loaded_mib, flood }) => [
      title,
      start_ms && `${number(start_ms)} ms`,
      idle_mib && `${number(idle_mib)} MiB`,
      flood && `${number(flood.flood_mib)} MiB`,
      loaded_mib && `${number(loaded_mib)} MiB`,
      flood && `${number(flood.calm_p99_ms)} ms`,
      flood && `${number(flood.flood_p99_ms)} ms`,
    ]),
  );

/** Breaks lines as everywhere in the documentation. The lines after the first are indented. */
const wrap = (text, indent = '') => {
  const lines = [''];
  for (const word of text.trim().split(/\s+/)) {
    const line = lines.at(-1);
    if (line.length + word.length < MAX_COLUMNS) lines.push(`${lines.pop()}${line && ' '}${word}`);
    else lines.push(indent + word);
  }
  return lines.join('\n');
};

const failureLine = (title, { name, failed, requests, errors }) => {
  const count = failed > 0 ? [`${number(failed)} of ${number(requests)} responses failed`] : [];
  return wrap(`* ${title}, ${name}: ${[...count, ...errors].join('; ')}`, '  ');
};

const list = (title, lines) => (lines.length > 0 ? [title, lines.join('\n')] : []);

const parametersText = (summary) => {
  const { date, host, generator, rounds, seconds, duration_s: duration } = summary;
  const { connections, hashing_connections: hashing, flood_connections: flood } = summary;
  const { other_programs: others, stolen_by_host: stolen } = summary;
  const count = rounds === 1 ? 'one round' : `the median of ${rounds} rounds`;
  return (
    `${date}, ${host}, ${generator}, ${connections} connections (${hashing} for log-ins and ` +
    `sign-ups, ${flood} in the flood); ${count} of ${seconds} s for each operation, ${duration} ` +
    `s in total. Other programs used ${others.median_percent}% of the processors (at most ` +
    `${others.max_percent}%), and the host of the machine took ${stolen.median_percent}% (at ` +
    `most ${stolen.max_percent}%).`
  );
};

/** The results as Markdown. */
export const markdown = (summary) => {
  const { systems, left_out: leftOut } = summary;
  const notes = numberNotes(systems);
  return [
    wrap(parametersText(summary)),
    'Requests per second:',
    operationsTable(systems, 'per_second', notes),
    ...list('Notes:', notes.map((note, index) => `${index + 1}. ${note}`)),
    'Processor time of the server for a response, in microseconds:',
    operationsTable(systems, 'processor_micros'),
    'p99 of the latency, in milliseconds:',
    operationsTable(systems, 'p99_ms'),
    'Start, memory, and the latency of a fetch every 10 ms:',
    serverTable(systems),
    'What was measured:',
    table(
      ['', 'version', 'consists of', 'commits'],
      systems.map(({ title, version, description, durability }) =>
        [title, version, description, durability]),
    ),
    ...list(
      'Failures:',
      systems.flatMap(({ title, failures }) =>
        failures.map((failure) => failureLine(title, failure))),
    ),
    ...list('Not installed (see `script/bench --setup`):', leftOut.map((name) => `* ${name}`)),
  ].join('\n\n');
};

/** One line for a round, while the benchmark runs. */
export const progressLine = ({ error, results = {} }) => {
  if (error) return `FAILED: ${error}`;
  return Object.entries(results)
    .map(([name, result]) => {
      if (result.error) return `${name} FAILED`;
      if (result.busy) return `${name} ${number(Math.round(result.busy.p99))} ms`;
      return `${name} ${number(Math.round(result.perSecond))}/s`;
    })
    .join(', ');
};

const BEGIN = '<!-- The rest of this section is written by script/bench --docs. -->';
const END = '<!-- End of what script/bench --docs writes. -->';

/** Replaces the results in a page. */
export const replaceResults = (page, results) => {
  const [before, rest] = page.split(BEGIN);
  const [, after] = rest?.split(END) ?? [];
  if (after === undefined) throw new Error(`the page lacks "${BEGIN}" or "${END}"`);
  return `${before}${BEGIN}\n\n${results}\n\n${END}${after}`;
};
