// Projects: `release` runs all tests that do not need the states of the component gallery. `debug`
// is the build that has them and explains hydration mismatches.
//
//   script/with-postgres playwright test [--project release|debug] [journeys/NAME] [--headed]
import { defineConfig } from '@playwright/test';
import { launchOptions } from './support/browser.mjs';

const debugOnly = ['**/concurrent-calls.spec.mjs', '**/gallery-states.spec.mjs'];
const bothBuilds = ['**/hydration.spec.mjs', '**/test-harness.spec.mjs'];

export default defineConfig({
  testDir: 'journeys',
  globalSetup: './support/mail-server.mjs',
  outputDir: 'results',
  workers: 2,
  fullyParallel: true,
  // A shared machine can stop for seconds. script/test reports what passed only on its second
  // attempt, and fails if that is more than a few tests. Locally every failure counts.
  retries: process.env.CI ? 1 : 0,
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
    { name: 'release', testIgnore: debugOnly, use: { build: 'release' } },
    { name: 'debug', testMatch: [...debugOnly, ...bothBuilds], use: { build: 'debug' } },
  ],
});
