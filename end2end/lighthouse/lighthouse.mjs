// Lighthouse audits of log-in, sign-up and the account page. Accessibility, best practices and SEO
// must score 100. Performance is only printed, because it depends on the machine. Then the log-in
// page is measured once more with a throttled connection (slow 4G) instead of simulated throttling.
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
const TIMES = {
  LCP: 'largest-contentful-paint',
  CLS: 'cumulative-layout-shift',
  TBT: 'total-blocking-time',
  FCP: 'first-contentful-paint',
};
// Lighthouse's slow 4G preset, applied by DevTools.
const SLOW_4G = {
  throttlingMethod: 'devtools',
  throttling: {
    requestLatencyMs: 562.5,
    downloadThroughputKbps: 1474.56,
    uploadThroughputKbps: 675,
    cpuSlowdownMultiplier: 4,
  },
};

const server = await Server.start('release');
const { executablePath, args } = launchOptions();
const browser = await puppeteer.launch({ executablePath, args, headless: true });
const port = Number(new URL(browser.wsEndpoint()).port);

/**
 * Runs an audit, and once more if it cannot be completed: a shared machine can stop for seconds. A
 * low score is not repeated.
 */
async function audit(page, settings) {
  try {
    return await auditOnce(page, settings);
  } catch (error) {
    console.error(`${page}: repeated after: ${error.message}`);
    return auditOnce(page, settings);
  }
}

async function auditOnce(page, settings) {
  const flags = { port, output: 'json', logLevel: 'error', disableStorageReset: true, ...settings };
  const { lhr } = await lighthouse(server.origin + page, flags);
  if (lhr.runtimeError) throw new Error(`${page}: ${lhr.runtimeError.message}`);
  const score = Object.fromEntries(
    Object.entries(lhr.categories).map(([name, { score }]) => [name, Math.round(score * 100)]),
  );
  const times = Object.fromEntries(
    Object.entries(TIMES).map(([name, id]) => [name, lhr.audits[id].numericValue]),
  );
  const lost = GATES.flatMap((gate) => lhr.categories[gate]?.auditRefs ?? []).filter(
    ({ id, weight }) => weight > 0 && (lhr.audits[id].score ?? 1) < 1,
  );
  return {
    page,
    version: lhr.lighthouseVersion,
    score,
    times,
    lost: lost.map(({ id }) => `${id}: ${lhr.audits[id].title}`),
  };
}

const formatTimes = ({ LCP, CLS, TBT, FCP }) =>
  [
    `LCP ${(LCP / 1000).toFixed(2)} s`,
    `FCP ${(FCP / 1000).toFixed(2)} s`,
    `TBT ${Math.round(TBT)} ms`,
    `CLS ${CLS.toFixed(3)}`,
  ].join(', ');

let failed = 0;
const results = [];
try {
  await server.api('POST', '/auth/signup', { ...ADA, name: 'Ada Lovelace' });
  for (const page of PAGES) {
    // The account page, which is last, requires a log-in.
    if (page === '/account') {
      const tab = await browser.newPage();
      await tab.goto(`${server.origin}/login`);
      await tab.waitForSelector('html[data-hydrated]');
      await tab.type('#email', ADA.email);
      await tab.type('#password', ADA.password);
      await Promise.all([
        tab.waitForSelector('.description-list'),
        tab.click('main button[type=submit]'),
      ]);
      await tab.close();
    }
    const result = await audit(page, {});
    results.push(result);
    const failures = GATES.filter((gate) => result.score[gate] !== 100);
    // Unlike the other metrics, layout shift does not depend on the machine.
    if (result.times.CLS > 0.01) failures.push('CLS');
    failed += failures.length;
    if (!json) {
      const outcome = failures.length ? 'FAILED' : 'ok    ';
      const gates = GATES.map((gate) => `${gate} ${result.score[gate]}`).join(', ');
      const performance = `${result.score.performance} (${formatTimes(result.times)})`;
      console.log(`${outcome} ${page.padEnd(9)} ${gates}; performance ${performance}`);
      for (const lost of result.lost) console.log(`       ${lost}`);
    }
  }
  const slow = await audit('/login', { ...SLOW_4G, onlyCategories: ['performance'] });
  results.push({ ...slow, connection: 'slow 4G, throttled' });
  if (!json) {
    const performance = `${slow.score.performance} (${formatTimes(slow.times)})`;
    console.log(`       /login    slow 4G, CPU slowed down four times: performance ${performance}`);
  }
} finally {
  await browser.close();
  await server.stop();
}
if (json) console.log(JSON.stringify(results, null, 2));
else {
  const passed = PAGES.length * GATES.length - failed;
  console.log(`\nLighthouse ${results[0].version}: ${passed} passed, ${failed} failed`);
}
process.exit(failed ? 1 : 0);
