// The activity list, with more events than fit on one page.
import { createUser, logIn, open } from '../support/actions.mjs';
import { expect, test, withAndWithoutScripts } from '../support/test.mjs';

const PAGE_SIZE = 20;

withAndWithoutScripts((scripts) => {
  test('activity list pages to the oldest event and back to the newest', async ({
    page,
    server,
    watch,
  }) => {
    const user = await createUser(server);
    for (let n = 0; n < PAGE_SIZE + 5; n++)
      await server.api('POST', '/auth/login', { email: user.email, password: 'wrong' });
    await logIn(page, user);
    await page.getByRole('link', { name: 'Activity' }).first().click();
    const events = page
      .getByRole('main')
      .getByRole('listitem')
      .filter({ has: page.locator('time') });
    // Equal events in a row are one row.
    await expect(events).toHaveText([/^Logged in/, /^Wrong password · 19 times/]);
    await expect(page.getByRole('heading', { level: 2 })).toHaveText(['Today']);
    const [first] = await events.locator('time').first().allInnerTexts();
    expect(first).toMatch(scripts ? /^\d\d:\d\d$/ : /^\d\d:\d\d UTC$/);

    await page.getByRole('link', { name: 'Show older' }).click();
    await expect(page).toHaveURL(/\?cursor=/);
    await expect(events).toHaveText([/^Wrong password · 6 times/, /^Signed up/]);
    await expect(page.getByRole('link', { name: 'Show older' })).toHaveCount(0);

    await page.reload();
    await expect(events).toHaveCount(2);
    await page.getByRole('link', { name: 'Back to newest' }).click();
    await expect(page).toHaveURL('/account/activity');
    await expect(events.first()).toHaveText(/^Logged in/);
    if (scripts) expect(watch.calls.every(({ plainForm }) => !plainForm)).toBe(true);
  });

  test('invalid cursor in the URL shows an error', async ({ page, server }) => {
    await logIn(page, await createUser(server));
    await open(page, '/account/activity?cursor=spoilt');
    await expect(page.getByRole('alert')).toContainText('The request or the link is incomplete.');
  });
});

test('times are in the time zone of the browser', async ({ newBrowser, server }) => {
  const timeZone = 'Asia/Kolkata';
  const context = await newBrowser({ timezoneId: timeZone });
  const page = await context.newPage();
  await logIn(page, await createUser(server));
  await open(page, '/account/activity');
  const time = page.getByRole('main').locator('time').first();
  const format = new Intl.DateTimeFormat('en-GB', { timeZone, timeStyle: 'short' });
  const at = new Date(await time.getAttribute('datetime'));
  await expect(time).toHaveText(format.format(at));
});

test('log-in that was not the user leads to the page for a new password', async ({
  page,
  server,
}) => {
  await logIn(page, await createUser(server));
  await open(page, '/account/activity');
  await page.getByRole('link', { name: "This wasn't me" }).first().click();
  await expect(page).toHaveURL('/account/password?report');
  await expect(page.getByText('This logs out all your other devices')).toBeVisible();
  await expect(page.getByLabel('New password')).toBeVisible();
});
