import type { ServedKind } from '../doors.ts';

function review(group: string, kind: string, namespaced = false): ServedKind {
  const singular = kind.toLowerCase();
  const shared = { versions: ['v1'], shortNames: [], categories: [], columns: [] };
  return { ...shared, group, kind, plural: `${singular}s`, singular, namespaced };
}

/** Questions that are answered and never stored. */
export const reviewKinds: readonly ServedKind[] = [
  review('authentication.k8s.io', 'SelfSubjectReview'),
  review('authentication.k8s.io', 'TokenReview'),
  review('authorization.k8s.io', 'LocalSubjectAccessReview', true),
  review('authorization.k8s.io', 'SelfSubjectAccessReview'),
  review('authorization.k8s.io', 'SelfSubjectRulesReview'),
  review('authorization.k8s.io', 'SubjectAccessReview'),
];
