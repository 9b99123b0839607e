// The journeys are only worth what they notice: each of these does on purpose what must not happen.
import { historyOf } from '../support/history.mjs';
import { goTo, logIn, member, open } from '../support/steps.mjs';
import { expect, test, withAndWithoutScripts } from '../support/test.mjs';

test('a page that does not hydrate is noticed', async ({ build, page, watch }) => {
  await page.route('**/login', async (route) => {
    const answer = await route.fetch();
    const html = await answer.text();
    const other = html
      .replace(/<h1>(.*?)<\/h1>/, '<section><p>$1</p></section>')
      .replace(/data-elements="(\d+)"/, (_, count) => `data-elements="${Number(count) + 1}"`);
    expect(other).not.toBe(html);
    await route.fulfill({ response: answer, body: other });
  });
  await page.goto('/login');
  await expect.poll(() => watch.unexpected.join()).toContain('uncaught');
  const said = watch.take().join();
  if (build === 'debug') expect(said).toContain('A hydration error occurred');
});

test('a word on the console is noticed, whatever its kind', async ({ page, watch }) => {
  await open(page, '/');
  await page.evaluate(() => ['log', 'info', 'debug', 'warn', 'error'].forEach((kind) => console[kind](kind)));
  await page.evaluate(() => {
    setTimeout(() => {
      throw new Error('thrown');
    });
  });
  await expect.poll(() => watch.unexpected.length).toBe(6);
  expect(watch.take().join()).toContain('uncaught thrown');
});

test('a refused request is noticed unless exactly it is expected', async ({ expectConsole, page, watch }) => {
  await open(page, '/');
  const ask = (url) => page.evaluate((url) => fetch(url).then(() => {}), url);
  await expectConsole({ status: 401, url: '/api/v1/me' }, () => ask('/api/v1/me'));
  expect(watch.unexpected).toEqual([]);
  await ask('/api/v1/me');
  await expect.poll(() => watch.unexpected.length).toBe(1);
  watch.expect({ status: 404, url: '/api/v1/me' });
  watch.expect({ status: 401, url: '/api/v1' });
  await ask('/api/v1/me');
  await expect.poll(() => watch.take().length).toBe(2);
});

test('a request to another origin is noticed', async ({ page, watch, server }) => {
  await page.goto(`http://127.0.0.1:${server.port}/robots.txt`);
  expect(watch.take()).toEqual([`a request to another origin: http://127.0.0.1:${server.port}/robots.txt`]);
});

withAndWithoutScripts((scripts) => {
  test('the back-forward cache is on and keeps pages of the account, or "Back shows nothing" would prove nothing', async ({ page, server }) => {
    const who = await member(server);
    await logIn(page, who);
    const history = await historyOf(page);
    // The browser may leave a page out when the machine is busy, or when its cookie was new; what has to be seen is that it keeps such pages at all.
    let restored = false;
    for (let attempt = 0; attempt < 5 && !restored; attempt++) {
      if (scripts) await page.goto('/robots.txt');
      else await goTo(page, 'Activity');
      restored = await history.back();
    }
    expect(restored, 'restored').toBe(true);
    expect((await history.content()).includes(who.email)).toBe(true);
  });
});
