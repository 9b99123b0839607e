// All tabs of a browser share one session: they log in, log out and switch users together.
import {
  changeName,
  createUser,
  expectAccountOf,
  expectLoggedOut,
  logIn,
  logOut,
  navigateTo,
  open,
  sessionCookie,
  signUp,
  storedToken,
  submit,
  submitLogIn,
} from '../support/actions.mjs';
import { expect, test } from '../support/test.mjs';

const loggedOutElsewhere = "You logged out in another tab, so we've logged you out here as well.";
const sessionEnded = "You've been logged out. Log in to pick up where you left off.";

test.describe('with scripts', () => {
  test('log-out in another tab logs out this tab, and log-in returns to its page', async ({
    context,
    page,
  }) => {
    const user = await signUp(page);
    const second = await context.newPage();
    await open(second, '/account/activity');
    const third = await context.newPage();
    await open(third, '/');
    await expect(third.getByRole('heading', { name: `Hello, ${user.name}` })).toBeVisible();

    await logOut(page);
    await Promise.all([
      expect(second.getByText('Signed up')).toBeHidden({ timeout: 1_000 }),
      expect(third.getByText(user.name)).toHaveCount(0, { timeout: 1_000 }),
    ]);
    await expectLoggedOut(second, loggedOutElsewhere);
    await expect(second, 'the message is removed from the URL').toHaveURL(
      '/login?next=%2Faccount%2Factivity',
    );
    await expect(third).toHaveURL('/');

    await submitLogIn(second, user);
    await expect(second).toHaveURL('/account/activity');
    await expect(second.getByText('Logged out')).toBeVisible();
    // The other tabs are on the log-in page and on a public page. They follow.
    await expectAccountOf(page, user);
    await expect(third.getByRole('heading', { name: `Hello, ${user.name}` })).toBeVisible();
  });

  test('log-in as another user in another tab switches this tab', async ({
    context,
    page,
    server,
  }) => {
    const [ada, bob] = [
      await createUser(server, { name: 'Ada Lovelace' }),
      await createUser(server, { name: 'Bob Martin' }),
    ];
    await logIn(page, ada);
    const second = await context.newPage();
    await logIn(second, bob);
    await expectAccountOf(page, bob);
    await expect(page.getByText(ada.email)).toHaveCount(0);
    await changeName(page, 'Robert');
    await expect(page.getByText('Name saved.')).toBeVisible();
    expect((await storedToken(page)).tag).toBe((await storedToken(second)).tag);
  });

  test('form of the previous user is not sent by a tab that missed the switch', async ({
    context,
    page,
    server,
    watch,
  }) => {
    const [ada, bob] = [
      await createUser(server, { name: 'Ada Lovelace' }),
      await createUser(server, { name: 'Bob Martin' }),
    ];
    await page.addInitScript(() => delete window.BroadcastChannel);
    await logIn(page, ada);
    await logIn(await context.newPage(), bob);
    await expect(page.getByRole('banner').getByRole('button', { name: ada.name })).toBeVisible();
    const calls = watch.mark();
    await changeName(page, 'Mallory');
    await expectAccountOf(page, bob);
    expect(watch.calls.slice(calls)).toEqual([]);
  });

  test('session revoked on the server leads to log-in and back', async ({
    expectConsole,
    page,
    server,
    watch,
  }) => {
    const user = await signUp(page);
    await navigateTo(page, 'Activity');
    await navigateTo(page, 'Profile');
    await server.api('POST', '/auth/logout', undefined, (await storedToken(page)).access_token);
    const calls = watch.mark();
    const rejections = ['/fn/update-profile', '/fn/refresh'].map((url) => ({ status: 401, url }));
    await expectConsole(rejections, () => changeName(page, 'Mallory'));
    await expectLoggedOut(page, sessionEnded);
    expect(
      watch.calls.slice(calls).map(({ path }) => path),
      'one call, one refresh',
    ).toEqual(['/fn/update-profile', '/fn/refresh']);
    expect(await storedToken(page)).toBeNull();
    await submitLogIn(page, user);
    await expect(page.getByRole('banner').getByRole('button', { name: user.name })).toBeVisible();
    await expect(page.getByLabel('Name'), 'unsaved input').toHaveValue('Mallory');
  });
});

test.describe('without scripts', () => {
  test.use({ javaScriptEnabled: false });

  test('log-out in another tab redirects the next page to log-in and back', async ({
    context,
    page,
  }) => {
    const user = await signUp(page);
    const second = await context.newPage();
    await open(second, '/account');
    await logOut(page);
    await second.getByRole('link', { name: 'Activity' }).first().click();
    await expect(second).toHaveURL('/login?next=/account/activity');
    await submitLogIn(second, user);
    await expect(second).toHaveURL('/account/activity');
    await expect(second.getByText('Logged out')).toBeVisible();
  });

  test('form of the previous user changes nothing and shows the reason', async ({
    context,
    page,
    server,
  }) => {
    const [ada, bob] = [
      await createUser(server, { name: 'Ada Lovelace' }),
      await createUser(server, { name: 'Bob Martin' }),
    ];
    await logIn(page, ada);
    await logIn(await context.newPage(), bob);
    await changeName(page, 'Mallory');
    await expect(page.getByRole('alert')).toContainText("You've switched accounts");
    await expect(page.getByRole('alert')).toContainText('Nothing was changed.');
    await expectAccountOf(page, bob);
  });

  test('form sent after log-out changes nothing and leads to log-in', async ({
    context,
    page,
    server,
  }) => {
    const user = await createUser(server);
    await logIn(page, user);
    const second = await context.newPage();
    await open(second, '/account');
    await logOut(page);
    await submit(second, 'Save name');
    await expect(second).toHaveURL(/\/login\?next=\/account/);
    await submitLogIn(second, user);
    await expectAccountOf(second, user);
  });

  test('session revoked on the server leads to log-in and back', async ({
    context,
    page,
    server,
  }) => {
    const user = await signUp(page);
    const { value } = await sessionCookie(context);
    await server.api('POST', '/auth/logout', { refresh_token: value });
    await page.getByRole('link', { name: 'Activity' }).first().click();
    await expectLoggedOut(page, sessionEnded);
    await submitLogIn(page, user);
    await expect(page).toHaveURL('/account/activity');
  });
});
