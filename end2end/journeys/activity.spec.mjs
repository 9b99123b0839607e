// What happened to the account: a list that is longer than a page.
import { logIn, member, open } from '../support/steps.mjs';
import { expect, test, withAndWithoutScripts } from '../support/test.mjs';

const PAGE = 20;

withAndWithoutScripts((scripts) => {
  test('the list is read to its end, a part at a time, and back by the button of the browser', async ({ page, server, watch }) => {
    const who = await member(server);
    for (let n = 0; n < PAGE + 5; n++) await server.api('POST', '/auth/login', { email: who.email, password: 'wrong' });
    await logIn(page, who);
    await page.getByRole('link', { name: 'Activity' }).first().click();
    const events = page.getByRole('main').getByRole('listitem').filter({ has: page.locator('time') });
    await expect(events).toHaveCount(PAGE);
    await expect(events.first()).toContainText('Logged in');
    await expect(events.last()).toContainText('Wrong password');
    const [first] = await events.locator('time').first().allInnerTexts();
    expect(first).toMatch(/^\d+ \w+ \d{4}, \d\d:\d\d UTC$/);

    await page.getByRole('link', { name: 'Show older' }).click();
    await expect(page).toHaveURL(/\?cursor=/);
    await expect(events).toHaveCount(7);
    await expect(events.last()).toContainText('Signed up');
    await expect(page.getByRole('link', { name: 'Show older' })).toHaveCount(0);
    if (scripts) await expect(page.getByRole('main')).toBeFocused();

    await page.reload();
    await expect(events).toHaveCount(7);
    await page.getByRole('link', { name: 'Show newest' }).click();
    await expect(page).toHaveURL('/account/activity');
    await expect(events).toHaveCount(PAGE);
    if (scripts) expect(watch.calls.every(({ plainForm }) => !plainForm)).toBe(true);
  });

  test('an address with a spoilt cursor says so, and leads on', async ({ page, server }) => {
    await logIn(page, await member(server));
    await open(page, '/account/activity?cursor=spoilt');
    await expect(page.getByRole('alert')).toContainText('The request or the link is incomplete.');
  });
});
