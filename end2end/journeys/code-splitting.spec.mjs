// The account pages are a separate Wasm chunk. It is not loaded before log-in, and if it cannot be
// loaded, the pages work without hydration.
import { markScriptless } from '../support/javascript.mjs';
import {
  changeName,
  createUser,
  expectAccountOf,
  fillIn,
  logIn,
  open,
  submit,
  waitForHydration,
} from '../support/actions.mjs';
import { expect, test } from '../support/test.mjs';

const CHUNK = '**/pkg/split_account*.wasm';
const chunkRequests = (page) =>
  page.evaluate(
    () =>
      performance.getEntriesByType('resource').filter(({ name }) => name.includes('split_account'))
        .length,
  );

const blockChunk = async (context, watch) => {
  watch.expect({ failure: 'net::ERR_FAILED', url: /split_account/, times: Infinity });
  watch.expect({
    text: /split_account|split module|preloaded using link preload but not used/,
    times: Infinity,
  });
  watch.expect({ text: /Failed to fetch/, times: Infinity });
  await context.route(CHUNK, (route) => route.abort());
};

test('account chunk is loaded once, and only after log-in', async ({ page, server }) => {
  const user = await createUser(server);
  await open(page, '/');
  await open(page, '/login');
  expect(await chunkRequests(page)).toBe(0);
  await fillIn(page, user);
  await submit(page, 'Log in');
  await expectAccountOf(page, user);
  expect(await chunkRequests(page)).toBe(1);
  await open(page, '/account/sessions');
  expect(await chunkRequests(page), 'requested once, together with the page').toBe(1);
});

test('submit button stays busy until the account chunk has loaded', async ({
  context,
  page,
  server,
}) => {
  const user = await createUser(server);
  let arrive;
  const arrival = new Promise((done) => (arrive = done));
  await context.route(CHUNK, async (route) => {
    await arrival;
    await route.continue().catch(() => {});
  });
  await open(page, '/login');
  await fillIn(page, user);
  await submit(page, 'Log in');
  await expect(page.getByRole('banner').getByRole('button', { name: user.name })).toBeVisible();
  await expect(page.getByRole('button', { name: 'Logging in…' })).toBeVisible();
  await expect(page.getByRole('main')).toHaveAttribute('aria-busy', 'true');
  arrive();
  await expectAccountOf(page, user);
  await expect(page.getByRole('main')).not.toHaveAttribute('aria-busy');
});

test('focus moves to a page once its chunk has loaded', async ({ context, page, server }) => {
  const user = await createUser(server);
  await logIn(page, user);
  await open(page, '/');
  let arrive;
  const arrival = new Promise((done) => (arrive = done));
  await context.route(CHUNK, async (route) => {
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

for (const loaded of [true, false]) {
  test(`offline link recovers once online, chunk ${loaded ? 'loaded' : 'missing'}`, async ({
    context,
    page,
    server,
    watch,
  }) => {
    watch.expect({
      failure: 'net::ERR_INTERNET_DISCONNECTED',
      url: /^\/(pkg|fn|readyz)/,
      times: Infinity,
    });
    watch.expect({ text: /ERR_INTERNET_DISCONNECTED|split module/, times: Infinity });
    const user = await createUser(server);
    await logIn(page, user);
    if (!loaded) await blockChunk(context, watch);
    await open(page, '/');
    await context.setOffline(true);
    const link = page.getByRole('main').getByRole('link', { name: 'Your activity' });
    await link.press('Enter');
    await expect(page.getByRole('alert')).toContainText("Can't reach the server");
    await expect(page.getByRole('main')).toBeFocused();
    await expect(page.getByText("You're offline.")).toBeVisible();
    await context.unrouteAll();
    await context.setOffline(false);
    await expect(page.getByText('Signed up', { exact: true })).toBeVisible();
    await expect(page.getByText("You're offline.")).toBeHidden();
    await expect(page.getByRole('alert')).toHaveCount(0);
  });
}

test('account page works without hydration if its chunk cannot be loaded', async ({
  context,
  page,
  server,
  watch,
}) => {
  const user = await createUser(server);
  await logIn(page, user);
  await blockChunk(context, watch);
  markScriptless(page);
  await page.goto('/account');
  await changeName(page, 'Augusta Ada');
  await expect(page.getByText('Name saved.')).toBeVisible();
  expect(watch.callsTo('/fn/update-profile')).toMatchObject([{ plainForm: true }]);
  await expect(page.locator('html')).not.toHaveAttribute('data-hydrated');
});

test('log-in falls back to a page load if the account chunk cannot be loaded', async ({
  context,
  page,
  server,
  watch,
}) => {
  const user = await createUser(server);
  await blockChunk(context, watch);
  await open(page, '/login');
  await fillIn(page, user);
  markScriptless(page);
  await submit(page, 'Log in');
  await expectAccountOf(page, user);
  await context.unrouteAll();
  await page.reload();
  await expect(page.locator('html')).toHaveAttribute('data-hydrated');
  await waitForHydration(page);
});
