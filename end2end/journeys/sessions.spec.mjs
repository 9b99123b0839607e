// The sessions page lists the sessions of the user and revokes other sessions.
import {
  createUser,
  logIn,
  logInWithUserAgent,
  navigateTo,
  open,
  submitLogIn,
  waitForHydration,
} from '../support/actions.mjs';
import { expect, test, withAndWithoutScripts } from '../support/test.mjs';

const rows = (page) => page.locator('.session-list').getByRole('listitem');
const logOutIn = (row) => row.getByRole('button', { name: 'Log out' }).click();
const createSession = async (server, { email, password }) =>
  (await server.api('POST', '/auth/login', { email, password })).body;
const expectRevoked = async (server, device) => {
  expect((await server.api('GET', '/me', null, device.access_token)).status).toBe(401);
  expect(
    (await server.api('POST', '/auth/refresh', { refresh_token: device.refresh_token })).status,
  ).toBe(401);
};

/** Logs in and opens the sessions page. */
async function openSessionsPage(page, user) {
  await open(page, '/login?next=/account/devices');
  await submitLogIn(page, user);
  await expect(page).toHaveURL('/account/devices');
  await expect(rows(page).first()).toContainText('This device');
  await expect(rows(page).first()).toContainText('Active now');
}

withAndWithoutScripts((scripts) => {
  test('user revokes one other session and then all others', async ({ page, server }) => {
    const user = await createUser(server);
    const [first, second] = [await createSession(server, user), await createSession(server, user)];
    await openSessionsPage(page, user);
    await expect(rows(page)).toHaveCount(4);
    await logOutIn(rows(page).nth(1));
    const done = scripts ? 'Logged out Node.js.' : 'Device logged out.';
    await expect(page.getByRole('status').filter({ hasText: done })).toBeVisible();
    await expect(rows(page)).toHaveCount(3);
    const me = async (device) => (await server.api('GET', '/me', null, device.access_token)).status;
    expect(
      [await me(first), await me(second)],
      'the most recently used session is listed first',
    ).toEqual([200, 401]);

    const all = page.getByRole('button', { name: 'Log out all other devices' });
    await all.click();
    const dialog = page.getByRole('dialog', { name: 'Log out all other devices?' });
    await expect(dialog).toBeVisible();
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await expect(dialog).toBeHidden();
    await expect(rows(page)).toHaveCount(3);
    await all.click();
    await dialog.getByRole('button', { name: 'Log out all other devices' }).click();
    await expect(rows(page)).toHaveCount(1);
    await expect(page.getByRole('button', { name: 'Log out all other devices' })).toHaveCount(0);
    for (const device of [first, second]) await expectRevoked(server, device);
    await open(page, '/account/activity');
    await expect(page.getByText('Logged out all other devices')).toBeVisible();
  });

  test('revoking a session after losing the own session leads to log-in', async ({
    page,
    server,
    watch,
  }) => {
    const user = await createUser(server);
    const other = await createSession(server, user);
    await openSessionsPage(page, user);
    await server
      .api('POST', '/auth/logout', { scope: 'others' }, other.access_token)
      .catch(() => {});
    // This also revoked the session of the page.
    if (scripts) {
      watch.expect({ status: 401, url: '/fn/revoke-session' });
      watch.expect({ status: 401, url: '/fn/refresh' });
    }
    await logOutIn(rows(page).nth(1));
    await expect(page).toHaveURL(/\/login/);
  });

  if (!scripts) {
    test('buttons of one user are rejected after another user has logged in', async ({
      context,
      page,
      server,
    }) => {
      const [ada, grace] = [
        await createUser(server),
        await createUser(server, { name: 'Grace Hopper' }),
      ];
      const phone = await createSession(server, ada);
      await openSessionsPage(page, ada);
      const second = await context.newPage();
      await open(second, '/login');
      await submitLogIn(second, grace);
      await logOutIn(rows(page).nth(1));
      await expect(page.getByText("You've switched accounts")).toBeVisible();
      expect((await server.api('GET', '/me', null, phone.access_token)).status).toBe(200);
    });
  }
});

test('revoking while offline keeps the page, and a double click sends one request', async ({
  context,
  page,
  server,
  watch,
}) => {
  const user = await createUser(server);
  await logIn(page, user);
  await navigateTo(page, 'Devices');
  const button = rows(page).getByRole('button', { name: 'Log out' }).first();
  const offline = page.getByText("You're offline.");
  watch.expect({ failure: 'net::ERR_INTERNET_DISCONNECTED', url: '/readyz', times: Infinity });
  await expect(button, 'the sessions are loaded').toBeVisible();
  await context.setOffline(true);
  await button.click();
  await expect(offline).toBeVisible();
  await expect(page.getByRole('heading', { name: 'Devices' })).toBeVisible();
  await context.setOffline(false);
  await expect(offline).toBeHidden();
  await context.route('**/fn/revoke-session', async (route) => {
    await new Promise((done) => setTimeout(done, 300));
    await route.continue();
  });
  await button.dblclick();
  await expect(page.getByText('Device logged out.')).toBeVisible();
  expect(watch.callsTo('/fn/revoke-session')).toHaveLength(1);
});

test('session of a program is named after it', async ({ page, server }) => {
  const user = await createUser(server);
  for (const agent of ['python-requests/2.32.3', 'okhttp/4.12.0', 'inventory-sync/2.1 (linux)'])
    await logInWithUserAgent(server, user, agent);
  await openSessionsPage(page, user);
  for (const name of ['Python (requests)', 'Android app (okhttp)', 'inventory-sync'])
    await expect(rows(page).filter({ hasText: name })).toHaveCount(1);
  await expect(page.getByText('Unknown device')).toHaveCount(0);
});

test('device is logged out in place, and the focus moves to the next button', async ({
  page,
  server,
}) => {
  const user = await createUser(server);
  await createSession(server, user);
  await createSession(server, user);
  await openSessionsPage(page, user);
  await page.evaluate(() => (window.isSameDocument = true));
  const buttons = rows(page).getByRole('button', { name: 'Log out' });
  await expect(buttons).toHaveCount(3);
  await buttons.first().press('Enter');
  await expect(buttons).toHaveCount(2);
  await expect(buttons.first()).toBeFocused();
  await buttons.last().press('Enter');
  await expect(buttons).toHaveCount(1);
  await expect(buttons, 'after the last row, the one before it').toBeFocused();
  await expect(page.getByRole('status').filter({ hasText: 'Logged out Node.js.' })).toBeVisible();
  expect(await page.evaluate(() => window.isSameDocument)).toBe(true);
  await buttons.press('Enter');
  await expect(page.getByText("You're not logged in anywhere else.")).toBeVisible();
  await expect(rows(page)).toHaveCount(1);
});

test('device stays in the list if the response is lost, and can be logged out again', async ({
  page,
  server,
  watch,
}) => {
  const user = await createUser(server);
  await createSession(server, user);
  await openSessionsPage(page, user);
  // Before that, the browser posts a plain form.
  await waitForHydration(page);
  const buttons = rows(page).getByRole('button', { name: 'Log out' });
  await expect(buttons).toHaveCount(2);
  watch.expect({ failure: 'net::ERR_FAILED', url: '/fn/revoke-session' });
  await page.route('**/fn/revoke-session', (route) => route.abort(), { times: 1 });
  await buttons.first().click();
  await expect(page.getByText("We can't reach the server right now.")).toBeHidden();
  await expect(buttons.first()).not.toHaveAttribute('aria-disabled');
  await expect(buttons).toHaveCount(2);
  await buttons.first().click();
  await expect(buttons).toHaveCount(1);
});
