// Keyboard focus.
import { expect } from '@playwright/test';

/** The focused element, and whether its focus ring is visible. */
function focusState() {
  const active = document.activeElement;
  // Radio buttons are invisible; their label shows the ring.
  const ring = [active, active.closest('label')].some(
    (element) => element && getComputedStyle(element).outlineStyle !== 'none',
  );
  return { what: active.outerHTML.slice(0, 100), onPage: active !== document.body, ring };
}

/**
 * Presses Tab until `target` has the focus, unless it has it already. Every focused element must
 * show it.
 */
export async function tabTo(page, target, key = 'Tab') {
  for (let stops = 0; stops <= 30; stops++) {
    if (stops) await page.keyboard.press(key);
    const { what, onPage, ring } = await page.evaluate(focusState);
    if (onPage && stops) expect(ring, `the focus is visible on ${what}`).toBe(true);
    if (await target.evaluate((element) => element === document.activeElement)) return;
  }
  throw new Error(`${target} cannot be reached with ${key}`);
}
