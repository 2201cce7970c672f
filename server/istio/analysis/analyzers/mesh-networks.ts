import { Field } from '../../rules/field.ts';
import type { Analyzer } from '../analyzer.ts';
import { objectLabels } from '../mesh/objects.ts';

const BUILT_IN = ['Mock', 'Kubernetes', 'External'];

/** IST0126: networks that take endpoints from a registry that the mesh does not have. */
export const meshNetworks: Analyzer = {
  name: 'meshnetworks.MeshNetworksAnalyzer',
  codes: ['IST0126'],
  analyze(mesh, report) {
    const remote = mesh
      .of('Secret')
      .filter((secret) => objectLabels(secret)['istio/multiCluster'] === 'true')
      .flatMap((secret) => new Field(secret['data'], 'data').entries.map(([cluster]) => cluster));
    const known = new Set([...BUILT_IN, ...remote]);
    const object = {
      apiVersion: 'v1alpha1',
      kind: 'MeshNetworks',
      metadata: { name: 'meshnetworks', namespace: 'istio-system' },
    };
    for (const { network, registry } of mesh.registryEndpoints) {
      if (known.has(registry)) continue;
      report('IST0126', { object, path: `networks.${network}` }, { registry, network });
    }
  },
};
