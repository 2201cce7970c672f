import { describe, expect, it } from 'vitest';
import { evaluateJsonPath } from '../../../server/terminal/commands/kubectl/jsonpath/evaluate.ts';

const LIST = {
  kind: 'List',
  items: [
    {
      metadata: { name: 'a', labels: { app: 'x', 'istio.io/rev': 'default' } },
      spec: {
        n: 1,
        ports: [
          { name: 'http', port: 80 },
          { name: 'tls', port: 443 },
        ],
      },
    },
    { metadata: { name: 'b', labels: { app: 'y' } }, spec: { n: 20, ports: [] } },
    { metadata: { name: 'c' }, spec: { n: 3 } },
  ],
};

describe('jsonpath', () => {
  it.each([
    ['{.kind}', 'List'],
    ['.kind', 'List'],
    ['kind', 'List'],
    ['{$.kind}', 'List'],
    ['{.items[0].metadata.name}', 'a'],
    ['{.items[-1].metadata.name}', 'c'],
    ['{.items[*].metadata.name}', 'a b c'],
    ['{.items[0:2].metadata.name}', 'a b'],
    ['{.items[1:].metadata.name}', 'b c'],
    ['{..name}', 'a b c http tls'],
    [`{.items[0].metadata['name','labels']}`, 'a {"app":"x","istio.io/rev":"default"}'],
    [`{.items[0].metadata.labels['istio.io/rev']}`, 'default'],
    ['{.items[0].metadata.labels.istio\\.io/rev}', 'default'],
    ['{.items[0].spec.ports[?(@.name=="tls")].port}', '443'],
    ["{.items[0].spec.ports[?(@.name == 'http')].port}", '80'],
    ['{.items[?(@.spec.n>2)].metadata.name}', 'b c'],
    ['{.items[?(@.spec.n<=3)].metadata.name}', 'a c'],
    ['{.items[?(@.metadata.labels.app!="x")].metadata.name}', 'b'],
    ['{.items[?(@.metadata.labels)].metadata.name}', 'a b'],
    ['{.items[0].metadata.nothing.there}', ''],
    ['{.items[0].__proto__.constructor}', ''],
    ['name: {.items[0].metadata.name}, {"\\t"}{.items[1].metadata.name}{"\\n"}', 'name: a, \tb\n'],
    ['{range .items[*]}{.metadata.name}={.spec.n}{"\\n"}{end}', 'a=1\nb=20\nc=3\n'],
    ['{range .items[*]}{range .spec.ports[*]}{.port},{end};{end}', '80,443,;;;'],
    ['{range .nothing[*]}x{end}y', 'y'],
    ['{.items[*].spec.ports[0].port}', undefined],
  ])('reads %s', (template, expected) => {
    if (expected === undefined)
      expect(() => evaluateJsonPath(template, LIST)).toThrow('array index out of bounds: index 0, length 0');
    else expect(evaluateJsonPath(template, LIST)).toBe(expected);
  });

  it.each([
    '{.items[0]',
    '{.items[}',
    '{end}',
    '{range .items[*]}x',
    '{.a[?(@.b~=1)]}',
    '{(}',
    `{.${'a'.repeat(2000)}}`,
  ])('refuses %s', (template) => {
    expect(() => evaluateJsonPath(template, LIST)).toThrow(/^error: error parsing jsonpath/);
  });

  it('tells an empty list as kubectl does', () => {
    expect(() => evaluateJsonPath('{.items[0].metadata.name}', { items: [] })).toThrow(
      'error: error executing jsonpath "{.items[0].metadata.name}": Error executing template: array index out of bounds: index 0, length 0.',
    );
  });

  it('bounds what it selects', () => {
    const wide = Array.from({ length: 400 }, () => Array.from({ length: 400 }, () => 1));
    expect(() => evaluateJsonPath('{.[*][*]}', wide)).toThrow('selects too much');
  });
});
