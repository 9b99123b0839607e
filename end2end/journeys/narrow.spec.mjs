// A window of 320 px, and names and addresses as long as they may be: nothing sticks out.
import { fits } from '../support/fits.mjs';
import { fillIn, goTo, logIn, member, open, person, rename, submit } from '../support/steps.mjs';
import { expect, test, withAndWithoutScripts } from '../support/test.mjs';

test.use({ viewport: { width: 320, height: 640 } });

withAndWithoutScripts((scripts) => {
  test('no page scrolls sideways', async ({ expectConsole, page, server }) => {
    for (const address of ['/', '/signup', '/login', '/login?elsewhere&next=/account']) {
      await open(page, address);
      await fits(page);
    }
    await expectConsole({ status: 404, url: '/nowhere' }, () => open(page, '/nowhere'));
    await fits(page);

    await open(page, '/signup');
    await submit(page, 'Create account');
    await expect(page.locator('[aria-invalid=true]')).toHaveCount(2);
    await fits(page);
    await open(page, '/login');
    const wrong = async () => {
      await fillIn(page, { email: 'ada@example.com', password: 'wrong' });
      await submit(page, 'Log in');
      await expect(page.getByRole('alert')).toBeVisible();
    };
    await (scripts ? expectConsole({ status: 401, url: '/fn/login' }, wrong) : wrong());
    await fits(page);
  });

  test('nor do the pages of an account with the longest of names', async ({ page, server }) => {
    const email = `${person().email.split('@')[0].padEnd(64, 'x')}@${'long.'.repeat(34)}example.com`;
    const who = await member(server, { email });
    await logIn(page, who);
    await rename(page, 'W'.repeat(200));
    await expect(page.getByText('Your name is saved.')).toBeVisible();
    await fits(page);
    await page.getByRole('banner').getByRole('button').click();
    await expect(page.locator('#menu')).toBeVisible();
    await fits(page);
    await page.keyboard.press('Escape');
    for (const name of ['Password', 'Activity', 'Your data', 'Sessions']) {
      await goTo(page, name);
      await fits(page);
    }
    await open(page, '/');
    await fits(page);
    const document = await page.request.get('/account/data.html');
    await page.goto('about:blank');
    await page.setContent(await document.text());
    const { room, wide } = await page.evaluate(() => ({ room: document.documentElement.clientWidth, wide: document.documentElement.scrollWidth }));
    expect(wide, 'the document of everything that is stored').toBe(room);
  });
});
