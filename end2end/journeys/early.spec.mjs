// Before the bundle has arrived a form is an ordinary form. What it has done then is taken over when scripts run: by one renewal.
import { delayScripts } from '../support/network.mjs';
import { fillIn, kept, member, open, person, ready, rename, submit } from '../support/steps.mjs';
import { expect, test } from '../support/test.mjs';

async function isTakenOver(page, who, watch, arrive) {
  await expect(page).toHaveURL(/\/account$/);
  const before = await page.locator('main').innerText();
  expect(watch.callsTo('/fn/refresh')).toHaveLength(0);
  arrive();
  await ready(page);
  await expect.poll(() => kept(page)).not.toBeNull();
  await page.waitForLoadState('networkidle');
  expect(watch.callsTo('/fn/refresh'), 'exactly one renewal').toHaveLength(1);
  expect(await page.locator('main').innerText()).toBe(before);
  // And from here on it is as if it had been done by script.
  const calls = watch.mark();
  await rename(page, 'Augusta Ada');
  await expect(page.getByText('Your name is saved.')).toBeVisible();
  expect(watch.calls.slice(calls)).toMatchObject([{ path: '/fn/rename', status: 200, bearer: true }]);
}

test('a sign-up before hydration works, and is followed by exactly one renewal', async ({ page, watch }) => {
  const arrive = await delayScripts(page);
  const who = person();
  await page.goto('/signup', { waitUntil: 'commit' });
  await fillIn(page, who);
  await submit(page, 'Create account');
  expect(watch.callsTo('/fn/signup')).toMatchObject([{ plainForm: true }]);
  await isTakenOver(page, who, watch, arrive);
});

test('a log-in before hydration works, and is followed by exactly one renewal', async ({ page, server, watch }) => {
  const arrive = await delayScripts(page);
  const who = await member(server);
  await page.goto('/login', { waitUntil: 'commit' });
  await fillIn(page, who);
  await submit(page, 'Log in');
  await isTakenOver(page, who, watch, arrive);
});

test('a wrong password before hydration is told once: not changed by hydration, gone from the address, not said again', async ({ page, server }) => {
  const arrive = await delayScripts(page);
  const who = await member(server);
  await page.goto('/login?next=/account/activity', { waitUntil: 'commit' });
  await fillIn(page, { ...who, password: 'wrong' });
  await submit(page, 'Log in');
  const problem = page.getByRole('alert');
  const before = await problem.innerText();
  await expect(page).toHaveURL(/__err=/);
  arrive();
  await ready(page);
  expect(await problem.innerText()).toBe(before);
  await expect(page).toHaveURL('/login?next=/account/activity');
  await open(page, page.url());
  await expect(problem).toHaveCount(0);
});

test('what was typed before hydration is still there after it', async ({ page }) => {
  const arrive = await delayScripts(page);
  const who = person();
  await page.goto('/signup', { waitUntil: 'commit' });
  await fillIn(page, who);
  arrive();
  await ready(page);
  await expect(page.getByLabel('E-mail address')).toHaveValue(who.email);
  await expect(page.getByLabel('Password', { exact: true })).toHaveValue(who.password);
  await submit(page, 'Create account');
  await expect(page).toHaveURL('/account');
});

test('a log-out before hydration empties the other tabs once scripts run', async ({ context, page, server }) => {
  const who = await member(server);
  await open(page, '/login');
  await fillIn(page, who);
  await submit(page, 'Log in');
  await expect(page).toHaveURL('/account');
  const early = await context.newPage();
  const arrive = await delayScripts(early);
  await early.goto('/account', { waitUntil: 'commit' });
  await submit(early, 'Log out');
  await expect(early).toHaveURL('/login?bye');
  arrive();
  await expect(page.getByText('You logged out in another tab')).toBeVisible();
  await expect(page).toHaveURL(/\/login/);
});
