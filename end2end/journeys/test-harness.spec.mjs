// Tests of the test harness itself: each causes a failure on purpose, which must be detected.
import { browserHistory } from '../support/back-forward.mjs';
import { createUser, logIn, navigateTo, open } from '../support/actions.mjs';
import { expect, test, withAndWithoutScripts } from '../support/test.mjs';

test('page that fails to hydrate is detected', async ({ build, page, watch }) => {
  await page.route('**/login', async (route) => {
    const response = await route.fetch();
    const html = await response.text();
    const other = html
      .replace(/<label[^>]* for="email">(.*?)<\/label>/, '<section><p>$1</p></section>')
      .replace(
        /data-elements="(\d+)" data-component="LogInForm/,
        (tag, count) => tag.replace(count, Number(count) + 1),
      );
    expect(other).not.toBe(html);
    await route.fulfill({ response, body: other });
  });
  await page.goto('/login');
  await expect.poll(() => watch.unexpected.join()).toContain('panicked');
  const said = watch.takeUnexpected().join();
  if (build === 'debug') expect(said).toContain('A hydration error occurred');
});

test('console message of any kind is detected', async ({ page, watch }) => {
  await open(page, '/');
  await page.evaluate(() =>
    ['log', 'info', 'debug', 'warn', 'error'].forEach((kind) => console[kind](kind)),
  );
  await page.evaluate(() => {
    setTimeout(() => {
      throw new Error('thrown');
    });
  });
  await expect.poll(() => watch.unexpected.length).toBe(6);
  expect(watch.takeUnexpected().join()).toContain('uncaught thrown');
});

test('failed request is detected unless exactly it is expected', async ({
  expectConsole,
  page,
  watch,
}) => {
  await open(page, '/');
  const send = (url) => page.evaluate((url) => fetch(url).then(() => {}), url);
  await expectConsole({ status: 401, url: '/api/v1/me' }, () => send('/api/v1/me'));
  expect(watch.unexpected).toEqual([]);
  await send('/api/v1/me');
  await expect.poll(() => watch.unexpected.length).toBe(1);
  watch.expect({ status: 404, url: '/api/v1/me' });
  watch.expect({ status: 401, url: '/api/v1' });
  await send('/api/v1/me');
  await expect.poll(() => watch.takeUnexpected().length).toBe(2);
});

test('request to another origin is detected', async ({ page, watch, server }) => {
  await page.goto(`http://127.0.0.1:${server.port}/robots.txt`);
  expect(watch.takeUnexpected()).toEqual([
    `a request to another origin: http://127.0.0.1:${server.port}/robots.txt`,
  ]);
});

withAndWithoutScripts((scripts) => {
  test('back-forward cache is enabled and keeps account pages', async ({ page, server }) => {
    const user = await createUser(server);
    await logIn(page, user);
    const history = await browserHistory(page);
    // Without the cache, the tests of Back would prove nothing. The browser may skip a page on a
    // busy machine or after a new cookie, so one restored page is enough.
    let restored = false;
    for (let attempt = 0; attempt < 5 && !restored; attempt++) {
      if (scripts) await page.goto('/robots.txt');
      else await navigateTo(page, 'Activity');
      restored = await history.back();
    }
    expect(restored, 'restored').toBe(true);
    expect((await history.content()).includes(user.email.split('@')[0])).toBe(true);
  });
});
