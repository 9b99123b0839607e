// The test function with its fixtures: a server for each worker, watched pages, and checks of the
// server's log.
import { expect, test as base } from '@playwright/test';
import { Database } from './database.mjs';
import { markScriptless } from './javascript.mjs';
import { Server } from './server.mjs';
import { ConsoleWatch } from './console-watch.mjs';

export { expect };

export const test = base.extend({
  /** The build: `release` (default) or `debug`. */
  build: ['release', { option: true, scope: 'worker' }],
  /** Settings of the server, by name. Tests with other settings run in another worker. */
  settings: [{}, { option: true, scope: 'worker' }],

  server: [
    async ({ build, settings }, use) => {
      const server = await Server.start(build, settings);
      await use(server);
      await server.stop();
    },
    { scope: 'worker' },
  ],

  baseURL: async ({ server }, use) => use(server.origin),

  watch: async ({ server }, use) => {
    const watch = new ConsoleWatch(server.origin);
    await use(watch);
    expect(
      watch.unexpected,
      'unexpected console messages, errors, policy violations or requests to other origins',
    ).toEqual([]);
  },

  /**
   * `expectConsole(expected, action)` expects console messages while `action` runs. `expected` is
   * as in `ConsoleWatch`, or an array.
   */
  expectConsole: async ({ watch }, use) =>
    use((expected, action) => watch.during(action, ...[expected].flat())),

  context: async ({ context, watch, javaScriptEnabled }, use) => {
    follow(watch, context, javaScriptEnabled !== false);
    await use(context);
  },

  /** Creates a browser context that shares nothing with the first one, like another browser. */
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

  /**
   * Fails a test if the server logs a warning or an error. Tests set `server.expectedLog` to the
   * messages that the server must log.
   */
  logged: [
    async ({ server }, use, testInfo) => {
      const start = server.log.length;
      await use();
      const problemsIn = (log) =>
        log.filter((line) => /"level":"(ERROR|WARN)"|^ERROR|panicked/.test(line));
      // The output of the server arrives with a delay.
      if (server.expectedLog)
        await expect
          .poll(
            () => problemsIn(server.log.slice(start)).length,
            'expected warnings and errors in the log',
          )
          .toBeGreaterThanOrEqual(1);
      const log = server.log.slice(start);
      if (testInfo.status !== testInfo.expectedStatus)
        console.log(`--- end of the server's log\n${log.slice(-15).join('\n')}\n---`);
      expect(
        problemsIn(log).filter((line) => !server.expectedLog?.test(line)),
        'unexpected warnings and errors in the log',
      ).toEqual([]);
      server.expectedLog = null;
      expect(
        log
          // The setup link goes to standard error and not to the log.
          .filter((line) => !/^\s+http\S+\/link\?token=\S+$/.test(line))
          .filter((line) => /csgn_(rt|link)_|eyJ|@example|correct horse/i.test(line)),
        'secrets and email addresses in the log',
      ).toEqual([]);
    },
    { auto: true },
  ],
});

function follow(watch, context, scripts) {
  watch.follow(context);
  if (scripts) return;
  markScriptless(context);
  // Chromium warns that the preloaded Wasm is not used.
  watch.expect({ text: /\.wasm was preloaded using link preload but not used/, times: Infinity });
}

/** Defines tests twice, with and without scripts. `defineTests` gets true or false. */
export function withAndWithoutScripts(defineTests) {
  for (const scripts of [true, false]) {
    test.describe(scripts ? 'with scripts' : 'without scripts', () => {
      test.use({ javaScriptEnabled: scripts });
      defineTests(scripts);
    });
  }
}

/** The test function with a server whose database can be disconnected. */
export const testWithDatabase = test.extend({
  database: [
    async ({}, use) => {
      const database = await Database.open();
      await use(database);
      await database.close();
    },
    { scope: 'worker' },
  ],
  settings: [
    async ({ database }, use) => use(database.settings),
    { scope: 'worker', option: true },
  ],
});
