// Development builds: the component gallery shows states that scripts and user input cause. No
// state has axe violations, and dialogs and links work.
import AxeBuilder from '@axe-core/playwright';
import { galleryStates } from '../support/page-states.mjs';
import { open } from '../support/actions.mjs';
import { expect, test } from '../support/test.mjs';

for (const colorScheme of ['light', 'dark']) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme, reducedMotion: 'reduce' });

    for (const [name, show] of Object.entries(galleryStates)) {
      test(`${name} has no axe violations`, async ({ page }) => {
        await show(page);
        const { violations } = await new AxeBuilder({ page })
          .options({ rules: { 'color-contrast-enhanced': { enabled: true } } })
          .analyze();
        expect(
          violations.map(
            ({ id, nodes }) =>
              `${id}: ${nodes
                .map(({ html }) => html)
                .join(' ')
                .slice(0, 300)}`,
          ),
        ).toEqual([]);
      });
    }
  });
}

test('closed dialog returns the focus to its button', async ({ page }) => {
  await open(page, '/gallery?state=idle');
  await page.getByRole('button', { name: 'Ask again' }).click();
  await expect(page.getByRole('dialog', { name: 'Really?' })).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('button', { name: 'Ask again' })).toBeFocused();
});

test('gallery link leads to its state and alone is current', async ({ page }) => {
  await galleryStates.gallery(page);
  const navigation = page.getByRole('navigation', { name: 'Component gallery' });
  const links = await navigation.locator('a[href^="/gallery?state="]').allTextContents();
  expect(links).toHaveLength(Object.keys(galleryStates).length);
  for (const link of links.toReversed()) {
    await navigation.getByRole('link', { name: link, exact: true }).click();
    await expect(page.locator('#gallery h1 + p')).toHaveText(link);
    await expect(navigation.locator('[aria-current]')).toHaveText([link]);
    // Closes an open popover, which would cover the next link.
    await page.keyboard.press('Escape');
  }
});
