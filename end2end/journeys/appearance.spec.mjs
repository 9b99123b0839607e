// Pages that do not exist, and the choice between light and dark.
import { open, ready } from '../support/steps.mjs';
import { expect, test, withAndWithoutScripts } from '../support/test.mjs';

withAndWithoutScripts(() => {
  test('a page that does not exist says so, with its status, and leads on', async ({ expectConsole, page }) => {
    const answer = await expectConsole({ status: 404, url: '/nowhere' }, () => open(page, '/nowhere'));
    expect(answer.status()).toBe(404);
    await expect(page).toHaveTitle('Page not found · Countersign');
    await expect(page.getByRole('heading', { name: 'Page not found' })).toBeVisible();
    await page.getByRole('link', { name: 'Go to the home page' }).click();
    await expect(page).toHaveURL('/');
    await expect(page.getByRole('heading', { name: 'One key to your account.' })).toBeVisible();
  });
});

test('what is no page at all is refused on a page that looks like the others', async ({ expectConsole, page }) => {
  await open(page, '/');
  const canvas = await background(page);
  const answer = await expectConsole({ status: 404, url: '/fn/nothing' }, () => page.goto('/fn/nothing'));
  expect(answer.status()).toBe(404);
  await expect(page).toHaveTitle('Page not found · Countersign');
  expect(await background(page)).toBe(canvas);
  await page.getByRole('link', { name: 'Go to the home page' }).click();
  await expect(page).toHaveURL('/');
});

/** Keeps every theme that the document ever had, from its first element on. */
function recordThemes() {
  window.themes = [];
  new MutationObserver(() => {
    const theme = document.documentElement?.dataset.theme ?? 'none';
    if (window.themes.at(-1) !== theme) window.themes.push(theme);
  }).observe(document, { attributes: true, childList: true, subtree: true });
}

/** What browsers paint around the page, where the system wants light and where it wants dark. */
const around = (page) => page.locator('meta[name=theme-color]').evaluateAll((all) => all.map(({ content }) => content));

const background = (page) => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);

test('a theme is remembered without a flash, with scripts and without, until the choice is the system again', async ({ context, expectConsole, newBrowser, page }) => {
  await page.emulateMedia({ colorScheme: 'light' });
  await context.addInitScript(recordThemes);
  await open(page, '/');
  const light = await background(page);
  await page.getByRole('radio', { name: 'Dark' }).check({ force: true });
  const dark = await background(page);
  expect(dark).not.toBe(light);
  expect(await around(page)).toEqual(['#0d1518', '#0d1518']);
  await open(page, '/login');
  expect(await background(page)).toBe(dark);
  expect(await page.evaluate(() => window.themes)).toEqual(['dark']);
  await expect(page.getByRole('radio', { name: 'Dark' })).toBeChecked();

  const plain = await newBrowser({ javaScriptEnabled: false, colorScheme: 'light' });
  await plain.addCookies(await context.cookies());
  const served = await plain.newPage();
  await open(served, '/login');
  expect(await background(served)).toBe(dark);
  await expectConsole({ status: 404, url: '/fn/nothing' }, () => served.goto('/fn/nothing'));
  expect(await background(served)).toBe(dark);
  expect(await around(served)).toEqual(['#0d1518', '#0d1518']);

  await page.getByRole('radio', { name: 'System' }).check({ force: true });
  expect(await around(page)).toEqual(['#f9fbfb', '#0d1518']);
  expect(await background(page)).toBe(light);
  await page.emulateMedia({ colorScheme: 'dark' });
  expect(await background(page)).toBe(dark);
  await page.reload();
  await ready(page);
  expect(await page.evaluate(() => window.themes)).toEqual(['none']);
  expect(await context.cookies()).toEqual([]);
});
