// The access token ends long before the session does. Nobody notices.
import { isSaved, kept, logIn, member, open, pretend, rename, seesAccountOf, sessionCookie } from '../support/steps.mjs';
import { expect, test } from '../support/test.mjs';
import { isOldButLooksFresh, isOldByOwnClock, shortLived } from '../support/tokens.mjs';

test.use({ settings: shortLived });

const paths = (calls) => calls.map(({ path, status }) => `${path} ${status}`);

test('a token that is old by our own clock is renewed before the call', async ({ page, server, watch }) => {
  await logIn(page, await member(server));
  const before = await kept(page);
  await isOldByOwnClock(page);
  const calls = watch.mark();
  await rename(page, 'Augusta Ada');
  await isSaved(page, 'Augusta Ada');
  expect(paths(watch.calls.slice(calls))).toEqual(['/fn/refresh 200', '/fn/rename 200']);
  const after = await kept(page);
  expect(after.access_token).not.toBe(before.access_token);
  expect(after.tag).toBe(before.tag);
});

test('a token that the server refuses is renewed, and the call repeated once', async ({ expectConsole, page, server, watch }) => {
  await logIn(page, await member(server));
  await isOldButLooksFresh(page, server);
  const calls = watch.mark();
  await expectConsole({ status: 401, url: '/fn/rename' }, () => rename(page, 'Augusta Ada'));
  await isSaved(page, 'Augusta Ada');
  expect(paths(watch.calls.slice(calls))).toEqual(['/fn/rename 401', '/fn/refresh 200', '/fn/rename 200']);
});

test('a clock that was set back makes a token old, not fresh for ever', async ({ page, server, watch }) => {
  await logIn(page, await member(server));
  await pretend(page, { obtained_at: Date.now() + 3_600_000 });
  const calls = watch.mark();
  await rename(page, 'Augusta Ada');
  await isSaved(page, 'Augusta Ada');
  expect(paths(watch.calls.slice(calls))).toEqual(['/fn/refresh 200', '/fn/rename 200']);
});

test('a reload with an old token needs no renewal to show whose page it is', async ({ page, server, watch }) => {
  const who = await member(server);
  await logIn(page, who);
  await isOldByOwnClock(page);
  const calls = watch.mark();
  await page.reload();
  await seesAccountOf(page, who);
  expect(paths(watch.calls.slice(calls))).toEqual([]);
});

test('offline is not signed out', async ({ context, expectConsole, page, server }) => {
  await logIn(page, await member(server));
  await isOldByOwnClock(page);
  await context.setOffline(true);
  await expectConsole({ failure: 'net::ERR_INTERNET_DISCONNECTED', url: '/fn/refresh' }, () => rename(page, 'Augusta Ada'));
  await expect(page.getByRole('alert')).toContainText('No answer');
  expect(await kept(page)).not.toBeNull();
  await context.setOffline(false);
  await rename(page, 'Augusta Ada');
  await isSaved(page, 'Augusta Ada');
});

test.describe('without scripts', () => {
  test.use({ javaScriptEnabled: false });

  test('there is no access token to get old', async ({ context, page, server }) => {
    const who = await member(server);
    await logIn(page, who);
    const cookie = (await sessionCookie(context)).value;
    await rename(page, 'Augusta Ada');
    await isSaved(page, 'Augusta Ada');
    await open(page, '/account/activity');
    expect((await sessionCookie(context)).value, 'pages and forms renew nothing').toBe(cookie);
  });
});
