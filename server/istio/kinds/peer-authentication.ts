import type { Field } from '../rules/field.ts';
import type { Findings } from '../rules/findings.ts';
import { checkWorkloadSelector } from '../rules/labels.ts';
import { defineKind, specColumn } from './definition.ts';

function check(spec: Field, findings: Findings): void {
  const ports = spec.get('portLevelMtls');
  const selected = spec.at('selector.matchLabels').entries.length > 0;
  if (!selected && ports.entries.length > 0) {
    const hint = 'Add selector.matchLabels: ports belong to a workload, a namespace has none.';
    findings.reject(ports, 'mesh/namespace peer authentication cannot have port level mTLS', hint);
  }
  if (ports.exists && ports.entries.length === 0) {
    findings.reject(
      ports,
      'port level mTLS, if defined, must have at least one element',
      'Remove portLevelMtls, or add a port.',
    );
  }
  for (const [port, settings] of ports.entries) {
    const number = Number(port);
    if (Number.isInteger(number) && number >= 1 && number <= 65_535) continue;
    findings.reject(settings, 'port must be in range 1..65535', 'Use the port number that the workload listens on.');
  }
  checkWorkloadSelector(spec.get('selector'), findings);
}

export const peerAuthenticationKind = defineKind({
  group: 'security.istio.io',
  versions: ['v1', 'v1beta1'],
  kind: 'PeerAuthentication',
  plural: 'peerauthentications',
  shortNames: ['pa'],
  columns: [specColumn('Mode', 'mtls.mode')],
  check,
});
