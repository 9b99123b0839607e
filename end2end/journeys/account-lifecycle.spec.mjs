// The main flow: sign up, view the account, reload, open a second tab, log out. Afterwards the
// browser history must not show any personal data.
import { browserHistory } from '../support/back-forward.mjs';
import { blockScripts } from '../support/network.mjs';
import {
  createUser,
  expectAccountOf,
  expectLoggedOut,
  expectOnlyDeviceCookie,
  logIn,
  logOut,
  navigateTo,
  open,
  signUp,
} from '../support/actions.mjs';
import { expect, test, withAndWithoutScripts } from '../support/test.mjs';

async function runMainFlow(context, page) {
  await open(page, '/');
  const user = await signUp(page);
  await page.reload();
  await expectAccountOf(page, user);
  const second = await context.newPage();
  await open(second, '/');
  await open(second, '/account/activity');
  await expect(second.getByText('Signed up')).toBeVisible();
  // Adds entries to the browser history.
  await navigateTo(page, 'Activity');
  await navigateTo(page, 'Profile');
  await logOut(page);
  return { user, second };
}

/** Data of a user as pages contain it. An email address may be broken after the `@`. */
const part = (user, key) => user[key].split('@')[0];

/** Goes back to the first entry and forward again; no page contains data of `user` at any time. */
async function expectHistoryWithoutDataOf(page, user) {
  const history = await browserHistory(page);
  const expectWithout = (content, key) =>
    expect(content.includes(part(user, key)), `the ${key} is in ${page.url()}`).toBe(false);
  const inspect = async () => {
    const content = await history.content();
    for (const key of ['email', 'name', 'password']) expectWithout(content, key);
    // The browser restores typed names and email addresses in forms by itself, but not passwords.
    expectWithout(await history.content({ typed: true }), 'password');
  };
  const entries = (await history.entries()).join();
  for (const key of ['email', 'name', 'password']) expectWithout(entries, key);
  await inspect();
  const depth = await history.depth();
  expect(depth).toBeGreaterThan(0);
  for (let step = 0; step < depth; step++) await history.back(inspect);
  for (let step = 0; step < depth; step++) await history.forward(inspect);
}

withAndWithoutScripts((scripts) => {
  test('Back shows no personal data after sign-up, reload, second tab and log-out', async ({
    context,
    page,
  }) => {
    const { user, second } = await runMainFlow(context, page);
    await expectHistoryWithoutDataOf(page, user);
    if (scripts)
      await expectLoggedOut(
        second,
        "You logged out in another tab, so we've logged you out here as well.",
      );
    else await second.reload();
    await expect(second).toHaveURL(/\/login/);
    await expectHistoryWithoutDataOf(second, user);
  });
});

withAndWithoutScripts(() => {
  test('two users of one browser never see data of each other', async ({
    context,
    page,
    server,
  }) => {
    const users = [
      await createUser(server, { name: 'Ada Lovelace' }),
      await createUser(server, { name: 'Bob Martin' }),
    ];
    for (const [user, other] of [users, users.toReversed(), users]) {
      await logIn(page, user);
      const expectNoOtherUser = async () =>
        expect(
          (await (await browserHistory(page)).content({ typed: true })).includes(
            part(other, 'email'),
          ),
        ).toBe(false);
      await expectNoOtherUser();
      await navigateTo(page, 'Activity');
      await expectNoOtherUser();
      await navigateTo(page, 'Devices');
      await expectNoOtherUser();
      await navigateTo(page, 'Profile');
      await expectNoOtherUser();
      await logOut(page);
    }
    await expectHistoryWithoutDataOf(page, users[0]);
    await expectHistoryWithoutDataOf(page, users[1]);
    await expectOnlyDeviceCookie(context);
  });
});

test('Back shows no personal data if the JavaScript bundle never loads', async ({
  context,
  page,
  watch,
}) => {
  await blockScripts(context, watch);
  const { user } = await runMainFlow(context, page);
  await expectHistoryWithoutDataOf(page, user);
});

test('page from the back-forward cache redirects if its session has ended', async ({
  page,
  server,
  watch,
}) => {
  const user = await createUser(server);
  const history = await browserHistory(page);
  watch.expect({ status: 401, url: /^\/fn\/(current-account|refresh)$/, times: Infinity });
  // The browser may reload the page instead of restoring it; then the next attempt counts.
  let restored = false;
  for (let attempt = 0; attempt < 5 && !restored; attempt++) {
    await logIn(page, user);
    await page.goto('/robots.txt');
    const { body } = await server.api('POST', '/auth/login', {
      email: user.email,
      password: user.password,
    });
    await server.api('POST', '/auth/logout', { scope: 'others' }, body.access_token);
    const calls = watch.mark();
    restored = await history.back();
    await expect(page).toHaveURL(/\/login\?/);
    await expect(page.getByText("You've been logged out.")).toBeVisible();
    if (restored)
      expect(watch.callsTo('/fn/current-account', calls)).toMatchObject([{ status: 401 }]);
  }
  expect(restored, 'restored').toBe(true);
  const content = await history.content();
  for (const key of ['email', 'name'])
    expect(content.includes(part(user, key)), `the ${key}`).toBe(false);
});
