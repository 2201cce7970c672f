import { describe, expect, it } from 'vitest';
import { checkFields, didYouMean, gatewayKinds, istioKinds } from '#istio';
import { findings, httpRoute, validate, virtualService } from './manifests.ts';

describe('fields', () => {
  it('finds an unknown field at its key, with the field that was meant', () => {
    const [found] = validate(httpRoute('timeot: 5s'));
    expect(found).toMatchObject({
      code: 'MW0101',
      message: 'unknown field "spec.http[0].timeot"',
      hint: 'Did you mean "timeout"?',
    });
    expect(found?.location).toMatchObject({ line: 10, column: 5, endColumn: 11 });
  });

  it.each([
    [
      'a text for a number',
      'retries: {attempts: "3"}',
      'MW0102',
      'spec.http[0].retries.attempts',
      'Remove the quotes: write 3.',
    ],
    ['a number for a text', 'timeout: 5', 'MW0102', 'spec.http[0].timeout', 'Put the value in quotes: "5".'],
    ['a fraction for an integer', 'retries: {attempts: 1.5}', 'MW0102', 'spec.http[0].retries.attempts', undefined],
    [
      'an object for a list',
      'match: {uri: {prefix: /a}}',
      'MW0102',
      'spec.http[0].match',
      'Write a list: put "- " before the entry.',
    ],
    [
      'a list for an object',
      'fault: [{delay: {fixedDelay: 1s}}]',
      'MW0102',
      'spec.http[0].fault',
      'Remove the "- ": this field is one object, not a list.',
    ],
  ])('finds %s', (_, lines, code, path, hint) => {
    const [found] = validate(httpRoute(lines));
    expect(found).toMatchObject({ code, origin: { path } });
    if (hint !== undefined) expect(found?.hint).toBe(hint);
  });

  it('takes a fraction where the field is a percentage', () => {
    expect(findings(httpRoute('fault: {delay: {fixedDelay: 1s, percentage: {value: 0.5}}}'))).toEqual([]);
  });

  it('finds a value that an enum does not have', () => {
    const text =
      'apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: default}\nspec: {mtls: {mode: STRIKT}}\n';
    expect(validate(text)[0]).toMatchObject({ code: 'MW0103', hint: 'Did you mean "STRICT"?' });
  });

  it('finds a required field that is missing', () => {
    const text = 'apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: a}\nspec: {}\n';
    expect(findings(text)).toEqual(['MW0104 spec.host: Required value: spec.host']);
  });

  it('takes any field where Istio takes free configuration', () => {
    const filter = istioKinds.find((kind) => kind.kind === 'EnvoyFilter');
    const object = {
      apiVersion: 'networking.istio.io/v1alpha3',
      kind: 'EnvoyFilter',
      metadata: { name: 'a' },
      spec: { configPatches: [{ patch: { operation: 'MERGE', value: { name: 'x', typed_config: { a: 1 } } } }] },
    };
    expect(checkFields(object, filter?.schema?.() ?? {})).toEqual([]);
  });

  it.each(['v1', 'v1beta1', 'v1alpha3'])('serves %s as every other version', (version) => {
    expect(findings(httpRoute('timeout: 5s').replace('istio.io/v1', `istio.io/${version}`))).toEqual([]);
  });
});

describe('unknown kinds', () => {
  it('are told in kubectl’s words, with the kind that was meant', () => {
    const [found] = validate(virtualService('hosts: [a]').replace('kind: VirtualService', 'kind: VirtualServce'));
    expect(found).toMatchObject({
      code: 'MW0012',
      message: 'no matches for kind "VirtualServce" in version "networking.istio.io/v1"',
      hint: 'Did you mean kind: VirtualService?',
      location: { line: 2 },
    });
  });

  it('names the apiVersion when the kind is known', () => {
    const [found] = validate(virtualService('hosts: [a]').replace('networking.istio.io/v1', 'networking.istio.io/v2'));
    expect(found?.hint).toBe('Did you mean apiVersion: networking.istio.io/v1?');
  });
});

describe('suggestions', () => {
  it.each([
    ['timeot', 'timeout'],
    ['reviws', 'reviews'],
    ['HTTP', 'http'],
    ['zzzzzz', undefined],
  ])('for %s', (word, expected) => {
    expect(didYouMean(word, ['http', 'timeout', 'reviews', 'ratings'])).toBe(expected);
  });
});

describe('schemas', () => {
  it.each(istioKinds.map((kind) => [kind.kind, kind] as const))(
    '%s has one with descriptions, small enough for the editor',
    (_, kind) => {
      const text = JSON.stringify(kind.schema?.());
      expect(text.length).toBeLessThan(150_000);
      expect(text).toContain('"description"');
      const schema = kind.schema?.() as { properties: { apiVersion: { enum: string[] } } };
      expect(schema.properties.apiVersion.enum).toEqual(kind.versions.map((version) => `${kind.group}/${version}`));
    },
  );
});

describe('an update', () => {
  const kindOf = (name: string) => [...gatewayKinds, ...istioKinds].find(({ kind }) => kind === name);
  const gatewayClass = (controllerName: string, description: string) => ({
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'GatewayClass',
    metadata: { name: 'mine' },
    spec: { controllerName, description },
  });

  it('may not change what the schema calls immutable', () => {
    const kind = kindOf('GatewayClass');
    const stored = gatewayClass('example.com/one', 'a');
    expect(kind?.validateUpdate?.(gatewayClass('example.com/two', 'b'), stored)).toMatchObject([
      { code: 'MW0106', path: 'spec.controllerName', message: 'Invalid value: Value is immutable' },
    ]);
    expect(kind?.validateUpdate?.(gatewayClass('example.com/one', 'b'), stored)).toEqual([]);
    // A new object has nothing to differ from.
    expect(kind?.validate?.(stored)).toEqual([]);
  });
});
