// Before the bundle has loaded, forms are plain HTML forms. After hydration the app takes over a
// session that such a form has created, with one refresh.
import { delayScripts } from '../support/network.mjs';
import {
  changeName,
  createUser,
  fillIn,
  newUser,
  open,
  pressLogOut,
  storedToken,
  submit,
  waitForHydration,
} from '../support/actions.mjs';
import { expect, test } from '../support/test.mjs';

async function expectHydratedSession(page, user, watch, arrive) {
  await expect(page).toHaveURL(/\/account(\?welcome)?$/);
  const before = await page.locator('main').innerText();
  expect(watch.callsTo('/fn/refresh')).toHaveLength(0);
  arrive();
  await waitForHydration(page);
  await expect.poll(() => storedToken(page)).not.toBeNull();
  await page.waitForLoadState('networkidle');
  expect(watch.callsTo('/fn/refresh'), 'exactly one refresh').toHaveLength(1);
  expect(await page.locator('main').innerText()).toBe(before);
  // From here on the app sends its calls by script.
  const calls = watch.mark();
  await changeName(page, 'Augusta Ada');
  await expect(page.getByText('Name saved.')).toBeVisible();
  expect(watch.calls.slice(calls)).toMatchObject([
    { path: '/fn/update-profile', status: 200, bearer: true },
  ]);
}

test('sign-up before hydration works and causes exactly one refresh', async ({ page, watch }) => {
  const arrive = await delayScripts(page);
  const user = newUser();
  await page.goto('/signup', { waitUntil: 'commit' });
  await fillIn(page, user);
  await submit(page, 'Create account');
  expect(watch.callsTo('/fn/signup')).toMatchObject([{ plainForm: true }]);
  await expectHydratedSession(page, user, watch, arrive);
});

test('log-in before hydration works and causes exactly one refresh', async ({
  page,
  server,
  watch,
}) => {
  const arrive = await delayScripts(page);
  const user = await createUser(server);
  await page.goto('/login', { waitUntil: 'commit' });
  await fillIn(page, user);
  await submit(page, 'Log in');
  await expectHydratedSession(page, user, watch, arrive);
});

test('wrong password before hydration is reported once and removed from the URL', async ({
  page,
  server,
}) => {
  const arrive = await delayScripts(page);
  const user = await createUser(server);
  await page.goto('/login?next=/account/activity', { waitUntil: 'commit' });
  await fillIn(page, { ...user, password: 'wrong' });
  await submit(page, 'Log in');
  const problem = page.getByRole('alert');
  const before = await problem.innerText();
  await expect(page).toHaveURL(/__err=/);
  arrive();
  await waitForHydration(page);
  expect(await problem.innerText()).toBe(before);
  await expect(page).toHaveURL('/login?next=/account/activity');
  await open(page, page.url());
  await expect(problem).toHaveCount(0);
});

test('form input from before hydration is kept', async ({ page }) => {
  const arrive = await delayScripts(page);
  const user = newUser();
  await page.goto('/signup', { waitUntil: 'commit' });
  await fillIn(page, user);
  arrive();
  await waitForHydration(page);
  await expect(page.getByLabel('Email address')).toHaveValue(user.email);
  await expect(page.getByLabel('Password', { exact: true })).toHaveValue(user.password);
  await submit(page, 'Create account');
  await expect(page).toHaveURL('/account');
});

test('log-out before hydration logs out the other tabs', async ({ context, page, server }) => {
  const user = await createUser(server);
  await open(page, '/login');
  await fillIn(page, user);
  await submit(page, 'Log in');
  await expect(page).toHaveURL('/account');
  const early = await context.newPage();
  const arrive = await delayScripts(early);
  await early.goto('/account', { waitUntil: 'commit' });
  await pressLogOut(early);
  await expect(early).toHaveURL('/login?bye');
  arrive();
  await expect(page.getByText('You logged out in another tab')).toBeVisible();
  await expect(page).toHaveURL(/\/login/);
});
