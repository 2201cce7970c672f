import { describe, expect, it } from 'vitest';
import { createChecks, createTraffic, type ProbeContext } from '#labs';
import { failureOf } from '../../../server/labs/failure.ts';
import { judgeBatch } from '../../../server/labs/probes/outcomes.ts';
import { stateHolds } from '../../../server/labs/probes/state.ts';
import { createFakeSandbox, reply } from '../../support/fake-sandbox.ts';
import { check, hop, lab, readers } from './support.ts';

const errorWith = (code: string): Error => Object.assign(new Error('x'), { code });
const labOf = (traffic: readonly object[], checks: readonly object[] = []) => {
  const sandbox = createFakeSandbox();
  sandbox.addPod({ name: 'frontend-1', labels: { app: 'frontend' } });
  const spec = lab({ traffic, checks });
  return { sandbox, spec, traffic: createTraffic(spec.traffic, sandbox) };
};

describe('a request without an answer', () => {
  it.each([
    ['reset', errorWith('ECONNRESET')],
    ['reset', errorWith('EPIPE')],
    ['tls-alert', errorWith('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED')],
    ['timeout', Object.assign(new Error('x'), { name: 'TimeoutError' })],
    ['other', errorWith('ENOTFOUND')],
    ['other', 'text'],
  ])('ended by %s', (failure, error) => {
    expect(failureOf(error)).toBe(failure);
  });

  it('is counted by how it ended', async () => {
    const { sandbox, spec, traffic } = labOf([readers]);
    sandbox.answer = async () => Promise.reject(errorWith('ECONNRESET'));
    const sent = await traffic.batch('readers', 2, {});
    const verdict = (failure: string) => {
      const expect = [{ status: 0, failure, min: 2 }];
      const [probe] = lab({
        traffic: [readers],
        checks: [check('a', { batch: { traffic: 'readers', requests: 2, expect } })],
      }).checks;
      return probe?.probe.batch && judgeBatch(probe.probe.batch, sent, { hops: sandbox.hops, moved: [] });
    };
    expect(spec.traffic).toHaveLength(1);
    expect(verdict('reset')).toMatchObject({ met: true });
    expect(verdict('tls-alert')).toMatchObject({ met: false, seen: '0 of 2 had no answer (tls-alert).' });
  });
});

describe('a caller with TLS of its own', () => {
  it('shows the certificate of its secret, and takes any of the server', async () => {
    const { sandbox, traffic } = labOf([{ ...readers, url: 'https://reviews/', tls: { secret: 'mine' } }]);
    const base64 = (text: string) => Buffer.from(text).toString('base64');
    sandbox.store.create(
      {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'mine', namespace: 'default' },
        type: 'kubernetes.io/tls',
        data: { 'tls.crt': base64('CERT'), 'tls.key': base64('KEY') },
      },
      { changeId: 'test' },
    );
    await traffic.send('readers');
    expect(sandbox.requests[0]?.init.tls).toEqual({ insecure: true, cert: 'CERT', key: 'KEY' });
  });
});

describe('a batch of several traffics', () => {
  it('sends all of them and counts them together', async () => {
    const writers = { ...readers, id: 'writers', url: 'http://reviews:8080/write' };
    const probe = {
      batch: { traffic: ['readers', 'writers'], requests: 2, expect: [{ status: 200, min: 2, max: 2 }] },
    };
    const { sandbox, spec, traffic } = labOf([readers, writers], [check('a', probe)]);
    sandbox.answer = (url) => reply(url.endsWith('/write') ? 403 : 200);
    const context = { sandbox, podsAtStart: new Set<string>(), pushedVersions: new Map<string, string>() };
    const checks = createChecks({
      specs: spec.checks,
      context: () => context,
      traffic: () => traffic,
      alreadyMet: [],
      onChange: () => undefined,
    });
    expect((await checks.run())[0]?.state).toBe('met');
    expect(sandbox.requests).toHaveLength(4);
  });
});

describe('the beginning of a batch', () => {
  it('is told once the steady traffic stands still, before anything is sent', async () => {
    const { sandbox, traffic } = labOf([readers]);
    traffic.set('readers', true);
    await sandbox.clock.run(1000);
    const steady = sandbox.requests.length;
    let sentBefore = -1;
    await traffic.batch('readers', 2, { begins: () => (sentBefore = sandbox.requests.length) });
    expect(sentBefore).toBe(steady);
    expect(sandbox.requests.length).toBe(steady + 2);
    traffic.stop();
  });
});

describe('a call', () => {
  it.each([true, false])('is told by whether it came over mutual TLS: %s', (mtls) => {
    const sandbox = createFakeSandbox();
    const inbound = hop({ traceId: 't', spanId: 's', direction: 'inbound', service: 'payments' });
    sandbox.addHop({ ...inbound, mtls });
    const sent = [{ traceId: 't', status: 200, headers: {}, tookMs: 1 }];
    const call = { to: 'payments', reporter: 'destination', mtls: true } as const;
    const batch = { traffic: 'a', requests: 1, expect: [{ count: 'requests', call, min: 1 } as const] };
    expect(judgeBatch(batch, sent, { hops: sandbox.hops, moved: [] }).met).toBe(mtls);
  });
});

describe('any of several states', () => {
  const context: ProbeContext = { sandbox: createFakeSandbox(), podsAtStart: new Set(), pushedVersions: new Map() };

  it('holds when one does', () => {
    const yes = { controlPlane: 'stopped' } as const;
    const no = { controlPlane: 'running' } as const;
    expect(stateHolds({ any: [no, yes] }, context)).toBe(true);
    expect(stateHolds({ any: [no, no] }, context)).toBe(false);
  });
});

describe('a forecast', () => {
  it('takes every choice, once there is one for each item, and keeps what was said', () => {
    const question = { prompt: 'Which?', items: ['x', 'y'], choices: ['one', 'two'], forecast: true };
    const { sandbox, spec, traffic } = labOf(
      [readers],
      [check('a', { answers: { x: 'one', y: 'two' } }, { question })],
    );
    const checks = createChecks({
      specs: spec.checks,
      context: () => ({ sandbox, podsAtStart: new Set(), pushedVersions: new Map() }),
      traffic: () => traffic,
      alreadyMet: [],
      onChange: () => undefined,
    });
    expect(checks.views()[0]?.question).toEqual({ prompt: 'Which?', items: ['x', 'y'], choices: ['one', 'two'] });
    expect(checks.answer('a', { x: 'two', y: 'three' })[0]).toMatchObject({
      state: 'unmet',
      seen: 'Not yet chosen: y.',
    });
    expect(checks.answer('a', { x: 'two', y: 'two' })[0]).toMatchObject({
      state: 'met',
      seen: 'You said: x: two; y: two.',
    });
  });
});
