// Every page in every state that has a look of its own, by name: what to do with a fresh page to see it.
import { expect } from '@playwright/test';
import { refused } from './address.mjs';
import { fillIn, open, rename, submit } from './steps.mjs';

const at = (address) => (page) => open(page, address);

const after = (page, func, problem) => at(refused(page, func, problem));

/** Calls of this function are never answered, or refused by the network. */
const unanswered = (page, func) => page.route(`**${func}`, () => {});
const cutOff = (page, func) => page.route(`**${func}`, (route) => route.abort());

/** A form of `address`, filled in by label and sent by its button, whose answer never comes. */
const atWork = (address, func, fields, [button, working]) => async (page) => {
  await unanswered(page, func);
  await open(page, address);
  for (const [label, text] of Object.entries(fields)) await page.getByLabel(label, { exact: true }).fill(text);
  await submit(page, button);
  await expect(page.getByRole('button', { name: working })).toBeVisible();
};

/** Another page of the account, by its link. */
const follow = async (page, link) => {
  await open(page, '/account');
  await page.getByRole('link', { name: link }).first().click();
};

/** Such a page, of which `func` reads what it shows: while nothing comes, and where nothing can. */
const loading = (link, func) => async (page) => {
  await unanswered(page, func);
  await follow(page, link);
  await expect(page.getByText('Loading…')).toBeVisible();
};
const notLoaded = (link, func) => async (page) => {
  await cutOff(page, func);
  await follow(page, link);
  await expect(page.getByRole('alert')).toBeVisible();
};

export const strangers = {
  home: at('/'),
  signup: at('/signup'),
  'signup-empty': async (page) => {
    await open(page, '/signup');
    await submit(page, 'Create account');
    await expect(page.locator('[aria-invalid=true]')).toHaveCount(2);
  },
  'signup-typed': async (page) => {
    await open(page, '/signup');
    await fillIn(page, { name: 'Ada Lovelace', email: 'ada@example.com', password: 'correct horse battery' });
    await page.getByRole('button', { name: 'Show password' }).click();
  },
  'signup-taken': after('/signup', '/fn/signup', 'email_taken'),
  login: at('/login'),
  'login-wrong': after('/login', '/fn/login', 'credentials'),
  'login-refused': async (page) => {
    await open(page, '/login');
    await fillIn(page, { email: 'nobody@example.com', password: 'correct horse' });
    await submit(page, 'Log in');
    await expect(page.getByRole('alert')).toContainText('That did not match');
  },
  'login-bye': at('/login?bye'),
  'login-elsewhere': at('/login?elsewhere&next=/account'),
  'login-ended': at('/login?ended&next=/account'),
  'login-busy': after('/login', '/fn/login', 'busy:3'),
  'login-too-many': after('/login', '/fn/login', 'too_many:40'),
  'signup-link-over': after('/signup', '/fn/signup', 'link_over'),
  'signup-working': atWork('/signup', '/fn/signup', { 'E-mail address': 'ada@example.com', Password: 'correct horse' }, ['Create account', 'Creating account…']),
  'login-our-fault': after('/login', '/fn/login', 'internal:01a2047d-26b7-7cc2-a9f3-f72c81007abe'),
  'login-working': atWork('/login', '/fn/login', { 'E-mail address': 'ada@example.com', Password: 'correct horse battery' }, ['Log in', 'Logging in…']),
  'signup-caps-lock': async (page) => {
    await open(page, '/signup');
    await page.getByLabel('Password', { exact: true }).focus();
    await page.locator('#password').evaluate((input) => input.dispatchEvent(new KeyboardEvent('keydown', { key: 'A', modifierCapsLock: true, bubbles: true })));
    await expect(page.getByText('Caps Lock is on')).toBeVisible();
  },
  'not-found': at('/nowhere'),
  // Not of the app: what the server says by itself.
  refusal: async (page) => {
    await page.goto('/fn/nothing');
  },
  'refusal-of-a-method': async (page) => {
    await page.goto('/fn/login');
  },
  'refusal-of-the-api': async (page) => {
    await page.goto('/api/v1/me');
  },
};

/** The same without scripts, where that looks different: what is there only with them takes no room that is missed. */
export const plain = {
  'login-plain': at('/login'),
  'signup-plain': after('/signup', '/fn/signup', 'invalid:email=missing,password=too_short.8'),
};

export const members = {
  'home-member': at('/'),
  account: at('/account'),
  'account-menu': async (page) => {
    await open(page, '/account');
    await page.getByRole('banner').getByRole('button').click();
    await expect(page.locator('#menu')).toBeVisible();
  },
  'account-focus': async (page) => {
    await open(page, '/account');
    await page.getByLabel('Name').focus();
  },
  'account-saved': async (page) => {
    await open(page, '/account');
    await rename(page, 'Augusta Ada');
    await expect(page.getByText('Your name is saved.')).toBeVisible();
  },
  'account-saving': atWork('/account', '/fn/rename', { Name: 'Augusta Ada' }, ['Save name', 'Saving…']),
  'account-name-too-long': after('/account', '/fn/rename', 'invalid:name=too_long.200'),
  'account-someone-else': after('/account', '/fn/rename', 'someone_else'),
  'account-away': async (page) => {
    await open(page, '/account');
    await cutOff(page, '/fn/rename');
    await cutOff(page, '/readyz');
    await rename(page, 'Augusta Ada');
    await expect(page.getByText('The server cannot answer right now.')).toBeVisible();
  },
  'account-offline': async (page) => {
    await open(page, '/account');
    await page.context().setOffline(true);
    await expect(page.getByText('You are offline.')).toBeVisible();
  },
  'account-logging-out': atWork('/account', '/fn/logout', {}, ['Log out', 'Logging out…']),
  'account-not-found': at('/account/nothing'),
  'account-still-in': after('/account', '/fn/logout', 'unavailable'),
  password: at('/account/password'),
  'password-wrong': after('/account/password', '/fn/change-password', 'invalid:current=wrong'),
  'password-working': atWork('/account/password', '/fn/change-password', { 'Current password': 'correct horse battery', 'New password': 'battery horse' }, ['Change password', 'Changing…']),
  'password-saved': at('/account/password?saved'),
  sessions: at('/account/sessions'),
  'sessions-loading': loading('Sessions', '/fn/sessions'),
  'sessions-offline': notLoaded('Sessions', '/fn/sessions'),
  'sessions-ask': async (page) => {
    await open(page, '/account/sessions');
    await page.getByRole('button', { name: 'Log out all other devices' }).click();
    await expect(page.getByRole('dialog')).toBeVisible();
  },
  'sessions-pressed': async (page) => {
    await open(page, '/account/sessions');
    // The next page never comes.
    await page.evaluate(() => document.addEventListener('submit', (event) => event.preventDefault()));
    const button = page.getByRole('main').getByRole('button', { name: 'Log out', exact: true }).first();
    await button.click();
    await expect(button).toHaveAttribute('aria-disabled', 'true');
  },
  'sessions-done': at('/account/sessions?saved'),
  'sessions-gone': after('/account/sessions', '/fn/end-session', 'not_found'),
  activity: at('/account/activity'),
  'activity-older': async (page) => {
    await open(page, '/account');
    const email = await page.getByRole('definition').first().textContent();
    const wrong = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ email, password: 'wrong' }) };
    for (let n = 0; n < 20; n++) await fetch(new URL('/api/v1/auth/login', page.url()), wrong);
    await open(page, '/account/activity');
    await page.getByRole('link', { name: 'Show older' }).click();
    await expect(page.getByRole('link', { name: 'Show newest' })).toBeVisible();
  },
  // A part that begins where the list ends.
  'activity-end': async (page) => {
    await open(page, `/account/activity?cursor=${'A'.repeat(22)}`);
    await expect(page.getByText('There is nothing older.')).toBeVisible();
  },
  'activity-loading': loading('Activity', '/fn/recent-activity'),
  'activity-offline': notLoaded('Activity', '/fn/recent-activity'),
  // The pages of the account are a part of the program that visitors do not load.
  'activity-part-missing': async (page) => {
    await open(page, '/');
    await cutOff(page, '/pkg/split_account*.wasm');
    await page.context().setOffline(true);
    await page.getByRole('main').getByRole('link', { name: 'Your activity' }).click();
    await expect(page.getByRole('heading', { name: 'Activity' })).toBeVisible();
    await expect(page.getByRole('alert')).toContainText('No answer');
    await expect(page.getByRole('navigation', { name: 'Pages of your account' })).toHaveCount(0);
  },
  'activity-spoilt-link': at('/account/activity?cursor=spoilt'),
  data: at('/account/data'),
  'data-delete': at('/account/data?delete'),
  'data-wrong': after('/account/data?delete', '/fn/delete-account', 'invalid:current=wrong'),
  'data-working': atWork('/account/data?delete', '/fn/delete-account', { 'Current password': 'correct horse battery' }, ['Delete account', 'Deleting…']),
  'data-last-admin': after('/account/data?delete', '/fn/delete-account', 'last_admin'),
  'data-kept': at('/account/data?kept'),
  'data-document': async (page) => {
    const document = await page.request.get('/account/data.html');
    await page.goto('about:blank');
    await page.setContent(await document.text());
    await expect(page.getByRole('heading', { name: 'Everything that Countersign stores about you' })).toBeVisible();
  },
};

/** A session of `who` is renewed with a token that was used long ago, as a thief would. */
export async function rob(server, who) {
  const refresh = async (token) => (await server.api('POST', '/auth/refresh', { refresh_token: token })).body.refresh_token;
  const { body } = await server.api('POST', '/auth/login', { email: who.email, password: who.password });
  // So long ago that it cannot be a lost answer.
  let token = body.refresh_token;
  for (let step = 0; step < 3; step++) token = await refresh(token);
  const { status } = await server.api('POST', '/auth/refresh', { refresh_token: body.refresh_token });
  expect(status).toBe(401);
}

/** Of somebody whose session was ended for safety. */
export const robbed = {
  'account-stolen': async (page) => {
    await open(page, '/account');
    await expect(page.getByText('One of your sessions was ended for safety')).toBeVisible();
  },
};

/** `who` asks for their account to be deleted. `tokens`: of the session that asks, which goes on. */
export async function leave(server, who, tokens) {
  const { status } = await server.api('POST', '/me/deletion', { current: who.password }, tokens.access_token);
  expect(status).toBe(200);
}

/** Of somebody who is about to leave. */
export const leavers = {
  'leaving-account': at('/account'),
  'leaving-data': at('/account/data'),
  'leaving-still': after('/account', '/fn/keep-account', 'unavailable'),
};

/** Of somebody who gave no name, and has no other devices any more. */
export const newcomers = {
  'home-nameless': at('/'),
  'account-nameless': at('/account'),
  'sessions-alone': async (page) => {
    await open(page, '/account/sessions');
    await page.getByRole('button', { name: 'Log out all other devices' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Log out all other devices' }).click();
    await expect(page.getByRole('button', { name: 'Log out all other devices' })).toHaveCount(0);
  },
};

/** A page as the server renders it while the database is away. Whoever looks at it lets the database come back. */
const without = (address, says) => async (page, database) => {
  await cutOff(page, '/readyz');
  database.leave();
  await open(page, address);
  await expect(page.getByText('The server cannot answer right now.')).toBeVisible();
  if (says) await expect(page.getByRole('alert')).toContainText(says);
};

const NOT_NOW = 'Not available right now';

/** Of somebody who is logged in, as the database goes away. */
export const stranded = {
  'home-stranded': without('/'),
  'login-stranded': without('/login'),
  'account-stranded': without('/account', NOT_NOW),
  'password-stranded': without('/account/password', NOT_NOW),
  'activity-stranded': without('/account/activity', NOT_NOW),
  'sessions-stranded': without('/account/sessions', NOT_NOW),
  'data-stranded': without('/account/data', NOT_NOW),
};

/** The laboratory does by itself what a state needs; it has come to it when `shows` is there. */
const inLaboratory = (state, shows) => async (page) => {
  await open(page, state ? `/lab?show=${state}` : '/lab');
  await shows(page);
};

/** Every component in every state. Only a build for development has these pages. */
export const laboratory = {
  lab: inLaboratory('', (page) => expect(page.getByRole('button', { name: 'Call five times' })).toBeVisible()),
  'lab-filled': inLaboratory('filled', async (page) => {
    await expect(page.getByText('Caps Lock is on')).toBeVisible();
    await expect(page.getByText('Long enough, but 15 are better.')).toBeVisible();
    await expect(page.getByText('Long enough. Avoid common phrases.')).toBeVisible();
    await expect(page.getByRole('button', { name: 'Hide password' })).toHaveCount(1);
    await expect(page.getByRole('checkbox')).not.toBeChecked();
  }),
  'lab-faults': inLaboratory('faults', (page) => expect(page.locator('[aria-invalid=true]')).toHaveCount(4)),
  'lab-refused': inLaboratory('refused', (page) => expect(page.getByRole('alert')).toHaveCount(6)),
  'lab-work': inLaboratory('work', async (page) => {
    await expect(page.getByRole('main').getByRole('button', { disabled: true })).toHaveCount(5);
    await expect(page.getByRole('main')).toHaveAttribute('aria-busy', 'true');
  }),
  'lab-dialog': inLaboratory('dialog', (page) => expect(page.getByRole('dialog', { name: 'Really?' })).toBeFocused()),
  'lab-menu': inLaboratory('menu', (page) => expect(page.getByText('Of nobody')).toBeVisible()),
  'lab-offline': inLaboratory('offline', (page) => expect(page.getByText('You are offline.')).toBeVisible()),
  'lab-away': inLaboratory('away', (page) => expect(page.getByText('The server cannot answer right now.')).toBeVisible()),
};
