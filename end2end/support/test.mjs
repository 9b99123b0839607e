// The test function of all journeys: a server of the worker's own, pages that are watched, and what the server may not log.
import { expect, test as base } from '@playwright/test';
import { Database } from './database.mjs';
import { scriptsNeverRun } from './scripts.mjs';
import { Server } from './server.mjs';
import { Watch } from './watch.mjs';

export { expect };

export const test = base.extend({
  /** Which build: `release` or `debug`. */
  build: ['release', { option: true, scope: 'worker' }],
  /** Settings of the server, by name. Journeys with other settings get another worker. */
  settings: [{}, { option: true, scope: 'worker' }],

  server: [
    async ({ build, settings }, use) => {
      const server = await Server.start(build, settings);
      await use(server);
      await server.end();
    },
    { scope: 'worker' },
  ],

  baseURL: async ({ server }, use) => use(server.origin),

  watch: async ({ server }, use) => {
    const watch = new Watch(server.origin);
    await use(watch);
    expect(watch.unexpected, 'nothing unexpected on the console, no error, no policy violation, no other origin').toEqual([]);
  },

  /** `expectConsole(expected, action)`: what the console says because of `action`, and at no other time; `expected` as in `Watch`. */
  expectConsole: async ({ watch }, use) => use((expected, action) => watch.during(action, ...[expected].flat())),

  context: async ({ context, watch, javaScriptEnabled }, use) => {
    follow(watch, context, javaScriptEnabled !== false);
    await use(context);
  },

  /** Another browser, so to speak: nothing is shared with the first one. */
  newBrowser: async ({ browser, baseURL, watch }, use) => {
    const contexts = [];
    await use(async (options = {}) => {
      const context = await browser.newContext({ baseURL, serviceWorkers: 'block', ...options });
      contexts.push(context);
      follow(watch, context, options.javaScriptEnabled !== false);
      return context;
    });
    for (const context of contexts) await context.close();
  },

  /** Set `server.complains` to what the server must complain of in a journey; everything else that it complains of is a failure. */
  logged: [
    async ({ server }, use, testInfo) => {
      const start = server.log.length;
      await use();
      const log = server.log.slice(start);
      if (testInfo.status !== testInfo.expectedStatus) console.log(`--- the server's log, its end\n${log.slice(-15).join('\n')}\n---`);
      const complaints = log.filter((line) => /"level":"(ERROR|WARN)"|^ERROR|panicked/.test(line));
      expect(complaints.filter((line) => !server.complains?.test(line)), 'the server has nothing else to complain of').toEqual([]);
      expect(complaints.length, 'and complains of what it should').toBeGreaterThanOrEqual(server.complains ? 1 : 0);
      server.complains = null;
      expect(log.filter((line) => /csgn_rt_|eyJ|@example|correct horse/i.test(line)), 'no secret and no address is logged').toEqual([]);
    },
    { auto: true },
  ],
});

function follow(watch, context, scripts) {
  watch.follow(context);
  if (scripts) return;
  scriptsNeverRun(context);
  // The Wasm that the page asks for ahead of time is of no use then, which Chromium remarks on.
  watch.expect({ text: /\.wasm was preloaded using link preload but not used/, times: Infinity });
}

/** The same journey twice. `scripts` is true or false. */
export function withAndWithoutScripts(journeys) {
  for (const scripts of [true, false]) {
    test.describe(scripts ? 'with scripts' : 'without scripts', () => {
      test.use({ javaScriptEnabled: scripts });
      journeys(scripts);
    });
  }
}

/** Journeys whose server has a database that can go away. */
export const testWithDatabase = test.extend({
  database: [
    async ({}, use) => {
      const database = await Database.open();
      await use(database);
      await database.close();
    },
    { scope: 'worker' },
  ],
  settings: [async ({ database }, use) => use(database.settings), { scope: 'worker', option: true }],
});
