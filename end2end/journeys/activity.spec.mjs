// The activity list and its filters, with more events than fit on one page.
import { createUser, logIn, open } from '../support/actions.mjs';
import { browserHistory } from '../support/back-forward.mjs';
import { expectNoOverflow } from '../support/overflow.mjs';
import { expect, test, withAndWithoutScripts } from '../support/test.mjs';

const PAGE_SIZE = 20;

const eventsOf = (page) =>
  page
    .getByRole('main')
    .getByRole('listitem')
    .filter({ has: page.locator('time') });

const filtersOf = (page) => page.getByRole('navigation', { name: 'Filter' }).getByRole('link');

/** Sends more wrong passwords than fit on one page. */
async function failToLogIn(server, { email }) {
  for (let n = 0; n < PAGE_SIZE + 5; n++)
    await server.api('POST', '/auth/login', { email, password: 'wrong' });
}

withAndWithoutScripts((scripts) => {
  test('activity list pages to the oldest event and back to the newest', async ({
    page,
    server,
    watch,
  }) => {
    const user = await createUser(server);
    await failToLogIn(server, user);
    await logIn(page, user);
    await page.getByRole('link', { name: 'Activity' }).first().click();
    const events = eventsOf(page);
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

  test('filters are links, which older pages and Back keep', async ({ page, server }) => {
    const user = await createUser(server);
    await failToLogIn(server, user);
    await logIn(page, user);
    await open(page, '/account/activity');
    const events = eventsOf(page);
    const filters = filtersOf(page);
    const current = filters.and(page.locator('[aria-current=true]'));
    await expect(filters).toHaveText(['All', 'Log-ins', 'Changes', 'Warnings']);
    await expect(current).toHaveText('All');

    await filters.getByText('Warnings').click();
    await expect(page).toHaveURL('/account/activity?show=warnings');
    await expect(current).toHaveText('Warnings');
    await expect(events).toHaveText([/^Wrong password · 20 times/]);
    await page.getByRole('link', { name: 'Show older' }).click();
    await expect(page).toHaveURL(/\?show=warnings&cursor=/);
    await expect(events).toHaveText([/^Wrong password · 5 times/]);
    await page.getByRole('link', { name: 'Back to newest' }).click();
    await expect(page).toHaveURL('/account/activity?show=warnings');

    await filters.getByText('Changes').click();
    await expect(events).toHaveText([/^Signed up/]);
    await expect(current).toHaveText('Changes');
    await (await browserHistory(page)).back();
    await expect(page).toHaveURL('/account/activity?show=warnings');
    await expect(current).toHaveText('Warnings');
    await expect(events).toHaveText([/^Wrong password · 20 times/]);

    await filters.getByText('Log-ins').click();
    await expect(events).toHaveText([/^Logged in/, /^Wrong password · 19 times/]);
    await filters.getByText('All').click();
    await expect(page).toHaveURL('/account/activity');
  });

  test('invalid cursor or filter in the URL shows an error', async ({ page, server }) => {
    await logIn(page, await createUser(server));
    for (const query of ['cursor=spoilt', 'show=spoilt']) {
      await open(page, `/account/activity?${query}`);
      await expect(page.getByRole('alert')).toContainText('The request or the link is incomplete.');
      await page.getByRole('link', { name: 'Back to newest' }).click();
      await expect(eventsOf(page)).toHaveText([/^Logged in/, /^Signed up/]);
    }
  });
});

test('filters fit a narrow touch screen and are large enough', async ({ newBrowser, server }) => {
  const context = await newBrowser({
    viewport: { width: 320, height: 640 },
    hasTouch: true,
    isMobile: true,
  });
  const page = await context.newPage();
  await logIn(page, await createUser(server));
  await open(page, '/account/activity?show=warnings');
  await expectNoOverflow(page);
  for (const filter of await filtersOf(page).all()) {
    const { width, height } = await filter.boundingBox();
    expect(Math.min(width, height)).toBeGreaterThanOrEqual(44);
  }
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
