// What Lighthouse says of log-in, sign-up and the account. Accessibility, best practices and search must have all 100 points; speed is printed: it
// depends on the machine. Then the same log-in page once more over a slow 4G line, for real and not as a calculation.
//
//   CHROMIUM=… node lighthouse.mjs [--json]
import lighthouse from 'lighthouse';
import puppeteer from 'puppeteer-core';
import { launchOptions } from '../support/browser.mjs';
import { Server } from '../support/server.mjs';

const json = process.argv.includes('--json');
const ADA = { email: 'ada@example.com', password: 'correct horse battery' };
const PAGES = ['/login', '/signup', '/account'];
const GATES = ['accessibility', 'best-practices', 'seo'];
const TIMES = { LCP: 'largest-contentful-paint', CLS: 'cumulative-layout-shift', TBT: 'total-blocking-time', FCP: 'first-contentful-paint' };
// Lighthouse's own slow 4G, applied to the connection itself.
const SLOW_4G = { throttlingMethod: 'devtools', throttling: { requestLatencyMs: 562.5, downloadThroughputKbps: 1474.56, uploadThroughputKbps: 675, cpuSlowdownMultiplier: 4 } };

const server = await Server.start('release');
const { executablePath, args } = launchOptions();
const browser = await puppeteer.launch({ executablePath, args, headless: true });
const port = Number(new URL(browser.wsEndpoint()).port);

async function look(page, settings) {
  const flags = { port, output: 'json', logLevel: 'error', disableStorageReset: true, ...settings };
  const { lhr } = await lighthouse(server.origin + page, flags);
  if (lhr.runtimeError) throw new Error(`${page}: ${lhr.runtimeError.message}`);
  const score = Object.fromEntries(Object.entries(lhr.categories).map(([name, { score }]) => [name, Math.round(score * 100)]));
  const times = Object.fromEntries(Object.entries(TIMES).map(([name, audit]) => [name, lhr.audits[audit].numericValue]));
  const lost = GATES.flatMap((gate) => lhr.categories[gate]?.auditRefs ?? []).filter(({ id, weight }) => weight > 0 && (lhr.audits[id].score ?? 1) < 1);
  return { page, version: lhr.lighthouseVersion, score, times, lost: lost.map(({ id }) => `${id}: ${lhr.audits[id].title}`) };
}

const shown = ({ LCP, CLS, TBT, FCP }) => `LCP ${(LCP / 1000).toFixed(2)} s, FCP ${(FCP / 1000).toFixed(2)} s, TBT ${Math.round(TBT)} ms, CLS ${CLS.toFixed(3)}`;

let failed = 0;
const found = [];
try {
  await server.api('POST', '/auth/signup', { ...ADA, name: 'Ada Lovelace' });
  for (const page of PAGES) {
    // Only the last one is for somebody who is logged in.
    if (page === '/account') {
      const tab = await browser.newPage();
      await tab.goto(`${server.origin}/login`);
      await tab.waitForSelector('html[data-hydrated]');
      await tab.type('#email', ADA.email);
      await tab.type('#password', ADA.password);
      await Promise.all([tab.waitForSelector('.facts'), tab.click('main button[type=submit]')]);
      await tab.close();
    }
    const seen = await look(page, {});
    found.push(seen);
    const short = GATES.filter((gate) => seen.score[gate] !== 100);
    // No matter of time: what moves, moves everywhere.
    if (seen.times.CLS > 0.01) short.push('CLS');
    failed += short.length;
    if (!json) {
      console.log(`${short.length ? 'FAILED' : 'ok    '} ${page.padEnd(9)} ${GATES.map((gate) => `${gate} ${seen.score[gate]}`).join(', ')}; performance ${seen.score.performance} (${shown(seen.times)})`);
      for (const lost of seen.lost) console.log(`       ${lost}`);
    }
  }
  const slow = await look('/login', { ...SLOW_4G, onlyCategories: ['performance'] });
  found.push({ ...slow, line: 'slow 4G, throttled for real' });
  if (!json) console.log(`       /login    over slow 4G, a processor slowed down four times: performance ${slow.score.performance} (${shown(slow.times)})`);
} finally {
  await browser.close();
  await server.end();
}
if (json) console.log(JSON.stringify(found, null, 2));
else console.log(`\nLighthouse ${found[0].version}: ${PAGES.length * GATES.length - failed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
