// Several tabs of one browser are one person, or nobody, and never two.
import { goTo, isLoggedOut, kept, logIn, logOut, member, open, rename, seesAccountOf, sendLogIn, sessionCookie, signUp, submit } from '../support/steps.mjs';
import { expect, test } from '../support/test.mjs';

const elsewhere = 'You logged out in another tab, so you are logged out here too.';
const ended = 'Your session has ended. Log in to go on where you were.';

test.describe('with scripts', () => {
  test('a log-out in another tab empties this one at once, says so, and the log-in leads back', async ({ context, page }) => {
    const who = await signUp(page);
    const second = await context.newPage();
    await open(second, '/account/activity');
    const third = await context.newPage();
    await open(third, '/');
    await expect(third.getByRole('heading', { name: `Hello, ${who.name}.` })).toBeVisible();

    await logOut(page);
    await Promise.all([
      expect(second.getByText('Signed up')).toBeHidden({ timeout: 1_000 }),
      expect(third.getByText(who.name)).toHaveCount(0, { timeout: 1_000 }),
    ]);
    await isLoggedOut(second, elsewhere);
    await expect(second, 'the news is told once').toHaveURL('/login?next=%2Faccount%2Factivity');
    await expect(third).toHaveURL('/');

    await sendLogIn(second, who);
    await expect(second).toHaveURL('/account/activity');
    await expect(second.getByText('Logged out')).toBeVisible();
    // The others were at the door or on a public page, and follow.
    await seesAccountOf(page, who);
    await expect(third.getByRole('heading', { name: `Hello, ${who.name}.` })).toBeVisible();
  });

  test('a log-in as somebody else in another tab makes this one theirs', async ({ context, page, server }) => {
    const [ada, bob] = [await member(server, { name: 'Ada Lovelace' }), await member(server, { name: 'Bob Martin' })];
    await logIn(page, ada);
    const second = await context.newPage();
    await logIn(second, bob);
    await seesAccountOf(page, bob);
    await expect(page.getByText(ada.email)).toHaveCount(0);
    await rename(page, 'Robert');
    await expect(page.getByText('Your name is saved.')).toBeVisible();
    expect((await kept(page)).tag).toBe((await kept(second)).tag);
  });

  test('a form that was made for somebody else is not sent, even by a tab that heard of nothing', async ({ context, page, server, watch }) => {
    const [ada, bob] = [await member(server, { name: 'Ada Lovelace' }), await member(server, { name: 'Bob Martin' })];
    await page.addInitScript(() => delete window.BroadcastChannel);
    await logIn(page, ada);
    await logIn(await context.newPage(), bob);
    await expect(page.getByRole('banner').getByRole('button', { name: ada.name })).toBeVisible();
    const calls = watch.mark();
    await rename(page, 'Mallory');
    await seesAccountOf(page, bob);
    expect(watch.calls.slice(calls)).toEqual([]);
  });

  test('a session that was ended on the server leads to the log-in, says so, and back', async ({ expectConsole, page, server, watch }) => {
    const who = await signUp(page);
    await goTo(page, 'Activity');
    await goTo(page, 'Profile');
    await server.api('POST', '/auth/logout', undefined, (await kept(page)).access_token);
    const calls = watch.mark();
    const refused = ['/fn/rename', '/fn/refresh'].map((url) => ({ status: 401, url }));
    await expectConsole(refused, () => rename(page, 'Mallory'));
    await isLoggedOut(page, ended);
    expect(watch.calls.slice(calls).map(({ path }) => path), 'one call, one renewal, no more').toEqual(['/fn/rename', '/fn/refresh']);
    expect(await kept(page)).toBeNull();
    await sendLogIn(page, who);
    await expect(page.getByRole('banner').getByRole('button', { name: who.name })).toBeVisible();
    await expect(page.getByLabel('Name'), 'what was typed and not saved').toHaveValue('Mallory');
  });
});

test.describe('without scripts', () => {
  test.use({ javaScriptEnabled: false });

  test('after a log-out in another tab the next step leads to the log-in, and the log-in on', async ({ context, page }) => {
    const who = await signUp(page);
    const second = await context.newPage();
    await open(second, '/account');
    await logOut(page);
    await second.getByRole('link', { name: 'Activity' }).first().click();
    await expect(second).toHaveURL('/login?next=/account/activity');
    await sendLogIn(second, who);
    await expect(second).toHaveURL('/account/activity');
    await expect(second.getByText('Logged out')).toBeVisible();
  });

  test('a form that was made for somebody else changes nothing, and says why', async ({ context, page, server }) => {
    const [ada, bob] = [await member(server, { name: 'Ada Lovelace' }), await member(server, { name: 'Bob Martin' })];
    await logIn(page, ada);
    await logIn(await context.newPage(), bob);
    await rename(page, 'Mallory');
    await expect(page.getByRole('alert')).toContainText('You are logged in as someone else now');
    await expect(page.getByRole('alert')).toContainText('Nothing was changed.');
    await seesAccountOf(page, bob);
  });

  test('a form of somebody who is logged out by now changes nothing, and leads to the log-in', async ({ context, page, server }) => {
    const who = await member(server);
    await logIn(page, who);
    const second = await context.newPage();
    await open(second, '/account');
    await logOut(page);
    await submit(second, 'Save name');
    await expect(second).toHaveURL(/\/login\?next=\/account/);
    await sendLogIn(second, who);
    await seesAccountOf(second, who);
  });

  test('a session that was ended on the server leads to the log-in, says so, and back', async ({ context, page, server }) => {
    const who = await signUp(page);
    const { value } = await sessionCookie(context);
    await server.api('POST', '/auth/logout', { refresh_token: value });
    await page.getByRole('link', { name: 'Activity' }).first().click();
    await isLoggedOut(page, ended);
    await sendLogIn(page, who);
    await expect(page).toHaveURL('/account/activity');
  });
});
