// What screen readers say about a page, as far as its elements decide it: the description of an
// element that gets the focus, and live regions that change.

/** Starts to record what is said. */
export const observeAnnouncements = (page) =>
  page.evaluate(() => {
    window.announcements = [];
    const LIVE = '[aria-live=polite], [aria-live=assertive], [role=status], [role=alert]';
    const say = (text) => text?.trim() && window.announcements.push(text.trim());
    // Screen readers read the page after the scripts that handle an event have run.
    const later = (action) => requestAnimationFrame(() => setTimeout(action));
    const description = (element) =>
      document.getElementById(element.getAttribute('aria-describedby'))?.innerText;
    document.addEventListener('focusin', ({ target }) =>
      later(() => target === document.activeElement && say(description(target))),
    );
    const record = (changed) => {
      const regions = [...changed].map((node) => (node.closest ? node : node.parentElement));
      for (const region of new Set(regions.map((element) => element?.closest(LIVE))))
        say(region?.innerText);
    };
    new MutationObserver((mutations) => {
      const nodes = mutations.flatMap(({ target, addedNodes }) => [...addedNodes, target]);
      later(() => record(new Set(nodes)));
    }).observe(document.body, { childList: true, characterData: true, subtree: true });
  });

/** Returns what was said since the last call. */
export const takeAnnouncements = (page) =>
  page.evaluate(async () => {
    for (let frame = 0; frame < 3; frame++)
      await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    return window.announcements.splice(0);
  });

/** Returns an element of Chromium's accessibility tree: name, description, and live regions. */
export async function accessibleNode(locator) {
  const page = locator.page();
  const devTools = await page.context().newCDPSession(page);
  const id = `_${Math.random()}`;
  await locator.evaluate((element, id) => (window[id] = element), id);
  const { result } = await devTools.send('Runtime.evaluate', { expression: `window['${id}']` });
  const { nodes } = await devTools.send('Accessibility.getPartialAXTree', {
    objectId: result.objectId,
    fetchRelatives: false,
  });
  await devTools.detach();
  const [{ role, name, description, properties }] = nodes;
  const property = (name) => properties?.find((one) => one.name === name)?.value.value;
  return {
    role: role?.value,
    name: name?.value,
    description: description?.value,
    live: property('live'),
    focused: property('focused'),
  };
}
