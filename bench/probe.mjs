// Sends a request every 10 ms and prints the latencies. It is a process of its own, so that other
// work of the benchmark does not delay it.
//
//   probe.mjs ORIGIN SECONDS REQUEST      the request is JSON
//
// A latency is measured from the time at which the request was due. A slow response delays the
// requests after it, which is part of their latency ("coordinated omission" would hide it).

import { Agent, request as sendRequest } from 'node:http';
import { setPriority } from 'node:os';

const INTERVAL_MS = 10;
const RESPONSE_TIMEOUT_MS = 8_000;
const [origin, seconds, json] = process.argv.slice(2);
const { method, path, headers } = JSON.parse(json);

try {
  setPriority(-10); // measure the server, and not how long this process waits for a processor
} catch {
  // Only root may do that.
}

const agent = new Agent({ keepAlive: true, maxSockets: 1 });
const send = () =>
  new Promise((resolve) => {
    const fail = () => resolve(false);
    const timeout = RESPONSE_TIMEOUT_MS;
    const request = sendRequest(origin + path, { method, headers, agent, timeout }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode === 200)).on('error', fail);
    });
    request.on('timeout', () => request.destroy()).on('error', fail).end();
  });

// Timers of Node are late by up to 1 ms. This is exact, and may block: nothing else runs here.
const clock = new Int32Array(new SharedArrayBuffer(4));
const sleepUntil = (time) => {
  const duration = time - performance.now();
  if (duration > 0) Atomics.wait(clock, 0, 0, duration);
};

await send(); // connects
const latencies = [];
let failed = 0;
const began = performance.now();
const end = began + Number(seconds) * 1000;
const deadline = end + RESPONSE_TIMEOUT_MS;
for (let due = began; due < end && performance.now() < deadline; due += INTERVAL_MS) {
  sleepUntil(due);
  if (!(await send())) failed += 1;
  latencies.push(performance.now() - due);
}
latencies.sort((a, b) => a - b);
const percentile = (share) => latencies[Math.floor((latencies.length - 1) * share)];
const result = { p50: percentile(0.5), p99: percentile(0.99), requests: latencies.length, failed };
process.stdout.write(JSON.stringify(result));
process.exit(0);
