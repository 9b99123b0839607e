// Where the keyboard is.
import { expect } from '@playwright/test';

/** What has the focus, and whether that can be seen. */
function look() {
  const active = document.activeElement;
  // A radio button is invisible; its label wears the ring.
  const ring = [active, active.closest('label')].some((element) => element && getComputedStyle(element).outlineStyle !== 'none');
  return { what: active.outerHTML.slice(0, 100), onPage: active !== document.body, ring };
}

/** Presses Tab until `target` has the focus; each stop on the way is to be seen. */
export async function tabTo(page, target, key = 'Tab') {
  for (let stops = 0; stops < 30; stops++) {
    await page.keyboard.press(key);
    const { what, onPage, ring } = await page.evaluate(look);
    if (onPage) expect(ring, `the focus shows on ${what}`).toBe(true);
    if (await target.evaluate((element) => element === document.activeElement)) return;
  }
  throw new Error(`${target} cannot be reached with ${key}`);
}
