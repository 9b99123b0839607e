// URLs that do not exist.
import { open } from '../support/actions.mjs';
import { expect, test, withAndWithoutScripts } from '../support/test.mjs';

const background = (page) =>
  page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);

withAndWithoutScripts(() => {
  test('unknown page returns 404 and links to the home page', async ({ expectConsole, page }) => {
    const response = await expectConsole({ status: 404, url: '/nowhere' }, () =>
      open(page, '/nowhere'),
    );
    expect(response.status()).toBe(404);
    await expect(page).toHaveTitle('Page not found · Countersign');
    await expect(page.getByRole('heading', { name: 'Page not found' })).toBeVisible();
    await page.getByRole('link', { name: 'Go to the home page' }).click();
    await expect(page).toHaveURL('/');
    await expect(page.getByRole('heading', { name: 'Your account, in your hands.' })).toBeVisible();
  });
});

test('gallery that is off is not found', async ({ expectConsole, page }) => {
  for (const url of ['/gallery', '/gallery/brand']) {
    const response = await expectConsole({ status: 404, url }, () => open(page, url));
    expect(response.status()).toBe(404);
    await expect(page.getByRole('heading', { name: 'Page not found' })).toBeVisible();
  }
});

test('unknown endpoint returns a styled 404 page', async ({ expectConsole, page }) => {
  await open(page, '/');
  const homeBackground = await background(page);
  const response = await expectConsole({ status: 404, url: '/fn/nothing' }, () =>
    page.goto('/fn/nothing'),
  );
  expect(response.status()).toBe(404);
  await expect(page).toHaveTitle('Page not found · Countersign');
  expect(await background(page)).toBe(homeBackground);
  await page.getByRole('link', { name: 'Go to the home page' }).click();
  await expect(page).toHaveURL('/');
});

test('endpoint for programs shows users the way to log in', async ({ expectConsole, page }) => {
  const response = await expectConsole({ status: 401, url: '/api/v1/me' }, () =>
    page.goto('/api/v1/me'),
  );
  expect(response.status()).toBe(401);
  await expect(page.getByRole('heading', { name: 'Log in to continue' })).toBeVisible();
  await page.getByRole('link', { name: 'Log in' }).click();
  await expect(page).toHaveURL(/\/login/);
});
