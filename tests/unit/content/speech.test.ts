import { describe, expect, it } from 'vitest';
import { spokenForm } from '../../../src/components/speech.ts';
import { loadTerms } from './load.ts';

const terms = loadTerms().map(({ data }) => data);

describe('what a voice is given to say', () => {
  it.each(terms)('$term: holds no word that is written in one and said in two', ({ term }) => {
    expect(spokenForm(term)).not.toMatch(/[a-z][A-Z]/);
  });

  it('says an abbreviation as people say it', () => {
    expect(['JWT', 'mTLS', 'RBAC', 'VirtualService', 'CDS', 'rewrite'].map(spokenForm)).toEqual([
      'jot',
      'M T L S',
      'are back',
      'Virtual Service',
      'CDS',
      'a rewrite, to rewrite',
    ]);
  });
});
