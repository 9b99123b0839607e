// The sessions page: somebody sees where they are logged in, and logs out other devices from there.
import { goTo, logIn, member, open, sendLogIn } from '../support/steps.mjs';
import { expect, test, withAndWithoutScripts } from '../support/test.mjs';

const rows = (page) => page.locator('.sessions').getByRole('listitem');
const logOutIn = (row) => row.getByRole('button', { name: 'Log out' }).click();
const otherDevice = async (server, { email, password }) => (await server.api('POST', '/auth/login', { email, password })).body;
const isOver = async (server, device) => {
  expect((await server.api('GET', '/me', null, device.access_token)).status).toBe(401);
  expect((await server.api('POST', '/auth/refresh', { refresh_token: device.refresh_token })).status).toBe(401);
};

/** Logged in, on the page. */
async function onThePage(page, who) {
  await open(page, '/login?next=/account/sessions');
  await sendLogIn(page, who);
  await expect(page).toHaveURL('/account/sessions');
  await expect(rows(page).first()).toContainText('This device');
  await expect(rows(page).first()).toContainText('Active now');
}

withAndWithoutScripts((scripts) => {
  test('somebody logs out one other device, and then all others', async ({ page, server }) => {
    const who = await member(server);
    const [first, second] = [await otherDevice(server, who), await otherDevice(server, who)];
    await onThePage(page, who);
    await expect(rows(page)).toHaveCount(4);
    await logOutIn(rows(page).nth(1));
    await expect(page.getByText('That device is logged out.')).toBeVisible();
    await expect(rows(page)).toHaveCount(3);
    const me = async (device) => (await server.api('GET', '/me', null, device.access_token)).status;
    expect([await me(first), await me(second)], 'the one that was in use last stands first').toEqual([200, 401]);

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
    for (const device of [first, second]) await isOver(server, device);
    await open(page, '/account/activity');
    await expect(page.getByText('Logged out all other devices')).toBeVisible();
  });

  test('a session that is over already is no disaster', async ({ page, server }) => {
    const who = await member(server);
    const other = await otherDevice(server, who);
    await onThePage(page, who);
    await server.api('POST', '/auth/logout', { scope: 'others' }, other.access_token).catch(() => {});
    // That ended this one, too.
    await logOutIn(rows(page).nth(1));
    await expect(page).toHaveURL(/\/login/);
  });

  if (!scripts) {
    test('the buttons of one person do nothing for another who has logged in since', async ({ context, page, server }) => {
      const [ada, grace] = [await member(server), await member(server, { name: 'Grace Hopper' })];
      const phone = await otherDevice(server, ada);
      await onThePage(page, ada);
      const second = await context.newPage();
      await open(second, '/login');
      await sendLogIn(second, grace);
      await logOutIn(rows(page).nth(1));
      await expect(page.getByText('You are logged in as someone else now')).toBeVisible();
      expect((await server.api('GET', '/me', null, phone.access_token)).status).toBe(200);
    });
  }
});

test('a press where nobody answers keeps the page, and two presses are one', async ({ context, page, server, watch }) => {
  const who = await member(server);
  await logIn(page, who);
  await goTo(page, 'Sessions');
  const button = rows(page).getByRole('button', { name: 'Log out' }).first();
  const offline = page.getByText('You are offline.');
  watch.expect({ failure: 'net::ERR_INTERNET_DISCONNECTED', url: '/readyz', times: Infinity });
  await context.setOffline(true);
  await button.click();
  await expect(offline).toBeVisible();
  await expect(page.getByRole('heading', { name: 'Sessions' })).toBeVisible();
  await context.setOffline(false);
  await expect(offline).toBeHidden();
  await context.route('**/fn/end-session', async (route) => {
    await new Promise((done) => setTimeout(done, 300));
    await route.continue();
  });
  await button.dblclick();
  await expect(page.getByText('That device is logged out.')).toBeVisible();
  expect(watch.callsTo('/fn/end-session')).toHaveLength(1);
});
