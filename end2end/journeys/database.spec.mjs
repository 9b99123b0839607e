// The database goes away under a server that goes on. It is said, nobody is logged out, nothing that was typed is lost, and all is well when it is back.
import { AWAY } from '../support/database.mjs';
import { field, isSaved, logIn, member, open, ready, seesAccountOf, sendLogIn, submit } from '../support/steps.mjs';
import { expect, testWithDatabase as test, withAndWithoutScripts } from '../support/test.mjs';

const sorry = (page) => page.getByRole('alert').filter({ hasText: 'Not available right now' });

test.beforeEach(({ server, watch }) => {
  server.complains = AWAY;
  watch.expect({ status: 503, times: Infinity });
});

withAndWithoutScripts((scripts) => {
  test('a page that cannot be read says so, and nobody is logged out', async ({ database, page, server }) => {
    const who = await member(server);
    await logIn(page, who);
    database.leave();
    await page.goto('/account');
    await ready(page);
    await expect(sorry(page)).toBeVisible();
    database.comeBack();
    // Where scripts run the page goes on by itself.
    if (!scripts) await page.reload();
    await seesAccountOf(page, who);
  });

  test('a log-in that cannot be looked at is no wrong password', async ({ database, page, server }) => {
    const who = await member(server);
    await open(page, '/login');
    database.leave();
    await sendLogIn(page, who);
    await expect(sorry(page)).toBeVisible();
    if (scripts) await expect(field.email(page)).toHaveValue(who.email);
    database.comeBack();
    await sendLogIn(page, who);
    await seesAccountOf(page, who);
  });
});

test('what was typed stays, and is saved when the database is back', async ({ database, page, server }) => {
  await logIn(page, await member(server));
  database.leave();
  await field.name(page).fill('Augusta Ada');
  await submit(page, 'Save name');
  await expect(sorry(page)).toBeVisible();
  await expect(field.name(page)).toHaveValue('Augusta Ada');
  database.comeBack();
  await submit(page, 'Save name');
  await isSaved(page, 'Augusta Ada');
});
