// Measures the first visit of the log-in page, and navigation between pages, over a slow 4G
// connection with a slow processor. Run it with script/page-speed.
//
//   CHROMIUM=… node page-speed.mjs [--runs N] [--json]
import { chromium } from '@playwright/test';
import { createUser } from './support/actions.mjs';
import { launchOptions } from './support/browser.mjs';
import { Server } from './support/server.mjs';

const json = process.argv.includes('--json');
const runs = Number(process.argv[process.argv.indexOf('--runs') + 1] || 5) || 5;

/** Lighthouse's slow 4G preset, as DevTools applies it, and its processor. */
const NETWORK = {
  offline: false,
  latency: 562.5,
  downloadThroughput: (1474.56 * 1024) / 8,
  uploadThroughput: (675 * 1024) / 8,
};
const CPU_SLOWDOWN = 4;
/** How long the pointer rests on a link before the click. */
const HOVER_MS = 600;

/** Runs in the page: notes when its heading is there, and when its islands run. */
function observe() {
  const seen = (window.seen = {});
  const now = () => performance.timeOrigin + performance.now();
  const look = () => {
    if (document.querySelector('h1')) seen.heading ??= now();
    if (document.documentElement?.hasAttribute('data-hydrated')) seen.interactive ??= now();
  };
  new MutationObserver(look).observe(document, {
    attributes: true,
    childList: true,
    subtree: true,
  });
  addEventListener('click', () => sessionStorage.setItem('clicked', now()), true);
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries())
      seen.blocked = (seen.blocked ?? 0) + Math.max(0, duration - 50);
  }).observe({ type: 'longtask', buffered: true });
}

const figures = {};
const add = (name, value) => (figures[name] ??= []).push(Math.round(value));

async function throttledPage(context) {
  const page = await context.newPage();
  await page.addInitScript(observe);
  const devTools = await context.newCDPSession(page);
  await devTools.send('Network.enable');
  await devTools.send('Network.emulateNetworkConditions', NETWORK);
  await devTools.send('Emulation.setCPUThrottlingRate', { rate: CPU_SLOWDOWN });
  return page;
}

const untilInteractive = (page) =>
  page.waitForFunction(() => window.seen?.interactive, null, { timeout: 60_000, polling: 50 });

/** Follows a link to the page with this heading. Returns the times since the click. */
async function follow(page, link, heading) {
  await page.hover(link);
  await page.waitForTimeout(HOVER_MS);
  await page.click(link);
  await page.waitForFunction(
    (heading) => document.querySelector('h1')?.textContent === heading && window.seen.interactive,
    heading,
    { timeout: 60_000, polling: 50 },
  );
  return page.evaluate(() => {
    const clicked = Number(sessionStorage.getItem('clicked'));
    return {
      heading: window.seen.heading - clicked,
      interactive: window.seen.interactive - clicked,
      delivery: performance.getEntriesByType('navigation')[0].deliveryType,
    };
  });
}

const server = await Server.start('release');
const browser = await chromium.launch(launchOptions());
try {
  const user = await createUser(server);
  for (let run = 0; run < runs; run++) {
    const context = await browser.newContext({ baseURL: server.origin });
    const page = await throttledPage(context);
    await page.goto('/login', { waitUntil: 'commit', timeout: 60_000 });
    await untilInteractive(page);
    const first = await page.evaluate(() => ({
      painted: performance.getEntriesByName('first-contentful-paint')[0]?.startTime,
      interactive: window.seen.interactive - performance.timeOrigin,
      blocked: window.seen.blocked ?? 0,
    }));
    add('first visit: painted', first.painted);
    add('first visit: interactive', first.interactive);
    add('first visit: blocked', first.blocked);
    await page.getByLabel('Email address').fill(user.email);
    await page.getByLabel('Password', { exact: true }).fill(user.password);
    await page.getByRole('main').getByRole('button', { name: 'Log in' }).click();
    await page.waitForURL('**/account');
    await untilInteractive(page);
    for (const [path, heading] of [
      ['/account/devices', 'Devices'],
      ['/account/activity', 'Activity'],
      ['/account/password', 'Password'],
    ]) {
      await page.waitForTimeout(1_000);
      const times = await follow(page, `.side-nav a[href="${path}"]`, heading);
      const way = times.delivery ? 'next page, fetched in advance' : 'next page';
      add(`${way}: heading`, times.heading);
      add(`${way}: interactive`, times.interactive);
    }
    await context.close();
  }
} finally {
  await browser.close();
  await server.stop();
}

const summary = Object.fromEntries(
  Object.entries(figures).map(([name, all]) => {
    const sorted = all.toSorted((a, b) => a - b);
    return [
      name,
      { min: sorted[0], median: sorted[Math.floor(sorted.length / 2)], max: sorted.at(-1) },
    ];
  }),
);
if (json) console.log(JSON.stringify({ runs, milliseconds: summary }));
else
  for (const [name, { min, median, max }] of Object.entries(summary))
    console.log(`${name.padEnd(46)} ${String(median).padStart(6)} ms   (${min} to ${max})`);
