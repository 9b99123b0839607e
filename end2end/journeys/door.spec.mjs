// The way in: who may not see a page is led to the log-in before anything is rendered, and back afterwards, whichever way they go in.
import { fillIn, member, open, person, seesAccountOf, sendLogIn, sessionCookie, submit } from '../support/steps.mjs';
import { expect, test, withAndWithoutScripts } from '../support/test.mjs';

test('a stranger is sent away from every protected page with an empty answer', async ({ request }) => {
  for (const page of ['/account', '/account/', '/account/activity', '/account/nothing']) {
    const answer = await request.get(page, { maxRedirects: 0 });
    expect(answer.status()).toBe(303);
    expect(answer.headers().location).toBe(`/login?next=${page}`);
    expect(await answer.body()).toHaveLength(0);
  }
});

withAndWithoutScripts(() => {
  test('the log-in leads back to the page that was asked for', async ({ page, server }) => {
    const who = await member(server);
    await open(page, '/account/activity');
    await expect(page).toHaveURL('/login?next=/account/activity');
    await sendLogIn(page, who);
    await expect(page).toHaveURL('/account/activity');
    await expect(page.getByText('Logged in', { exact: true })).toBeVisible();
  });

  test('so does the sign-up, by the link between the two', async ({ page }) => {
    await open(page, '/account/activity');
    const main = page.getByRole('main');
    await main.getByRole('link', { name: 'Sign up' }).click();
    await expect(page.getByRole('heading', { name: 'Sign up' })).toBeVisible();
    await main.getByRole('link', { name: 'Log in' }).click();
    await expect(page.getByRole('heading', { name: 'Log in' })).toBeVisible();
    await main.getByRole('link', { name: 'Sign up' }).click();
    await expect(page.getByRole('heading', { name: 'Sign up' })).toBeVisible();
    await fillIn(page, person());
    await submit(page, 'Create account');
    await expect(page).toHaveURL('/account/activity');
    await expect(page.getByText('Signed up', { exact: true })).toBeVisible();
  });

  test('nobody is led to another site', async ({ page, server }) => {
    const who = await member(server);
    for (const next of ['//evil.example', 'https://evil.example', '/\\evil.example', '/login']) {
      await page.context().clearCookies();
      await open(page, `/login?next=${encodeURIComponent(next)}`);
      await sendLogIn(page, who);
      await expect(page).toHaveURL('/account');
    }
  });

  test('a log-in takes the place of the session that was there', async ({ context, page, server }) => {
    const who = await member(server);
    const cookie = async () => (await sessionCookie(context)).value;
    await open(page, '/login');
    await sendLogIn(page, who);
    await seesAccountOf(page, who);
    const first = await cookie();
    await open(page, '/login');
    await sendLogIn(page, who);
    await seesAccountOf(page, who);
    expect((await server.api('POST', '/auth/refresh', { refresh_token: first })).status).toBe(401);
    await open(page, '/account/activity');
    await expect(page.getByText('Session replaced by a new log-in')).toBeVisible();
  });
});

test('a stranger who follows a link inside the app, past the guard of the server, is led to the log-in too', async ({ expectConsole, page }) => {
  await open(page, '/');
  const follow = () =>
    page.evaluate(() => {
      const link = Object.assign(document.createElement('a'), { href: '/account/activity', textContent: 'in' });
      document.querySelector('main').append(link);
      link.click();
    });
  await expectConsole({ status: 401, url: '/fn/recent-activity' }, follow);
  await expect(page).toHaveURL('/login?next=/account/activity');
});
