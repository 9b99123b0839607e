// The laboratory shows every component in every state: axe finds nothing there, and what opens, opens.
import AxeBuilder from '@axe-core/playwright';
import { laboratory } from '../support/states.mjs';
import { open } from '../support/steps.mjs';
import { expect, test } from '../support/test.mjs';

for (const colorScheme of ['light', 'dark']) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme, reducedMotion: 'reduce' });

    for (const [name, show] of Object.entries(laboratory)) {
      test(`what ${name} shows is fit for everybody`, async ({ page }) => {
        await show(page);
        const { violations } = await new AxeBuilder({ page }).options({ rules: { 'color-contrast-enhanced': { enabled: true } } }).analyze();
        expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ').slice(0, 300)}`)).toEqual([]);
      });
    }
  });
}

test('a dialog that was opened gives the focus back', async ({ page }) => {
  await open(page, '/lab');
  await page.getByRole('button', { name: 'Ask again' }).click();
  await expect(page.getByRole('dialog', { name: 'Really?' })).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('button', { name: 'Ask again' })).toBeFocused();
});

test('its states follow one another by their links', async ({ page }) => {
  await laboratory.lab(page);
  const links = await page.getByRole('navigation', { name: 'Laboratory' }).getByRole('link').allTextContents();
  expect(links).toHaveLength(Object.keys(laboratory).length);
  for (const link of links.toReversed()) {
    await page.getByRole('navigation', { name: 'Laboratory' }).getByRole('link', { name: link }).click();
    await expect(page.locator('#lab h1 + p')).toHaveText(link);
    // What lies over the page goes with it, or it would be in the way of the next link.
    await page.keyboard.press('Escape');
  }
  await expect(page.getByRole('main')).not.toHaveAttribute('aria-busy');
});
