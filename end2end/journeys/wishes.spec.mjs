// What people ask of their browser or their system: larger letters, more contrast, colours of their own, less motion.
import { fits } from '../support/fits.mjs';
import { tabTo } from '../support/focus.mjs';
import { goTo, logIn, member, open } from '../support/steps.mjs';
import { expect, test } from '../support/test.mjs';

const DOORS = ['/', '/signup', '/login'];
const ROOMS = ['Password', 'Sessions', 'Activity', 'Your data', 'Profile'];

/** Of what is seen: how it is painted. */
const painted = (locator, property) => locator.evaluate((element, property) => getComputedStyle(element)[property], property);

test('letters that are twice as large fit', async ({ page, server }) => {
  const large = () => page.evaluate(() => document.documentElement.style.setProperty('font-size', '200%'));
  for (const address of DOORS) {
    await open(page, address);
    await large();
    await fits(page);
  }
  await logIn(page, await member(server));
  for (const room of ROOMS) {
    await goTo(page, room);
    await large();
    await fits(page);
  }
});

test('where the system brings its own colours, buttons and fields have an edge, and one sees where one is', async ({ page, server }) => {
  await page.emulateMedia({ forcedColors: 'active' });
  await open(page, '/login');
  const main = page.getByRole('main');
  for (const part of [main.getByRole('button', { name: 'Log in' }), page.getByLabel('E-mail address'), page.getByRole('link', { name: 'Sign up' }).first()]) {
    expect(await painted(part, 'borderTopStyle')).toBe('solid');
    expect(await painted(part, 'borderTopColor')).not.toBe(await painted(page.locator('body'), 'backgroundColor'));
  }
  await tabTo(page, main.getByRole('button', { name: 'Log in' }));
  await logIn(page, await member(server));
  const side = page.getByRole('navigation', { name: 'Pages of your account' });
  const edges = async (name) => (await painted(side.getByRole('link', { name }), 'outlineStyle')) + (await painted(side.getByRole('link', { name }), 'borderInlineStartStyle'));
  expect(await edges('Profile'), 'the page that this is').not.toBe(await edges('Password'));
  await tabTo(page, main.getByRole('button', { name: 'Save name' }));
});

test('whoever wants more contrast gets it', async ({ page }) => {
  await open(page, '/login');
  const [soft, edge] = [page.locator('.foot p'), page.getByLabel('E-mail address')];
  const before = [await painted(soft, 'color'), await painted(edge, 'borderTopColor')];
  await page.emulateMedia({ contrast: 'more' });
  await expect.poll(() => painted(soft, 'color')).not.toBe(before[0]);
  await expect.poll(() => painted(edge, 'borderTopColor')).not.toBe(before[1]);
});

test('whoever wants less motion gets none that is not needed', async ({ page }) => {
  await open(page, '/login');
  const moving = () =>
    page.evaluate(() => {
      const seconds = (time) => Math.max(...time.split(',').map(parseFloat));
      return [...document.querySelectorAll('*')].filter((element) => seconds(getComputedStyle(element).transitionDuration) > 0).length;
    });
  expect(await moving(), 'or nothing would be shown').toBeGreaterThan(0);
  await page.emulateMedia({ reducedMotion: 'reduce' });
  expect(await moving()).toBe(0);
});
