// What runs where. `release` is what people get: every journey but those that need the laboratory page. `debug` is the build that explains
// hydration mismatches and has that page.
//
//   script/postgres playwright test [--project release|debug] [journeys/NAME] [--headed] [--trace on]
import { defineConfig } from '@playwright/test';
import { launchOptions } from './support/browser.mjs';

const onlyDebug = ['**/many-calls.spec.mjs', '**/lab.spec.mjs'];
const alsoDebug = ['**/hydration.spec.mjs', '**/harness.spec.mjs'];

export default defineConfig({
  testDir: 'journeys',
  outputDir: 'results',
  workers: 2,
  fullyParallel: true,
  retries: 0,
  forbidOnly: !!process.env.CI,
  timeout: 60_000,
  expect: { timeout: 10_000 },
  reporter: 'list',
  use: {
    actionTimeout: 10_000,
    navigationTimeout: 15_000,
    screenshot: 'only-on-failure',
    serviceWorkers: 'block',
    launchOptions: launchOptions(),
  },
  projects: [
    { name: 'release', testIgnore: onlyDebug, use: { build: 'release' } },
    { name: 'debug', testMatch: [...onlyDebug, ...alsoDebug], use: { build: 'debug' } },
  ],
});
