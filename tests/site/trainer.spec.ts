import { readFileSync } from 'node:fs';
import type { Page } from '@playwright/test';
import { barriersOf, overhangOf } from './support/barriers.ts';
import { expect, test } from './support/lab-server.ts';

const places = [
  '/cards/deck/#pod%3Ameaning',
  '/cards/stats/',
  '/cards/settings/',
  '/cards/print/',
  '/drills/',
  '/exercises/',
  '/exercises/draw/mesh/',
  '/exercises/label/mesh/',
  '/exercises/explain/two-planes/',
  '/exercises/dialogue/review-retries/',
  '/readiness/',
];

async function settle(page: Page, place: string): Promise<void> {
  await page.goto(place);
  await page.evaluate(() => document.fonts.ready.then(() => undefined));
  await expect(page.locator('.quiet-note')).toHaveCount(place.includes('/draw/') ? 1 : 0);
}

async function expectNoBarrier(page: Page, place: string): Promise<void> {
  expect(await barriersOf(page), place).toEqual([]);
  expect(await overhangOf(page), place).toBeLessThanOrEqual(0);
}

/** Shows and grades one card, whatever its kind. */
async function gradeOne(page: Page, key = '3'): Promise<void> {
  const card = page.getByRole('article');
  const grades = page.getByRole('group', { name: 'How well did you know it?' });
  const reveal = card.getByRole('button', { name: /^Show the answer/ });
  if (await reveal.isVisible()) await reveal.click();
  else await card.locator('.reveal button').first().click();
  await expect(grades).toBeVisible();
  await page.keyboard.press(key);
  await expect(grades).toBeHidden();
}

test.describe('the pages of the trainer', () => {
  for (const [width, theme] of [
    [1440, 'light'],
    [390, 'dark'],
  ] as const) {
    test(`have no barrier and fit at ${width} pixels, ${theme}`, async ({ page, faults }) => {
      await page.setViewportSize({ width, height: 844 });
      await page.emulateMedia({ colorScheme: theme });
      for (const place of places) {
        await settle(page, place);
        await expectNoBarrier(page, place);
      }
      expect(faults).toEqual([]);
    });
  }

  test('do not scroll sideways at 320 pixels', async ({ page }) => {
    await page.setViewportSize({ width: 320, height: 640 });
    for (const place of places) {
      await settle(page, place);
      expect(await overhangOf(page), place).toBeLessThanOrEqual(0);
    }
  });
});

test('a sitting by keyboard: show, grade, take back, and all is kept over a reload', async ({ page }) => {
  await page.goto('/cards/');
  const question = page.getByRole('article').getByRole('heading', { level: 1 });
  await expect(question).toBeVisible();
  const first = await question.textContent();
  await page.keyboard.press('Space');
  await expect(page.getByRole('group', { name: 'How well did you know it?' })).toBeVisible();
  await page.keyboard.press('4');
  await expect(question).not.toHaveText(first ?? '');
  await page.keyboard.press('Control+z');
  await expect(question).toHaveText(first ?? '');
  await page.keyboard.press('Space');
  await page.keyboard.press('4');
  await expect(question).not.toHaveText(first ?? '');
  await page.reload();
  await expect(page.getByText(/^1 of 7, about/)).toBeVisible();
});

test.describe('on a phone', () => {
  test.use({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });

  test('a sitting by touch: chosen, ordered, typed; the focus goes where the next answer is given', async ({
    page,
  }) => {
    const cards = ['timeout:flag-ut', 'envoy:order-objects', 'fault-injection:yaml', 'istio:say'];
    const learnt = Date.now() - 40 * 86_400_000;
    const log = cards.map((card, index) => `${card},${learnt + index * 60_000},4,0,3000`);
    await page.goto('/cards/settings/');
    await page.getByLabel(/^A backup, an Anki package/).setInputFiles({
      name: 'log.csv',
      mimeType: 'text/csv',
      buffer: Buffer.from(['card_id,review_time,review_rating,review_state,review_duration', ...log].join('\n')),
    });
    await page.getByRole('button', { name: 'Add it' }).tap();
    await expect(page.getByText('4 entries of log.csv were added.')).toBeVisible();
    await page.goto('/cards/');
    const card = page.getByRole('article');
    const grades = page.getByRole('group', { name: 'How well did you know it?' });
    const seen = new Set<string>();
    while (seen.size < cards.length) {
      await expect(card).toBeVisible();
      const task = (await card.getAttribute('aria-label')) ?? '';
      if (task === 'Card: Which flag?') await card.getByRole('button', { name: /UT$/ }).tap();
      else if (task === 'Card: Put in order') {
        await card.locator('.order li').nth(1).getByRole('button', { name: /: up$/ }).tap();
        await expect(card.locator('[aria-live="polite"]').getByText(/: place 1 of 6$/)).toBeAttached();
        await card.getByRole('button', { name: 'Check the order' }).tap();
      } else if (task === 'Card: What goes in the gap?') {
        if (seen.size > 0) await expect(card.getByRole('textbox')).toBeFocused();
        await card.getByRole('textbox').fill('fixedDelay');
        await card.getByRole('button', { name: /^Check/ }).tap();
        await expect(card.getByText('Right.')).toBeVisible();
      } else {
        if (task === 'Card: Say it aloud, then check' && seen.size > 0)
          await expect(card.getByRole('button', { name: /^Show the answer/ })).toBeFocused();
        await card.getByRole('button', { name: /^Show the answer/ }).tap();
      }
      seen.add(task);
      await expect(grades).toBeInViewport({ ratio: 1 });
      await grades.getByRole('button', { name: /^Good/ }).tap();
      await expect(grades).toBeHidden();
    }
  });

  test('the first touch of a word shows its card, the second follows the link', async ({ page }) => {
    await page.goto('/days/15/');
    const word = page.locator('main a.term').first();
    const card = page.locator(`#${await word.getAttribute('data-card')}`);
    await word.tap();
    await expect(card).toBeVisible();
    await expect(page).toHaveURL(/\/days\/15\/$/);
    await word.tap();
    await expect(page).toHaveURL(/\/words\//);
  });
});

test('what one tab does, the other sees; offline or not', async ({ page, context }) => {
  await page.goto('/cards/');
  const other = await context.newPage();
  await other.goto('/cards/');
  await expect(other.getByText(/^1 of 8, about/)).toBeVisible();
  await context.setOffline(true);
  await page.bringToFront();
  await gradeOne(page, '4');
  await expect(other.getByText(/^1 of 7, about/)).toBeVisible();
  await context.setOffline(false);
});

test('two browsers become one learner by a code', async ({ page, browser, lab }) => {
  await page.goto('/cards/');
  await gradeOne(page, '4');
  await page.goto('/cards/settings/');
  await page.getByRole('button', { name: 'Make a code' }).click();
  const code = await page.locator('.code-word').textContent();
  const second = await browser.newContext({ baseURL: lab.url });
  const laptop = await second.newPage();
  await laptop.goto('/cards/settings/');
  await laptop.getByLabel('A code from another browser').fill(code?.toLowerCase() ?? '');
  await laptop.getByRole('button', { name: 'Join' }).click();
  await expect(laptop.getByText('This browser is joined.')).toBeVisible();
  await laptop.goto('/cards/stats/');
  await laptop.reload();
  await expect(
    laptop
      .getByText('of 1397')
      .or(laptop.getByText(/^of \d{4}$/))
      .first(),
  ).toBeVisible();
  await second.close();
});

test('a card in the learner’s own words, suspended and taken up again', async ({ page }) => {
  await page.goto('/cards/deck/');
  await page.getByLabel(/^Search \d+ cards$/).fill('nonce');
  await page.getByRole('button', { name: /^nonce meaning/ }).click();
  await page.getByRole('textbox', { name: 'Answer', exact: true }).fill('the token of one push');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('button', { name: /^nonce meaning/ }).click();
  await expect(page.getByRole('textbox', { name: 'Answer', exact: true })).toHaveValue('the token of one push');
  await page.getByRole('button', { name: 'Suspend' }).click();
  await expect(page.getByRole('button', { name: /^nonce meaning suspended/ })).toBeVisible();
  await page.getByRole('button', { name: 'Write a card' }).click();
  await page.getByLabel(/^Question/).fill('Which port takes [inbound] traffic?');
  await page.getByRole('textbox', { name: 'Answer', exact: true }).fill('15006');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('combobox', { name: 'Show' }).selectOption('My own');
  await page.getByLabel(/^Search \d+ cards$/).fill('');
  await expect(page.getByRole('status').filter({ hasText: '1 card' })).toBeVisible();
});

test.describe('files', () => {
  async function download(page: Page, name: string): Promise<string> {
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name, exact: true }).click(),
    ]);
    return await file.path();
  }
  const choose = (page: Page, file: { name: string; mimeType: string; buffer: Buffer }) =>
    page.getByLabel(/^A backup, an Anki package/).setInputFiles(file);

  for (const [name, ending] of [
    ['Backup', 'json'],
    ['Anki package', 'apkg'],
    ['Review log', 'csv'],
  ] as const) {
    test(`${name}: out, erase, in again, and the reviews are back`, async ({ page }) => {
      await page.goto('/cards/');
      await gradeOne(page, '4');
      await gradeOne(page, '3');
      await page.goto('/cards/settings/');
      const buffer = readFileSync(await download(page, name));
      await page.getByRole('button', { name: 'Erase everything' }).click();
      await page.getByRole('button', { name: 'Yes, erase everything' }).click();
      await expect(page.getByText('Everything is erased.')).toBeVisible();
      await choose(page, { name: `mine.${ending}`, mimeType: 'application/octet-stream', buffer });
      await expect(page.getByText('2 reviews and other entries')).toBeVisible();
      await page.getByRole('button', { name: 'Add it' }).click();
      await expect(page.getByText(`2 entries of mine.${ending} were added.`)).toBeVisible();
      await page.goto('/cards/stats/');
      await expect(page.locator('.figures').getByText('Cards seen').locator('..')).toContainText('2');
    });
  }

  test('a hostile file is refused in words, or cleaned, and nothing of it runs', async ({ page }) => {
    let ran = false;
    await page.exposeFunction('ran', () => {
      ran = true;
    });
    await page.goto('/cards/settings/');
    const text = (content: string) => ({ name: 'x.txt', mimeType: 'text/plain', buffer: Buffer.from(content) });
    await choose(page, text('#html:true\n<img src=x onerror=ran()>podlet\t<script>ran()</script>smallest unit\n'));
    await expect(page.getByText('1 new card')).toBeVisible();
    await expect(page.locator('.examples')).toHaveText('podlet smallest unit');
    await page.getByRole('button', { name: 'Add it' }).click();
    await choose(page, text('only one column\n'));
    await expect(page.getByText('No line has a question and an answer. Put a tab between them.')).toBeVisible();
    await choose(page, { name: 'x.apkg', mimeType: 'application/zip', buffer: Buffer.from('PK\u0003\u0004 no zip') });
    await expect(page.getByText('The file is not an Anki package, or it is damaged.')).toBeVisible();
    expect(ran).toBe(false);
  });
});

test.describe('drills', () => {
  async function answerOne(page: Page, follow = false): Promise<void> {
    await page.getByLabel('typed').check();
    await page.getByRole('button', { name: 'Begin to answer' }).click();
    await expect(page.getByRole('timer')).toBeVisible();
    await page.getByLabel('Your answer').fill('Because the caller stopped waiting.');
    await page.getByRole('button', { name: 'I have written it' }).click();
    if (follow) {
      await expect(page.getByText('They ask next')).toBeVisible();
      await page.getByLabel('Your answer').fill('It would stop there too.');
      await page.getByRole('button', { name: 'I have written it' }).click();
    }
    await page.locator('.ticks input').first().check();
    for (const group of await page.locator('.marks fieldset').all())
      await group.getByLabel('2', { exact: true }).check();
    await page.getByRole('button', { name: 'Next' }).click();
  }

  test('a question is answered against the clock, compared, marked and kept', async ({ page }) => {
    await page.goto('/drills/');
    await page.getByRole('combobox', { name: 'Topic' }).selectOption({ label: 'Failure, time and retries in code' });
    await page.getByRole('combobox', { name: 'Format' }).selectOption('define');
    await page.getByRole('combobox', { name: 'Level' }).selectOption('1');
    await page.getByRole('button', { name: 'Begin 2 of 2' }).click();
    await answerOne(page);
    await page.getByRole('button', { name: 'Skip it' }).click();
    await expect(page.getByRole('heading', { name: 'That was it' })).toBeFocused();
    await expect(page.getByText('67 % of the marks')).toBeVisible();
    await expectNoBarrier(page, 'the report');
    await page.getByRole('button', { name: 'Back to the drills' }).click();
    await expect(page.getByRole('row', { name: /^Failure, time and retries in code 1 of 15 67 %/ })).toBeVisible();
  });

  test('the words of a model answer have their cards', async ({ page, faults }) => {
    await page.goto('/drills/');
    await page.getByRole('combobox', { name: 'Topic' }).selectOption({ label: 'Certificates, identity, mTLS' });
    await page.getByRole('button', { name: /^Begin \d/ }).click();
    await page.getByRole('button', { name: 'Begin to answer' }).click();
    await page.getByRole('button', { name: /^I have/ }).click();
    await page.getByText('One way to say it').click();
    const word = page.locator('blockquote a[data-card]').first();
    await word.hover();
    const card = page.locator(`#${await word.getAttribute('data-card')}`);
    await expect(card.locator('.def')).toBeVisible();
    await page.keyboard.press('Escape');
    await expect(card).toBeHidden();
    expect(faults).toEqual([]);
  });

  test('a mock interview has eight questions and ends with a report', async ({ page }) => {
    await page.goto('/drills/');
    await page.getByRole('button', { name: 'Begin the interview' }).click();
    await expect(page.getByText(/^Question 1 of 8/)).toBeVisible();
    await page.getByRole('button', { name: 'Begin to answer' }).click();
    await page.getByRole('button', { name: 'I have said it' }).click();
    await expectNoBarrier(page, 'the follow-up of an interview');
    await page.reload();
    await page.getByRole('button', { name: 'Begin the interview' }).click();
    for (let question = 0; question < 7; question++) await answerOne(page, true);
    await page.getByRole('button', { name: 'Stop here' }).click();
    await expect(
      page.getByText('By your own marks a panel would say yes: 67 % of the marks, 1 not answered.'),
    ).toBeVisible();
    await expect(page.getByRole('table', { name: 'By question' }).getByRole('row')).toHaveCount(8);
  });
});

test.describe('exercises', () => {
  test('a drawing is made by keyboard and graded as a graph, wrong edges explained', async ({ page }) => {
    await page.goto('/exercises/draw/mesh/');
    for (const part of ['user', 'ingress gateway', 'sidecar of cart', 'istiod'])
      await page.getByLabel(part, { exact: true }).check();
    const connect = async (from: string, to: string) => {
      await page.getByRole('combobox', { name: 'From' }).selectOption({ label: from });
      await page.getByRole('combobox', { name: 'To', exact: true }).selectOption({ label: to });
      await page.getByRole('button', { name: 'Connect' }).press('Enter');
    };
    await connect('user', 'ingress gateway');
    await connect('user', 'istiod');
    await page.getByRole('button', { name: 'Check the drawing' }).click();
    await expect(page.locator('.grade-result')).toContainText(
      'user to istiod, request in plain text: No request passes through the control plane. istiod only configures and signs.',
    );
    await expect(page.locator('.grade-result')).toContainText('8 edges are missing.');
    await expectNoBarrier(page, 'the graded drawing');
    await page.getByRole('button', { name: 'Remove user to istiod, request in plain text' }).click();
    await expect(page.locator('.edge-list li')).toHaveCount(1);
    await page.reload();
    await expect(page.getByLabel('istiod', { exact: true })).toBeChecked();
    await expect(page.locator('.edge-list li')).toHaveCount(1);
  });

  test('an edge is drawn by dragging from part to part', async ({ page }) => {
    await page.goto('/exercises/draw/mesh/');
    for (const part of ['user', 'ingress gateway']) await page.getByLabel(part, { exact: true }).check();
    const box = async (part: string) => (await page.locator(`[data-part="${part}"]`).boundingBox())!;
    const [from, to] = [await box('user'), await box('gateway')];
    await page.mouse.move(from.x + from.width / 2, from.y + from.height / 2);
    await page.mouse.down();
    await page.mouse.move(to.x + to.width / 2, to.y + to.height / 2, { steps: 4 });
    await page.mouse.up();
    await expect(page.locator('.edge-list li')).toHaveText(/user to ingress gateway, request in plain text/);
  });

  test('a text is marked by rules that stand beside it', async ({ page }) => {
    await page.goto('/exercises/explain/mtls-limits/');
    await page
      .getByLabel(/^Your text/)
      .fill('mTLS always authorizes the caller, because it is on. STRICT protects every pod, so we are safe.');
    for (const group of await page.locator('.own-marks fieldset').all())
      await group.getByLabel('3', { exact: true }).check();
    await page.getByRole('button', { name: 'Mark it' }).click();
    await expect(page.getByRole('heading', { name: /^Not yet: / })).toBeFocused();
    await expect(page.getByText('mTLS proves who calls. AuthorizationPolicy decides who may.')).toBeVisible();
    await expectNoBarrier(page, 'the marked text');
    await page.reload();
    await expect(page.getByLabel(/^Your text/)).toHaveValue(/mTLS always authorizes/);
  });

  test('a dialogue takes its words and shows those that are missing', async ({ page }) => {
    await page.goto('/exercises/dialogue/review-retries/');
    await page.getByLabel(/gap 1 of/).fill('attempts');
    await page.getByLabel(/gap 2 of/).fill('add');
    await page.getByRole('button', { name: 'Check the words' }).click();
    await expect(page.getByText(/^1 of \d+ are right\.$/)).toBeVisible();
    await page.getByRole('button', { name: 'Show the words' }).click();
    await expect(page.locator('.dialogue').getByText('multiply')).toBeVisible();
  });
});

test('readiness grows by what was done, and says what comes next', async ({ page }) => {
  await page.goto('/readiness/');
  const total = page.locator('.figures').getByText('All, weighted').locator('..');
  await expect(total).toContainText('0 %');
  await expect(page.getByRole('link', { name: /^Begin day 1: / })).toBeVisible();
  await page.getByLabel('Date of your interview').fill('2099-01-01');
  await expect(page.locator('.plan-days li')).toHaveCount(28);
});
