// Invalid form input. The messages are the same with and without scripts.
import {
  createUser,
  expectAccountOf,
  fillIn,
  logIn,
  newUser,
  open,
  submit,
  submitLogIn,
  waitForHydration,
} from '../support/actions.mjs';
import {
  accessibleNode,
  observeAnnouncements,
  takeAnnouncements,
} from '../support/announcements.mjs';
import { expect, test, withAndWithoutScripts } from '../support/test.mjs';

/** The error messages of a page: those of the whole form, and those of each field. */
async function errorMessages(page) {
  const fields = {};
  for (const input of await page.locator('form:not(.button-inline) input[id]').all()) {
    if ((await input.getAttribute('aria-invalid')) !== 'true') continue;
    const hint = await input.getAttribute('aria-describedby');
    fields[await input.getAttribute('id')] = await page.locator(`[id="${hint}"]`).innerText();
  }
  return { notice: await page.getByRole('alert').allInnerTexts(), fields };
}

const missing = { email: 'Enter your email address.', password: 'Enter your password.' };
const credentials = 'Incorrect email address or password\n\nCheck both and try again.';
const taken =
  'This email address already has an account\n\nLog in instead, or use another email address.';

/**
 * `messages.notice` is missing if scripts validate the input: then the page shows field errors
 * only, without a summary.
 */
const inputErrors = [
  { what: 'empty log-in', at: '/login', button: 'Log in', form: {}, messages: { fields: missing } },
  {
    what: 'malformed email address',
    at: '/login',
    button: 'Log in',
    form: { email: 'ada', password: 'x' },
    messages: { fields: { email: 'Use the format name@example.com.' } },
  },
  {
    what: 'wrong password',
    at: '/login',
    button: 'Log in',
    form: ({ email }) => ({ email, password: 'wrong' }),
    status: 401,
    messages: { notice: credentials, fields: {} },
  },
  {
    what: 'unknown email address',
    at: '/login',
    button: 'Log in',
    form: () => ({ ...newUser(), name: undefined }),
    status: 401,
    messages: { notice: credentials, fields: {} },
  },
  {
    what: 'empty sign-up',
    at: '/signup',
    button: 'Create account',
    form: {},
    messages: { fields: missing },
  },
  {
    what: 'short password',
    at: '/signup',
    button: 'Create account',
    form: () => ({ ...newUser(), password: '1234567' }),
    messages: { fields: { password: 'Use at least 8 characters.' } },
  },
  {
    what: 'email address as password',
    at: '/signup',
    button: 'Create account',
    form: { email: 'ada.lovelace@example.com', password: 'Ada.Lovelace' },
    messages: { fields: { password: "Don't use your email address." } },
  },
  {
    what: 'long name',
    at: '/signup',
    button: 'Create account',
    form: () => ({ ...newUser(), name: 'a'.repeat(201) }),
    messages: { fields: { name: 'Too long. Use up to 200 letters.' } },
  },
  {
    what: 'taken email address',
    at: '/signup',
    button: 'Create account',
    form: ({ email, password }) => ({ email, password }),
    status: 409,
    messages: { notice: taken, fields: {} },
  },
];

withAndWithoutScripts(() => {
  test('refused form keeps the email address and the name', async ({ page }) => {
    await open(page, '/signup');
    await fillIn(page, { name: 'Ada <L>', email: 'bad@', password: 'correct horse battery' });
    await submit(page, 'Create account');
    await expect(page.locator('#email')).toHaveAttribute('aria-invalid', 'true');
    await expect(page.locator('#email')).toHaveValue('bad@');
    await expect(page.locator('#name')).toHaveValue('Ada <L>');
    expect(page.url(), 'the URL has none of it').not.toMatch(/bad|Ada/);
  });
});

for (const { what, at, button, form, status, messages } of inputErrors) {
  test(`${what} shows the same messages with and without scripts`, async ({
    expectConsole,
    newBrowser,
    server,
    watch,
  }) => {
    const known = await createUser(server);
    const typed = typeof form === 'function' ? form(known) : form;
    const shown = {};
    for (const javaScriptEnabled of [true, false]) {
      const page = await (await newBrowser({ javaScriptEnabled })).newPage();
      await open(page, at);
      await fillIn(page, typed);
      const calls = watch.mark();
      if (javaScriptEnabled && status) {
        await expectConsole({ status, url: at === '/login' ? '/fn/login' : '/fn/signup' }, () =>
          submit(page, button),
        );
      } else {
        await submit(page, button);
      }
      await expect(
        page.getByRole('alert').or(page.locator('[aria-invalid=true]')).first(),
      ).toBeVisible();
      expect(watch.calls.length - calls, 'scripts validate the form before it is sent').toBe(
        javaScriptEnabled && !status ? 0 : 1,
      );
      shown[javaScriptEnabled ? 'with' : 'without'] = await errorMessages(page);
      const [invalid] = Object.keys(messages.fields);
      if (invalid)
        await expect(
          page.locator(`#${invalid}`),
          'the first invalid field has the focus',
        ).toBeFocused();
      if (!javaScriptEnabled)
        await expect(
          page.locator('#password'),
          'the server never sends a password back',
        ).toHaveValue('');
    }
    expect(shown.with.fields).toEqual(shown.without.fields);
    expect(shown.with.fields).toEqual(messages.fields);
    if (messages.notice) {
      expect(shown.with.notice).toEqual(shown.without.notice);
      expect(shown.with.notice).toEqual([messages.notice]);
    }
  });
}

withAndWithoutScripts((scripts) => {
  test('log-in after a wrong password returns to the requested page', async ({
    expectConsole,
    page,
    server,
  }) => {
    const user = await createUser(server);
    await open(page, '/account/activity');
    await expect(page).toHaveURL('/login?next=/account/activity');
    const wrong = () => submitLogIn(page, { ...user, password: 'wrong' });
    await (scripts ? expectConsole({ status: 401, url: '/fn/login' }, wrong) : wrong());
    await expect(page.getByRole('alert')).toContainText('Incorrect email address or password');
    await waitForHydration(page);
    await submitLogIn(page, user);
    await expect(page).toHaveURL('/account/activity');
    await expect(page.getByText('Wrong password')).toBeVisible();
  });
});

withAndWithoutScripts((scripts) => {
  test('taken address leads to log-in, which has the address', async ({
    expectConsole,
    page,
    server,
  }) => {
    const { email, password } = await createUser(server);
    await open(page, '/signup?next=/account/activity');
    await fillIn(page, { email, password });
    const refused = async () => {
      await submit(page, 'Create account');
      await expect(page.getByRole('alert')).toContainText('already has an account');
    };
    await (scripts ? expectConsole({ status: 409, url: '/fn/signup' }, refused) : refused());
    await waitForHydration(page);
    await page.getByRole('alert').getByRole('link', { name: 'Log in' }).click();
    await expect(page).toHaveURL('/login?next=/account/activity');
    // The address is in no URL, so only scripts carry it over.
    await expect(page.getByLabel('Email address')).toHaveValue(scripts ? email : '');
  });
});

withAndWithoutScripts((scripts) => {
  test('weak password is refused once, with its reason', async ({ expectConsole, page }) => {
    for (const [password, reason] of [
      ['correcthorsebatterystaple', 'Too common. Choose another password.'],
      ['passwordpassword', "Don't repeat characters or words."],
      ['augusta byron', "Don't use your name."],
    ]) {
      await open(page, '/signup');
      await fillIn(page, { ...newUser(), name: 'Augusta Byron', password });
      const refused = async () => {
        await submit(page, 'Create account');
        await expect(page.locator('#password-hint')).toHaveText(reason);
      };
      await (scripts ? expectConsole({ status: 422, url: '/fn/signup' }, refused) : refused());
      await expect(page.getByText(reason), 'one message').toHaveCount(1);
      await expect(page.getByRole('alert'), 'the field says it').toHaveCount(0);
      await expect(page.locator('#password')).toBeFocused();
    }
  });
});

test('hint for a new password does not praise what the server refuses', async ({ page }) => {
  await open(page, '/signup');
  const hint = page.locator('#password-hint');
  const password = page.getByLabel('Password', { exact: true });
  await password.fill('correcthorsebatterystaple');
  await expect(hint).toHaveText('Long enough. Avoid common phrases.');
  for (const [pattern, reason] of [
    ['passwordpassword', "Don't repeat characters or words."],
    ['aaaaaaaaaaaaaaaaaa', "Don't repeat characters or words."],
    ['qwertyuiopasdfgh', "Don't use keys in a row."],
    ['abcd1234', "Don't use rows such as abcd or 4321."],
  ]) {
    await password.fill(pattern);
    await expect(hint).toHaveText(reason);
  }
});

test('hint and refusal of a pattern have the same words', async ({ expectConsole, page }) => {
  for (const pattern of ['passwordpassword', 'qwertyuiopasdfgh', 'abcd1234']) {
    await open(page, '/signup');
    await fillIn(page, { ...newUser(), password: pattern });
    const hint = page.locator('#password-hint');
    await expect(hint).not.toHaveClass(/error/);
    const reason = await hint.innerText();
    await expectConsole({ status: 422, url: '/fn/signup' }, async () => {
      await submit(page, 'Create account');
      await expect(hint).toHaveClass(/error/);
    });
    await expect(hint).toHaveText(reason);
  }
});

test('error is told once, by the field that gets the focus or when a field is left', async ({
  expectConsole,
  page,
}) => {
  await open(page, '/signup');
  await observeAnnouncements(page);
  const [email, password] = [page.locator('#email'), page.locator('#password')];
  const malformed = 'Use the format name@example.com.';
  const emailNote = page.locator('#email-hint');
  const passwordNote = page.locator('#password-hint');
  await submit(page, 'Create account');
  expect(await takeAnnouncements(page)).toEqual([missing.email]);
  expect(await accessibleNode(email)).toMatchObject({ description: missing.email, focused: true });
  expect(await accessibleNode(emailNote)).not.toMatchObject({ live: 'polite' });
  expect(await accessibleNode(passwordNote)).not.toMatchObject({ live: 'polite' });

  // The field has the focus already.
  await email.fill('ada');
  await takeAnnouncements(page);
  await email.press('Enter');
  expect(await takeAnnouncements(page)).toEqual([malformed]);
  await expect(email).toBeFocused();

  // Nothing is wrong until the field is left.
  await open(page, '/signup');
  await observeAnnouncements(page);
  await email.fill('ada');
  await takeAnnouncements(page);
  await email.press('Tab');
  const hint = 'At least 8 characters, ideally 15.';
  expect((await takeAnnouncements(page)).sort()).toEqual([hint, malformed]);
  expect(await accessibleNode(emailNote)).toMatchObject({ live: 'polite' });
  expect(await accessibleNode(password)).toMatchObject({ description: hint, focused: true });

  // The focus comes back from outside the form.
  await password.blur();
  await email.focus();
  expect(await accessibleNode(email)).toMatchObject({ description: malformed, focused: true });
  await password.focus();
  await takeAnnouncements(page);

  // A hint that changes is told once as well.
  await password.pressSequentially('winteriscoming');
  expect(await takeAnnouncements(page)).toEqual(['Long enough. 15 or more is safer.']);
  expect((await accessibleNode(password)).description ?? '').toBe('');
  expect(await accessibleNode(passwordNote)).toMatchObject({ live: 'polite' });

  // An error that only the server finds.
  await email.fill(newUser().email);
  await takeAnnouncements(page);
  await expectConsole({ status: 422, url: '/fn/signup' }, async () => {
    await email.press('Enter');
    await expect(passwordNote).toHaveText('Too common. Choose another password.');
  });
  expect(await takeAnnouncements(page)).toEqual(['Too common. Choose another password.']);
  expect(await accessibleNode(passwordNote)).not.toMatchObject({ live: 'polite' });
  await expect(page.getByRole('alert')).toHaveCount(0);
});

test('field is validated on blur, and its error disappears once it is corrected', async ({
  page,
  watch,
}) => {
  await open(page, '/signup');
  const email = page.getByLabel('Email address');
  await email.fill('ada');
  await expect(email).not.toHaveAttribute('aria-invalid');
  await email.press('Tab');
  await expect(page.getByText('Use the format name@example.com.')).toBeVisible();
  await email.fill('ada@example.com');
  await expect(email).not.toHaveAttribute('aria-invalid');
  await expect(page.getByText('Use the format name@example.com.')).toBeHidden();
  expect(watch.calls).toEqual([]);
});

for (const [url, func, label, busyLabel] of [
  ['/login', '/fn/login', 'Log in', 'Logging in…'],
  ['/account', '/fn/update-profile', 'Save name', 'Saving…'],
  ['/account/password', '/fn/change-password', 'Change password', 'Changing…'],
  ['/account/data?delete', '/fn/delete-account', 'Delete account', 'Deleting…'],
]) {
  test(`button "${label}" keeps its size while it shows "${busyLabel}"`, async ({
    page,
    server,
  }) => {
    if (url !== '/login') await logIn(page, await createUser(server));
    await page.route(`**${func}`, () => {});
    await open(page, url);
    for (const field of await page
      .getByRole('main')
      .locator('input[id]:not([type=hidden], [type=checkbox])')
      .all())
      await field.fill('correct@horse.battery');
    const box = (name) =>
      page.getByRole('main').getByRole('button', { name, exact: true }).boundingBox();
    const before = await box(label);
    await submit(page, label);
    await expect(page.getByRole('button', { name: busyLabel })).toBeVisible();
    expect(await box(busyLabel)).toEqual(before);
  });
}

test('second click on a submit button sends nothing', async ({ page, watch }) => {
  const user = newUser();
  const sent = [];
  await page.route('**/fn/signup', (route) => sent.push(route));
  await open(page, '/signup');
  await fillIn(page, user);
  await submit(page, 'Create account');
  await expect(page.getByRole('button', { name: 'Creating account…' })).toBeVisible();
  await page.getByRole('button', { name: 'Creating account…' }).click({ force: true });
  await expect.poll(() => sent.length).toBe(1);
  await sent[0].continue();
  await expectAccountOf(page, user);
  expect(watch.callsTo('/fn/signup')).toHaveLength(1);
});
