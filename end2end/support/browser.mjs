// How Chromium is started, by the journeys and for screenshots.
import { existsSync } from 'node:fs';
import { chromium } from '@playwright/test';

const own = chromium.executablePath();

export function launchOptions() {
  return {
    executablePath: process.env.CHROMIUM || (existsSync(own) ? own : '/usr/bin/chromium'),
    // Playwright switches the back-forward cache off; people have it on, and what Back shows after a log-out depends on it.
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'],
  };
}
