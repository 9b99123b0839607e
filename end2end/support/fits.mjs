// Whether a page fits the window that it is in.
import { expect } from '@playwright/test';

/** Nothing sticks out, and nobody has to scroll sideways. */
export async function fits(page) {
  const wide = await page.evaluate(() => {
    const room = document.documentElement.clientWidth;
    const sticksOut = (element) => element.checkVisibility({ visibilityProperty: true }) && element.getBoundingClientRect().right > room + 0.5;
    return { scrolls: document.documentElement.scrollWidth > room, out: [...document.querySelectorAll('body *')].filter(sticksOut).map((element) => element.outerHTML.slice(0, 120)) };
  });
  expect(wide, page.url()).toEqual({ scrolls: false, out: [] });
}
