import type { ServedKind } from '../doors.ts';

function review(group: string, kind: string, more: Partial<ServedKind> = {}): ServedKind {
  const singular = kind.toLowerCase();
  const shared = { versions: ['v1'], shortNames: [], categories: [], columns: [], namespaced: false };
  return { ...shared, group, kind, plural: `${singular}s`, singular, ...more };
}

/** Questions that are answered and never stored. */
export const reviewKinds: readonly ServedKind[] = [
  // `kubectl auth whoami` of release 1.27 knows the beta only.
  review('authentication.k8s.io', 'SelfSubjectReview', { versions: ['v1', 'v1beta1'] }),
  review('authentication.k8s.io', 'TokenReview'),
  review('authorization.k8s.io', 'LocalSubjectAccessReview', { namespaced: true }),
  review('authorization.k8s.io', 'SelfSubjectAccessReview'),
  review('authorization.k8s.io', 'SelfSubjectRulesReview'),
  review('authorization.k8s.io', 'SubjectAccessReview'),
];
