import { type Browser, chromium, type Page } from '@playwright/test';
import type { MeshEdge, MeshNode, MeshView, ServerMessage } from '#contract';
import { reviewsWithTesters } from '../../support/reviews-rules.ts';
import { median, percentile } from '../statistics.ts';

export interface DeskReport {
  /** From the call of the page to the first click that it heeds. */
  readonly interactiveMs: number;
  readonly mapFramesPerSecond: number;
  readonly echoMs: number;
  readonly echoP95Ms: number;
  /** From Ctrl+Enter to the words that it is in force. */
  readonly applyMs: number;
  /** From the click to the lab at its start, its mesh running. */
  readonly resetMs: number;
}

const WAIT = { timeout: 60_000 } as const;

/** The lab's page in a browser, with its moving marks, as a learner at a desk has it. */
export async function measureDesk(url: string, executablePath: string): Promise<DeskReport> {
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
  try {
    const interactive: number[] = [];
    for (let visit = 0; visit < 5; visit++) interactive.push(await timeToClick(browser, url));
    const mapFramesPerSecond = await framesOfBusyMap(browser, url);
    const page = await openLab(browser, url);
    const echoes = (await echoesOf(page, 60)).sort((a, b) => a - b);
    const applies: number[] = [];
    for (let first = 10; first <= 90; first += 10) applies.push(await applyOnce(page, first));
    const resets: number[] = [];
    for (let round = 0; round < 5; round++) resets.push(await resetOnce(page));
    return {
      interactiveMs: median(interactive),
      mapFramesPerSecond,
      echoMs: median(echoes),
      echoP95Ms: percentile(echoes, 95),
      applyMs: median(applies),
      resetMs: median(resets),
    };
  } finally {
    await browser.close();
  }
}

const newPage = (browser: Browser, url: string): Promise<Page> =>
  browser.newPage({
    baseURL: url,
    viewport: { width: 1440, height: 900 },
    permissions: ['clipboard-read', 'clipboard-write'],
  });

async function openLab(browser: Browser, url: string): Promise<Page> {
  const page = await newPage(browser, url);
  await page.goto('/lab/canary/?view=term');
  await page.locator('#lab-run', { hasText: 'Mesh running' }).waitFor(WAIT);
  await page.locator('.monaco-editor .view-line').first().waitFor(WAIT);
  await page.locator('.xterm-rows', { hasText: 'learner@canary' }).waitFor(WAIT);
  return page;
}

async function timeToClick(browser: Browser, url: string): Promise<number> {
  const page = await newPage(browser, url);
  await page.goto('/lab/canary/', { waitUntil: 'commit' });
  await page.getByRole('tab', { name: 'Trace' }).click();
  await page.waitForURL(/view=trace/);
  const ms = await page.evaluate(() => performance.now());
  await page.close();
  return ms;
}

const SERVICES = 12;
const PER_SECOND = 200;
const FRAMES_MS = 5000;

/** Twelve services, one calling the next and the one after it: 200 requests a second in all. */
function busyMesh(atMs: number): MeshView {
  const nodes = Array.from({ length: SERVICES }, (_, index): MeshNode => {
    const service = `service-${index + 1}`;
    return { id: `${service}@v1`, service, version: 'v1', role: 'app', proxied: true, ready: true };
  });
  const pairs = nodes.flatMap(({ id }, index) =>
    [index + 1, index + 2].flatMap((to) => (nodes[to] ? [[id, to] as const] : [])),
  );
  const edges = pairs.map(([from, to]): MeshEdge => {
    const share = { errorShare: 0.02, slowShare: 0.03, mtls: true, flags: {} };
    return { from, to: nodes[to]?.id ?? '', rps: PER_SECOND / pairs.length, p50: 12, p90: 40, p99: 90, ...share };
  });
  return { atMs, windowMs: 10_000, nodes, edges };
}

async function framesOfBusyMap(browser: Browser, url: string): Promise<number> {
  const page = await newPage(browser, url);
  await page.routeWebSocket('**/api/stream*', (socket) => {
    const server = socket.connectToServer();
    socket.onMessage((message) => server.send(message));
    server.onMessage((message) => {
      const told = JSON.parse(message.toString()) as ServerMessage;
      if ('event' in told && told.event.type === 'mesh') told.event.mesh = busyMesh(told.event.mesh.atMs);
      socket.send(JSON.stringify(told));
    });
  });
  await page.goto('/lab/canary/');
  await page.locator('.mesh .name', { hasText: `service-${SERVICES}` }).waitFor(WAIT);
  await page
    .locator('.mesh .mark')
    .nth(20)
    .waitFor({ ...WAIT, state: 'attached' });
  const frames = await page.evaluate(
    (ms) =>
      new Promise<number>((resolve) => {
        const from = performance.now();
        let count = 0;
        const frame = (now: number): void => {
          count += 1;
          if (now - from < ms) requestAnimationFrame(frame);
          else resolve((count * 1000) / (now - from));
        };
        requestAnimationFrame(frame);
      }),
    FRAMES_MS,
  );
  await page.close();
  return frames;
}

/** From each key to the change of the terminal's rows. */
async function echoesOf(page: Page, keys: number): Promise<number[]> {
  await page.locator('.xterm-helper-textarea').focus();
  await page.evaluate(() => {
    const seen: number[] = [];
    let pressedAt = 0;
    document.addEventListener('keydown', () => (pressedAt = performance.now()), { capture: true });
    const rows = document.querySelector('.xterm-rows');
    const look = (): void => {
      if (pressedAt === 0) return;
      seen.push(performance.now() - pressedAt);
      pressedAt = 0;
    };
    if (rows) new MutationObserver(look).observe(rows, { subtree: true, childList: true, characterData: true });
    Object.assign(window, { echoes: seen });
  });
  for (let key = 0; key < keys; key++) await page.keyboard.press('x', { delay: 30 });
  await page.waitForFunction((least) => (window as unknown as { echoes: number[] }).echoes.length >= least, keys / 2);
  return page.evaluate(() => (window as unknown as { echoes: number[] }).echoes);
}

/** Ctrl+Enter in the editor, with other weights than before. */
async function applyOnce(page: Page, first: number): Promise<number> {
  await page.evaluate((text) => navigator.clipboard.writeText(text), reviewsWithTesters(first));
  await page.locator('.monaco-editor .native-edit-context, .monaco-editor textarea.inputarea').first().focus();
  for (const keys of ['ControlOrMeta+A', 'ControlOrMeta+V']) await page.keyboard.press(keys);
  await page.getByText('Saved', { exact: true }).waitFor(WAIT);
  await watch(page, '.apply-result', /In force at/);
  await page.keyboard.press('ControlOrMeta+Enter');
  return watched(page);
}

async function resetOnce(page: Page): Promise<number> {
  await page.getByRole('button', { name: 'Reset, solution, link, kubectl' }).click();
  await watch(page, '.toasts', /The lab is at its start/);
  await page.getByRole('button', { name: /^Reset the lab/ }).click();
  const ms = await watched(page);
  await page.getByRole('button', { name: 'Dismiss' }).first().click();
  return ms;
}

interface Watched {
  watchedMs?: Promise<number>;
}

/** From the next key or click to the words in the place, which must have gone before. */
async function watch(page: Page, place: string, words: RegExp): Promise<void> {
  await page.evaluate(
    ([selector, pattern]) => {
      const [element, wanted] = [document.querySelector(selector), new RegExp(pattern)];
      let beganAt = 0;
      let gone = !wanted.test(element?.textContent ?? '');
      const begin = (): number => (beganAt ||= performance.now());
      for (const event of ['keydown', 'click']) document.addEventListener(event, begin, { capture: true, once: true });
      (window as Watched).watchedMs = new Promise((resolve) => {
        const look = (): void => {
          const there = wanted.test(element?.textContent ?? '');
          gone ||= !there;
          if (there && gone && beganAt > 0) resolve(performance.now() - beganAt);
        };
        if (element)
          new MutationObserver(look).observe(element, { subtree: true, childList: true, characterData: true });
      });
    },
    [place, words.source] as const,
  );
}

const watched = (page: Page): Promise<number> =>
  page.evaluate(() => (window as Watched).watchedMs ?? Promise.reject(new Error('nothing is watched')));
