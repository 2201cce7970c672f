import type { Field } from './field.ts';
import type { Findings } from './findings.ts';

const PREFIX = String.raw`[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?)*/`;
const NAME = '(?:[A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const KEY = new RegExp(`^(${PREFIX})?(${NAME})$`);
const VALUE = new RegExp(`^(?:${NAME})?$`);

function keyProblem(key: string): string | undefined {
  // No key can be so long; the expression need not look at it.
  const [, prefix = '', name] = key.length > 1024 ? [] : (KEY.exec(key) ?? []);
  if (name === undefined) return `invalid tag key: "${key}"`;
  if (prefix.length - 1 > 253) return `invalid tag key: "${key}" (DNS prefix is too long)`;
  return name.length > 63 ? `invalid tag key: "${key}" (name is too long)` : undefined;
}

/** Labels of workloads. Unlike Kubernetes, Istio lets a value be longer than 63 characters. */
export function labelsProblems(labels: Field): (readonly [Field, string])[] {
  return labels.entries.flatMap(([key, value]) => {
    const ofValue = VALUE.test(value.text) ? undefined : `invalid tag value: "${value.text}"`;
    return [keyProblem(key), ofValue].flatMap((wrong) => (wrong === undefined ? [] : [[value, wrong] as const]));
  });
}

export function checkLabels(labels: Field, findings: Findings): void {
  for (const [value, wrong] of labelsProblems(labels)) findings.reject(value, wrong);
}

const EMPTY_HINT = 'Name at least one label, or remove the selector to mean every workload of the namespace.';

/** No empty key, no wildcard. Returns whether the labels are right. */
function checkSelectorLabels(labels: Field, findings: Findings): boolean {
  const before = findings.problems.length;
  for (const [key, value] of labels.entries) {
    const pair = `${key}=${value.text}`;
    if (key === '') findings.reject(value, `empty key is not supported in selector: "${pair}"`);
    if (pair.includes('*')) {
      findings.reject(value, `wildcard is not supported in selector: "${pair}"`, 'Write the whole label.');
    }
  }
  return findings.problems.length === before;
}

/** `selector.matchLabels` of policies. */
export function checkWorkloadSelector(selector: Field, findings: Findings): void {
  if (!selector.exists) return;
  const labels = selector.get('matchLabels');
  checkSelectorLabels(labels, findings);
  if (labels.entries.length === 0) findings.warn(selector, 'workload selector specified without labels', EMPTY_HINT);
}

/**
 * `workloadSelector.labels` of a ServiceEntry, Sidecar or EnvoyFilter, called `what` in messages. False: it is wrong, and Istio looks no
 * further.
 */
export function checkLabelSelector(selector: Field, what: string, findings: Findings): boolean {
  if (!selector.exists) return true;
  const labels = selector.get('labels');
  if (!checkSelectorLabels(labels, findings)) return false;
  if (labels.entries.length === 0) {
    const message = `${what}: workload selector specified without labels, will be applied to all services in namespace`;
    findings.warn(selector, message, EMPTY_HINT);
  }
  return true;
}
