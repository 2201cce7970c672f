import { checkPatch } from '../rules/envoy-patch.ts';
import type { Field } from '../rules/field.ts';
import type { Findings } from '../rules/findings.ts';
import { checkLabelSelector } from '../rules/labels.ts';
import { NETWORKING } from './api-groups.ts';
import { defineKind } from './definition.ts';

const CAUTION =
  'EnvoyFilter exposes internal implementation details that may change at any time. Prefer other APIs if possible, and exercise extreme ' +
  'caution, especially around upgrades.';

function check(spec: Field, findings: Findings): void {
  if (!checkLabelSelector(spec.get('workloadSelector'), 'Envoy filter', findings)) return;
  findings.warn(spec, CAUTION, 'Look first for a field of another kind that does the same.');
  for (const patch of spec.get('configPatches').items) checkPatch(patch, findings);
}

export const envoyFilterKind = defineKind({
  ...NETWORKING,
  versions: ['v1alpha3'],
  kind: 'EnvoyFilter',
  plural: 'envoyfilters',
  check,
});
