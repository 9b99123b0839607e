// Pages fit a 320 px window, even with names and email addresses of maximum length.
import { expectNoOverflow } from '../support/overflow.mjs';
import { SENT_PAGE, requestLinks } from '../support/page-states.mjs';
import {
  changeName,
  createUser,
  fillIn,
  logIn,
  navigateTo,
  newUser,
  open,
  submit,
} from '../support/actions.mjs';
import { expect, test, withAndWithoutScripts } from '../support/test.mjs';

test.use({ viewport: { width: 320, height: 640 } });

withAndWithoutScripts((scripts) => {
  test('public pages fit a 320 px window', async ({ expectConsole, page }) => {
    for (const url of [
      '/',
      '/signup',
      '/login',
      '/login?elsewhere&next=/account',
      '/login?reset',
      '/forgot',
      SENT_PAGE,
      '/reset',
      '/secure',
      '/confirm',
      '/verify?sent',
    ]) {
      await open(page, url);
      await expectNoOverflow(page);
    }
    await expectConsole({ status: 404, url: '/nowhere' }, () => open(page, '/nowhere'));
    await expectNoOverflow(page);

    await open(page, '/signup');
    await submit(page, 'Create account');
    await expect(page.locator('[aria-invalid=true]')).toHaveCount(2);
    await expectNoOverflow(page);
    await open(page, '/login');
    const wrong = async () => {
      await fillIn(page, { email: 'ada@example.com', password: 'wrong' });
      await submit(page, 'Log in');
      await expect(page.getByRole('alert')).toBeVisible();
    };
    await (scripts ? expectConsole({ status: 401, url: '/fn/login' }, wrong) : wrong());
    await expectNoOverflow(page);
  });

  test('account pages fit a 320 px window with the longest name and email', async ({
    page,
    server,
  }) => {
    const localPart = newUser().email.split('@')[0].padEnd(64, 'x');
    const email = `${localPart}@${'long.'.repeat(34)}example.com`;
    const user = await createUser(server, { email });
    for (const link of Object.values(await requestLinks(server, user))) {
      await open(page, link);
      await expectNoOverflow(page);
    }
    await logIn(page, user);
    await changeName(page, 'W'.repeat(200));
    await expect(page.getByText('Name saved.')).toBeVisible();
    await expectNoOverflow(page);
    await page.getByRole('banner').getByRole('button').click();
    await expect(page.locator('#menu')).toBeVisible();
    await expectNoOverflow(page);
    await page.keyboard.press('Escape');
    for (const name of ['Email address', 'Password', 'Activity', 'Your data', 'Devices']) {
      await navigateTo(page, name);
      await expectNoOverflow(page);
    }
    await open(page, '/');
    await expectNoOverflow(page);
    const document = await page.request.get('/account/data.html');
    await page.goto('about:blank');
    await page.setContent(await document.text());
    const { clientWidth, scrollWidth } = await page.evaluate(() => ({
      clientWidth: document.documentElement.clientWidth,
      scrollWidth: document.documentElement.scrollWidth,
    }));
    expect(scrollWidth, 'the exported document').toBe(clientWidth);
  });
});
