import { describe, expect, it } from 'vitest';
import { type Verdict, validateTexts } from '../../../server/cli/validate.ts';
import { ownFolder, runVerb } from './run-verb.ts';

const { file, folder } = ownFolder();

const fine = 'apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a}\n';
const rule = (spec: string, metadata = '{name: a}'): string =>
  `apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: ${metadata}\nspec: ${spec}\n`;
const refused = rule('\n  host: a\n  trafficPolicy: {}');

const call = (args: readonly string[], input = '') => runVerb('validate', args, input);

const one = (text: string): Verdict => {
  const [verdict] = validateTexts([{ file: 'a.yaml', text }]);
  if (!verdict) throw new Error('no verdict');
  return verdict;
};

describe('meshwork validate', () => {
  it('gives one entry for each document, in the order of files and documents', async () => {
    const [a, b] = [file('a.yaml', `${fine}---\n${refused}`), file('b.yaml', fine)];
    const { code, out } = await call(['-f', b, '-f', a, '--output', 'json']);
    const verdicts = JSON.parse(out) as Verdict[];
    expect(code).toBe(1);
    expect(verdicts.map((each) => [each.file, each.document, each.kind, each.name, each.verdict])).toEqual([
      [b, 0, 'ServiceAccount', 'a', 'accepted'],
      [a, 0, 'ServiceAccount', 'a', 'accepted'],
      [a, 1, 'DestinationRule', 'a', 'rejected'],
    ]);
  });

  it('says what is wrong with code, path, line, message and hint', () => {
    expect(one(refused)).toEqual({
      file: 'a.yaml',
      document: 0,
      kind: 'DestinationRule',
      namespace: '',
      name: 'a',
      verdict: 'rejected',
      errors: [
        {
          code: 'IST0106',
          path: 'spec.trafficPolicy',
          line: 6,
          message: 'traffic policy must have at least one field',
          hint: 'Add a setting, or remove trafficPolicy.',
        },
      ],
      warnings: [],
    });
  });

  it('exits with 0 when nothing is rejected, warnings or not', async () => {
    const warned = rule('{host: a, trafficPolicy: {outlierDetection: {consecutiveErrors: 1}}}');
    const { code, out } = await call(['-f', '-', '-o', 'json'], warned);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject([{ file: '-', verdict: 'accepted', warnings: [{ code: 'IST0133' }] }]);
  });

  it('keeps advice of its own to analyze', () => {
    const text = `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: a}\nspec:\n  hosts: [a]\n  http: [{route: [{destination: {host: a}, weight: 1}, {destination: {host: b}, weight: 1}]}]\n`;
    expect(one(text)).toMatchObject({ verdict: 'accepted', warnings: [] });
  });

  it('rejects text that is no YAML, with its line', () => {
    expect(one('a: 1\nb: [1\n')).toMatchObject({ kind: '', verdict: 'rejected', errors: [{ code: 'MW0005' }] });
    expect(validateTexts([{ file: 'a.yaml', text: `${fine}---\n\tb: 1\n` }])[1]).toMatchObject({
      document: 1,
      verdict: 'rejected',
      errors: [{ code: 'MW0006', line: 5 }],
    });
  });

  it('gives each item of a List a verdict', () => {
    const indented = (text: string): string => `- ${text.trimEnd().replaceAll('\n', '\n  ')}\n`;
    const list = `apiVersion: v1\nkind: List\nitems:\n${indented(fine)}${indented(refused)}`;
    const verdicts = validateTexts([{ file: 'a.yaml', text: list }]);
    expect(verdicts.map(({ document, verdict }) => [document, verdict])).toEqual([
      [0, 'accepted'],
      [0, 'rejected'],
    ]);
  });

  it('rejects a version that is not served, and lets foreign kinds pass', () => {
    const version = rule('{host: a}').replace('/v1\n', '/v2\n');
    expect(one(version)).toMatchObject({ verdict: 'rejected', errors: [{ code: 'MW0012' }] });
    const foreign = 'apiVersion: example.com/v1\nkind: Foo\nmetadata: {name: a}\nspec: {anything: 1}\n';
    expect(one(foreign)).toMatchObject({ kind: 'Foo', verdict: 'accepted', errors: [] });
  });

  it('rejects objects without a name, and names, labels and annotations that Kubernetes does not take', () => {
    expect(one(rule('{host: a}', '{}'))).toMatchObject({ errors: [{ code: 'MW0010' }] });
    expect(one(rule('{host: a}', '{name: A_b}'))).toMatchObject({ errors: [{ path: 'metadata.name' }] });
    expect(one(rule('{host: a}', '{name: a, labels: {x: "a b"}}'))).toMatchObject({ verdict: 'rejected' });
    expect(one(rule('{host: a}', '{name: a, annotations: {"a b": c}}'))).toMatchObject({ verdict: 'rejected' });
    expect(one(rule('{host: a}', '{generateName: a-}'))).toMatchObject({ verdict: 'accepted' });
  });

  it('takes the namespace of the call for documents that name none', async () => {
    const own = rule('{host: a, exportTo: [".", shop]}');
    expect((await call(['-f', '-', '-n', 'shop'], own)).code).toBe(1);
    expect((await call(['-f', '-'], own)).code).toBe(0);
  });

  it('refuses a namespace that no namespace can have', async () => {
    const nowhere = 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a, namespace: Bad_NS }\n';
    const { code, out } = await call(['-f', '-', '-o', 'json'], nowhere);
    const [{ errors = [] } = {}] = JSON.parse(out) as Verdict[];
    expect(code).toBe(1);
    expect(errors).toMatchObject([{ code: 'MW0013', path: 'metadata.namespace' }]);
  });

  it('reads the manifests of a folder and passes over what is none', async () => {
    file('values.yaml', 'replicas: 2\nimage: a\n');
    const { code, out } = await call(['-f', folder, '-o', 'json']);
    const verdicts = JSON.parse(out) as Verdict[];
    expect(code).toBe(1);
    expect(verdicts.find((each) => each.file.endsWith('values.yaml'))).toMatchObject({ kind: '', verdict: 'accepted' });
  });

  it('prints one line for each document unless it is asked for JSON', async () => {
    const { out } = await call(['-f', '-'], refused);
    expect(out.split('\n')).toEqual([
      '-: DestinationRule a rejected',
      '  error IST0106 line 6 spec.trafficPolicy: traffic policy must have at least one field',
      '    Add a setting, or remove trafficPolicy.',
    ]);
  });

  it.each([
    ['no file', []],
    ['a file that is not there', ['-f', `${folder}/none.yaml`]],
    ['an unknown flag', ['-f', '-', '--strict']],
    ['an unknown output', ['-f', '-', '-o', 'xml']],
  ])('exits with 2 and a usage line for %s', async (_, args) => {
    const { code, out, err } = await call(args);
    expect(code).toBe(2);
    expect(out).toBe('');
    expect(err).toContain('usage: meshwork validate -f FILE…');
  });

  it('tells of each of fifty resources', () => {
    const text = Array.from({ length: 50 }, (_, index) => refused.replaceAll('name: a', `name: a${index}`)).join(
      '---\n',
    );
    expect(validateTexts([{ file: 'a.yaml', text }])).toHaveLength(50);
  });
});
