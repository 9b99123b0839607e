// Another password: it needs the one until now, logs out every other device, and this page goes on.
import { goTo, logIn, member, open, ready, submit } from '../support/steps.mjs';
import { expect, test, withAndWithoutScripts } from '../support/test.mjs';

const NEW = 'quite another horse battery';
const WRONG = 'That is not your current password.';

async function change(page, current, next) {
  await page.getByLabel('Current password').fill(current);
  await page.getByLabel('New password').fill(next);
  await submit(page, 'Change password');
}

withAndWithoutScripts((scripts) => {
  test('somebody changes the password, after a wrong try, and goes on', async ({ expectConsole, page, server, watch }) => {
    const who = await member(server);
    const phone = (await server.api('POST', '/auth/login', { email: who.email, password: who.password })).body;
    await logIn(page, who);
    await open(page, '/account/password');
    const refused = async () => {
      await change(page, 'wrong horse battery', NEW);
      await expect(page.locator('#current-note')).toHaveText(WRONG);
      await expect(page.getByLabel('Current password')).toHaveValue('');
      await expect(page.getByLabel('Current password')).toBeFocused();
    };
    await (scripts ? expectConsole({ status: 422, url: '/fn/change-password' }, refused) : refused());
    await ready(page);
    const start = watch.mark();
    if (scripts) await page.getByRole('button', { name: 'Show password' }).last().click();
    await change(page, who.password, NEW);
    await expect(page.getByText('Your password is changed, and all other devices are logged out.')).toBeVisible();
    await ready(page);
    for (const label of ['Current password', 'New password']) {
      await expect(page.getByLabel(label), 'nothing of it stays on the screen').toHaveValue('');
      await expect(page.getByLabel(label)).toHaveAttribute('type', 'password');
    }
    // The access token from before is worth nothing; the page has seen to the next before any call needs it.
    if (scripts) await expect.poll(() => watch.callsTo('/fn/refresh', start).length).toBe(1);
    await goTo(page, 'Activity');
    await expect(page.getByText('Password changed, all other devices logged out')).toBeVisible();
    await expect(page.getByText('Wrong password when changing it')).toBeVisible();

    expect((await server.api('GET', '/me', null, phone.access_token)).status).toBe(401);
    expect((await server.api('POST', '/auth/refresh', { refresh_token: phone.refresh_token })).status).toBe(401);
    const tries = [who.password, NEW].map((password) => server.api('POST', '/auth/login', { email: who.email, password }));
    expect((await Promise.all(tries)).map(({ status }) => status)).toEqual([401, 200]);
  });

  test('what is wrong with the new one is said beside it', async ({ page, server }) => {
    const who = await member(server);
    await logIn(page, who);
    await open(page, '/account/password');
    await change(page, who.password, 'short');
    await expect(page.locator('#new-note')).toHaveText('Use at least 8 characters.');
  });
});
