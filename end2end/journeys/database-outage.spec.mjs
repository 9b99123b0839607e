// The database is unavailable while the server keeps running. The pages report it, users stay
// logged in, form input is kept, and everything works again after the outage.
import { OUTAGE_LOG } from '../support/database.mjs';
import {
  createUser,
  expectAccountOf,
  expectNameSaved,
  field,
  logIn,
  open,
  submit,
  submitLogIn,
  waitForHydration,
} from '../support/actions.mjs';
import { expect, testWithDatabase as test, withAndWithoutScripts } from '../support/test.mjs';

const outageNotice = (page) =>
  page.getByRole('alert').filter({ hasText: 'Temporarily unavailable' });

test.beforeEach(({ server, watch }) => {
  server.expectedLog = OUTAGE_LOG;
  watch.expect({ status: 503, times: Infinity });
});

withAndWithoutScripts((scripts) => {
  test('page shows an error and keeps the user logged in while the database is down', async ({
    database,
    page,
    server,
  }) => {
    const user = await createUser(server);
    await logIn(page, user);
    database.disconnect();
    await page.goto('/account');
    await waitForHydration(page);
    await expect(outageNotice(page)).toBeVisible();
    database.reconnect();
    // With scripts the page recovers by itself.
    if (!scripts) await page.reload();
    await expectAccountOf(page, user);
  });

  test('log-in shows an outage, not a wrong password, while the database is down', async ({
    database,
    page,
    server,
  }) => {
    const user = await createUser(server);
    await open(page, '/login');
    database.disconnect();
    await submitLogIn(page, user);
    await expect(outageNotice(page)).toBeVisible();
    if (scripts) await expect(field.email(page)).toHaveValue(user.email);
    database.reconnect();
    await submitLogIn(page, user);
    await expectAccountOf(page, user);
  });
});

test('form input survives a database outage and can be saved afterwards', async ({
  database,
  page,
  server,
}) => {
  await logIn(page, await createUser(server));
  database.disconnect();
  await field.name(page).fill('Augusta Ada');
  await submit(page, 'Save name');
  await expect(outageNotice(page)).toBeVisible();
  await expect(field.name(page)).toHaveValue('Augusta Ada');
  database.reconnect();
  await submit(page, 'Save name');
  await expectNameSaved(page, 'Augusta Ada');
});
