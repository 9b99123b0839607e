// Whether anything on a page moves that nobody has moved.
import { expect } from '@playwright/test';

/** From the beginning of the page, as far as the browser remembers; or only from now on. */
export const watchStillness = (page, { fromNow = false } = {}) =>
  page.evaluate((fromNow) => {
    const since = fromNow ? performance.now() : 0;
    window.shifted = 0;
    window.noteShifts = (entries) => {
      for (const { startTime, value } of entries) if (startTime >= since) window.shifted += value;
    };
    window.shifts?.disconnect();
    window.shifts = new PerformanceObserver((list) => window.noteShifts(list.getEntries()));
    window.shifts.observe({ type: 'layout-shift', buffered: true });
  }, fromNow);

export async function nothingMoved(page) {
  const shifted = await page.evaluate(async () => {
    // What has changed by now is painted with the next frame at the latest, and told of after it.
    for (let frame = 0; frame < 2; frame++) await new Promise((done) => requestAnimationFrame(done));
    await new Promise((done) => setTimeout(done));
    window.noteShifts(window.shifts.takeRecords());
    return window.shifted;
  });
  expect(shifted, 'nothing moves').toBe(0);
}
