// What Mozilla's HTTP Observatory and Google's CSP Evaluator say of the Countersign at an https address.
//
//   node observatory.mjs https://localhost:3000
//
// Rules, points and grades are those of the packages. The Observatory's own command asks only for the first page of a public host at
// port 443, as a stranger; so we tell its `retrieve` where to look, and add the points up as its `scan` does.
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
const NONCE = 16; // bytes
const NOBODY_LISTENS = 1;
const { Severity } = finding;
// `SYNTAX` is what a browser would not understand. The rest is advice, or ends with `_MAYBE`.
const BAD = [Severity.HIGH, Severity.SYNTAX, Severity.MEDIUM];

const origin = process.argv[2];
const { hostname, port } = new URL(origin);

// Hosts that browsers know to be https only. The package fetches the list when it is installed; this machine is not on it.
const preloaded = new URL('node_modules/@mdn/mdn-http-observatory/conf/hsts-preload.json', import.meta.url);
if (!existsSync(preloaded)) writeFileSync(preloaded, '{}');

let [passed, failed] = [0, 0];
const check = (what, faults) => {
  if (faults.length) failed++;
  else passed++;
  console.log(faults.length ? `FAILED ${what}:\n       ${faults.join('\n       ')}` : `ok     ${what}`);
};

/** Points and grade for an address, for somebody with these cookies. */
const grade = async ({ address, accept = 'text/html', cookies = [] }) => {
  // Plain http has no port here. (That of https answers it in the clear with 400, and says what to use.)
  const requests = await retrieve(hostname, { httpPort: NOBODY_LISTENS, httpsPort: port, path: address, headers: [`Accept: ${accept}`] });
  const { auto } = requests.responses;
  if (!auto) throw new Error(`${address}: no answer`);
  for (const cookie of cookies) requests.session.jar.setCookieSync(cookie, origin, { ignoreError: false });
  const rules = ALL_TESTS.map((rule) => rule(requests)).map((output) => ({
    name: output.constructor.name,
    result: output.result,
    pass: output.pass,
    points: getScoreModifier(output.result),
  }));
  const sum = (points) => points.reduce((sum, more) => sum + more, 100);
  const points = rules.map(({ points }) => points);
  const withoutBonus = sum(points.filter((points) => points < 0));
  const { score, grade } = getGradeForScore(withoutBonus >= MINIMUM_SCORE_FOR_EXTRA_CREDIT ? sum(points) : withoutBonus);
  return { rules, score, grade, status: auto.status, policy: auto.headers['content-security-policy'] ?? '' };
};

/** Every answer has a name and a nonce of its own, and a time. The rest must not depend on the protocol. */
const comparable = (headers) => {
  const own = ['date', 'x-request-id', 'connection', 'keep-alive', 'transfer-encoding', 'content-length'];
  const lines = Object.entries(headers).filter(([name]) => !own.includes(name) && !name.startsWith(':'));
  return lines.map(([name, value]) => `${name}: ${value}`.replace(/'nonce-[^']+'/, "'nonce-…'")).sort();
};

const overHttp2 = (session, address, headers) =>
  new Promise((answered, refused) => {
    const request = session.request({ ':path': address, ...headers });
    request.on('response', (headers) => answered({ status: headers[':status'], headers })).on('error', refused);
    request.resume();
  });

for (let tries = 200; !(await fetch(`${origin}/healthz`).then(({ ok }) => ok, () => false)); tries--) {
  if (!tries) throw new Error(`nobody answers at ${origin}`);
  await wait(100);
}
const welcome = await fetch(`${origin}/api/v1/auth/signup`, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ ...ADA, transport: 'cookie' }),
});
const cookies = welcome.headers.getSetCookie();
check('a sign-up sets cookies', welcome.status === 201 && cookies.length ? [] : [`${welcome.status}, ${cookies.length} cookies`]);

const [file] = /\/pkg\/[^"']+\.js/.exec(await fetch(origin).then((page) => page.text()));
const answers = [
  { address: '/', status: 200 },
  { address: '/', status: 200, cookies },
  { address: '/login', status: 200 },
  { address: '/signup', status: 200 },
  { address: '/nowhere', status: 404 },
  { address: '/api/v1/me', status: 401, accept: 'application/json' },
  { address: file, status: 200 },
];

const policies = new Map();
for (const answer of answers) {
  const { address, status, cookies } = answer;
  const judged = await grade(answer);
  const name = `${address} (${judged.status}${cookies ? ', signed in' : ''})`;
  console.log(`\n${name}: ${judged.grade}, ${judged.score} points`);
  for (const { name, result, points } of judged.rules) console.log(`  ${String(points).padStart(4)}  ${name}: ${result}`);
  const faults = judged.rules.filter(({ pass }) => !pass).map(({ name, result }) => `${name}: ${result}`);
  if (judged.grade !== 'A+') faults.push(`${judged.grade}, where only A+ will do`);
  if (judged.status !== status) faults.push(`the status should be ${status}`);
  check(`the HTTP Observatory gives ${name} an A+`, faults);
  policies.set(address, judged.policy);
}

console.log();
for (const [address, policy] of policies) {
  // One finding stays, for pages: `'self'` among the sources of scripts is of no use to somebody who can have neither a file of theirs nor an
  // answer with a callback served from here.
  const findings = new evaluator.CspEvaluator(new parser.CspParser(policy).csp).evaluate();
  for (const { severity, directive, value = '', description } of findings) {
    console.log(`       ${Severity[severity]}: ${directive} ${value}: ${description}`);
  }
  const bad = findings.filter(({ severity }) => BAD.includes(severity)).map(({ directive, description }) => `${directive}: ${description}`);
  check(`the CSP Evaluator finds nothing bad in the policy of ${address}`, policy ? bad : ['there is no policy']);
}

const session = connect(origin);
for (const { address, accept = 'text/html' } of answers.filter(({ cookies }) => !cookies)) {
  const headers = { accept, 'accept-encoding': 'identity' };
  const [first, second] = [await fetch(origin + address, { headers }), await overHttp2(session, address, headers)];
  await first.arrayBuffer();
  const [one, two] = [comparable(Object.fromEntries(first.headers)), comparable(second.headers)];
  const faults = [...one.filter((line) => !two.includes(line)), ...two.filter((line) => !one.includes(line))];
  check(`HTTP/2 answers ${address} as HTTP/1.1 does`, first.status === second.status ? faults : [...faults, `${first.status} and ${second.status}`]);
}
session.close();

const nonces = [];
const faults = new Set();
for (let load = 0; load < LOADS; load++) {
  const page = await fetch(`${origin}/login`);
  const nonce = /'nonce-([^']+)'/.exec(page.headers.get('content-security-policy'))?.[1] ?? '';
  nonces.push(nonce);
  if (Buffer.from(nonce, 'base64').length < NONCE) faults.add(`${nonce} is shorter than ${NONCE} bytes`);
  for (const [script] of (await page.text()).matchAll(/<script\b[^>]*>/g)) {
    if (!script.includes(`nonce="${nonce}"`)) faults.add(`${script} does not carry the nonce of its page`);
  }
}
if (new Set(nonces).size !== LOADS) faults.add(`only ${new Set(nonces).size} different ones`);
check(`${LOADS} loads have ${LOADS} nonces of at least ${NONCE * 8} bits`, [...faults]);

console.log(`test result: ${failed ? 'FAILED' : 'ok'}. ${passed} passed; ${failed} failed`);
process.exit(failed ? 1 : 0);
