// Launch options of Chromium, for tests, screenshots and Lighthouse.
import { existsSync } from 'node:fs';
import { chromium } from '@playwright/test';

const bundled = chromium.executablePath();

export function launchOptions() {
  return {
    executablePath: process.env.CHROMIUM || (existsSync(bundled) ? bundled : '/usr/bin/chromium'),
    // Playwright disables the back-forward cache. Users have it, and it decides what Back shows
    // after a log-out.
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
    ],
  };
}
