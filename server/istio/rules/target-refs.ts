import type { Field } from './field.ts';
import type { Findings } from './findings.ts';
import { checkWorkloadSelector } from './labels.ts';

/** What a policy may be attached to. */
const TARGETS = new Set([
  'core/Service',
  '/Service',
  'networking.istio.io/ServiceEntry',
  'gateway.networking.k8s.io/Gateway',
  'gateway.networking.k8s.io/GatewayClass',
]);

const ALLOWED =
  '[core/v1/Service networking.istio.io/v1/ServiceEntry gateway.networking.k8s.io/v1/Gateway gateway.networking.k8s.io/v1/GatewayClass]';

function checkTargetRef(reference: Field, findings: Findings): void {
  if (!reference.exists) return;
  if (reference.get('name').text === '') findings.reject(reference, 'targetRef name must be set', 'Add name.');
  const namespace = reference.get('namespace');
  if (namespace.text !== '') {
    const message = 'targetRef namespace must not be set; cross namespace referencing is not supported';
    findings.reject(namespace, message, 'Put the policy into the namespace of its target.');
  }
  const group = reference.get('group').text;
  const kind = reference.get('kind').text;
  if (TARGETS.has(`${group}/${kind}`)) return;
  const hint = 'Name a Service, a ServiceEntry, a Gateway of the Gateway API or a GatewayClass, with its group.';
  findings.reject(reference, `targetRef must be to one of ${ALLOWED} but was ${group}/${kind}`, hint);
}

/** `selector`, `targetRef` and `targetRefs` of a policy: one of them at most. */
export function checkAttachment(spec: Field, findings: Findings): void {
  const selector = spec.get('selector');
  const reference = spec.get('targetRef');
  const references = spec.get('targetRefs');
  const set = [selector.exists, reference.exists, references.items.length > 0];
  if (set.filter(Boolean).length > 1) {
    findings.reject(spec, 'only one of targetRefs or workloadSelector can be set', 'Keep one of them.');
  }
  checkWorkloadSelector(selector, findings);
  checkTargetRef(reference, findings);
  for (const each of references.items) checkTargetRef(each, findings);
}
