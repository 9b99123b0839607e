// The main road: sign up, see the account, reload, a second tab, log out, and nothing of it left behind Back.
import { historyOf } from '../support/history.mjs';
import { blockScripts } from '../support/network.mjs';
import { goTo, isLoggedOut, logIn, logOut, member, onlyKnown, open, seesAccountOf, signUp } from '../support/steps.mjs';
import { expect, test, withAndWithoutScripts } from '../support/test.mjs';

async function mainRoad(context, page) {
  await open(page, '/');
  const who = await signUp(page);
  await page.reload();
  await seesAccountOf(page, who);
  const second = await context.newPage();
  await open(second, '/');
  await open(second, '/account/activity');
  await expect(second.getByText('Signed up')).toBeVisible();
  // So that there is something behind Back.
  await goTo(page, 'Activity');
  await goTo(page, 'Profile');
  await logOut(page);
  return { who, second };
}

/** Back as far as it goes, and forward again: at no moment does the page hold anything of `who`. */
async function historyHoldsNothingOf(page, who) {
  const history = await historyOf(page);
  const holds = (content, what) => expect(content.includes(who[what]), `the ${what} is in ${page.url()}`).toBe(false);
  const look = async () => {
    const content = await history.content();
    for (const what of ['email', 'name', 'password']) holds(content, what);
    // Into the forms in which they were typed the browser puts name and address back by itself; a password never.
    holds(await history.content({ typed: true }), 'password');
  };
  const addresses = (await history.entries()).join();
  for (const what of ['email', 'name', 'password']) holds(addresses, what);
  await look();
  const depth = await history.depth();
  expect(depth).toBeGreaterThan(0);
  for (let step = 0; step < depth; step++) await history.back(look);
  for (let step = 0; step < depth; step++) await history.forward(look);
}

withAndWithoutScripts((scripts) => {
  test('somebody signs up, reloads, opens a second tab and logs out, and Back shows nothing private', async ({ context, page }) => {
    const { who, second } = await mainRoad(context, page);
    await historyHoldsNothingOf(page, who);
    if (scripts) await isLoggedOut(second, 'You logged out in another tab, so you are logged out here too.');
    else await second.reload();
    await expect(second).toHaveURL(/\/login/);
    await historyHoldsNothingOf(second, who);
  });
});

withAndWithoutScripts(() => {
  test('two people, one after the other in one browser, never see anything of each other', async ({ context, page, server }) => {
    const people = [await member(server, { name: 'Ada Lovelace' }), await member(server, { name: 'Bob Martin' })];
    for (const [who, other] of [people, people.toReversed(), people]) {
      await logIn(page, who);
      const seen = async () => expect((await (await historyOf(page)).content({ typed: true })).includes(other.email)).toBe(false);
      await seen();
      await goTo(page, 'Activity');
      await seen();
      await goTo(page, 'Sessions');
      await seen();
      await goTo(page, 'Profile');
      await seen();
      await logOut(page);
    }
    await historyHoldsNothingOf(page, people[0]);
    await historyHoldsNothingOf(page, people[1]);
    await onlyKnown(context);
  });
});

test('with a bundle that never arrives the same road ends with nothing private behind Back', async ({ context, page, watch }) => {
  await blockScripts(context, watch);
  const { who } = await mainRoad(context, page);
  await historyHoldsNothingOf(page, who);
});

test('a page that comes out of the back-forward cache looks whose it is, and does not stay when the session has ended meanwhile', async ({ page, server, watch }) => {
  const who = await member(server);
  const history = await historyOf(page);
  watch.expect({ status: 401, url: /^\/fn\/(current-account|refresh)$/, times: Infinity });
  // Or the page is loaded again, which is another journey.
  let restored = false;
  for (let attempt = 0; attempt < 5 && !restored; attempt++) {
    await logIn(page, who);
    await page.goto('/robots.txt');
    await history.back();
    await page.goto('/robots.txt');
    const { body } = await server.api('POST', '/auth/login', { email: who.email, password: who.password });
    await server.api('POST', '/auth/logout', { scope: 'others' }, body.access_token);
    const calls = watch.mark();
    restored = await history.back();
    await expect(page).toHaveURL(/\/login\?/);
    await expect(page.getByText('Your session has ended.')).toBeVisible();
    if (restored) expect(watch.callsTo('/fn/current-account', calls)).toMatchObject([{ status: 401 }]);
  }
  expect(restored, 'restored').toBe(true);
  const content = await history.content();
  for (const what of ['email', 'name']) expect(content.includes(who[what]), `the ${what}`).toBe(false);
});
