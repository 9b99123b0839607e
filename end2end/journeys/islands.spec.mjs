// Pages are rendered by the server, and only their islands run scripts. Every page works without
// them, links load the next page, and one Wasm module serves all pages.
import { simulateRestore } from '../support/back-forward.mjs';
import { markScriptless } from '../support/javascript.mjs';
import {
  changeName,
  createUser,
  expectAccountOf,
  expectNameSaved,
  fillIn,
  logIn,
  logOut,
  open,
  submit,
} from '../support/actions.mjs';
import { expect, test } from '../support/test.mjs';

test('all pages use one Wasm module, which is transferred once', async ({ page, server }) => {
  const user = await createUser(server);
  const transferred = () =>
    page.evaluate(() =>
      performance
        .getEntriesByType('resource')
        .filter(({ name }) => name.endsWith('.wasm'))
        .map(({ transferSize }) => transferSize > 0),
    );
  await open(page, '/login');
  expect(await transferred()).toEqual([true]);
  await fillIn(page, user);
  await submit(page, 'Log in');
  await expectAccountOf(page, user);
  expect(await transferred()).toEqual([false]);
});

test('submit button stays busy until the next page arrives', async ({ page, server }) => {
  const user = await createUser(server);
  await open(page, '/login');
  await page.evaluate(() =>
    addEventListener('pagehide', () => {
      const { textContent } = document.querySelector('main button[type=submit]');
      sessionStorage.setItem('label', textContent);
    }),
  );
  await fillIn(page, user);
  await submit(page, 'Log in');
  await expectAccountOf(page, user);
  expect(await page.evaluate(() => sessionStorage.getItem('label'))).toBe('Logging in…');
});

test('name change is shown in the header and in the field', async ({ page, server }) => {
  const user = await createUser(server);
  await logIn(page, user);
  await changeName(page, '  Augusta Ada ');
  await expectNameSaved(page, 'Augusta Ada');
  await submit(page, 'Save name');
  await expect(page.getByText('Nothing to save.')).toBeVisible();
  await changeName(page, '');
  await expect(page.getByRole('banner').getByRole('button', { name: user.email })).toBeVisible();
});

test('link keeps the page while offline, and is followed once online', async ({
  context,
  page,
  server,
  watch,
}) => {
  watch.expect({
    failure: 'net::ERR_INTERNET_DISCONNECTED',
    url: '/readyz',
    times: Infinity,
  });
  watch.expect({ text: /ERR_INTERNET_DISCONNECTED/, times: Infinity });
  await logIn(page, await createUser(server));
  await open(page, '/');
  await context.setOffline(true);
  const link = page.getByRole('main').getByRole('link', { name: 'Your activity' });
  await link.press('Enter');
  await expect(page.getByText("You're offline.")).toBeVisible();
  await expect(page).toHaveURL('/');
  await context.setOffline(false);
  await expect(page.getByText('Signed up', { exact: true })).toBeVisible();
});

test('pages work if the Wasm module cannot be loaded', async ({ context, page, server, watch }) => {
  const user = await createUser(server);
  watch.expect({ failure: 'net::ERR_FAILED', url: /\.wasm$/, times: Infinity });
  watch.expect({ text: /Failed to fetch|preloaded using link preload/, times: Infinity });
  await context.route('**/*.wasm', (route) => route.abort());
  markScriptless(page);
  await logIn(page, user);
  await changeName(page, 'Augusta Ada');
  await expectNameSaved(page, 'Augusta Ada');
  expect(watch.callsTo('/fn/update-profile')).toMatchObject([{ plainForm: true }]);
  await expect(page.locator('html')).not.toHaveAttribute('data-hydrated');
});

test('island that an extension has changed stays a plain form, and the others run', async ({
  context,
  page,
  server,
  watch,
}) => {
  const user = await createUser(server);
  await logIn(page, user);
  await context.addInitScript(() =>
    document.addEventListener('DOMContentLoaded', () =>
      document.querySelector('#name')?.after(document.createElement('x-icon')),
    ),
  );
  await open(page, '/account');
  await changeName(page, 'Augusta Ada');
  await expectNameSaved(page, 'Augusta Ada');
  expect(watch.callsTo('/fn/update-profile')).toMatchObject([{ plainForm: true }]);
  const calls = watch.mark();
  await logOut(page);
  expect(watch.callsTo('/fn/logout', calls)).toMatchObject([{ plainForm: false }]);
});

test('page from the back-forward cache is loaded again only if the account has changed', async ({
  page,
  server,
  watch,
}) => {
  const user = await createUser(server);
  await logIn(page, user);
  await open(page, '/account/devices');
  await page.evaluate(() => (window.isSameDocument = true));
  // During a navigation there is no document.
  const isSameDocument = () =>
    page.evaluate(() => window.isSameDocument === true).catch(() => false);
  const name = (text) => page.getByRole('banner').getByRole('button', { name: text });
  await simulateRestore(page);
  await expect.poll(() => watch.callsTo('/fn/current-account').at(-1)?.status).toBe(200);
  expect(await isSameDocument()).toBe(true);

  const { email, password } = user;
  const { body } = await server.api('POST', '/auth/login', { email, password });
  await server.api('PATCH', '/me', { name: 'Augusta Ada' }, body.access_token);
  await simulateRestore(page);
  await expect(name('Augusta Ada')).toBeVisible();
  await expect.poll(isSameDocument).toBe(false);
});
