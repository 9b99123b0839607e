// Failures while a user works on a page: they are reported, the page recovers by itself, and form
// input is kept.
import {
  changeName,
  createUser,
  expectNameSaved,
  field,
  logIn,
  navigateTo,
  open,
  patchStoredToken,
  submit,
  submitLogIn,
} from '../support/actions.mjs';
import { expectNoLayoutShift, observeLayoutShifts } from '../support/layout-shift.mjs';
import { browserHistory, simulateRestore } from '../support/back-forward.mjs';
import { expect, test } from '../support/test.mjs';

const offlineStatus = (page) => page.getByRole('status').filter({ hasText: "You're offline." });
const waitingButton = (page) => page.getByRole('button', { name: 'Waiting for the network…' });
const unavailableStatus = (page) =>
  page.getByRole('status').filter({ hasText: "We can't reach the server right now." });

test('offline page shows its status and recovers by itself once online', async ({
  context,
  page,
  server,
  watch,
}) => {
  await logIn(page, await createUser(server));
  watch.expect({
    failure: 'net::ERR_INTERNET_DISCONNECTED',
    url: /^\/(fn\/(update-profile|refresh|list-activity|current-account)|readyz)$/,
    times: Infinity,
  });
  await context.setOffline(true);
  await expect(offlineStatus(page)).toBeVisible();
  await field.name(page).fill('Augusta Ada');
  await submit(page, 'Save name');
  await expect(waitingButton(page)).toBeVisible();
  await page
    .getByRole('navigation', { name: 'Account pages' })
    .getByRole('link', { name: 'Activity' })
    .click();
  await expect(offlineStatus(page)).toBeVisible();
  await expect(page, 'the page stays').toHaveURL('/account');
  await context.setOffline(false);
  await expect(page.getByText('Signed up')).toBeVisible();
  await expect(offlineStatus(page)).toBeHidden();
  expect(watch.callsTo('/fn/update-profile'), 'the user has left the form').toEqual([]);
});

test('form that is sent offline waits, and is sent once when the network is back', async ({
  context,
  page,
  server,
  watch,
}) => {
  await logIn(page, await createUser(server));
  watch.expect({ failure: 'net::ERR_INTERNET_DISCONNECTED', url: '/readyz', times: Infinity });
  await context.setOffline(true);
  await field.name(page).fill('Augusta Ada');
  await submit(page, 'Save name');
  await expect(waitingButton(page)).toBeVisible();
  await expect(offlineStatus(page)).toBeVisible();
  await expect(page.getByRole('alert'), 'only the status tells it').toHaveCount(0);
  await waitingButton(page).click({ force: true });
  expect(watch.callsTo('/fn/update-profile')).toEqual([]);
  await context.setOffline(false);
  await expectNameSaved(page, 'Augusta Ada');
  await expect(page.getByRole('button', { name: 'Save name' })).toBeVisible();
  expect(watch.callsTo('/fn/update-profile')).toMatchObject([{ status: 200 }]);
});

test('log-in that is sent offline waits, and is not sent after an edit', async ({
  context,
  page,
  server,
  watch,
}) => {
  const user = await createUser(server);
  await open(page, '/login');
  watch.expect({ failure: 'net::ERR_INTERNET_DISCONNECTED', url: '/readyz', times: Infinity });
  await context.setOffline(true);
  await submitLogIn(page, user);
  await expect(waitingButton(page)).toBeVisible();
  await field.password(page).press('End');
  await field.password(page).press('x');
  await expect(waitingButton(page)).toHaveCount(0);
  await context.setOffline(false);
  await expect(offlineStatus(page)).toBeHidden();
  expect(watch.callsTo('/fn/login')).toEqual([]);
  await context.setOffline(true);
  await submitLogIn(page, user);
  await expect(waitingButton(page)).toBeVisible();
  await context.setOffline(false);
  await expect(page).toHaveURL('/account');
  expect(watch.callsTo('/fn/login')).toMatchObject([{ status: 200 }]);
});

test('form that waits is not sent while the page is in the background', async ({
  context,
  page,
  server,
  watch,
}) => {
  await logIn(page, await createUser(server));
  watch.expect({ failure: 'net::ERR_INTERNET_DISCONNECTED', url: '/readyz', times: Infinity });
  await context.setOffline(true);
  await field.name(page).fill('Augusta Ada');
  await submit(page, 'Save name');
  await expect(waitingButton(page)).toBeVisible();
  await page.evaluate(() => Object.defineProperty(document, 'hidden', { get: () => true }));
  await context.setOffline(false);
  await expect(waitingButton(page)).toHaveCount(0);
  await expect(page.getByRole('button', { name: 'Save name' })).toBeVisible();
  expect(watch.callsTo('/fn/update-profile')).toEqual([]);
});

test('form waits for no network if the server is on the same machine', async ({
  page,
  server,
  watch,
}) => {
  await page.addInitScript(() =>
    Object.defineProperty(Navigator.prototype, 'onLine', { get: () => false }),
  );
  await logIn(page, await createUser(server));
  await changeName(page, 'Augusta Ada');
  await expectNameSaved(page, 'Augusta Ada');
  expect(watch.callsTo('/fn/update-profile')).toMatchObject([{ status: 200 }]);
});

test('unavailable server is distinguished from a missing network', async ({
  context,
  page,
  server,
  watch,
}) => {
  await logIn(page, await createUser(server));
  watch.expect({ status: 503, url: /^\/(fn\/update-profile|readyz)$/, times: Infinity });
  for (const path of ['/fn/update-profile', '/readyz']) {
    await context.route(`**${path}`, (route) =>
      route.fulfill({ status: 503, contentType: 'text/html', body: 'no' }),
    );
  }
  await changeName(page, 'Augusta Ada');
  await expect(unavailableStatus(page)).toBeVisible();
  await expect(field.name(page)).toHaveValue('Augusta Ada');
  await context.unrouteAll();
  await expect(unavailableStatus(page)).toBeHidden({ timeout: 15_000 });
  await submit(page, 'Save name');
  await expectNameSaved(page, 'Augusta Ada');
});

test('ended session keeps unsaved form input', async ({ expectConsole, page, server }) => {
  const user = await createUser(server);
  await logIn(page, user);
  await field.name(page).fill('Augusta Ada King');
  const { body } = await server.api('POST', '/auth/login', {
    email: user.email,
    password: user.password,
  });
  await server.api('POST', '/auth/logout', { scope: 'others' }, body.access_token);
  await expectConsole(
    [
      { status: 401, url: '/fn/update-profile' },
      { status: 401, url: '/fn/refresh' },
    ],
    () => submit(page, 'Save name'),
  );
  await expect(
    page.getByText("You've been logged out. Log in to pick up where you left off."),
  ).toBeVisible();
  await submitLogIn(page, user);
  await expect(field.name(page)).toHaveValue('Augusta Ada King');
  await submit(page, 'Save name');
  await expectNameSaved(page, 'Augusta Ada King');
});

test('visible password is never stored', async ({ expectConsole, page, server }) => {
  const user = await createUser(server);
  await logIn(page, user);
  await navigateTo(page, 'Password');
  await page.getByLabel('Current password').fill('secret of Ada');
  await page.getByRole('button', { name: 'Show password' }).first().click();
  await expect(page.getByLabel('Current password')).toHaveAttribute('type', 'text');
  const { body } = await server.api('POST', '/auth/login', {
    email: user.email,
    password: user.password,
  });
  await server.api('POST', '/auth/logout', { scope: 'others' }, body.access_token);
  const ended = () => simulateRestore(page);
  await expectConsole(
    [
      { status: 401, url: '/fn/current-account' },
      { status: 401, url: '/fn/refresh' },
    ],
    ended,
  );
  await expect(page).toHaveURL(/\/login/);
  expect(
    await page.evaluate(() => JSON.stringify({ ...sessionStorage, ...localStorage })),
  ).not.toContain('secret of Ada');
});

test('form draft is not restored for another user', async ({ expectConsole, page, server }) => {
  const [ada, grace] = [
    await createUser(server),
    await createUser(server, { name: 'Grace Hopper' }),
  ];
  await logIn(page, ada);
  await field.name(page).fill('Augusta Ada King');
  const { body } = await server.api('POST', '/auth/login', {
    email: ada.email,
    password: ada.password,
  });
  await server.api('POST', '/auth/logout', { scope: 'others' }, body.access_token);
  await expectConsole(
    [
      { status: 401, url: '/fn/update-profile' },
      { status: 401, url: '/fn/refresh' },
    ],
    () => submit(page, 'Save name'),
  );
  await expect(page).toHaveURL(/\/login/);
  await submitLogIn(page, grace);
  await expect(field.name(page)).toHaveValue('Grace Hopper');
  expect(await page.evaluate(() => sessionStorage.getItem('countersign-draft'))).toBeNull();
});

test('form input survives a token refresh and an account reload', async ({
  page,
  server,
  watch,
}) => {
  await logIn(page, await createUser(server));
  await field.name(page).fill('Augusta Ada King');
  await patchStoredToken(page, { obtained_at: 0 });
  await simulateRestore(page);
  await expect.poll(() => watch.callsTo('/fn/current-account').at(-1)?.status).toBe(200);
  expect(watch.callsTo('/fn/refresh')).toHaveLength(1);
  await expect(field.name(page)).toHaveValue('Augusta Ada King');
});

test('Back and Forward show the expected pages', async ({ page, server }) => {
  await logIn(page, await createUser(server));
  await navigateTo(page, 'Devices');
  await navigateTo(page, 'Your data');
  const history = await browserHistory(page);
  await history.back();
  await expect(page.getByRole('heading', { name: 'Devices' })).toBeVisible();
  await expect(page).toHaveTitle('Devices · Countersign');
  await history.forward();
  await expect(page.getByRole('heading', { name: 'Your data', exact: true })).toBeVisible();
  await open(page, '/');
  await history.back();
  await expect(page.getByRole('heading', { name: 'Your data', exact: true })).toBeVisible();
});

// The account does not change, so the page stays.
test('layout is stable during account reloads and network changes', async ({
  context,
  page,
  server,
  watch,
}) => {
  await logIn(page, await createUser(server));
  watch.expect({ failure: 'net::ERR_INTERNET_DISCONNECTED', url: '/readyz', times: Infinity });
  for (const name of ['Profile', 'Activity', 'Your data', 'Devices']) {
    await navigateTo(page, name);
    await observeLayoutShifts(page, { fromNow: true });
    const calls = watch.mark();
    await simulateRestore(page);
    await expect.poll(() => watch.callsTo('/fn/current-account', calls).at(-1)?.status).toBe(200);
    await context.setOffline(true);
    await expect(offlineStatus(page)).toBeVisible();
    await context.setOffline(false);
    await expect(offlineStatus(page)).toBeHidden();
    await expectNoLayoutShift(page);
  }
});
