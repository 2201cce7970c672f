import { checkWorkloadSelector } from '../rules/labels.ts';
import { NETWORKING } from './api-groups.ts';
import { defineKind } from './definition.ts';

export const proxyConfigKind = defineKind({
  ...NETWORKING,
  versions: ['v1beta1'],
  kind: 'ProxyConfig',
  plural: 'proxyconfigs',
  check: (spec, findings) => {
    checkWorkloadSelector(spec.get('selector'), findings);
    const concurrency = spec.get('concurrency');
    if (concurrency.number < 0) {
      findings.reject(concurrency, 'concurrency must be greater than or equal to 0', 'Use 0 for one thread per core.');
    }
  },
});
