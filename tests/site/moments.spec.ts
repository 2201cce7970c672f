import { reviewsWithTesters } from '../support/reviews-rules.ts';
import { LabPage } from './support/lab-page.ts';
import { expect, test } from './support/lab-server.ts';

const wide = { viewport: { width: 1440, height: 900 }, reducedMotion: 'reduce' } as const;
test.use({ ...wide, permissions: ['clipboard-read', 'clipboard-write'] });

test('an earlier push shows its text, read only; a link leads there again when the mesh was killed, and brings its text to another learner', async ({
  page,
  browser,
  lab: server,
}) => {
  test.setTimeout(240_000);
  const before = new Set(server.children());
  const lab = new LabPage(page);
  await lab.open('canary');
  for (const [index, first] of [90, 60].entries()) {
    await lab.paste(reviewsWithTesters(first));
    await lab.apply();
    await expect(page.getByRole('button', { name: `Go to push ${index + 1}, reviews` })).toBeVisible();
  }
  const past = page.locator('.past-bar');

  await test.step('the text of push 1 stands in the editor, and nothing can be written or applied', async () => {
    await page.getByRole('button', { name: 'Go to push 1, reviews' }).click();
    await expect(past).toContainText('As applied at push 1');
    expect(await lab.text()).toContain('weight: 90');
    await expect(page.getByRole('button', { name: /^Apply/ })).toBeDisabled();
    await lab.focusEditor();
    await page.keyboard.insertText('lost');
    expect(await lab.text()).toBe(reviewsWithTesters(90));
    await past.getByRole('button', { name: 'Live' }).click();
    await expect(past).toBeHidden();
    expect(await lab.text()).toBe(reviewsWithTesters(60));
  });

  await test.step('a request of then is opened; the address is the link', async () => {
    await page.getByRole('button', { name: 'Go to push 1, reviews' }).click();
    await expect(past).toBeVisible();
    await expect(lab.rows.last()).toBeVisible();
    await lab.rows.last().getByRole('button').click();
    await expect(lab.why.locator('.verdict')).toContainText('200');
  });
  const link = page.url();
  const request = new URL(link).searchParams.get('request');
  expect(request).toMatch(/^[0-9a-f]{16}$/);

  await test.step('the mesh is killed; the link shows the same push, text and decision', async () => {
    const mine = server.children().filter((pid) => !before.has(pid));
    expect(mine).toHaveLength(1);
    const said = (await lab.why.locator('.road').textContent()) ?? '';
    process.kill(mine[0] ?? 0, 'SIGKILL');
    await expect(page.locator('.toast')).toContainText('The mesh ended and runs again');
    await page.goto(link);
    await lab.runs();
    await expect(page.getByText('You are at push 1')).toBeVisible();
    await expect(past).toContainText('As applied at push 1');
    expect(await lab.text()).toContain('weight: 90');
    await expect(lab.why.locator('.road')).toHaveText(said);
    await expect(page.getByRole('button', { name: 'Go to push 2, reviews' })).toBeVisible();
  });

  await test.step('another learner gets the text of that moment, and is told that the request is not theirs', async () => {
    await page.getByRole('button', { name: 'Reset, solution, link, kubectl' }).click();
    await page.getByRole('button', { name: /^Copy a link to this moment/ }).click();
    await expect(page.locator('.toast')).toContainText('The link is copied: this view, with your text.');
    const shared = await page.evaluate(() => navigator.clipboard.readText());
    expect(shared).toContain(`request=${request}`);
    const context = await browser.newContext({ ...wide, baseURL: server.url });
    const other = new LabPage(await context.newPage());
    await other.page.goto(shared);
    await other.runs();
    await expect(other.page.locator('.toast')).toContainText('This link carries text for reviews.yaml.');
    await expect(other.why).toContainText('That request is no longer kept.');
    await other.button('Put it in the editor').click();
    expect(other.page.url()).not.toContain('#text=');
    // Their own mesh has no push: what they look at is their start.
    await other.page.locator('.past-bar').getByRole('button', { name: 'Live' }).click();
    expect(await other.text()).toBe(reviewsWithTesters(90));
    await context.close();
  });
});

test('a field leads to its word in the glossary: under the text, and in the hover that the keyboard opens', async ({
  page,
  faults,
}) => {
  const lab = new LabPage(page);
  await lab.open('canary');
  await lab.paste(reviewsWithTesters(90));
  const { keyboard } = page;
  await keyboard.press('ControlOrMeta+Home');
  for (let down = 0; down < 5; down++) await keyboard.press('ArrowDown');
  await keyboard.press('End');
  await keyboard.press('ArrowLeft');
  await keyboard.press('ArrowLeft');
  await expect(page.locator('.edit-tools a.term')).toHaveText('subset');
  await expect(page.locator('.edit-tools a.term')).toHaveAttribute('href', '/words/subset/');
  // The schema's worker may still be reading the text.
  await expect(async () => {
    await keyboard.press('Escape');
    await keyboard.press('ControlOrMeta+K');
    await keyboard.press('ControlOrMeta+I');
    const hover = page.locator('.monaco-hover:visible');
    await expect(hover.getByText(/a named group of a service's endpoints/)).toBeVisible({ timeout: 3000 });
    await expect(hover.locator('a[data-href$="/words/subset/"]')).toHaveText('subset', { timeout: 1000 });
  }).toPass({ timeout: 30_000 });
  await keyboard.press('Escape');
  expect(faults).toEqual([]);
});
