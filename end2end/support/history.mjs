// Back and Forward as the buttons do them. A page that comes out of the back-forward cache fires no load event and gets no new script context, so
// Playwright's own `goBack` waits in vain, and the page is read through the DevTools protocol.
import { expect } from '@playwright/test';
import { runsScripts } from './scripts.mjs';

const next = (devtools, event) => new Promise((done) => devtools.once(event, done));

/** The buttons of `page`, and what it holds. */
export async function historyOf(page) {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Page.enable');

  /** Everything that the page holds, shown or not: texts and attributes. `typed`: and what stands in its fields. */
  const content = async ({ typed = false } = {}) => {
    const fields = (key, value) => (key === 'shadowRoots' && !typed ? undefined : value);
    return JSON.stringify(await devtools.send('DOM.getDocument', { depth: -1, pierce: true }), fields);
  };

  /** `look` is called as soon as there is a page, and again until it has settled. Returns whether it came out of the cache. */
  async function go(step, look = async () => {}) {
    const { currentIndex, entries } = await devtools.send('Page.getNavigationHistory');
    const loaded = next(devtools, 'Page.loadEventFired');
    const arrived = Promise.race([next(devtools, 'Page.frameNavigated'), next(devtools, 'Page.navigatedWithinDocument')]);
    await devtools.send('Page.navigateToHistoryEntry', { entryId: entries[currentIndex + step].id });
    const { type, frame } = await arrived;
    const restored = type === 'BackForwardCacheRestore';
    await look();
    if (frame && !restored) await loaded;
    await look();
    if (runsScripts(page)) await expect.poll(async () => (await content()).includes('"data-hydrated"')).toBe(true);
    await look();
    return restored;
  }

  return {
    back: (look) => go(-1, look),
    forward: (look) => go(1, look),
    content,
    /** Addresses and titles behind and ahead. */
    entries: async () => (await devtools.send('Page.getNavigationHistory')).entries.map(({ url, title }) => `${url} ${title}`),
    /** How many pages of ours are behind this one; the very first is the empty one of a new tab. */
    depth: async () => (await devtools.send('Page.getNavigationHistory')).currentIndex - 1,
  };
}
