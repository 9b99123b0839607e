// Whether anything on a page moves that nobody has moved.
import { expect } from '@playwright/test';

/** From the beginning of the page, as far as the browser remembers; or only from now on. */
export const watchStillness = (page, { fromNow = false } = {}) =>
  page.evaluate((fromNow) => {
    const since = fromNow ? performance.now() : 0;
    window.shifted = 0;
    window.shifts?.disconnect();
    window.shifts = new PerformanceObserver((list) => {
      for (const { startTime, value } of list.getEntries()) if (startTime >= since) window.shifted += value;
    });
    window.shifts.observe({ type: 'layout-shift', buffered: true });
  }, fromNow);

export async function nothingMoved(page) {
  await page.evaluate(() => new Promise((done) => requestIdleCallback(done)));
  expect(await page.evaluate(() => window.shifted), 'nothing moves').toBe(0);
}
