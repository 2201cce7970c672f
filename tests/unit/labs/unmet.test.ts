import { expect, it } from 'vitest';
import { unmetState } from '../../../server/labs/probes/unmet.ts';
import { createFakeSandbox } from '../../support/fake-sandbox.ts';

const change = { changeId: 'test' };

function mesh() {
  const sandbox = createFakeSandbox();
  sandbox.addPod({ name: 'frontend-1', labels: { app: 'frontend' } });
  const context = { sandbox, podsAtStart: new Set<string>(), pushedVersions: new Map<string, string>() };
  return { sandbox, why: (probe: Parameters<typeof unmetState>[0]) => unmetState(probe, context) };
}

it('a state that is not there is told by what is there, without the values that the check wants', () => {
  const { sandbox, why } = mesh();
  const timeout = {
    object: { kind: 'VirtualService', namespace: 'default', equals: { 'spec.http.timeout': '600ms' } },
  };
  expect(why(timeout)).toBe('There is no VirtualService in default.');
  const rule = {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    spec: { hosts: ['cart'], http: [{ route: [{ destination: { host: 'cart' } }] }] },
  };
  sandbox.store.create({ ...rule, metadata: { name: 'cart', namespace: 'default' } }, change);
  expect(why(timeout)).toBe(
    'VirtualService cart in default is there, and something in it is not as the check wants it.',
  );
  expect(why({ pods: { namespace: 'bank' } })).toBe('No pod runs in bank.');
  expect(why({ controlPlane: 'running' })).toBe('istiod is stopped.');
});

it('of several parts the first that is missing is told', () => {
  const { why } = mesh();
  const label = { namespaceLabel: { namespace: 'default', label: 'istio-injection', value: 'enabled' } };
  expect(why({ all: [{ not: label }, label, { pods: { namespace: 'bank' } }] })).toBe(
    'The namespace default has no label istio-injection.',
  );
  expect(why({ not: { not: label } })).toBeUndefined();
});
