import { describe, expect, it } from 'vitest';
import { Headers } from '../../../server/data-plane/http/headers.ts';
import {
  appendVia,
  isInlineInAnswers,
  isInlineInRequests,
  joinLines,
} from '../../../server/data-plane/http/inline-headers.ts';

const joined = (flat: string[], inline: (name: string) => boolean): readonly string[] => {
  const headers = new Headers(flat);
  joinLines(headers, inline);
  return headers.flat;
};

describe('headers of which one line is kept', () => {
  it('join their lines, and empty ones add nothing', () => {
    expect(joined(['accept', '', 'x-a', '1', 'accept', 'v', 'accept', ''], isInlineInRequests)).toEqual([
      'accept',
      'v',
      'x-a',
      '1',
    ]);
  });

  it('name one more proxy behind others, or alone', () => {
    const via = (before: string): string | undefined => {
      const headers = Headers.of({ via: before });
      appendVia(headers, 'b');
      return headers.get('via');
    };
    expect([via('a'), via('')]).toEqual(['a, b', 'b']);
  });

  it('are others in requests than in answers', () => {
    const lines = ['if-match', '1', 'age', '1', 'if-match', '2', 'age', '2'];
    expect(joined([...lines], isInlineInRequests)).toEqual(['if-match', '1,2', 'age', '1', 'age', '2']);
    expect(joined([...lines], isInlineInAnswers)).toEqual(['if-match', '1', 'age', '1,2', 'if-match', '2']);
  });
});
