// The laboratory page shows every component in every state: axe finds nothing there, and what opens, opens.
import AxeBuilder from '@axe-core/playwright';
import { laboratory } from '../support/states.mjs';
import { expect, test } from '../support/test.mjs';

for (const colorScheme of ['light', 'dark']) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme, reducedMotion: 'reduce' });

    test('every component in every state is fit for everybody', async ({ page }) => {
      await laboratory.lab(page);
      const { violations } = await new AxeBuilder({ page }).analyze();
      expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ').slice(0, 300)}`)).toEqual([]);
      await page.getByRole('button', { name: 'Ask again' }).click();
      await expect(page.getByRole('dialog', { name: 'Really?' })).toBeFocused();
      await page.keyboard.press('Escape');
      await expect(page.getByRole('button', { name: 'Ask again' })).toBeFocused();
    });
  });
}
