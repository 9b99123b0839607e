// Detection of horizontal overflow.
import { expect } from '@playwright/test';

/** Expects that no element exceeds the window and that the page does not scroll horizontally. */
export async function expectNoOverflow(page) {
  const overflow = await page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    const scrolls = (element) => /auto|scroll/.test(getComputedStyle(element).overflowX);
    const isScrolled = ({ parentElement }) =>
      parentElement !== null && (scrolls(parentElement) || isScrolled(parentElement));
    const overflows = (element) =>
      element.checkVisibility({ visibilityProperty: true }) &&
      element.getBoundingClientRect().right > width + 0.5 &&
      !isScrolled(element);
    return {
      scrolls: document.documentElement.scrollWidth > width,
      elements: [...document.querySelectorAll('body *')]
        .filter(overflows)
        .map((element) => element.outerHTML.slice(0, 120)),
    };
  });
  expect(overflow, page.url()).toEqual({ scrolls: false, elements: [] });
}
