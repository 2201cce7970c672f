import { STATUS_CODES } from 'node:http';
import { parseDurationMs } from '#domain';
import { checkDestination } from './destinations.ts';
import { checkHttpStatus } from './fault.ts';
import type { Field } from './field.ts';
import type { Findings } from './findings.ts';
import { isHeaderName } from './headers.ts';
import { checkDuration, checkPort, checkRegex, checkStringMatch } from './values.ts';

const RETRY_ON = new Set([
  '5xx',
  'gateway-error',
  'reset',
  'reset-before-request',
  'connect-failure',
  'retriable-4xx',
  'refused-stream',
  'retriable-status-codes',
  'retriable-headers',
  'envoy-ratelimited',
  'http3-post-connect-failure',
  'cancelled',
  'deadline-exceeded',
  'internal',
  'resource-exhausted',
  'unavailable',
]);

/** Codes that HTTP's registry knows; Node knows one more than Go does. */
const isStatusCode = (text: string): boolean =>
  /^[+-]?\d+$/.test(text) && Number(text) !== 509 && STATUS_CODES[Number(text)] !== undefined;

export function checkRetries(route: Field, findings: Findings): void {
  const retries = route.get('retries');
  if (!retries.exists) return;
  const attempts = retries.get('attempts');
  if (attempts.number < 0) findings.reject(attempts, 'attempts cannot be negative', 'Use 0 to switch retries off.');
  const settings = ['perTryTimeout', 'retryOn', 'retryRemoteLocalities'].filter((name) => {
    const field = retries.get(name);
    return field.exists && field.value !== '';
  });
  if (attempts.number === 0 && settings.length > 0) {
    const hint = `Set attempts, or remove ${settings.join(' and ')}.`;
    findings.reject(retries, 'http retry policy configured when attempts are set to 0 (disabled)', hint);
  }
  checkDuration(retries.get('perTryTimeout'), findings);
  checkDuration(retries.get('backoff'), findings);
  const retryOn = retries.get('retryOn');
  for (const policy of retryOn.text === '' ? [] : retryOn.text.split(',')) {
    if (RETRY_ON.has(policy) || isStatusCode(policy)) continue;
    const hint =
      policy.trim() === policy ? 'Use a condition such as 5xx or a status code.' : 'Write no space after the comma.';
    findings.reject(retryOn, `"${policy}" is not a valid retryOn policy`, hint);
  }
  warnOfShortTimeout(route, findings);
}

/** The timeout of a route covers all its tries: the last ones may never be made. */
function warnOfShortTimeout(route: Field, findings: Findings): void {
  const timeoutMs = parseDurationMs(route.get('timeout').text);
  const perTryMs = parseDurationMs(route.at('retries.perTryTimeout').text);
  const attempts = route.at('retries.attempts').number;
  if (timeoutMs === undefined || perTryMs === undefined || timeoutMs <= 0 || attempts < 1) return;
  if (timeoutMs >= perTryMs * (attempts + 1)) return;
  const values = {
    timeout: route.get('timeout').text,
    tries: attempts + 1,
    perTry: route.at('retries.perTryTimeout').text,
  };
  findings.add('MW0202', route.get('timeout'), values);
}

export function checkRedirect(route: Field, findings: Findings): void {
  const redirect = route.get('redirect');
  if (!redirect.exists) return;
  const set = (name: string): boolean => redirect.get(name).text !== '';
  if (set('uri') && set('prefixRewrite')) {
    findings.reject(redirect, 'redirect may only specify one of uri or prefix_rewrite', 'Keep one of them.');
  }
  const other = route.get('match').items.find((match) => match.get('uri').exists && !match.at('uri.prefix').exists);
  if (set('prefixRewrite') && other) {
    findings.reject(other.get('uri'), 'redirect prefix_rewrite requires all URI matches to use prefix match type');
  }
  const port = redirect.get('port');
  const derived = redirect.get('derivePort').exists;
  if (!['uri', 'prefixRewrite', 'authority', 'scheme'].some(set) && !port.exists && !derived) {
    findings.reject(redirect, 'redirect must specify URI, authority, scheme, or port');
  }
  const code = redirect.get('redirectCode');
  if (code.number !== 0 && (code.number < 300 || code.number > 399)) {
    findings.reject(code, `${code.number} is not a valid redirect code, must be 3xx`, 'Use 301, 302, 303, 307 or 308.');
  }
  const scheme = redirect.get('scheme');
  if (set('scheme') && scheme.text !== 'http' && scheme.text !== 'https') {
    findings.reject(scheme, 'invalid redirect scheme, must be "http" or "https"');
  }
  if (port.number > 0) checkPort(port, findings);
}

const KIB = 1024;

export function checkDirectResponse(response: Field, findings: Findings): void {
  if (!response.exists) return;
  const body = response.get('body');
  const size = Buffer.byteLength(body.get('string').text) || Buffer.from(body.get('bytes').text, 'base64').length;
  if (size > KIB * KIB) {
    findings.reject(body, 'large direct_responses may impact control plane performance, must be less than 1MB');
  } else if (size > 100 * KIB) {
    findings.warn(body, 'large direct_responses may impact control plane performance');
  }
  checkHttpStatus(response.get('status'), findings);
}

export function checkRewrite(rewrite: Field, findings: Findings): void {
  if (!rewrite.exists) return;
  const uri = rewrite.get('uri');
  const regex = rewrite.get('uriRegexRewrite');
  if (uri.text !== '' && regex.exists) {
    findings.reject(rewrite, 'rewrite may only contain one of URI or UriRegexRewrite', 'Keep one of them.');
  } else if (uri.text === '' && !regex.exists && rewrite.get('authority').text === '') {
    const message =
      'rewrite must specify at least one of URI, UriRegexRewrite, or authority. Only one of URI or UriRegexRewrite may be specified';
    findings.reject(rewrite, message);
  }
  if (!regex.exists) return;
  if (regex.get('match').text === '' || regex.get('rewrite').text === '') {
    findings.reject(regex, 'UriRegexRewrite requires both Rewrite and Match fields to be specified');
  } else checkRegex(regex.get('match'), 'HTTPRewrite.UriRegexRewrite.Match', findings);
}

/** mirror, mirrors and their percentages. */
export function checkMirrors(route: Field, findings: Findings): void {
  // The definition has the field under both names.
  for (const percent of ['mirrorPercent', 'mirror_percent'].map((name) => route.get(name))) {
    if (!percent.exists) continue;
    if (percent.number > 100) {
      findings.reject(percent, `mirror_percent must have a max value of 100 (it has ${percent.number})`);
    }
    const message = 'using deprecated setting "mirrorPercent", use "mirrorPercentage" instead';
    findings.warn(percent, message, 'Write mirrorPercentage.value.');
  }
  checkMirrorShare(route.get('mirrorPercentage'), 'mirror_percentage', findings);
  checkDestination(route.get('mirror'), findings);
  for (const mirror of route.get('mirrors').items) {
    const destination = mirror.get('destination');
    if (!destination.exists) findings.reject(destination, 'destination is required for mirrors');
    checkDestination(destination, findings);
    checkMirrorShare(mirror.get('percentage'), 'mirror percentage', findings);
  }
}

function checkMirrorShare(percentage: Field, word: string, findings: Findings): void {
  const value = percentage.get('value').number;
  const text = value.toFixed(6);
  if (value > 100) findings.reject(percentage, `${word} must have a max value of 100 (it has ${text})`);
  if (value < 0) findings.reject(percentage, `${word} must have a min value of 0 (it has ${text})`);
}

const CORS_METHODS = new Set(['*', 'GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH', 'CONNECT', 'TRACE']);

export function checkCors(policy: Field, findings: Findings): void {
  if (!policy.exists) return;
  for (const origin of policy.get('allowOrigins').items) {
    const empty = ['exact', 'prefix', 'regex'].every((type) => origin.get(type).text === '');
    if (empty) findings.reject(origin, "'' is not a valid match type for CORS allow origins");
    else checkStringMatch(origin, findings, { where: 'corsPolicy.allowOrigins' });
  }
  for (const method of policy.get('allowMethods').items) {
    if (!CORS_METHODS.has(method.text)) findings.reject(method, `"${method.text}" is not a supported HTTP method`);
  }
  for (const list of ['allowHeaders', 'exposeHeaders']) {
    for (const name of policy.get(list).items) {
      if (name.text === '') findings.reject(name, 'header name cannot be empty');
      else if (name.text !== '*' && !isHeaderName(name.text)) {
        findings.reject(name, `header name ${name.text} is not a valid header name`);
      }
    }
  }
  const maxAge = policy.get('maxAge');
  checkDuration(maxAge, findings);
  if ((parseDurationMs(maxAge.text) ?? 0) % 1000 > 0) {
    findings.reject(maxAge, 'max_age duration is accurate only to seconds precision', 'Round it to whole seconds.');
  }
}
