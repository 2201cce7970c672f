import { describe, expect, it } from 'vitest';
import { responseFlags, verdictOf } from '#telemetry';
import { hop, REVIEWS_V2 } from './hops.ts';

const refused = (flags: readonly string[], details: string, status = 503, attempts = 1) =>
  hop({ service: 'productpage', cluster: REVIEWS_V2, flags, details, status, attempts });

describe('the verdict on a call', () => {
  it.each([
    [
      refused(['UH'], 'no_healthy_upstream'),
      "productpage's proxy refused it: reviews v2 has no endpoint that may be used.",
    ],
    [
      refused(['NR'], 'route_not_found', 404),
      "productpage's proxy refused it: it has no route for GET reviews:9080/reviews/0.",
    ],
    [
      refused(['DI', 'FI'], 'fault_filter_abort', 500),
      "productpage's proxy answered 500 itself: a fault rule says so. A fault rule delayed it first.",
    ],
    [
      refused(['UT', 'URX'], 'upstream_per_try_timeout', 504, 3),
      "productpage's proxy gave up: reviews v2 did not answer within the time of one try. It was tried 3 times.",
    ],
    [
      refused(['NC'], 'cluster_not_found'),
      `productpage's proxy refused it: its route leads to ${REVIEWS_V2}, a cluster that it does not have.`,
    ],
    [
      hop({ service: 'productpage', cluster: REVIEWS_V2, attempts: 2 }),
      'reviews v2 itself answered 200. It took 2 tries.',
    ],
    [
      hop({ service: 'istio-ingressgateway', role: 'gateway', status: 404, flags: ['NR'], details: 'route_not_found' }),
      'The gateway istio-ingressgateway refused it: it has no route for GET reviews:9080/reviews/0.',
    ],
  ])('on %# is a sentence', (call, sentence) => {
    expect(verdictOf([call])).toBe(sentence);
  });

  it('blames mutual TLS where plaintext met a STRICT port', () => {
    const call = refused(['UC'], 'upstream_reset_before_response_started{connection_termination}');
    const answer = hop({
      service: 'reviews',
      direction: 'inbound',
      parent: call.spanId,
      status: 0,
      flags: ['NR'],
      details: 'filter_chain_not_found',
      steps: [
        {
          stage: 'filter_chain',
          outcome: 'stopped',
          name: 'virtualInbound',
          atMs: 0,
          rejected: [{ name: '0.0.0.0_9080', reason: 'needs TLS, the client sent plaintext' }],
        },
      ],
    });
    expect(verdictOf([call, answer])).toBe(
      "reviews's proxy refused the connection: the port takes mutual TLS only, and the client sent plaintext. productpage's proxy made that a 503.",
    );
  });

  it('says in words which policy decided, what a route answers, and what a browser hides', () => {
    const step = { atMs: 0, outcome: 'stopped' } as const;
    const inbound = (details: string) => hop({ service: 'cart', direction: 'inbound', status: 403, details });
    expect(verdictOf([inbound('rbac_access_denied_matched_policy[ns[shop]-policy[no-admin]-rule[1]]')])).toBe(
      "cart's proxy answered 403 in place of its application: rules[1] of the DENY policy shop/no-admin matches.",
    );
    expect(verdictOf([inbound('rbac_access_denied_matched_policy[none]')])).toMatch(
      /: no ALLOW policy has a rule that matches\.$/,
    );
    const redirect = { ...step, stage: 'response', name: '308', detail: 'the route redirects to http://a/b' } as const;
    const said = { ...step, stage: 'response', name: '308', detail: 'answered by the route itself' } as const;
    expect(
      verdictOf([hop({ service: 'cart', status: 308, details: 'direct_response', steps: [redirect, said] })]),
    ).toBe("cart's proxy answered 308 itself: the route redirects to http://a/b.");
    const evidence = { origin: 'https://evil.example', allowed: false };
    const passed = { atMs: 0, stage: 'http_filter', outcome: 'passed', name: 'cors', evidence } as const;
    expect(verdictOf([hop({ service: 'productpage', cluster: REVIEWS_V2, steps: [passed, said] })])).toBe(
      'reviews v2 itself answered 200. Origin https://evil.example is not allowed, so a browser keeps the answer from the page.',
    );
    const mirrored = { atMs: 0, stage: 'route', outcome: 'applied', name: 'x' } as const;
    expect(verdictOf([hop({ service: 'productpage', cluster: REVIEWS_V2, steps: [mirrored] })])).toBe(
      'reviews v2 answered 200 to a mirrored copy: its answer went to nobody.',
    );
  });

  it('is empty where nothing was recorded', () => {
    expect(verdictOf([])).toBe('');
  });
});

it('explains every flag that it can meet', () => {
  for (const flag of ['UH', 'UF', 'UC', 'UO', 'UT', 'UR', 'URX', 'NR', 'NC', 'DC', 'DI', 'FI']) {
    expect(responseFlags[flag]?.meaning).toMatch(/\.$/);
  }
});
