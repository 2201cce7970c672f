import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';

/** axe that describes what is wrong alone: to describe all that is right takes it longer than to look. */
function axeOn(page: Page): AxeBuilder {
  // A page without frames can be judged in itself; else axe opens an empty one for each look, to join what the frames said.
  return new AxeBuilder({ page }).options({ resultTypes: ['violations'] }).setLegacyMode(page.frames().length === 1);
}

async function found(axe: AxeBuilder): Promise<string[]> {
  const { violations } = await axe.analyze();
  return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target.join(' ')}`));
}

/** What keeps somebody out of the page, or of the part of it that `within` selects: rule and place of each. */
export const barriersOf = (page: Page, within?: string): Promise<string[]> => found(inside(axeOn(page), within));

/** The same for colours alone, which are all that another theme changes. */
export const faintTexts = (page: Page, within?: string): Promise<string[]> =>
  found(inside(axeOn(page).withRules(['color-contrast', 'link-in-text-block']), within));

const inside = (axe: AxeBuilder, within: string | undefined): AxeBuilder =>
  within === undefined ? axe : axe.include(within);

/** How far the page can be scrolled sideways, in CSS pixels. */
export const overhangOf = (page: Page): Promise<number> =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
