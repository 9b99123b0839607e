// Preferences of the browser or the system: font size, forced colors, contrast, reduced motion.
import { expectNoOverflow } from '../support/overflow.mjs';
import { tabTo } from '../support/focus.mjs';
import { SENT_PAGE } from '../support/page-states.mjs';
import { createUser, logIn, navigateTo, open } from '../support/actions.mjs';
import { expect, test } from '../support/test.mjs';

const PUBLIC_PAGES = [
  '/',
  '/signup',
  '/login',
  '/forgot',
  SENT_PAGE,
  '/reset',
  '/secure',
  '/confirm',
  '/verify',
];
const ACCOUNT_PAGES = ['Email address', 'Password', 'Devices', 'Activity', 'Your data', 'Profile'];

/** The computed style of an element. */
const computedStyle = (locator, property) =>
  locator.evaluate((element, property) => getComputedStyle(element)[property], property);

test('pages fit at a font size of 200%', async ({ page, server }) => {
  const doubleFontSize = () =>
    page.evaluate(() => document.documentElement.style.setProperty('font-size', '200%'));
  for (const url of PUBLIC_PAGES) {
    await open(page, url);
    await doubleFontSize();
    await expectNoOverflow(page);
  }
  await logIn(page, await createUser(server));
  for (const name of ACCOUNT_PAGES) {
    await navigateTo(page, name);
    await doubleFontSize();
    await expectNoOverflow(page);
  }
});

test('header and menu fit a narrow window at a font size of 200%', async ({ page, server }) => {
  const doubleFontSize = () =>
    page.evaluate(() => document.documentElement.style.setProperty('font-size', '200%'));
  const boxOf = async (locator) => {
    const { x, y, width, height } = await locator.boundingBox();
    return { left: x, top: y, right: x + width, bottom: y + height };
  };
  /** Whether the first box is beside, above or below the second one. */
  const isApart = (one, other) =>
    one.right <= other.left + 1 ||
    other.right <= one.left + 1 ||
    one.bottom <= other.top + 1 ||
    other.bottom <= one.top + 1;
  await page.setViewportSize({ width: 360, height: 740 });
  await open(page, '/');
  await doubleFontSize();
  await expectNoOverflow(page);
  const header = page.getByRole('banner');
  const navigation = header.getByRole('navigation', { name: 'Account', exact: true });
  const parts = [
    header.locator('[data-part=logo]'),
    navigation.getByRole('link', { name: 'Log in' }),
    navigation.getByRole('link', { name: 'Sign up' }),
  ];
  const boxes = await Promise.all(parts.map(boxOf));
  expect(isApart(boxes[0], boxes[1]), 'logo and log-in').toBe(true);
  expect(isApart(boxes[0], boxes[2]), 'logo and sign-up').toBe(true);
  expect(isApart(boxes[1], boxes[2]), 'log-in and sign-up').toBe(true);

  await logIn(page, await createUser(server));
  await doubleFontSize();
  await navigation.getByRole('button').click();
  const menu = await boxOf(page.locator('#menu'));
  const logOut = await boxOf(page.locator('#menu').getByRole('button', { name: 'Log out' }));
  expect(logOut.left).toBeGreaterThanOrEqual(menu.left);
  expect(logOut.right, 'the button is inside the menu').toBeLessThanOrEqual(menu.right);
});

test('scrollbar moves nothing away from the middle', async ({ page }) => {
  for (const url of ['/', '/login']) {
    await open(page, url);
    expect(await computedStyle(page.locator('html'), 'scrollbarGutter')).toBe('stable both-edges');
  }
});

test('forced colors keep borders, the current page and the focus visible', async ({
  page,
  server,
}) => {
  await page.emulateMedia({ forcedColors: 'active' });
  await open(page, '/login');
  const main = page.getByRole('main');
  for (const part of [
    main.getByRole('button', { name: 'Log in' }),
    page.getByLabel('Email address'),
  ]) {
    expect(await computedStyle(part, 'borderTopStyle')).toBe('solid');
    expect(await computedStyle(part, 'borderTopColor')).not.toBe(
      await computedStyle(page.locator('body'), 'backgroundColor'),
    );
  }
  await tabTo(page, main.getByRole('button', { name: 'Log in' }));
  await logIn(page, await createUser(server));
  const sideNav = page.getByRole('navigation', { name: 'Account pages' });
  const marking = async (name) =>
    (await computedStyle(sideNav.getByRole('link', { name }), 'outlineStyle')) +
    (await computedStyle(sideNav.getByRole('link', { name }), 'borderInlineStartStyle'));
  expect(await marking('Profile'), 'the current page is marked').not.toBe(
    await marking('Password'),
  );
  await tabTo(page, main.getByRole('button', { name: 'Save name' }));
});

test('high contrast preference strengthens text and borders', async ({ page }) => {
  await open(page, '/login');
  const mutedText = page.locator('.site-footer p');
  // Without the focus.
  const input = page.getByLabel('Password', { exact: true });
  const before = [
    await computedStyle(mutedText, 'color'),
    await computedStyle(input, 'borderTopColor'),
  ];
  await page.emulateMedia({ contrast: 'more' });
  await expect.poll(() => computedStyle(mutedText, 'color')).not.toBe(before[0]);
  await expect.poll(() => computedStyle(input, 'borderTopColor')).not.toBe(before[1]);
});

test('reduced motion preference disables transitions', async ({ page }) => {
  await open(page, '/login');
  const countTransitions = () =>
    page.evaluate(() => {
      const seconds = (time) => Math.max(...time.split(',').map(parseFloat));
      return [...document.querySelectorAll('*')].filter(
        (element) => seconds(getComputedStyle(element).transitionDuration) > 0,
      ).length;
    });
  expect(await countTransitions(), 'there are transitions by default').toBeGreaterThan(0);
  await page.emulateMedia({ reducedMotion: 'reduce' });
  expect(await countTransitions()).toBe(0);
});
