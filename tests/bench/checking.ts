import { analyze, istioKinds, parseManifests, validateDocument } from '#istio';
import { coreKinds } from '#kube-api';
import { median } from './statistics.ts';

export interface CheckingReport {
  readonly resources: number;
  /** Parsing, validation and analysis of all of them, as the editor asks for them after each pause in typing. */
  readonly medianMs: number;
}

const PAIRS = 25;
const kinds = [...coreKinds, ...istioKinds];

const pair = (i: number): string => `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: rules-${i} }
spec:
  hosts: [reviews-${i}]
  http:
${'    - match: [{ headers: { end-user: { exact: jason } } }]\n      route: [{ destination: { host: reviews, subset: v1 } }]\n'.repeat(4)}---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: versions-${i} }
spec:
  host: reviews-${i}
  subsets: [{ name: v1, labels: { version: v1 } }, { name: v2, labels: { version: v2 } }]
`;

/** What a learner waits for between two keystrokes, for fifty resources. */
export function measureChecking(rounds: number): CheckingReport {
  const file = { file: 'a.yaml', text: Array.from({ length: PAIRS }, (_, i) => pair(i)).join('---\n') };
  const once = (): number => {
    const began = performance.now();
    const { documents } = parseManifests([file]);
    for (const document of documents) validateDocument(document, kinds);
    analyze([], documents);
    return performance.now() - began;
  };
  once();
  return { resources: 2 * PAIRS, medianMs: median(Array.from({ length: rounds }, once)) };
}
