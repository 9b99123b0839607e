// The Back and Forward buttons. A page restored from the back-forward cache fires no load event and
// gets no new script context, so Playwright's `goBack` times out. Hence the DevTools protocol.
import { expect } from '@playwright/test';
import { runsScripts } from './javascript.mjs';

const nextEvent = (devtools, event) => new Promise((done) => devtools.once(event, done));

/**
 * Simulates a restore of `page` from the back-forward cache. A page with a session then compares
 * its account with that of the server.
 */
export const simulateRestore = (page) =>
  page.evaluate(() =>
    window.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })),
  );

/** The history of `page`: Back, Forward, the entries and the content of the page. */
export async function browserHistory(page) {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Page.enable');

  /**
   * All texts and attributes of the page, including hidden ones. `typed`: also field values.
   */
  const content = async ({ typed = false } = {}) => {
    const replacer = (key, value) => (key === 'shadowRoots' && !typed ? undefined : value);
    return JSON.stringify(
      await devtools.send('DOM.getDocument', { depth: -1, pierce: true }),
      replacer,
    );
  };

  /**
   * Calls `inspect` as soon as there is a page, after it has loaded and after hydration. Returns
   * whether the page was restored from the back-forward cache.
   */
  async function go(step, inspect = async () => {}) {
    const { currentIndex, entries } = await devtools.send('Page.getNavigationHistory');
    const loaded = nextEvent(devtools, 'Page.loadEventFired');
    const arrived = Promise.race([
      nextEvent(devtools, 'Page.frameNavigated'),
      nextEvent(devtools, 'Page.navigatedWithinDocument'),
    ]);
    await devtools.send('Page.navigateToHistoryEntry', {
      entryId: entries[currentIndex + step].id,
    });
    const { type, frame } = await arrived;
    const restored = type === 'BackForwardCacheRestore';
    await inspect();
    if (frame && !restored) await loaded;
    await inspect();
    if (runsScripts(page))
      await expect.poll(async () => (await content()).includes('"data-hydrated"')).toBe(true);
    await inspect();
    return restored;
  }

  return {
    back: (inspect) => go(-1, inspect),
    forward: (inspect) => go(1, inspect),
    content,
    /** URLs and titles of all history entries. */
    entries: async () =>
      (await devtools.send('Page.getNavigationHistory')).entries.map(
        ({ url, title }) => `${url} ${title}`,
      ),
    /** Number of entries before this one, without the empty page of a new tab. */
    depth: async () => (await devtools.send('Page.getNavigationHistory')).currentIndex - 1,
  };
}
