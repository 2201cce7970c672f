import { describe, expect, it } from 'vitest';
import { quantityOf, resourceText } from '../../../server/sandbox/kubelet/resource-field.ts';
import { changeId, newStore } from './support.ts';

describe('what a container is told of its resources', () => {
  const { store } = newStore();
  const status = { allocatable: { cpu: '8', memory: '16Gi' } };
  store.create({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'one' }, spec: {} }, { changeId });
  store.updateStatus('Node', { namespace: '', name: 'one' }, status, { changeId });
  const resources = { limits: { cpu: '1500m', memory: '1Gi' }, requests: { memory: '128Mi' } };
  const told = (resource: string, divisor?: string, own: object = resources) => {
    const container = { name: 'app', image: 'i', resources: own };
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'p' },
      spec: { nodeName: 'one', containers: [container] },
    };
    return resourceText({ resource, ...(divisor !== undefined && { divisor }) }, container, { store, pod });
  };

  it.each([
    ['limits.cpu', '1', '2'],
    ['limits.cpu', '1m', '1500'],
    ['limits.cpu', '0', '2'],
    ['limits.memory', undefined, '1073741824'],
    ['limits.memory', '1Mi', '1024'],
    ['requests.memory', '1Mi', '128'],
    ['requests.cpu', '1m', '1500'],
  ])('%s in multiples of %s is %s', (resource, divisor, text) => {
    expect(told(resource, divisor)).toBe(text);
  });

  it('is what its node can give where it has no limit, and nothing where it asks for nothing', () => {
    expect(told('limits.cpu', '1', {})).toBe('8');
    expect(told('limits.memory', '1Gi', {})).toBe('16');
    expect(told('requests.cpu', '1', {})).toBe('0');
  });
});

it.each([
  ['100m', 0.1],
  ['1Ki', 1024],
  ['1.5', 1.5],
  ['2e3', 2000],
  ['much', undefined],
])('the quantity %s is %s', (text, number) => {
  expect(quantityOf(text)).toBe(number);
});
