import { RE2JS, RE2JSSyntaxException } from 're2js';
import { parseGoDurationNs } from './durations.ts';
import type { Field } from './field.ts';
import type { Findings } from './findings.ts';
import { fqdnProblem, isLabel } from './hosts.ts';

const DURATION_HINT = 'Write a number and a unit, such as 500ms, 5s or 1m30s.';
const MS = 1_000_000n;

/** Nanoseconds of a duration field; undefined when it is absent or not a duration, which is reported. */
export function readDuration(field: Field, findings: Findings): bigint | undefined {
  if (!field.exists || typeof field.value !== 'string') return undefined;
  const ns = parseGoDurationNs(field.text);
  if (ns === undefined) findings.reject(field, `invalid duration "${field.text}"`, DURATION_HINT);
  return ns;
}

/** A duration of at least one millisecond, when there is one. `zeroAllowed`: 0s switches the limit off. */
export function checkDuration(
  field: Field,
  findings: Findings,
  options: { readonly zeroAllowed?: boolean } = {},
): void {
  const ns = readDuration(field, findings);
  if (ns === undefined || (options.zeroAllowed && ns / MS === 0n)) return;
  if (ns < MS) {
    const hint = 'Give at least 1ms, or remove the field to have no limit.';
    findings.reject(field, 'duration must be greater than 1ms', hint);
  } else if (ns % MS !== 0n) {
    findings.reject(field, 'only durations to ms precision are supported', 'Round it to whole milliseconds.');
  }
}

export function checkPort(field: Field, findings: Findings): void {
  const port = field.number;
  if (port >= 1 && port <= 65_535) return;
  findings.reject(field, `port number ${port} must be in the range 1..65535`, 'Use a port from 1 to 65535.');
}

export function checkPortName(field: Field, name: string, findings: Findings): void {
  if (!isLabel(name)) findings.reject(field, `invalid port name: ${name}`, 'Use letters, digits and hyphens.');
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

/** RE2's complaint about an expression; undefined when there is none. */
export function regexProblem(expression: string): string | undefined {
  try {
    RE2JS.compile(expression);
    return undefined;
  } catch (error) {
    if (error instanceof RE2JSSyntaxException) return error.message;
    throw error;
  }
}

const MAX_REGEX = 1024;

/** What is wrong with a regular expression, in RE2's words. */
export function checkRegex(field: Field, where: string, findings: Findings): void {
  const expression = field.text;
  if (Buffer.byteLength(expression) > MAX_REGEX) {
    findings.reject(field, `"${where}": regex is too large, max length allowed is ${MAX_REGEX}`);
    return;
  }
  const wrong = regexProblem(expression);
  if (wrong === undefined) return;
  const reference = 'Istio uses RE2 style regex-based match (https://github.com/google/re2/wiki/Syntax)';
  const hint = 'Envoy reads RE2 expressions: no look-around, no back-references, every bracket closed.';
  findings.reject(field, `"${where}": ${wrong}; ${reference}`, hint);
}

const MATCH_TYPES = ['exact', 'prefix', 'regex'] as const;

/** A StringMatch. `emptyPrefix`: a prefix may be empty, as for a uri. */
export function checkStringMatch(
  match: Field,
  findings: Findings,
  options: { readonly where: string; readonly emptyPrefix?: boolean },
): void {
  const set = MATCH_TYPES.filter((type) => match.get(type).exists);
  // The schema refuses more than one.
  if (set.length > 1) return;
  const [type] = set;
  if (type === 'prefix' && match.get('prefix').text === '' && !options.emptyPrefix) {
    findings.reject(match.get('prefix'), `"${options.where}": prefix string match should not be empty`);
  }
  if (type !== 'regex') return;
  const regex = match.get('regex');
  if (regex.text === '') findings.reject(regex, `"${options.where}": regex string match should not be empty`);
  else checkRegex(regex, options.where, findings);
}

/** The `gateways` of a VirtualService or of one of its matches: `name`, `namespace/name` or `mesh`. `anyName`: names may have dots. */
export function checkGatewayNames(
  gateways: Field,
  findings: Findings,
  options: { readonly anyName?: boolean } = {},
): void {
  for (const gateway of gateways.items) {
    const slash = gateway.text.indexOf('/');
    if (slash < 0) {
      checkPlainGateway(gateway, findings);
      // Istio looks no further than the first name without a namespace.
      return;
    }
    const [namespace, name] = [gateway.text.slice(0, slash), gateway.text.slice(slash + 1)];
    if (namespace === '' || name === '') findings.reject(gateway, 'config namespace and gateway name cannot be empty');
    if (!isLabel(namespace)) findings.reject(gateway, `invalid value for namespace: "${namespace}"`);
    if (!isLabel(name) && !options.anyName) findings.reject(gateway, `invalid value for gateway name: "${name}"`);
  }
}

function checkPlainGateway(gateway: Field, findings: Findings): void {
  const [name, namespace] = gateway.text.split('.');
  if (namespace !== undefined) {
    const recommended = `${namespace}/${name}`;
    const message = `using legacy gatewayName format "${gateway.text}"; prefer the <namespace>/<name> format: "${recommended}"`;
    findings.warn(gateway, message, `Write ${recommended}.`);
  }
  findings.check(gateway, fqdnProblem(gateway.text));
}
