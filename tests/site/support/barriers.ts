import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';

/** What keeps somebody out of the page, or of the part of it that `within` selects: rule and place of each. */
export async function barriersOf(page: Page, within?: string): Promise<string[]> {
  const builder = within === undefined ? new AxeBuilder({ page }) : new AxeBuilder({ page }).include(within);
  const { violations } = await builder.analyze();
  return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target.join(' ')}`));
}

/** The same for colours alone, which are all that another theme changes. */
export async function faintTexts(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).withRules(['color-contrast', 'link-in-text-block']).analyze();
  return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target.join(' ')}`));
}

/** How far the page can be scrolled sideways, in CSS pixels. */
export const overhangOf = (page: Page): Promise<number> =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
