// Access tokens expire long before the session. Refreshes are invisible to the user.
import {
  changeName,
  createUser,
  expectAccountOf,
  expectNameSaved,
  logIn,
  open,
  patchStoredToken,
  sessionCookie,
  storedToken,
} from '../support/actions.mjs';
import { expect, test } from '../support/test.mjs';
import { shortLivedTokens, waitUntilExpired, waitUntilRejected } from '../support/tokens.mjs';

test.use({ settings: shortLivedTokens });

const paths = (calls) => calls.map(({ path, status }) => `${path} ${status}`);

test('locally expired token is refreshed before the call', async ({ page, server, watch }) => {
  await logIn(page, await createUser(server));
  const before = await storedToken(page);
  await waitUntilExpired(page);
  const calls = watch.mark();
  await changeName(page, 'Augusta Ada');
  await expectNameSaved(page, 'Augusta Ada');
  expect(paths(watch.calls.slice(calls))).toEqual(['/fn/refresh 200', '/fn/update-profile 200']);
  const after = await storedToken(page);
  expect(after.access_token).not.toBe(before.access_token);
  expect(after.tag).toBe(before.tag);
});

test('rejected token is refreshed, and the call is retried once', async ({
  expectConsole,
  page,
  server,
  watch,
}) => {
  await logIn(page, await createUser(server));
  await waitUntilRejected(page, server);
  const calls = watch.mark();
  await expectConsole({ status: 401, url: '/fn/update-profile' }, () =>
    changeName(page, 'Augusta Ada'),
  );
  await expectNameSaved(page, 'Augusta Ada');
  expect(paths(watch.calls.slice(calls))).toEqual([
    '/fn/update-profile 401',
    '/fn/refresh 200',
    '/fn/update-profile 200',
  ]);
});

test('token issued in the future by the local clock is refreshed', async ({
  page,
  server,
  watch,
}) => {
  await logIn(page, await createUser(server));
  await patchStoredToken(page, { obtained_at: Date.now() + 3_600_000 });
  const calls = watch.mark();
  await changeName(page, 'Augusta Ada');
  await expectNameSaved(page, 'Augusta Ada');
  expect(paths(watch.calls.slice(calls))).toEqual(['/fn/refresh 200', '/fn/update-profile 200']);
});

test('reload with an expired token shows the account without a refresh', async ({
  page,
  server,
  watch,
}) => {
  const user = await createUser(server);
  await logIn(page, user);
  await waitUntilExpired(page);
  const calls = watch.mark();
  await page.reload();
  await expectAccountOf(page, user);
  expect(paths(watch.calls.slice(calls))).toEqual([]);
});

test('offline call keeps the session', async ({ context, page, server, watch }) => {
  await logIn(page, await createUser(server));
  await waitUntilExpired(page);
  watch.expect({ failure: 'net::ERR_INTERNET_DISCONNECTED', url: '/readyz', times: Infinity });
  await context.setOffline(true);
  await changeName(page, 'Augusta Ada');
  await expect(page.getByRole('button', { name: 'Waiting for the network…' })).toBeVisible();
  expect(await storedToken(page)).not.toBeNull();
  await context.setOffline(false);
  await expectNameSaved(page, 'Augusta Ada');
});

test.describe('without scripts', () => {
  test.use({ javaScriptEnabled: false });

  test('pages and forms never refresh the session', async ({ context, page, server }) => {
    const user = await createUser(server);
    await logIn(page, user);
    const cookie = (await sessionCookie(context)).value;
    await changeName(page, 'Augusta Ada');
    await expectNameSaved(page, 'Augusta Ada');
    await open(page, '/account/activity');
    expect((await sessionCookie(context)).value, 'the cookie is unchanged').toBe(cookie);
  });
});
