import { RE2JS, RE2JSSyntaxException } from 're2js';
import { parseDurationMs } from '#domain';
import type { Field } from './field.ts';
import type { Findings } from './findings.ts';
import { isLabel } from './hosts.ts';

const DURATION_HINT = 'Write a number and a unit, such as 500ms, 5s or 1m30s.';

/** A duration of at least one millisecond, when there is one. `zeroAllowed`: 0s switches the limit off. */
export function checkDuration(
  field: Field,
  findings: Findings,
  options: { readonly zeroAllowed?: boolean } = {},
): void {
  if (!field.exists || typeof field.value !== 'string') return;
  const ms = parseDurationMs(field.text);
  if (ms === undefined) {
    findings.reject(field, `invalid duration "${field.text}"`, DURATION_HINT);
  } else if (ms === 0 && options.zeroAllowed) {
    return;
  } else if (ms < 1) {
    const hint = 'Give at least 1ms, or remove the field to have no limit.';
    findings.reject(field, 'duration must be greater than 1ms', hint);
  } else if (!Number.isInteger(ms)) {
    findings.reject(field, 'only durations to ms precision are supported', 'Round it to whole milliseconds.');
  }
}

export function checkPort(field: Field, findings: Findings): void {
  const port = field.number;
  if (port >= 1 && port <= 65_535) return;
  findings.reject(field, `port number ${port} must be in the range 1..65535`, 'Use a port from 1 to 65535.');
}

/** A percentage as whole number. */
export function checkPercent(field: Field, findings: Findings): void {
  const value = field.number;
  if (value >= 0 && value <= 100) return;
  findings.reject(field, `percentage ${value} is not in range 0..100`, 'Use a number from 0 to 100.');
}

/** `percentage.value`: 0, or 0.0001 to 100. */
export function checkPercentage(percentage: Field, findings: Findings): void {
  const value = percentage.get('value').number;
  if (value >= 0 && value <= 100 && !(value > 0 && value < 0.0001)) return;
  const message = `percentage ${value} is neither 0.0, nor in range [0.0001, 100.0]`;
  findings.reject(percentage.get('value'), message, 'Use a number from 0 to 100: 50 means every second request.');
}

const MAX_REGEX = 1024;

/** What is wrong with a regular expression, in RE2's words. */
export function checkRegex(field: Field, where: string, findings: Findings): void {
  const expression = field.text;
  if (expression.length > MAX_REGEX) {
    findings.reject(field, `"${where}": regex is too large, max length allowed is ${MAX_REGEX}`);
    return;
  }
  try {
    RE2JS.compile(expression);
  } catch (error) {
    if (!(error instanceof RE2JSSyntaxException)) throw error;
    const reference = 'Istio uses RE2 style regex-based match (https://github.com/google/re2/wiki/Syntax)';
    const hint = 'Envoy reads RE2 expressions: no look-around, no back-references, every bracket closed.';
    findings.reject(field, `"${where}": ${error.message}; ${reference}`, hint);
  }
}

const MATCH_TYPES = ['exact', 'prefix', 'regex'] as const;

/** A StringMatch: at most one of exact, prefix and regex. `emptyPrefix`: a prefix may be empty, as for a uri. */
export function checkStringMatch(
  match: Field,
  findings: Findings,
  options: { readonly where: string; readonly emptyPrefix?: boolean },
): void {
  const set = MATCH_TYPES.filter((type) => match.get(type).exists);
  if (set.length > 1) {
    findings.reject(
      match,
      `"${options.where}": only one of exact, prefix and regex can be set`,
      `Keep one of ${set.join(', ')}.`,
    );
    return;
  }
  const [type] = set;
  if (type === 'prefix' && match.get('prefix').text === '' && !options.emptyPrefix) {
    findings.reject(match.get('prefix'), `"${options.where}": prefix string match should not be empty`);
  }
  if (type !== 'regex') return;
  const regex = match.get('regex');
  if (regex.text === '') findings.reject(regex, `"${options.where}": regex string match should not be empty`);
  else checkRegex(regex, options.where, findings);
}

/** Labels of workloads, as Kubernetes allows them. */
export function checkLabels(labels: Field, findings: Findings): void {
  for (const [key, value] of labels.entries) {
    const name = key.split('/').at(-1) ?? '';
    if (!/^[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?$/.test(name) || name.length > 63) {
      findings.reject(value, `invalid tag key: "${key}"`);
    } else if (!/^(?:[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?)?$/.test(value.text) || value.text.length > 63) {
      findings.reject(value, `invalid tag value: "${value.text}"`);
    }
  }
}

/** exportTo: `*`, `.`, or namespaces, each once, `*` alone. */
export function checkExportTo(exportTo: Field, namespace: string, findings: Findings): void {
  const seen = new Set<string>();
  for (const item of exportTo.items) {
    const key = item.text === '.' ? namespace : item.text;
    if (seen.has(key)) {
      const both = key !== item.text;
      const message = both
        ? `duplicate entries in exportTo: . and current namespace ${namespace}`
        : `duplicate entries in exportTo for entry ${item.text}`;
      findings.reject(item, message, 'Name each namespace once.');
    } else if (key !== '*' && !isLabel(key)) {
      findings.reject(item, `only .,*, ~, or a valid DNS 1123 label is allowed as exportTo entry: ${item.text}`);
    }
    seen.add(key);
  }
  if (seen.has('*') && seen.size > 1) {
    findings.reject(
      exportTo,
      'cannot have both public (*) and non-public exportTo values for a resource',
      'Keep only "*".',
    );
  }
}

/** The `gateways` of a VirtualService or of one of its matches: `name`, `namespace/name` or `mesh`. */
export function checkGatewayNames(gateways: Field, findings: Findings): void {
  for (const gateway of gateways.items) {
    const [namespace = '', name] = splitOnce(gateway.text, '/');
    if (name === undefined) {
      checkPlainGateway(gateway, findings);
      continue;
    }
    if (namespace === '' || name === '') findings.reject(gateway, 'config namespace and gateway name cannot be empty');
    if (!isLabel(namespace)) findings.reject(gateway, `invalid value for namespace: "${namespace}"`);
    if (!isLabel(name)) findings.reject(gateway, `invalid value for gateway name: "${name}"`);
  }
}

function checkPlainGateway(gateway: Field, findings: Findings): void {
  const parts = gateway.text.split('.');
  if (parts.length > 1) {
    const message =
      `using legacy gatewayName format "${gateway.text}"; prefer the <namespace>/<name> format: ` +
      `"${parts[1]}/${parts[0]}"`;
    findings.warn(gateway, message, `Write ${parts[1]}/${parts[0]}.`);
  }
  const wrong = parts.find((part) => !isLabel(part));
  if (gateway.text === '') findings.reject(gateway, 'empty domain name not allowed');
  else if (wrong !== undefined) {
    findings.reject(gateway, `domain name "${gateway.text}" invalid (label "${wrong}" invalid)`);
  }
}

function splitOnce(text: string, separator: string): [string, string?] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

/** A workload selector's labels: no wildcards, and not empty. */
export function checkWorkloadSelector(selector: Field, findings: Findings): void {
  if (!selector.exists) return;
  const labels = selector.get('matchLabels');
  for (const [key, value] of labels.entries) {
    const pair = `${key}=${value.text}`;
    if (key === '') findings.reject(value, `empty key is not supported in selector: "${pair}"`);
    if (pair.includes('*'))
      findings.reject(value, `wildcard is not supported in selector: "${pair}"`, 'Write the whole label.');
  }
  if (labels.entries.length === 0) {
    const hint = 'Name at least one label, or remove the selector to mean every workload of the namespace.';
    findings.warn(selector, 'workload selector specified without labels', hint);
  }
}
