// The component gallery and the brand editor of a release build. Their pages need no scripts.
import AxeBuilder from '@axe-core/playwright';
import { open } from '../support/actions.mjs';
import { expect, test, withAndWithoutScripts } from '../support/test.mjs';

test.use({ settings: { COUNTERSIGN_GALLERY: 'on' } });

const navigation = (page) => page.getByRole('navigation', { name: 'Component gallery' });
const logInFrame = (page) => page.frameLocator('iframe[title="Log-in page"]');
const settings = (page) => page.getByRole('group', { name: 'Settings' });
const backgroundColor = (locator) =>
  locator.evaluate((element) => getComputedStyle(element).backgroundColor);

async function expectNoViolations(page) {
  // No script runs in the frames, not even that of axe.
  const { violations } = await new AxeBuilder({ page }).exclude('iframe').analyze();
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html)}`)).toEqual([]);
}

/** Changes a setting of the brand, and waits for the page that has it. */
async function change(page, scripts, edit) {
  await edit();
  if (!scripts) await page.getByRole('button', { name: 'Update previews' }).click();
}

test('each entry has a sample, code and properties', async ({ page }) => {
  test.setTimeout(180_000);
  await open(page, '/gallery');
  const links = navigation(page).locator('a[href^="/gallery?show="]');
  const urls = await links.evaluateAll((all) => all.map((link) => link.getAttribute('href')));
  expect(urls.length).toBeGreaterThan(30);
  let withProperties = 0;
  for (const url of urls) {
    await open(page, url);
    const name = new URL(url, 'http://localhost').searchParams.get('show');
    await expect(page.getByRole('heading', { level: 1, name, exact: true })).toBeVisible();
    const body = page.frameLocator('iframe').locator('body');
    await expect(body).toBeAttached();
    await expect(page.getByRole('group', { name: 'Code' })).not.toBeEmpty();
    const properties = page.locator('[data-part=card]', {
      has: page.getByRole('heading', { name: 'Properties' }),
    });
    const table = properties.getByRole('table');
    await expect(table.or(properties.getByText('None.', { exact: true }))).toBeVisible();
    if (await table.isVisible()) withProperties += 1;
    await expect(page.getByRole('heading', { name: 'Accessibility' })).toBeVisible();
  }
  expect(withProperties).toBeGreaterThan(25);
});

for (const colorScheme of ['light', 'dark']) {
  test(`pages have no axe violations, ${colorScheme}`, async ({ page }) => {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    const entries = ['TextField', 'Notice'].map((name) => `/gallery?show=${name}`);
    for (const url of ['/gallery', ...entries, '/gallery/brand']) {
      await open(page, url);
      await page.waitForLoadState('networkidle');
      await expectNoViolations(page);
    }
  });
}

test('pages fit into a narrow window', async ({ page }) => {
  await page.setViewportSize({ width: 320, height: 700 });
  for (const url of ['/gallery', '/gallery?show=Dialog&width=1280', '/gallery/brand']) {
    await open(page, url);
    const overflow = () => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(await overflow()).toBeLessThanOrEqual(0);
  }
});

test('visitors of other pages load nothing of the gallery', async ({ page }) => {
  const requests = [];
  page.on('request', (request) => requests.push(new URL(request.url()).pathname));
  for (const url of ['/', '/login', '/signup']) {
    await open(page, url);
    await page.waitForLoadState('networkidle');
  }
  expect(requests.filter((path) => path.startsWith('/gallery'))).toEqual([]);
});

withAndWithoutScripts((scripts) => {
  test('theme, text size and width of a sample can be chosen', async ({ page }) => {
    await page.emulateMedia({ colorScheme: 'light' });
    await page.setViewportSize({ width: 1280, height: 800 });
    await open(page, '/gallery?show=Menu');
    const html = page.frameLocator('iframe').locator('html');
    const light = await backgroundColor(html);
    for (const choice of ['Dark', '200 %', '320 px'])
      await page.getByRole('main').getByRole('link', { name: choice, exact: true }).click();
    await expect(page).toHaveURL('/gallery?show=Menu&theme=dark&text=200&width=320');
    await expect(html).toHaveAttribute('data-theme', 'dark');
    expect(await backgroundColor(html)).not.toBe(light);
    const width = () => html.evaluate(() => innerWidth);
    await expect.poll(width).toBe(320);
  });

  test('brand editor shows a brand and its settings', async ({ page }) => {
    await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
    await open(page, '/gallery/brand');
    await expect(settings(page)).toHaveText('# All settings have their default values.');
    await change(page, scripts, async () => {
      await page.getByLabel('name', { exact: true }).fill('Field "notes"');
      await page.getByLabel('accent', { exact: true }).fill('#3b2fb5');
      await page.getByLabel('radius', { exact: true }).selectOption('round');
    });
    await expect(settings(page)).toContainText('accent = "#3b2fb5"');
    await expect(settings(page)).toContainText(`name = 'Field "notes"'`);
    await expect(settings(page)).toContainText('radius = "round"');
    const heading = logInFrame(page).getByText('Log in to Field "notes"');
    await expect(heading).toBeVisible();
    const button = logInFrame(page).locator('.form .button').first();
    await expect.poll(() => backgroundColor(button)).toBe('rgb(59, 47, 181)');
    await expect(page.frameLocator('iframe[title="Email"]').locator('a.button')).toHaveCSS(
      'background-color',
      'rgb(59, 47, 181)',
    );
    const account = page.frameLocator('iframe[title="Account page"]');
    await expect(account.getByText('Ada Lovelace').first()).toBeVisible();
  });

  test('accent that is hard to read leads to the nearest one', async ({ page }) => {
    await open(page, '/gallery/brand');
    await change(page, scripts, () =>
      page.getByLabel('accent', { exact: true }).fill('#ffd400'),
    );
    await expect(page.getByText('The nearest valid color is #7d6700')).toBeVisible();
    await expect(settings(page)).toContainText('accent = "#7d6700"');
  });
});
