import type { KubeObject } from '#domain';
import { checkSubsetName } from '../rules/destinations.ts';
import type { Field } from '../rules/field.ts';
import type { Findings } from '../rules/findings.ts';
import { wildcardDomainProblem } from '../rules/hosts.ts';
import { checkTrafficPolicy } from '../rules/traffic-policy.ts';
import { checkExportTo, checkLabels, checkWorkloadSelector } from '../rules/values.ts';
import { defineKind, specColumn } from './definition.ts';

/** A rule for some clients only: it cannot be exported beyond their namespace. */
function checkSelectorScope(spec: Field, namespace: string, findings: Findings): void {
  const exportTo = spec.get('exportTo');
  if (!spec.get('workloadSelector').exists || exportTo.items.length === 0) return;
  const namespaces = new Set(exportTo.texts.map((text) => (text === '.' ? namespace : text)));
  if (!namespaces.has(namespace)) {
    findings.reject(exportTo, 'destination rule with workload selector cannot have exportTo beyond current namespace');
  } else if (namespaces.size > 1) {
    findings.reject(exportTo, 'destination rule with workload selector cannot have multiple entries in exportTo');
  }
}

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
    checkTrafficPolicy(subset.get('trafficPolicy'), namespace, findings);
  }
  checkExportTo(spec.get('exportTo'), namespace, findings);
  checkSelectorScope(spec, namespace, findings);
  checkWorkloadSelector(spec.get('workloadSelector'), findings);
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
