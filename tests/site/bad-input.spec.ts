import { LabPage } from './support/lab-page.ts';
import { expect, test } from './support/lab-server.ts';

const rule = (http: string): string => `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: reviews
spec:
  hosts:
    - reviews
  http:
${http}`;

const good = rule('    - route:\n        - destination:\n            host: reviews');
const matched = (match: string): string =>
  rule(
    `    - match:\n        - uri:\n            ${match}\n      route:\n        - destination:\n            host: reviews`,
  );

interface Wrong {
  readonly title: string;
  readonly text: string;
  readonly code: string;
  readonly place: string;
  readonly hint: string | RegExp;
}

const refused: readonly Wrong[] = [
  {
    title: 'YAML that does not parse',
    text: good.replace('  hosts:', '  hosts: : ['),
    code: 'MW0005',
    place: 'reviews.yaml:',
    hint: 'Check indentation',
  },
  {
    title: 'an unknown field',
    text: good.replace('- route:', '- routes:'),
    code: 'MW0101',
    place: 'reviews.yaml:9',
    hint: 'Did you mean "route"?',
  },
  {
    title: 'a weight below zero',
    text: `${good}\n          weight: -5`,
    code: 'IST0106',
    place: 'reviews.yaml:12',
    hint: 'Use a weight of 0 or more',
  },
  {
    title: 'an alias bomb',
    text: ['a: &a [x, x, x, x, x, x, x, x, x]']
      .concat(
        [...'bcdefghijklm'].map((name, index) => {
          const before = 'abcdefghijklm'[index] ?? 'a';
          return `${name}: &${name} [${Array(9).fill(`*${before}`).join(', ')}]`;
        }),
      )
      .join('\n'),
    code: 'MW0004',
    place: 'reviews.yaml:1',
    hint: 'Write the repeated part out',
  },
  {
    title: 'a regular expression that nests repetition until it explodes',
    text: matched('regex: "((a{1,100}){1,100}){1,100}"'),
    code: 'IST0106',
    place: 'reviews.yaml:11',
    hint: 'Envoy reads RE2',
  },
  {
    title: 'a look-ahead, which RE2 does not know',
    text: matched('regex: "/reviews/(?!0)"'),
    code: 'IST0106',
    place: 'reviews.yaml:11',
    hint: 'no look-around',
  },
];

test.use({ viewport: { width: 1440, height: 900 }, permissions: ['clipboard-read', 'clipboard-write'] });

/** A request of now is answered 200. */
async function stillServes(lab: LabPage): Promise<void> {
  await lab.send();
  await expect(lab.why.locator('.verdict')).toContainText('200');
}

test('text that cannot be meant is refused with code, line and hint, and the last good configuration serves on', async ({
  page,
  faults,
}) => {
  test.setTimeout(300_000);
  const lab = new LabPage(page);
  await lab.open('canary');
  await lab.paste(good);
  await lab.apply();
  await expect(lab.applied).toContainText('In force at');
  for (const wrong of refused) {
    await test.step(wrong.title, async () => {
      await lab.paste(wrong.text);
      const problem = lab.problems.getByRole('listitem').filter({ hasText: wrong.code }).first();
      await expect(problem).toContainText(wrong.place);
      await expect(problem).toContainText(wrong.hint);
      await lab.apply();
      await expect(lab.applied).toHaveText(/^Refused: \d+ errors?\. What was in force still is\.$/);
      await stillServes(lab);
      expect((await lab.text()).trim()).toBe(wrong.text.trim());
    });
  }
  expect(faults).toEqual([]);
});

test('what Istio accepts with a warning is applied and told: weights that add up to 80, a subset that nobody defines', async ({
  page,
}) => {
  const lab = new LabPage(page);
  await lab.open('canary');
  await lab.paste(
    `${good}\n          weight: 50\n        - destination:\n            host: reviews\n            port:\n              number: 8080\n          weight: 30`,
  );
  await expect(lab.problems).toContainText('MW0201');
  await expect(lab.problems).toContainText('add up to 80, not 100');
  await lab.apply();
  await expect(lab.applied).toContainText('In force at');
  await stillServes(lab);
  await lab.paste(`${good}\n            subset: v9`);
  await expect(lab.problems).toContainText('IST0101');
  await expect(lab.problems).toContainText('reviews.yaml:12');
  await expect(lab.problems).toContainText('Create a DestinationRule');
});

test('a document of 10 MB is told to be too large, leaves the page usable and what was saved untouched', async ({
  page,
  faults,
}) => {
  const lab = new LabPage(page);
  await lab.open('canary');
  await lab.paste(good);
  await expect(page.getByText('Saved', { exact: true })).toBeVisible();
  await lab.paste(`# ${'long '.repeat(2_000_000)}`);
  await expect(lab.problems).toContainText('MW0001');
  await expect(lab.problems).toContainText('9.5 MiB');
  await expect(page.getByText('Not saved: too large')).toBeVisible();
  await lab.apply();
  await expect(lab.applied).toContainText('Refused: 1 error');
  await lab.paste(good);
  await expect(lab.problems).toBeHidden();
  await lab.apply();
  await expect(lab.applied).toContainText('In force at');
  await stillServes(lab);
  expect(faults).toEqual([]);
});

test('text that is not applied is there again after a reload, and after the lab server was away', async ({ page }) => {
  const lab = new LabPage(page);
  await lab.open('canary');
  await lab.paste(`${good}\n# half a thought`);
  await expect(page.getByText('Saved', { exact: true })).toBeVisible();
  await page.reload();
  await expect(page.locator('.monaco-editor .view-lines')).toContainText('half a thought');
  const context = page.context();
  await context.setOffline(true);
  await lab.paste(`${good}\n# written on a train`);
  await page.close();
  await context.setOffline(false);
  const later = await context.newPage();
  await later.goto('/lab/canary/');
  await expect(later.locator('.monaco-editor .view-lines')).toContainText('written on a train');
});

test('a proxy that refuses a push is named with its own words, and serves on with its last good configuration', async ({
  page,
}) => {
  const lab = new LabPage(page);
  await lab.open('canary');
  await lab.paste(good);
  await lab.apply();
  await expect(lab.applied).toContainText('In force at');
  await lab.paste(`${good}\n      headers:\n        request:\n          set:\n            transfer-encoding: identity`);
  await lab.apply();
  await expect(lab.applied).toContainText(/refused the push and kept the last good configuration/);
  await expect(lab.applied).toContainText('transfer-encoding cannot be changed');
  await lab.tab('xDS');
  await expect(page.getByRole('table').getByText('NACK').first()).toBeVisible();
  await stillServes(lab);
});
