// What laptops do to sessions: tabs that wake up together with a token that is over. Nobody is logged out.
import { kept, logInFor, member, noAlarm, open, rename, seesAccountOf } from '../support/steps.mjs';
import { expect, test } from '../support/test.mjs';
import { isOldByOwnClock, shortLived } from '../support/tokens.mjs';

test.use({ settings: shortLived });

const TABS = 5;

const wakeUp = (keep) =>
  test('five tabs wake up with a token that is over: one renewal after the other, at most one a tab, nobody is logged out', async ({ context, page, server, watch }) => {
    const who = await member(server);
    await logInFor(page, who, keep);
    const tabs = [page];
    while (tabs.length < TABS) {
      const tab = await context.newPage();
      await open(tab, '/account');
      await seesAccountOf(tab, who);
      tabs.push(tab);
    }
    // A tab that has got no token from another one gets its own.
    for (const tab of tabs) await expect.poll(() => kept(tab)).not.toBeNull();
    for (const tab of tabs) await isOldByOwnClock(tab);
    const start = watch.mark();
    await Promise.all(tabs.map((tab, number) => rename(tab, `Ada ${number}`)));
    await Promise.all(tabs.map((tab) => expect(tab.getByText('Your name is saved.')).toBeVisible()));

    const renewals = watch.callsTo('/fn/refresh', start).sort((a, b) => a.start - b.start);
    console.log(`${renewals.length} renewals of ${TABS} tabs`);
    expect(renewals.length).toBeGreaterThan(0);
    expect(renewals.map(({ status }) => status)).toEqual(renewals.map(() => 200));
    for (const tab of tabs) expect(renewals.filter((renewal) => renewal.page === tab).length).toBeLessThanOrEqual(1);
    for (let n = 1; n < renewals.length; n++) expect(renewals[n].start, 'one after the other').toBeGreaterThanOrEqual(renewals[n - 1].end);
    const saved = watch.callsTo('/fn/rename', start);
    expect(saved.map(({ status }) => status), 'none was refused').toEqual(tabs.map(() => 200));

    const { body } = await server.api('POST', '/auth/login', { email: who.email, password: who.password });
    const now = (await server.api('GET', '/me', undefined, body.access_token)).body;
    for (const tab of tabs) await noAlarm(tab, now);
  });

test.describe('a session that outlives the browser', () => wakeUp(true));
test.describe('a session that ends with the browser', () => wakeUp(false));
