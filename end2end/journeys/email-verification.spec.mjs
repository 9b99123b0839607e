// Verifying the email address at sign-up, and changing it.
import { mailTo } from '../support/mail.mjs';
import { sendAttemptsTo } from '../support/mail-server.mjs';
import {
  expectAccountOf,
  expectCooldown,
  expectLoggedOut,
  fillIn,
  logIn,
  navigateTo,
  newUser,
  open,
  submit,
  submitLogIn,
  waitForHydration,
} from '../support/actions.mjs';
import { expect, test, withAndWithoutScripts } from '../support/test.mjs';

test.use({ settings: { COUNTERSIGN_VERIFICATION: 'required' } });

const OTHER_PASSWORD = 'quite another horse battery';
const codeField = (page) => page.getByLabel('Code from the email');
const digits = ({ code }) => code.replace(' ', '');
const wrongCode = (mail) => String((Number(digits(mail)) + 1) % 1_000_000).padStart(6, '0');

/** Fills in and sends the sign-up form, up to the page for the code. */
async function beginSignUp(page, user, url = '/signup') {
  await open(page, url);
  await fillIn(page, user);
  await submit(page, 'Create account');
  await expectCodePage(page);
}

async function expectCodePage(page) {
  await expect(page).toHaveURL(/\/verify(\?|$)/);
  await expect(page.getByRole('heading', { level: 1, name: 'Check your email' })).toBeVisible();
  await waitForHydration(page);
}

/** Types a code. Scripts send it when it is complete. */
async function enterCode(page, scripts, code, button = 'Confirm') {
  // Chromium logs a message if the field gets the focus before the browser has set it.
  await expect(codeField(page)).toBeFocused();
  await codeField(page).fill(code);
  if (!scripts) await submit(page, button);
}

/** Signs up with the code from the email. */
async function signUp(page, scripts, user = newUser()) {
  await beginSignUp(page, user);
  await enterCode(page, scripts, digits(await mailTo(user.email)));
  await expectAccountOf(page, user);
  return user;
}

async function expectConfirmPageOf(page, email) {
  await expect(page).toHaveURL('/confirm');
  await expect(
    page.getByRole('heading', { level: 1, name: 'Confirm your email address' }),
  ).toBeVisible();
  await expect(page.getByText(`For ${email}`)).toBeVisible();
  await waitForHydration(page);
}

/** Asks for a new address, up to the page for the code. */
async function requestChange(page, user, email) {
  await navigateTo(page, 'Email address');
  await page.getByLabel('New email address').fill(email);
  await page.getByLabel('Current password').fill(user.password);
  await submit(page, 'Send a code');
  await expect(page).toHaveURL('/account/email?sent');
  await waitForHydration(page);
}

withAndWithoutScripts((scripts) => {
  const otherBrowser = async (newBrowser) =>
    (await newBrowser({ javaScriptEnabled: scripts })).newPage();

  test('new account opens with the code and continues where it was going', async ({
    page,
    server,
    watch,
  }) => {
    const user = newUser();
    await beginSignUp(page, user, '/signup?next=/account/devices');
    const mail = await mailTo(user.email);
    expect(mail.subject).toBe(`Your code is ${mail.code} – finish signing up`);
    const { email, password } = user;
    const { status } = await server.api('POST', '/auth/login', { email, password });
    expect(status, 'no account yet').toBe(401);

    if (scripts) watch.expect({ status: 422, url: '/fn/verify-email' });
    await enterCode(page, scripts, wrongCode(mail));
    await expect(page.locator('#code-hint')).toHaveText("That code isn't right.");
    await expect(codeField(page)).toBeFocused();
    await codeField(page).fill(digits(mail));
    await submit(page, 'Confirm');
    await expect(page).toHaveURL('/account/devices');
    await expect(page.getByText('This device')).toBeVisible();
    await open(page, '/account');
    await expectAccountOf(page, user);
  });

  test('link opens the account in the same browser', async ({ page }) => {
    const user = newUser();
    await beginSignUp(page, user);
    const { link } = await mailTo(user.email);
    await open(page, link);
    await expectConfirmPageOf(page, user.email);
    await submit(page, 'Confirm email address');
    await expectAccountOf(page, user);
    await expect(page.getByRole('heading', { name: 'Welcome, Ada Lovelace.' })).toBeVisible();
    await open(page, link);
    await expect(page.getByRole('alert')).toContainText('This link no longer works');
  });

  test('link in another browser asks for a new password', async ({ newBrowser, page, server }) => {
    const user = newUser();
    await beginSignUp(page, user);
    const mail = await mailTo(user.email);
    const other = await otherBrowser(newBrowser);
    await open(other, mail.link);
    await expectConfirmPageOf(other, user.email);
    await other.getByLabel('New password').fill(OTHER_PASSWORD);
    await submit(other, 'Create account');
    await expectAccountOf(other, { email: user.email });

    const passwords = [user.password, OTHER_PASSWORD];
    const attempts = passwords.map((password) =>
      server.api('POST', '/auth/login', { email: user.email, password }),
    );
    expect((await Promise.all(attempts)).map(({ status }) => status)).toEqual([401, 200]);
  });

  test('taken address shows the same page, and its owner gets an email', async ({
    newBrowser,
    page,
  }) => {
    const owner = await signUp(page, scripts);
    const [other, free] = [await otherBrowser(newBrowser), newUser()];
    const pages = [];
    for (const user of [{ ...owner, password: OTHER_PASSWORD }, free]) {
      await beginSignUp(other, user);
      pages.push({ url: other.url(), text: await other.getByRole('main').innerText() });
    }
    expect(pages[0]).toEqual(pages[1]);
    await mailTo(free.email);
    const notice = await mailTo(owner.email);
    expect(notice.subject).toBe('You already have an account');
    expect(notice.text).toContain('/login');
    expect(notice.text).toContain('/forgot');
    expect(notice.html).not.toContain('/link?token=');
  });

  test('another email is sent, and only its code works', async ({ page, watch }) => {
    const user = newUser();
    await beginSignUp(page, user);
    const first = await mailTo(user.email);
    await expectCooldown(page, page.getByRole('button', { name: 'Send another' }));
    await submit(page, 'Send another');
    await expect(page).toHaveURL('/verify?sent');
    await expect(page.getByText('Only the newest code works.')).toBeVisible();
    await waitForHydration(page);
    const second = await mailTo(user.email);
    if (digits(first) !== digits(second)) {
      if (scripts) watch.expect({ status: 422, url: '/fn/verify-email' });
      await enterCode(page, scripts, digits(first));
      await expect(page.locator('#code-hint')).toHaveText("That code isn't right.");
      await expect(codeField(page)).toBeFocused();
      await codeField(page).fill(digits(second));
      await submit(page, 'Confirm');
    } else {
      await enterCode(page, scripts, digits(second));
    }
    await expectAccountOf(page, user);
  });

  test('code without a sign-up in this browser is refused', async ({ page, watch }) => {
    if (scripts) watch.expect({ status: 410, url: '/fn/verify-email' });
    await open(page, '/verify');
    await enterCode(page, scripts, '123456');
    await expect(page.getByRole('alert').first()).toContainText('This link no longer works');
    await page.getByRole('link', { name: 'Change it' }).click();
    await expect(page.getByRole('heading', { name: 'Create your account' })).toBeVisible();
  });

  test('address changes with the code, and its previous owner takes it back', async ({
    newBrowser,
    page,
    server,
  }) => {
    const user = await signUp(page, scripts);
    const { email } = newUser('Grace Hopper');
    await requestChange(page, user, email);
    const mail = await mailTo(email);
    expect(mail.subject).toBe(`Your code is ${mail.code} – confirm your new email address`);
    await enterCode(page, scripts, digits(mail));
    await expect(page).toHaveURL(/\/account\/email(\?saved)?$/);
    await expect(page.getByText('Your email address is confirmed.')).toBeVisible();
    await expect(page.getByText(`Your address is ${email}.`)).toBeVisible();
    const notice = await mailTo(user.email);
    expect(notice.subject).toBe('Your email address was changed');
    expect(notice.text).toContain(email);

    const owner = await otherBrowser(newBrowser);
    await open(owner, notice.link);
    await expect(owner).toHaveURL('/secure');
    await expect(owner.getByText(`For ${user.email}`)).toBeVisible();
    await waitForHydration(owner);
    await submit(owner, 'Log out and continue');
    await expect(owner).toHaveURL('/reset');
    await expect(owner.getByText(`For ${user.email}`)).toBeVisible();
    await waitForHydration(owner);
    await owner.getByLabel('New password').fill(OTHER_PASSWORD);
    await submit(owner, 'Save and log out everywhere');
    await expectLoggedOut(owner, 'Your password has been changed');
    await logIn(owner, { ...user, password: OTHER_PASSWORD });
    const refused = { email, password: OTHER_PASSWORD };
    expect((await server.api('POST', '/auth/login', refused)).status).toBe(401);
    await open(page, '/account');
    await expectLoggedOut(page, "You've been logged out.");
  });

  test('link to a new address is used after a log-in', async ({ newBrowser, page }) => {
    const user = await signUp(page, scripts);
    const { email } = newUser('Grace Hopper');
    await requestChange(page, user, email);
    const { link } = await mailTo(email);
    const other = await otherBrowser(newBrowser);
    await open(other, link);
    await expectConfirmPageOf(other, email);
    await other.getByRole('main').getByRole('link', { name: 'Log in' }).click();
    await expect(other).toHaveURL('/login?next=/confirm');
    await waitForHydration(other);
    await submitLogIn(other, user);
    await expectConfirmPageOf(other, email);
    await submit(other, 'Confirm email address');
    await expect(other).toHaveURL(/\/account\/email(\?saved)?$/);
    await expect(other.getByText(`Your address is ${email}.`)).toBeVisible();
  });

  test('taken address is not told, and nothing changes', async ({
    newBrowser,
    page,
    server,
    watch,
  }) => {
    const owner = await signUp(await otherBrowser(newBrowser), scripts);
    const user = await signUp(page, scripts);
    const before = await sendAttemptsTo(owner.email);
    await requestChange(page, user, owner.email);
    // A later email to another address shows that the first one was not sent.
    const later = newUser();
    await server.api('POST', '/auth/signup', later);
    await mailTo(later.email);
    expect(await sendAttemptsTo(owner.email)).toBe(before);
    if (scripts) watch.expect({ status: 422, url: '/fn/confirm-code' });
    await enterCode(page, scripts, '123456');
    await expect(page.locator('#code-hint')).toHaveText("That code isn't right.");
    await open(page, '/account');
    await expectAccountOf(page, user);
  });

  test('request for a new address waits for its code, and can be cancelled', async ({
    page,
  }) => {
    const user = await signUp(page, scripts);
    const { email } = newUser('Grace Hopper');
    await requestChange(page, user, email);
    await mailTo(email);
    const waiting = page.getByText(`You asked to change it to ${email}.`);
    await open(page, '/account/email');
    await expect(waiting).toBeVisible();
    await page.getByRole('link', { name: 'Enter the code' }).click();
    await expect(page).toHaveURL('/account/email?sent');
    await waitForHydration(page);
    await open(page, '/account/email');
    await submit(page, 'Cancel the change');
    await expect(page).toHaveURL('/account/email');
    await expect(page.getByText(`Your address is ${user.email}.`)).toBeVisible();
    await expect(waiting).toHaveCount(0);
    await open(page, '/account/email?sent');
    await expect(page.getByText('no new address is waiting for a code')).toBeVisible();
    await expect(codeField(page)).toHaveCount(0);
  });

  test('wrong password changes no address', async ({ page, watch }) => {
    const { email } = newUser('Grace Hopper');
    await signUp(page, scripts);
    if (scripts) watch.expect({ status: 422, url: '/fn/request-email-change' });
    await navigateTo(page, 'Email address');
    await page.getByLabel('New email address').fill(email);
    await page.getByLabel('Current password').fill('wrong');
    await submit(page, 'Send a code');
    await expect(page.getByText("That's not your current password.")).toBeVisible();
    await expect(page).toHaveURL(/\/account\/email(\?__path=|$)/);
    expect(await sendAttemptsTo(email)).toBe(0);
  });
});
