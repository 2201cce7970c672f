import { describe, expect, it } from 'vitest';
import { encodeParam, QueryParams } from '../../../server/data-plane/http/query-params.ts';

describe('the parameters of a query', () => {
  it.each([
    ['/a?z=1&a=2&z=3', '/a?a=2&z=1&z=3'],
    ['/?a&&b&', '/?=&a=&b='],
    ['/?q=%76&%7a=%41&e=%zz&f=%&g=+', '/?e=%zz&f=%&g=+&q=v&z=A'],
    ['/?d=%3D%26%23&a=b=c', '/?a=b=c&d==&#'],
    ['/?', '/'],
    ['/a', '/a'],
  ])('are sorted by name and decoded: %s', (path, changed) => {
    expect(new QueryParams(path, 'decoded').toPath()).toBe(changed);
  });

  it('keep their escapes where nobody asks for less', () => {
    const params = new QueryParams('/a?b=%20&a=%31&c', 'as sent');
    params.remove('b');
    params.overwrite('a', 'x');
    params.add('a', 'y');
    expect([params.toPath(), params.has('c'), params.has('b')]).toEqual(['/a?a=x&a=y&c=', true, false]);
  });

  it('get values whose bytes are escaped as in forms, but for the space', () => {
    expect(encodeParam("a b&c=\xc3\xa9~!*'()-_.")).toBe('a%20b%26c%3D%C3%A9%7E%21*%27%28%29-_.');
  });
});
