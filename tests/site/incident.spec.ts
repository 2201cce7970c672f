import { barriersOf } from './support/barriers.ts';
import { expect, test } from './support/lab-server.ts';

test.use({ viewport: { width: 1440, height: 900 } });

test('a drill by keyboard and forms: page, symptom, search for the push, way back, proof, postmortem', async ({
  page,
  faults,
}) => {
  test.setTimeout(240_000);
  await page.goto('/lab/inc-missing-subset/');
  const start = page.getByRole('button', { name: 'Start the drill' });
  await expect(start).toBeEnabled({ timeout: 90_000 });
  await start.focus();
  await page.keyboard.press('Enter');
  await expect(page.locator('.pager').getByRole('alert')).toContainText('One in ten product pages', {
    timeout: 60_000,
  });

  await page.getByRole('button', { name: 'Name the symptom' }).click();
  await page.getByLabel('On which call').selectOption({ label: 'productpage to reviews' });
  await page.getByLabel('What is seen there').selectOption('401');
  await page.getByRole('button', { name: 'Say it' }).click();
  await expect(page.getByText('The proxies recorded nothing of that kind')).toBeVisible();
  await page.getByLabel('What is seen there').selectOption('503 NC (no such cluster)');
  await page.getByRole('button', { name: 'Say it' }).click();
  await expect(page.locator('.said-right')).toBeVisible();
  expect(await barriersOf(page)).toEqual([]);

  await page.getByRole('tab', { name: 'Time' }).click();
  await page.getByRole('button', { name: 'Find the first bad one' }).click();
  await page.getByRole('button', { name: 'Search', exact: true }).click();
  await expect(page.getByText('Push 2, reviews: try v3 with 10 %, is the first bad one.')).toBeVisible({
    timeout: 90_000,
  });
  expect(await barriersOf(page)).toEqual([]);

  await page.getByRole('button', { name: 'A push' }).click();
  await page.locator('.push-choice select').selectOption('1');
  await expect(page.getByText('You are at push 1')).toBeVisible();
  await page.getByRole('button', { name: 'Make push 1 current' }).click();
  await expect(page.getByText('Users are safe. Now prove the cause.')).toBeVisible({ timeout: 60_000 });

  await page.getByRole('button', { name: 'Name the cause' }).click();
  await page.getByLabel(/The route sends a share/).check();
  await page.getByLabel('What proves it').selectOption('push');
  await page.getByLabel('Which push').selectOption('2');
  await page.getByRole('button', { name: 'Prove it' }).click();
  await expect(page.getByRole('heading', { name: /^Result: \d+ of 100$/ })).toBeVisible();
  await page.getByRole('button', { name: 'Write the postmortem' }).click();
  await expect(page.getByLabel(/^Draft, as Markdown/)).toHaveValue(/## Timeline[\s\S]*Page: One in ten product pages/);
  expect(await barriersOf(page)).toEqual([]);
  expect(faults).toEqual([]);
});

test('the playhead goes back by arrow keys, says where it is, and returns to live at its end', async ({ page }) => {
  test.setTimeout(180_000);
  await page.goto('/lab/canary/');
  await expect(page.locator('#lab-run')).toContainText('Mesh running', { timeout: 90_000 });
  const head = page.getByRole('slider', { name: 'Moment shown' });
  await head.focus();
  await page.keyboard.press('ArrowLeft');
  await expect(head).toHaveAttribute('aria-valuetext', /^the start, \d\d:\d\d:\d\d$/);
  await expect(page.getByText('You are at the start')).toBeVisible();
  await page.keyboard.press('End');
  await expect(head).toHaveAttribute('aria-valuetext', 'live');
});

test('a forecast is laid over the run, and slow motion shows what waits', async ({ page, faults }) => {
  test.setTimeout(180_000);
  await page.goto('/lab/pools-and-overflow/?view=predict');
  await expect(page.locator('#lab-run')).toContainText('Mesh running', { timeout: 90_000 });
  await page.getByLabel('Status 200').fill('100');
  await page.getByRole('button', { name: 'Commit and run' }).click();
  await expect(page.getByText(/^\d of \d figures were close\.$/)).toBeVisible({ timeout: 60_000 });
  await expect(page.getByRole('region', { name: 'Your forecasts over the weeks' })).toContainText('Week from');
  expect(await barriersOf(page)).toEqual([]);
  await page.getByRole('tab', { name: 'Slow motion' }).click();
  await page.getByRole('button', { name: 'A tenth' }).click();
  await expect(page.getByText('The lab goes at a tenth of its speed.')).toBeVisible();
  await expect(page.getByRole('region', { name: 'Pools' })).toContainText('under way', { timeout: 30_000 });
  await page.getByRole('button', { name: 'Stand still' }).click();
  await page.getByRole('button', { name: 'Next event' }).click();
  await expect(page.getByText('The lab stands still.')).toBeVisible();
  expect(await barriersOf(page)).toEqual([]);
  expect(faults).toEqual([]);
});
