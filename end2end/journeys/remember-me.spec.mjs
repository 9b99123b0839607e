// "Keep me logged in" decides the lifetime of the cookie and of the stored token. And the notice
// after reuse of a refresh token.
import {
  createUser,
  expectAccountOf,
  logIn,
  logInWithRememberMe,
  open,
  sessionCookie,
  waitForHydration,
} from '../support/actions.mjs';
import { expect, test, withAndWithoutScripts } from '../support/test.mjs';

const tokenLocations = (page) =>
  page.evaluate(() =>
    [sessionStorage, localStorage].map((storage) => storage.getItem('countersign') !== null),
  );

withAndWithoutScripts((scripts) => {
  for (const rememberMe of [true, false]) {
    test(`session ${rememberMe ? 'outlives' : 'ends with'} the browser, as chosen`, async ({
      context,
      page,
      server,
    }) => {
      const user = await createUser(server);
      await logInWithRememberMe(page, user, rememberMe);
      expect((await sessionCookie(context)).expires > 0).toBe(rememberMe);
      if (scripts) expect(await tokenLocations(page)).toEqual([!rememberMe, rememberMe]);
      // A second tab, which may have to request its own token.
      const second = await context.newPage();
      await open(second, '/account');
      await expectAccountOf(second, user);
      await page.reload();
      await expectAccountOf(page, user);
      expect((await sessionCookie(context)).expires > 0).toBe(rememberMe);
      if (scripts) expect(await tokenLocations(page)).toEqual([!rememberMe, rememberMe]);
    });
  }

  test('refresh token reuse is reported at the next log-in until dismissed', async ({
    page,
    server,
  }) => {
    server.expectedLog = /refresh token reuse detected/;
    const user = await createUser(server);
    const { body: first } = await server.api('POST', '/auth/login', {
      email: user.email,
      password: user.password,
    });
    // Two generations behind: this is reuse, not a lost response.
    let token = first.refresh_token;
    for (let step = 0; step < 3; step++)
      token = (await server.api('POST', '/auth/refresh', { refresh_token: token })).body
        .refresh_token;
    expect(
      (await server.api('POST', '/auth/refresh', { refresh_token: first.refresh_token })).status,
    ).toBe(401);
    expect((await server.api('POST', '/auth/refresh', { refresh_token: token })).status).toBe(401);
    await logIn(page, user);
    await expect(page.getByRole('alert')).toContainText(
      'We logged out one of your devices to be safe',
    );
    await open(page, '/account/activity');
    await expect(
      page.getByText('Logged out a device to be safe: its session was used in two places'),
    ).toBeVisible();
    await waitForHydration(page);
    await page.getByRole('button', { name: "Don't show this again" }).click();
    await expect(page.getByRole('alert')).toHaveCount(0);
    await expect(page.getByRole('heading', { level: 1, name: 'Activity' })).toBeVisible();
    await open(page, '/account');
    await expect(page.getByRole('alert')).toHaveCount(0);
    await page.context().clearCookies();
    await logIn(page, user);
    await expect(page.getByRole('alert')).toHaveCount(0);
  });
});
