// Your data: everything that is stored goes along, and the account can be deleted, and kept after all.
import { readFile } from 'node:fs/promises';
import { goTo, logIn, member, open, ready, sendLogIn, submit } from '../support/steps.mjs';
import { expect, test, withAndWithoutScripts } from '../support/test.mjs';

const WRONG = 'That is not your current password.';

async function download(page, name) {
  const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name }).click()]);
  return { name: file.suggestedFilename(), text: await readFile(await file.path(), 'utf8') };
}

withAndWithoutScripts((scripts) => {
  test('somebody takes everything along, as a page and as JSON', async ({ page, server }) => {
    const who = await member(server);
    await logIn(page, who);
    await goTo(page, 'Your data');
    const json = await download(page, 'Download as JSON');
    expect(json.name).toMatch(/^countersign-\d{4}-\d\d-\d\d\.json$/);
    const { account, activity, sessions } = JSON.parse(json.text);
    expect({ ...account }).toMatchObject({ email: who.email, name: who.name });
    expect(activity.map(({ kind }) => kind)).toEqual(['logged_in', 'signed_up']);
    expect(sessions).toHaveLength(2);
    const html = await download(page, 'Download as a page');
    expect(html.name).toMatch(/\.html$/);
    expect(html.text).toContain(who.email);
    await expect(page.getByRole('heading', { name: 'Your data' })).toBeVisible();
  });

  test('somebody whose session is over and who wants a file is led to the page with it', async ({ context, page, server }) => {
    const who = await member(server);
    await logIn(page, who);
    await goTo(page, 'Your data');
    const { body } = await server.api('POST', '/auth/login', { email: who.email, password: who.password });
    await server.api('POST', '/auth/logout', { scope: 'others' }, body.access_token);
    await page.getByRole('link', { name: 'Download as JSON' }).click();
    await expect(page).toHaveURL(/\/login\?next=\/account\/data(&ended)?$/);
    await ready(page);
    await sendLogIn(page, who);
    await expect(page.getByRole('heading', { name: 'Your data' })).toBeVisible();
    expect((await context.cookies()).length).toBeGreaterThan(0);
  });

  test('somebody has the account deleted, after a wrong password, and keeps it after all', async ({ expectConsole, page, server }) => {
    const who = await member(server);
    const phone = (await server.api('POST', '/auth/login', { email: who.email, password: who.password })).body;
    await logIn(page, who);
    await open(page, '/account/data');
    await expect(page.getByText('14 days later the account is deleted')).toBeVisible();
    // A password manager would fill in a field that is there, and one press would then delete the account.
    await expect(page.locator('input[type=password]')).toHaveCount(0);
    await page.getByRole('link', { name: 'Delete account…' }).click();
    await expect(page.getByLabel('Current password')).toBeVisible();
    if (scripts) await expect(page.getByRole('main')).toBeFocused();
    await page.getByRole('link', { name: 'Cancel' }).click();
    await expect(page.locator('input[type=password]')).toHaveCount(0);
    await page.getByRole('link', { name: 'Delete account…' }).click();
    await ready(page);
    const refused = async () => {
      await page.getByLabel('Current password').fill('wrong horse battery');
      await submit(page, 'Delete account');
      await expect(page.locator('#current-note')).toHaveText(WRONG);
    };
    await (scripts ? expectConsole({ status: 422, url: '/fn/delete-account' }, refused) : refused());
    await ready(page);
    await page.getByLabel('Current password').fill(who.password);
    await submit(page, 'Delete account');
    const notice = page.getByRole('alert').filter({ hasText: 'Your account will be deleted on' });
    await expect(notice).toBeVisible();
    await expect(page.getByLabel('Current password')).toHaveCount(0);
    // What had it is gone.
    if (scripts) await expect(page.getByRole('main')).toBeFocused();
    expect((await server.api('POST', '/auth/refresh', { refresh_token: phone.refresh_token })).status, 'the other devices are out').toBe(401);

    // It is on every page of the account.
    await ready(page);
    await goTo(page, 'Sessions');
    await expect(notice).toBeVisible();
    await notice.getByRole('button', { name: 'Keep my account' }).click();
    await expect(page.getByText('Your account stays.')).toBeVisible();
    // Where it was pressed.
    await expect(page.getByRole('heading', { level: 1, name: 'Sessions' })).toBeVisible();
    await expect(notice).toHaveCount(0);
    await ready(page);
    await goTo(page, 'Activity');
    await expect(page.getByText('Kept the account that was to be deleted')).toBeVisible();
  });
});
