// Replacing a forgotten password with a link or a code from an email, and the link "This wasn't me"
// in notices.
import { browserHistory } from '../support/back-forward.mjs';
import { sendAttemptsTo } from '../support/mail-server.mjs';
import { mailTo } from '../support/mail.mjs';
import {
  USER_AGENTS,
  createUser,
  expectAccountOf,
  expectCooldown,
  expectLoggedOut,
  field,
  logIn,
  newUser,
  open,
  requestResetMail,
  signUp,
  submit,
  submitLogIn,
  waitForHydration,
} from '../support/actions.mjs';
import { expect, test, withAndWithoutScripts } from '../support/test.mjs';

const NEW = 'quite another horse battery';
const CHANGED = "Your password has been changed, and you've been logged out everywhere.";
const ENDED = "You've been logged out.";

/** User agents of programs that open the links in emails: gateways, previews and scripts. */
const SCANNERS = [
  'curl/8.14.1',
  'python-requests/2.32.4',
  'Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)',
  'Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5',
  'Mozilla/5.0 (compatible; GoogleDocs; apps-spreadsheets; +http://docs.google.com)',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) ' +
    'Chrome/138.0.0.0 Safari/537.36 Edg/138.0.0.0',
];

const codeField = (page) => page.getByLabel('Code from the email');
const codeHint = (page) => page.locator('#code-hint');
const digits = (code) => code.replace(' ', '');

/** A code of six digits that is not `code`. */
const wrongCode = (code) => String((Number(digits(code)) + 1) % 1_000_000).padStart(6, '0');

/** Requests an email on the page for a forgotten password. */
async function requestReset(page, email) {
  await open(page, '/forgot');
  await field.email(page).fill(email);
  await submit(page, 'Send the link');
  await expect(page.getByRole('heading', { level: 1, name: 'Check your email' })).toBeVisible();
  await waitForHydration(page);
}

async function expectResetPageOf(page, { email }) {
  await expect(page).toHaveURL(/\/reset(\?__path=|$)/);
  await expect(
    page.getByRole('heading', { level: 1, name: 'Choose a new password' }),
  ).toBeVisible();
  await expect(page.getByText(`For ${email}`)).toBeVisible();
  await waitForHydration(page);
}

/** Sends the form of the reset page, without waiting for a result. */
async function submitNewPassword(page) {
  await page.getByLabel('New password').fill(NEW);
  await submit(page, 'Save and log out everywhere');
}

async function resetPassword(page) {
  await submitNewPassword(page);
  await expectLoggedOut(page, CHANGED);
}

/** Expects the page of a link that cannot be used, with a way to get a new one. */
async function expectLinkExpired(page) {
  await expect(page.getByRole('alert')).toContainText('This link no longer works');
  await expect(page.getByRole('link', { name: 'Send a new link' })).toBeVisible();
  await expect(page.getByLabel('New password')).toHaveCount(0);
  await waitForHydration(page);
}

/** Expects that the old password is rejected and the new one is accepted. */
async function expectOnlyNewPasswordWorks(server, { email, password }) {
  const attempts = [password, NEW].map((password) =>
    server.api('POST', '/auth/login', { email, password }),
  );
  expect((await Promise.all(attempts)).map(({ status }) => status)).toEqual([401, 200]);
}

/** Copies text to the clipboard of the browser, in another tab. */
async function copy(context, text) {
  const page = await context.newPage();
  await page.setContent('<input>');
  await page.locator('input').fill(text);
  await page.keyboard.press('Control+A');
  await page.keyboard.press('Control+C');
  await page.close();
}

withAndWithoutScripts((scripts) => {
  test('reset link works in another browser and logs out every device', async ({
    expectConsole,
    newBrowser,
    page,
  }) => {
    const user = await signUp(page);
    await requestReset(page, user.email);
    const mail = await mailTo(user.email);
    expect(mail.subject).toBe(`Your code is ${mail.code} – reset your password`);
    expect(mail.html).toContain(`href="${mail.link}"`);
    expect(mail.html).toContain(mail.code);

    const other = await (await newBrowser({ javaScriptEnabled: scripts })).newPage();
    const history = await browserHistory(other);
    await open(other, mail.link);
    await expect(other).toHaveURL('/reset');
    await expectResetPageOf(other, user);
    expect((await history.entries()).join(), 'the token is not in the history').not.toContain(
      'token',
    );
    expect(await history.content(), 'the token is not in the page').not.toContain('csgn_link');
    await resetPassword(other);

    const rejected = async () => {
      await submitLogIn(other, user);
      await expect(other.getByRole('alert')).toContainText('Incorrect email address or password');
      // Chromium logs a message if a field gets the focus before the browser has set it.
      if (!scripts) await expect(other.locator('[autofocus]')).toBeFocused();
    };
    await (scripts ? expectConsole({ status: 401, url: '/fn/login' }, rejected) : rejected());
    await submitLogIn(other, { ...user, password: NEW });
    await expectAccountOf(other, user);
    await open(other, '/account/activity');
    await expect(other.getByText('Password reset, all devices logged out')).toBeVisible();
    expect((await mailTo(user.email)).subject).toBe('Your password was reset');

    await open(page, '/account');
    await expectLoggedOut(page, ENDED);
  });

  test('code is typed where it was requested', async ({ page, server, watch }) => {
    const user = await createUser(server);
    await requestReset(page, user.email);
    const { code } = await mailTo(user.email);
    await expect(codeField(page)).toBeFocused();
    await page.keyboard.type(digits(code));
    if (!scripts) await page.keyboard.press('Enter');
    await expectResetPageOf(page, user);
    expect(watch.callsTo('/fn/enter-code'), 'sent once').toHaveLength(1);
    await resetPassword(page);
    await expectOnlyNewPasswordWorks(server, user);
  });

  test('pasted code may contain a space', async ({ context, page, server }) => {
    const user = await createUser(server);
    await requestReset(page, user.email);
    const { code } = await mailTo(user.email);
    expect(code).toMatch(/^\d{3} \d{3}$/);
    await copy(context, code);
    await codeField(page).focus();
    await page.keyboard.press('Control+V');
    if (!scripts) await submit(page, 'Continue');
    await expectResetPageOf(page, user);
  });

  test('unknown address gets the same pages and no email', async ({ page, server, watch }) => {
    const [user, unknown] = [await createUser(server), newUser()];
    const pages = [];
    for (const { email } of [unknown, user]) {
      await requestReset(page, email);
      pages.push({ url: page.url(), text: await page.getByRole('main').innerText() });
    }
    expect(pages[0].text).toBe(pages[1].text);
    const { code } = await mailTo(user.email);
    expect(await sendAttemptsTo(unknown.email), 'earlier requests are sent first').toBe(0);

    if (scripts) watch.expect({ status: 422, url: '/fn/enter-code', times: 2 });
    for (const { url } of pages) {
      await open(page, url);
      await expect(codeField(page)).toBeFocused();
      await codeField(page).fill(wrongCode(code));
      if (!scripts) await submit(page, 'Continue');
      await expect(codeHint(page)).toHaveText("That code isn't right.");
    }
  });

  test('wrong code is rejected at its field, five times at most', async ({
    page,
    server,
    watch,
  }) => {
    const user = await createUser(server);
    await requestReset(page, user.email);
    const { code, link } = await mailTo(user.email);
    if (scripts) watch.expect({ status: 422, url: '/fn/enter-code', times: 6 });
    /** Enters a code. Scripts send the first complete one; later ones need the button. */
    const enter = async (number, code) => {
      await codeField(page).fill(code);
      if (!scripts) {
        await Promise.all([page.waitForEvent('load'), submit(page, 'Continue')]);
      } else if (number > 1) {
        await expect(codeHint(page), 'the error is cleared').toHaveText(/^Six digits/);
        await submit(page, 'Continue');
      }
    };
    for (let number = 1; number <= 6; number++) {
      // The right code is rejected as well after five wrong ones.
      await enter(number, number <= 5 ? wrongCode(code) : code);
      await expect(codeHint(page)).toHaveText(
        number < 5 ? "That code isn't right." : 'Code no longer works. Get a new one.',
      );
      await expect(codeField(page)).toBeFocused();
      await expect(codeField(page)).toHaveAttribute('aria-invalid', 'true');
      expect(watch.callsTo('/fn/enter-code')).toHaveLength(number);
    }
    const again = page.getByRole('link', { name: 'Send another' });
    await expectCooldown(page, again);
    await again.click();
    await expect(page.getByRole('heading', { name: 'Reset your password' })).toBeVisible();
    await open(page, link);
    await expectResetPageOf(page, user);
  });

  test('reset link works once, and only the newest one', async ({
    context,
    expectConsole,
    page,
    server,
  }) => {
    const user = await createUser(server);
    const superseded = await requestResetMail(server, user);
    const { link } = await requestResetMail(server, user);
    await open(page, superseded.link);
    await expectLinkExpired(page);

    const late = await context.newPage();
    for (const tab of [page, late]) {
      await open(tab, link);
      await expectResetPageOf(tab, user);
    }
    await resetPassword(page);
    const expired = async () => {
      await submitNewPassword(late);
      await expect(late.getByRole('alert').first()).toContainText('This link no longer works');
    };
    await (scripts
      ? expectConsole({ status: 410, url: '/fn/reset-password' }, expired)
      : expired());
    await open(page, link);
    await expectLinkExpired(page);
    await page.getByRole('link', { name: 'Send a new link' }).click();
    await expect(page).toHaveURL('/forgot');
    await expect(page.getByRole('heading', { name: 'Reset your password' })).toBeVisible();
  });

  test('incomplete or changed link shows the page of an expired one', async ({ page, server }) => {
    const { link } = await requestResetMail(server, await createUser(server));
    for (const url of ['/link', '/link?token=', link.slice(0, -1), `${link}A`, '/reset']) {
      await open(page, url);
      await expect(page).toHaveURL('/reset');
      await expectLinkExpired(page);
    }
    await open(page, '/secure');
    await expectLinkExpired(page);
  });

  test('mail scanners see no address and do not use the link', async ({
    newBrowser,
    page,
    server,
  }) => {
    const user = await createUser(server);
    const { code, link } = await requestResetMail(server, user);
    for (const userAgent of SCANNERS) {
      for (const method of ['HEAD', 'GET', 'GET', 'GET']) {
        // Follows redirects, and has no cookies.
        const response = await fetch(link, { method, headers: { 'user-agent': userAgent } });
        expect(response.url).toBe(`${server.origin}/reset`);
        expect(response.ok).toBe(true);
        const html = await response.text();
        expect(html).not.toContain('@');
        expect(html).not.toContain(code);
        expect(html).not.toContain('csgn_link');
      }
    }
    // Some scanners open links in a browser.
    const scanner = await (await newBrowser({ javaScriptEnabled: scripts })).newPage();
    await open(scanner, link);
    await expectResetPageOf(scanner, user);

    await open(page, link);
    await expectResetPageOf(page, user);
    await resetPassword(page);
    await expectOnlyNewPasswordWorks(server, user);
  });

  test('reported log-in is ended, and a new password is chosen', async ({
    newBrowser,
    page,
    server,
  }) => {
    const user = await signUp(page);
    const attacker = await (
      await newBrowser({ javaScriptEnabled: scripts, userAgent: USER_AGENTS.firefox })
    ).newPage();
    await logIn(attacker, user);
    const { link, subject, text } = await mailTo(user.email);
    expect(subject).toBe('New log-in from Firefox on Windows');
    expect(text).toContain('127.0.0.1');

    await open(page, link);
    await expect(page).toHaveURL('/secure');
    await expect(page.getByRole('heading', { name: 'Secure your account' })).toBeVisible();
    await submit(page, 'Log out and continue');
    await expectResetPageOf(page, user);
    await open(attacker, '/account');
    await expectLoggedOut(attacker, ENDED);
    await open(page, '/account');
    await expectAccountOf(page, user);

    await open(page, '/reset');
    await expectResetPageOf(page, user);
    await resetPassword(page);
    await expectOnlyNewPasswordWorks(server, user);
    await open(page, link);
    await expectLinkExpired(page);
  });

  test('log-in page leads to the page for a forgotten password and back', async ({ page }) => {
    await open(page, '/login');
    await field.email(page).fill('ada@example.com');
    await page.getByRole('link', { name: 'Forgot your password?' }).click();
    await expect(page).toHaveURL('/forgot');
    // The address is in no URL, so only scripts carry it over.
    await expect(field.email(page)).toHaveValue(scripts ? 'ada@example.com' : '');
    await expect(page.getByRole('heading', { name: 'Reset your password' })).toBeVisible();
    await waitForHydration(page);
    await page.getByRole('main').getByRole('link', { name: 'Log in' }).click();
    await expect(page.getByRole('heading', { name: 'Log in' })).toBeVisible();
  });

  test('invalid new password is reported next to its field, and the link stays valid', async ({
    expectConsole,
    page,
    server,
  }) => {
    const user = await createUser(server);
    await open(page, (await requestResetMail(server, user)).link);
    const newPassword = page.getByLabel('New password');
    const hint = page.locator('#new_password-hint');
    await newPassword.fill('short');
    await submit(page, 'Save and log out everywhere');
    await expect(hint).toHaveText('Use at least 8 characters.');
    await waitForHydration(page);
    await newPassword.fill('password123');
    const tooWeak = async () => {
      await submit(page, 'Save and log out everywhere');
      await expect(hint).toHaveText('Too common. Choose another password.');
    };
    await (scripts
      ? expectConsole({ status: 422, url: '/fn/reset-password' }, tooWeak)
      : tooWeak());
    await expectResetPageOf(page, user);
    await resetPassword(page);
  });
});
