// The font of an operator arrives late: the page shows its text at once, and nothing moves.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from '../support/test.mjs';
import { dejavuAsWoff2 } from '../support/woff2.mjs';

const MAX_LAYOUT_SHIFT = 0.02;
const FONT_DELAY_MS = 1500;

const font = dejavuAsWoff2();
const folder = mkdtempSync(path.join(tmpdir(), 'countersign-font-'));
const file = path.join(folder, 'font.woff2');
if (font) writeFileSync(file, font);
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

test.use({ settings: font ? { COUNTERSIGN_BRAND_FONT: file } : {} });
test.skip(!font, 'the system has no DejaVu Sans');

test('late font moves nothing', async ({ page, watch }) => {
  watch.expect({ text: /preloaded using link preload/, times: Infinity });
  await page.route('**/brand/font.*', async (route) => {
    await new Promise((done) => setTimeout(done, FONT_DELAY_MS));
    await route.continue();
  });
  await page.addInitScript(() => {
    window.layoutShift = 0;
    new PerformanceObserver((list) => {
      for (const { value } of list.getEntries()) window.layoutShift += value;
    }).observe({ type: 'layout-shift', buffered: true });
  });
  const statuses = () =>
    page.evaluate(() =>
      [...document.fonts].filter(({ family }) => family === 'brand').map((one) => one.status),
    );
  for (const viewport of [
    { width: 1280, height: 800 },
    { width: 360, height: 740 },
  ]) {
    await page.setViewportSize(viewport);
    for (const address of ['/login', '/signup', '/']) {
      await page.goto(address, { waitUntil: 'domcontentloaded' });
      await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
      expect(await statuses(), 'the page does not wait for the font').toEqual(['loading']);
      await expect.poll(statuses).toEqual(['loaded']);
      const shift = await page.evaluate(async () => {
        // The next frame paints the font, and its shifts are reported later.
        for (let frame = 0; frame < 3; frame++)
          await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
        return window.layoutShift;
      });
      expect(shift, `${address} at ${viewport.width} px`).toBeLessThanOrEqual(MAX_LAYOUT_SHIFT);
    }
  }
});
