// "Keep me logged in": ticked or not, for the cookie and for the token; and what is told after a theft.
import { logIn, logInFor, member, open, ready, seesAccountOf, sessionCookie } from '../support/steps.mjs';
import { expect, test, withAndWithoutScripts } from '../support/test.mjs';

const stored = (page) => page.evaluate(() => [sessionStorage, localStorage].map((storage) => storage.getItem('countersign') !== null));

withAndWithoutScripts((scripts) => {
  for (const keep of [true, false]) {
    test(`a session is kept ${keep ? 'beyond the browser' : 'until the browser is closed'}, if that is wanted`, async ({ context, page, server }) => {
      const who = await member(server);
      await logInFor(page, who, keep);
      expect((await sessionCookie(context)).expires > 0).toBe(keep);
      if (scripts) expect(await stored(page)).toEqual([!keep, keep]);
      // A second tab, which may have to get a token of its own.
      const second = await context.newPage();
      await open(second, '/account');
      await seesAccountOf(second, who);
      await page.reload();
      await seesAccountOf(page, who);
      expect((await sessionCookie(context)).expires > 0).toBe(keep);
      if (scripts) expect(await stored(page)).toEqual([!keep, keep]);
    });
  }

  test('somebody whose session was stolen is told at the next log-in, and once', async ({ page, server }) => {
    server.complains = /a refresh token was used again after its successor/;
    const who = await member(server);
    const { body: first } = await server.api('POST', '/auth/login', { email: who.email, password: who.password });
    // Two steps behind and long ago: only a thief has that.
    let token = first.refresh_token;
    for (let step = 0; step < 3; step++) token = (await server.api('POST', '/auth/refresh', { refresh_token: token })).body.refresh_token;
    expect((await server.api('POST', '/auth/refresh', { refresh_token: first.refresh_token })).status).toBe(401);
    expect((await server.api('POST', '/auth/refresh', { refresh_token: token })).status).toBe(401);
    await logIn(page, who);
    await expect(page.getByRole('alert')).toContainText('One of your sessions was ended for safety');
    await open(page, '/account/activity');
    await expect(page.getByText('Session ended for safety: its key was used twice')).toBeVisible();
    await ready(page);
    await page.getByRole('button', { name: 'Do not show this again' }).click();
    await expect(page.getByRole('alert')).toHaveCount(0);
    await expect(page.getByRole('heading', { level: 1, name: 'Activity' })).toBeVisible();
    await open(page, '/account');
    await expect(page.getByRole('alert')).toHaveCount(0);
    await page.context().clearCookies();
    await logIn(page, who);
    await expect(page.getByRole('alert')).toHaveCount(0);
  });
});
