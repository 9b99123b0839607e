// After too many wrong passwords the user must wait; the message is the same with and without
// scripts. A browser with a device cookie is not affected.
import { createUser, logIn, logOut, open, submitLogIn } from '../support/actions.mjs';
import { expect, test, withAndWithoutScripts } from '../support/test.mjs';

test.use({ settings: { COUNTERSIGN_RATE_LIMITS: 'on' } });

withAndWithoutScripts((scripts) => {
  test('five wrong passwords block other browsers but not a known device', async ({
    newBrowser,
    page,
    server,
    watch,
  }) => {
    server.expectedLog = /rate limit/; // the log names the limit and its setting
    const user = await createUser(server);
    await logIn(page, user);
    await logOut(page);

    const otherBrowser = await (await newBrowser({ javaScriptEnabled: scripts })).newPage();
    if (scripts) await otherBrowser.clock.install();
    if (scripts) watch.expect({ status: 401, url: '/fn/login', times: 5 });
    if (scripts) watch.expect({ status: 429, url: '/fn/login' });
    await open(otherBrowser, '/login');
    const problem = otherBrowser.getByRole('alert');
    for (let n = 0; n < 5; n++) {
      await submitLogIn(otherBrowser, { ...user, password: `wrong ${n}` });
      await expect(problem).toContainText('Incorrect email address or password');
    }
    // The page would send the form again.
    if (scripts) await otherBrowser.clock.pauseAt(Date.now() + 10_000);
    await submitLogIn(otherBrowser, user);
    await expect(problem).toContainText('Too many attempts');
    if (scripts) await otherBrowser.clock.runFor(1);
    await expect(otherBrowser.getByText('Trying again automatically')).toHaveCount(scripts ? 1 : 0);
    await expect(problem).toContainText(
      /We didn't check this attempt\. Try again in (a second|\d+ seconds)\./,
    );

    await logIn(page, user);
  });
});
