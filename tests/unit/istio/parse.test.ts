import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseManifests } from '#istio';
import { parse, parseOne } from './manifests.ts';

const diagnose = (text: string) => parseManifests([{ file: 'a.yaml', text }]).diagnostics;
const head = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n';

const REVIEWS = `# routing for Bookinfo
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: reviews
  labels:
    app.kubernetes.io/part-of: bookinfo
spec:
  hosts:
    - reviews
  http:
    - match:
        - headers:
            end-user:
              exact: jason
      route:
        - destination: { host: reviews, subset: v2 }
    - route:
        - destination:
            host: reviews
            subset: v1
          weight: 90
        - destination:
            host: reviews
            subset: v3
          weight: 10 # the canary
`;

describe('positions', () => {
  const document = parseOne(REVIEWS);

  it.each([
    ['apiVersion', 2, 13, 2, 35],
    ['spec.http[1].route[1].weight', 26, 19, 26, 21],
    ['spec.http[0].match[0].headers.end-user.exact', 15, 22, 15, 27],
    ['spec.http[0].route[0].destination.subset', 17, 49, 17, 51],
    ['metadata.labels[app.kubernetes.io/part-of]', 7, 32, 7, 40],
  ])('finds the value of %s', (path, line, column, endLine, endColumn) => {
    expect(document.locate(path)).toEqual({ file: 'a.yaml', line, column, endLine, endColumn });
  });

  it('finds the key of a field', () => {
    expect(document.locateKey('spec.http[1].route[1].weight')).toMatchObject({ line: 26, column: 11, endColumn: 17 });
  });

  it('falls back to the nearest ancestor that is written', () => {
    expect(document.locate('spec.http[1].route[1].headers.request.set')).toEqual(
      document.locate('spec.http[1].route[1]'),
    );
    expect(document.locate('status.x[3].y')).toEqual(document.range);
  });

  it('finds the field at a place', () => {
    expect(document.fieldAt(26, 20)).toBe('spec.http[1].route[1].weight');
    expect(document.fieldAt(15, 16)).toBe('spec.http[0].match[0].headers.end-user.exact');
    expect(document.fieldAt(1, 1)).toBeUndefined();
  });

  it('counts lines on through the documents of a file', () => {
    const [, second] = parse(`${head}---\n# second\n${head}`);
    expect(second?.range.line).toBe(6);
    expect(second?.locate('metadata.name')).toMatchObject({ line: 8, column: 18 });
  });
});

describe('reading', () => {
  it('reads several documents and skips empty ones', () => {
    expect(parse(`---\n${head}---\n# nothing\n---\n${head}`).map((each) => each.index)).toEqual([0, 2]);
  });

  it('expands anchors and merge keys', () => {
    const text = `${head}data: &d\n  x: '1'\nbinaryData:\n  <<: *d\n  w: '2'\n`;
    expect(parseOne(text).object['binaryData']).toEqual({ x: '1', w: '2' });
  });

  it('expands a List and knows where each item stands', () => {
    const text = `apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: a}\n- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: b}\n`;
    const documents = parse(text);
    expect(documents.map((each) => each.object.metadata.name)).toEqual(['a', 'b']);
    expect(documents[1]?.locate('metadata.name').line).toBe(9);
  });

  it('reads yes, off and y as booleans, as kubectl does', () => {
    expect(parseOne(`${head}data: {x: yes, w: off, v: y, z: 'yes'}\n`).object['data']).toEqual({
      x: true,
      w: false,
      v: true,
      z: 'yes',
    });
  });

  it('reads objects of JSON one behind the other, each at its own place', () => {
    const one = (name: string): string => `{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "${name}"}}`;
    const good = parseManifests([{ file: 'a.json', text: `\uFEFF${one('a}{')}\n ${one('b')} ${one('c')}\n` }]);
    expect(good.documents.map(({ object, index }) => [object.metadata.name, index])).toEqual([
      ['a}{', 0],
      ['b', 1],
      ['c', 2],
    ]);
    expect(good.documents.map((each) => each.locate('metadata.name'))).toMatchObject([
      { line: 1, column: 64 },
      { line: 2, column: 65 },
      { line: 2, column: 134 },
    ]);
  });

  it('keeps the good documents of a file with a bad one', () => {
    const { documents, diagnostics } = parseManifests([{ file: 'a.yaml', text: `${head}---\na: [1\n---\n${head}` }]);
    expect(documents).toHaveLength(2);
    expect(diagnostics.length).toBeGreaterThan(0);
  });
});

describe('bad input', () => {
  it.each([
    ['a tab', 'a:\n\tb: 1\n', 'MW0006', 2],
    ['an open bracket', `${head}data: {x: [1\n`, 'MW0005', undefined],
    ['a key twice', `${head}data:\n  x: '1'\n  x: '2'\n`, 'MW0007', 6],
    ['a key twice in a flow map', `${head}data: {x: '1', x: '2'}\n`, 'MW0007', 4],
    ['a list', '- a\n- b\n', 'MW0008', 1],
    ['a text', 'hello\n', 'MW0008', 1],
    ['no kind', 'apiVersion: v1\nmetadata: {name: a}\n', 'MW0009', 1],
    ['a number as kind', 'apiVersion: v1\nkind: 5\nmetadata: {name: a}\n', 'MW0009', 1],
    ['no name', 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  labels: {a: b}\n', 'MW0010', 3],
    ['a host that begins with a star', `${head}data:\n  host: *.example.com\n`, 'MW0011', 5],
  ])('is told for %s', (_, text, code, line) => {
    const [first] = diagnose(text);
    expect(first).toMatchObject({ code, severity: 'error' });
    expect(first?.hint).toBeTruthy();
    if (line !== undefined) expect(first?.location?.line).toBe(line);
  });

  const nested = (depth: number): string => Array.from({ length: depth }, (_, i) => `${' '.repeat(i)}a:`).join('\n');
  const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefgh'
    .split('')
    .map((name, i) => `${name}: &${name} [${Array(9).fill(`*${'abcdefg'[i]}`).join(',')}]`)
    .join('\n')}\n`;

  it.each([
    ['more than a mebibyte', 'x'.repeat(1024 * 1024 + 1), 'MW0001'],
    ['too many lines', 'a: 1\n'.repeat(20_000), 'MW0001'],
    ['too many values on one line', `a: [${'b,'.repeat(200_000)}]`, 'MW0001'],
    ['too many documents', '---\na: 1\n'.repeat(500), 'MW0002'],
    ['open brackets', '['.repeat(500_000), 'MW0003'],
    ['braces and brackets', '{a: ['.repeat(50_000), 'MW0003'],
    ['dashes in a row', `${'- '.repeat(300_000)}x`, 'MW0003'],
    ['question marks in a row', `${'? '.repeat(300_000)}x`, 'MW0003'],
    ['deep indentation', nested(700), 'MW0003'],
    ['an alias bomb', `${head}data:\n${bomb.replace(/^/gm, '  ')}`, 'MW0004'],
    ['thousands of aliases', `a: &a b\nc: [${'*a, '.repeat(5000)}]`, 'MW0004'],
  ])('is refused soon: %s', (_, text, code) => {
    const once = (): number => {
      const start = performance.now();
      expect(diagnose(text)[0]?.code).toBe(code);
      return performance.now() - start;
    };
    // The best of three is some 10 ms; the bound leaves room for a busy machine.
    expect(Math.min(once(), once(), once())).toBeLessThan(150);
  });

  it.each(['\u0000', '\u0007', '\u007F'])('refuses the control character %j and knows its line', (character) => {
    const [problem, ...others] = diagnose(`${head}data: {a: "x${character}"}\n`);
    expect(problem).toMatchObject({ code: 'MW0005', location: { line: 4, column: 13 } });
    expect(others).toEqual([]);
  });

  it('refuses what many files add up to', () => {
    const large = Array.from({ length: 3 }, (_, i) => ({
      file: `${i}.yaml`,
      text: `${head}data: {x: "${'y'.repeat(500_000)}"}\n`,
    }));
    const { documents, diagnostics } = parseManifests(large);
    expect(documents).toHaveLength(2);
    expect(diagnostics).toMatchObject([{ code: 'MW0001', location: { file: '2.yaml' } }]);
    const many = Array.from({ length: 101 }, (_, i) => ({ file: `${i}.yaml`, text: head }));
    expect(parseManifests(many).diagnostics).toMatchObject([{ code: 'MW0001', location: { file: '100.yaml' } }]);
  });

  it('never throws', () => {
    const fragments = [
      'a',
      ': ',
      '\n',
      '  ',
      '- ',
      '&x ',
      '*x',
      '{',
      '}',
      '[',
      ']',
      "'",
      '"',
      '|',
      '>',
      '#',
      '---\n',
      '\t',
      '? ',
      '<<',
      '!!map ',
      '%',
      '\u0000',
      ',',
      'null',
    ];
    const soup = fc.array(fc.constantFrom(...fragments), { maxLength: 60 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.oneof(soup, fc.string({ maxLength: 200 })), (text) => {
        const { documents, diagnostics } = parseManifests([{ file: 'a.yaml', text }]);
        for (const document of documents) document.locate('spec.http[0]');
        expect(diagnostics.every((each) => each.location !== undefined)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});
