// The page "Your data": data export, account deletion and its cancellation.
import { readFile } from 'node:fs/promises';
import {
  createUser,
  logIn,
  navigateTo,
  open,
  submit,
  submitLogIn,
  waitForHydration,
} from '../support/actions.mjs';
import { expect, test, withAndWithoutScripts } from '../support/test.mjs';

const WRONG = "That's not your current password.";

async function download(page, name) {
  const [file] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name }).click(),
  ]);
  return { name: file.suggestedFilename(), text: await readFile(await file.path(), 'utf8') };
}

withAndWithoutScripts((scripts) => {
  test('user downloads all stored data as HTML and as JSON', async ({ page, server }) => {
    const user = await createUser(server);
    await logIn(page, user);
    await navigateTo(page, 'Your data');
    const json = await download(page, 'Download as JSON');
    expect(json.name).toMatch(/^countersign-\d{4}-\d\d-\d\d\.json$/);
    const { account, activity, sessions } = JSON.parse(json.text);
    expect({ ...account }).toMatchObject({ email: user.email, name: user.name });
    expect(activity.map(({ kind }) => kind)).toEqual(['logged_in', 'signed_up']);
    expect(sessions).toHaveLength(2);
    const html = await download(page, 'Download as a web page');
    expect(html.name).toMatch(/\.html$/);
    expect(html.text).toContain(user.email);
    await expect(page.getByRole('heading', { name: 'Your data', exact: true })).toBeVisible();
  });

  test('user confirms the password and continues to the page before', async ({ page, server }) => {
    const user = await createUser(server);
    await logIn(page, user);
    await open(page, '/account/confirm-password?next=/account/data?confirmed');
    await expect(page.getByRole('heading', { name: "Confirm it's you" })).toBeVisible();
    await expect(page.getByText(user.email)).toBeVisible();
    await page.getByLabel('Current password').fill('a wrong one');
    await submit(page, 'Continue');
    await expect(page.locator('#current_password-hint')).toHaveText(WRONG);
    await page.getByLabel('Current password').fill(user.password);
    await submit(page, 'Continue');
    await expect(page).toHaveURL(/\/account\/data/);
    await expect(page.getByText("Password confirmed. Choose")).toBeVisible();
    await download(page, 'Download as JSON');
    await navigateTo(page, 'Activity');
    await expect(page.getByText('Password confirmed', { exact: true })).toBeVisible();
    await expect(page.getByText('Wrong password while confirming it was you')).toBeVisible();
  });

  test('download with an ended session redirects to log-in and back to the page', async ({
    context,
    page,
    server,
  }) => {
    const user = await createUser(server);
    await logIn(page, user);
    await navigateTo(page, 'Your data');
    const { body } = await server.api('POST', '/auth/login', {
      email: user.email,
      password: user.password,
    });
    await server.api('POST', '/auth/logout', { scope: 'others' }, body.access_token);
    await page.getByRole('link', { name: 'Download as JSON' }).click();
    await expect(page).toHaveURL(/\/login\?next=\/account\/data(&ended)?$/);
    await waitForHydration(page);
    await submitLogIn(page, user);
    await expect(page.getByRole('heading', { name: 'Your data', exact: true })).toBeVisible();
    expect((await context.cookies()).length).toBeGreaterThan(0);
  });

  test('account deletion rejects a wrong password and can be cancelled', async ({
    expectConsole,
    page,
    server,
  }) => {
    const user = await createUser(server);
    const phone = (
      await server.api('POST', '/auth/login', { email: user.email, password: user.password })
    ).body;
    await logIn(page, user);
    await open(page, '/account/data');
    await expect(page.getByText('In 14 days your account')).toBeVisible();
    // A password manager could fill in the field, and a single click would then delete the account.
    await expect(page.locator('input[type=password]')).toHaveCount(0);
    await page.getByRole('link', { name: 'Delete account…' }).click();
    await expect(page.getByLabel('Current password')).toBeVisible();
    await page.getByRole('link', { name: 'Cancel' }).click();
    await expect(page.locator('input[type=password]')).toHaveCount(0);
    await page.getByRole('link', { name: 'Delete account…' }).click();
    await waitForHydration(page);
    const rejectWrongPassword = async () => {
      await page.getByLabel('Current password').fill('wrong horse battery');
      await submit(page, 'Delete account');
      await expect(page.locator('#current_password-hint')).toHaveText(WRONG);
    };
    await (scripts
      ? expectConsole({ status: 422, url: '/fn/delete-account' }, rejectWrongPassword)
      : rejectWrongPassword());
    await waitForHydration(page);
    await page.getByLabel('Current password').fill(user.password);
    await submit(page, 'Delete account');
    const notice = page.getByRole('status').filter({ hasText: 'Your account will be deleted on' });
    await expect(notice).toBeVisible();
    await expect(page.getByLabel('Current password')).toHaveCount(0);
    expect(
      (await server.api('POST', '/auth/refresh', { refresh_token: phone.refresh_token })).status,
      'other sessions are revoked',
    ).toBe(401);

    // The notice is on every account page.
    await waitForHydration(page);
    await navigateTo(page, 'Devices');
    await expect(notice).toBeVisible();
    await notice.getByRole('button', { name: 'Keep my account' }).click();
    await expect(page.getByText("Your account won't be deleted.")).toBeVisible();
    // The page does not change.
    await expect(page.getByRole('heading', { level: 1, name: 'Devices' })).toBeVisible();
    await expect(notice).toHaveCount(0);
    await waitForHydration(page);
    await navigateTo(page, 'Activity');
    await expect(page.getByText('Account deletion cancelled')).toBeVisible();
  });
});
