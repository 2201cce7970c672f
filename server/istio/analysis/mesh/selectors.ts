import type { Field } from '../../rules/field.ts';
import type { Labels } from './objects.ts';

/** Whether every label of the selector is there with the same value; the empty selector selects everything. */
export function selects(selector: Labels, labels: Labels): boolean {
  for (const key of Object.keys(selector)) if (labels[key] !== selector[key]) return false;
  return true;
}

/** A selector as Kubernetes prints it: `app=web,version=v1`, sorted by key. */
export const selectorText = (selector: Labels): string =>
  Object.keys(selector)
    .sort()
    .map((key) => `${key}=${selector[key]}`)
    .join(',');

/** The path of the selector's first label, where `istioctl analyze` looks for the line of a finding. */
export function firstLabelPath(selector: Field): string {
  const [first] = selector.entries.map(([key, value]) => ({ key, path: value.path })).sort(byKey);
  return first?.path ?? selector.path;
}

const byKey = (a: { readonly key: string }, b: { readonly key: string }): number => (a.key < b.key ? -1 : 1);

/** Whether one requirement of `matchExpressions` holds; undefined for one that the API server refuses. */
function requirementHolds(requirement: Field, labels: Labels): boolean | undefined {
  const actual = labels[requirement.get('key').text];
  const values = requirement.get('values').texts;
  switch (requirement.get('operator').text) {
    case 'In':
      return values.length === 0 ? undefined : actual !== undefined && values.includes(actual);
    case 'NotIn':
      return values.length === 0 ? undefined : actual === undefined || !values.includes(actual);
    case 'Exists':
      return values.length > 0 ? undefined : actual !== undefined;
    case 'DoesNotExist':
      return values.length > 0 ? undefined : actual === undefined;
    default:
      return undefined;
  }
}

/** Whether a webhook's `namespaceSelector` or `objectSelector` matches: an absent one matches everything, an invalid one nothing. */
export function labelSelectorMatches(selector: Field, labels: Labels): boolean {
  if (!selector.exists) return true;
  const wanted = selector.get('matchLabels').entries;
  const requirements = selector.get('matchExpressions').items.map((each) => requirementHolds(each, labels));
  return wanted.every(([key, value]) => labels[key] === value.text) && requirements.every((holds) => holds === true);
}
