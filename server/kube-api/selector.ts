import { isRecord } from './json.ts';
import { badRequest } from './status-error.ts';

export type Labels = Readonly<Record<string, string>>;

type Requirement =
  | { readonly key: string; readonly operator: 'exists' | 'absent' }
  | { readonly key: string; readonly operator: 'in' | 'notin'; readonly values: readonly string[] };

/** Splits at commas that stand outside parentheses. */
function splitTerms(text: string): string[] {
  const terms: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '(') depth++;
    else if (text[i] === ')') depth--;
    else if (text[i] === ',' && depth === 0) {
      terms.push(text.slice(start, i));
      start = i + 1;
    }
  }
  terms.push(text.slice(start));
  return terms.map((term) => term.trim()).filter((term) => term.length > 0);
}

const KEY = '[A-Za-z0-9](?:[A-Za-z0-9./_-]*[A-Za-z0-9])?';
const SET_TERM = new RegExp(`^(${KEY})\\s+(in|notin)\\s*\\(([^()]*)\\)$`);
const EQUAL_TERM = new RegExp(`^(${KEY})\\s*(==|=|!=)\\s*([A-Za-z0-9._-]*)$`);
const EXISTS_TERM = new RegExp(`^(!?)\\s*(${KEY})$`);

function parseTerm(term: string): Requirement {
  const set = SET_TERM.exec(term);
  if (set) {
    const values = (set[3] ?? '').split(',').map((value) => value.trim());
    return { key: set[1] ?? '', operator: set[2] === 'in' ? 'in' : 'notin', values };
  }
  const equal = EQUAL_TERM.exec(term);
  if (equal) return { key: equal[1] ?? '', operator: equal[2] === '!=' ? 'notin' : 'in', values: [equal[3] ?? ''] };
  const exists = EXISTS_TERM.exec(term);
  if (exists) return { key: exists[2] ?? '', operator: exists[1] === '!' ? 'absent' : 'exists' };
  throw badRequest(`unable to parse requirement: found '${term}', expected: a label selector`);
}

function meets(requirement: Requirement, labels: Labels): boolean {
  const value = Object.hasOwn(labels, requirement.key) ? labels[requirement.key] : undefined;
  switch (requirement.operator) {
    case 'exists':
      return value !== undefined;
    case 'absent':
      return value === undefined;
    case 'in':
      return value !== undefined && requirement.values.includes(value);
    case 'notin':
      // As Kubernetes: an object without the label meets != and notin.
      return value === undefined || !requirement.values.includes(value);
  }
}

/**
 * Kubernetes' label selector text (`app=reviews,version in (v1,v2),!canary`) as a test of labels. Throws BadRequest when it is not one.
 */
export function parseLabelSelector(text: string): (labels: Labels) => boolean {
  const requirements = splitTerms(text).map(parseTerm);
  return (labels) => requirements.every((each) => meets(each, labels));
}

/** Whether every label of a `matchLabels` map is there with the same value. An empty selector matches nothing here. */
export function labelsMatch(selector: Labels | undefined, labels: Labels | undefined): boolean {
  const wanted = Object.entries(selector ?? {});
  return wanted.length > 0 && wanted.every(([key, value]) => labels?.[key] === value);
}

function fieldText(object: unknown, path: string): string {
  let at: unknown = object;
  for (const step of path.split('.')) at = isRecord(at) ? at[step] : undefined;
  return at === undefined || at === null ? '' : String(at);
}

/** Field selector text (`metadata.name=x,status.phase!=Running`) as a test of objects; an absent field counts as empty. */
export function parseFieldSelector(text: string): (object: unknown) => boolean {
  const terms = splitTerms(text).map((term) => {
    const parts = /^([A-Za-z0-9_.[\]-]+)\s*(==|=|!=)\s*(.*)$/.exec(term);
    if (!parts) throw badRequest(`invalid selector: '${term}'; can't understand '${term}'`);
    return { path: parts[1] ?? '', equal: parts[2] !== '!=', value: parts[3] ?? '' };
  });
  return (object) => terms.every((term) => (fieldText(object, term.path) === term.value) === term.equal);
}
