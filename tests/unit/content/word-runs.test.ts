import { describe, expect, it } from 'vitest';
import { slugOf } from '../../../src/course/terms.ts';
import { wordRuns } from '../../../src/course/word-runs.ts';
import { loadTerms } from './load.ts';

const words = loadTerms().map(({ data: { term, aliases } }) => ({ slug: slugOf(term), names: [term, ...aliases] }));
const found = (text: string) =>
  wordRuns(text, words).flatMap(({ text: name, slug }) => (slug === undefined ? [] : [`${name} → ${slug}`]));

describe('the words of a text', () => {
  it('are found once each, in the plural, and at the beginning of a sentence', () => {
    expect(found('Retries multiply. A retry budget caps retries; a retry is cheap.')).toEqual([
      'Retries → retry',
      'retry budget → retry-budget',
    ]);
  });

  it('keep their case, so that a name is not a common noun', () => {
    expect(found('The service behind a Service is no tower; Envoy and envoys differ.')).toEqual([
      'Service → service',
      'Envoy → envoy',
    ]);
  });

  it('are the longest that fit, and no part of a longer word', () => {
    expect(found('The data plane, the data-plane and routed spans of mTLS, TLS and x-route')).toEqual([
      'data plane → data-plane',
      'spans → span',
      'mTLS → mtls',
      'TLS → tls',
    ]);
  });

  it.each(words)('$slug is found by its own name', ({ slug, names: [term = ''] }) => {
    expect(found(`It is ${term}.`)).toEqual([`${term} → ${slug}`]);
  });

  it('lose no character', () => {
    const text = 'mTLS proves who calls. An AuthorizationPolicy says who may, by principals.';
    expect(
      wordRuns(text, words)
        .map((run) => run.text)
        .join(''),
    ).toBe(text);
  });
});
