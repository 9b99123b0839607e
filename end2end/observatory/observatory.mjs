// Grades Countersign at an https URL with Mozilla's HTTP Observatory and Google's CSP Evaluator.
//
//   node observatory.mjs https://localhost:3000
//
// Rules, points and grades are those of the packages. The Observatory's own command only requests
// the home page of a public host at port 443, without cookies. So this script calls its `retrieve`
// with other URLs and cookies, and adds up the points as its `scan` does.
import { ALL_TESTS } from '@mdn/mdn-http-observatory/src/constants.js';
import { MINIMUM_SCORE_FOR_EXTRA_CREDIT } from '@mdn/mdn-http-observatory/src/grader/charts.js';
import { getGradeForScore, getScoreModifier } from '@mdn/mdn-http-observatory/src/grader/grader.js';
import { retrieve } from '@mdn/mdn-http-observatory/src/retriever/retriever.js';
import evaluator from 'csp_evaluator';
import finding from 'csp_evaluator/dist/finding.js';
import parser from 'csp_evaluator/dist/parser.js';
import { existsSync, writeFileSync } from 'node:fs';
import { connect } from 'node:http2';
import { setTimeout as wait } from 'node:timers/promises';

const ADA = { email: 'ada@example.com', password: 'a password that is right' };
const LOADS = 100;
const MIN_NONCE_BYTES = 16;
const UNUSED_PORT = 1;
const { Severity } = finding;
// `SYNTAX` are directives that browsers do not understand. Other severities are advice or `_MAYBE`.
const BAD = [Severity.HIGH, Severity.SYNTAX, Severity.MEDIUM];

const origin = process.argv[2];
const { hostname, port } = new URL(origin);

// The HSTS preload list. The package downloads it during installation. An empty list is enough
// here, because the tested host is not on it.
const preloadList = new URL(
  'node_modules/@mdn/mdn-http-observatory/conf/hsts-preload.json',
  import.meta.url,
);
if (!existsSync(preloadList)) writeFileSync(preloadList, '{}');

let [passed, failed] = [0, 0];
const check = (what, problems) => {
  if (problems.length) failed++;
  else passed++;
  console.log(
    problems.length ? `FAILED ${what}:\n       ${problems.join('\n       ')}` : `ok     ${what}`,
  );
};

/** Returns rules, score and grade for a path, requested with these cookies. */
const grade = async ({ path, accept = 'text/html', cookies = [] }) => {
  // The server has no plain http port. (Its https port responds to plain http with 400 and a hint.)
  const requests = await retrieve(hostname, {
    httpPort: UNUSED_PORT,
    httpsPort: port,
    path,
    headers: [`Accept: ${accept}`],
  });
  const { auto } = requests.responses;
  if (!auto) throw new Error(`${path}: no response`);
  for (const cookie of cookies)
    requests.session.jar.setCookieSync(cookie, origin, { ignoreError: false });
  const rules = ALL_TESTS.map((rule) => rule(requests)).map((output) => ({
    name: output.constructor.name,
    result: output.result,
    pass: output.pass,
    points: getScoreModifier(output.result),
  }));
  const sum = (points) => points.reduce((sum, more) => sum + more, 100);
  const points = rules.map(({ points }) => points);
  const withoutBonus = sum(points.filter((points) => points < 0));
  const { score, grade } = getGradeForScore(
    withoutBonus >= MINIMUM_SCORE_FOR_EXTRA_CREDIT ? sum(points) : withoutBonus,
  );
  return {
    rules,
    score,
    grade,
    status: auto.status,
    policy: auto.headers['content-security-policy'] ?? '',
  };
};

/**
 * Headers without those that differ in every response (request id, nonce, date) or by protocol. The
 * rest must be the same with HTTP/1.1 and HTTP/2.
 */
const comparable = (headers) => {
  const ignored = [
    'date',
    'x-request-id',
    'connection',
    'keep-alive',
    'transfer-encoding',
    'content-length',
  ];
  const lines = Object.entries(headers).filter(
    ([name]) => !ignored.includes(name) && !name.startsWith(':'),
  );
  return lines
    .map(([name, value]) => `${name}: ${value}`.replace(/'nonce-[^']+'/, "'nonce-…'"))
    .sort();
};

const overHttp2 = (session, path, headers) =>
  new Promise((resolve, reject) => {
    const request = session.request({ ':path': path, ...headers });
    request
      .on('response', (headers) => resolve({ status: headers[':status'], headers }))
      .on('error', reject);
    request.resume();
  });

for (
  let tries = 200;
  !(await fetch(`${origin}/healthz`).then(
    ({ ok }) => ok,
    () => false,
  ));
  tries--
) {
  if (!tries) throw new Error(`no response from ${origin}`);
  await wait(100);
}
const signUp = await fetch(`${origin}/api/v1/auth/signup`, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ ...ADA, transport: 'cookie' }),
});
const cookies = signUp.headers.getSetCookie();
check(
  'a sign-up sets cookies',
  signUp.status === 201 && cookies.length ? [] : [`${signUp.status}, ${cookies.length} cookies`],
);

const [file] = /\/pkg\/[^"']+\.js/.exec(await fetch(origin).then((page) => page.text()));
const requests = [
  { path: '/', status: 200 },
  { path: '/', status: 200, cookies },
  { path: '/login', status: 200 },
  { path: '/signup', status: 200 },
  { path: '/nowhere', status: 404 },
  { path: '/api/v1/me', status: 401, accept: 'application/json' },
  { path: file, status: 200 },
];

const policies = new Map();
for (const request of requests) {
  const { path, status, cookies } = request;
  const graded = await grade(request);
  const name = `${path} (${graded.status}${cookies ? ', logged in' : ''})`;
  console.log(`\n${name}: ${graded.grade}, ${graded.score} points`);
  for (const { name, result, points } of graded.rules)
    console.log(`  ${String(points).padStart(4)}  ${name}: ${result}`);
  const problems = graded.rules
    .filter(({ pass }) => !pass)
    .map(({ name, result }) => `${name}: ${result}`);
  if (graded.grade !== 'A+') problems.push(`${graded.grade}, expected A+`);
  if (graded.status !== status) problems.push(`expected status ${status}`);
  check(`the HTTP Observatory gives ${name} an A+`, problems);
  policies.set(path, graded.policy);
}

console.log();
for (const [path, policy] of policies) {
  // One finding remains for pages: `'self'` as a source of scripts. An attacker cannot use it,
  // because the server serves neither uploaded files nor JSONP responses.
  const findings = new evaluator.CspEvaluator(new parser.CspParser(policy).csp).evaluate();
  for (const { severity, directive, value = '', description } of findings) {
    console.log(`       ${Severity[severity]}: ${directive} ${value}: ${description}`);
  }
  const bad = findings
    .filter(({ severity }) => BAD.includes(severity))
    .map(({ directive, description }) => `${directive}: ${description}`);
  check(
    `the CSP Evaluator finds no problem in the policy of ${path}`,
    policy ? bad : ['the policy is missing'],
  );
}

const session = connect(origin);
for (const { path, accept = 'text/html' } of requests.filter(({ cookies }) => !cookies)) {
  const headers = { accept, 'accept-encoding': 'identity' };
  const [first, second] = [
    await fetch(origin + path, { headers }),
    await overHttp2(session, path, headers),
  ];
  await first.arrayBuffer();
  const [one, two] = [comparable(Object.fromEntries(first.headers)), comparable(second.headers)];
  const problems = [
    ...one.filter((line) => !two.includes(line)),
    ...two.filter((line) => !one.includes(line)),
  ];
  check(
    `HTTP/2 and HTTP/1.1 responses of ${path} are the same`,
    first.status === second.status
      ? problems
      : [...problems, `${first.status} and ${second.status}`],
  );
}
session.close();

const nonces = [];
const problems = new Set();
for (let load = 0; load < LOADS; load++) {
  const page = await fetch(`${origin}/login`);
  const nonce = /'nonce-([^']+)'/.exec(page.headers.get('content-security-policy'))?.[1] ?? '';
  nonces.push(nonce);
  if (Buffer.from(nonce, 'base64').length < MIN_NONCE_BYTES)
    problems.add(`${nonce} is shorter than ${MIN_NONCE_BYTES} bytes`);
  for (const [script] of (await page.text()).matchAll(/<script\b[^>]*>/g)) {
    if (!script.includes(`nonce="${nonce}"`))
      problems.add(`${script} does not have the nonce of its page`);
  }
}
if (new Set(nonces).size !== LOADS) problems.add(`only ${new Set(nonces).size} different nonces`);
check(`${LOADS} loads have ${LOADS} nonces of at least ${MIN_NONCE_BYTES * 8} bits`, [...problems]);

console.log(`test result: ${failed ? 'FAILED' : 'ok'}. ${passed} passed; ${failed} failed`);
process.exit(failed ? 1 : 0);
