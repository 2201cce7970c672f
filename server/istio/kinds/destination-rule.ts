import type { KubeObject } from '#domain';
import { checkSubsetName } from '../rules/destinations.ts';
import { checkExportTo } from '../rules/export-to.ts';
import type { Field } from '../rules/field.ts';
import type { Findings } from '../rules/findings.ts';
import { wildcardDomainProblem } from '../rules/hosts.ts';
import { checkLabels, checkWorkloadSelector } from '../rules/labels.ts';
import { checkTrafficPolicy } from '../rules/traffic-policy.ts';
import { defineKind, specColumn } from './definition.ts';

function check(spec: Field, findings: Findings, object: KubeObject): void {
  const namespace = object.metadata.namespace ?? 'default';
  const host = spec.get('host');
  findings.check(host, wildcardDomainProblem(host.text), 'Write a service name such as reviews, or its full name.');
  checkTrafficPolicy(spec.get('trafficPolicy'), namespace, findings);
  const names = new Set<string>();
  for (const subset of spec.get('subsets').items) {
    const name = subset.get('name');
    if (!subset.exists) findings.reject(subset, 'subset may not be null');
    if (names.has(name.text))
      findings.reject(name, `duplicate subset names: ${name.text}`, 'Give each subset its own name.');
    names.add(name.text);
    checkSubsetName(name, findings);
    checkLabels(subset.get('labels'), findings);
    // Istio drops the warnings about the policies of subsets.
    findings.withoutWarnings(() => checkTrafficPolicy(subset.get('trafficPolicy'), namespace, findings));
  }
  const selector = spec.get('workloadSelector');
  checkExportTo(spec.get('exportTo'), { namespace, ownOnly: selector.exists }, findings);
  checkWorkloadSelector(selector, findings);
}

export const destinationRuleKind = defineKind({
  group: 'networking.istio.io',
  versions: ['v1', 'v1beta1', 'v1alpha3'],
  kind: 'DestinationRule',
  plural: 'destinationrules',
  shortNames: ['dr'],
  columns: [specColumn('Host', 'host')],
  check,
});
