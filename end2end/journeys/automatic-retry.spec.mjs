// A form that was refused because of a rate limit counts down and is sent again by itself.
import {
  changeName,
  createUser,
  expectAccountOf,
  expectNameSaved,
  field,
  fillIn,
  logIn,
  navigateTo,
  newUser,
  open,
  submit,
} from '../support/actions.mjs';
import { expect, test } from '../support/test.mjs';

// Each test has a limit of its own: the server logs one line a minute for each.
test.use({
  settings: {
    COUNTERSIGN_RATE_LIMITS: 'on',
    COUNTERSIGN_LIMIT_LOG_IN: '1/3s',
    COUNTERSIGN_LIMIT_DISPLAY_NAME: '1/1m',
    COUNTERSIGN_LIMIT_PASSWORD_CHANGE: '1/1m',
    COUNTERSIGN_LIMIT_NETWORK_MAIL: '1/5m',
  },
});

const refusal = (page) => page.getByRole('alert').filter({ hasText: 'Too many attempts' });
const countdown = (page) => page.getByText(/^Trying again automatically in \d+ s\.$/);

/** Stops the clock of the page. Its timers run only when a test moves it. */
const stopClock = (page) => page.clock.pauseAt(Date.now() + 10_000);

/** Expects a countdown that has just begun. */
async function expectCountdown(page) {
  await expect(refusal(page)).toBeVisible();
  await page.clock.runFor(1);
  await expect(countdown(page)).toBeVisible();
}

test.beforeEach(async ({ page, server }) => {
  server.expectedLog = /rate limit/;
  await page.clock.install();
});

test('refused log-in is sent again by itself after the wait', async ({ page, server, watch }) => {
  const { email, password, ...user } = await createUser(server);
  await open(page, '/login');
  await fillIn(page, { email, password });
  expect((await server.api('POST', '/auth/login', { email, password })).status).toBe(200);
  watch.expect({ status: 429, url: '/fn/login' });
  await submit(page, 'Log in');
  await expect(countdown(page)).toBeVisible();
  await expectAccountOf(page, { email, ...user });
  expect(watch.callsTo('/fn/login').map(({ status }) => status)).toEqual([429, 200]);
});

test('form is sent again by itself at most three times', async ({ page, server, watch }) => {
  const user = await createUser(server);
  await logIn(page, user);
  await changeName(page, 'Augusta Ada');
  await expectNameSaved(page, 'Augusta Ada');

  await stopClock(page);
  const start = watch.mark();
  const calls = () => watch.callsTo('/fn/update-profile', start).length;
  watch.expect({ status: 429, url: '/fn/update-profile', times: 5 });
  await changeName(page, 'Ada King');
  for (let sent = 1; sent <= 3; sent++) {
    await expectCountdown(page);
    expect(calls()).toBe(sent);
    const before = await countdown(page).innerText();
    await page.clock.runFor(5_000);
    expect(await countdown(page).innerText(), 'it counts').not.toBe(before);
    await page.clock.runFor(56_000);
    await expect.poll(calls).toBe(sent + 1);
  }
  await expect(refusal(page)).toBeVisible();
  await expect(countdown(page)).toHaveCount(0);
  await page.clock.runFor(120_000);
  expect(calls()).toBe(4);

  // The button works at any time. A press anywhere ends the countdown.
  await submit(page, 'Save name');
  await expect.poll(calls).toBe(5);
  await expectCountdown(page);
  await page.getByRole('heading', { level: 1 }).click();
  await expect(countdown(page)).toHaveCount(0);
  await page.clock.runFor(120_000);
  await expect(refusal(page)).toBeVisible();
  expect(calls()).toBe(5);
});

test('change of a field ends the countdown', async ({ page, server, watch }) => {
  const user = await createUser(server);
  await logIn(page, user);
  await navigateTo(page, 'Password');
  const change = async (from, to) => {
    await page.getByLabel('Current password').fill(from);
    await page.getByLabel('New password').fill(to);
    await submit(page, 'Change password');
  };
  const [first, second] = ['quite another horse battery', 'yet another horse battery'];
  await change(user.password, first);
  await expect(page.getByText('Password changed')).toBeVisible();

  await stopClock(page);
  watch.expect({ status: 429, url: '/fn/change-password' });
  await change(first, second);
  await expectCountdown(page);
  await page.getByLabel('New password').press('End');
  await expect(countdown(page)).toBeVisible();
  await page.getByLabel('New password').press('x');
  await expect(countdown(page)).toHaveCount(0);
  await expect(refusal(page)).toBeVisible();
  await page.clock.runFor(120_000);
  expect(watch.callsTo('/fn/change-password').map(({ status }) => status)).toEqual([200, 429]);
});

test('form is not sent again after more than a minute', async ({ page, server, watch }) => {
  const { email } = newUser();
  await server.api('POST', '/auth/password/forgot', { email });
  await open(page, '/forgot');
  await field.email(page).fill(email);
  await stopClock(page);
  watch.expect({ status: 429, url: '/fn/forgot-password' });
  await submit(page, 'Send the link');
  await expect(refusal(page)).toContainText(/Try again in \d minutes\.$/);
  await page.clock.runFor(1);
  await expect(countdown(page)).toHaveCount(0);
  await page.clock.runFor(600_000);
  expect(watch.callsTo('/fn/forgot-password')).toHaveLength(1);
});
