import type { Field } from '../rules/field.ts';
import type { Findings } from '../rules/findings.ts';
import { readJwks } from '../rules/jwks.ts';
import { checkAttachment } from '../rules/target-refs.ts';
import { parseGoUrl } from '../rules/urls.ts';
import { checkDuration } from '../rules/values.ts';
import { SECURITY } from './api-groups.ts';
import { defineKind } from './definition.ts';

const HEADER = /^[-_A-Za-z0-9]+$/;

function uriProblem(uri: string): string | undefined {
  const url = parseGoUrl(uri);
  if ('problem' in url) return `parse "${uri}": ${url.problem}`;
  return ['http', 'https'].includes(url.scheme) ? undefined : `URI scheme "${url.scheme}" is not supported`;
}

function checkKeys(jwks: Field, findings: Findings): void {
  if (jwks.text === '') return;
  const { problem, privateKeys } = readJwks(jwks.text);
  if (problem) findings.reject(jwks, `jwks parse error: ${problem}`, 'Paste a JSON Web Key Set: {"keys": [...]}.');
  for (const index of privateKeys) {
    const message = `jwks key at index ${index} contains private key material; only public keys are used for verification`;
    findings.warn(jwks, message, 'Never publish a private key: paste the public one.');
  }
}

function checkOutput(output: Field, findings: Findings): void {
  const [claim, header] = [output.get('claim').text, output.get('header').text];
  if (claim === '' || header === '') {
    findings.reject(output, 'outputClaimToHeaders header and claim value must be non-empty string');
  } else if (!HEADER.test(header)) {
    findings.reject(output.get('header'), `header name ${header} is not a valid header name`);
  }
}

function checkRule(rule: Field, findings: Findings): void {
  const nonEmpty = (list: string, message: string): void => {
    for (const item of rule.get(list).items) if (item.text === '') findings.reject(item, message);
  };
  nonEmpty('audiences', 'audience must be non-empty string');
  // The definition has the field under both names.
  const uri = rule.get(rule.get('jwks_uri').exists ? 'jwks_uri' : 'jwksUri');
  if (rule.get('issuer').text === '' && uri.text === '') {
    findings.reject(rule, 'issuer or jwksUri must be non-empty string', 'Add issuer, the iss claim of the tokens.');
  }
  if (uri.text !== '') findings.check(uri, uriProblem(uri.text));
  checkKeys(rule.get('jwks'), findings);
  for (const location of rule.get('fromHeaders').items) {
    if (location.get('name').text === '') findings.reject(location, 'location header name must be non-empty string');
  }
  nonEmpty('fromParams', 'location query must be non-empty string');
  nonEmpty('fromCookies', 'cookie name must be non-empty string');
  for (const output of rule.get('outputClaimToHeaders').items) checkOutput(output, findings);
  checkDuration(rule.get('timeout'), findings);
}

function check(spec: Field, findings: Findings): void {
  checkAttachment(spec, findings);
  for (const rule of spec.get('jwtRules').items) checkRule(rule, findings);
}

export const requestAuthenticationKind = defineKind({
  ...SECURITY,
  kind: 'RequestAuthentication',
  plural: 'requestauthentications',
  shortNames: ['ra'],
  check,
});
