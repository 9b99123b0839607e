// Whoever tries too many passwords is told to wait, in the same words with scripts and without; the owner's own browser is let in all the same.
import { logIn, logOut, member, open, sendLogIn } from '../support/steps.mjs';
import { expect, test, withAndWithoutScripts } from '../support/test.mjs';

test.use({ settings: { COUNTERSIGN_RATE_LIMITS: 'on' } });

withAndWithoutScripts((scripts) => {
  test('after five wrong passwords there is a pause, but not for a browser that is known', async ({ newBrowser, page, server, watch }) => {
    server.complains = /rate limit/; // the log names the limit and its setting
    const who = await member(server);
    await logIn(page, who);
    await logOut(page);

    const stranger = await (await newBrowser({ javaScriptEnabled: scripts })).newPage();
    if (scripts) watch.expect({ status: 401, url: '/fn/login', times: 5 });
    if (scripts) watch.expect({ status: 429, url: '/fn/login' });
    await open(stranger, '/login');
    const problem = stranger.getByRole('alert');
    for (let n = 0; n < 5; n++) {
      await sendLogIn(stranger, { ...who, password: `wrong ${n}` });
      await expect(problem).toContainText('There is no account with this address and password.');
    }
    await sendLogIn(stranger, who);
    await expect(problem).toContainText('Too many attempts');
    await expect(problem).toContainText(/Nothing was tried this time\. Try again in (a second|\d+ seconds)\./);

    await logIn(page, who);
  });
});
