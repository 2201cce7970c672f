import type { Page } from '@playwright/test';
import { LabPage } from './support/lab-page.ts';
import { test, expect as usual } from './support/lab-server.ts';

test.use({ viewport: { width: 1440, height: 900 }, permissions: ['clipboard-read', 'clipboard-write'] });

/** A show takes about five seconds where nothing else runs; this only catches what hangs. */
const expect = usual.configure({ timeout: 90_000 });

const shownIn = (page: Page) => page.locator('.show-me');

/** From the word's page to the sentence that says where to look. */
async function showMe(page: Page, word: string): Promise<void> {
  await page.goto(`/words/${word}/`);
  await page.getByRole('link', { name: 'Show me', exact: true }).click();
  await expect(shownIn(page).getByRole('button', { name: 'Again' })).toBeVisible();
}

test.describe('a word that the lab shows', () => {
  test('opens the decision at the step that it names', async ({ page, faults }) => {
    await showMe(page, 'route');
    await expect(shownIn(page)).toContainText('route 1 of 2 is the first whose conditions all hold');
    await expect(new LabPage(page).why).toContainText('Route 1 of 2 is the first whose conditions all hold');
    expect(faults).toEqual([]);
  });

  test('applies its YAML, types its command, and leaves the checks to the learner', async ({ page }) => {
    await showMe(page, 'subset');
    const lab = new LabPage(page);
    await expect.poll(() => lab.screenText()).toMatch(/8080 +v2 +outbound/);
    // The solution is in force, and a check that it meets is nobody's merit.
    await lab.button('Check').click();
    await expect(lab.checks.getByText('Met:').first()).toBeAttached();
    const kept = await page.evaluate(async () => {
      const names = (await indexedDB.databases()).flatMap(({ name }) => (name === 'meshwork-cards' ? [name] : []));
      return new Promise<string[]>((resolve, reject) => {
        const opening = indexedDB.open(names[0] ?? '');
        opening.onerror = () => reject(opening.error);
        opening.onsuccess = () => {
          const all = opening.result.transaction('log').objectStore('log').getAll();
          all.onsuccess = () => resolve((all.result as { kind: string }[]).map(({ kind }) => kind));
        };
      });
    });
    expect(kept).not.toContain('check');
  });

  test('asks before it takes the place of one’s own text, and gives it back', async ({ page }) => {
    const lab = new LabPage(page);
    await lab.open('canary');
    await lab.paste('# my own words');
    await expect(page.locator('.view-lines')).toContainText('my own words');
    await expect(page.getByText('Saved', { exact: true })).toBeVisible();
    await page.goto('/lab/canary/?word=destinationrule');
    await expect(shownIn(page)).toContainText('You have work in this lab.');
    await shownIn(page).getByRole('button', { name: 'Show it' }).click();
    await expect(shownIn(page)).toContainText('spec.subsets of the DestinationRule');
    await expect(page.locator('.view-lines')).toContainText('DestinationRule');
    await shownIn(page).getByRole('button', { name: 'Back to my text' }).click();
    await expect(shownIn(page)).toBeHidden();
    await expect(page.locator('.view-lines')).toContainText('my own words');
  });

  test('is one Tab behind its link in a text, and Escape puts its card away', async ({ page }) => {
    await page.goto('/days/8/');
    const link = page.locator('main a.term').first();
    const card = page.locator(`#${await link.getAttribute('data-card')}`);
    await link.focus();
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Tab');
    await expect(card).toBeVisible();
    await page.keyboard.press('Tab');
    await expect(card.getByRole('link', { name: /^Show me/ })).toBeFocused();
    await expect(card).toBeVisible();
    await page.keyboard.press('Escape');
    await expect(card).toBeHidden();
  });
});

test('a word in the text of a lab has its card', async ({ page, faults }) => {
  const lab = new LabPage(page);
  await lab.open('envoy-objects');
  const link = page.locator('.step a[data-card]', { hasText: 'filter chain' });
  await link.hover();
  const card = page.locator(`#${await link.getAttribute('data-card')}`);
  await expect(card).toContainText('an ordered list of filters for one connection');
  await expect(card.getByRole('link', { name: /^Show me/ })).toHaveAttribute(
    'href',
    '/lab/envoy-objects/?word=filter-chain',
  );
  await page.keyboard.press('Escape');
  await expect(card).toBeHidden();
  expect(faults).toEqual([]);
});

test.describe('a lab offers cards with the learner’s own YAML', () => {
  const broken = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: reviews }
spec:
  hosts: [reviews]
  http:
    - route:
        - destination: { host: reviews, subset: v7 }
`;

  test('after a check that failed, a hint that was opened, and a forecast that was wrong', async ({ page }) => {
    const lab = new LabPage(page);
    await lab.open('canary');
    await lab.paste(broken);
    await lab.apply();
    await expect(lab.applied).toBeVisible();
    await lab.button('Check').click();
    await lab.checks.getByRole('button', { name: /^Keep this as a card/ }).click();
    await expect(lab.checks.getByText('Kept.')).toBeVisible();
    const hints = page.getByRole('list', { name: 'Hints' });
    await lab.button('Hint').click();
    await expect(hints).toContainText('A question first');
    await hints.getByRole('button', { name: 'Keep this as a card' }).click();
    await expect(hints.getByText('Kept.')).toBeVisible();
    await lab.tab('Predict');
    await page.getByLabel('Send').fill('10');
    await page.getByLabel('Status 200').fill('100');
    await lab.button('Commit and run').click();
    const facts = page.getByRole('region', { name: 'Forecast and fact' });
    await expect(facts).toContainText('you said 100 %, it was 0 %');
    await facts
      .getByRole('button', { name: /^Keep this as a card/ })
      .first()
      .click();
    await expect(facts.getByText('Kept.')).toBeVisible();
    await page.goto('/cards/deck/');
    await page.getByLabel(/^Search \d+ cards/).fill('In the lab');
    await page.getByRole('button', { name: /what does 200 come to/ }).click();
    await expect(page.locator('textarea').filter({ hasText: 'subset: v7' })).toBeVisible();
    await page.getByRole('button', { name: /the check “.*” failed/ }).click();
    await expect(page.locator('textarea').filter({ hasText: 'subset: v7' })).toBeVisible();
  });
});
