import { describe, expect, it } from 'vitest';
import { ownFolder, type Ran, runVerb } from './run-verb.ts';

const { file } = ownFolder();

const service = 'apiVersion: v1\nkind: Service\nmetadata: {name: reviews}\nspec: {ports: [{name: http, port: 80}]}\n';
const route = (host: string): string =>
  'apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata:\n  name: route\nspec:\n  hosts: [reviews]\n  http:\n' +
  `    - route:\n        - destination:\n            host: ${host}\n`;

/** Runs the verb on these texts, the first being standard input. */
function analyze(texts: readonly string[], ...args: string[]): Promise<Ran> {
  const [input = '', ...rest] = texts;
  const files = rest.map((text, index) => file(`${index}.yaml`, text));
  return runVerb('analyze', [...['-', ...files].flatMap((name) => ['-f', name]), ...args], input);
}

const findings = ({ out }: Ran): Record<string, unknown>[] => JSON.parse(out) as Record<string, unknown>[];

let written = 0;
const settings = (text: string): string => file(`settings-${written++}.yaml`, text);

describe('meshwork analyze', () => {
  it('prints each finding with its object, field and line, and ends with 79 when one is an Error', async () => {
    const ran = await analyze([route('gone'), service], '--output', 'json');
    expect(ran.code).toBe(79);
    expect(findings(ran)).toEqual([
      {
        code: 'IST0101',
        level: 'Error',
        kind: 'VirtualService',
        namespace: '',
        name: 'route',
        path: 'spec.http[0].route[0].destination.host',
        line: 10,
        message: 'Referenced host not found: "gone"',
        documentation: 'https://istio.io/latest/docs/reference/config/analysis/ist0101/',
      },
    ]);
  });

  it('ends with 0 when nothing is found, or nothing worse than a warning', async () => {
    const clean = await analyze([route('reviews'), service], '--output', 'json');
    expect(clean).toMatchObject({ code: 0, out: '[]' });
    const warned = await analyze([service.replace('name: http', 'name: web')], '--output', 'json');
    expect(warned.code).toBe(0);
    expect(findings(warned)).toMatchObject([{ code: 'IST0118', level: 'Info' }]);
  });

  it('leaves documents without a namespace where they are, and places them with --namespace', async () => {
    const full = 'reviews.default.svc.cluster.local';
    expect(findings(await analyze([route(full), service], '-o', 'json'))).toMatchObject([{ namespace: '' }]);
    expect(await analyze([route(full), service], '-o', 'json', '--namespace', 'default')).toMatchObject({ code: 0 });
  });

  it('prints text as istioctl does', async () => {
    const ran = await analyze([route('gone'), service], '-n', 'shop');
    expect(ran.out).toBe('Error [IST0101] (VirtualService shop/route -:10) Referenced host not found: "gone"');
    expect((await analyze([service])).err).toBe('✔ No validation issues found when analyzing -.');
  });

  it('reports what cannot be read as an Error, and reads the rest', async () => {
    const ran = await analyze(['a: [', `${service}---\n${route('gone')}`], '-o', 'json');
    expect(ran.code).toBe(79);
    expect(findings(ran).map((each) => each['code'])).toEqual(['MW0005', 'IST0101']);
  });

  it('passes over kinds that nobody reads, named or not', async () => {
    const operator = 'apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nspec: {profile: demo}\n';
    expect(await analyze([operator], '-o', 'json')).toMatchObject({ code: 0, out: '[]' });
  });

  it('takes the mesh configuration and mesh networks into account', async () => {
    const telemetry =
      'apiVersion: telemetry.istio.io/v1\nkind: Telemetry\nmetadata: {name: logs, namespace: shop}\nspec: {accessLogging: [{}]}\n';
    expect(findings(await analyze([telemetry], '-o', 'json'))).toMatchObject([{ code: 'IST0157' }]);
    const mesh = settings('defaultProviders: {accessLogging: [envoy]}\n');
    expect(await analyze([telemetry], '-o', 'json', '--mesh-config', mesh)).toMatchObject({ out: '[]' });
    const networks = settings('networks: {net1: {endpoints: [{fromRegistry: east}]}}\n');
    expect(findings(await analyze([service], '-o', 'json', '--mesh-networks', networks))).toMatchObject([
      { code: 'IST0126', kind: 'MeshNetworks', namespace: 'istio-system', name: 'meshnetworks', line: 0 },
    ]);
  });

  it('runs single analyzers by name', async () => {
    const ran = await analyze([route('gone')], '-o', 'json', '--analyzer', 'service.PortNameAnalyzer');
    expect(ran).toMatchObject({ code: 0, out: '[]' });
    const invalid = route('gone').replace('hosts: [reviews]', 'hosts: ["*"]');
    const schema = await analyze([invalid], '-o', 'json', '--analyzer', 'schema.ValidationAnalyzer.VirtualService');
    expect(findings(schema).map((each) => each['code'])).toEqual(['IST0106']);
    const hosts = await analyze([invalid], '-o', 'json', '--analyzer', 'virtualservice.DestinationHostAnalyzer');
    expect(findings(hosts).map((each) => each['code'])).toEqual(['IST0101']);
  });

  it.each([
    [['--output', 'xml']],
    [['--nonsense']],
    [['--mesh-config', '/does/not/exist']],
    [['--mesh-config', settings('a: [')]],
    [['--analyzer', 'no.such.Analyzer']],
  ])('refuses the call %j with 2 and a usage line', async (args) => {
    const ran = await analyze([service], ...args);
    expect(ran.code).toBe(2);
    expect(ran.err).toContain('usage: meshwork analyze -f FILE…');
  });
});
