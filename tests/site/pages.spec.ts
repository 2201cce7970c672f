import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { barriersOf, faintTexts, overhangOf } from './support/barriers.ts';
import { expect, test } from './support/lab-server.ts';

const labs = readdirSync(join(import.meta.dirname, '..', '..', 'labs'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name);

/** Every kind of page. */
const reading = [
  '/',
  '/days/',
  '/days/9/',
  '/days/13/',
  '/days/15/',
  '/days/28/',
  '/words/',
  '/words/subset/',
  '/cards/',
  '/lab/',
];
const looks = [
  { name: '1440 light', width: 1440, height: 900, theme: 'light' },
  { name: '390 dark', width: 390, height: 844, theme: 'dark' },
] as const;

async function settle(page: Page, place: string): Promise<void> {
  await page.goto(place);
  await page.evaluate(() => document.fonts.ready.then(() => undefined));
  // Some pages are written in the browser: their heading comes with the rest.
  await expect(page.locator('h1').first()).toBeAttached();
  if (!/^\/lab\/./.test(place)) return;
  await expect(page.locator('.step-title')).toBeAttached();
  // The canary's is looked at with its mesh, the others for their own text.
  if (place === '/lab/canary/') await expect(page.locator('#lab-run')).toContainText('Mesh running');
}

/** The page calls the lab server, and is not answered yet: what a learner has before any mesh runs. */
const beforeItsMesh = (page: Page): Promise<void> => page.routeWebSocket('**/api/stream**', () => undefined);

for (const look of looks) {
  test.describe(look.name, () => {
    test.use({ viewport: { width: look.width, height: look.height }, colorScheme: look.theme });
    for (const place of [...reading, '/lab/canary/']) {
      test(`${place} has no barrier, no error, no request to elsewhere, and fits`, async ({ page, faults }) => {
        await settle(page, place);
        expect(await barriersOf(page)).toEqual([]);
        expect(await overhangOf(page)).toBeLessThanOrEqual(0);
        expect(faults).toEqual([]);
      });
    }
  });
}

// Every lab has the same desk, which the canary stands for. The others are looked at for their own text, where it is narrow: there the
// editor is a plain field, and no megabytes of another are loaded for each of fifty pages.
const narrow = [
  { width: 390, height: 844, theme: 'dark' },
  { width: 690, height: 900, theme: 'light' },
] as const;
/** One page goes from lab to lab: a new one for each would load and compile the same code as often. */
const AT_ONCE = 8;
for (const [turn, look] of narrow.entries()) {
  test.describe(`labs at ${look.width} ${look.theme}`, () => {
    test.use({ viewport: { width: look.width, height: look.height }, colorScheme: look.theme });
    const shown = labs.filter((name, i) => i % narrow.length === turn && name !== 'canary');
    for (let first = 0; first < shown.length; first += AT_ONCE) {
      const some = shown.slice(first, first + AT_ONCE);
      test(`${some.join(', ')}: each can be read before its mesh runs, has no barrier, no error, no request to elsewhere, and fits`, async ({
        page,
        faults,
      }) => {
        await beforeItsMesh(page);
        for (const lab of some) {
          await settle(page, `/lab/${lab}/`);
          await expect(page.locator('#lab-run'), lab).toHaveText('Opening');
          expect(await barriersOf(page), lab).toEqual([]);
          expect(await overhangOf(page), lab).toBeLessThanOrEqual(0);
          expect(faults, lab).toEqual([]);
        }
      });
    }
  });
}

test('no page scrolls sideways at 320 pixels', async ({ page }) => {
  await page.setViewportSize({ width: 320, height: 640 });
  for (const place of [...reading, '/lab/canary/']) {
    await settle(page, place);
    expect(await overhangOf(page), place).toBeLessThanOrEqual(0);
  }
});

test('the other theme of each page has no barrier either', async ({ page }) => {
  test.setTimeout(300_000);
  await page.emulateMedia({ colorScheme: 'dark' });
  for (const place of [...reading, '/lab/canary/']) {
    await settle(page, place);
    expect(await faintTexts(page), place).toEqual([]);
  }
});

/** Presses Tab until the focus is on a control with this name; answers the names on the way. */
async function tabTo(page: Page, name: RegExp, most = 60): Promise<string[]> {
  const passed: string[] = [];
  for (let presses = 0; presses < most; presses++) {
    await page.keyboard.press('Tab');
    const here = await page.evaluate(() => {
      const element = document.activeElement;
      return element?.getAttribute('aria-label') ?? element?.textContent?.trim() ?? '';
    });
    passed.push(here);
    if (name.test(here)) return passed;
  }
  throw new Error(`Tab did not reach ${name}: ${passed.join(' | ')}`);
}

test('the keyboard reaches what a page is for', async ({ page }) => {
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.goto('/');
  await tabTo(page, /^Days$/);
  await page.goto('/words/subset/');
  await tabTo(page, /say|hear|listen/i);
  await settle(page, '/lab/canary/');
  await expect(page.locator('.monaco-editor .view-line').first()).toBeVisible();
  const lesson = await tabTo(page, /^Skip to the lab$/);
  expect(lesson).toHaveLength(1);
  await page.keyboard.press('Enter');
  await tabTo(page, /^Step 1/);
  await tabTo(page, /^reviews\.yaml/);
  // Ctrl+M lets Tab leave the editor.
  await tabTo(page, /^YAML/);
  await page.keyboard.press('Control+m');
  await tabTo(page, /^Apply/);
  await tabTo(page, /^Check$/);
  await tabTo(page, /^Undo$/);
  await tabTo(page, /^Pause$/);
  await tabTo(page, /^Requests/);
});

test('arrows on a splitter move it by 16 pixels from where it stands', async ({ page }) => {
  await page.setViewportSize({ width: 1440, height: 900 });
  await settle(page, '/lab/canary/');
  for (const [name, key, panel, side] of [
    ['Height of the text', 'ArrowDown', '.lesson', 'height'],
    ['Width of text and editor', 'ArrowRight', '.do', 'width'],
    ['Height of the dock', 'ArrowUp', '.dock', 'height'],
    ['Width of why this response', 'ArrowLeft', '.why', 'width'],
  ] as const) {
    const size = async (): Promise<number> => (await page.locator(panel).first().boundingBox())?.[side] ?? 0;
    const before = await size();
    await page.getByRole('separator', { name }).press(key);
    await expect.poll(size, { message: name }).toBeCloseTo(before + 16, -0.4);
  }
});

test('requests move along their lines, stand as counters when paused, and never move when motion is not wanted', async ({
  page,
}) => {
  await page.emulateMedia({ reducedMotion: 'no-preference' });
  await settle(page, '/lab/canary/');
  const mark = page.locator('.mesh .mark.ok').first();
  await expect(mark).toBeAttached();
  const place = await mark.getAttribute('transform');
  await expect(mark).not.toHaveAttribute('transform', place ?? '');
  await page.getByRole('button', { name: 'Pause' }).click();
  await expect(page.locator('.mesh .mark')).toHaveCount(0);
  await expect(page.locator('.mesh .counters').first()).toBeVisible();
  await page.getByRole('button', { name: 'Go on' }).click();
  await expect(page.locator('.mesh .mark.ok').first()).toBeAttached();
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await expect(page.locator('.mesh .mark')).toHaveCount(0);
});
