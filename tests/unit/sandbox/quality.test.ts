import { expect, it } from 'vitest';
import { qosClass } from '../../../server/sandbox/kubelet/quality.ts';

const classOf = (...all: object[]) =>
  qosClass({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p' },
    spec: { containers: all.map((resources, index) => ({ name: `c${index}`, image: 'i', resources })) },
  });
const both = { cpu: '1', memory: '1Gi' };

it.each([
  ['BestEffort', [{}, { requests: { 'ephemeral-storage': '1Gi' } }]],
  ['Burstable', [{}, { requests: { cpu: '100m' } }]],
  ['Burstable', [{ limits: both, requests: { cpu: '500m' } }]],
  ['Burstable', [{ limits: both }, {}]],
  ['Guaranteed', [{ limits: both }, { limits: both, requests: both }]],
])('a pod is %s by what all of its containers ask for', (name, all) => {
  expect(classOf(...all)).toBe(name);
});
