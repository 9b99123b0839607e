// Tabs that wake up together with an expired token, as after a laptop's sleep, stay logged in.
import {
  changeName,
  createUser,
  expectAccountOf,
  expectNoReuseWarning,
  logInWithRememberMe,
  open,
  storedToken,
} from '../support/actions.mjs';
import { expect, test } from '../support/test.mjs';
import { shortLivedTokens, waitUntilExpired } from '../support/tokens.mjs';

test.use({ settings: shortLivedTokens });

const TABS = 5;

const testWakeup = (rememberMe) =>
  test('five tabs with an expired token refresh in turn and stay logged in', async ({
    context,
    page,
    server,
    watch,
  }) => {
    const user = await createUser(server);
    await logInWithRememberMe(page, user, rememberMe);
    const tabs = [page];
    while (tabs.length < TABS) {
      const tab = await context.newPage();
      await open(tab, '/account');
      await expectAccountOf(tab, user);
      tabs.push(tab);
    }
    // A tab that received no token from another tab requests its own.
    for (const tab of tabs) await expect.poll(() => storedToken(tab)).not.toBeNull();
    for (const tab of tabs) await waitUntilExpired(tab);
    const start = watch.mark();
    await Promise.all(tabs.map((tab, number) => changeName(tab, `Ada ${number}`)));
    await Promise.all(tabs.map((tab) => expect(tab.getByText('Name saved.')).toBeVisible()));

    const refreshes = watch.callsTo('/fn/refresh', start).sort((a, b) => a.start - b.start);
    console.log(`${refreshes.length} refreshes of ${TABS} tabs`);
    expect(refreshes.length).toBeGreaterThan(0);
    expect(refreshes.map(({ status }) => status)).toEqual(refreshes.map(() => 200));
    for (const tab of tabs)
      expect(refreshes.filter((refresh) => refresh.page === tab).length).toBeLessThanOrEqual(1);
    for (let n = 1; n < refreshes.length; n++)
      expect(refreshes[n].start, 'refreshes do not overlap').toBeGreaterThanOrEqual(
        refreshes[n - 1].end,
      );
    const saved = watch.callsTo('/fn/update-profile', start);
    expect(
      saved.map(({ status }) => status),
      'no call was rejected',
    ).toEqual(tabs.map(() => 200));

    const { body } = await server.api('POST', '/auth/login', {
      email: user.email,
      password: user.password,
    });
    const now = (await server.api('GET', '/me', undefined, body.access_token)).body;
    for (const tab of tabs) await expectNoReuseWarning(tab, now);
  });

test.describe('persistent session', () => testWakeup(true));
test.describe('browser session', () => testWakeup(false));
