// What people get wrong, and that they are told the same in the same words whether scripts run or not.
import { fillIn, logIn, member, open, person, ready, seesAccountOf, sendLogIn, submit } from '../support/steps.mjs';
import { expect, test, withAndWithoutScripts } from '../support/test.mjs';

/** What a page says is wrong: with everything, and field by field. */
async function complaints(page) {
  const fields = {};
  for (const input of await page.locator('form:not(.inline) input[id]').all()) {
    if ((await input.getAttribute('aria-invalid')) !== 'true') continue;
    const note = await input.getAttribute('aria-describedby');
    fields[await input.getAttribute('id')] = await page.locator(`[id="${note}"]`).innerText();
  }
  return { notice: await page.getByRole('alert').allInnerTexts(), fields };
}

const missing = { email: 'Enter your e-mail address.', password: 'Enter your password.' };
const credentials = 'That did not match\n\nThere is no account with this address and password. Check both and try again.';
const taken = 'This address has an account already\n\nLog in instead, or use another address.';

/** `says.notice` is left out where scripts find the fault themselves: they show it in its place, and need no list of links to it. */
const mistakes = [
  { what: 'an empty log-in', at: '/login', button: 'Log in', form: {}, says: { fields: missing } },
  { what: 'an address that is none', at: '/login', button: 'Log in', form: { email: 'ada', password: 'x' }, says: { fields: { email: 'Enter it like name@example.com.' } } },
  { what: 'a wrong password', at: '/login', button: 'Log in', form: ({ email }) => ({ email, password: 'wrong' }), refused: 401, says: { notice: credentials, fields: {} } },
  { what: 'an address without an account', at: '/login', button: 'Log in', form: () => ({ ...person(), name: undefined }), refused: 401, says: { notice: credentials, fields: {} } },
  { what: 'an empty sign-up', at: '/signup', button: 'Create account', form: {}, says: { fields: missing } },
  { what: 'a short password', at: '/signup', button: 'Create account', form: () => ({ ...person(), password: '1234567' }), says: { fields: { password: 'Use at least 8 characters.' } } },
  {
    what: 'a password that is the address',
    at: '/signup',
    button: 'Create account',
    form: { email: 'ada.lovelace@example.com', password: 'Ada.Lovelace' },
    says: { fields: { password: 'Do not use your e-mail address.' } },
  },
  {
    what: 'too long a name',
    at: '/signup',
    button: 'Create account',
    form: () => ({ ...person(), name: 'a'.repeat(201) }),
    says: { fields: { name: 'Use at most 200 plain letters.' } },
  },
  { what: 'a taken address', at: '/signup', button: 'Create account', form: ({ email, password }) => ({ email, password }), refused: 409, says: { notice: taken, fields: {} } },
];

for (const { what, at, button, form, refused, says } of mistakes) {
  test(`${what} is met with the same words with and without scripts`, async ({ expectConsole, newBrowser, server, watch }) => {
    const known = await member(server);
    const typed = typeof form === 'function' ? form(known) : form;
    const told = {};
    for (const javaScriptEnabled of [true, false]) {
      const page = await (await newBrowser({ javaScriptEnabled })).newPage();
      await open(page, at);
      await fillIn(page, typed);
      const calls = watch.mark();
      if (javaScriptEnabled && refused) {
        await expectConsole({ status: refused, url: at === '/login' ? '/fn/login' : '/fn/signup' }, () => submit(page, button));
      } else {
        await submit(page, button);
      }
      await expect(page.getByRole('alert').or(page.locator('[aria-invalid=true]')).first()).toBeVisible();
      expect(watch.calls.length - calls, 'with scripts a fault is found before anything is sent').toBe(javaScriptEnabled && !refused ? 0 : 1);
      told[javaScriptEnabled ? 'with' : 'without'] = await complaints(page);
      const [faulty] = Object.keys(says.fields);
      if (faulty) await expect(page.locator(`#${faulty}`), 'the first faulty field has the focus').toBeFocused();
      if (!javaScriptEnabled) await expect(page.locator('#password'), 'no page is sent with a password in it').toHaveValue('');
    }
    expect(told.with.fields).toEqual(told.without.fields);
    expect(told.with.fields).toEqual(says.fields);
    if (says.notice) {
      expect(told.with.notice).toEqual(told.without.notice);
      expect(told.with.notice).toEqual([says.notice]);
    }
  });
}

withAndWithoutScripts((scripts) => {
  test('after a wrong password the right one leads to where one wanted to go', async ({ expectConsole, page, server }) => {
    const who = await member(server);
    await open(page, '/account/activity');
    await expect(page).toHaveURL('/login?next=/account/activity');
    const wrong = () => sendLogIn(page, { ...who, password: 'wrong' });
    await (scripts ? expectConsole({ status: 401, url: '/fn/login' }, wrong) : wrong());
    await expect(page.getByRole('alert')).toContainText('That did not match');
    await ready(page);
    await sendLogIn(page, who);
    await expect(page).toHaveURL('/account/activity');
    await expect(page.getByText('Wrong password')).toBeVisible();
  });
});

test('a field is checked when it is left, and a fault goes away as soon as it is mended', async ({ page, watch }) => {
  await open(page, '/signup');
  const email = page.getByLabel('E-mail address');
  await email.fill('ada');
  await expect(email).not.toHaveAttribute('aria-invalid');
  await email.press('Tab');
  await expect(page.getByText('Enter it like name@example.com.')).toBeVisible();
  await email.fill('ada@example.com');
  await expect(email).not.toHaveAttribute('aria-invalid');
  await expect(page.getByText('Enter it like name@example.com.')).toBeHidden();
  expect(watch.calls).toEqual([]);
});

for (const [address, func, label, working] of [
  ['/login', '/fn/login', 'Log in', 'Logging in…'],
  ['/account', '/fn/rename', 'Save name', 'Saving…'],
  ['/account/password', '/fn/change-password', 'Change password', 'Changing…'],
  ['/account/data?delete', '/fn/delete-account', 'Delete account', 'Deleting…'],
]) {
  test(`the button that says “${label}” is as large while it says “${working}”`, async ({ page, server }) => {
    if (address !== '/login') await logIn(page, await member(server));
    await page.route(`**${func}`, () => {});
    await open(page, address);
    for (const field of await page.getByRole('main').locator('input[id]:not([type=hidden], [type=checkbox])').all()) await field.fill('correct@horse.battery');
    const box = (name) => page.getByRole('main').getByRole('button', { name, exact: true }).boundingBox();
    const before = await box(label);
    await submit(page, label);
    await expect(page.getByRole('button', { name: working })).toBeVisible();
    expect(await box(working)).toEqual(before);
  });
}

test('pressing twice sends once', async ({ page, watch }) => {
  const who = person();
  const sent = [];
  await page.route('**/fn/signup', (route) => sent.push(route));
  await open(page, '/signup');
  await fillIn(page, who);
  await submit(page, 'Create account');
  await expect(page.getByRole('button', { name: 'Creating account…' })).toBeVisible();
  await page.getByRole('button', { name: 'Creating account…' }).click({ force: true });
  await expect.poll(() => sent.length).toBe(1);
  await sent[0].continue();
  await seesAccountOf(page, who);
  expect(watch.callsTo('/fn/signup')).toHaveLength(1);
});
