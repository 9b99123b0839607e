// What people do, as verbs. Each ends when the page shows that it is done.
import { randomBytes } from 'node:crypto';
import { expect } from '@playwright/test';
import { runsScripts } from './scripts.mjs';

/** Somebody new. (`test.mjs` knows what may not be logged by how the password and the address look.) */
export function person(name = 'Ada Lovelace') {
  const email = `${name.split(' ')[0].toLowerCase()}-${randomBytes(4).toString('hex')}@example.com`;
  return { name, email, password: 'correct horse battery' };
}

/** Somebody who has an account already; `as` is what differs from the usual. */
export async function member(server, as = {}) {
  const who = { ...person(as.name), ...as };
  const { status } = await server.api('POST', '/auth/signup', who);
  expect(status).toBe(201);
  return who;
}

/** Waits until clicks are ours, where scripts run. */
export async function ready(page) {
  if (runsScripts(page)) await expect(page.locator('html')).toHaveAttribute('data-hydrated');
}

export async function open(page, address) {
  const answer = await page.goto(address);
  await ready(page);
  return answer;
}

export const field = {
  email: (page) => page.getByLabel('E-mail address'),
  password: (page) => page.getByLabel('Password', { exact: true }),
  name: (page) => page.getByLabel(/^Name/),
};

export const submit = (page, words) => page.getByRole('main').getByRole('button', { name: words, exact: true }).click();

export async function fillIn(page, { name, email, password }) {
  if (name !== undefined && (await field.name(page).count())) await field.name(page).fill(name);
  if (email !== undefined) await field.email(page).fill(email);
  if (password !== undefined) await field.password(page).fill(password);
}

/** By the navigation beside the pages of the account. */
export async function goTo(page, name) {
  await page.getByRole('navigation', { name: 'Pages of your account' }).getByRole('link', { name }).click();
  await expect(page.getByRole('heading', { level: 1, name })).toBeVisible();
  await ready(page);
}

/** Shows whose account it is. */
export async function seesAccountOf(page, { name, email }) {
  await expect(page).toHaveURL(/\/account(\?|$)/);
  await expect(page.getByRole('heading', { name: 'Profile' })).toBeVisible();
  await expect(page.getByRole('definition').filter({ hasText: email })).toBeVisible();
  await expect(field.name(page)).toHaveValue(name ?? '');
  await ready(page);
}

export async function signUp(page, who = person()) {
  await open(page, '/signup');
  await fillIn(page, who);
  await submit(page, 'Create account');
  await seesAccountOf(page, who);
  return who;
}

/** On the log-in page, wherever that leads. */
export async function sendLogIn(page, { email, password }) {
  await fillIn(page, { email, password });
  await submit(page, 'Log in');
}

export async function logIn(page, who) {
  await open(page, '/login');
  await sendLogIn(page, who);
  await seesAccountOf(page, who);
}

/** On the page of the profile. */
export async function logOut(page) {
  await submit(page, 'Log out');
  await isLoggedOut(page, 'You are logged out.');
}

export async function isLoggedOut(page, words) {
  await expect(page).toHaveURL(/\/login/);
  await expect(page.getByRole('status').filter({ hasText: words })).toBeVisible();
  await expect(page.getByRole('banner').getByRole('link', { name: 'Sign up' })).toBeVisible();
  await ready(page);
}

export async function rename(page, name) {
  await field.name(page).fill(name);
  await submit(page, 'Save name');
}

export async function isSaved(page, name) {
  await expect(page.getByText('Your name is saved.')).toBeVisible();
  await expect(page.getByRole('banner').getByRole('button', { name })).toBeVisible();
  await expect(field.name(page)).toHaveValue(name);
  await ready(page);
}

/** What this browser keeps in storage, or this tab, as the app wrote it. */
export const kept = (page) => page.evaluate(() => JSON.parse(localStorage.getItem('countersign') ?? sessionStorage.getItem('countersign')));

/** Makes the browser believe something else of the token that it keeps. */
export const pretend = (page, changes) =>
  page.evaluate((changes) => {
    const storage = localStorage.countersign ? localStorage : sessionStorage;
    storage.countersign = JSON.stringify({ ...JSON.parse(storage.countersign), ...changes });
  }, changes);

/** The refresh cookie, if there is one. */
export const sessionCookie = async (context) => (await context.cookies()).find(({ name }) => /^countersign-\d+$/.test(name));

/** What is left of somebody who is logged out: that the browser is known, and by which key to its owner's lane. */
export async function onlyKnown(context) {
  expect((await context.cookies()).map(({ name }) => name)).toEqual([expect.stringMatching(/^countersign-\d+-device$/)]);
}

/** Logs in, for longer than the browser is open or not. */
export async function logInFor(page, who, keep) {
  await open(page, '/login');
  await fillIn(page, { email: who.email, password: who.password });
  await page.getByLabel('Keep me logged in').setChecked(keep);
  await submit(page, 'Log in');
  await seesAccountOf(page, who);
}

/** Nobody was taken for a thief. */
export async function noAlarm(page, who) {
  await open(page, '/account');
  await seesAccountOf(page, who);
  await open(page, '/account/activity');
  await expect(page.getByRole('main').getByText('Logged in', { exact: true }).first()).toBeVisible();
  await expect(page.getByText('its key was used twice')).toHaveCount(0);
}
