import type { Page, WebSocketRoute } from '@playwright/test';
import { LabPage } from './support/lab-page.ts';
import { expect, test } from './support/lab-server.ts';

test.use({ viewport: { width: 1440, height: 900 }, permissions: ['clipboard-read', 'clipboard-write'] });

/** The stream of a page, with a hand on the wire. */
interface Wire {
  /** Streams that the page opened so far. */
  opened: number;
  /** From now on nothing comes through the open stream in either direction, and nobody is told. */
  deaden(): void;
  /** Closes the stream that is open. */
  cut(): Promise<void>;
  /** The lab server neither takes a stream nor gives a token. */
  gone: boolean;
}

async function holdWire(page: Page): Promise<Wire> {
  let last: { route: WebSocketRoute; dead: boolean } | undefined;
  const wire: Wire = {
    opened: 0,
    gone: false,
    cut: async () => last?.route.close({ code: 4000 }),
    deaden: () => {
      if (last) last.dead = true;
    },
  };
  await page.route('**/api/session', (route) => (wire.gone ? route.abort('connectionrefused') : route.continue()));
  await page.routeWebSocket('**/api/stream*', (socket) => {
    const server = socket.connectToServer();
    const mine = { route: socket, dead: false };
    last = mine;
    wire.opened += 1;
    socket.onMessage((message) => {
      if (!mine.dead) server.send(message);
    });
    server.onMessage((message) => {
      if (!mine.dead) socket.send(message);
    });
  });
  return wire;
}

const banner = (page: Page) => page.locator('.banner');

test('a stream that is cut is called again by itself; while the server is away the page says so, keeps the text, and goes on', async ({
  page,
}) => {
  const wire = await holdWire(page);
  const lab = new LabPage(page);
  await lab.open('canary');
  await lab.focusEditor();

  await test.step('cut: the page calls again and goes on', async () => {
    await wire.cut();
    await expect.poll(() => wire.opened).toBe(2);
    await expect(banner(page)).toBeHidden();
    await lab.send();
    await expect(lab.why.locator('.verdict')).toContainText('200');
  });

  await test.step('gone: a banner, verbs that cannot work are disabled, what is written is kept', async () => {
    wire.gone = true;
    await wire.cut();
    await expect(banner(page)).toContainText('The lab does not answer. It is called again; your text is safe.');
    await expect(banner(page)).toContainText('The lab is not running. Days, words and cards still work.', {
      timeout: 30_000,
    });
    await expect(page.getByRole('button', { name: /^Apply/ })).toBeDisabled();
    await lab.paste('# written while nobody listened');
    await expect(page.getByText('Kept in this browser')).toBeVisible();
  });

  await test.step('a view whose script does not come says so, and the others work on', async () => {
    const script = /\/_astro\/events\.[^/]+\.js$/;
    await page.route(script, (route) => route.abort());
    await lab.tab('Events');
    const view = page.getByRole('tabpanel', { name: 'Events' });
    await expect(view.getByRole('alert')).toContainText('Events did not load');
    await expect(view.getByRole('button', { name: 'Reload the page' })).toBeEnabled();
    await lab.tab('Requests');
    await expect(page.getByRole('region', { name: 'Mesh map' })).toBeVisible();
    await expect(lab.rows.first()).toBeVisible();
  });

  await test.step('back: the text is saved, without a reload', async () => {
    wire.gone = false;
    // It calls again by itself, at the latest after ten seconds.
    await expect(banner(page)).toBeHidden({ timeout: 30_000 });
    await expect(page.getByText('Saved', { exact: true })).toBeVisible();
    expect(await lab.text()).toBe('# written while nobody listened');
  });
});

test('after a sleep, when the stream is dead and nobody was told, the page notices and calls again', async ({
  page,
}) => {
  const wire = await holdWire(page);
  await page.clock.install();
  const lab = new LabPage(page);
  await lab.open('canary');
  await expect(lab.rows.first()).toBeVisible();
  wire.deaden();
  await expect(async () => {
    await page.clock.fastForward(11_000);
    expect(wire.opened).toBeGreaterThan(1);
  }).toPass({ timeout: 30_000 });
  await expect(banner(page)).toBeHidden();
  await lab.send();
  await expect(lab.why.locator('.verdict')).toContainText('200');
});

test('two tabs on one lab show the same; a tab with another lab takes over, and hands back at a click', async ({
  page,
  context,
}) => {
  const first = new LabPage(page);
  await first.open('canary');
  const second = new LabPage(await context.newPage());
  await second.open('canary');
  await second.tab('Terminal');
  await expect.poll(() => second.screenText()).toContain('learner@canary $');
  await second.type('kubectl label service reviews team=books');
  for (const one of [first, second]) {
    await expect(one.page.getByRole('button', { name: /^Go to push 1,/ })).toBeVisible();
    await expect(banner(one.page)).toBeHidden();
  }
  await second.open('meet-the-mesh');
  await expect(banner(page)).toContainText('This lab is open in another tab, which now has the connection.');
  await banner(page).getByRole('button', { name: 'Use it here' }).click();
  await expect(first.run).toContainText('Mesh running', { timeout: 20_000 });
  await expect(banner(page)).toBeHidden();
  await expect(page.getByRole('button', { name: /^Go to push 1,/ })).toBeVisible();
});

test('a browser without room says that the text is not kept while the lab is away, and the text stays on the screen', async ({
  page,
}) => {
  await page.addInitScript(() => {
    const keep = Storage.prototype.setItem;
    Storage.prototype.setItem = function (key: string, value: string): void {
      if (key.startsWith('meshwork.draft')) throw new DOMException('The quota is used up.', 'QuotaExceededError');
      keep.call(this, key, value);
    };
  });
  const wire = await holdWire(page);
  const lab = new LabPage(page);
  await lab.open('canary');
  await lab.focusEditor();
  wire.gone = true;
  await wire.cut();
  await expect(banner(page)).toBeVisible();
  await lab.paste('# too much for this browser');
  await expect(page.getByText('Not kept: this browser has no room')).toBeVisible();
  wire.gone = false;
  await expect(banner(page)).toBeHidden({ timeout: 30_000 });
  await expect(page.getByText('Saved', { exact: true })).toBeVisible();
  expect(await lab.text()).toBe('# too much for this browser');
});

test('a lab that is opened under a name that its server does not answer to says so, and where it is', async ({
  page,
}) => {
  const home = 'http://127.0.0.1:4321';
  await page.route('**/api/session', (route) => route.fulfill({ json: { token: 'of-another-name', home } }));
  await page.goto('/lab/canary/?panel=edit');
  await expect(banner(page)).toContainText(`does not answer to pages opened as ${new URL(page.url()).host}`);
  await expect(banner(page).getByRole('link')).toHaveAttribute('href', new RegExp(`^${home}/lab/canary/`));
  await expect(banner(page)).toContainText('ssh -L 4321:127.0.0.1:4321 MACHINE');
  await expect(page.getByRole('button', { name: /^Apply/ })).toBeDisabled();
});
