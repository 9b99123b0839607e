// Static files. The names of assets contain a hash of their content, so that they can be cached
// indefinitely.
import { createUser, expectAccountOf, open, submitLogIn } from '../support/actions.mjs';
import { expect, test } from '../support/test.mjs';

test('assets are cached for a year and served compressed', async ({ page, request, server }) => {
  const files = [];
  page.on(
    'response',
    (response) =>
      void (new URL(response.url()).pathname.startsWith('/pkg/') && files.push(response)),
  );
  const user = await createUser(server);
  await open(page, '/login');
  await submitLogIn(page, user);
  await expectAccountOf(page, user);
  expect(
    files.map((response) => new URL(response.url()).pathname.split('.').at(-1)).sort(),
  ).toEqual(expect.arrayContaining(['css', 'js', 'wasm']));
  for (const response of files) {
    const headers = response.headers();
    expect(headers, response.url()).toMatchObject({
      'cache-control': 'public, max-age=31536000, immutable',
      vary: expect.stringContaining('accept-encoding'),
    });
    expect(new URL(response.url()).pathname).toMatch(/\.[\w-]{22}\.(css|js|wasm)$/);
    for (const encoding of ['br', 'gzip']) {
      const packed = await request.get(response.url(), {
        headers: { 'accept-encoding': encoding },
      });
      expect(packed.headers()['content-encoding'], `${response.url()} in ${encoding}`).toBe(
        encoding,
      );
    }
    const again = await request.get(response.url(), {
      headers: { 'if-modified-since': headers['last-modified'] },
    });
    expect([again.status(), (await again.body()).length], response.url()).toEqual([304, 0]);
  }
});

test('unchanged file returns 304', async ({ request }) => {
  const whole = await request.get('/favicon.svg');
  expect(whole.headers()).toMatchObject({ 'cache-control': 'public, max-age=3600' });
  const again = await request.get('/favicon.svg', {
    headers: { 'if-modified-since': whole.headers()['last-modified'] },
  });
  expect([again.status(), (await again.body()).length]).toEqual([304, 0]);
  expect(again.headers()).toMatchObject({ 'cache-control': 'public, max-age=3600' });
});

test('files that browsers request by themselves exist', async ({ page, request }) => {
  for (const [url, type] of [
    ['/favicon.ico', /^image\//],
    ['/apple-touch-icon.png', /^image\/png/],
    ['/manifest.webmanifest', /^application\/manifest\+json/],
  ]) {
    const response = await request.get(url);
    expect(response.status(), url).toBe(200);
    expect(response.headers()['content-type'], url).toMatch(type);
  }
  await open(page, '/');
  await expect(page.locator('link[rel=manifest]')).toHaveCount(1);
  await expect(page.locator('link[rel=icon]')).toHaveCount(1);
});
