// Every page in every visually distinct state. Each entry maps a name to a function that brings a
// new page into that state.
import { expect } from '@playwright/test';
import { formErrorUrl } from './urls.mjs';
import {
  USER_AGENTS,
  changeName,
  fillIn,
  logInWithUserAgent,
  open,
  pressLogOut,
  requestResetMail,
  submit,
} from './actions.mjs';
import { mailTo } from './mail.mjs';

const at = (url) => (page) => open(page, url);

/** The page as it is after its form was rejected with `problem`. */
const rejected = (page, func, problem) => at(formErrorUrl(page, func, problem));

/** Requests to this server function never get a response. */
const stall = (page, func) => page.route(`**${func}`, () => {});

/** Requests to this server function fail with a network error. */
const abort = (page, func) => page.route(`**${func}`, (route) => route.abort());

/** The form at `url` while it waits for a response. `fields`: values by label. */
const sending =
  (url, func, fields, [button, busyLabel]) =>
  async (page) => {
    await stall(page, func);
    await open(page, url);
    for (const [label, text] of Object.entries(fields))
      await page.getByLabel(label, { exact: true }).fill(text);
    await submit(page, button);
    await expect(page.getByRole('button', { name: busyLabel })).toBeVisible();
  };

/** The page for the code from an email. No link has this id. */
export const SENT_PAGE = '/forgot?sent=01a2047d-26b7-7cc2-a9f3-f72c81007abe';

/** Pages for an anonymous client. */
export const anonymousStates = {
  home: at('/'),
  signup: at('/signup'),
  'signup-empty': async (page) => {
    await open(page, '/signup');
    await submit(page, 'Create account');
    await expect(page.locator('[aria-invalid=true]')).toHaveCount(2);
  },
  'signup-filled': async (page) => {
    await open(page, '/signup');
    await fillIn(page, {
      name: 'Ada Lovelace',
      email: 'ada@example.com',
      password: 'correct horse battery',
    });
    await page.getByRole('button', { name: 'Show password' }).click();
  },
  'signup-taken': rejected('/signup', '/fn/signup', 'email_taken'),
  login: at('/login'),
  'login-wrong-password': rejected('/login', '/fn/login', 'invalid_credentials'),
  'login-rejected': async (page) => {
    await open(page, '/login');
    await fillIn(page, { email: 'unknown@example.com', password: 'correct horse' });
    await submit(page, 'Log in');
    await expect(page.getByRole('alert')).toContainText('Incorrect email address or password');
  },
  'login-logged-out': at('/login?bye'),
  'login-logged-out-elsewhere': at('/login?elsewhere&next=/account'),
  'login-session-ended': at('/login?ended&next=/account'),
  'login-password-reset': at('/login?reset'),
  'login-overloaded': rejected('/login', '/fn/login', 'overloaded:3'),
  'login-rate-limited': rejected('/login', '/fn/login', 'rate_limited:40'),
  'signup-link-expired': rejected('/signup', '/fn/signup', 'link_expired'),
  'signup-sending': sending(
    '/signup',
    '/fn/signup',
    { 'Email address': 'ada@example.com', Password: 'correct horse' },
    ['Create account', 'Creating account…'],
  ),
  'login-internal-error': rejected(
    '/login',
    '/fn/login',
    'internal:01a2047d-26b7-7cc2-a9f3-f72c81007abe',
  ),
  'login-sending': sending(
    '/login',
    '/fn/login',
    { 'Email address': 'ada@example.com', Password: 'correct horse battery' },
    ['Log in', 'Logging in…'],
  ),
  'signup-caps-lock': async (page) => {
    await open(page, '/signup');
    await page.getByLabel('Password', { exact: true }).focus();
    await page
      .locator('#password')
      .evaluate((input) =>
        input.dispatchEvent(
          new KeyboardEvent('keydown', { key: 'A', modifierCapsLock: true, bubbles: true }),
        ),
      );
    await expect(page.getByText('Caps Lock is on')).toBeVisible();
  },
  forgot: at('/forgot'),
  'forgot-empty': async (page) => {
    await open(page, '/forgot');
    await submit(page, 'Send the link');
    await expect(page.locator('[aria-invalid=true]')).toHaveCount(1);
  },
  'forgot-sending': sending(
    '/forgot',
    '/fn/forgot-password',
    { 'Email address': 'ada@example.com' },
    ['Send the link', 'Sending…'],
  ),
  'forgot-mail-disabled': rejected('/forgot', '/fn/forgot-password', 'mail_disabled'),
  'forgot-sent': at(SENT_PAGE),
  'forgot-sent-wrong-code': rejected(SENT_PAGE, '/fn/enter-code', 'invalid_fields:code=incorrect'),
  'forgot-sent-too-many-tries': rejected(
    SENT_PAGE,
    '/fn/enter-code',
    'invalid_fields:code=expired',
  ),
  'forgot-sent-checking': async (page) => {
    await stall(page, '/fn/enter-code');
    await open(page, SENT_PAGE);
    await page.getByLabel('Code from the email').fill('419 203');
    await expect(page.getByRole('button', { name: 'Checking…' })).toBeVisible();
  },
  'reset-link-expired': at('/reset'),
  'secure-link-expired': at('/secure'),
  'confirm-link-expired': at('/confirm'),
  verify: at('/verify'),
  'verify-sent-again': at('/verify?sent'),
  'verify-wrong-code': rejected('/verify', '/fn/verify-email', 'invalid_fields:code=incorrect'),
  'not-found': at('/nowhere'),
  // Error pages of the server, outside the app.
  'error-page': async (page) => {
    await page.goto('/fn/nothing');
  },
  'error-page-method': async (page) => {
    await page.goto('/fn/login');
  },
  'error-page-api': async (page) => {
    await page.goto('/api/v1/me');
  },
};

/** Returns valid links from emails to `user`, for `linkStates`. Opening a link does not use it. */
export async function requestLinks(server, user) {
  await logInWithUserAgent(server, user, USER_AGENTS.firefox);
  const secure = (await mailTo(user.email)).link;
  const reset = (await requestResetMail(server, user)).link;
  return { reset, secure };
}

/** Pages for an anonymous client with links from emails. */
export const linkStates = {
  reset: (page, { reset }) => open(page, reset),
  'reset-too-short': async (page, { reset }) => {
    await open(page, reset);
    await page.getByLabel('New password').fill('short');
    await submit(page, 'Save and log out everywhere');
    await expect(page.locator('[aria-invalid=true]')).toHaveCount(1);
  },
  'reset-link-expired-meanwhile': async (page, { reset }) => {
    await open(page, reset);
    await open(page, formErrorUrl('/reset', '/fn/reset-password', 'link_expired'));
  },
  'reset-saving': async (page, { reset }) => {
    await stall(page, '/fn/reset-password');
    await open(page, reset);
    await page.getByLabel('New password').fill('quite another horse battery');
    await submit(page, 'Save and log out everywhere');
    await expect(page.getByRole('button', { name: 'Saving…' })).toBeVisible();
  },
  secure: (page, { secure }) => open(page, secure),
  'secure-failed': async (page, { secure }) => {
    await open(page, secure);
    await open(page, formErrorUrl('/secure', '/fn/secure-account', 'unavailable'));
  },
};

/** Pages that look different without scripts. */
export const scriptlessStates = {
  'login-scriptless': at('/login'),
  'signup-scriptless': rejected(
    '/signup',
    '/fn/signup',
    'invalid_fields:email=missing,password=too_short.8',
  ),
};

/** Pages for a logged-in user. */
export const userStates = {
  'home-logged-in': at('/'),
  'login-logged-in': at('/login?next=/account/activity'),
  'confirm-password': at('/account/confirm-password?next=/account/data'),
  'confirm-password-incorrect': rejected(
    '/account/confirm-password',
    '/fn/confirm-password',
    'invalid_fields:current_password=incorrect',
  ),
  account: at('/account'),
  'account-welcome': at('/account?welcome'),
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
    // Another name than that of the last screenshot, which would leave nothing to save.
    const current = await page.getByLabel('Name').inputValue();
    await changeName(page, current === 'Augusta Ada' ? 'Ada Lovelace' : 'Augusta Ada');
    await expect(page.getByText('Name saved.')).toBeVisible();
  },
  'account-saving': sending('/account', '/fn/update-profile', { Name: 'Augusta Ada' }, [
    'Save name',
    'Saving…',
  ]),
  'account-name-too-long': rejected(
    '/account',
    '/fn/update-profile',
    'invalid_fields:name=too_long.200',
  ),
  'account-other-user': rejected('/account', '/fn/update-profile', 'session_mismatch'),
  'account-server-unavailable': async (page) => {
    await open(page, '/account');
    await abort(page, '/fn/update-profile');
    await abort(page, '/readyz');
    await changeName(page, 'Augusta Ada');
    await expect(page.getByText("We can't reach the server right now.")).toBeVisible();
  },
  'account-offline': async (page) => {
    await open(page, '/account');
    await page.context().setOffline(true);
    await expect(page.getByText("You're offline.")).toBeVisible();
  },
  'account-logging-out': async (page) => {
    await stall(page, '/fn/logout');
    await open(page, '/account');
    await pressLogOut(page);
    await expect(page.getByRole('button', { name: 'Logging out…' })).toBeVisible();
  },
  'account-not-found': at('/account/nothing'),
  'account-log-out-failed': rejected('/account', '/fn/logout', 'unavailable'),
  email: at('/account/email'),
  'email-incorrect-password': rejected(
    '/account/email',
    '/fn/request-email-change',
    'invalid_fields:current_password=incorrect',
  ),
  'email-changing': async (page) => {
    await open(page, '/account/email');
    const email = `${crypto.randomUUID()}@example.com`;
    await page.getByLabel('New email address').fill(email);
    await page.getByLabel('Current password').fill('correct horse battery');
    await submit(page, 'Send a code');
    await expect(page).toHaveURL('/account/email?sent');
    await open(page, '/account/email');
    await expect(page.getByText(`You asked to change it to ${email}.`)).toBeVisible();
  },
  'email-code': at('/account/email?sent'),
  'email-confirmed': at('/account/email?saved'),
  password: at('/account/password'),
  'password-incorrect': rejected(
    '/account/password',
    '/fn/change-password',
    'invalid_fields:current_password=incorrect',
  ),
  'password-sending': sending(
    '/account/password',
    '/fn/change-password',
    { 'Current password': 'correct horse battery', 'New password': 'battery horse' },
    ['Change password', 'Changing…'],
  ),
  'password-saved': at('/account/password?saved'),
  sessions: at('/account/devices'),
  'sessions-dialog': async (page) => {
    await open(page, '/account/devices');
    await page.getByRole('button', { name: 'Log out all other devices' }).click();
    await expect(page.getByRole('dialog')).toBeVisible();
  },
  'sessions-revoking': async (page) => {
    await stall(page, '/fn/revoke-session');
    await open(page, '/account/devices');
    // Keeps the page, as if the response never arrived.
    await page.evaluate(() => addEventListener('submit', (event) => event.preventDefault()));
    const button = page
      .getByRole('main')
      .getByRole('button', { name: 'Log out', exact: true })
      .first();
    await button.click();
    await expect(button).toHaveAttribute('aria-disabled', 'true');
  },
  'sessions-revoked': at('/account/devices?saved'),
  'sessions-not-found': rejected('/account/devices', '/fn/revoke-session', 'not_found'),
  activity: at('/account/activity'),
  'activity-older': async (page) => {
    await open(page, '/account');
    const email = await page.getByRole('definition').locator('span').first().textContent();
    const wrong = {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email, password: 'wrong' }),
    };
    for (let n = 0; n < 20; n++) await fetch(new URL('/api/v1/auth/login', page.url()), wrong);
    await open(page, '/account/activity');
    await page.getByRole('link', { name: 'Show older' }).click();
    await expect(page.getByRole('link', { name: 'Back to newest' })).toBeVisible();
  },
  // A cursor after the last event.
  'activity-end': async (page) => {
    await open(page, `/account/activity?cursor=${'A'.repeat(22)}`);
    await expect(page.getByText("That's everything.")).toBeVisible();
  },
  'activity-warnings': at('/account/activity?show=warnings'),
  'activity-invalid-cursor': at('/account/activity?cursor=spoilt'),
  data: at('/account/data'),
  'data-confirmed': at('/account/data?confirmed'),
  'data-delete': at('/account/data?delete'),
  'data-wrong-password': rejected(
    '/account/data?delete',
    '/fn/delete-account',
    'invalid_fields:current_password=incorrect',
  ),
  'data-sending': sending(
    '/account/data?delete',
    '/fn/delete-account',
    { 'Current password': 'correct horse battery' },
    ['Delete account', 'Deleting…'],
  ),
  'data-last-admin': rejected('/account/data?delete', '/fn/delete-account', 'last_admin'),
  'data-deletion-cancelled': at('/account/data?kept'),
  'data-document': async (page) => {
    const document = await page.request.get('/account/data.html');
    await page.goto('about:blank');
    await page.setContent(await document.text());
    await expect(
      page.getByRole('heading', { name: 'Everything Countersign stores about you' }),
    ).toBeVisible();
  },
};

/** Reuses an old refresh token of `user`, as an attacker with a stolen token would. */
export async function reuseRefreshToken(server, user) {
  const refresh = async (token) =>
    (await server.api('POST', '/auth/refresh', { refresh_token: token })).body.refresh_token;
  const { body } = await server.api('POST', '/auth/login', {
    email: user.email,
    password: user.password,
  });
  // Several generations behind, so it cannot be a retry after a lost response.
  let token = body.refresh_token;
  for (let generation = 0; generation < 3; generation++) token = await refresh(token);
  const { status } = await server.api('POST', '/auth/refresh', {
    refresh_token: body.refresh_token,
  });
  expect(status).toBe(401);
}

/** Pages for a user whose session was revoked because of refresh token reuse. */
export const reuseStates = {
  'account-reuse-detected': async (page) => {
    await open(page, '/account');
    await expect(page.getByText('We logged out one of your devices to be safe')).toBeVisible();
  },
};

/** Schedules the deletion of the account. `tokens` are those of a session, which stays active. */
export async function scheduleDeletion(server, user, tokens) {
  const { status } = await server.api(
    'POST',
    '/me/deletion',
    { current_password: user.password },
    tokens.access_token,
  );
  expect(status).toBe(200);
}

/** Pages for a user whose account is scheduled for deletion. */
export const deletionStates = {
  'deletion-account': at('/account'),
  'deletion-data': at('/account/data'),
  'deletion-cancel-failed': rejected('/account', '/fn/cancel-deletion', 'unavailable'),
};

/** Pages for a user without a display name and with a single session. */
export const minimalStates = {
  'home-no-name': at('/'),
  'account-no-name': at('/account'),
  'sessions-single': async (page) => {
    await open(page, '/account/devices');
    await page.getByRole('button', { name: 'Log out all other devices' }).click();
    await page
      .getByRole('dialog')
      .getByRole('button', { name: 'Log out all other devices' })
      .click();
    await expect(page.getByRole('button', { name: 'Log out all other devices' })).toHaveCount(0);
  },
};

/** A page rendered during a database outage. The caller must reconnect the database. */
const duringOutage = (url, message) => async (page, database) => {
  await abort(page, '/readyz');
  database.disconnect();
  await open(page, url);
  await expect(page.getByText("We can't reach the server right now.")).toBeVisible();
  if (message) await expect(page.getByRole('alert')).toContainText(message);
};

const NOT_AVAILABLE = 'Temporarily unavailable';

/** Pages for a logged-in user during a database outage. */
export const outageStates = {
  'home-outage': duringOutage('/'),
  'login-outage': duringOutage('/login'),
  'account-outage': duringOutage('/account', NOT_AVAILABLE),
  'password-outage': duringOutage('/account/password', NOT_AVAILABLE),
  'activity-outage': duringOutage('/account/activity', NOT_AVAILABLE),
  'sessions-outage': duringOutage('/account/devices', NOT_AVAILABLE),
  'data-outage': duringOutage('/account/data', NOT_AVAILABLE),
};

/** The pages of the component gallery. */
export const galleryPages = {
  'gallery-tokens': at('/gallery'),
  'gallery-entry': at('/gallery?show=TextField'),
  'gallery-brand': at('/gallery/brand'),
};

/** The gallery enters a state by itself; `isShown` waits until it has. */
const showGallery = (state, isShown) => async (page) => {
  await open(page, `/gallery?state=${state}`);
  await isShown(page);
};

/** The component gallery in every state. Only development builds have them. */
export const galleryStates = {
  gallery: showGallery('idle', (page) =>
    expect(page.getByRole('button', { name: 'Call five times' })).toBeVisible(),
  ),
  'gallery-filled': showGallery('filled', async (page) => {
    await expect(page.getByText('Caps Lock is on')).toBeVisible();
    await expect(page.getByText('Long enough. 15 or more is safer.')).toBeVisible();
    await expect(page.getByText('Long enough. Avoid common phrases.')).toBeVisible();
    await expect(page.getByRole('button', { name: 'Hide password' })).toHaveCount(1);
    await expect(page.getByRole('checkbox')).not.toBeChecked();
  }),
  'gallery-errors': showGallery('errors', (page) =>
    expect(page.locator('[aria-invalid=true]')).toHaveCount(4),
  ),
  'gallery-rejected': showGallery('refused', (page) =>
    expect(page.getByRole('alert')).toHaveCount(6),
  ),
  'gallery-busy': showGallery('busy', async (page) => {
    await expect(page.getByRole('main').getByRole('button', { disabled: true })).toHaveCount(5);
  }),
  'gallery-dialog': showGallery('dialog', (page) =>
    expect(page.getByRole('dialog', { name: 'Really?' })).toBeFocused(),
  ),
  'gallery-menu': showGallery('menu', (page) =>
    expect(page.getByText('Example user')).toBeVisible(),
  ),
  'gallery-offline': showGallery('offline', (page) =>
    expect(page.getByText("You're offline.")).toBeVisible(),
  ),
  'gallery-server-unavailable': showGallery('unreachable', (page) =>
    expect(page.getByText("We can't reach the server right now.")).toBeVisible(),
  ),
};
