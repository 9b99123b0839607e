// The load generator: runs wrk with a script that describes the requests.
//
// wrk sends the next request of a connection after the response to the last one. Its latencies are
// those of a server that is as busy as it can be.

import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const TIMEOUT_SECONDS = 10;
const EXIT_TIMEOUT_MS = 30_000;

/** Stands for the value that wrk inserts: see `insertNumbers` and `insertLastToken`. */
export const INSERTED = '<inserted>';

const REPORT = `
function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    'RESULT {"requests":%d,"micros":%d,"failed":%d,"p50":%f,"p99":%f}\\n',
    summary.requests, summary.duration,
    errors.status + errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
`;

export const version = () =>
  /wrk (?:debian\/)?([\d.]+)/.exec(spawnSync('wrk', ['-v'], { encoding: 'utf8' }).stdout)?.[1];

/** A string of Lua. */
const quote = (text) => {
  const escape = (character) => `\\${String(character.charCodeAt(0)).padStart(3, '0')}`;
  return `'${text.replace(/[^ -~]|['\\]/g, escape)}'`;
};

/** An expression of Lua, in which the variable `inserted` replaces INSERTED. */
const expression = (text) => text.split(INSERTED).map(quote).join(' .. inserted .. ');

const describe = ({ method, path: target, headers, body }) => {
  const entries = Object.entries(headers);
  return {
    target: expression(target),
    headers: `{ ${entries.map(([name, value]) => `[${quote(name)}] = ${expression(value)}`)} }`,
    body: body === undefined ? 'nil' : expression(body),
    method: quote(method),
  };
};

/** A script that sends the same request each time. */
export const repeat = (request) => {
  const { method, target, headers, body } = describe(request);
  return `
    wrk.method, wrk.path, wrk.headers, wrk.body = ${method}, ${target}, ${headers}, ${body}
  `;
};

const formatRequest = (request) => {
  const { method, target, headers, body } = describe(request);
  return `wrk.format(${method}, ${target}, ${headers}, ${body})`;
};

/** A script that sends these requests in turn. */
export const repeatAll = (requests) => `
  local requests, next = {}, 0
  function init() requests = { ${requests.map(formatRequest)} } end
  function request()
    next = next % #requests + 1
    return requests[next]
  end
`;

/** A script that inserts another number into each request. It needs a single thread. */
export const insertNumbers = (request) => `
  local inserted = 0
  function request()
    inserted = inserted + 1
    return ${formatRequest(request)}
  end
`;

/**
 * A script that inserts the token of the last response, which the Lua pattern finds. There is one
 * first token for each thread, which must have one connection.
 */
export const insertLastToken = (request, firstTokens, pattern) => `
  local firstTokens = { ${firstTokens.map(quote)} }
  local started = 0
  function setup(thread)
    started = started + 1
    thread:set('first', firstTokens[started])
  end
  function init() inserted = first end
  function request() return ${formatRequest(request)} end
  function response(status, headers, body)
    inserted = status == 200 and string.match(body, ${quote(pattern)}) or inserted
  end
`;

/** A script that sends the same request, and waits after each response that rejects it by load. */
export const repeatWithBackoff = (request, backoffMs) => `
  ${repeat(request)}
  local rejected = 0
  function response(status)
    if status == 429 or status == 503 then rejected = rejected + 1 end
  end
  function delay()
    if rejected == 0 then return 0 end
    rejected = rejected - 1
    return ${backoffMs}
  end
`;

const folder = mkdtempSync(path.join(tmpdir(), 'countersign-wrk-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

/** Sends requests for some seconds. Only one load runs at a time. */
export const run = async (origin, script, { connections, seconds, threads = 1 }) => {
  const file = path.join(folder, 'requests.lua');
  writeFileSync(file, script + REPORT);
  const load = [`-t${threads}`, `-c${connections}`, `-d${seconds}s`];
  const args = [...load, '--timeout', `${TIMEOUT_SECONDS}s`, '-s', file, origin];
  const timeout = seconds * 1000 + EXIT_TIMEOUT_MS;
  // A rejection has the same members.
  const { stdout, stderr } = await promisify(execFile)('wrk', args, { timeout })
    .catch((failure) => failure);
  const [, result] = /^RESULT (.*)$/m.exec(stdout) ?? [];
  if (!result) throw new Error(`wrk has failed: ${(stderr || stdout).trim().slice(-200)}`);
  return JSON.parse(result);
};
