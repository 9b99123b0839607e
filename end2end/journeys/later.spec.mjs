// The pages of the account are a part of the program of their own. Nobody loads it at the door; where it cannot be had, the pages work without.
import { scriptsNeverRun } from '../support/scripts.mjs';
import { fillIn, logIn, member, open, ready, rename, seesAccountOf, submit } from '../support/steps.mjs';
import { expect, test } from '../support/test.mjs';

const PART = '**/pkg/split_account*.wasm';
const asked = (page) => page.evaluate(() => performance.getEntriesByType('resource').filter(({ name }) => name.includes('split_account')).length);

const cutOff = async (context, watch) => {
  watch.expect({ failure: 'net::ERR_FAILED', url: /split_account/, times: Infinity });
  watch.expect({ text: /split_account|split module|preloaded using link preload but not used/, times: Infinity });
  watch.expect({ text: /Failed to fetch/, times: Infinity });
  await context.route(PART, (route) => route.abort());
};

test('a visitor does not load the pages of the account, and whoever logs in does so once', async ({ page, server }) => {
  const who = await member(server);
  await open(page, '/');
  await open(page, '/login');
  expect(await asked(page)).toBe(0);
  await fillIn(page, who);
  await submit(page, 'Log in');
  await seesAccountOf(page, who);
  expect(await asked(page)).toBe(1);
  await open(page, '/account/sessions');
  expect(await asked(page), 'asked for with the rest of the page, and no second time').toBe(1);
});

test('the button is at work until the next page is there, however long its part takes', async ({ context, page, server }) => {
  const who = await member(server);
  let arrive;
  const arrival = new Promise((done) => (arrive = done));
  await context.route(PART, async (route) => {
    await arrival;
    await route.continue().catch(() => {});
  });
  await open(page, '/login');
  await fillIn(page, who);
  await submit(page, 'Log in');
  await expect(page.getByRole('banner').getByRole('button', { name: who.name })).toBeVisible();
  await expect(page.getByRole('button', { name: 'Logging in…' })).toBeVisible();
  await expect(page.getByRole('main')).toHaveAttribute('aria-busy', 'true');
  arrive();
  await seesAccountOf(page, who);
  await expect(page.getByRole('main')).not.toHaveAttribute('aria-busy');
});

test('the focus goes to a page when it is there, and not before', async ({ context, page, server }) => {
  const who = await member(server);
  await logIn(page, who);
  await open(page, '/');
  let arrive;
  const arrival = new Promise((done) => (arrive = done));
  await context.route(PART, async (route) => {
    await arrival;
    await route.continue().catch(() => {});
  });
  const link = page.getByRole('main').getByRole('link', { name: 'Your activity' });
  await link.press('Enter');
  const main = page.getByRole('main');
  await expect(main).toHaveAttribute('aria-busy', 'true');
  await expect(link).toBeFocused();
  arrive();
  await expect(page.getByRole('heading', { name: 'Activity' })).toBeVisible();
  await expect(main).toBeFocused();
});

for (const there of [true, false]) {
  test(`a link that is followed without a network, its part ${there ? '' : 'not '}loaded before, says so and goes on when there is one`, async ({ context, page, server, watch }) => {
    watch.expect({ failure: 'net::ERR_INTERNET_DISCONNECTED', url: /^\/(pkg|fn|readyz)/, times: Infinity });
    watch.expect({ text: /ERR_INTERNET_DISCONNECTED|split module/, times: Infinity });
    const who = await member(server);
    await logIn(page, who);
    if (!there) await cutOff(context, watch);
    await open(page, '/');
    await context.setOffline(true);
    const link = page.getByRole('main').getByRole('link', { name: 'Your activity' });
    await link.press('Enter');
    await expect(page.getByRole('alert')).toContainText('The server could not be reached.');
    await expect(page.getByRole('main')).toBeFocused();
    await expect(page.getByText('You are offline.')).toBeVisible();
    await context.unrouteAll();
    await context.setOffline(false);
    await expect(page.getByText('Signed up', { exact: true })).toBeVisible();
    await expect(page.getByText('You are offline.')).toBeHidden();
    await expect(page.getByRole('alert')).toHaveCount(0);
  });
}

test('a page of the account whose part cannot be had works as it was sent', async ({ context, page, server, watch }) => {
  const who = await member(server);
  await logIn(page, who);
  await cutOff(context, watch);
  scriptsNeverRun(page);
  await page.goto('/account');
  await rename(page, 'Augusta Ada');
  await expect(page.getByText('Your name is saved.')).toBeVisible();
  expect(watch.callsTo('/fn/rename')).toMatchObject([{ plainForm: true }]);
  await expect(page.locator('html')).not.toHaveAttribute('data-hydrated');
});

test('a link to a page whose part cannot be had loads it from the server, and it is taken over when it can', async ({ context, page, server, watch }) => {
  const who = await member(server);
  await cutOff(context, watch);
  await open(page, '/login');
  await fillIn(page, who);
  scriptsNeverRun(page);
  await submit(page, 'Log in');
  await seesAccountOf(page, who);
  await context.unrouteAll();
  await page.reload();
  await expect(page.locator('html')).toHaveAttribute('data-hydrated');
  await ready(page);
});
