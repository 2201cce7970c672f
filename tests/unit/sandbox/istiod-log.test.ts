import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createControlzServer } from '../../../server/sandbox/mesh/istiod-debug/controlz-server.ts';
import { IstiodLog } from '../../../server/sandbox/mesh/istiod-debug/istiod-log.ts';
import { type PushEvent, typeUrls } from '../../../server/xds/index.ts';

const push: PushEvent = {
  nodeId: 'sidecar~127.8.1.3~cart-1.default~default.svc.cluster.local',
  typeUrl: typeUrls.listener,
  versionInfo: 'v7',
  changeId: 'c',
  nonce: 'n9',
  state: 'sent',
  atMs: 0,
  bytes: 12_345,
  resources: ['a', 'b'],
  removed: ['c'],
};
const ends: (() => void)[] = [];

afterEach(() => {
  for (const end of ends.splice(0)) end();
});

async function open(): Promise<{ log: IstiodLog; lines: string[]; base: string }> {
  const lines: string[] = [];
  const log = new IstiodLog((line) => lines.push(line));
  const server = createControlzServer(log);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ends.push(() => server.close());
  return { log, lines, base: `http://127.0.0.1:${(server.address() as AddressInfo).port}/scopej` };
}

describe("istiod's log", () => {
  it('tells of pushes in the words of istiod, and of answers at debug only', () => {
    const lines: string[] = [];
    const log = new IstiodLog((line) => lines.push(line));
    log.pushed(push);
    log.pushed({ ...push, variant: 'state of the world', typeUrl: typeUrls.cluster, bytes: 80 });
    log.pushed({ ...push, state: 'acked' });
    log.pushed({ ...push, state: 'nacked' });
    expect(lines).toEqual([
      'info\tdelta\tLDS: PUSH for node:cart-1.default resources:2 removed:1 size:12.3kB',
      'info\tads\tCDS: PUSH for node:cart-1.default resources:2 size:80B',
    ]);
  });

  it('tells of a push of endpoints where clusters came before them, and else at debug only', () => {
    const lines: string[] = [];
    const log = new IstiodLog((line) => lines.push(line));
    log.pushed({ ...push, typeUrl: typeUrls.endpoint });
    log.pushed({ ...push, typeUrl: typeUrls.cluster });
    log.pushed({ ...push, typeUrl: typeUrls.endpoint });
    log.pushed({ ...push, typeUrl: typeUrls.endpoint, versionInfo: 'v8' });
    expect(lines.map((line) => line.split(' ', 1)[0])).toEqual(['info\tdelta\tCDS:', 'info\tdelta\tEDS:']);
  });

  it('follows the levels that ControlZ sets, scope by scope', async () => {
    const { log, lines, base } = await open();
    const set = async (scope: string, body: object): Promise<number> =>
      (await fetch(`${base}/${scope}`, { method: 'PUT', body: JSON.stringify(body) })).status;
    expect(await set('delta', { name: 'delta', output_level: 'debug' })).toBe(202);
    log.pushed(push);
    log.pushed({ ...push, state: 'acked' });
    expect(lines.splice(0)).toEqual([
      'info\tdelta\tLDS: PUSH for node:cart-1.default resources:2 removed:1 size:12.3kB nonce:n9 version:v7',
      'debug\tdelta\tADS:LDS: ACK cart-1.default n9',
    ]);
    expect(await set('delta', { output_level: 'error' })).toBe(202);
    expect(await set('default', { output_level: 'none' })).toBe(202);
    log.pushed(push);
    log.write('warn\tdelta\tADS:LDS: ACK ERROR cart-1.default');
    log.write('info\tstarted');
    log.write('info\tads\tkept');
    expect(lines).toEqual(['info\tads\tkept']);
  });

  it('lists its scopes by name, and refuses what is none', async () => {
    const { base } = await open();
    const all = (await (await fetch(`${base}/`)).json()) as { name: string }[];
    expect(all.map(({ name }) => name)).toEqual(expect.arrayContaining(['ads', 'default', 'delta']));
    expect(await (await fetch(`${base}/ads`)).json()).toEqual({
      name: 'ads',
      description: 'ads debugging',
      output_level: 'info',
      stack_trace_level: 'none',
      log_callers: false,
    });
    const unknown = await fetch(`${base}/nothing`);
    expect([unknown.status, await unknown.text()]).toEqual([400, 'unknown scope name: nothing']);
    expect((await fetch(`${base}/ads`, { method: 'PUT', body: '{' })).status).toBe(400);
    expect((await fetch(`${base}/%`)).status).toBe(400);
  });
});
