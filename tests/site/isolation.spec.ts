import { request as httpRequest } from 'node:http';
import { WebSocket } from 'ws';
import { LabPage } from './support/lab-page.ts';
import { expect, test } from './support/lab-server.ts';

const rule = `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata:
  name: only-mine
spec:
  host: reviews`;

test.use({ viewport: { width: 1440, height: 900 }, permissions: ['clipboard-read', 'clipboard-write'] });

test('a second learner sees nothing of the first: no text, no object, no request', async ({
  page,
  browser,
  lab: server,
}) => {
  const first = new LabPage(page);
  await first.open('canary');
  await first.paste(rule);
  await first.apply();
  await expect(first.applied).toContainText('In force at');
  const other = await browser.newContext({
    baseURL: server.url,
    reducedMotion: 'reduce',
    viewport: { width: 1440, height: 900 },
  });
  const second = new LabPage(await other.newPage());
  await second.open('canary');
  await expect(second.page.locator('.monaco-editor .view-lines')).toContainText('VirtualService');
  await expect(second.page.locator('.monaco-editor .view-lines')).not.toContainText('only-mine');
  await expect(second.page.getByRole('tab', { name: 'xDS', exact: true })).toBeVisible();
  await second.tab('Terminal');
  await expect.poll(() => second.screenText()).toContain('learner@canary $');
  await second.type('kubectl get destinationrules');
  await expect.poll(() => second.screenText()).toContain('No resources found');
  const one = await first.page.evaluate(() => document.cookie);
  expect(one).toBe('');
  await other.close();
});

test('a mesh whose process is killed is told, and runs again with the learner’s objects', async ({
  page,
  lab: server,
}) => {
  const before = new Set(server.children());
  const lab = new LabPage(page);
  await lab.open('canary');
  await lab.paste(rule);
  await lab.apply();
  await expect(lab.applied).toContainText('In force at');
  const mine = server.children().filter((pid) => !before.has(pid));
  expect(mine).toHaveLength(1);
  process.kill(mine[0] ?? 0, 'SIGKILL');
  await expect(page.locator('.toast')).toContainText('The mesh ended and runs again, with your resources.');
  await expect(lab.run).toContainText('Mesh running');
  await expect(page.locator('.monaco-editor .view-lines')).toContainText('only-mine');
  await lab.tab('Terminal');
  await expect.poll(() => lab.screenText()).toContain('learner@canary $');
  await lab.type('kubectl get destinationrules');
  await expect.poll(() => lab.screenText()).toContain('only-mine');
});

test('a command that ran when its mesh was killed ends, and the terminal takes the next one', async ({
  page,
  lab: server,
}) => {
  const before = new Set(server.children());
  const lab = new LabPage(page);
  await lab.open('canary');
  await lab.tab('Terminal');
  await expect.poll(() => lab.screenText()).toContain('learner@canary $');
  await lab.type('kubectl get pods --watch');
  await expect.poll(() => lab.screenText()).toContain('2/2');
  const mine = server.children().filter((pid) => !before.has(pid));
  process.kill(mine[0] ?? 0, 'SIGKILL');
  await expect.poll(() => lab.screenText()).toContain('The mesh ended, and this command with it.');
  await lab.runs();
  await lab.type('kubectl get namespaces');
  await expect.poll(() => lab.screenText()).toMatch(/default +Active/);
});

test('a second lab in the same tab takes the place of the first', async ({ page }) => {
  const lab = new LabPage(page);
  await lab.open('canary');
  await lab.open('meet-the-mesh');
  await expect(page.getByText('This lab is open in another tab')).toBeHidden();
  await expect(page.locator('#panel-map .mesh')).toBeVisible();
});

interface Answer {
  status: number;
  body: string;
}

/** A request as another program makes it, with any Host and Origin. */
function ask(url: string, headers: Record<string, string>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = httpRequest(url, { headers }, (answer) => {
      let body = '';
      answer.setEncoding('utf8');
      answer.on('data', (chunk: string) => {
        body += chunk;
      });
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body }));
    });
    call.on('error', reject);
    call.end();
  });
}

/** The status with which the stream is refused; 101 when it opens. */
function dial(url: string, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve) => {
    const socket = new WebSocket(url.replace(/^http/, 'ws'), { headers });
    socket.once('open', () => {
      socket.terminate();
      resolve(101);
    });
    socket.once('unexpected-response', (call, answer) => {
      call.destroy();
      resolve(answer.statusCode ?? 0);
    });
    socket.on('error', () => resolve(0));
  });
}

test('the stream opens for pages of this server with their token, and for nobody else', async ({
  lab: server,
  page,
}) => {
  await page.goto('/');
  const token = await page.evaluate(
    async () => ((await (await fetch('/api/session')).json()) as { token: string }).token,
  );
  const cookies = await page.context().cookies();
  const cookie = cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
  const stream = `${server.url}/api/stream?token=${encodeURIComponent(token)}`;
  expect(await dial(stream, { cookie, origin: server.url })).toBe(101);
  expect(await dial(stream, { cookie, origin: 'http://evil.example' })).toBe(403);
  expect(await dial(stream, { cookie })).toBe(403);
  expect(await dial(stream, { origin: server.url })).toBe(403);
  expect(await dial(`${server.url}/api/stream`, { cookie, origin: server.url })).toBe(403);
  expect(await dial(`${server.url}/api/stream?token=${'a'.repeat(43)}`, { cookie, origin: server.url })).toBe(403);
  expect(await dial(stream, { cookie, origin: server.url, host: 'rebound.example' })).toBe(403);
});

test('a host name that was rebound to this machine gets no page, and a foreign page no token', async ({
  lab: server,
}) => {
  expect((await ask(`${server.url}/`, { host: 'rebound.example' })).status).toBe(421);
  expect((await ask(`${server.url}/api/session`, { host: 'rebound.example' })).status).toBe(421);
  expect((await ask(`${server.url}/api/session`, { origin: 'http://evil.example' })).status).toBe(403);
  expect((await ask(`${server.url}/api/session`, { 'sec-fetch-site': 'cross-site' })).status).toBe(403);
  const own = await ask(`${server.url}/api/session`, { origin: server.url });
  expect(own.status).toBe(200);
});
