// Changing the password requires the current one and revokes all other sessions, but not this one.
import {
  createUser,
  logIn,
  navigateTo,
  open,
  submit,
  waitForHydration,
} from '../support/actions.mjs';
import { expect, test, withAndWithoutScripts } from '../support/test.mjs';

const NEW = 'quite another horse battery';
const WRONG = "That's not your current password.";

async function change(page, current, next) {
  await page.getByLabel('Current password').fill(current);
  await page.getByLabel('New password').fill(next);
  await submit(page, 'Change password');
}

withAndWithoutScripts((scripts) => {
  test('password change rejects a wrong password, then logs out other devices', async ({
    expectConsole,
    page,
    server,
    watch,
  }) => {
    const user = await createUser(server);
    const phone = (
      await server.api('POST', '/auth/login', { email: user.email, password: user.password })
    ).body;
    await logIn(page, user);
    await open(page, '/account/password');
    const rejectWrongPassword = async () => {
      await change(page, 'wrong horse battery', NEW);
      await expect(page.locator('#current_password-hint')).toHaveText(WRONG);
      await expect(page.getByLabel('Current password')).toHaveValue('');
      await expect(page.getByLabel('Current password')).toBeFocused();
    };
    await (scripts
      ? expectConsole({ status: 422, url: '/fn/change-password' }, rejectWrongPassword)
      : rejectWrongPassword());
    await waitForHydration(page);
    const start = watch.mark();
    if (scripts) await page.getByRole('button', { name: 'Show password' }).last().click();
    await change(page, user.password, NEW);
    await expect(
      page.getByText('Password changed. All your other devices are logged out.'),
    ).toBeVisible();
    await waitForHydration(page);
    for (const label of ['Current password', 'New password']) {
      await expect(page.getByLabel(label), 'the field is cleared').toHaveValue('');
      await expect(page.getByLabel(label)).toHaveAttribute('type', 'password');
    }
    // The change revokes the old access token, so the page refreshes before the next call.
    if (scripts) await expect.poll(() => watch.callsTo('/fn/refresh', start).length).toBe(1);
    await navigateTo(page, 'Activity');
    await expect(page.getByText('Password changed, all other devices logged out')).toBeVisible();
    await expect(page.getByText('Wrong password while changing your password')).toBeVisible();

    expect((await server.api('GET', '/me', null, phone.access_token)).status).toBe(401);
    expect(
      (await server.api('POST', '/auth/refresh', { refresh_token: phone.refresh_token })).status,
    ).toBe(401);
    const attempts = [user.password, NEW].map((password) =>
      server.api('POST', '/auth/login', { email: user.email, password }),
    );
    expect((await Promise.all(attempts)).map(({ status }) => status)).toEqual([401, 200]);
  });

  test('current password is refused as the new one', async ({ expectConsole, page, server }) => {
    const user = await createUser(server);
    await logIn(page, user);
    await open(page, '/account/password');
    const refused = async () => {
      await change(page, user.password, user.password);
      await expect(page.locator('#new_password-hint')).toHaveText("That's already your password.");
    };
    await (scripts
      ? expectConsole({ status: 422, url: '/fn/change-password' }, refused)
      : refused());
    await navigateTo(page, 'Activity');
    await expect(page.getByText('Password changed', { exact: false })).toHaveCount(0);
  });

  test('invalid new password is reported next to its field', async ({ page, server }) => {
    const user = await createUser(server);
    await logIn(page, user);
    await open(page, '/account/password');
    await change(page, user.password, 'short');
    await expect(page.locator('#new_password-hint')).toHaveText('Use at least 8 characters.');
  });
});
