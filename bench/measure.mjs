// Measures a system: starts it, and runs each operation.

import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { emailOf, fill, PASSWORD } from './fill.mjs';
import { CORES, machineProcessorTime, ownProcessorTime } from './processes.mjs';
import { send, sendSuccessfully } from './requests.mjs';
import { Server } from './server.mjs';
import * as wrk from './wrk.mjs';

export const CONNECTIONS = 32;
/** Connections that send requests for which a password is hashed. */
export const HASHING_CONNECTIONS = 4;
export const FLOOD_CONNECTIONS = 250;
/** Users whose sessions are used in turn, if there are many accounts. */
const SESSIONS = 32;

const BACKOFF_MS = 500; // of a client that is rejected by load
const FLOOD_LEAD_MS = 500; // until the flood has reached its full rate
const IDLE_MS = 500;
const PROBE = fileURLToPath(new URL('probe.mjs', import.meta.url));
const EXIT_TIMEOUT_MS = 30_000;

const DOMAIN = '@example.com';
const EMAIL = `ada${DOMAIN}`;
const WRONG_PASSWORD = 'three grey herons at dusk';

/**
 * Runs `work` and adds to its result the processor time that the server used, in seconds, and the
 * shares of the machine that other programs used and that its host took.
 */
const withProcessorTime = async ({ server }, work) => {
  const readClocks = () => ({
    time: performance.now() / 1000,
    server: server.processorTime(),
    own: ownProcessorTime(), // with the load generator
    machine: machineProcessorTime(),
  });
  await server.settle();
  const before = readClocks();
  const result = await work();
  const after = readClocks();
  const used = (read) => read(after) - read(before);
  const others = used(({ machine, server, own }) => machine.used - server - own);
  const capacity = CORES * used(({ time }) => time);
  return {
    ...result,
    processorSeconds: used((clocks) => clocks.server),
    others: Math.max(0, others / capacity),
    stolen: used(({ machine }) => machine.stolen) / capacity,
  };
};

/** Runs a load. Returns its rate, its latency, and the processor time for a response. */
const measureLoad = async (context, script, load) => {
  const result = await withProcessorTime(context, () =>
    context.aroundLoad(() => wrk.run(context.server.origin, script, load)));
  const { requests, failed, micros, processorSeconds } = result;
  return {
    ...result,
    perSecond: ((requests - failed) / micros) * 1e6,
    processorMicros: (processorSeconds / requests) * 1e6,
  };
};

const randomEmail = (accounts) => emailOf(Math.ceil(Math.random() * accounts));

/** Logs in as the user, or as one of many. */
const logIn = async ({ server, system }) => {
  const { accounts } = system;
  const email = accounts ? randomEmail(accounts) : EMAIL;
  const request = system.logIn({ email, password: PASSWORD });
  return system.session(await sendSuccessfully(server.origin, request), server.origin);
};

/** Returns an operation that sends the same request again and again, or those of many users. */
const measureReads = (request, { mustInclude = '' } = {}) => async (context) => {
  const { server, seconds, warmUpSeconds } = context;
  const requests = context.sessions.map((session) => request({ ...context, session }));
  const script = requests.length > 1 ? wrk.repeatAll(requests) : wrk.repeat(requests[0]);
  const check = async () => {
    // wrk would count a redirect, or a response without the account, as successful.
    const { text } = await sendSuccessfully(server.origin, requests[0]);
    if (!text.includes(mustInclude)) throw new Error(`unexpected response ${text.slice(0, 200)}`);
  };
  await check();
  const load = { connections: CONNECTIONS };
  await wrk.run(server.origin, script, { ...load, seconds: warmUpSeconds });
  const result = await measureLoad(context, script, { ...load, seconds });
  await check();
  return result;
};

const measureRefresh = async (context) => {
  const { system, seconds } = context;
  const tokens = [];
  while (tokens.length < CONNECTIONS) tokens.push((await logIn(context)).refresh);
  const request = system.refresh(wrk.INSERTED);
  const script = wrk.insertLastToken(request, tokens, system.nextToken);
  return measureLoad(context, script, { threads: CONNECTIONS, connections: CONNECTIONS, seconds });
};

/** Returns an operation for whose requests a password is hashed. */
const measureHashing = (script) => (context) =>
  measureLoad(context, script(context.system), {
    connections: HASHING_CONNECTIONS,
    seconds: context.seconds,
  });

const measureLogIn = measureHashing(({ logIn: request, accounts }) => {
  const emails = accounts ? Array.from({ length: SESSIONS }, () => randomEmail(accounts)) : [EMAIL];
  return wrk.repeatAll(emails.map((email) => request({ email, password: PASSWORD })));
});

const measureSignUp = measureHashing(({ signUp: request }) =>
  wrk.insertNumbers(request({ email: `new${wrk.INSERTED}${DOMAIN}`, password: PASSWORD })));

/** Latency of a request that is sent at a fixed rate. */
const probe = async ({ server }, request, seconds) => {
  const args = [PROBE, server.origin, seconds, JSON.stringify(request)];
  const timeout = seconds * 1000 + EXIT_TIMEOUT_MS;
  return JSON.parse((await promisify(execFile)(process.execPath, args, { timeout })).stdout);
};

/** Latency of a fetch, without other requests and during log-ins with a wrong password. */
const measureFlood = async (context) => {
  const { server, system, sessions, seconds } = context;
  const request = system.fetch(sessions[0]);
  const wrong = system.logIn({ email: EMAIL, password: WRONG_PASSWORD });
  const { status } = await send(server.origin, wrong);
  if (status < 400) throw new Error(`a log-in with a wrong password: ${status}`);
  const flood = () =>
    wrk.run(server.origin, wrk.repeatWithBackoff(wrong, BACKOFF_MS), {
      connections: FLOOD_CONNECTIONS,
      seconds: seconds + 1,
    });
  const observe = async () => {
    await sleep(FLOOD_LEAD_MS);
    const busy = await probe(context, request, seconds);
    return { busy, memory: server.memory() };
  };
  return withProcessorTime(context, async () => {
    const calm = await probe(context, request, seconds);
    const [{ busy, memory }] = await Promise.all([observe(), flood()]);
    const requests = calm.requests + busy.requests;
    return { calm, busy, memory, requests, failed: calm.failed + busy.failed };
  });
};

/** The operations by name, in the order in which they run; `needs` is a request of the system. */
export const OPERATIONS = {
  verify: {
    needs: 'verify',
    run: measureReads(({ system, session }) => system.verify(session)),
  },
  fetch: {
    needs: 'fetch',
    run: measureReads(({ system, session }) => system.fetch(session), { mustInclude: DOMAIN }),
  },
  refresh: { needs: 'refresh', run: measureRefresh },
  page: { needs: 'page', run: measureReads(({ system }) => system.page) },
  account: {
    needs: 'accountPage',
    run: measureReads(
      ({ system, session, server }) => system.accountPage(session, server.origin),
      { mustInclude: DOMAIN },
    ),
  },
  'log-in': { needs: 'logIn', run: measureLogIn },
  'sign-up': { needs: 'signUp', run: measureSignUp },
  flood: { needs: 'fetch', run: measureFlood },
};

/**
 * Measures one round of a system, whose database is empty or filled. Returns the results by
 * operation. A failed operation has only an `error`. `options.aroundLoad` runs the load of one.
 */
export const measureRound = async (system, options) => {
  const { operations, seconds, warmUpSeconds, onFilled } = options;
  const server = await Server.start(system);
  try {
    await sleep(IDLE_MS);
    const idleMib = server.memory();
    const context = { server, system, seconds, warmUpSeconds };
    await sendSuccessfully(server.origin, system.signUp({ email: EMAIL, password: PASSWORD }));
    if (system.accounts) await fill(server, system.accounts, onFilled);
    context.sessions = [];
    const count = system.accounts ? SESSIONS : 1;
    while (context.sessions.length < count) context.sessions.push(await logIn(context));
    const results = {};
    for (const name of operations) {
      const { needs, run } = OPERATIONS[name];
      if (!system[needs]) continue;
      try {
        const aroundLoad = (load) => options.aroundLoad(name, server, load);
        results[name] = await run({ ...context, aroundLoad });
      } catch (error) {
        results[name] = { error: server.failure ?? error.message };
        if (server.failure) break;
      }
    }
    await server.settle();
    const loadedMib = server.failure ? undefined : server.memory();
    return { startMs: server.startMs, idleMib, loadedMib, results };
  } finally {
    await server.stop();
  }
};
