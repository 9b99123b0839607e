// Anonymous clients are redirected from protected pages to log-in before anything is rendered, and
// back to the requested page after log-in or sign-up.
import {
  createUser,
  expectAccountOf,
  fillIn,
  newUser,
  open,
  sessionCookie,
  submit,
  submitLogIn,
} from '../support/actions.mjs';
import { expect, test, withAndWithoutScripts } from '../support/test.mjs';

test('protected page redirects an anonymous client with an empty body', async ({ request }) => {
  for (const page of ['/account', '/account/', '/account/activity', '/account/nothing']) {
    const response = await request.get(page, { maxRedirects: 0 });
    expect(response.status()).toBe(303);
    expect(response.headers().location).toBe(`/login?next=${page}`);
    expect(await response.body()).toHaveLength(0);
  }
});

withAndWithoutScripts(() => {
  test('log-in returns to the requested page', async ({ page, server }) => {
    const user = await createUser(server);
    await open(page, '/account/activity');
    await expect(page).toHaveURL('/login?next=/account/activity');
    await submitLogIn(page, user);
    await expect(page).toHaveURL('/account/activity');
    await expect(page.getByText('Logged in', { exact: true })).toBeVisible();
  });

  test('sign-up returns to the requested page after switching between the forms', async ({
    page,
  }) => {
    await open(page, '/account/activity');
    const main = page.getByRole('main');
    await main.getByRole('link', { name: 'Sign up' }).click();
    await expect(page.getByRole('heading', { name: 'Create your account' })).toBeVisible();
    await main.getByRole('link', { name: 'Log in' }).click();
    await expect(page.getByRole('heading', { name: 'Log in' })).toBeVisible();
    await main.getByRole('link', { name: 'Sign up' }).click();
    await expect(page.getByRole('heading', { name: 'Create your account' })).toBeVisible();
    await fillIn(page, newUser());
    await submit(page, 'Create account');
    await expect(page).toHaveURL('/account/activity');
    await expect(page.getByText('Signed up', { exact: true })).toBeVisible();
  });

  test('log-in never redirects to another site', async ({ page, server }) => {
    const user = await createUser(server);
    for (const next of ['//evil.example', 'https://evil.example', '/\\evil.example', '/login']) {
      await page.context().clearCookies();
      await open(page, `/login?next=${encodeURIComponent(next)}`);
      await submitLogIn(page, user);
      await expect(page).toHaveURL('/account');
    }
  });

  test('log-in replaces the existing session', async ({ context, page, server }) => {
    const user = await createUser(server);
    const cookie = async () => (await sessionCookie(context)).value;
    await open(page, '/login');
    await submitLogIn(page, user);
    await expectAccountOf(page, user);
    const first = await cookie();
    await open(page, '/login');
    await submitLogIn(page, user);
    await expectAccountOf(page, user);
    expect((await server.api('POST', '/auth/refresh', { refresh_token: first })).status).toBe(401);
    await open(page, '/account/activity');
    await expect(page.getByText('Logged in again in the same browser')).toBeVisible();
  });
});

test('link to a protected page redirects an anonymous client to log-in', async ({ page }) => {
  await open(page, '/');
  await page.evaluate(() => {
    const link = Object.assign(document.createElement('a'), {
      href: '/account/activity',
      textContent: 'in',
    });
    document.querySelector('main').append(link);
    link.click();
  });
  await expect(page).toHaveURL('/login?next=/account/activity');
});
