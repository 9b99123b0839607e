// User actions and expectations. Each action ends when the page shows its result.
import { randomBytes } from 'node:crypto';
import { expect } from '@playwright/test';
import { runsScripts } from './javascript.mjs';
import { mailTo } from './mail.mjs';

/**
 * Data of a user without an account. `test.mjs` recognizes this password and the domain of the
 * email address if they are logged.
 */
export function newUser(name = 'Ada Lovelace') {
  const email = `${name.split(' ')[0].toLowerCase()}-${randomBytes(4).toString('hex')}@example.com`;
  return { name, email, password: 'correct horse battery' };
}

/** Creates an account by the API. `overrides` replace the default data. */
export async function createUser(server, overrides = {}) {
  const user = { ...newUser(overrides.name), ...overrides };
  const { status } = await server.api('POST', '/auth/signup', user);
  expect(status).toBe(201);
  return user;
}

/** User agents of other browsers, for further sessions. */
export const USER_AGENTS = {
  firefox: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0',
  safari:
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 ' +
    '(KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1',
};

/** Creates a session with the user agent of another browser, by the API. */
export async function logInWithUserAgent(server, { email, password }, userAgent) {
  const { ok } = await fetch(`${server.origin}/api/v1/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'user-agent': userAgent },
    body: JSON.stringify({ email, password }),
  });
  expect(ok).toBe(true);
}

/** Requests a password reset by the API. Returns the email, as `mailTo` does. */
export async function requestResetMail(server, { email }) {
  const { status } = await server.api('POST', '/auth/password/forgot', { email });
  expect(status).toBe(202);
  return mailTo(email);
}

/** Waits until the page is hydrated, if it runs scripts. */
export async function waitForHydration(page) {
  if (runsScripts(page)) await expect(page.locator('html')).toHaveAttribute('data-hydrated');
}

export async function open(page, url) {
  const response = await page.goto(url);
  await waitForHydration(page);
  return response;
}

export const field = {
  email: (page) => page.getByLabel('Email address'),
  password: (page) => page.getByLabel('Password', { exact: true }),
  name: (page) => page.getByLabel(/^Name/),
};

export const submit = (page, label) =>
  page.getByRole('main').getByRole('button', { name: label, exact: true }).click();

/** Checks that an action appears 30 s after the page was opened, and goes on to that time. */
export async function expectCooldown(page, action) {
  const remaining = page.getByText('You can ask for another email in .');
  const goTo = (time) =>
    page.evaluate((time) => {
      const isCooldown = ({ animationName }) => animationName?.startsWith('cooldown');
      for (const animation of document.getAnimations().filter(isCooldown)) {
        animation.pause();
        animation.currentTime = time;
      }
    }, time);
  await expect(remaining).toBeVisible();
  await goTo(29_900);
  await expect(remaining).toBeVisible();
  await expect(action).toBeHidden();
  await goTo(30_000);
  await expect(remaining).toBeHidden();
  await expect(action).toBeVisible();
}

export async function fillIn(page, { name, email, password }) {
  if (name !== undefined && (await field.name(page).count())) await field.name(page).fill(name);
  if (email !== undefined) await field.email(page).fill(email);
  if (password !== undefined) await field.password(page).fill(password);
}

/** Opens another account page by the navigation. */
export async function navigateTo(page, name) {
  await page.getByRole('navigation', { name: 'Account pages' }).getByRole('link', { name }).click();
  await expect(page.getByRole('heading', { level: 1, name })).toBeVisible();
  await waitForHydration(page);
}

/** Expects the profile page of `user`. */
export async function expectAccountOf(page, { name, email }) {
  await expect(page).toHaveURL(/\/account(\?|$)/);
  await expect(page.getByRole('heading', { name: 'Profile' })).toBeVisible();
  await expect(page.getByRole('definition').filter({ hasText: email })).toBeVisible();
  await expect(field.name(page)).toHaveValue(name ?? '');
  await waitForHydration(page);
}

export async function signUp(page, user = newUser()) {
  await open(page, '/signup');
  await fillIn(page, user);
  await submit(page, 'Create account');
  await expectAccountOf(page, user);
  return user;
}

/** Fills in and submits the open log-in form, without waiting for a result. */
export async function submitLogIn(page, { email, password }) {
  await fillIn(page, { email, password });
  await submit(page, 'Log in');
}

export async function logIn(page, user) {
  await open(page, '/login');
  await submitLogIn(page, user);
  await expectAccountOf(page, user);
}

/** Opens the user menu in the header and presses its log-out button. */
export async function pressLogOut(page) {
  await page.getByRole('banner').getByRole('button').first().click();
  await page.locator('#menu').getByRole('button', { name: 'Log out', exact: true }).click();
}

/** Logs out from any page with a header. */
export async function logOut(page) {
  await pressLogOut(page);
  await expectLoggedOut(page, "You've logged out.");
}

export async function expectLoggedOut(page, message) {
  await expect(page).toHaveURL(/\/login/);
  await expect(page.getByRole('status').filter({ hasText: message })).toBeVisible();
  await expect(page.getByRole('main').getByRole('link', { name: 'Sign up' })).toBeVisible();
  await waitForHydration(page);
}

export async function changeName(page, name) {
  await field.name(page).fill(name);
  await submit(page, 'Save name');
}

export async function expectNameSaved(page, name) {
  await expect(page.getByText('Name saved.')).toBeVisible();
  await expect(page.getByRole('banner').getByRole('button', { name })).toBeVisible();
  await expect(field.name(page)).toHaveValue(name);
  await waitForHydration(page);
}

/** The token in local or session storage, as written by the app. */
export const storedToken = (page) =>
  page.evaluate(() =>
    JSON.parse(localStorage.getItem('countersign') ?? sessionStorage.getItem('countersign')),
  );

/** Changes properties of the stored token, such as `obtained_at`. */
export const patchStoredToken = (page, changes) =>
  page.evaluate((changes) => {
    const storage = localStorage.countersign ? localStorage : sessionStorage;
    storage.countersign = JSON.stringify({ ...JSON.parse(storage.countersign), ...changes });
  }, changes);

/** The session cookie, if there is one. */
export const sessionCookie = async (context) =>
  (await context.cookies()).find(({ name }) => /^countersign-\d+$/.test(name));

/** The cookies, except for the one with the time zone, which scripts set on every page. */
export const cookiesOf = async (context) =>
  (await context.cookies()).filter(({ name }) => name !== 'countersign-time-zone');

/** Expects that only the device cookie is left, as after a log-out. */
export async function expectOnlyDeviceCookie(context) {
  expect((await cookiesOf(context)).map(({ name }) => name)).toEqual([
    expect.stringMatching(/^countersign-\d+-device$/),
  ]);
}

/** Logs in with "Keep me logged in" on or off. */
export async function logInWithRememberMe(page, user, rememberMe) {
  await open(page, '/login');
  await fillIn(page, { email: user.email, password: user.password });
  await page.getByLabel('Keep me logged in').setChecked(rememberMe);
  await submit(page, 'Log in');
  await expectAccountOf(page, user);
}

/** Expects that no reuse of a refresh token was detected. */
export async function expectNoReuseWarning(page, user) {
  await open(page, '/account');
  await expectAccountOf(page, user);
  await open(page, '/account/activity');
  await expect(
    page.getByRole('main').getByText('Logged in', { exact: true }).first(),
  ).toBeVisible();
  await expect(page.getByText('its session was used in two places')).toHaveCount(0);
}
