// Whether anything on a page moves that nobody has moved.
import { expect } from '@playwright/test';

/** From the beginning of the page, as far as the browser remembers; or only from now on, once everything that has come is painted. */
export const watchStillness = (page, { fromNow = false } = {}) =>
  page.evaluate(async (fromNow) => {
    for (let frame = 0; fromNow && frame < 2; frame++) await new Promise((done) => requestAnimationFrame(done));
    const since = fromNow ? performance.now() : 0;
    window.moved = [];
    window.noteShifts = (entries) => {
      const what = ({ node, previousRect, currentRect }) => `${(node?.outerHTML ?? node?.textContent ?? 'something').slice(0, 80)}: ${previousRect.y} to ${currentRect.y}`;
      // What is gone by now has no name any more.
      for (const { startTime, value, sources } of entries) if (value > 0 && startTime >= since) window.moved.push(sources.map(what).join(', ') || 'something');
    };
    window.shifts?.disconnect();
    window.shifts = new PerformanceObserver((list) => window.noteShifts(list.getEntries()));
    window.shifts.observe({ type: 'layout-shift', buffered: true });
  }, fromNow);

export async function nothingMoved(page) {
  const moved = await page.evaluate(async () => {
    // What has changed by now is painted with the next frame at the latest, and told of after it.
    for (let frame = 0; frame < 2; frame++) await new Promise((done) => requestAnimationFrame(done));
    await new Promise((done) => setTimeout(done));
    window.noteShifts(window.shifts.takeRecords());
    return window.moved;
  });
  expect(moved, 'nothing moves').toEqual([]);
}
