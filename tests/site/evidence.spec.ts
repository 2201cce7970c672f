import type { Page } from '@playwright/test';
import { reviewsWithTesters } from '../support/reviews-rules.ts';
import { barriersOf, faintTexts, overhangOf } from './support/barriers.ts';
import { LabPage } from './support/lab-page.ts';
import { expect, test } from './support/lab-server.ts';

test.use({ viewport: { width: 1440, height: 900 }, permissions: ['clipboard-read', 'clipboard-write'] });

/** The views of evidence: the word of their address, the name of their tab. */
const VIEWS = [
  ['term', 'Terminal'],
  ['req', 'Requests'],
  ['trace', 'Trace'],
  ['log', 'Access log'],
  ['metrics', 'Metrics'],
  ['xds', 'xDS'],
  ['certs', 'Certificates'],
  ['events', 'Events'],
  ['try', 'What if'],
  ['predict', 'Predict'],
  ['time', 'Time'],
  ['slow', 'Slow motion'],
] as const;

async function inForce(lab: LabPage): Promise<void> {
  await expect(lab.applied).toContainText('In force at');
}

test('metrics show each version along time with the push, a moment by the arrow keys, a table, and a link that leads back', async ({
  page,
  faults,
}) => {
  const lab = new LabPage(page);
  await lab.open('canary');
  await lab.paste(reviewsWithTesters(50));
  await lab.apply();
  await inForce(lab);
  await lab.tab('Metrics');
  await page.getByRole('radio', { name: 'Versions' }).check({ force: true });
  const row = page.getByRole('row', { name: /reviews\s*v2/ });
  await expect(row).toContainText(/\d\/s/);
  await row.getByRole('button').click();
  const series = page.getByRole('region', { name: 'Golden signals of reviews v2' });
  await expect(series.locator('figure')).toHaveCount(4);
  await expect(series.locator('.push-mark').first()).toBeVisible();
  await expect(series.getByRole('button', { name: '1 reviews' })).toBeVisible();
  const moment = series.getByRole('slider');
  await moment.press('ArrowLeft');
  await expect(moment).toHaveAttribute('aria-valuetext', /Traffic \d.*P50 .*P90 .*P99 /);
  await page.getByRole('button', { name: 'As table' }).click();
  await expect(page.getByRole('table').getByRole('row').nth(1)).toContainText(/\d\d:\d\d:\d\d/);
  await page.goto(page.url());
  await expect(page.getByRole('region', { name: 'Golden signals of reviews v2' })).toBeVisible({ timeout: 20_000 });
  expect(faults).toEqual([]);
});

test('certificates show identity, life and chain of a proxy, and the handshake of a request step by step', async ({
  page,
  faults,
}) => {
  const lab = new LabPage(page);
  await lab.open('canary');
  await lab.tab('Certificates');
  const row = page.getByRole('row', { name: /reviews v1/ });
  await expect(row).toContainText('ns/default/sa/');
  await expect(row).toContainText(/\d+ (h|min).* left/);
  await row.getByRole('button').click();
  const chain = page.getByRole('region', { name: 'Chain' });
  await expect(chain.getByText(/^spiffe:\/\/cluster\.local\/ns\/default\/sa\//).first()).toBeVisible();
  await expect(chain.getByText('Root, in the trust bundle')).toBeVisible();
  await expect(page.getByRole('region', { name: 'Rotations' })).toContainText('in force');
  await page.getByRole('button', { name: 'All proxies' }).click();
  await lab.send();
  await lab.tab('Certificates');
  await page.getByRole('radio', { name: 'Handshake of the request' }).check({ force: true });
  const record = page.getByRole('region', { name: /^Handshake of frontend v1 with reviews v\d$/ });
  for (const step of [
    'ClientHello',
    'ServerHello',
    'Certificate of the server',
    'Certificate of the client',
    'Finished',
  ]) {
    await expect(record.getByText(step, { exact: true })).toBeVisible();
  }
  await expect(record).toContainText('outbound_.8080_._.reviews.default.svc.cluster.local');
  await expect(record).toContainText('reviews v');
  await expect(record).toContainText('verified it: signed by');
  expect(faults).toEqual([]);
});

test('events of cluster and lab are filtered by source and by words, and the filter stands in the address', async ({
  page,
}) => {
  const lab = new LabPage(page);
  await lab.open('canary');
  await lab.tab('Events');
  const rows = page.getByRole('tabpanel', { name: 'Events' }).locator('tbody tr');
  await expect(rows.filter({ hasText: 'MeshStarted' }).first()).toBeVisible();
  await page.getByRole('radio', { name: 'Kubernetes' }).check({ force: true });
  await page.getByRole('searchbox', { name: 'Words in the event' }).fill('reviews-v1 started');
  await expect(rows.first()).toContainText('Started');
  await expect(rows.filter({ hasNotText: 'reviews-v1' })).toHaveCount(0);
  expect(new URL(page.url()).searchParams.get('show')).toBe('kubernetes/reviews-v1 started');
});

test('a push is read as a difference with the YAML behind it, proxy by proxy', async ({ page, faults }) => {
  const lab = new LabPage(page);
  await lab.open('canary');
  for (const first of [100, 60]) {
    await lab.paste(reviewsWithTesters(first));
    await lab.apply();
    await inForce(lab);
  }
  await lab.tab('xDS');
  const changes = page.getByRole('region', { name: /^What push 2 changed at/ });
  await expect(changes).toContainText(/RDS .*sent at .*ACK at/);
  await expect(changes.locator('.dl.removed')).toContainText('"weight": 100');
  await expect(changes.locator('.dl.added').first()).toContainText('"weight": 60');
  await changes
    .getByRole('button', { name: /^reviews\.yaml:/ })
    .first()
    .click();
  await expect(page.getByRole('tab', { name: /^reviews\.yaml/ })).toHaveAttribute('aria-selected', 'true');
  await page
    .getByRole('row', { name: /reviews v2/ })
    .getByRole('button')
    .click();
  await expect(page.getByRole('region', { name: 'What push 2 changed at reviews v2' })).toBeVisible();
  expect(faults).toEqual([]);
});

test('what if answers for unsaved text; the effect names objects, proxies and requests; compare and format change the text only', async ({
  page,
  faults,
}) => {
  const lab = new LabPage(page);
  await lab.open('canary');
  await lab.paste(reviewsWithTesters(100));
  await lab.tab('What if');
  await expect(page.getByLabel('URL')).toHaveValue('http://reviews:8080/reviews/0');
  await page.getByLabel('Headers, one a line').fill('end-user: anne');
  await page.getByRole('button', { name: 'Try', exact: true }).click();
  const trial = page.getByRole('region', { name: 'What the proxies decided' });
  await expect(trial).toContainText('It would reach reviews v1.');
  await expect(trial.getByRole('row', { name: /testers/ })).toContainText('passed over');
  await expect(trial).toContainText(
    'Closest miss: testers, 1 of 2 conditions hold: it needs header end-user to be exactly "jason"',
  );
  await page.getByRole('button', { name: 'Effect' }).click();
  const effect = page.getByRole('dialog', { name: 'What Apply would change' });
  await expect(effect).toContainText('3 of 3 proxies would get another configuration.');
  await expect(effect).toContainText('reviews.default.svc.cluster.local');
  await expect(effect).toContainText(/\d+ of the last \d+ requests would go elsewhere/);
  await effect.getByRole('button', { name: 'Apply' }).click();
  await inForce(lab);
  await lab.paste(
    reviewsWithTesters(100, 'end-user: { exact: jane }').replace('kind: VirtualService', 'kind:   VirtualService'),
  );
  await page.getByRole('button', { name: 'Format' }).click();
  await expect(page.locator('.monaco-editor .view-lines')).not.toContainText(/kind:\s{3}/);
  await page.getByRole('button', { name: 'Compare' }).click();
  const compare = page.getByRole('dialog', { name: 'reviews.yaml compared' });
  await expect(compare.locator('.dl.removed', { hasText: 'exact: jason' })).toHaveCount(1);
  await expect(compare.locator('.dl.added', { hasText: 'exact: jane' })).toHaveCount(1);
  await expect(compare.locator('.fold').first()).toContainText('unchanged');
  await compare.getByRole('button', { name: 'Take theirs' }).click();
  await expect(page.locator('.monaco-editor .view-lines')).toContainText('jason');
  expect(faults).toEqual([]);
});

test('a line of YAML lights up the requests that it caught, by keyboard alone, and a request lights up its lines', async ({
  page,
}) => {
  const lab = new LabPage(page);
  await lab.open('canary');
  await lab.paste(reviewsWithTesters(100));
  await lab.apply();
  await inForce(lab);
  await expect(page.locator('.monaco-editor .note-caught').first()).toBeVisible();
  await lab.focusEditor();
  await page.keyboard.press('ControlOrMeta+End');
  await page.keyboard.press('ArrowUp');
  await expect(page.locator('.caught-here')).toContainText(/^Lines? \d+.* caught \d+ of \d+/);
  await page.keyboard.press('Alt+Enter');
  await expect(lab.rows.and(page.locator('.lit')).first()).toBeVisible();
  await expect(page.locator('.caught-chip')).toContainText(/reviews\.yaml:\d+/);
  expect(new URL(page.url()).searchParams.get('line')).toMatch(/^reviews\.yaml:\d+$/);
  await page.getByRole('button', { name: 'No longer look at this line' }).click();
  await expect(page.locator('.requests tr.lit')).toHaveCount(0);
  await lab.send();
  await expect(page.locator('.monaco-editor .line-lit').first()).toBeVisible();
});

test('the trace shows its critical path, and a second trace beside it', async ({ page }) => {
  const lab = new LabPage(page);
  await lab.open('canary');
  await expect(lab.rows.nth(5)).toBeVisible();
  await lab.send();
  await lab.tab('Trace');
  await expect(page.locator('.trace .critical').first()).toBeAttached();
  await expect(page.locator('.waited')).toContainText('Waited for:');
  await page.getByLabel('Compare with').selectOption({ index: 1 });
  await expect(
    page
      .getByRole('table')
      .getByRole('row', { name: /reviews/ })
      .first(),
  ).toContainText(/[+−]\d/);
  expect(new URL(page.url()).searchParams.get('other')).toMatch(/^[0-9a-f]{16}$/);
});

test('access logs of all proxies are filtered, and a line is explained field by field', async ({ page }) => {
  const lab = new LabPage(page);
  await lab.open('canary');
  await lab.tab('Access log');
  await page.getByRole('searchbox', { name: 'Words in the line' }).fill('inbound reviews');
  const lines = page.getByRole('list', { name: 'Access log, newest first' }).getByRole('listitem');
  await lines.first().getByRole('button').first().click();
  // Newer lines may have come before the click: the open one is looked at.
  const line = lines.filter({ has: page.locator('[aria-expanded="true"]') });
  await expect(line.getByRole('row', { name: /^Status/ })).toContainText('200');
  await line.getByRole('button', { name: 'Why this response' }).click();
  await expect(lab.why.locator('.verdict')).toContainText('200');
});

/** Opens each view of the dock in turn, and waits until it shows what it has. */
async function eachView(lab: LabPage, look: (view: string) => Promise<void>): Promise<void> {
  const { page } = lab;
  for (const [view, name] of VIEWS) {
    await lab.tab(name);
    await expect.poll(() => new URL(page.url()).searchParams.get('view')).toBe(view);
    await expect(
      page.locator('.dock .pane').getByText(/^(The .* (is|are) (read|opened)\.|The view opens\.)$/),
    ).toHaveCount(0);
    await expect(page.locator('.dock .pane > *').first()).toBeAttached();
    await look(view);
  }
}

/** The canary's desk with a decision opened: looked at once; each view then changes the dock alone. */
async function deskWithDecision(page: Page): Promise<LabPage> {
  await page.goto('/lab/canary/?panel=dock');
  const lab = new LabPage(page);
  await lab.runs();
  await lab.send();
  await expect.poll(() => new URL(page.url()).searchParams.get('request')).not.toBeNull();
  expect(await barriersOf(page)).toEqual([]);
  return lab;
}

test('every view of evidence is without a barrier in light, dark and forced colours', async ({ page, faults }) => {
  test.setTimeout(300_000);
  const lab = await deskWithDecision(page);
  for (const colours of ['dark', 'forced'] as const) {
    await wear(page, colours);
    expect(await faintTexts(page), colours).toEqual([]);
  }
  await eachView(lab, async (view) => {
    await wear(page, 'light');
    expect(await barriersOf(page, '.dock'), view).toEqual([]);
    expect(await overhangOf(page), view).toBeLessThanOrEqual(0);
    for (const colours of ['dark', 'forced'] as const) {
      await wear(page, colours);
      expect(await faintTexts(page, '.dock'), `${view}, ${colours}`).toEqual([]);
    }
  });
  expect(faults).toEqual([]);
});

test('every view of evidence is without a barrier on a phone in dark, and never scrolls the page sideways, at 320 pixels neither', async ({
  page,
  faults,
}) => {
  test.setTimeout(300_000);
  const [phone, narrow] = [
    { width: 390, height: 844 },
    { width: 320, height: 640 },
  ];
  await page.setViewportSize(phone);
  await wear(page, 'dark');
  const lab = await deskWithDecision(page);
  // The decision path was opened in front of it.
  await lab.button('Dock').click();
  await eachView(lab, async (view) => {
    expect(await barriersOf(page, '.dock'), view).toEqual([]);
    for (const size of [narrow, phone]) {
      await page.setViewportSize(size);
      expect(await overhangOf(page), `${view} at ${size.width}`).toBeLessThanOrEqual(0);
    }
  });
  expect(faults).toEqual([]);
});

const wear = (page: Page, colours: 'light' | 'dark' | 'forced'): Promise<void> =>
  page.emulateMedia({
    colorScheme: colours === 'dark' ? 'dark' : 'light',
    forcedColors: colours === 'forced' ? 'active' : 'none',
    reducedMotion: 'reduce',
  });
