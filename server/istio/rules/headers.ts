import type { Field } from './field.ts';
import type { Findings } from './findings.ts';
import { headerValueProblem } from './header-value.ts';

const TOKEN = /^[-!#$%&'*+.^_`|~0-9A-Za-z]+$/;
const PSEUDO = new Set([':method', ':scheme', ':authority', ':path', ':status']);
const CLAIM = /^@request\.auth\.claims(?:\..+|\[.+\])$/is;

export const isJwtClaim = (name: string): boolean => CLAIM.test(name);

const isAuthority = (name: string): boolean => /^(?::authority|host)$/i.test(name);

/** What is wrong with a header name in a match. */
export function matchedNameProblem(name: string): string | undefined {
  if (name === '') return 'header name cannot be empty';
  if (isJwtClaim(name) || PSEUDO.has(name) || TOKEN.test(name)) return undefined;
  return `header name ${name} is not a valid header name`;
}

function changedNameProblem(name: string, options: { readonly authorityAllowed: boolean }): string | undefined {
  if (name === '') return 'header name cannot be empty';
  if (options.authorityAllowed && isAuthority(name)) return undefined;
  if (/^host$/i.test(name)) return `invalid header "${name}": cannot set Host header`;
  return name.startsWith(':') ? `invalid header "${name}": header cannot have ":" prefix` : undefined;
}

/** `headers.request` and `headers.response`, each with set, add and remove. */
export function checkHeaderOperations(headers: Field, findings: Findings): void {
  for (const side of ['request', 'response'] as const) {
    for (const operation of ['set', 'add'] as const) {
      for (const [name, value] of headers.at(`${side}.${operation}`).entries) {
        findings.check(value, changedNameProblem(name, { authorityAllowed: side === 'request' }));
        findings.check(value, headerValueProblem(value.text), 'Write a percent sign as %%.');
      }
    }
    for (const name of headers.at(`${side}.remove`).items) {
      findings.check(name, changedNameProblem(name.text, { authorityAllowed: false }));
    }
  }
}

/** The authority may be rewritten in one place only. */
export function checkAuthorityRewrite(route: Field, findings: Findings): void {
  let current = route.at('rewrite.authority').text;
  for (const operation of ['set', 'add'] as const) {
    for (const [name, value] of route.at(`headers.request.${operation}`).entries) {
      if (!isAuthority(name)) continue;
      if (current !== '') {
        const message = `authority header cannot be set multiple times: have "${current}", attempting to set "${value.text}"`;
        findings.reject(value, message, 'Keep one of the two.');
      }
      current = value.text;
    }
  }
}

export const isHeaderName = (name: string): boolean => TOKEN.test(name);
