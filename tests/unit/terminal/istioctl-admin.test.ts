import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createControlzServer } from '../../../server/sandbox/mesh/istiod-debug/controlz-server.ts';
import { IstiodLog } from '../../../server/sandbox/mesh/istiod-debug/istiod-log.ts';
import { reply } from '../../support/fake-sandbox.ts';
import { createHarness, type Harness } from './harness.ts';

const log = new IstiodLog(() => undefined);
const server = createControlzServer(log);
let harness: Harness;

beforeEach(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  harness = createHarness();
  harness.sandbox.addPod({ name: 'istiod-1', namespace: 'istio-system', labels: { app: 'istiod' } });
  harness.sandbox.answer = async (url, { method = 'GET', body }) => {
    const answer = await fetch(url.replace('localhost:9876', `127.0.0.1:${port}`), {
      method,
      body: body?.toString() ?? null,
    });
    return reply(answer.status, await answer.text());
  };
});
afterEach(() => void server.close());

describe('istioctl admin log', () => {
  it('lists the scopes of istiod with their levels', async () => {
    const { out } = await harness.run('istioctl admin log');
    expect(out).toMatch(
      /^ACTIVE SCOPE {2,}DESCRIPTION {2,}LOG LEVEL {3}STACK TRACE LEVEL\nads {2,}ads debugging {2,}info {8}none\n/,
    );
    const [first] = JSON.parse((await harness.run('istioctl admin log -o json')).out);
    expect(first).toEqual({
      scope_name: 'ads',
      log_level: 'info',
      stack_trace_level: 'none',
      description: 'ads debugging',
    });
  });

  it('sets levels, and sets them all back', async () => {
    expect(await harness.run('istioctl admin log --level delta:debug,ads:none')).toMatchObject({
      out: '',
      err: '',
      code: 0,
    });
    expect([log.scopes.get('delta')?.output_level, log.scopes.get('ads')?.output_level]).toEqual(['debug', 'none']);
    expect((await harness.run('istioctl admin log --reset')).code).toBe(0);
    expect([log.scopes.get('delta')?.output_level, log.scopes.get('ads')?.output_level]).toEqual(['info', 'info']);
  });

  it.each([
    [
      'istioctl admin log --level nope:debug',
      'Error: failed updating Scope nope: cannot update resource nope, got status 400 Bad Request',
    ],
    ['istioctl admin log --level ads:loud', 'Error: pattern ads:loud did not match.'],
    ['istioctl admin log istiod-9', 'pods "istiod-9" not found in the "istio-system" namespace'],
    ['istioctl admin frog', 'Error: unknown command "frog" for "istioctl admin"'],
  ])('refuses %s', async (line, sentence) => {
    const { err, code } = await harness.run(line);
    expect(err).toContain(sentence);
    expect(code).not.toBe(0);
  });
});
