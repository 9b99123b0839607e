// The choice of a light or dark theme.
import { cookiesOf, open, waitForHydration } from '../support/actions.mjs';
import { expect, test } from '../support/test.mjs';

/** Records every theme that the document has, from its first element on. */
function recordThemes() {
  window.themes = [];
  new MutationObserver(() => {
    const theme = document.documentElement?.dataset.theme ?? 'none';
    if (window.themes.at(-1) !== theme) window.themes.push(theme);
  }).observe(document, { attributes: true, childList: true, subtree: true });
}

/** The theme colors of the browser's own UI for a light and a dark system. */
const themeColors = (page) =>
  page.locator('meta[name=theme-color]').evaluateAll((all) => all.map(({ content }) => content));

const background = (page) =>
  page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);

test('theme choice persists without a flash until it is reset to the system theme', async ({
  context,
  expectConsole,
  newBrowser,
  page,
}) => {
  await page.emulateMedia({ colorScheme: 'light' });
  await context.addInitScript(recordThemes);
  await open(page, '/');
  const light = await background(page);
  await page.getByRole('radio', { name: 'Dark' }).check({ force: true });
  const dark = await background(page);
  expect(dark).not.toBe(light);
  expect(await themeColors(page)).toEqual(['#0d1518', '#0d1518']);
  await open(page, '/login');
  expect(await background(page)).toBe(dark);
  expect(await page.evaluate(() => window.themes)).toEqual(['dark']);
  await expect(page.getByRole('radio', { name: 'Dark' })).toBeChecked();

  const scriptless = await newBrowser({ javaScriptEnabled: false, colorScheme: 'light' });
  await scriptless.addCookies(await context.cookies());
  const scriptlessPage = await scriptless.newPage();
  await open(scriptlessPage, '/login');
  expect(await background(scriptlessPage)).toBe(dark);
  await expectConsole({ status: 404, url: '/fn/nothing' }, () =>
    scriptlessPage.goto('/fn/nothing'),
  );
  expect(await background(scriptlessPage)).toBe(dark);
  expect(await themeColors(scriptlessPage)).toEqual(['#0d1518', '#0d1518']);

  await page.getByRole('radio', { name: 'System' }).check({ force: true });
  expect(await themeColors(page)).toEqual(['#f9fbfb', '#0d1518']);
  expect(await background(page)).toBe(light);
  await page.emulateMedia({ colorScheme: 'dark' });
  expect(await background(page)).toBe(dark);
  await page.reload();
  await waitForHydration(page);
  expect(await page.evaluate(() => window.themes)).toEqual(['none']);
  expect(await cookiesOf(context)).toEqual([]);
});
