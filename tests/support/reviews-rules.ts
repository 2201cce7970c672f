/** The rules that most tests of the lab canary apply: both versions of reviews as subsets, and one VirtualService. */
const VERSIONS = `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: reviews }
spec:
  host: reviews
  subsets:
    - { name: v1, labels: { version: v1 } }
    - { name: v2, labels: { version: v2 } }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: reviews }
spec:
  hosts: [reviews]
  http:
`;

/** With the routes of `http`, each line indented by four. Their first line is line 16. */
export const reviewsRules = (http: string): string => VERSIONS + http;

/** So many requests of a hundred to v1, the rest to the second subset. */
export const sharedReviews = (v1: number, v2 = 100 - v1, second = 'v2'): string =>
  reviewsRules(`    - route:
        - destination: { host: reviews, subset: v1 }
          weight: ${v1}
        - destination: { host: reviews, subset: ${second} }
          weight: ${v2}
`);

/** The same behind a route for testers' requests, known by `headers`, which go to v2. */
export const reviewsWithTesters = (v1: number, headers = 'end-user: { exact: jason }'): string =>
  reviewsRules(`    - name: testers
      match:
        - headers: { ${headers} }
      route:
        - destination: { host: reviews, subset: v2 }
    - name: everyone
      route:
        - destination: { host: reviews, subset: v1 }
          weight: ${v1}
        - destination: { host: reviews, subset: v2 }
          weight: ${100 - v1}
`);
