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
        const { violations } = await new AxeBuilder({ page }).analyze();
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
  await open(page, '/lab');
  await page.getByRole('link', { name: 'With faults' }).click();
  await expect(page.locator('[aria-invalid=true]')).toHaveCount(4);
  await page.getByRole('link', { name: 'At work' }).click();
  await expect(page.getByRole('main')).toHaveAttribute('aria-busy', 'true');
  await page.getByRole('link', { name: 'At rest' }).click();
  await expect(page.getByRole('main')).not.toHaveAttribute('aria-busy');
});
