// Detection of layout shifts.
import { expect } from '@playwright/test';

/**
 * Records layout shifts since the page was opened, as far as the browser has buffered them.
 * `fromNow`: only shifts after the current content has been painted.
 */
export const observeLayoutShifts = (page, { fromNow = false } = {}) =>
  page.evaluate(async (fromNow) => {
    for (let frame = 0; fromNow && frame < 2; frame++)
      await new Promise((done) => requestAnimationFrame(done));
    const since = fromNow ? performance.now() : 0;
    window.layoutShifts = [];
    window.recordShifts = (entries) => {
      const describe = ({ node, previousRect, currentRect }) => {
        const element = (node?.outerHTML ?? node?.textContent ?? 'unknown').slice(0, 80);
        return `${element}: ${previousRect.y} to ${currentRect.y}`;
      };
      // Removed elements have no description.
      for (const { startTime, value, sources } of entries)
        if (value > 0 && startTime >= since)
          window.layoutShifts.push(sources.map(describe).join(', ') || 'unknown');
    };
    window.shiftObserver?.disconnect();
    window.shiftObserver = new PerformanceObserver((list) =>
      window.recordShifts(list.getEntries()),
    );
    window.shiftObserver.observe({ type: 'layout-shift', buffered: true });
  }, fromNow);

export async function expectNoLayoutShift(page) {
  const shifts = await page.evaluate(async () => {
    // Changes are painted with the next frame, and shifts are reported after it.
    for (let frame = 0; frame < 2; frame++)
      await new Promise((done) => requestAnimationFrame(done));
    await new Promise((done) => setTimeout(done));
    window.recordShifts(window.shiftObserver.takeRecords());
    return window.layoutShifts;
  });
  expect(shifts, 'layout shifts').toEqual([]);
}
