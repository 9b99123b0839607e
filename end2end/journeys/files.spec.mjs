// Files of the site: their names change with what is in them, so that they can be kept for ever.
import { member, open, seesAccountOf, sendLogIn } from '../support/steps.mjs';
import { expect, test } from '../support/test.mjs';

test('what the program is made of is kept for a year, and comes in as few bytes as the browser can take', async ({ page, request, server }) => {
  const files = [];
  page.on('response', (answer) => void (new URL(answer.url()).pathname.startsWith('/pkg/') && files.push(answer)));
  const who = await member(server);
  await open(page, '/login');
  await sendLogIn(page, who);
  await seesAccountOf(page, who);
  expect(files.some((answer) => answer.url().includes('/split_account'))).toBe(true);
  expect(files.map((answer) => new URL(answer.url()).pathname.split('.').at(-1)).sort()).toEqual(expect.arrayContaining(['css', 'js', 'wasm']));
  for (const answer of files) {
    const headers = answer.headers();
    expect(headers, answer.url()).toMatchObject({ 'cache-control': 'public, max-age=31536000, immutable', vary: expect.stringContaining('accept-encoding') });
    expect(new URL(answer.url()).pathname).toMatch(/\.[\w-]{22}\.(css|js|wasm)$/);
    for (const encoding of ['br', 'gzip']) {
      const packed = await request.get(answer.url(), { headers: { 'accept-encoding': encoding } });
      expect(packed.headers()['content-encoding'], `${answer.url()} in ${encoding}`).toBe(encoding);
    }
    const again = await request.get(answer.url(), { headers: { 'if-modified-since': headers['last-modified'] } });
    expect([again.status(), (await again.body()).length], answer.url()).toEqual([304, 0]);
  }
});

test('a file that has not changed is not sent again', async ({ request }) => {
  const whole = await request.get('/favicon.svg');
  expect(whole.headers()).toMatchObject({ 'cache-control': 'public, max-age=3600' });
  const again = await request.get('/favicon.svg', { headers: { 'if-modified-since': whole.headers()['last-modified'] } });
  expect([again.status(), (await again.body()).length]).toEqual([304, 0]);
  expect(again.headers()).toMatchObject({ 'cache-control': 'public, max-age=3600' });
});
